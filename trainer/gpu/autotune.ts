/**
 * Measures the variants of matrix products and of attention on an adapter, so that runs begun later take the fastest (tuning.ts).
 *
 * Of each class of products one size is measured: every variant that the adapter can run, one dispatch unmeasured first, then in turn
 * (so that other work on the machine falls on all alike), and the median counts. Within a budget of seconds: products come in the order
 * given, and those for which no time is left keep the default. Gives up: products together (a step's caches), and compile time.
 */
import { attentionKernel, attentionOpOf } from '../../kernels/attention/spec.ts';
import {
  type AttentionOp,
  attentionCandidates,
  attentionVariantName,
} from '../../kernels/attention/variant.ts';
import type { KernelSpec, Scalars } from '../../kernels/kernel.ts';
import { matmulKernel, matmulOpOf } from '../../kernels/matmul/spec.ts';
import {
  type AdapterTraits,
  candidates,
  fits,
  type MatmulOp,
  variantName,
} from '../../kernels/matmul/variant.ts';
import type { Plan } from '../plan/plan.ts';
import { attentionFlops } from './attention-tuning.ts';
import type { Gpu } from './device.ts';
import { type TimedKernel, timedKernel } from './time-kernel.ts';
import { productClass, type TuningTable, traitsOf, writeTable } from './tuning.ts';

/** Attention to measure: an op and the scalars of its kernel. */
export interface Attention {
  op: AttentionOp;
  batch: number;
  seq: number;
  heads: number;
  kv_heads: number;
  head_dim: number;
  window: number;
  scale: number;
  softcap: number;
  use_softcap: number;
}

/** One product: m x n outputs, sums over k, cut into `splits` (tn). */
export interface MatrixProduct {
  op: MatmulOp;
  m: number;
  n: number;
  k: number;
  splits?: number;
  /** 1: operands in f16. */
  half?: number;
}

/** What is measured: of one class of work every variant. */
export type Product = MatrixProduct | Attention;

export interface AutotuneOptions {
  /** Time for everything, compiling included; the class with the most work is measured whatever it takes. Default 20. */
  seconds?: number;
  signal?: AbortSignal;
  /** After each class, GFLOP/s by variant. */
  onMeasured?: (name: string, speeds: Readonly<Record<string, number>>) => void;
}

const rounds = 3;
/** Long enough for a clock, short enough for many. */
const sampleSeconds = 0.02;

/** The products and attentions of a plan, one a class, those with the most work first. */
export function productsOf(plan: Plan): Product[] {
  return workOf(plan).map(({ product }) => product);
}

/** The same with the arithmetic of all of a class, in floating-point operations. */
export function workOf(plan: Plan): { product: Product; work: number }[] {
  const found = new Map<string, { product: Product; work: number }>();
  const add = (product: Product, s: Scalars): void => {
    const name = productClass(product.op, s);
    const entry = found.get(name) ?? { product, work: 0 };
    entry.work += flopsOf(product);
    found.set(name, entry);
  };
  for (const { kernel, scalars: s } of Object.values(plan.programs).flat()) {
    const op = matmulOpOf(kernel);
    const attention = attentionOpOf(kernel);
    if (op !== undefined) {
      const splits = s.splits === undefined ? {} : { splits: s.splits };
      const half = s.half === undefined ? {} : { half: s.half };
      add({ op, m: s.m!, n: s.n!, k: s.k!, ...splits, ...half }, s);
    } else if (attention !== undefined) add({ ...(s as unknown as Attention), op: attention }, s);
  }
  return [...found.values()].sort((a, b) => b.work - a.work);
}

/** Measures products and adds what was found to the table on disk. Returns the whole table. */
export async function autotune(
  gpu: Gpu,
  products: readonly Product[],
  options: AutotuneOptions = {},
): Promise<TuningTable> {
  const { seconds = 20, signal, onMeasured } = options;
  const traits = traitsOf(gpu);
  const until = performance.now() + seconds * 1000;
  const measured: TuningTable['measured'] = {};
  for (const product of products) {
    const name = productClass(product.op, sizesOf(product));
    if (measured[name] !== undefined) continue;
    signal?.throwIfAborted();
    if (performance.now() >= until) break;
    // The first class is measured whatever it takes: a budget too small for one would measure nothing for ever.
    const limit = Object.keys(measured).length === 0 ? Number.POSITIVE_INFINITY : until;
    const speeds = await measureVariants(gpu, product, variantsOf(product, traits), limit);
    if (speeds === undefined) break;
    measured[name] = speeds;
    onMeasured?.(name, speeds);
  }
  return writeTable(gpu, measured);
}

/** The kernels that compute a product, by variant. */
function variantsOf(product: Product, traits: AdapterTraits): { name: string; spec: KernelSpec }[] {
  if (isAttention(product)) {
    const { op, ...scalars } = product;
    return attentionCandidates(traits, op, scalars).map((v) => ({
      name: attentionVariantName(v),
      spec: attentionKernel(op, v),
    }));
  }
  const half = product.half === 1;
  return candidates(traits, half)
    .filter((v) => fits(v, product.op, sizesOf(product)))
    .map((v) => ({ name: variantName(v), spec: matmulKernel(product.op, v, half) }));
}

function isAttention(product: Product): product is Attention {
  return 'head_dim' in product;
}

function flopsOf(product: Product): number {
  if (isAttention(product)) {
    const { op, ...scalars } = product;
    return attentionFlops(op, scalars);
  }
  return 2 * product.m * product.n * product.k;
}

/** GFLOP/s by variant; undefined when the time ran out before every variant was measured once. */
async function measureVariants(
  gpu: Gpu,
  product: Product,
  variants: readonly { name: string; spec: KernelSpec }[],
  until: number,
): Promise<Record<string, number> | undefined> {
  const sizes = sizesOf(product);
  const flops = flopsOf(product);
  const running: { name: string; kernel: TimedKernel; times: number; samples: number[] }[] = [];
  try {
    for (const { name, spec } of variants) {
      if (performance.now() >= until) return undefined;
      running.push({ name, kernel: await timedKernel(gpu, spec, sizes), times: 1, samples: [] });
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

function sizesOf(product: Product): Record<string, number> {
  if (isAttention(product)) {
    const { op: _, ...scalars } = product;
    return scalars;
  }
  const { op, m, n, k, splits = 1, half = 0 } = product;
  const stride = op === 'nt' ? n : op === 'nn' ? k : m;
  return { m, n, k, splits, half, stride, first: 0, use_residual: 0, accumulate: 0 };
}
