/** Who may work in a job's folder with whom, and when the lock of a holder on another host is that of a dead one. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import type { AskScheduler } from '../../src/jobs/ask-squeue.ts';
import {
  holdersOf,
  rankAtWork,
  shareLockName,
  takeJobLock,
  takeShareLock,
  waitForJobLock,
} from '../../src/jobs/job-locks.ts';
import { lockName, takeLock } from '../../src/jobs/lock.ts';

let folder: string;
const environment = { ...process.env };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'midtrain-job-locks-'));
});
afterEach(() => {
  process.env = { ...environment };
  rmSync(folder, { recursive: true });
});

const signal = new AbortController().signal;
const share = { stage: 'measure', items: ['0000-a', '0001-b'] };
const ask =
  (answer: boolean | undefined, asked: string[] = []): AskScheduler =>
  ({ job }) => {
    asked.push(job);
    return answer;
  };

function foreign(name: string, slurm?: { job: string; name?: string }): void {
  writeFileSync(join(folder, name), JSON.stringify({ host: 'elsewhere', pid: 7, started: '9', slurm }));
}

describe('the locks of a job', () => {
  it('let shares of other items in beside each other, of the same items only one', async () => {
    const one = await takeShareLock(folder, share, signal);
    const turned = { stage: 'measure', items: [...share.items].reverse() };
    await expect(takeShareLock(folder, turned, signal, { patience: 0 })).rejects.toThrow(
      /another run \(process \d+\)/,
    );
    const others = [
      await takeShareLock(folder, { stage: 'measure', items: ['0001-b'] }, signal),
      await takeShareLock(folder, { stage: 'finish', items: share.items }, signal),
    ];
    expect(holdersOf(folder)).toHaveLength(3);
    for (const lock of [one, ...others]) lock.release();
    expect(holdersOf(folder)).toEqual([]);
    (await takeShareLock(folder, share, signal)).release();
  });

  it('keep shares and a run of the whole job apart, whoever comes first', async () => {
    const whole = takeJobLock(folder);
    await expect(takeShareLock(folder, share, signal, { patience: 0 })).rejects.toThrow(/job\.lock/);
    expect(rankAtWork(folder)).toBeUndefined(); // it let go of its own
    await expect(takeShareLock(folder, share, AbortSignal.abort())).rejects.toBeInstanceOf(InterruptedError);
    expect(rankAtWork(folder)).toBeUndefined();
    whole.release();
    const lock = await takeShareLock(folder, share, signal);
    expect(() => takeJobLock(folder)).toThrow(shareLockName(share));
    expect(existsSync(join(folder, lockName))).toBe(false);
    lock.release();
    takeJobLock(folder).release();
  });

  it('remember the Slurm job', async () => {
    Object.assign(process.env, { SLURM_JOB_ID: '41', SLURM_ARRAY_JOB_ID: '40', SLURM_ARRAY_TASK_ID: '3' });
    const lock = await takeShareLock(folder, share, signal);
    expect(holdersOf(folder)).toMatchObject([{ job: '40_3', alive: true, host: hostname() }]);
    lock.release();
    delete process.env.SLURM_ARRAY_JOB_ID;
    const other = takeLock(folder);
    expect(holdersOf(folder)).toMatchObject([{ lock: lockName, job: '41' }]);
    other.release();
  });
});

describe('a lock of a holder on another host', () => {
  it('is taken over when the scheduler knows its job to be gone, and refused when it runs or that cannot be told', () => {
    const asked: string[] = [];
    foreign(lockName, { job: '40_3' });
    expect(() => takeLock(folder, lockName, ask(true, asked))).toThrow(/host elsewhere, Slurm job 40_3/);
    expect(() => takeLock(folder, lockName, ask(undefined))).toThrow(/host elsewhere/);
    expect(holdersOf(folder, ask(undefined))).toMatchObject([{ alive: undefined, job: '40_3' }]);
    expect(holdersOf(folder, ask(false))).toMatchObject([{ alive: false }]);
    takeLock(folder, lockName, ask(false, asked)).release();
    expect(asked).toEqual(['40_3', '40_3']);
    expect(existsSync(join(folder, lockName))).toBe(false);
  });

  it('is never taken over without a Slurm job', () => {
    foreign(lockName);
    expect(() => takeLock(folder, lockName, ask(false))).toThrow(/host elsewhere/);
  });

  it('is dead when it is of the own job, which cannot run in two places', () => {
    const running = ask(true); // it is: this process is it
    foreign(lockName, { job: '41' });
    process.env.SLURM_JOB_ID = '42';
    expect(() => takeLock(folder, lockName, running)).toThrow(/Slurm job 41/);
    process.env.SLURM_JOB_ID = '41';
    takeLock(folder, lockName, running).release();
  });

  it('is waited for, and the scheduler asked anew at every look', async () => {
    let looks = 0;
    const ask = (): AskScheduler => {
      const isAlive = ++looks < 3;
      return () => isAlive;
    };
    foreign(shareLockName(share), { job: '40_1' });
    (await takeShareLock(folder, share, signal, { ask, patience: 60_000 })).release();
    foreign(shareLockName(share), { job: '40_1' });
    looks = 0;
    (await waitForJobLock(folder, signal, { ask, patience: 60_000 })).release();
    expect(looks).toBeGreaterThanOrEqual(3);
    expect(existsSync(join(folder, shareLockName(share)))).toBe(false);
  });

  it('of a share keeps a run of the whole job out as long as its job runs, and goes with it', () => {
    foreign(shareLockName(share), { job: '40_1' });
    expect(() => takeJobLock(folder, ask(true))).toThrow(shareLockName(share));
    expect(() => takeJobLock(folder, ask(undefined))).toThrow(shareLockName(share));
    takeJobLock(folder, ask(false)).release();
    expect(existsSync(join(folder, shareLockName(share)))).toBe(false);
  });
});

describe('asking squeue', () => {
  /** A squeue that notes its arguments and answers as told. */
  function fakeSqueue(script: string): () => string[] {
    const bin = join(folder, 'bin');
    const log = join(folder, 'squeue.log');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'squeue'), `#!/bin/sh\necho "$@" >> '${log}'\n${script}\n`);
    chmodSync(join(bin, 'squeue'), 0o755);
    process.env.PATH = `${bin}:${environment.PATH}`;
    rmSync(log, { force: true });
    return () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
  }
  const alive = (): (boolean | undefined)[] => holdersOf(folder).map((holder) => holder.alive);

  it('once an array tells its elements apart: on a node, waiting, finished', () => {
    for (const element of [1, 2, 3, 4]) foreign(`rank-${element}-of-9.lock`, { job: `40_${element}` });
    const calls = fakeSqueue("printf '40_1|RUNNING|a\\n40_2|PENDING|a\\n40_4|COMPLETING|a\\n'");
    expect(alive()).toEqual([true, false, false, true]);
    expect(calls()).toEqual(['-h -r -j 40 -o %i|%T|%j']);
  });

  it('takes a job of another name for another job: numbers are given again once the queue was lost', () => {
    foreign('rank-1-of-9.lock', { job: '40_1', name: 'midtrain-measure' });
    foreign('rank-2-of-9.lock', { job: '40_2', name: 'midtrain-measure' });
    fakeSqueue("printf '40_1|RUNNING|midtrain-measure\\n40_2|RUNNING|of somebody else\\n'");
    expect(alive()).toEqual([true, false]);
  });

  it('takes a job that it does not know for gone, and no answer for none', () => {
    foreign(lockName, { job: '12' });
    fakeSqueue("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1");
    expect(alive()).toEqual([false]);
    fakeSqueue("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1");
    expect(alive()).toEqual([undefined]);
    fakeSqueue('exit 0');
    expect(alive()).toEqual([false]);
    takeLock(folder).release();
    foreign(lockName, { job: '12' });
    process.env.PATH = join(folder, 'nowhere');
    expect(alive()).toEqual([undefined]);
    expect(() => takeLock(folder)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(`remove ${join(folder, lockName)}`) }),
    );
  });
});
