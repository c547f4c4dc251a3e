/**
 * The classes of attention that the tuner and a run's record know beside those of products (tuning.ts), and the variant of each: the
 * table's where it has one that fits, else the default. Variants of attention differ in their last bits, unlike those of products.
 */
import {
  type AttentionOp,
  type AttentionVariant,
  attentionOps,
  canRunAttention,
  defaultAttention,
  fitsAttention,
  parseAttentionVariant,
} from '../../kernels/attention/variant.ts';
import type { Scalars } from '../../kernels/kernel.ts';
import type { AdapterTraits } from '../../kernels/matmul/variant.ts';

export function isAttentionOp(op: string): op is AttentionOp {
  return attentionOps.some((known) => known === op);
}

/** Heads of one size over sequences with the same number of bits: `attention-forward d64 s9` has 257 .. 512 positions. */
export function attentionClass(op: AttentionOp, s: Scalars): string {
  const bits = Math.ceil(Math.log2(Math.max(1, s.seq!)));
  return `attention-${op} d${s.head_dim}${s.use_softcap ? ' cap' : ''} s${bits}`;
}

export function chooseAttention(
  choices: { readonly variants: Readonly<Record<string, string>> } | undefined,
  traits: AdapterTraits,
  op: AttentionOp,
  s: Scalars,
): AttentionVariant {
  const named = parseAttentionVariant(choices?.variants[attentionClass(op, s)] ?? '');
  return named !== undefined && canRunAttention(named, traits) && fitsAttention(named, s)
    ? named
    : defaultAttention(traits, op, s);
}

/** Additions and multiplications of an op: two products forward, three for dq, four for dk and dv, over the lower triangle. */
export function attentionFlops(op: AttentionOp, s: Scalars): number {
  const products = { forward: 2, query: 3, 'key-value': 4 }[op];
  const seen = s.window ? Math.min(s.window, s.seq! / 2) : s.seq! / 2;
  return products * 2 * s.batch! * s.heads! * s.seq! * seen * s.head_dim!;
}
