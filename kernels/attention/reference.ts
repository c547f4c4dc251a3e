/**
 * Plain loops of causal grouped-query attention and its gradients.
 * qkv, dQkv: (batch * seq, (heads + 2 * kv_heads) * head_dim), queries first; o, dOut: (batch * seq, heads * head_dim);
 * lse, delta: (batch * seq, heads); kvStart: (batch * seq) first position a row may see.
 */
import type { Buffers, Scalars } from '../kernel.ts';

interface Shape {
  batch: number;
  seq: number;
  heads: number;
  kv_heads: number;
  head_dim: number;
  scale: number;
  /** Keys a row sees at most, itself included; 0: all. */
  window: number;
  /** Scores pass through softcap * tanh(score / softcap); 0: they do not. */
  softcap: number;
}

/** A score after the soft cap, and the derivative of the cap. */
function cap(score: number, softcap: number): { score: number; slope: number } {
  if (softcap === 0) return { score, slope: 1 };
  const t = Math.tanh(score / softcap);
  return { score: softcap * t, slope: 1 - t * t };
}

function firstKey(begin: number, t: number, window: number): number {
  return window === 0 ? begin : Math.max(begin, t + 1 - window);
}

function offsets(s: Shape, head: number) {
  const stride = (s.heads + 2 * s.kv_heads) * s.head_dim;
  const kvHead = Math.floor(head / (s.heads / s.kv_heads));
  return {
    stride,
    q: head * s.head_dim,
    k: (s.heads + kvHead) * s.head_dim,
    v: (s.heads + s.kv_heads + kvHead) * s.head_dim,
  };
}

function dot(a: ArrayLike<number>, atA: number, b: ArrayLike<number>, atB: number, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += a[atA + i]! * b[atB + i]!;
  return sum;
}

export function attentionForward(b: Buffers, scalars: Scalars): void {
  const s = scalars as unknown as Shape;
  const { qkv, kvStart, o, lse } = b as Record<string, Float64Array>;
  for (let batch = 0; batch < s.batch; batch++) {
    for (let t = 0; t < s.seq; t++) {
      const row = batch * s.seq + t;
      for (let head = 0; head < s.heads; head++) {
        const at = offsets(s, head);
        const scores: number[] = [];
        const begin = firstKey(kvStart![row]!, t, s.window);
        for (let u = begin; u <= t; u++) {
          const key = (batch * s.seq + u) * at.stride + at.k;
          scores.push(
            cap(dot(qkv!, row * at.stride + at.q, qkv!, key, s.head_dim) * s.scale, s.softcap).score,
          );
        }
        const max = Math.max(...scores);
        const sum = scores.reduce((total, score) => total + Math.exp(score - max), 0);
        lse![row * s.heads + head] = max + Math.log(sum);
        for (let i = 0; i < s.head_dim; i++) {
          let total = 0;
          scores.forEach((score, index) => {
            const value = (batch * s.seq + begin + index) * at.stride + at.v;
            total += (Math.exp(score - max) / sum) * qkv![value + i]!;
          });
          o![(row * s.heads + head) * s.head_dim + i] = total;
        }
      }
    }
  }
}

/** delta (count) = rowwise dot of dOut and o, (count, head_dim). */
export function attentionDelta(b: Buffers, s: Scalars): void {
  for (let i = 0; i < s.count!; i++)
    b.delta![i] = dot(b.dOut!, i * s.head_dim!, b.o!, i * s.head_dim!, s.head_dim!);
}

/** Visits every (query row, head, key row) with its probability and score gradient. */
function eachPair(
  b: Record<string, Float64Array>,
  s: Shape,
  visit: (row: number, head: number, keyRow: number, probability: number, dScore: number) => void,
): void {
  for (let batch = 0; batch < s.batch; batch++) {
    for (let t = 0; t < s.seq; t++) {
      const row = batch * s.seq + t;
      for (let head = 0; head < s.heads; head++) {
        const at = offsets(s, head);
        for (let u = firstKey(b.kvStart![row]!, t, s.window); u <= t; u++) {
          const keyRow = batch * s.seq + u;
          const { score, slope } = cap(
            dot(b.qkv!, row * at.stride + at.q, b.qkv!, keyRow * at.stride + at.k, s.head_dim) * s.scale,
            s.softcap,
          );
          const probability = Math.exp(score - b.lse![row * s.heads + head]!);
          const oAt = (row * s.heads + head) * s.head_dim;
          const dp = dot(b.dOut!, oAt, b.qkv!, keyRow * at.stride + at.v, s.head_dim);
          visit(
            row,
            head,
            keyRow,
            probability,
            probability * (dp - b.delta![row * s.heads + head]!) * slope * s.scale,
          );
        }
      }
    }
  }
}

export function attentionBackwardQuery(b: Buffers, scalars: Scalars): void {
  const s = scalars as unknown as Shape;
  const { qkv, dQkv } = b as Record<string, Float64Array>;
  const stride = offsets(s, 0).stride;
  for (let row = 0; row < s.batch * s.seq; row++)
    dQkv!.fill(0, row * stride, row * stride + s.heads * s.head_dim);
  eachPair(b as Record<string, Float64Array>, s, (row, head, keyRow, _p, dScore) => {
    const at = offsets(s, head);
    for (let i = 0; i < s.head_dim; i++)
      dQkv![row * stride + at.q + i]! += dScore * qkv![keyRow * stride + at.k + i]!;
  });
}

export function attentionBackwardKeyValue(b: Buffers, scalars: Scalars): void {
  const s = scalars as unknown as Shape;
  const { qkv, dQkv, dOut } = b as Record<string, Float64Array>;
  const stride = offsets(s, 0).stride;
  for (let row = 0; row < s.batch * s.seq; row++)
    dQkv!.fill(0, row * stride + s.heads * s.head_dim, (row + 1) * stride);
  eachPair(b as Record<string, Float64Array>, s, (row, head, keyRow, probability, dScore) => {
    const at = offsets(s, head);
    const oAt = (row * s.heads + head) * s.head_dim;
    for (let i = 0; i < s.head_dim; i++) {
      dQkv![keyRow * stride + at.k + i]! += dScore * qkv![row * stride + at.q + i]!;
      dQkv![keyRow * stride + at.v + i]! += probability * dOut![oAt + i]!;
    }
  });
}
