/** Slurm's own daemons are killed under a filter job over real pages: the bytes of the local run. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Trial, type TrialOptions } from './trial.ts';

const prepared = inject('prepared');
let trial: Trial;
const start = async (options?: TrialOptions): Promise<Trial> =>
  (trial = await Trial.start(prepared!, options));
afterEach(async () => await trial?.cluster.stop());

/** The controller dies before it has saved that there are jobs (it saves up to 5 s late), and comes back. */
async function loseQueue(): Promise<void> {
  await trial.cluster.kill('slurmctld');
  const state = join(trial.cluster.folder, 'state');
  for (const name of readdirSync(state)) if (name.startsWith('job_state')) rmSync(join(state, name));
  await trial.cluster.restart('slurmctld');
}

/** Waits until the controller has saved its queue as it is now: it saves what a comment on a job changed. */
async function saves(job: string, comment: string): Promise<void> {
  trial.cluster.command('scontrol', 'update', `jobid=${job}`, `comment=${comment}`);
  const state = join(trial.cluster.folder, 'state', 'job_state');
  await trial.until(() => existsSync(state) && readFileSync(state, 'latin1').includes(comment));
}

describe.skipIf(prepared === undefined)('a filter job on Slurm gives the bytes of the local run', () => {
  it('when slurmd is killed and comes back at once', async () => {
    await start();
    const run = trial.launch();
    const { release } = await trial.holdWithin('measure', 2);
    await trial.cluster.kill('n1');
    await trial.cluster.restart('n1');
    release();
    await trial.ends(run);
    expect(trial.attempts('measure')).toBe(1); // its jobs lived on
    await trial.isLikeLocal();
  });

  it('when slurmd stays away until its elements run on another node as well', async () => {
    await start();
    const { cluster } = trial;
    const run = trial.launch();
    const { workers, release } = await trial.holdWithin('measure', 3);
    const lost = workers.filter(({ environment }) => environment.get('SLURMD_NODENAME') === 'n1');
    expect(lost.length).toBeGreaterThan(0);
    await cluster.kill('n1');
    await trial.until(() =>
      cluster.command('sinfo', '--noheader', '--nodes=n1', '--format=%t').startsWith('down'),
    );
    release(); // the node is down to Slurm, yet its elements work: so do their twins on n2
    await trial.until(() =>
      trial.workers('measure').some(({ environment }) => environment.get('SLURM_RESTART_COUNT') === '1'),
    );
    await cluster.restart('n1');
    await trial.ends(run);
    await trial.isLikeLocal();
  });

  it('when slurmctld is killed right after the submission and has lost the queue', async () => {
    await start();
    const run = trial.launch();
    await trial.until(() => trial.submitted('measure'));
    await loseQueue();
    await trial.ends(run);
    await trial.isLikeLocal();
  });

  it('when slurmctld loses the queue in the middle of a stage', async () => {
    await start();
    const run = trial.launch();
    await trial.holdWithin('measure', 2); // killed by Slurm as orphans, never released
    await loseQueue();
    await trial.ends(run);
    expect(trial.attempts('measure')).toBe(2);
    await trial.isLikeLocal();
  });

  it('when slurmctld loses the queue and nobody waits: jobs retry goes on', async () => {
    await start();
    await trial.ends(trial.launch('--json'));
    await trial.holdWithin('measure', 2);
    await loseQueue();
    await trial.isThrough();
    // The queue is empty before the orphans are gone; as long as one lives, retry refuses.
    await trial.until(() => trial.workers('measure').length === 0);
    const status = JSON.parse(await trial.jobs('status', '--json')) as { state: string };
    expect(status.state).toBe('idle');
    await trial.jobs('retry');
    await trial.isLikeLocal();
  });

  it('when slurmctld is killed after it has saved the queue', async () => {
    await start();
    const { cluster } = trial;
    const run = trial.launch();
    const { arrays, reconciles } = await trial.until(() => trial.submitted('measure'));
    const { release } = await trial.holdWithin('measure', 3);
    await saves(`${reconciles[0]!.id}`, 'all-elements-run');
    await cluster.kill('slurmctld');
    await cluster.restart('slurmctld');
    expect(cluster.queue().map(({ arrayId }) => arrayId)).toContain(arrays[0]!.id);
    release();
    await trial.ends(run);
    expect(trial.attempts('measure')).toBe(1);
    await trial.isLikeLocal();
  });

  it('when slurmctld comes back with a state from before the elements ran', async () => {
    await start();
    const { cluster } = trial;
    cluster.command('scontrol', 'update', 'nodename=n1,n2', 'state=drain', 'reason=test');
    const run = trial.launch();
    const { reconciles } = await trial.until(() => trial.submitted('measure'));
    await saves(`${reconciles[0]!.id}`, 'all-elements-wait');
    const old = readFileSync(join(cluster.folder, 'state', 'job_state'));
    cluster.command('scontrol', 'update', 'nodename=n1,n2', 'state=resume');
    const { release } = await trial.holdWithin('measure', 3);
    await cluster.kill('slurmctld');
    writeFileSync(join(cluster.folder, 'state', 'job_state'), old);
    await cluster.restart('slurmctld');
    release();
    // It kills the elements as orphans or starts them a second time; then the nodes refuse ("Duplicate jobid") and are drained, the elements held.
    let over = false;
    void run.ended.then(() => (over = true));
    await trial.until(() => {
      for (const node of ['n1', 'n2']) {
        // One that Slurm has brought back by itself in between cannot be resumed, which is as good.
        const { stdout } = cluster.attempt('sinfo', '--noheader', `--nodes=${node}`, '--format=%t');
        if (/^drain/.test(stdout)) cluster.attempt('scontrol', 'update', `nodename=${node}`, 'state=resume');
      }
      return over;
    });
    await trial.ends(run);
    await trial.isLikeLocal();
  });
});
