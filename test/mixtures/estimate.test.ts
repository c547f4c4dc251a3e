/** What a mixture costs: arithmetic by the published formula, steps, time, durations in words; and disk against real mixtures. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  describeEstimate,
  estimateRun,
  estimateTable,
  flopsPerToken,
  formatBytes,
  formatDuration,
  formatFlops,
  type ModelShape,
} from '../../mixtures/estimate.ts';
import { loadRecipe } from '../../mixtures/load.ts';
import { type MixturePlan, planMixture, type SourceSize } from '../../mixtures/plan.ts';
import { parseRecipe } from '../../mixtures/recipe.ts';
import { mix } from '../../src/stages/mix.ts';
import { modelShapes, shapeOf } from '../../trainer/model/model-shapes.ts';
import { scratchFolder } from '../io/scratch.ts';

const scratch = scratchFolder();

const size = (role: SourceSize['role'], tokens: number | undefined, documents?: number): SourceSize => ({
  role,
  template: 'text',
  templateEvidence: 'own',
  tokens,
  documents,
  from: 'sampled',
});

function planOf(sizes: Record<string, SourceSize>, extra = ''): MixturePlan {
  const names = Object.keys(sizes);
  const recipe = parseRecipe(
    `name: r\nsequenceLength: 1023\nbudget: 10240000\nrepeatLimit: 100\n${extra}\nsources:\n${names.map((name) => `  ${name}: { data: ./x, role: ${sizes[name]!.role}, weight: ${1 / names.length} }`).join('\n')}\n`,
    'r.yaml',
  );
  return planMixture(recipe, sizes);
}

const tiny: ModelShape = {
  name: 'tiny',
  parameters: 1_000_000,
  embeddingParameters: 200_000,
  layers: 2,
  hidden: 64,
  heads: 4,
  vocabSize: 1000,
};

describe('training arithmetic', () => {
  test('is 6 a parameter that is multiplied with, and 12 layers x width x length', () => {
    expect(flopsPerToken(tiny, 1000)).toBe(6 * 800_000 + 12 * 2 * 64 * 1000);
    expect(flopsPerToken({ ...tiny, attentionWidth: 128 }, 1000)).toBe(6 * 800_000 + 12 * 2 * 128 * 1000);
  });

  test('counts the parameters that the models are published with', () => {
    expect(Object.fromEntries(modelShapes.map(({ name, parameters }) => [name, parameters]))).toEqual({
      'SmolLM2-135M': 134_515_008,
      'Qwen2.5-0.5B': 494_032_768,
      'Llama-3.2-1B': 1_235_814_400,
      'Qwen2.5-1.5B': 1_543_714_304,
      'Qwen2.5-3B': 3_085_938_688,
      'Llama-3.2-3B': 3_212_749_824,
      'Llama-3.1-8B': 8_030_261_248,
    });
  });

  test('agrees with the terms of the matrix products of Llama-3.2-1B counted one by one', () => {
    const model = modelShapes.find(({ name }) => name === 'Llama-3.2-1B')!;
    const [d, s, layers] = [2048, 8192, 16];
    // Multiplications of q, k, v, o; gate, up, down; scores and values; the head. Twice for adding, three times for backward.
    const layer = d * d + 2 * d * 512 + d * d + 3 * d * 8192 + 2 * s * d;
    const expected = 3 * 2 * (layers * layer + d * 128_256);
    // Norms are parameters and no products.
    expect(flopsPerToken(model, s) / expected).toBeCloseTo(1, 4);
  });

  test('leaves the input table of an untied head out', () => {
    const config = {
      vocabSize: 100,
      dim: 8,
      layers: 1,
      heads: 2,
      kvHeads: 1,
      headDim: 4,
      hidden: 16,
      maxPositions: 64,
      ropeTheta: 10_000,
      normEps: 1e-5,
    };
    const [tied, untied] = [true, false].map((tiedHead) => shapeOf('m', { ...config, tiedHead }));
    expect(untied!.parameters - tied!.parameters).toBe(800);
    expect(flopsPerToken(untied!, 10)).toBe(flopsPerToken(tied!, 10));
  });
});

describe('estimateRun', () => {
  const plan = planOf({ web: size('web', 50e6, 50_000), qa: size('qa', 5e6, 20_000) });

  test('gives steps, targets and time', () => {
    const estimate = estimateRun({
      plan,
      batchTokens: 1023 * 64,
      vocabSize: 50_257,
      model: tiny,
      flopsPerSecond: 1e12,
      utilisation: 0.5,
    });
    expect(plan.sequences).toBe(10_000);
    expect(estimate.sequences).toBe(10_000);
    expect(estimate.tokens).toBe(10_240_000);
    expect(estimate.targets).toBe(10_230_000);
    expect(estimate.steps).toBe(157); // 156.25
    expect(estimate.trainingFlops).toBe(10_230_000 * flopsPerToken(tiny, 1023));
    expect(estimate.seconds).toBeCloseTo(estimate.trainingFlops! / 5e11, 9);
    const whole = estimateRun({ ...options(plan), batchTokens: 1023 * 100 });
    expect(whole.steps).toBe(100);
  });

  test('says nothing of time without a model or a speed', () => {
    const without = estimateRun(options(plan));
    expect(without.trainingFlops).toBeUndefined();
    expect(without.seconds).toBeUndefined();
    expect(estimateRun({ ...options(plan), model: tiny }).seconds).toBeUndefined();
    expect(describeEstimate(without).map(({ value }) => value)).toContain('no model');
  });

  test('counts bytes: 2 or 4 a token, 8 a piece, masks where there is padding, twice for --per-source', () => {
    const { diskBytes } = estimateRun(options(plan));
    expect(diskBytes.shards).toBe(10_240_000 * 2);
    expect(estimateRun({ ...options(plan), vocabSize: 65_537 }).diskBytes.shards).toBe(10_240_000 * 4);
    expect(diskBytes.masks).toBe(0);
    expect(estimateRun({ ...options(plan), perSource: true }).diskBytes.shards).toBe(10_240_000 * 4);
    // 5,120 documents of 1,000 tokens and 20,480 of 250, and nearly every edge of 10,000 sequences cuts one.
    expect(diskBytes.index / 8 / (5_120 + 20_480 + 10_000)).toBeCloseTo(1, 2);
    const { cache, index, masks, other, provenance, shards, total } = diskBytes;
    expect(total).toBe(cache + index + masks + other + provenance + shards);
  });

  test('works where nobody knows how large a source is', () => {
    const unknown = planOf({ web: size('web', undefined), qa: size('qa', 0, 0) });
    const { diskBytes, steps } = estimateRun(options(unknown));
    expect(Object.values(diskBytes).every((bytes) => Number.isFinite(bytes) && bytes >= 0)).toBe(true);
    expect(steps).toBe(Math.ceil((unknown.sequences * 1023) / 65_536));
  });

  test('takes milliseconds with 40 sources, on a busy machine too', () => {
    const many = planOf(
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`s${i}`, size('web', 1e9, 1e6)])),
    );
    const start = performance.now();
    for (let i = 0; i < 100; i++) estimateRun({ ...options(many), model: tiny, flopsPerSecond: 1e12 });
    expect((performance.now() - start) / 100).toBeLessThan(10);
  });

  test('stands below a plan as lines', () => {
    const asked = { ...options(plan), model: tiny, flopsPerSecond: 1e9 };
    expect(estimateTable(estimateRun(asked), asked)).toMatchInlineSnapshot(`
      "sequences 10000
      steps     157 of 65.5k tokens
      training  65.2 TFLOP for tiny (1M parameters)
      time      about 1 day 21 h at 1.00 GFLOP/s, 40 % of it used
      disk      53.9 MB (shards 20.5 MB, index 285 kB, provenance 659 kB, cache 30.5 MB)
      "
    `);
  });
});

const options = (plan: MixturePlan) => ({
  plan,
  batchTokens: 65_536,
  vocabSize: 50_257,
  model: undefined,
  flopsPerSecond: undefined,
});

test('durations, bytes and operations for people', () => {
  const day = 86_400;
  expect(
    [
      0,
      0.42,
      9.96,
      59.4,
      59.7,
      60,
      200,
      3599.6,
      14_700,
      day - 1,
      day,
      12 * day + 3 * 3600,
      3.2 * 365.25 * day,
    ].map(formatDuration),
  ).toEqual([
    '0 s',
    '0.42 s',
    '10 s',
    '59 s',
    '1 min',
    '1 min',
    '3 min 20 s',
    '1 h',
    '4 h 05 min',
    '1 day',
    '1 day',
    '12 days 3 h',
    '3.20 years',
  ]);
  expect(formatDuration(Number.POSITIVE_INFINITY)).toBe('not known');
  expect([0, 512, 999.6, 3.4e9, 41.2e9, 812e12].map(formatBytes)).toEqual([
    '0 B',
    '512 B',
    '1.00 kB',
    '3.40 GB',
    '41.2 GB',
    '812 TB',
  ]);
  expect([formatFlops(9.89e14, true), formatFlops(3.1e23)]).toEqual(['989 TFLOP/s', '3.1e23 FLOP']);
});

describe('disk', () => {
  const bytesIn = (folder: string, ending: RegExp): number =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && ending.test(join(entry.parentPath, entry.name)))
      .reduce((n, entry) => n + statSync(join(entry.parentPath, entry.name)).size, 0);

  for (const packing of ['concatenate', 'best-fit'] as const) {
    test(`is within a tenth of what a ${packing} mixture takes`, async () => {
      const loaded = loadRecipe('demo', scratch);
      const output = join(scratch, packing);
      const { plan, manifest } = await mix({ loaded, cwd: scratch, output, packing });
      expect(manifest.totalTokens).toBe(plan.totalTokens);
      const asked = { ...options(plan), vocabSize: 1024 };
      const { diskBytes } = estimateRun(asked);
      const near = (estimate: number, real: number): void => {
        expect(estimate / real).toBeGreaterThan(0.9);
        expect(estimate / real).toBeLessThan(1.1);
      };
      near(diskBytes.shards, bytesIn(output, /shards.*\.ds$/));
      near(diskBytes.index, bytesIn(output, /shards.*\.index$/));
      if (packing === 'best-fit') near(diskBytes.masks, bytesIn(output, /shards.*\.loss$/));
      near(diskBytes.cache, bytesIn(output, /cache/));
      near(diskBytes.total, bytesIn(output, /./));
      // The same from sizes alone, before the lengths of documents are known.
      const sources = plan.sources.map((source) => ({ ...source, packed: undefined }));
      const guessed = estimateRun({ ...asked, plan: { ...plan, sources } }).diskBytes;
      expect(guessed.index / diskBytes.index).toBeGreaterThan(0.8);
      expect(guessed.index / diskBytes.index).toBeLessThan(1.2);
    });
  }
});
