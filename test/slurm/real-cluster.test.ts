/** The Slurm that other tests start: found or explained, and gone when its test has died. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, vi } from 'vitest';
import { processesWith } from './cluster-processes.ts';
import { findSlurm, noSlurm, unpackSlurm } from './unpack-slurm.ts';

const slurm = findSlurm();
if (slurm === undefined) process.stderr.write(`skipped: ${noSlurm}\n`);
afterEach(() => vi.unstubAllEnvs());

it('says what is missing where Slurm can neither be found nor fetched', () => {
  const empty = mkdtempSync(join(tmpdir(), 'midtrain-no-slurm-'));
  vi.stubEnv('PATH', empty);
  vi.stubEnv('MIDTRAIN_TEST_SLURM', join(empty, 'slurm'));
  expect(findSlurm()).toBeUndefined();
  expect(unpackSlurm).toThrow('apt-get is not here');
  rmSync(empty, { recursive: true });
});

it.skipIf(slurm === undefined)('leaves no daemon, job or folder behind when its test is killed', async () => {
  const script = fileURLToPath(new URL('./dying-cluster.ts', import.meta.url));
  const { stdout, signal, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  expect(signal, stderr).toBe('SIGKILL');
  expect(stdout).toContain('midtrain-slurm-');
  while (existsSync(stdout)) await sleep(20);
  expect(processesWith({ SLURM_CONF: join(stdout, 'slurm.conf') })).toEqual([]);
});
