/**
 * Whoever submits is killed: the launcher, or a reconcile job, before, between and after its calls of sbatch. Another one goes on: the bytes of the
 * local run. The moment is the n-th call of sbatch, which a script in its place counts.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Trial, type TrialOptions } from './trial.ts';

const prepared = inject('prepared');
let trial: Trial;
const start = async (options?: TrialOptions): Promise<Trial> =>
  (trial = await Trial.start(prepared!, options));
afterEach(async () => await trial?.cluster.stop());

/** sbatch that kills its caller at its n-th call, before it was heard or once the job is in the queue. */
function killAt(call: number, when: 'before' | 'after'): string {
  const count = join(trial.cluster.folder, 'calls');
  trial.wrap(
    'sbatch',
    `#!/bin/bash
echo call >> ${count}
calls=$(wc -l < ${count})
if [ $calls = ${call} ] && [ ${when} = before ]; then kill -9 $PPID; exit 1; fi
said=$(${join(prepared!.slurm.commands, 'sbatch')} "$@"); code=$?
if [ $calls = ${call} ] && [ ${when} = after ]; then kill -9 $PPID; exit 1; fi
echo "$said"
exit $code
`,
  );
  return count;
}

const calls = (count: string): number =>
  existsSync(count) ? readFileSync(count, 'utf8').split('\n').length - 1 : 0;

const moments = [
  { call: 1, when: 'before', what: 'before the array is submitted' },
  { call: 1, when: 'after', what: 'once the array is submitted, its id unknown' },
  { call: 2, when: 'before', what: 'between the array and its reconcile job' },
  { call: 2, when: 'after', what: 'once the reconcile job is submitted, its id unknown' },
] as const;

describe.skipIf(prepared === undefined)('a filter job on Slurm gives the bytes of the local run', () => {
  for (const { call, when, what } of moments) {
    it(`when the launcher is killed ${what}, and started again`, async () => {
      await start();
      killAt(call, when);
      expect((await trial.launch().ended).signal).toBe('SIGKILL');
      await trial.ends(trial.launch());
      expect(trial.attempts('measure')).toBe(1);
      await trial.isLikeLocal();
      // Whatever sbatch had accepted was found again by its name.
      const { arrays, reconciles } = trial.submission('measure')!;
      for (const { name, id } of [...arrays, ...reconciles]) {
        expect(trial.idsOf(name)).toEqual(id === null ? [] : [id]);
      }
      expect(reconciles.filter(({ id }) => id !== null).length).toBe(1);
    });
  }

  it('when the launcher is killed while it waits, and nobody starts it again', async () => {
    await start();
    const run = trial.launch();
    await trial.until(() => trial.submitted('measure'));
    run.child.kill('SIGKILL');
    await run.ended;
    await trial.isLikeLocal();
  });

  // Calls 3 and 4 are the reconcile job's after measure: the array of the next stage and the reconcile job after it.
  for (const { call, when, again } of [
    { call: 3, when: 'before', again: 'jobs retry' },
    { call: 3, when: 'after', again: 'the launcher' },
    { call: 4, when: 'before', again: 'jobs retry' },
    { call: 4, when: 'after', again: undefined },
  ] as const) {
    const then = again === undefined ? 'the next one goes on' : `nobody waits, then ${again} goes on`;
    it(`when the reconcile job is killed ${when} its call ${call - 2} of sbatch: ${then}`, async () => {
      await start();
      const count = killAt(call, when);
      await trial.ends(trial.launch('--json'));
      await trial.isThrough();
      if (again !== undefined) {
        expect(calls(count)).toBe(call);
        const status = JSON.parse(await trial.jobs('status', '--json')) as { state: string };
        expect(status.state).toBe('idle');
      }
      if (again === 'jobs retry') await trial.jobs('retry');
      if (again === 'the launcher') await trial.ends(trial.launch());
      await trial.isLikeLocal();
    });
  }
});
