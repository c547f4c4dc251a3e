/** What is told of a job on Slurm from its folder: its standing without a scheduler, its logs, what an element does with its ranks. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeSlurmStatus } from '../../src/cli/slurm-text.ts';
import { InterruptedError, UserError } from '../../src/core/errors.ts';
import { lastLines } from '../../src/slurm/element-logs.ts';
import { newestLogs } from '../../src/slurm/newest-logs.ts';
import { SchedulerError } from '../../src/slurm/scheduler-error.ts';
import { elementsIn, slurmStatus } from '../../src/slurm/slurm-status.ts';
import { workElement } from '../../src/slurm/work-element.ts';
import { scratchFolder } from '../io/scratch.ts';
import { SlurmHarness } from './slurm-harness.ts';

const scratch = scratchFolder();
const make = (yaml = '{ ranks: 4, tasks_per_job: 2 }'): SlurmHarness =>
  new SlurmHarness(
    mkdtempSync(join(scratch, 'run-')),
    [
      { name: 'measure', items: 7 },
      { name: 'conclude', items: 1, alone: true },
    ],
    yaml,
  );

describe('the status of a job', () => {
  it('is told from markers when Slurm cannot be asked', async () => {
    const h = make();
    await h.advance();
    await h.pump(1);
    h.scheduler.beforeCall = () => {
      throw new SchedulerError('absent', 'squeue was not found', 'run this on a login node');
    };
    const status = await slurmStatus(h.job, h.scheduler);
    expect(status).toMatchObject({
      state: 'unknown',
      queueUnknown: 'squeue was not found',
      missing: [{ element: 1, ranks: [2, 3], tries: 1 }],
    });
    expect(status.stages).toMatchObject([
      { name: 'measure', items: 7, ranks: 4, elements: 2, submissions: 1, ids: ['1'] },
    ]);
    expect(status.stages[0]!.done).toBe(h.job.done.length);
    const text = describeSlurmStatus(status, '/');
    expect(text).toMatch(
      /measure +3 of 7 items +4 ranks in 2 elements +submitted once +job 1 +squeue not available/,
    );
    expect(text).toContain('left: element 1 (ranks 2, 3): 4 items');
  });

  it('says what is in the queue and why it waits, or that nothing is and what the last reconcile job said', async () => {
    const h = make();
    await h.advance();
    const queued = await slurmStatus(h.job, h.scheduler);
    expect(queued.state).toBe('queued');
    expect(queued.stages[0]!.queued).toEqual({ PENDING: 2 });
    expect(describeSlurmStatus(queued, '/')).toContain('1_0 waits: Priority');
    // Between two stages nothing but the reconcile job is there, and it is what goes on.
    h.scheduler.lose(({ name }) => !name.includes('reconcile'));
    expect((await slurmStatus(h.job, h.scheduler)).state).toBe('queued');
    h.scheduler.lose(() => true);
    writeFileSync(join(h.slurm.logs, 'measure.1.reconcile.2.log'), 'error: no space left\n');
    const idle = await slurmStatus(h.job, h.scheduler);
    expect(idle.state).toBe('idle');
    expect(describeSlurmStatus(idle, '/')).toMatch(
      /reconcile\.2\.log:\n {2}error: no space left\nnothing of it is in the queue/,
    );
  });

  it('counts the elements that one line of squeue stands for', () => {
    expect(['32', '32_8', '32_[9-23%2]', '32_[0,4-7]', '32_[5]'].map(elementsIn)).toEqual([1, 1, 15, 5, 1]);
  });

  it('is partial when it is done with losses', async () => {
    const h = make();
    await h.advance();
    await h.pump();
    expect((await slurmStatus(h.job, h.scheduler)).state).toBe('done');
    h.job.losses = [{ item: 'measure-3', file: 'a.parquet', problem: 'row group 2: cut short' }];
    const status = await slurmStatus(h.job, h.scheduler);
    expect(status.state).toBe('partial');
    expect(describeSlurmStatus(status, '/')).toContain('lost: measure-3: a.parquet: row group 2: cut short');
  });

  it('is not written down by looking', async () => {
    const h = make();
    await h.advance();
    h.scheduler.lose(() => true);
    await slurmStatus(h.job, h.scheduler);
    expect(h.slurm.submissions(h.job.plan)[0]!.ended).toBe(false);
  });
});

describe('logs', () => {
  const asked = { stage: undefined, rank: undefined, all: false, lines: 2 };

  it('are the newest of each element that has something left', async () => {
    const h = make();
    h.begins = ({ stage, element }) => {
      if (stage === 'measure' && element === 1) throw new Error('killed');
    };
    await h.advance();
    await h.pump(4);
    const log = (name: string, text: string): void => writeFileSync(join(h.slurm.logs, name), text);
    log('measure.1.0.log', 'done\n');
    log('measure.1.1.log', 'first try\n');
    log('measure.2.1.log', 'a\nb\nc\n');
    expect(await newestLogs(h.job, asked)).toMatchObject([
      {
        element: 1,
        ranks: [2, 3],
        attempt: 2,
        path: join(h.slurm.logs, 'measure.2.1.log'),
        lines: ['b', 'c'],
      },
    ]);
    expect(await newestLogs(h.job, { ...asked, all: true })).toMatchObject([
      { lines: ['done'], left: 0 },
      { left: 4 },
    ]);
    expect(await newestLogs(h.job, { ...asked, rank: 1 })).toMatchObject([{ element: 0 }]);
  });

  it('of a stage or rank that there is not are refused with those that there are', async () => {
    const h = make();
    expect(await newestLogs(h.job, asked)).toEqual([]);
    await h.advance();
    await expect(newestLogs(h.job, { ...asked, rank: 4 })).rejects.toMatchObject({
      hint: 'its ranks are 0 to 3',
    });
    await expect(newestLogs(h.job, { ...asked, stage: 'finish' })).rejects.toMatchObject({
      hint: 'stages that were: measure',
    });
    expect(await newestLogs(h.job, asked)).toMatchObject([
      { path: null, lines: [] },
      { path: null, lines: [] },
    ]);
  });

  it('are read from their end', () => {
    const path = join(scratch, 'long.log');
    writeFileSync(path, `${'x'.repeat(400_000)}\none\ntwo\n`);
    expect(lastLines(path, 2)).toEqual(['one', 'two']);
    writeFileSync(path, '');
    expect(lastLines(path, 2)).toEqual([]);
    expect(lastLines(join(scratch, 'none.log'), 2)).toEqual([]);
  });
});

describe('an element', () => {
  const share = {
    stage: 'measure',
    element: 0,
    workers: 1,
    drain: new AbortController().signal,
    emit: () => {},
  };

  it('does its ranks one after the other; what stops one does not stop the next', async () => {
    const h = make();
    await h.advance();
    const [first, second] = h.slurm.stage('measure', h.job.plan)!.ranks;
    h.job.before = (_, item) => {
      if (first!.includes(item)) throw new UserError('another copy of this rank is at work');
    };
    await expect(workElement(h.job, share)).rejects.toThrow('another copy');
    expect(h.job.done).toEqual(second!.toSorted());
    h.job.before = () => {};
    expect(await workElement(h.job, share)).toMatchObject({ ranks: [0, 1], done: first!.length, left: 0 });
  });

  it('that is told to stop begins no further rank and counts what is left', async () => {
    const h = make();
    await h.advance();
    const [first, second] = h.slurm.stage('measure', h.job.plan)!.ranks;
    const stop = new AbortController();
    h.job.before = () => stop.abort();
    expect(await workElement(h.job, { ...share, drain: stop.signal })).toEqual({
      ranks: [0, 1],
      done: 1,
      left: first!.length + second!.length - 1,
      drained: true,
    });
    h.job.before = () => {
      throw new InterruptedError();
    };
    // Those of a rank that was cut short count as left, whether or not some of them were done before.
    expect(await workElement(h.job, share)).toMatchObject({
      done: 0,
      left: first!.length + second!.length,
    });
  });

  it('of another stage, plan or number is refused', async () => {
    const h = make();
    await expect(workElement(h.job, share)).rejects.toThrow('was not given to Slurm');
    await h.advance();
    await expect(workElement(h.job, { ...share, element: 2 })).rejects.toThrow(
      'has no element 2 (there are 0 to 1)',
    );
  });
});
