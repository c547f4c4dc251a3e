/**
 * Plain loops of the RMS norm of single heads (Qwen3's q_norm and k_norm) and its gradients.
 * x, y, d: (rows, (heads + 2 * kv_heads) * head_dim), queries, keys, values; weight: (2, head_dim), the queries' then the keys';
 * rstd: (rows, heads + kv_heads).
 */
import type { Buffers, Scalars } from '../kernel.ts';

interface Shape {
  rows: number;
  heads: number;
  kv_heads: number;
  head_dim: number;
}

/** Visits every normed head of every row: where it begins in x, in weight and in rstd. */
function eachHead(scalars: Scalars, visit: (at: number, weightAt: number, head: number) => void): void {
  const { rows, heads, kv_heads, head_dim } = scalars as unknown as Shape;
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads + kv_heads; head++) {
      const at = (row * (heads + 2 * kv_heads) + head) * head_dim;
      visit(at, head < heads ? 0 : head_dim, row * (heads + kv_heads) + head);
    }
  }
}

export function headNormForward(b: Buffers, s: Scalars): void {
  const { x, weight, y, rstd } = b as Record<string, Float64Array>;
  const dim = s.head_dim!;
  y!.set(x!.subarray(0, s.rows! * (s.heads! + 2 * s.kv_heads!) * dim));
  eachHead(s, (at, weightAt, head) => {
    let square = 0;
    for (let i = 0; i < dim; i++) square += x![at + i]! ** 2;
    const r = 1 / Math.sqrt(square / dim + s.eps!);
    rstd![head] = r;
    for (let i = 0; i < dim; i++) y![at + i] = x![at + i]! * r * weight![weightAt + i]!;
  });
}

/** d is dy before and dx after. */
export function headNormBackward(b: Buffers, s: Scalars): void {
  const { x, weight, rstd, d } = b as Record<string, Float64Array>;
  const dim = s.head_dim!;
  eachHead(s, (at, weightAt, head) => {
    const r = rstd![head]!;
    let dot = 0;
    for (let i = 0; i < dim; i++) dot += d![at + i]! * weight![weightAt + i]! * x![at + i]!;
    for (let i = 0; i < dim; i++)
      d![at + i] = r * (d![at + i]! * weight![weightAt + i]! - (x![at + i]! * dot * r * r) / dim);
  });
}

/** parts (splits, 2, head_dim) of the weights' gradient, each over one range of rows. */
export function headNormBackwardWeight(b: Buffers, s: Scalars): void {
  const { dy, x, rstd, parts } = b as Record<string, Float64Array>;
  const dim = s.head_dim!;
  const span = Math.ceil(s.rows! / s.splits!);
  parts!.fill(0, 0, s.splits! * 2 * dim);
  eachHead(s, (at, weightAt, head) => {
    const part = Math.floor(head / (s.heads! + s.kv_heads!) / span);
    for (let i = 0; i < dim; i++)
      parts![part * 2 * dim + weightAt + i]! += dy![at + i]! * x![at + i]! * rstd![head]!;
  });
}
