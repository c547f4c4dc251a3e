/** `midtrain recut` and `midtrain inspect` through the real binary: what they print, refuse and write, with pipes and on a terminal. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prose } from '../jobs/corpus.ts';
import { hasTerminal, runCli, runInTerminal } from '../run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-cli-recut-'));
const attack = '\x1b]0;owned\x07\x1b[2J\u202e';
beforeAll(async () => {
  const texts = [prose(1, 3), prose(2, 12), prose(1, 3), `${attack} ${prose(3, 12)}`, 'short', prose(2, 12)];
  const rows = texts.map((text, i) => JSON.stringify({ id: `d${i}`, text }));
  writeFileSync(join(root, 'in.jsonl'), `${rows.join('\n')}\n`);
  writeFileSync(
    join(root, 'pipeline.yaml'),
    'name: cut\ninputs: [{ path: in.jsonl }]\nsignals: [gopher-quality]\nthresholds: { use: [gopher-quality] }\ndedup: exact\n',
  );
  const { code, stderr } = await runCli(['filter', 'pipeline.yaml', '--out', 'run', '--workers', '1'], {
    cwd: root,
  });
  if (code !== 0) throw new Error(stderr);
}, 120_000);
afterAll(() => rmSync(root, { recursive: true }));
const run = (...args: string[]) => runCli(args, { cwd: root });

describe('midtrain recut', { timeout: 120_000 }, () => {
  it('prints what a looser bound gains, alone and by rule, with examples, and writes nothing', async () => {
    const { code, stdout } = await run('recut', 'run', '--set', 'gopher_short_doc=20');
    expect(stdout).toContain('kept before  2 documents');
    expect(stdout).toContain('kept after   3 documents');
    expect(stdout).toMatch(/gopher_short_doc +gopher\.word_count >= 50 -> 20 +3 +1 +\+1 +≈/);
    expect(stdout).toMatch(
      /lower gopher\.word_count min from 50 to 20 \(gopher_short_doc\): \+1 documents, ≈\+/,
    );
    expect(stdout).toMatch(
      /gained, dropped before as gopher_short_doc:\n {2}d0 {2}gopher\.word_count = \d+, asked for >= 50\n/,
    );
    expect(code).toBe(0);
    expect(stdout).toContain('nothing was written');
    expect(stdout).toMatch(/\d+ more rules drop nothing/);
    expect(stdout).not.toContain('gopher_long_doc');
    expect(existsSync(join(root, 'out'))).toBe(false);
  });

  it('prints the same as one JSON document', async () => {
    const { code, stdout } = await run(
      'recut',
      'run',
      '--set',
      'gopher.word_count.min=20',
      '--json',
      '--examples',
      '1',
    );
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({
      documents: 6,
      before: { documents: 2 },
      after: { documents: 3 },
      gained: { documents: 1 },
      lost: { documents: 0 },
      changes: [{ reason: 'gopher_short_doc', from: 50, to: 20, documents: 1 }],
      tokensExact: false,
    });
    expect((report.examples as { gained: { id: string }[] }).gained.map(({ id }) => id)).toEqual(['d0']);
    expect(code).toBe(0);
  });

  it('writes a run folder that is kept, inspected and cut again, and refuses to overwrite it', async () => {
    const { code, stdout } = await run(
      'recut',
      'run',
      '--use',
      'gopher-quality',
      '--set',
      'gopher_short_doc=20',
      '--write',
      'out',
    );
    expect(stdout).toContain('written: 3 documents');
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(join(root, 'out/ledger.json'), 'utf8'))).toMatchObject({ in: 6, kept: 3 });
    const again = await run('recut', 'run', '--set', 'gopher_short_doc=20', '--write', 'out');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('not empty');
    for (const command of ['status', 'retry']) {
      const job = await run('jobs', command, 'out');
      expect(job.stderr).toContain('is a written recut of');
      expect(job.code).toBe(1);
    }
    const back = await run('recut', 'out', '--set', 'gopher_short_doc=50', '--json');
    expect(JSON.parse(back.stdout)).toMatchObject({ before: { documents: 3 }, after: { documents: 2 } });
    const kept = await run('inspect', 'out', '--reason', 'kept', '--json');
    expect(
      kept.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id),
    ).toEqual(['d0', 'd1', 'd3']);
  });

  it.each([
    [['--set', 'gopher_short_dok=3'], 'did you mean "gopher_short_doc"?'],
    [['--set', 'gopher_short_doc=50'], 'changes nothing'],
    [['--set', 'gopher_short_doc=many'], 'expected a number'],
    [['--use', 'gopher-qualty'], 'did you mean "gopher-quality"?'],
    [['--use', 'gopher-quality', '--pipeline', 'web'], 'give one of them'],
    [['--thresholds', 'nowhere.yaml'], 'nowhere.yaml'],
    [[], 'no thresholds are given'],
    [['--set', 'gopher_short_doc=20', '--dropped'], '--write'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run('recut', 'run', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });
});

describe('midtrain inspect', { timeout: 120_000 }, () => {
  it('shows the duplicate clusters with the copy that stays and why', async () => {
    const { code, stdout } = await run('inspect', 'run', '--clusters');
    expect(stdout).toContain('exact: 2 clusters of 4 documents, the largest of 2');
    // The copies of the short text are a cluster although a rule drops both.
    expect(stdout).toMatch(
      /cluster 0: 2 documents; none stays: the rules drop every copy\n +gopher_short_doc +d0 /,
    );
    expect(stdout).toMatch(/cluster 1: 2 documents; the first stays\n +stays +d1 .*\n +copy +d5 /);
    expect(code).toBe(0);
  });

  it('prints clusters as JSON lines, as many as asked for', async () => {
    const { stdout } = await run('inspect', 'run', '--clusters', 'exact', '--json', '--limit', '1');
    const lines = stdout.trim().split('\n');
    expect(lines.length).toBe(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      step: 'exact',
      cluster: 0,
      size: 2,
      stays: null,
      keep: 'first',
      membersLeftOut: 0,
      members: [
        { id: 'd0', reason: 'gopher_short_doc' },
        { id: 'd2', reason: 'gopher_short_doc' },
      ],
    });
  });

  it.each([
    [['--clusters', 'minhsh'], 'its steps are exact'],
    [['--clusters', 'exat'], 'did you mean exact?'],
    [['--clusters', '--reason', 'kept'], 'cannot be given with --reason'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run('inspect', 'run', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });

  it('prints documents as text into a pipe, with what a page hides as escapes', async () => {
    const { code, stdout } = await run('inspect', 'run', '--reason', 'kept', '--search', 'owned');
    expect(stdout).toContain('\\x1b]0;owned\\x07\\x1b[2J\\u202e');
    expect(stdout).not.toMatch(/[\x1b\x07\u202e]/);
    expect(stdout).toMatch(/gopher\.word_count +\d+ >= 50 +\+\d+ gopher_short_doc/);
    expect(code).toBe(0);
  });

  it('prints JSON lines, as many as asked for, nearest to a bound first', async () => {
    const { stdout } = await run(
      'inspect',
      'run',
      '--reason',
      'gopher_short_doc',
      '--margin',
      '--json',
      '--limit',
      '2',
    );
    const documents = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; margins: Record<string, number> });
    expect(documents.map(({ id }) => id)).toEqual(['d0', 'd2']);
    expect(documents[0]!.margins.gopher_short_doc).toBeLessThan(0);
    expect(stdout).not.toContain('\u202e');
  });

  it('refuses a reason that no rule has, and a folder that is no run', async () => {
    const wrong = await run('inspect', 'run', '--reason', 'gopher_short');
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('did you mean "gopher_short_doc"?');
    const nowhere = await run('inspect', 'nowhere');
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain('no plan.json');
  });

  it.skipIf(!hasTerminal)('pages through documents on a terminal and gives it back', async () => {
    const { shows, type, ended } = await runInTerminal(['inspect', 'run'], {
      cwd: root,
      columns: 80,
      rows: 24,
    });
    await shows('1/6 all  d0');
    type('n');
    await shows('2/6 all  d1');
    type('r');
    await shows('1/2 kept  d1');
    type('n');
    await shows('\\x1b]0;owned\\x07');
    type('q');
    expect(await ended).toBe(0);
  });
});
