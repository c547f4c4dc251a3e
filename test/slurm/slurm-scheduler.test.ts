/** Slurm's commands, faked: what is handed to them, what is made of their answers, and what a person is told when they fail. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SchedulerError } from '../../src/slurm/scheduler-error.ts';
import { outsideOfJob, SlurmScheduler } from '../../src/slurm/slurm-scheduler.ts';
import { scratchFolder } from '../io/scratch.ts';
import { FakeCluster } from './fake-cluster.ts';

const scratch = scratchFolder();

function make(waits: number[] = [], maxArraySize = 1001) {
  const cluster = new FakeCluster(mkdtempSync(join(scratch, 'cluster-')), { maxArraySize });
  const slept: number[] = [];
  const scheduler = new SlurmScheduler({
    waits,
    env: cluster.env,
    sleep: async (seconds) => void slept.push(seconds),
  });
  const script = (name: string): string => {
    const path = join(cluster.folder, `${name}.sbatch`);
    writeFileSync(path, `#!/bin/bash\n#SBATCH --job-name=${name}\n#SBATCH --array=0-1\n#SBATCH --output=x\n`);
    return path;
  };
  return { cluster, scheduler, slept, script };
}
const failure = (promise: Promise<unknown>): Promise<SchedulerError> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: unknown) => {
      if (error instanceof SchedulerError) return error;
      throw error;
    },
  );

describe('a scheduler that answers', () => {
  it('takes a script with its dependencies, and knows it by its name', async () => {
    const { cluster, scheduler, script } = make();
    expect(await scheduler.submit(script('a'), 'a', [])).toBe('1');
    expect(await scheduler.submit(script('b'), 'b', ['1', '7'])).toBe('2');
    expect(cluster.calls('sbatch').map((args) => args.slice(0, -1))).toEqual([
      ['--parsable'],
      ['--parsable', '--dependency=afterany:1:7'],
    ]);
    expect(await scheduler.queue(['a', 'z'])).toEqual([
      { id: '1', task: '1_0', name: 'a', state: 'PENDING', reason: 'Priority' },
      { id: '1', task: '1_1', name: 'a', state: 'PENDING', reason: 'Priority' },
    ]);
    await scheduler.cancel(['1']);
    expect(await scheduler.queue(['a', 'b'])).toMatchObject([{ name: 'b' }, { name: 'b' }]);
    expect(await scheduler.queue([])).toEqual([]);
  });

  it('tells MaxArraySize', async () => {
    expect(await make([], 4).scheduler.maxArraySize()).toEqual({ size: 4 });
  });

  it('does not mind that jobs to cancel have ended', async () => {
    const { cluster, scheduler } = make();
    cluster.trouble('scancel', 'scancel: error: Kill job error on job id 5: Invalid job id specified');
    await scheduler.cancel(['5']);
    cluster.trouble('scancel', 'scancel: error: Kill job error on job id 5: Access/permission denied');
    await expect(scheduler.cancel(['5'])).rejects.toThrow('permission denied');
  });
});

describe('a controller that is away', () => {
  it('is asked again after a while', async () => {
    const { cluster, scheduler, slept, script } = make([1, 2, 3]);
    cluster.trouble(
      'sbatch',
      'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)',
      { times: 2 },
    );
    expect(await scheduler.submit(script('a'), 'a', [])).toBe('1');
    expect(slept).toEqual([1, 2]);
  });

  it('that took a job without saying so is not given it twice', async () => {
    const { cluster, scheduler, script } = make([1]);
    cluster.trouble(
      'sbatch',
      'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation',
      { late: true },
    );
    expect(await scheduler.submit(script('a'), 'a', [])).toBe('1');
    expect(cluster.calls('sbatch')).toHaveLength(1);
    expect(cluster.names).toEqual(['a']);
  });

  it('is told in the end, with what helps', async () => {
    const { cluster, scheduler, slept } = make([1, 1]);
    cluster.trouble('squeue', 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)', {
      times: 3,
    });
    const error = await failure(scheduler.queue(['a']));
    expect(error.trouble).toBe('unreachable');
    expect(error.message).toContain(
      "squeue --noheader '--format=%F|%i|%j|%T|%r' --name=a ended with exit code 1",
    );
    expect(error.message).toContain('Unable to contact slurm controller');
    expect(error.hint).toContain('scontrol ping');
    expect(slept).toEqual([1, 1]);
  });

  it('leaves MaxArraySize to be assumed', async () => {
    const { cluster, scheduler } = make();
    cluster.trouble('scontrol', 'slurm_load_ctl_conf error: Unable to contact slurm controller');
    expect(await scheduler.maxArraySize()).toEqual({
      size: 1001,
      assumed: expect.stringContaining('Unable to contact slurm controller'),
    });
  });
});

it.each([
  [
    'Batch job submission failed: Invalid account or account/partition combination specified',
    'refused',
    'account',
  ],
  ['invalid partition specified: gpu', 'refused', 'set partition in slurm.yaml'],
  [
    'Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)',
    'refused',
    'lower time',
  ],
  ['Memory specification can not be satisfied', 'refused', 'lower memory or cpus'],
  ['Batch job submission failed: Requested node configuration is not available', 'refused', 'sinfo --Node'],
  ['Batch job submission failed: Invalid job array specification', 'refused', 'MaxArraySize'],
  ['Batch job submission failed: Invalid qos specification', 'refused', '--qos line under extra'],
  ["unrecognized option '--exclud=x'", 'refused', 'extra'],
  ['Batch job submission failed: Access/permission denied', 'refused', 'who runs the cluster'],
  [
    "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
    'limit',
    'fewer ranks',
  ],
  ['QOSMaxSubmitJobPerUserLimit', 'limit', 'tasks_per_job'],
  [
    'Batch job submission failed: Slurm temporarily unable to accept job, sleeping and retrying',
    'unreachable',
    'run the same command again',
  ],
  ['something that nobody has seen', 'refused', 'mend what it names'],
])('sbatch that says "%s" is quoted with its cure', async (said, trouble, cure) => {
  const { cluster, scheduler, script } = make();
  cluster.trouble('sbatch', `sbatch: error: ${said}`);
  const error = await failure(scheduler.submit(script('a'), 'a', []));
  expect(error.message).toContain('sbatch --parsable');
  expect(error.message).toContain('exit code 1');
  expect(error.message).toContain(said);
  expect(error.trouble).toBe(trouble);
  expect(error.hint).toContain(cure);
  expect(cluster.names).toEqual([]);
});

it('a machine without Slurm is told apart from a cluster in trouble', async () => {
  const scheduler = new SlurmScheduler({ env: { PATH: scratch } });
  const error = await failure(scheduler.submit('x', 'x', []));
  expect(error.trouble).toBe('absent');
  expect(error.message).toContain('sbatch was not found');
  expect(error.hint).toContain('without --executor slurm');
});

it('sbatch is not told of the job that it runs in', () => {
  const kept = { SLURM_CONF: '/etc/slurm.conf', SLURM_CLUSTERS: 'a', PATH: '/bin', HF_HOME: '/data' };
  expect(
    outsideOfJob({
      ...kept,
      SLURM_JOB_ID: '1',
      SLURM_JOBID: '1',
      SLURM_ARRAY_TASK_ID: '2',
      SLURM_CPUS_PER_TASK: '4',
      SLURM_MEM_PER_NODE: '100',
      SLURM_NTASKS: '1',
      SLURMD_NODENAME: 'n',
      SLURM_SUBMIT_DIR: '/x',
      SBATCH_ARRAY_INX: '0-3',
    }),
  ).toEqual(kept);
});
