/**
 * How fast an adapter multiplies matrices with the variant that training would use (tuning.ts), so that the time of a run can be estimated from it.
 *
 * Square products in f32, as large as the time allows, several in one submission so that submitting weighs little, each sample timed
 * to the end of the queue; one unmeasured round first (pipelines, clocks, caches), then the best. Training does more than products:
 * multiply with `measuredUtilisation`. Gives up: shapes of a given model; narrow matrices are slower.
 */
import type { KernelSpec } from '../../kernels/kernel.ts';
import { matmulForward, matmulKernel } from '../../kernels/matmul/spec.ts';
import { candidates, fits, portableVariant } from '../../kernels/matmul/variant.ts';
import type { Gpu } from './device.ts';
import { timedKernel } from './time-kernel.ts';
import { kernelFor, traitsOf } from './tuning.ts';

export interface MeasuredSpeed {
  /** A multiplication and an addition are two. */
  flopsPerSecond: number;
  /** Rows, columns and inner length of the product. */
  shape: { m: number; n: number; k: number };
  samples: number;
  adapter: string;
  /** The CPU does the work. */
  software: boolean;
}

export interface MeasureSpeedOptions {
  /** How long to measure, compiling and warming up apart. Default 1; the whole takes about twice that at most. */
  seconds?: number;
  /** Operands in f16. */
  half?: boolean;
  /** On hardware, every variant that can run is tried at the size found, and the fastest counts: the peak, not what a run would take. */
  peak?: boolean;
  signal?: AbortSignal;
}

/**
 * Share of the measured product speed that training reaches, by the count of mixtures/estimate.ts. Measured on lavapipe in operations per CPU
 * second, since both are bound by the same cores: 0.63 to 1.0 for models of 35 thousand to 3.4 million parameters (EXPERIMENTS.md). Not
 * measured on a GPU, where small models will reach less.
 */
export const measuredUtilisation = 0.75;

const sizes = [128, 256, 512, 1024, 2048, 4096];
const leastSamples = 3;

export async function measureSpeed(gpu: Gpu, options: MeasureSpeedOptions = {}): Promise<MeasuredSpeed> {
  const { seconds = 1, half = false, signal } = options;
  // One product of the chosen size takes at most a twentieth of the time.
  let [size, perProduct] = [sizes[0]!, Number.POSITIVE_INFINITY];
  const began = performance.now();
  for (const next of sizes) {
    const limit = gpu.info.limits.maxStorageBufferBindingSize ?? 128 << 20;
    if (next * next * 4 > limit) break;
    const guess = perProduct * (next / size) ** 3;
    if (Number.isFinite(guess) && guess > seconds / 20) break;
    size = next;
    perProduct = await timeProducts(gpu, chosen(gpu, next, half), sizesOf(next, half), 1, signal);
    if ((performance.now() - began) / 1000 > seconds / 2) break;
  }
  let kernel = chosen(gpu, size, half);
  if (options.peak === true && !gpu.info.software) {
    const sizes = sizesOf(size, half);
    for (const variant of candidates(traitsOf(gpu), half).filter((v) => fits(v, 'nt', sizes))) {
      const other = matmulKernel('nt', variant, half);
      const taken = await timeProducts(gpu, other, sizes, 1, signal);
      if (taken < perProduct) [perProduct, kernel] = [taken, other];
    }
  }
  const products = Math.max(1, Math.min(256, Math.round(seconds / 10 / Math.max(perProduct, 1e-6))));
  const samples: number[] = [];
  const start = performance.now();
  while (samples.length < leastSamples || (performance.now() - start) / 1000 < seconds) {
    if (samples.length >= 32) break;
    samples.push((await timeProducts(gpu, kernel, sizesOf(size, half), products, signal)) / products);
  }
  // Whatever else runs on the machine only slows down, and a peak that is too low makes shares of it that are too high.
  const best = Math.min(...samples);
  return {
    flopsPerSecond: (2 * size ** 3) / best,
    shape: { m: size, n: size, k: size },
    samples: samples.length,
    adapter: gpu.info.name,
    software: gpu.info.software,
  };
}

/** The kernel that training would take for a square product. */
function chosen(gpu: Gpu, size: number, half: boolean): KernelSpec {
  const sizes = sizesOf(size, half);
  return kernelFor(gpu, half ? matmulKernel('nt', portableVariant, true) : matmulForward, sizes);
}

function sizesOf(size: number, half: boolean): Record<string, number> {
  const sizes = { m: size, n: size, k: size, use_residual: 0, stride: size, first: 0 };
  return half ? { ...sizes, half: 1 } : sizes;
}

/** Seconds for `products` products in one submission, after one that is not timed. */
async function timeProducts(
  gpu: Gpu,
  spec: KernelSpec,
  sizes: Record<string, number>,
  products: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  signal?.throwIfAborted();
  const kernel = await timedKernel(gpu, spec, sizes);
  try {
    await kernel.time(1);
    signal?.throwIfAborted();
    return (await kernel.time(products)) * products;
  } finally {
    kernel.destroy();
  }
}
