/** A filter job over real pages on a real Slurm, left alone and with its workers killed: the bytes of the local run. */
import { afterEach, describe, expect, inject, it } from 'vitest';
import { signal } from '../slurm-run.ts';
import { Trial, type TrialOptions } from './trial.ts';

const prepared = inject('prepared');
let trial: Trial;
const start = async (options?: TrialOptions): Promise<Trial> =>
  (trial = await Trial.start(prepared!, options));
afterEach(async () => await trial?.cluster.stop());

describe.skipIf(prepared === undefined)('a filter job on Slurm gives the bytes of the local run', () => {
  it('when it is left alone', async () => {
    await start();
    await trial.ends(trial.launch());
    for (const stage of ['measure', 'compare', 'dedup', 'finish', 'conclude'])
      expect(trial.attempts(stage), stage).toBe(1);
    await trial.isLikeLocal();
  });

  it('in windows of arrays, several ranks to an element, some elements at a time', async () => {
    await start({ maxArraySize: 3, slurm: { ranks: 7, tasks_per_job: 2, concurrency: 2 } });
    await trial.ends(trial.launch());
    expect(trial.submission('measure')!.arrays.map(({ indexes }) => indexes.length)).toEqual([3, 1]);
    await trial.isLikeLocal();
  });

  for (const stage of ['measure', 'finish'] as const) {
    it(`when a worker is killed within ${stage}`, async () => {
      await start();
      const run = trial.launch();
      const { workers, release } = await trial.holdWithin(stage, 2);
      signal(workers[0]!.pid, 'SIGKILL');
      release();
      await trial.ends(run);
      expect(trial.attempts(stage)).toBe(2);
      const tried = trial.submission(stage, 2)!.arrays.flatMap(({ indexes }) => indexes);
      expect(tried).toEqual([Number(workers[0]!.environment.get('SLURM_ARRAY_TASK_ID'))]);
      await trial.isLikeLocal();
    });
  }

  it('when all workers of a stage are killed, twice', async () => {
    await start();
    const run = trial.launch();
    for (const attempt of [1, 2]) {
      await trial.until(() => trial.submitted('measure', attempt));
      const { workers } = await trial.holdWithin('measure');
      for (const { pid } of workers) signal(pid, 'SIGKILL');
      // Elements that had not begun when the others were held are killed as they come.
      await trial.until(() => {
        for (const { pid } of trial.workers('measure')) signal(pid, 'SIGKILL');
        return trial.submission('measure', attempt + 1) !== undefined;
      });
    }
    await trial.ends(run);
    expect(trial.attempts('measure')).toBeGreaterThanOrEqual(3);
    await trial.isLikeLocal();
  });

  it('when the worker is killed that clusters the copies, and the one that concludes', async () => {
    await start();
    const run = trial.launch();
    for (const stage of ['dedup', 'conclude']) {
      const [worker] = await trial.until(() => {
        const found = trial.workers(stage);
        return found.length > 0 && found;
      });
      signal(worker!.pid, 'SIGKILL');
      await trial.until(() => trial.submission(stage, 2));
    }
    await trial.ends(run);
    await trial.isLikeLocal();
  });
});
