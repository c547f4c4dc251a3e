/**
 * What operands of matrix products are in a run: `f32`, or `f16` with sums, master weights, moments, gradients and everything between products in
 * f32 (accelerate's `mixed_precision: fp16`, but without a loss scale: model/linear.ts). The default, f32, is the same on every machine; with
 * `auto` the adapter decides, and what it decided is what a run records.
 */
import type { Gpu } from '../gpu/device.ts';
import { traitsOf } from '../gpu/tuning.ts';
import type { Precision } from './half-weights.ts';

export type { Precision } from './half-weights.ts';

/** `auto` is f16 on hardware that computes with halves (shader-f16), else f32. f16 itself runs on every adapter: operands are unpacked in the shader. */
export function resolvePrecision(gpu: Gpu, asked: Precision | 'auto'): Precision {
  if (asked !== 'auto') return asked;
  return traitsOf(gpu).f16 && !gpu.info.software ? 'f16' : 'f32';
}
