/** How a global batch is divided over GPUs: data-parallel replicas, sequences at once, accumulated steps. What does not divide is refused. */
import { UserError } from '../core/errors.ts';

export interface Cluster {
  nodes: number;
  /** GPUs of a node. */
  gpus: number;
  tp: number;
  pp: number;
  /** Sequences a GPU holds at once; left out, the largest that divides and is no larger than the config's. */
  microBatch?: number | undefined;
}

export interface BatchSplit {
  dp: number;
  tp: number;
  pp: number;
  microBatch: number;
  accumulation: number;
}

/** `sequences`: of one optimizer step; `usual`: the config's micro-batch. dp x micro-batch x accumulation is exactly `sequences`. */
export function splitBatch(sequences: number, usual: number, cluster: Cluster): BatchSplit {
  const { nodes, gpus, tp, pp } = cluster;
  const world = nodes * gpus;
  if (world % (tp * pp) !== 0)
    throw new UserError(
      `${nodes} nodes of ${gpus} GPUs are ${world}, which --tp ${tp} x --pp ${pp} does not divide`,
      {
        hint: `give a --tp and --pp whose product divides ${world}`,
      },
    );
  if (gpus % tp !== 0)
    throw new UserError(`--tp ${tp} does not divide the ${gpus} GPUs of a node`, {
      hint: 'tensor parallelism stays within a node: give --tp a divisor of --gpus',
    });
  const dp = world / (tp * pp);
  if (sequences % dp !== 0) {
    const near = divisors(sequences).filter((n) => n < dp);
    throw new UserError(
      `a step of the config has ${sequences} sequences, which ${dp} data-parallel replicas (${world} GPUs / (tp ${tp} x pp ${pp})) do not divide`,
      {
        hint: `change --nodes, --gpus, --tp or --pp so that replicas are ${near.slice(-3).join(', ')}, or change micro_batch_size x gradient_accumulation_steps of the config`,
      },
    );
  }
  const share = sequences / dp;
  const { microBatch } = cluster;
  if (microBatch !== undefined && share % microBatch !== 0)
    throw new UserError(
      `--micro-batch ${microBatch} does not divide the ${share} sequences a replica has of each step (${sequences} / ${dp})`,
      { hint: `give one of ${divisors(share).join(', ')}` },
    );
  const chosen =
    microBatch ??
    divisors(share)
      .filter((n) => n <= usual)
      .at(-1)!;
  return { dp, tp, pp, microBatch: chosen, accumulation: share / chosen };
}

function divisors(n: number): number[] {
  const small: number[] = [];
  const large: number[] = [];
  for (let d = 1; d * d <= n; d++) {
    if (n % d !== 0) continue;
    small.push(d);
    if (d * d < n) large.unshift(n / d);
  }
  return [...small, ...large];
}
