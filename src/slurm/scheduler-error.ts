/** What a command of Slurm says when it fails, with the cure for the usual messages. */
import { UserError } from '../core/errors.ts';

/**
 * `limit`: so many jobs are in the queue that no more are taken; `unreachable`: the controller does not answer; `absent`: there is no Slurm
 * here; `refused`: anything else.
 */
export type SchedulerTrouble = 'limit' | 'unreachable' | 'absent' | 'refused';

export class SchedulerError extends UserError {
  readonly trouble: SchedulerTrouble;
  constructor(trouble: SchedulerTrouble, message: string, hint: string, cause?: unknown) {
    super(message, { hint, ...(cause === undefined ? {} : { cause }) });
    this.name = 'SchedulerError';
    this.trouble = trouble;
  }
}

/** How a command ended. `code` null: by a signal, or its time was up. */
export interface CommandEnd {
  code: number | null;
  stderr: string;
}

/** The controller is away or busy: the same call may succeed later. */
const passing =
  /socket timed out|unable to contact slurm controller|connection refused|connection timed out|connection reset|controller in standby|temporarily unable|resource temporarily unavailable|zero bytes (were )?transmitted/i;

const limits =
  /job submit limit|qosmaxsubmit|assocmaxsubmit|maxsubmitjobs|maximum number of jobs|max(imum)? ?job ?count|job count limit|too many jobs/i;

const cures: readonly [RegExp, string][] = [
  [/invalid partition/i, 'set partition in slurm.yaml; sinfo --summarize lists those of this cluster'],
  [/account/i, 'set account in slurm.yaml; sacctmgr show associations user=$USER lists yours'],
  [/invalid qos/i, 'mend the --qos line under extra in slurm.yaml'],
  [
    /time limit is invalid|requested time limit|time limit/i,
    'lower time in slurm.yaml (stages: and reconcile: have their own) below the limit that sinfo shows for the partition',
  ],
  [
    /memory specification|node configuration is not available|cpu count|more processors|exceeds/i,
    'no node has that much: lower memory or cpus in slurm.yaml; sinfo --Node --long shows what the nodes have',
  ],
  [
    /job array|array specification|arrayinx/i,
    'the cluster takes no such array; see MaxArraySize in scontrol show config',
  ],
  [/dependency/i, 'run the same command again: the jobs that this one waits for have gone meanwhile'],
  [
    /unrecognized option|invalid option|unrecognised option/i,
    'mend the lines under extra in slurm.yaml; this version of Slurm does not know one of them',
  ],
  [
    /permission denied|access\/permission|not permitted|authentication|munge/i,
    'ask who runs the cluster whether you may submit there; sinfo and squeue should work from this machine',
  ],
];

function isPassing({ code, stderr }: CommandEnd): boolean {
  return code === null || passing.test(stderr);
}

/** `command` with its arguments, as a person would type it. */
export function describeFailure(command: string, end: CommandEnd): SchedulerError {
  const { code, stderr } = end;
  const said = stderr.trim().split('\n').slice(-5).join('\n') || 'nothing';
  const how = code === null ? 'did not answer in time' : `ended with exit code ${code}`;
  const message = `${command} ${how} and said: ${said}`;
  if (isPassing(end)) {
    return new SchedulerError(
      'unreachable',
      message,
      'the Slurm controller does not answer (scontrol ping shows it); nothing is lost: run the same command again when it is back',
    );
  }
  if (limits.test(stderr)) {
    return new SchedulerError(
      'limit',
      message,
      'as many jobs are queued as you may have: wait and run the same command again, or give fewer ranks or more tasks_per_job in slurm.yaml',
    );
  }
  const cure = cures.find(([pattern]) => pattern.test(stderr))?.[1];
  return new SchedulerError('refused', message, cure ?? 'mend what it names and run the same command again');
}

export function absent(program: string, cause: unknown): SchedulerError {
  return new SchedulerError(
    'absent',
    `${program} was not found, so this machine is not part of a Slurm cluster (or Slurm is not on its PATH)`,
    'run this on a login node of the cluster; on this machine alone the same midtrain filter or mix command works without --executor slurm',
    cause,
  );
}
