/**
 * Which kernels a training run takes: those its checkpoint recorded, or, for a run that begins, what has been measured on this adapter, after
 * measuring what was not when it asks for that. Never tuned inside a run.
 */
import { generatorVersion } from '../../kernels/matmul/generate.ts';
import type { Emit } from '../../src/core/events.ts';
import { autotune, productsOf } from '../gpu/autotune.ts';
import type { Gpu } from '../gpu/device.ts';
import { adapterName, adoptKernels, type KernelChoices, productClass, readTable } from '../gpu/tuning.ts';
import type { ModelWeights } from '../model/weights.ts';
import { type LearnerShape, planLearner } from './learner-plan.ts';

/** What of the kernels is not as the checkpoint recorded it, so that steps can come out with other last bits. */
export interface KernelChange {
  key: 'adapter' | 'kernels';
  from: string;
  to: string;
}

/**
 * Takes the kernels of a run that goes on. On another adapter its own measurements choose, since the recorded ones are of no use there; with
 * another generation of kernels the recorded names are kept. Both are told: training goes on well, but not bit for bit.
 */
export function resumeKernels(gpu: Gpu, recorded: KernelChoices | undefined): KernelChange[] {
  if (recorded === undefined) {
    adoptKernels(gpu);
    return [];
  }
  const changes: KernelChange[] = [];
  const adapter = adapterName(gpu);
  if (recorded.adapter !== adapter) changes.push({ key: 'adapter', from: recorded.adapter, to: adapter });
  if (recorded.generator !== generatorVersion)
    changes.push({
      key: 'kernels',
      from: `version ${recorded.generator}`,
      to: `version ${generatorVersion}`,
    });
  if (recorded.adapter === adapter) adoptKernels(gpu, { ...recorded, generator: generatorVersion });
  else adoptKernels(gpu);
  return changes;
}

/**
 * How long to measure before a run begins: the seconds of `autotune`, 30 for true. `auto` measures on hardware, where the default variants are
 * guesses, and not on a software adapter, where they were measured.
 */
export function tuningSeconds(autotune: boolean | number | 'auto', software: boolean): number {
  if (typeof autotune === 'number') return autotune;
  return autotune === true || (autotune === 'auto' && !software) ? 30 : 0;
}

/** Measures the products of a plan that were never measured on this adapter. Returns how many classes that were. */
export async function tuneFor(
  gpu: Gpu,
  shape: LearnerShape,
  weights: ModelWeights,
  seconds: number,
  { emit, signal }: { emit: Emit; signal: AbortSignal },
): Promise<number> {
  const { plan } = planLearner(shape, weights.slabs, (builder) => weights.declare(builder));
  const known = readTable(gpu)?.measured ?? {};
  const products = productsOf(plan).filter(
    ({ op, ...sizes }) => known[productClass(op, sizes as Record<string, number>)] === undefined,
  );
  if (products.length === 0) return 0;
  const task = 'autotune';
  let done = 0;
  const began = performance.now();
  emit({ kind: 'start', task, total: products.length, unit: 'product' });
  await autotune(gpu, products, {
    seconds,
    signal,
    onMeasured: () => emit({ kind: 'progress', task, done: ++done, total: products.length, unit: 'product' }),
  });
  emit({ kind: 'end', task, done, unit: 'product', seconds: (performance.now() - began) / 1000 });
  return done;
}
