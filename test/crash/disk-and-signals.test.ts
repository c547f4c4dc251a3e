/**
 * `midtrain filter` as a process: on a disk that fills up or cannot be written, under a limit on file sizes, stopped with SIGTERM or
 * killed, and what `midtrain jobs status` says meanwhile. Each time the rerun ends with the bytes of an undisturbed run.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { type JobStatus, jobStatus } from '../../src/jobs/job-status.ts';
import { outputHashes } from '../jobs/corpus.ts';
import { type Stage, stageOf, stages } from '../jobs/kill-job.ts';
import { mixedConfig, writeMixedCorpus } from '../jobs/mixed-corpus.ts';
import { type CliOptions, type CliResult, repository, runCli } from '../run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-disk-'));
const out = (name: string): string => join(root, name);
const disk = out('disk');
const pipeline = out('pipeline.yaml');
let expected: Record<string, string>;

function mount(...args: string[]): boolean {
  return spawnSync('sh', ['-c', 'exec mount "$@"', 'sh', ...args]).status === 0;
}

mkdirSync(disk);
const canMount = mount('-t', 'tmpfs', '-o', 'size=1m', 'none', disk);

beforeAll(async () => {
  await writeMixedCorpus(out('corpus'), { size: 60 });
  const config = mixedConfig(out('corpus'), false, { limits: { unitBytes: 16 * 1024, pageUnitBytes: 8192 } });
  writeFileSync(pipeline, JSON.stringify(config));
  expect((await filter(out('whole'))).code).toBe(0);
  expected = outputHashes(out('whole'));
});
afterAll(() => {
  if (canMount) spawnSync('sh', ['-c', 'umount "$0"', disk]);
  rmSync(root, { recursive: true });
});

function filter(folder: string, options: CliOptions = {}): Promise<CliResult> {
  return runCli(['filter', pipeline, '--out', folder, '--workers', '2'], { timeoutMs: 120_000, ...options });
}

function bytesIn(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return entries.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /\.tmp-|\.lock/.test(name));
}

describe('a filter job that cannot write', { timeout: 600_000 }, () => {
  it.skipIf(!canMount)(
    'ends with 1 and the file when the disk is full, and goes on when there is room',
    async () => {
      const need = bytesIn(out('whole'));
      const reached = new Set<Stage>();
      for (const share of [0.05, 0.4, 0.7, 0.85, 0.95, 1.05]) {
        mount('-o', `remount,size=${Math.round(need * share)}`, disk);
        const folder = join(disk, 'job');
        const { code, stderr } = await filter(folder);
        if (code !== 0) {
          expect(stderr).toMatch(/error: .*(no space left|ENOSPC)/);
          expect(stderr).toMatch(/hint: .*(room|space)/);
          expect(code).toBe(1);
          reached.add(stageOf(folder));
          mount('-o', `remount,size=${8 * need}`, disk);
          if (stageOf(folder) !== 'start') {
            const status = await jobStatus(folder, { verify: true });
            expect(status).toMatchObject({ state: 'unfinished', damaged: [], holders: [] });
          }
          expect((await filter(folder)).code).toBe(0);
        }
        expect(outputHashes(folder)).toEqual(expected);
        rmSync(folder, { recursive: true });
      }
      process.stdout.write(`full disk: failed in ${[...reached].join(', ')}\n`);
      expect(reached.size).toBeGreaterThanOrEqual(2);
    },
  );

  it.skipIf(!canMount)('ends with 1 on a read-only disk', async () => {
    mkdirSync(join(disk, 'there'));
    mount('-o', 'remount,ro', disk);
    for (const name of ['there', 'new/job']) {
      const { code, stderr } = await filter(join(disk, name));
      expect(stderr).toMatch(/read-only/);
      expect(stderr).toContain(join(disk, name));
      expect(code).toBe(1);
    }
    mount('-o', 'remount,rw', disk);
  });

  it('ends with 1 and the file under a limit on file sizes (ulimit -f), and goes on without it', async () => {
    const largest = (folder: string): number =>
      Math.max(...readdirSync(folder).map((name) => statSync(join(folder, name)).size));
    const small = statSync(join(out('whole'), 'plan.json')).size;
    const limit = Math.ceil((small + largest(join(out('whole'), 'signals'))) / 2 / 512);
    expect(512 * limit).toBeGreaterThan(small);
    const bin = join(repository, 'src/bin/midtrain.js');
    const args = ['filter', pipeline, '--out', out('limited'), '--workers', '2'];
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', `ulimit -f ${limit}; exec "$@"`, 'sh', process.execPath, bin, ...args],
      {
        encoding: 'utf8',
        env: { ...process.env, NODE_COMPILE_CACHE: undefined },
      },
    );
    expect(stderr).toMatch(/cannot write .*(signals|work|dropped)/);
    expect(stderr).toContain('ulimit -f');
    expect(status).toBe(1);
    expect(leftovers(out('limited'))).toEqual([]);
    expect((await filter(out('limited'))).code).toBe(0);
    expect(outputHashes(out('limited'))).toEqual(expected);
  });
});

/** Waits until the job in `folder` is at `stage` or beyond. */
async function reaches(folder: string, stage: Stage): Promise<void> {
  const until = performance.now() + 60_000;
  const isThere = (): boolean => stages.indexOf(stageOf(folder)) >= stages.indexOf(stage);
  while (!isThere() && performance.now() < until) await sleep(3);
}

describe('a filter job that is stopped', { timeout: 600_000 }, () => {
  it('ends with 130 on SIGTERM, leaves only whole files, and a rerun gives the same bytes', async () => {
    const random = new Random(`sigterm ${process.env.SEED ?? 1}`);
    const stopped: Stage[] = [];
    for (const stage of ['measure', 'measure', 'dedup', 'finish', 'finish'] as const) {
      const folder = out('stopped');
      const { code, stderr } = await filter(folder, {
        during: async (child) => {
          await reaches(folder, stage);
          await sleep(random.int(stage === 'dedup' ? 50 : 400));
          child.kill('SIGTERM');
        },
      });
      if (code !== 0) {
        expect(code, stderr).toBe(130);
        stopped.push(stageOf(folder));
        expect(stderr).toContain('run the same command again');
        expect(leftovers(folder)).toEqual([]);
        expect((await jobStatus(folder, { verify: true })).state).toBe('unfinished');
        const { status } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as { status: string };
        expect(status).toBe('interrupted');
      }
      expect((await filter(folder)).code).toBe(0);
      expect(outputHashes(folder)).toEqual(expected);
      rmSync(folder, { recursive: true });
    }
    process.stdout.write(`SIGTERM: stopped in ${stopped.join(', ')}\n`);
    expect(stopped.length).toBeGreaterThanOrEqual(3);
  });

  it('is running, unfinished and done for jobs status', async () => {
    const folder = out('watched');
    const seen: JobStatus[] = [];
    const { signal } = await filter(folder, {
      during: async (child) => {
        await reaches(folder, 'measure');
        await sleep(300);
        seen.push(await jobStatus(folder));
        const { stdout, code } = await runCli(['jobs', 'status', folder]);
        expect(stdout).toMatch(/: running\n.*measured +\d+ of \d+ units/s);
        expect(code).toBe(0);
        child.kill('SIGKILL');
      },
    });
    expect(signal).toBe('SIGKILL');
    expect(seen[0]).toMatchObject({ state: 'running', holders: [{ lock: 'job.lock', alive: true }] });
    const killed = await runCli(['jobs', 'status', folder]);
    expect(killed.stdout).toMatch(/: unfinished\n/);
    expect(killed.stdout).toContain('which is gone');
    expect(killed.stdout).toContain(`midtrain jobs retry ${folder}`);
    const retried = await runCli(['jobs', 'retry', folder, '--workers', '2'], { timeoutMs: 120_000 });
    expect(retried.code, retried.stderr).toBe(0);
    expect((await runCli(['jobs', 'status', folder, '--verify'])).stdout).toMatch(/: done\n/);
    expect(outputHashes(folder)).toEqual(expected);
  });
});
