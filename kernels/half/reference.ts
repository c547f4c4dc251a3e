/** Plain loops of rounding to half precision, and of the scale that keeps small gradients. */
import type { Buffers, Scalars } from '../kernel.ts';
import { packHalves } from './values.ts';

/** y = x in halves, in pairs. */
export function pack(b: Buffers, s: Scalars): void {
  const { x, y } = b as { x: Float64Array; y: Uint32Array };
  y.set(packHalves(x.subarray(0, s.size!)));
}

/** parts (64): bits of the largest magnitude of each slice, as f32. */
export function largest(b: Buffers, s: Scalars): void {
  const { x, parts } = b as { x: Float64Array; parts: Uint32Array };
  const span = Math.ceil(s.size! / 64);
  const most = new Float32Array(64);
  for (let i = 0; i < s.size!; i++) {
    const part = Math.floor(i / span);
    most[part] = Math.max(most[part]!, Math.abs(x[i]!));
  }
  parts.set(new Uint32Array(most.buffer));
}

/** y = x * s in halves, in pairs; scale[0] = 1 / s. */
export function packScaled(b: Buffers, s: Scalars): void {
  const { x, parts, y, scale } = b as {
    x: Float64Array;
    parts: Uint32Array;
    y: Uint32Array;
    scale: Float64Array;
  };
  const factor = scaleOf(Math.max(...new Float32Array(parts.slice(0, 64).buffer)));
  y.set(packHalves(Float64Array.from(x.subarray(0, s.size!), (v) => v * factor)));
  scale[0] = 1 / factor;
}

/** The power of two that brings `most` into 2^14 .. 2^15; 1 for zero and for what is not finite. */
export function scaleOf(most: number): number {
  if (most === 0 || !Number.isFinite(most)) return 1;
  const exponent = most < 2 ** -126 ? -127 : Math.floor(Math.log2(most));
  // Math.log2 may be one off beside a power of two.
  const e = 2 ** exponent > most ? exponent - 1 : 2 ** (exponent + 1) <= most ? exponent + 1 : exponent;
  return 2 ** Math.min(126, 14 - e);
}
