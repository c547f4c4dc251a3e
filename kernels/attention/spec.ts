/**
 * Causal grouped-query attention: forward keeps only o and the log-sum-exp of each row; backward is delta, then one kernel for dq and
 * one for dk and dv (no atomics; Dao 2022, and four WebGPU projects that came to the same split). Forward over a KV cache, in the same
 * order, is kv-cache/attend.wgsl. Plans name the kernels of one row a thread; `attentionKernel` gives the same in another variant, which
 * the executable puts in its place (trainer/gpu/tuning.ts).
 */
import {
  defineKernel,
  floats,
  gridFor,
  type KernelSpec,
  reads,
  type Scalars,
  uints,
  writes,
} from '../kernel.ts';
import { attentionKey, attentionSource } from './generate.ts';
import {
  attentionBackwardKeyValue,
  attentionBackwardQuery,
  attentionDelta,
  attentionForward,
} from './reference.ts';
import {
  type AttentionOp,
  type AttentionVariant,
  attentionOps,
  attentionVariantName,
  attentionWorkgroups,
  fitsAttention,
  threadVariant,
} from './variant.ts';

const rows = (s: Scalars) => s.batch! * s.seq!;
const qkvSize = (s: Scalars) => rows(s) * (s.heads! + 2 * s.kv_heads!) * s.head_dim!;
const outSize = (s: Scalars) => rows(s) * s.heads! * s.head_dim!;
const perHead = (s: Scalars) => rows(s) * s.heads!;
const constants = { HEAD_DIM: 'head_dim', SOFTCAP: 'use_softcap' };
const params = [...uints('batch', 'seq', 'heads', 'kv_heads', 'window'), ...floats('scale', 'softcap')];
const plain = { window: 0, softcap: 0, use_softcap: 0 };

const cases = [
  { batch: 1, seq: 1, heads: 1, kv_heads: 1, head_dim: 4, scale: 1, ...plain },
  { batch: 2, seq: 17, heads: 4, kv_heads: 2, head_dim: 8, scale: 0.35, ...plain },
  { batch: 1, seq: 65, heads: 6, kv_heads: 2, head_dim: 16, scale: 0.25, ...plain },
  { batch: 3, seq: 9, heads: 2, kv_heads: 2, head_dim: 16, scale: 0.25, documents: 4, ...plain },
  {
    batch: 2,
    seq: 19,
    heads: 4,
    kv_heads: 2,
    head_dim: 8,
    scale: 0.35,
    window: 5,
    softcap: 0.5,
    use_softcap: 1,
  },
  {
    batch: 1,
    seq: 19,
    heads: 2,
    kv_heads: 1,
    head_dim: 4,
    scale: 1,
    documents: 4,
    window: 3,
    softcap: 0,
    use_softcap: 0,
  },
];

/** kvStart with documents of so many tokens when the case asks for them. Within a sequence it never falls: kernels skip by it. */
const kvStart = (s: Scalars) =>
  Uint32Array.from({ length: rows(s) }, (_, row) => {
    const t = row % s.seq!;
    return s.documents ? t - (t % s.documents) : 0;
  });

/** A consistent forward pass for the backward cases: lse and delta must belong to qkv and dOut. */
function forwardPass(s: Scalars, random: () => number): Record<string, Float64Array | Uint32Array> {
  const array = (n: number) => Float64Array.from({ length: n }, () => random() * 2 - 1);
  const b: Record<string, Float64Array | Uint32Array> = {
    qkv: array(qkvSize(s)),
    kvStart: kvStart(s),
    o: new Float64Array(outSize(s)),
    lse: new Float64Array(perHead(s)),
    dOut: array(outSize(s)),
    delta: new Float64Array(perHead(s)),
  };
  attentionForward(b, s);
  attentionDelta(b, { ...s, count: perHead(s) });
  return b;
}

export const attentionForwardKernel = defineKernel({
  name: 'attention-forward',
  file: 'attention/forward.wgsl',
  bindings: [
    reads('qkv', qkvSize),
    reads('kvStart', rows, 'u32'),
    writes('o', outSize),
    writes('lse', perHead),
  ],
  params,
  constants,
  workgroups: (s) => attentionWorkgroups(threadVariant, 'forward', s),
  reference: attentionForward,
  cases,
  fill: (s) => ({ kvStart: kvStart(s) }),
  tolerance: 1e-5,
});

export const attentionDeltaKernel = defineKernel({
  name: 'attention-delta',
  file: 'attention/backward-delta.wgsl',
  bindings: [
    reads('dOut', (s) => s.count! * s.head_dim!),
    reads('o', (s) => s.count! * s.head_dim!),
    writes('delta', (s) => s.count!),
  ],
  params: uints('count'),
  constants: { HEAD_DIM: 'head_dim' },
  workgroups: (s) => gridFor(s.count!, 64),
  reference: attentionDelta,
  cases: [
    { count: 1, head_dim: 2 },
    { count: 129, head_dim: 16 },
  ],
  tolerance: 1e-5,
});

const backwardReads = [
  reads('qkv', qkvSize),
  reads('kvStart', rows, 'u32'),
  reads('lse', perHead),
  reads('dOut', outSize),
  reads('delta', perHead),
];

export const attentionBackwardQueryKernel = defineKernel({
  name: 'attention-backward-query',
  file: 'attention/backward-query.wgsl',
  bindings: [...backwardReads, writes('dQkv', qkvSize)],
  params,
  constants,
  workgroups: (s) => attentionWorkgroups(threadVariant, 'query', s),
  reference: attentionBackwardQuery,
  cases,
  fill: forwardPass,
  tolerance: 1e-5,
});

export const attentionBackwardKeyValueKernel = defineKernel({
  name: 'attention-backward-key-value',
  file: 'attention/backward-key-value.wgsl',
  bindings: [...backwardReads, writes('dQkv', qkvSize)],
  params,
  constants,
  workgroups: (s) => attentionWorkgroups(threadVariant, 'key-value', s),
  reference: attentionBackwardKeyValue,
  cases,
  fill: forwardPass,
  tolerance: 1e-5,
});

const byThread: Readonly<Record<AttentionOp, KernelSpec>> = {
  forward: attentionForwardKernel,
  query: attentionBackwardQueryKernel,
  'key-value': attentionBackwardKeyValueKernel,
};

/** Which op a spec of this file computes; undefined for any other kernel. Plans name these; a device may run another variant. */
export function attentionOpOf(spec: KernelSpec): AttentionOp | undefined {
  return attentionOps.find((op) => byThread[op] === spec);
}

const made = new Map<string, KernelSpec>();

/** Attention computed by a variant. Where the variant does not fit the sizes, use `threadVariant`: `fitsAttention`. */
export function attentionKernel(op: AttentionOp, variant: AttentionVariant): KernelSpec {
  const base = byThread[op];
  if (variant.kind === 'thread') return base;
  const name = `${op} ${attentionVariantName(variant)}`;
  let spec = made.get(name);
  if (!spec) {
    const { constants: _, ...rest } = base;
    spec = {
      ...rest,
      file: 'attention/generate.ts',
      source: {
        key: (s) => attentionKey(op, variant, s),
        text: (s) => attentionSource(op, variant, s),
      },
      workgroups: (s) => attentionWorkgroups(variant, op, s),
      cases: base.cases.filter((s) => fitsAttention(variant, s)),
    };
    made.set(name, spec);
  }
  return spec;
}
