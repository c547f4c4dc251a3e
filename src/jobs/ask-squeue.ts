/**
 * Asks Slurm whether a job still runs: `squeue -h -r -j <job> -o '%i|%T|%j'`, once for all elements of an array.
 *
 * A job that squeue does not know, knows under another name, or that is not on any node (pending again, finished), has no process. Where squeue is not installed or
 * the controller does not answer nothing can be told. Gives up: a node that Slurm has declared failed while it still runs.
 */
import { spawnSync } from 'node:child_process';

/** Whether the Slurm job of that id (`12`, or `12_3` of an array) and name has processes; undefined where it cannot be told. */
export type AskScheduler = (slurm: { job: string; name?: string }) => boolean | undefined;

/** States in which a job's processes are on a node, or may still be. (Slurm, squeue: JOB STATE CODES) */
const onNode = new Set([
  'RUNNING',
  'COMPLETING',
  'CONFIGURING',
  'SUSPENDED',
  'STOPPED',
  'SIGNALING',
  'STAGE_OUT',
  'RESIZING',
]);
const patienceMs = 60_000;

/** Remembers what it was told, so it is for one look at a folder. */
export function askSqueue(): AskScheduler {
  const known = new Map<string, ReadonlyMap<string, Listed> | undefined>();
  return ({ job, name }) => {
    const base = job.split('_', 1)[0]!;
    if (!known.has(base)) known.set(base, statesOf(base));
    const states = known.get(base);
    if (states === undefined) return undefined;
    const found = states.get(job);
    return found !== undefined && onNode.has(found.state) && (name === undefined || found.name === name);
  };
}

interface Listed {
  state: string;
  name: string;
}

/** By id; none of a job that is not known any more. Undefined when squeue cannot tell. */
function statesOf(job: string): ReadonlyMap<string, Listed> | undefined {
  const arguments_ = ['-h', '-r', '-j', job, '-o', '%i|%T|%j'];
  const { status, stdout, stderr } = spawnSync('squeue', arguments_, {
    encoding: 'utf8',
    timeout: patienceMs,
  });
  if (status === 0) {
    const lines = stdout.split('\n').map((line) => line.trim().split('|'));
    return new Map(
      lines.flatMap(([id, state, ...name]) => (id && state ? [[id, { state, name: name.join('|') }]] : [])),
    );
  }
  return /invalid job id/i.test(stderr ?? '') ? new Map() : undefined;
}
