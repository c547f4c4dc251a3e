/** Every way of computing a matrix product that this adapter can run: against the reference, bit for bit against each other, and row by row. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareArrays } from '../../kernels/compare.ts';
import { matmulKernel } from '../../kernels/matmul/spec.ts';
import {
  type AdapterTraits,
  candidates,
  canRun,
  defaultVariant,
  fits,
  matmulOps,
  parseVariant,
  portableVariant,
  type Variant,
  variantName,
} from '../../kernels/matmul/variant.ts';
import { Random } from '../../src/core/random.ts';
import { type Gpu, openDevice } from '../../trainer/device.ts';
import { traitsOf } from '../../trainer/tuning.ts';
import { caseBuffers, runKernel } from './run-kernel.ts';

let gpu: Gpu;
let traits: AdapterTraits;
let variants: Variant[];
beforeAll(async () => {
  gpu = await openDevice();
  traits = traitsOf(gpu);
  const names = [
    ...candidates(traits).map(variantName),
    // What a real GPU would be offered, in small: a big tile takes a software adapter's compiler ten seconds.
    'shared-16x16x8-2x2',
    'shared-32x16x4-4x2-f16',
  ];
  variants = names.map((name) => parseVariant(name)!).filter((v) => canRun(v, traits));
});
afterAll(() => gpu.close());

describe.each(matmulOps.map((op) => ({ op })))('$op', ({ op }) => {
  const writes = { nt: 'y', nn: 'dx', tn: 'parts' }[op];

  it('every variant agrees with the reference, and those in f32 with each other in every bit', async () => {
    const firstBits = new Map<string, Float32Array>();
    for (const variant of variants) {
      const spec = matmulKernel(op, variant);
      for (const scalars of spec.cases) {
        const shape = JSON.stringify(scalars);
        const random = new Random(`${op}${shape}`);
        const buffers = caseBuffers(spec, scalars, () => random.float());
        const actual = (await runKernel(gpu, spec, scalars, buffers))[writes] as Float32Array;
        const expected = structuredClone(buffers);
        spec.reference(expected, scalars);
        const { faults } = compareArrays(writes, actual, expected[writes]!, spec.tolerance);
        expect(faults, `${variantName(variant)} ${shape}`).toEqual([]);
        if (variant.kind === 'shared' && variant.f16) continue;
        const known = firstBits.get(shape);
        if (known === undefined) firstBits.set(shape, actual);
        else expect(same(known, actual), `bits of ${variantName(variant)} ${shape}`).toBe(true);
      }
    }
    expect(variants.length).toBeGreaterThan(4);
  }, 120_000);
});

it('a row has the same bits whatever the number of rows', async () => {
  const [n, k] = [100, 60];
  for (const variant of variants) {
    for (const op of ['nt', 'nn'] as const) {
      const spec = matmulKernel(op, variant);
      const out = op === 'nt' ? 'y' : 'dx';
      let row: Float32Array | undefined;
      for (const m of [64, 7, 1]) {
        const scalars = { m, n, k, use_residual: 0, accumulate: 0, stride: op === 'nt' ? n : k, first: 0 };
        const random = new Random('rows'); // the same first rows in every batch: left operands are drawn first
        const right = new Random('right');
        const buffers = caseBuffers(spec, scalars, () => random.float());
        buffers.w = Float64Array.from({ length: n * k }, () => Math.fround(right.float() - 0.5));
        const actual = (await runKernel(gpu, spec, scalars, buffers))[out] as Float32Array;
        const first = actual.slice(0, n);
        if (row === undefined) row = first;
        else expect(same(row, first), `${op} ${variantName(variant)} m = ${m}`).toBe(true);
      }
    }
  }
}, 60_000);

it('names of variants are read back, and nonsense is not', () => {
  for (const variant of variants) expect(parseVariant(variantName(variant))).toEqual(variant);
  for (const name of [
    '',
    'register',
    'subgroup-12x4-8',
    'shared-64x64x16-7x8',
    'register-8x8-4x2-f16',
    'x-8x8-4x2',
  ])
    expect(parseVariant(name), name).toBeUndefined();
});

it('the default variant fits the sizes and the adapter', () => {
  const software: AdapterTraits = { ...traits, software: true, subgroupSize: 8 };
  const odd = { m: 5, n: 7, k: 9 };
  for (const op of matmulOps) {
    expect(defaultVariant(software, op, odd)).toEqual(portableVariant);
    const v = defaultVariant(software, op, { m: 64, n: 64, k: 64 });
    expect(v.kind).toBe('subgroup');
    expect(fits(v, op, { m: 64, n: 64, k: 64 })).toBe(true);
    expect(defaultVariant({ ...software, software: false }, op, odd)).toEqual(portableVariant);
  }
});

function same(a: Float32Array, b: Float32Array): boolean {
  const [x, y] = [new Uint32Array(a.buffer), new Uint32Array(b.buffer)];
  return x.length === y.length && x.every((bits, i) => bits === y[i]);
}
