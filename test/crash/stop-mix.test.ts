/** `midtrain mix` stopped with SIGTERM, and under a limit on file sizes: exit codes, no manifest, nothing half-written, and the same bytes after. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecord } from '../../src/io/run-record.ts';
import { type CliOptions, type CliResult, repository, runCli } from '../run-cli.ts';
import { leftoversIn, mixHashes, writeSmallMix } from './small-mix.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-stop-mix-'));
const out = (name: string): string => join(root, name);
const args = (name: string): string[] => [
  'mix',
  join(root, 'local.yaml'),
  '--packing',
  'best-fit',
  '--per-source',
  '--out',
  out(name),
];
const script = join(repository, 'src/main.ts');
const runMix = (name: string, options: CliOptions = {}): Promise<CliResult> =>
  runCli(args(name), { script, timeoutMs: 120_000, ...options });
/** Some lines of its data are damaged. */
const done = 2;
let expected: Record<string, string>;

beforeAll(async () => {
  writeSmallMix(root);
  expect((await runMix('whole')).code).toBe(done);
  expected = mixHashes(out('whole'));
});
afterAll(() => rmSync(root, { recursive: true }));

describe('a mixture that is stopped', { timeout: 600_000 }, () => {
  it('ends with 130 on SIGTERM, without a manifest, and goes on', async () => {
    const stopped: string[] = [];
    for (const sign of ['run.json', 'cache', 'tokenizer', 'shards/00000.ds', 'per-source'] as const) {
      const { code } = await runMix('stopped', {
        during: async (child) => {
          const isThere = (): boolean => existsSync(join(out('stopped'), sign));
          while (!isThere() && child.exitCode === null) await sleep(1);
          child.kill('SIGTERM');
        },
      });
      if (code !== done) {
        expect(code, sign).toBe(130);
        expect(existsSync(join(out('stopped'), 'manifest.json'))).toBe(false);
        expect(leftoversIn(out('stopped'))).toEqual([]);
        stopped.push(sign);
      }
      expect((await runMix('stopped')).code).toBe(done);
      expect(mixHashes(out('stopped'))).toEqual(expected);
      expect(readRecord(out('stopped')).status).toBe('done');
      rmSync(out('stopped'), { recursive: true });
    }
    process.stdout.write(`SIGTERM: stopped at ${stopped.join(', ')}\n`);
    expect(stopped.length).toBeGreaterThanOrEqual(2);
  });

  it('ends with 1 under ulimit -f, without a manifest, and goes on', async () => {
    for (const blocks of [8, 60, 200]) {
      const { status, stderr } = spawnSync(
        'sh',
        ['-c', `ulimit -f ${blocks}; exec "$@"`, 'sh', process.execPath, script, ...args('limited')],
        { encoding: 'utf8', env: { ...process.env, NODE_COMPILE_CACHE: undefined } },
      );
      expect(stderr, String(blocks)).toMatch(/cannot write .*\(ulimit -f\)|cannot write [\s\S]*ulimit -f/);
      expect(status).toBe(1);
      expect(existsSync(join(out('limited'), 'manifest.json'))).toBe(false);
      expect((await runMix('limited')).code).toBe(done);
      expect(mixHashes(out('limited'))).toEqual(expected);
      rmSync(out('limited'), { recursive: true });
    }
  });
});
