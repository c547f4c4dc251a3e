/** Every way of computing a matrix product that this adapter can run: against the reference, bit for bit against each other, and row by row. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareArrays } from '../../kernels/compare.ts';
import { packHalves } from '../../kernels/half/values.ts';
import type { Scalars } from '../../kernels/kernel.ts';
import { matmulKey } from '../../kernels/matmul/generate.ts';
import { matmulKernel } from '../../kernels/matmul/spec.ts';
import {
  type AdapterTraits,
  candidates,
  canRun,
  defaultVariant,
  fits,
  type MatmulOp,
  matmulOps,
  parseVariant,
  portableVariant,
  type Variant,
  variantName,
} from '../../kernels/matmul/variant.ts';
import { Random } from '../../src/core/random.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { traitsOf } from '../../trainer/gpu/tuning.ts';
import { caseBuffers, runKernel } from './run-kernel.ts';

let gpu: Gpu;
let traits: AdapterTraits;
let variants: Variant[];
beforeAll(async () => {
  gpu = await openDevice();
  traits = traitsOf(gpu);
  const names = [
    ...candidates(traits).map(variantName),
    ...candidates(traits, true)
      .filter(({ kind }) => kind === 'matrix')
      .map(variantName),
    // What a real GPU would be offered, in small: a big tile takes a software adapter's compiler ten seconds.
    'shared-16x16x8-2x2',
    'shared-32x16x4-4x2-f16',
    'tile-16x16x4-4x4',
    'tile-16x16x4-4x4-f16',
  ];
  variants = [...new Set(names)].map((name) => parseVariant(name)!).filter((v) => canRun(v, traits));
});
afterAll(() => gpu.close());

describe.each(
  matmulOps.flatMap((op) => [
    { op, half: false },
    { op, half: true },
  ]),
)('$op, operands in halves: $half', ({ op, half }) => {
  const writes = { nt: 'y', nn: 'dx', tn: 'parts' }[op];

  it('every variant agrees with the reference, and with each other in every bit', async () => {
    const firstBits = new Map<string, Float32Array>();
    // Halves take the same paths through the generator: one variant of each kind, since each compiles for seconds on a cold cache.
    for (const variant of half ? oneOfEachKind(variants) : variants) {
      const spec = matmulKernel(op, variant, half);
      for (const scalars of spec.cases.filter((s) => worthCompiling(op, half, variant, s))) {
        const shape = JSON.stringify(scalars);
        const random = new Random(`${op}${shape}`);
        const buffers = caseBuffers(spec, scalars, () => random.float());
        const actual = (await runKernel(gpu, spec, scalars, buffers))[writes] as Float32Array;
        const expected = structuredClone(buffers);
        spec.reference(expected, scalars);
        const { faults } = compareArrays(writes, actual, expected[writes]!, spec.tolerance);
        expect(faults, `${variantName(variant)} ${shape}`).toEqual([]);
        // Tensor units order their sums themselves.
        if (variant.kind === 'matrix') continue;
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
  for (const variant of variants.filter(({ kind }) => kind !== 'tile')) {
    for (const op of ['nt', 'nn'] as const) {
      const half = 'f16' in variant && variant.f16;
      const spec = matmulKernel(op, variant, half);
      const [left, out] = op === 'nt' ? ['x', 'y'] : ['dy', 'dx'];
      const values = (random: Random, length: number) => {
        const list = Float64Array.from({ length }, () => Math.fround(random.float() - 0.5));
        return half ? packHalves(list) : list;
      };
      let row: Float32Array | undefined;
      for (const m of [64, 7, 1]) {
        const stride = op === 'nt' ? n : k;
        const scalars = { m, n, k, use_residual: 0, accumulate: 0, stride, first: 0, half: half ? 1 : 0 };
        const buffers = caseBuffers(spec, scalars, () => 0.5);
        buffers[left] = values(new Random('rows'), m * k); // the same first rows in every batch
        buffers.w = values(new Random('right'), n * k);
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

/** A vector tile takes lavapipe's compiler 4 s of CPU a text: three texts stand for the eighteen of an op, an operand type and a width of reading. */
function worthCompiling(op: MatmulOp, half: boolean, variant: Variant, s: Scalars): boolean {
  if (variant.kind !== 'tile') return true;
  const [wide, narrow] = ['-a4-b4-y4', '4x4'].map((end) => matmulKey(op, variant, s).endsWith(end));
  return half ? variant.f16 && op === 'tn' && wide! : (op === 'nn' && wide!) || (op === 'nt' && narrow!);
}

function oneOfEachKind(of: readonly Variant[]): Variant[] {
  const kindOf = (v: Variant) => `${v.kind}${'f16' in v && v.f16}`;
  return of.filter((v, i) => of.findIndex((other) => kindOf(other) === kindOf(v)) === i);
}

function same(a: Float32Array, b: Float32Array): boolean {
  const [x, y] = [new Uint32Array(a.buffer), new Uint32Array(b.buffer)];
  return x.length === y.length && x.every((bits, i) => bits === y[i]);
}
