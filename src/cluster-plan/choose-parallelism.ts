/**
 * How a model is divided over GPUs where the description leaves it open, in the order that costs least communication: the smallest tensor and pipeline
 * parallelism with which a sequence fits (tensor first, within a node), then the largest micro-batch that fits. The rest is data parallelism with
 * ZeRO-1. dp x micro-batch x accumulation is exactly the sequences of a step; what does not divide is refused with what would. The same
 * rule as `export nanotron` (src/export/split-batch.ts).
 */

import type { ModelConfig } from '../../trainer/model/config.ts';
import { UserError } from '../core/errors.ts';
import type { Training } from './cluster-config.ts';
import { gpuMemory, type Layout } from './gpu-memory.ts';

export interface GpuPool {
  nodes: number;
  /** GPUs of a node. */
  gpus: number;
  memoryBytes: number;
}

export function chooseLayout(
  training: Training,
  model: ModelConfig,
  pool: GpuPool,
  file: string,
): { layout: Layout; fits: boolean; proposed: boolean } {
  const { sequences, world } = counted(training, pool, file);
  const { tp, pp, dp, microBatch } = training;
  const candidates = pairsOf(model, pool, { tp, pp }).flatMap((pair): Layout[] => {
    const replicas = world / (pair.tp * pair.pp);
    if (!Number.isInteger(replicas) || (dp !== undefined && replicas !== dp)) return [];
    if (sequences % replicas !== 0) return [];
    const share = sequences / replicas;
    const sizes = divisors(share).filter((size) => size === (microBatch ?? size));
    return sizes.reverse().map((size) => ({
      ...pair,
      dp: replicas,
      microBatch: size,
      accumulation: share / size,
    }));
  });
  const proposed = [tp, pp, dp, microBatch].includes(undefined);
  // The one that comes nearest, so that the plan can say by how much.
  let nearest: Layout | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const layout of candidates) {
    const bytes = gpuMemory(layout, training, model).total.value;
    if (bytes <= usable(pool)) return { layout, fits: true, proposed };
    if (bytes < least) [nearest, least] = [layout, bytes];
  }
  if (nearest === undefined) throw noDivision(training, pool, sequences, world, file);
  return { layout: nearest, fits: false, proposed };
}

/** Of a GPU's memory, what a training process can plan with: the rest is the driver, NCCL and fragmentation. */
export const usableShare = 0.9;

export function usable({ memoryBytes }: GpuPool): number {
  return memoryBytes * usableShare;
}

function counted(training: Training, pool: GpuPool, file: string): { sequences: number; world: number } {
  const { batchTokens, sequenceLength } = training;
  if (batchTokens.value % sequenceLength !== 0)
    throw new UserError(
      `${file}: training.batchTokens: ${batchTokens.value} is no whole number of sequences of ${sequenceLength}`,
      { hint: `for example ${Math.max(1, Math.round(batchTokens.value / sequenceLength)) * sequenceLength}` },
    );
  return { sequences: batchTokens.value / sequenceLength, world: pool.nodes * pool.gpus };
}

function pairsOf(
  model: ModelConfig,
  { nodes, gpus }: GpuPool,
  given: { tp: number | undefined; pp: number | undefined },
): { tp: number; pp: number }[] {
  const tensor = divisors(gpus).filter((n) =>
    [model.heads, model.kvHeads, model.dim, model.hidden].every((size) => size % n === 0),
  );
  const pipeline = divisors(nodes * gpus).filter((n) => n <= model.layers);
  return (given.pp === undefined ? pipeline : [given.pp])
    .flatMap((pp) => (given.tp === undefined ? tensor : [given.tp]).map((tp) => ({ tp, pp })))
    .sort((a, b) => a.tp * a.pp - b.tp * b.pp || a.pp - b.pp);
}

function noDivision(
  { tp, pp, dp, microBatch }: Training,
  { nodes, gpus }: GpuPool,
  sequences: number,
  world: number,
  file: string,
): UserError {
  const asked = Object.entries({ dp, tp, pp, microBatch })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
  const near = divisors(sequences).filter((n) => n <= world);
  return new UserError(
    `${file}: training: ${nodes} nodes of ${gpus} GPUs and ${sequences} sequences a step cannot be divided${asked === '' ? '' : ` with ${asked}`}`,
    {
      hint: `dp x tp x pp is the number of GPUs (${world}) and dp divides the sequences of a step; dp could be ${near.slice(-4).join(', ')}`,
    },
  );
}

function divisors(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);
}
