/** Plain loop of the rotary embedding (Su et al. 2021) in Hugging Face's half-split layout, and its table. */
import type { Buffers, Scalars } from '../kernel.ts';

/** Rotates the first `heads` heads of qkv (rows, stride) in place by positions[row]; direction -1 undoes it. */
export function rope(b: Buffers, s: Scalars): void {
  const { positions, table, qkv } = b as Record<string, Float64Array>;
  const { rows, heads, half, stride, direction } = s as Record<string, number> as {
    rows: number;
    heads: number;
    half: number;
    stride: number;
    direction: number;
  };
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      for (let i = 0; i < half; i++) {
        const c = table![(positions![row]! * half + i) * 2]!;
        const sine = table![(positions![row]! * half + i) * 2 + 1]! * direction;
        const lo = row * stride + head * 2 * half + i;
        const x = qkv![lo]!;
        const y = qkv![lo + half]!;
        qkv![lo] = x * c - y * sine;
        qkv![lo + half] = y * c + x * sine;
      }
    }
  }
}

/** cos and sin of position * frequency: (positions, half, 2). `frequencies` (half) may carry any rope scaling. */
export function ropeTable(positions: number, frequencies: ArrayLike<number>): Float32Array {
  const half = frequencies.length;
  const table = new Float32Array(positions * half * 2);
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < half; i++) {
      table[(p * half + i) * 2] = Math.cos(p * frequencies[i]!);
      table[(p * half + i) * 2 + 1] = Math.sin(p * frequencies[i]!);
    }
  }
  return table;
}

/** Frequencies theta^(-2i/headDim), i = 0 .. headDim/2 - 1. */
export function ropeFrequencies(headDim: number, theta: number): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
}
