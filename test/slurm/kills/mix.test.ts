/** A mixture of real data on a real Slurm, left alone and with workers killed: the bytes of the local run. */
import { afterEach, describe, expect, inject, it } from 'vitest';
import { signal } from '../slurm-run.ts';
import { Trial } from './trial.ts';

const prepared = inject('prepared');
let trial: Trial;
afterEach(async () => await trial?.cluster.stop());

describe.skipIf(prepared === undefined)('a mix job on Slurm gives the bytes of the local run', () => {
  it('when it is left alone', async () => {
    trial = await Trial.start(prepared!, { job: 'mix' });
    await trial.ends(trial.launch());
    expect(trial.attempts('tokenise-1')).toBe(1);
    await trial.isLikeLocal();
  });

  it('when a worker is killed while it tokenises, and one that writes shards', async () => {
    trial = await Trial.start(prepared!, { job: 'mix' });
    const run = trial.launch();
    for (const stage of ['tokenise-1', 'shards']) {
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
