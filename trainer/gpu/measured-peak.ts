/**
 * The speed that an adapter reaches on large matrix products (measure-speed.ts), which `mfu` is a share of: measured once for each adapter
 * and version of Dawn and of the kernels, kept in the cache folder, and written to run.json with the run. A measured figure, on the machine as
 * it was then: on a machine that was busy while it was measured mfu can come out above 1; that is said, and the next run measures again.
 */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { generatorVersion } from '../../kernels/matmul/generate.ts';
import type { Emit } from '../../src/core/events.ts';
import { writeFileAtomicSync } from '../../src/io/atomic.ts';
import { packageVersions } from '../../src/io/package-root.ts';
import type { Gpu } from './device.ts';
import { cacheFolder } from './find-adapter.ts';
import { measureSpeed } from './measure-speed.ts';
import { adapterName } from './tuning.ts';

const peakSchema = z.strictObject({
  adapter: z.string(),
  dawn: z.string(),
  generator: z.int(),
  precision: z.enum(['f32', 'f16']),
  /** A multiplication and an addition are two. */
  flopsPerSecond: z.number().positive(),
  /** Of the product: rows, columns, inner length. */
  shape: z.strictObject({ m: z.int(), n: z.int(), k: z.int() }),
  samples: z.int(),
});
export type MeasuredPeak = z.output<typeof peakSchema>;

export interface PeakOptions {
  /** Measure although it is known, because the kernels have been tuned since. */
  again?: boolean;
  /** Of the operands. */
  precision: 'f32' | 'f16';
  emit: Emit;
  signal: AbortSignal;
}

/** Reads the peak of this adapter, or measures it (some two seconds) and keeps it. Call it before `adoptKernels`. */
export async function measuredPeak(
  gpu: Gpu,
  { again, precision, emit, signal }: PeakOptions,
): Promise<MeasuredPeak> {
  const key = keyOf(gpu, precision);
  const file = fileOf(key);
  const known = again === true ? undefined : read(file);
  if (
    known?.adapter === key.adapter &&
    known.dawn === key.dawn &&
    known.generator === key.generator &&
    known.precision === precision
  )
    return known;
  const { flopsPerSecond, shape, samples } = await measureSpeed(gpu, {
    signal,
    half: precision === 'f16',
    peak: true,
  });
  const peak: MeasuredPeak = { ...key, flopsPerSecond, shape, samples };
  try {
    writeFileAtomicSync(file, `${JSON.stringify(peak, null, 2)}\n`);
  } catch {
    // A cache folder that cannot be written to costs two seconds next time.
  }
  emit({
    kind: 'message',
    level: 'info',
    text: `${gpu.info.name} multiplies matrices at ${(flopsPerSecond / 1e9).toPrecision(3)} GFLOP/s in ${precision}; mfu is a share of that`,
  });
  return peak;
}

/** Of a figure that was shown to be too low: the next run measures anew. */
export function forgetPeak(gpu: Gpu, precision: 'f32' | 'f16'): void {
  try {
    rmSync(fileOf(keyOf(gpu, precision)), { force: true });
  } catch {
    // A cache folder that cannot be written to.
  }
}

type PeakKey = Pick<MeasuredPeak, 'adapter' | 'dawn' | 'generator' | 'precision'>;

function keyOf(gpu: Gpu, precision: 'f32' | 'f16'): PeakKey {
  return {
    adapter: adapterName(gpu),
    dawn: packageVersions(['webgpu']).webgpu ?? 'unknown',
    generator: generatorVersion,
    precision,
  };
}

function fileOf(key: PeakKey): string {
  const name = createHash('sha256').update(Object.values(key).join('|')).digest('hex').slice(0, 16);
  return path.join(cacheFolder(), 'speed', `${name}.json`);
}

function read(file: string): MeasuredPeak | undefined {
  try {
    return peakSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // A cache: what cannot be read is measured again.
    return undefined;
  }
}
