/** `midtrain filter` through the real binary: exit codes, messages, --dry-run, --json. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
});
