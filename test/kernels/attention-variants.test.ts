/** Every way of computing attention that this adapter can run: against the reference, twice the same bits, and row by row. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attentionDecodeKernel, attentionKernel } from '../../kernels/attention/spec.ts';
import {
  type AttentionOp,
  type AttentionVariant,
  attentionCandidates,
  attentionOps,
  attentionVariantName,
  canRunAttention,
  defaultAttention,
  fitsAttention,
  parseAttentionVariant,
  threadVariant,
  tileBytes,
} from '../../kernels/attention/variant.ts';
import { compareArrays } from '../../kernels/compare.ts';
import type { Scalars } from '../../kernels/kernel.ts';
import type { AdapterTraits } from '../../kernels/matmul/variant.ts';
import { Random } from '../../src/core/random.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { traitsOf } from '../../trainer/gpu/tuning.ts';
import { caseBuffers, runKernel } from './run-kernel.ts';

let gpu: Gpu;
let traits: AdapterTraits;
beforeAll(async () => {
  gpu = await openDevice();
  traits = traitsOf(gpu);
});
afterAll(() => gpu.close());

const plain = { window: 0, softcap: 0, use_softcap: 0 };
const grouped = { heads: 4, kv_heads: 2, scale: 0.35 };
/** Lengths that are no multiple of any tile, documents that begin inside of one, windows that end there. */
const cases: Scalars[] = [
  { batch: 2, seq: 37, ...grouped, head_dim: 16, ...plain, documents: 7 },
  { batch: 1, seq: 70, ...grouped, head_dim: 16, ...plain, window: 21, documents: 45 },
  { batch: 1, seq: 33, ...grouped, head_dim: 16, ...plain },
];
const capped = {
  batch: 1,
  seq: 21,
  ...grouped,
  head_dim: 16,
  window: 6,
  softcap: 0.5,
  use_softcap: 1,
  documents: 13,
};

/**
 * What is tried of an op. Mesa takes seconds to compile one of these for one size of a head, so what a real GPU would be offered is tried in
 * small, and channels come in one chunk for dq and in two for the others.
 */
function trials(op: AttentionOp): { variant: AttentionVariant; cases: Scalars[] }[] {
  const lanes = traits.subgroupSize ?? 0;
  const chunks = op === 'query' ? 1 : 2;
  const tiled = cases.map((s) => ({ ...s, head_dim: 8 * chunks }));
  return [
    { variant: `subgroup-1x4-${lanes}`, cases: [...cases, capped] },
    { variant: op === 'forward' ? `subgroup-2x4-${lanes}` : '', cases },
    {
      variant: 'tile-8x4x8-2x8',
      cases: op === 'query' ? tiled.map((s) => ({ ...s, softcap: 0.5, use_softcap: 1 })) : tiled,
    },
  ].flatMap(({ variant, cases }) => {
    const parsed = parseAttentionVariant(variant);
    return parsed !== undefined && canRunAttention(parsed, traits) ? [{ variant: parsed, cases }] : [];
  });
}

function inputs(spec: ReturnType<typeof attentionKernel>, s: Scalars) {
  const random = new Random(JSON.stringify(s));
  return caseBuffers(spec, s, () => random.float());
}

describe.each(attentionOps.map((op) => ({ op })))('$op', ({ op }) => {
  it('every variant agrees with the reference', async () => {
    let compared = 0;
    for (const { variant, cases } of trials(op)) {
      const spec = attentionKernel(op, variant);
      for (const s of cases) {
        expect(fitsAttention(variant, s)).toBe(true);
        const buffers = inputs(spec, s);
        const actual = await runKernel(gpu, spec, s, buffers);
        const expected = structuredClone(buffers);
        spec.reference(expected, s);
        for (const { name } of spec.bindings) {
          const { faults } = compareArrays(name, actual[name]!, expected[name]!, spec.tolerance);
          expect(faults, `${attentionVariantName(variant)} ${JSON.stringify(s)}`).toEqual([]);
        }
        compared++;
      }
    }
    expect(compared).toBeGreaterThanOrEqual(cases.length);
  }, 240_000);
});

it('a row has the same bits whatever the number of rows and of sequences, and as the thread variant where that is read by decode', async () => {
  const width = (grouped.heads + 2 * grouped.kv_heads) * 16;
  const long = { batch: 2, seq: 45, ...grouped, head_dim: 16, ...plain };
  let threadBits: Float32Array | undefined;
  for (const variant of [threadVariant, ...trials('forward').map(({ variant }) => variant)]) {
    const spec = attentionKernel('forward', variant);
    const buffers = inputs(spec, long);
    const whole = (await runKernel(gpu, spec, long, buffers)).o as Float32Array;
    for (const seq of [18, 3]) {
      const cut = { ...buffers, qkv: buffers.qkv!.slice(0, seq * width), kvStart: new Uint32Array(seq) };
      const size = seq * grouped.heads * 16;
      const short = { ...cut, o: new Float64Array(size), lse: new Float64Array(seq * grouped.heads) };
      const actual = (await runKernel(gpu, spec, { ...long, batch: 1, seq }, short)).o as Float32Array;
      expect(same(actual, whole.slice(0, size)), `${attentionVariantName(variant)} ${seq}`).toBe(true);
    }
    threadBits ??= whole;
    if (variant.kind === 'subgroup') expect(same(whole, threadBits)).toBe(true);
  }
}, 120_000);

it('decode gives every row the bits of forward on software adapters, so that a rollout has the log-probabilities of training', async () => {
  const [seq, d, capacity] = [29, 16, 40];
  const width = (grouped.heads + 2 * grouped.kv_heads) * d;
  for (const window of [0, 9]) {
    const s = { batch: 1, seq, ...grouped, head_dim: d, ...plain, window };
    const spec = attentionKernel('forward', defaultAttention(traits, 'forward', s));
    const buffers = inputs(spec, s);
    const whole = (await runKernel(gpu, spec, s, buffers)).o as Float32Array;
    // A slot for every position, each with the cache of the whole sequence: what comes after its position must not be seen.
    const cacheRow = Float64Array.from({ length: 2 * grouped.kv_heads * capacity * d }, (_, i) => {
      const [part, at] = [Math.floor(i / (capacity * d)), Math.floor(i / d) % capacity];
      return at < seq ? buffers.qkv![at * width + (grouped.heads + part) * d + (i % d)]! : 9e9;
    });
    const decoded = await runKernel(
      gpu,
      attentionDecodeKernel,
      { slots: seq, ...grouped, head_dim: d, capacity, ...plain, window },
      {
        qkv: buffers.qkv!,
        cache: Float64Array.from({ length: seq * cacheRow.length }, (_, i) => cacheRow[i % cacheRow.length]!),
        positions: Uint32Array.from({ length: seq }, (_, i) => i),
        o: new Float64Array(whole.length),
      },
    );
    if (traits.software) expect(same(decoded.o as Float32Array, whole), `window ${window}`).toBe(true);
    else expect(compareArrays('o', decoded.o!, whole, 1e-5).faults).toEqual([]);
  }
}, 60_000);

it('names of variants are read back, and nonsense is not', () => {
  const gpuTraits: AdapterTraits = {
    ...traits,
    software: false,
    workgroupBytes: 49152,
    workgroupThreads: 1024,
  };
  const offered = attentionCandidates(gpuTraits, 'forward', { head_dim: 128 });
  expect(offered.length).toBeGreaterThan(4);
  for (const v of [...offered, ...trials('forward').map(({ variant }) => variant)])
    expect(parseAttentionVariant(attentionVariantName(v)), attentionVariantName(v)).toEqual(v);
  for (const name of ['', 'threads', 'subgroup-2x3-8', 'subgroup-2x16-8', 'tile-8x8x8-4x8', 'tile-8x8-2x8'])
    expect(parseAttentionVariant(name), name).toBeUndefined();
});

it('the default fits every head size on adapters with 16 KiB of workgroup memory, and is a tile on a GPU', () => {
  const small: AdapterTraits = { ...traits, software: false, workgroupBytes: 16384, workgroupThreads: 256 };
  for (const op of attentionOps) {
    for (const head_dim of [16, 32, 48, 64, 80, 96, 128, 256]) {
      const v = defaultAttention(small, op, { head_dim });
      expect(v.kind, `${op} ${head_dim}`).toBe('tile');
      expect(fitsAttention(v, { head_dim }) && canRunAttention(v, small)).toBe(true);
      if (v.kind === 'tile') expect(tileBytes(v)).toBeLessThanOrEqual(16384);
    }
    const { subgroupSize: _, ...without } = { ...small, software: true };
    expect(defaultAttention(without, op, { head_dim: 64 })).toEqual(threadVariant);
    expect(defaultAttention({ ...small, software: true, subgroupSize: 8 }, op, { head_dim: 4 })).toEqual(
      threadVariant,
    );
  }
});

function same(a: Float32Array, b: Float32Array): boolean {
  const [x, y] = [new Uint32Array(a.buffer), new Uint32Array(b.buffer)];
  return x.length === y.length && x.every((bits, i) => bits === y[i]);
}
