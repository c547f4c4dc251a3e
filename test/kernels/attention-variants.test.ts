/** Every way of computing attention that this adapter can run: against the reference, twice the same bits, and row by row. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attentionKernel } from '../../kernels/attention/spec.ts';
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
import { attendCacheKernel } from '../../kernels/kv-cache/spec.ts';
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

it('a row of the cache, and a document packed behind others, have the bits of the document alone on software adapters', async () => {
  const [seq, capacity] = [29, 40];
  // Heads of 8 channels are sums so short that Mesa orders them its own way, unless told otherwise.
  for (const { d, window } of [
    { d: 16, window: 0 },
    { d: 16, window: 9 },
    { d: 8, window: 0 },
  ]) {
    const width = (grouped.heads + 2 * grouped.kv_heads) * d;
    const s = { batch: 1, seq, ...grouped, head_dim: d, ...plain, window };
    const spec = attentionKernel('forward', defaultAttention(traits, 'forward', s));
    const buffers = inputs(spec, s);
    const alone = (await runKernel(gpu, spec, s, buffers)).o as Float32Array;
    const cache = new Float64Array(capacity * 2 * grouped.kv_heads * d).fill(9e9);
    for (let t = 0; t < seq; t++)
      cache.set(
        buffers.qkv!.slice(t * width + grouped.heads * d, (t + 1) * width),
        t * 2 * grouped.kv_heads * d,
      );
    const cached = await runKernel(
      gpu,
      attendCacheKernel,
      { rows: seq, slot_count: 1, ...grouped, head_dim: d, capacity, ...plain, window },
      {
        qkv: buffers.qkv!,
        cache,
        slots: new Uint32Array(seq),
        positions: Uint32Array.from({ length: seq }, (_, t) => t),
        o: new Float64Array(alone.length),
      },
    );
    // Documents of 1, 2 and 3 rows before it and one behind, none of which begins where a block of four would.
    const starts = [0, 1, 3, 6, 6 + seq];
    const packed = { ...s, seq: 6 + seq + 5 };
    const rows = (t: number) => Math.max(...starts.filter((start) => start <= t));
    const around = inputs(spec, packed);
    around.qkv!.set(buffers.qkv!, 6 * width);
    for (const variant of [threadVariant, defaultAttention(traits, 'forward', s)]) {
      const behind = await runKernel(gpu, attentionKernel('forward', variant), packed, {
        ...around,
        kvStart: Uint32Array.from({ length: packed.seq }, (_, t) => rows(t)),
      });
      const from = 6 * grouped.heads * d;
      const its = (behind.o as Float32Array).slice(from, from + alone.length);
      const name = `${attentionVariantName(variant)} d${d} window ${window}`;
      if (traits.software) expect(same(its, alone), name).toBe(true);
      else expect(compareArrays('o', its, alone, 1e-5).faults, name).toEqual([]);
    }
    if (traits.software) expect(same(cached.o as Float32Array, alone), `d${d} window ${window}`).toBe(true);
    else expect(compareArrays('o', cached.o!, alone, 1e-5).faults).toEqual([]);
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
