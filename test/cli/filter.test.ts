/** `midtrain filter` through the real binary: exit codes, messages, --dry-run, --json. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInPipelines, stagedPipelines } from '../../src/stages/load-pipeline.ts';
import { prose } from '../jobs/corpus.ts';
import { runCli } from '../run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-cli-filter-'));
beforeAll(() => {
  const rows = [prose(1, 6), prose(2, 6), prose(1, 6), 'short'].map((text) => JSON.stringify({ text }));
  writeFileSync(join(root, 'good.jsonl'), `${rows.join('\n')}\n`);
  writeFileSync(join(root, 'torn.parquet'), 'PAR1 and then nothing');
  writeFileSync(
    join(root, 'pipeline.yaml'),
    'name: cli\ninputs: [{ path: good.jsonl }]\nsignals: [gopher-quality]\nthresholds: { use: [gopher-quality] }\ndedup: exact\n',
  );
});
afterAll(() => rmSync(root, { recursive: true }));
const run = (...args: string[]) => runCli(['filter', ...args], { cwd: root });

describe('midtrain filter', { timeout: 120_000 }, () => {
  it('ends with 0 and says what was kept and dropped', async () => {
    const { code, stdout } = await run('pipeline.yaml', '--out', 'out', '--workers', '1');
    expect(stdout).toContain('4 documents in, 2 kept (50.0 %)');
    expect(stdout).toMatch(/dropped +1 +25\.0 % +duplicate_exact/);
    expect(stdout).toMatch(/dropped +1 +25\.0 % +gopher_short_doc/);
    expect(code).toBe(0);
    expect(existsSync(join(root, 'out/run.json'))).toBe(true);
  });

  it('ends with 2 when some input cannot be read, names the file, and keeps the rest', async () => {
    const args = [
      '--input',
      'good.jsonl',
      '--input',
      'torn.parquet',
      '--out',
      'torn',
      '--json',
      '--workers',
      '1',
    ];
    const { code, stdout } = await run('pipeline.yaml', ...args);
    const summary = JSON.parse(stdout) as {
      ledger: { kept: number; failed: object };
      failures: { file: string }[];
    };
    expect(code).toBe(2);
    expect(summary.ledger).toMatchObject({ in: 5, kept: 2, failed: { unreadable: 1 } });
    expect(summary.failures[0]!.file).toContain('torn.parquet');
  });

  it('takes the text from the column that --column names, and refuses a name that is none', async () => {
    writeFileSync(join(root, 'other.jsonl'), `${JSON.stringify({ question: prose(3, 6) })}\n`);
    const args = ['pipeline.yaml', '--input', 'other.jsonl', '--out', 'mapped', '--workers', '1'];
    const mapped = await run(...args, '--column', 'text=question');
    expect(mapped.stdout).toContain('1 documents in, 1 kept');
    const wrong = await run(...args, '--column', 'body=question');
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('there is no document column body');
  });

  it('ends with 1 and a cure for a wrong key, a missing input and an unknown pipeline', async () => {
    writeFileSync(join(root, 'wrong.yaml'), 'name: x\nsignals: [math]\ntresholds: {}\n');
    const wrong = await run('wrong.yaml');
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('did you mean "thresholds"');
    const missing = await run('web', '--input', 'nowhere.jsonl');
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('nowhere.jsonl');
    const unknown = await run('math-wep');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('math-web');
  });

  it('prints the plan with --dry-run and writes nothing', async () => {
    const { code, stdout } = await run('pipeline.yaml', '--dry-run', '--out', 'dry');
    expect(code).toBe(0);
    expect(stdout).toContain('gopher_short_doc');
    expect(existsSync(join(root, 'dry'))).toBe(false);
  });

  it('says beside each reason what its rule does, what went through each stage, and what to do next', async () => {
    const { stdout } = await run('pipeline.yaml', '--out', 'out', '--workers', '1');
    expect(stdout).toMatch(/documents +share +reason +kept if +fails +only/);
    expect(stdout).toMatch(/dropped +1 +25\.0 % +gopher_short_doc +gopher\.word_count >= 50 +1 +\d/);
    expect(stdout).toMatch(/dedup exact +3 +2 +66\.7 % +1 cluster of 2 documents, the largest of 2/);
    expect(stdout).toContain('midtrain inspect out; the duplicates: add --clusters');
  });

  it('tells a benchmark of the wrong kind or shape before anything is written, also with --dry-run', async () => {
    writeFileSync(join(root, 'items.jsonl'), '{"question": "What is two and two?", "answer": "four"}\n');
    for (const more of [[], ['--dry-run']]) {
      const card = await run('pipeline.yaml', '--benchmark', 'gsm8k=items.jsonl', '--out', 'marked', ...more);
      expect(card.stderr).toContain('not a benchmark');
      const shape = await run('pipeline.yaml', '--benchmark', 'mine=good.jsonl', '--out', 'marked', ...more);
      expect(shape.stderr).toContain('has a problem for the benchmark mine');
      expect([card.code, shape.code]).toEqual([1, 1]);
    }
    expect(existsSync(join(root, 'marked'))).toBe(false);
    const plan = await run('pipeline.yaml', '--benchmark', 'mine=items.jsonl', '--dry-run');
    expect(plan.stdout).toMatch(/benchmark +mine: 1 item /);
    expect(plan.stdout).toMatch(/contamination\.exact +<= +0 +else +contaminated/);
  });

  it('warns when the name of a benchmark is nearly that of a card', async () => {
    writeFileSync(join(root, 'near.jsonl'), '{"question": "What is two and two?", "answer": "four"}\n');
    const { stderr, code } = await run('pipeline.yaml', '--benchmark', 'gsm8k-tst=near.jsonl', '--dry-run');
    expect(stderr).toContain('did you mean gsm8k-test?');
    expect(code).toBe(0);
  });

  it('warns when a pipeline decontaminates against nothing', async () => {
    const { stderr, code } = await run('megamath-web', '--input', 'good.jsonl', '--dry-run');
    expect(stderr).toContain('nothing is decontaminated');
    expect(code).toBe(0);
  });

  it('says with --dry-run what dedup means in both its names, and which classifiers are left out', async () => {
    const { stdout } = await run('megamath-web', '--input', 'good.jsonl', '--dry-run');
    expect(stdout).toMatch(/11 bands \(buckets\) x 10 rows \(hashes per bucket\).*threshold 0\.787/);
    expect(stdout).toContain('classifier math has no model');
    expect(stdout).toContain('masked');
  });

  it('lists the built-in pipelines with a line each, in --list, its JSON and --help', async () => {
    const list = await run('--list', '--json');
    const pipelines = JSON.parse(list.stdout) as { name: string; description: string }[];
    const all = [...new Set([...builtInPipelines(), ...stagedPipelines()])].sort();
    expect(pipelines.map(({ name }) => name)).toEqual(all);
    const help = (await run('--help')).stdout;
    const text = (await run('--list')).stdout;
    const width = Math.max(...all.map((name) => name.length)) + 4;
    for (const { name, description } of pipelines) {
      expect(description.length).toBeGreaterThan(40);
      const start = `  ${name}`.padEnd(width) + description.slice(0, 20);
      expect(help).toContain(start);
      expect(text).toContain(start);
    }
    const none = await run();
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('finemath-4plus');
  });
});
