/** A filter job over real pages whose elements are told to stop: time limit, requeue, scancel, midtrain jobs cancel. It goes on: the bytes of the local run. */
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Trial, type TrialOptions } from './trial.ts';

const prepared = inject('prepared');
let trial: Trial;
const start = async (options?: TrialOptions): Promise<Trial> =>
  (trial = await Trial.start(prepared!, options));
afterEach(async () => await trial?.cluster.stop());

/** An element that was told to stop says so once it has finished what it had in hand; one that was killed says nothing. */
const drained = /told to stop: what is left is submitted again/;

describe.skipIf(prepared === undefined)('a filter job on Slurm gives the bytes of the local run', () => {
  it('when the time limit is too short for a rank: the unit in hand is finished, the rest submitted again', async () => {
    // Slurm looks twice a minute, so the signal comes up to 60 s early; a shorter limit is refused.
    await start({
      slurm: { ranks: 2, grace: 50, stages: { measure: { time: '00:02:00' } } },
    });
    const run = trial.launch();
    // Stopped until Slurm's own SIGCONT and SIGTERM.
    const { workers } = await trial.holdWithin('measure', 2);
    const { id } = trial.submission('measure')!.arrays[0]!;
    await trial.ends(run);
    expect(workers.length).toBe(2);
    expect(trial.attempts('measure')).toBeGreaterThanOrEqual(2);
    for (const { environment } of workers)
      expect(trial.log('measure', 1, environment.get('SLURM_ARRAY_TASK_ID')!)).toMatch(drained);
    const states = trial.ended().filter(({ ArrayJobId }) => ArrayJobId === id);
    expect(states.map(({ JobState }) => JobState)).not.toContain('TIMEOUT');
    await trial.isLikeLocal();
  });

  it('when the batch process gets the warning signal: the element ends by itself, and no try is counted', async () => {
    await start({ slurm: { max_attempts: 1 } });
    const run = trial.launch();
    const { workers, release } = await trial.holdWithin('measure', 2);
    const { id } = trial.submission('measure')!.arrays[0]!;
    const element = workers[0]!.environment.get('SLURM_ARRAY_TASK_ID')!;
    trial.cluster.command('scancel', '--batch', '--signal=TERM', `${id}_${element}`);
    release();
    await trial.ends(run);
    expect(trial.submission('measure', 2)!.arrays.flatMap(({ indexes }) => indexes)).toEqual([
      Number(element),
    ]);
    await trial.isLikeLocal();
  });

  it('when an element is requeued', async () => {
    await start();
    const { cluster } = trial;
    const run = trial.launch();
    const { workers, release } = await trial.holdWithin('measure', 2);
    const { id } = trial.submission('measure')!.arrays[0]!;
    const element = workers[0]!.environment.get('SLURM_ARRAY_TASK_ID')!;
    cluster.command('scontrol', 'requeue', `${id}_${element}`);
    release();
    await trial.until(() =>
      trial.workers('measure').some(({ environment }) => environment.get('SLURM_RESTART_COUNT') === '1'),
    );
    await trial.ends(run);
    expect(trial.attempts('measure')).toBe(1); // the same element did its rest
    expect(trial.log('measure', 1, element)).toMatch(drained);
    await trial.isLikeLocal();
  });

  it('when the array is cancelled by hand', async () => {
    await start();
    const run = trial.launch();
    const { release } = await trial.holdWithin('measure', 2);
    const { id } = trial.submission('measure')!.arrays[0]!;
    trial.cluster.command('scancel', id!);
    release();
    await trial.ends(run);
    expect(trial.attempts('measure')).toBe(2);
    await trial.isLikeLocal();
  });

  it('after midtrain jobs cancel and retry', async () => {
    await start();
    await trial.ends(trial.launch('--json'));
    const { release } = await trial.holdWithin('measure', 2);
    const cancelled = trial.jobs('cancel');
    release();
    await cancelled;
    await trial.isThrough();
    const status = JSON.parse(await trial.jobs('status', '--json')) as { state: string };
    expect(status.state).toBe('cancelled');
    expect(trial.attempts('measure')).toBe(1);
    await trial.jobs('retry');
    await trial.isLikeLocal();
  });
});
