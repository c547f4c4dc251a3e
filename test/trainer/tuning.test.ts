/** The autotuner and its table: what is measured is kept, read back, chosen from, and what a run recorded wins over it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { attentionForwardKernel } from '../../kernels/attention/spec.ts';
import { matmulForward } from '../../kernels/matmul/spec.ts';
import { candidates, variantName } from '../../kernels/matmul/variant.ts';
import { autotune, productsOf } from '../../trainer/gpu/autotune.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import {
  adoptKernels,
  chooseVariant,
  fastest,
  kernelFor,
  productClass,
  readTable,
  tableFile,
  traitsOf,
  usedKernels,
  writeTable,
} from '../../trainer/gpu/tuning.ts';
import { PlanBuilder } from '../../trainer/plan/plan.ts';

let gpu: Gpu;
const folder = mkdtempSync(path.join(tmpdir(), 'midtrain-tuning-'));
const cacheBefore = process.env.XDG_CACHE_HOME;
beforeAll(async () => {
  gpu = await openDevice(); // with the user's own cache folder, where the adapter lies
  process.env.XDG_CACHE_HOME = folder;
});
beforeEach(() => rmSync(path.join(folder, 'midtrain'), { recursive: true, force: true }));
afterAll(async () => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  rmSync(folder, { recursive: true });
  await gpu.close();
});

const sizes = { m: 40, n: 32, k: 24, use_residual: 0, stride: 32, first: 0 };
const portable = 'register-8x8-4x2';

describe('the table', () => {
  it('holds every variant that fits, and the fastest is chosen from then on', async () => {
    expect(readTable(gpu)).toBeUndefined();
    const table = await autotune(gpu, [{ op: 'nt', m: 40, n: 32, k: 24 }], { seconds: 60 });
    const name = productClass('nt', sizes);
    expect(Object.keys(table.measured[name]!)).toEqual(candidates(traitsOf(gpu)).map(variantName));
    expect(table.variants[name]).toBe(fastest(table.measured)[name]);
    expect(readTable(gpu)).toEqual(table);
  }, 60_000);

  it('is not used when it was written for another adapter, Dawn or generator, or is damaged', () => {
    const table = writeTable(gpu, { 'nt m6 n5 k5': { [portable]: 1 } });
    for (const change of [{ adapter: 'another' }, { dawn: '0.0.1' }, { generator: 0 }, { variants: 3 }]) {
      writeFileSync(tableFile(gpu), JSON.stringify({ ...table, ...change }));
      expect(readTable(gpu), JSON.stringify(change)).toBeUndefined();
    }
    writeFileSync(tableFile(gpu), JSON.stringify(table).slice(0, -9));
    expect(readTable(gpu)).toBeUndefined();
  });

  it('keeps what was measured before', () => {
    writeTable(gpu, { a: { x: 1 } });
    expect(writeTable(gpu, { b: { x: 1, y: 2 } }).variants).toEqual({ a: 'x', b: 'y' });
    expect(JSON.parse(readFileSync(tableFile(gpu), 'utf8')).variants).toEqual({ a: 'x', b: 'y' });
  });

  it('is left alone when the time is over', async () => {
    expect((await autotune(gpu, [{ op: 'nn', m: 8, n: 8, k: 8 }], { seconds: 0 })).variants).toEqual({});
  });
});

describe('choosing', () => {
  it('takes the table, and the default for nonsense, for what the adapter cannot run and for what does not fit', () => {
    const traits = {
      software: true,
      subgroupSize: 8,
      f16: false,
      matrices: [],
      workgroupBytes: 16384,
      workgroupThreads: 256,
    };
    const choose = (variant: string, s: Record<string, number> = sizes) =>
      variantName(chooseVariant({ variants: { [productClass('nt', s)]: variant } }, traits, 'nt', s));
    expect(choose('register-4x8-8x1')).toBe('register-4x8-8x1');
    expect(choose('subgroup-16x4-8')).toBe('subgroup-16x4-8');
    for (const other of ['nonsense', 'subgroup-16x4-4', 'shared-64x64x64-8x8', 'shared-32x32x16-4x4-f16'])
      expect(choose(other)).toBe('subgroup-32x4-8');
    expect(choose('subgroup-16x4-8', { ...sizes, k: 23 })).toBe(portable);
  });

  it('a run keeps what it recorded when the table changes', () => {
    const name = productClass('nt', sizes);
    writeTable(gpu, { [name]: { 'register-4x8-8x1': 1 } });
    adoptKernels(gpu);
    const before = kernelFor(gpu, matmulForward, sizes);
    const recorded = usedKernels(gpu);
    expect(recorded.variants[name]).toBe('register-4x8-8x1');
    writeTable(gpu, { [name]: { [portable]: 1 } });
    adoptKernels(gpu, recorded);
    expect(kernelFor(gpu, matmulForward, sizes)).toBe(before);
    expect(usedKernels(gpu)).toEqual(recorded);
    adoptKernels(gpu);
    expect(kernelFor(gpu, matmulForward, sizes)).not.toBe(before);
  });

  it('defaults that a run took are recorded too', () => {
    adoptKernels(gpu);
    kernelFor(gpu, matmulForward, sizes);
    expect(Object.keys(usedKernels(gpu).variants)).toEqual([productClass('nt', sizes)]);
  });
});

describe('attention', () => {
  const shape = {
    batch: 1,
    seq: 12,
    heads: 2,
    kv_heads: 1,
    head_dim: 8,
    window: 0,
    scale: 1,
    softcap: 0,
    use_softcap: 0,
  };
  const name = 'attention-forward d8 s4';

  it('is measured, chosen from the table, recorded with the run and taken from there again', async () => {
    const table = await autotune(gpu, [{ op: 'forward', ...shape }], { seconds: 60 });
    expect(Object.keys(table.measured[name]!)).toContain('thread');
    writeTable(gpu, { [name]: { thread: 1 } });
    adoptKernels(gpu);
    expect(kernelFor(gpu, attentionForwardKernel, shape)).toBe(attentionForwardKernel);
    const recorded = usedKernels(gpu);
    expect(recorded.variants[name]).toBe('thread');
    rmSync(tableFile(gpu));
    adoptKernels(gpu);
    kernelFor(gpu, attentionForwardKernel, shape);
    expect(usedKernels(gpu).variants[name]).toMatch(/^(subgroup|tile)-/);
    adoptKernels(gpu, recorded);
    expect(kernelFor(gpu, attentionForwardKernel, shape)).toBe(attentionForwardKernel);
  }, 60_000);

  it('that the adapter cannot run, or that is none, is the default', () => {
    const choose = (variant: string) => {
      adoptKernels(gpu, { adapter: 'x', generator: 1, variants: { [name]: variant } });
      kernelFor(gpu, attentionForwardKernel, shape);
      return usedKernels(gpu).variants[name];
    };
    expect(choose('thread')).toBe('thread');
    for (const other of ['nonsense', 'subgroup-1x4-64', 'tile-32x32x32-8x8'])
      expect(choose(other)).not.toBe(other);
  });
});

it('the products of a plan come once a class, the most work first', () => {
  const builder = new PlanBuilder();
  builder.program('p');
  const run = (m: number, n: number, k: number): void => {
    const tensor = (name: string, size: number) => builder.tensor(name, size);
    builder.run(
      matmulForward,
      { x: tensor('x', m * k), w: tensor('w', n * k), residual: tensor('r', 1), y: tensor('y', m * n) },
      { m, n, k, use_residual: 0, stride: n, first: 0 },
    );
  };
  run(8, 8, 8);
  run(60, 64, 64);
  run(64, 60, 64);
  expect(productsOf(builder.finish())).toEqual([
    { op: 'nt', m: 60, n: 64, k: 64 },
    { op: 'nt', m: 8, n: 8, k: 8 },
  ]);
});
