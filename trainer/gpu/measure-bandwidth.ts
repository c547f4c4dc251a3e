/**
 * How fast an adapter moves memory in a kernel: STREAM's triad (McCalpin 1995), two arrays read and one written, each larger than any cache.
 *
 * One run unmeasured, then several in one submission, timed to the end of the queue, and the best of a few (STREAM's rule: whatever
 * disturbs only slows down). Bytes are those the kernel names, 12 an element; a cache that reads a line before writing it moves more.
 */
import { triadKernel } from '../../kernels/triad/spec.ts';
import type { Gpu } from './device.ts';
import { timedKernel } from './time-kernel.ts';

export interface MeasuredBandwidth {
  bytesPerSecond: number;
  /** Of each of the three arrays. */
  arrayBytes: number;
}

/** Software adapters share the CPU's caches, some tens of MiB; GPUs have up to 128 MiB of second-level cache. */
const arrayBytes = { software: 32 << 20, hardware: 256 << 20 };
const rounds = 5;

export async function measureBandwidth(
  gpu: Gpu,
  { signal }: { signal?: AbortSignal } = {},
): Promise<MeasuredBandwidth> {
  const wanted = gpu.info.software ? arrayBytes.software : arrayBytes.hardware;
  const bytes = Math.min(wanted, gpu.info.limits.maxStorageBufferBindingSize ?? wanted);
  const size = Math.floor(bytes / 16) * 4;
  const kernel = await timedKernel(gpu, triadKernel, { size, scale: 0.5 });
  try {
    const first = await kernel.time(1);
    const times = Math.max(1, Math.min(64, Math.round(0.05 / Math.max(first, 1e-6))));
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round++) {
      signal?.throwIfAborted();
      best = Math.min(best, await kernel.time(times));
    }
    return { bytesPerSecond: (size * 12) / best, arrayBytes: size * 4 };
  } finally {
    kernel.destroy();
  }
}
