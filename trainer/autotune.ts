/**
 * Measures the variants of matrix products on an adapter, so that runs begun later take the fastest (tuning.ts).
 *
 * Of each class of products one size is measured: every variant that the adapter can run, one dispatch unmeasured first, then in turn
 * (so that other work on the machine falls on all alike), and the median counts. Within a budget of seconds: products come in the order
 * given, and those for which no time is left keep the default. Gives up: products together (a step's caches), and compile time.
 */
import { matmulKernel, matmulOpOf } from '../kernels/matmul/spec.ts';
import { candidates, fits, type MatmulOp, type Variant, variantName } from '../kernels/matmul/variant.ts';
import type { Gpu } from './device.ts';
import type { Plan } from './plan.ts';
import { type TimedKernel, timedKernel } from './time-kernel.ts';
import { productClass, type TuningTable, traitsOf, writeTable } from './tuning.ts';

/** One product: m x n outputs, sums over k, cut into `splits` (tn). */
export interface Product {
  op: MatmulOp;
  m: number;
  n: number;
  k: number;
  splits?: number;
}

export interface AutotuneOptions {
  /** Time for everything, compiling included. Default 20. */
  seconds?: number;
  /** Also variants with f16 operands, which change the numbers. Default off. */
  f16?: boolean;
  signal?: AbortSignal;
  /** After each class, GFLOP/s by variant. */
  onMeasured?: (name: string, speeds: Readonly<Record<string, number>>) => void;
}

const rounds = 3;
/** Long enough for a clock, short enough for many. */
const sampleSeconds = 0.02;

/** The products of a plan, one a class, those with the most work first. */
export function productsOf(plan: Plan): Product[] {
  const found = new Map<string, { product: Product; work: number }>();
  for (const { kernel, scalars: s } of Object.values(plan.programs).flat()) {
    const op = matmulOpOf(kernel);
    if (op === undefined) continue;
    const name = productClass(op, s);
    const splits = s.splits === undefined ? {} : { splits: s.splits };
    const entry = found.get(name) ?? { product: { op, m: s.m!, n: s.n!, k: s.k!, ...splits }, work: 0 };
    entry.work += s.m! * s.n! * s.k!;
    found.set(name, entry);
  }
  return [...found.values()].sort((a, b) => b.work - a.work).map(({ product }) => product);
}

/** Measures products and adds what was found to the table on disk. Returns the whole table. */
export async function autotune(
  gpu: Gpu,
  products: readonly Product[],
  options: AutotuneOptions = {},
): Promise<TuningTable> {
  const { seconds = 20, f16 = false, signal, onMeasured } = options;
  const traits = traitsOf(gpu);
  const until = performance.now() + seconds * 1000;
  const measured: TuningTable['measured'] = {};
  for (const product of products) {
    const name = productClass(product.op, sizesOf(product));
    if (measured[name] !== undefined) continue;
    signal?.throwIfAborted();
    if (performance.now() >= until) break;
    const variants = candidates(traits, f16).filter((v) => fits(v, product.op, sizesOf(product)));
    const speeds = await measureVariants(gpu, product, variants, until);
    if (speeds === undefined) break;
    measured[name] = speeds;
    onMeasured?.(name, speeds);
  }
  return writeTable(gpu, measured);
}

/** GFLOP/s by variant; undefined when the time ran out before every variant was measured once. */
async function measureVariants(
  gpu: Gpu,
  product: Product,
  variants: readonly Variant[],
  until: number,
): Promise<Record<string, number> | undefined> {
  const sizes = sizesOf(product);
  const flops = 2 * product.m * product.n * product.k;
  const running: { name: string; kernel: TimedKernel; times: number; samples: number[] }[] = [];
  try {
    for (const variant of variants) {
      if (performance.now() >= until) return undefined;
      const kernel = await timedKernel(gpu, matmulKernel(product.op, variant), sizes);
      running.push({ name: variantName(variant), kernel, times: 1, samples: [] });
    }
    for (const entry of running) {
      const first = await entry.kernel.time(1);
      entry.times = Math.max(1, Math.min(256, Math.round(sampleSeconds / Math.max(first, 1e-6))));
    }
    for (let round = 0; round < rounds; round++) {
      if (round > 0 && performance.now() >= until) break;
      for (const { kernel, times, samples } of running) samples.push(await kernel.time(times));
    }
    return Object.fromEntries(
      running.map(({ name, samples }) => {
        samples.sort((a, b) => a - b);
        return [name, Number((flops / samples[samples.length >> 1]! / 1e9).toPrecision(4))];
      }),
    );
  } finally {
    for (const { kernel } of running) kernel.destroy();
  }
}

function sizesOf({ op, m, n, k, splits = 1 }: Product): Record<string, number> {
  const stride = op === 'nt' ? n : op === 'nn' ? k : m;
  return { m, n, k, splits, stride, first: 0, use_residual: 0, accumulate: 0 };
}
