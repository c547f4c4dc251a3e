/** What a run tells of itself: metrics in order whatever runs ahead, the mixture so far, share of the measured peak, kernels. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ProgressEvent } from '../../src/core/events.ts';
import { openParquet } from '../../src/io/parquet-footer.ts';
import { readRun } from '../../src/io/run-record.ts';
import { TokenShardWriter } from '../../src/io/token-shard.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { readTrainingState } from '../../trainer/learner/checkpoint.ts';
import { MixtureSoFar } from '../../trainer/training/mixture-so-far.ts';
import { openTrainingData } from '../../trainer/training/token-data.ts';
import {
  hashOf,
  type TrainingWorld,
  trainingWorld,
  trainStable,
  trainUntil,
  writeManifest,
} from './training-world.ts';

let gpu: Gpu;
let world: TrainingWorld;
const cache = process.env.XDG_CACHE_HOME;
beforeAll(async () => {
  gpu = await openDevice();
  world = await trainingWorld('metrics');
});
afterAll(async () => {
  if (cache === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cache;
  await gpu.close();
  world.remove();
});

it('running ahead changes no bit and no row, and rows come in order', async () => {
  const runs = [];
  for (const runAhead of [0, 1, 3]) {
    const change = { gradient_accumulation_steps: 2, eval_every: 5, checkpoint_every: 100, z_loss: 1e-3 };
    const { result } = await trainStable(gpu, world.config(`ahead-${runAhead}`, change), { runAhead });
    const rows = readRun(result.runFolder).metrics.map((row) =>
      Object.fromEntries(
        Object.entries(row).filter(([name]) => !/^(timing_s|memory)|per_sec|tflops|mfu/.test(name)),
      ),
    );
    runs.push({ rows, hashes: hashOf(result.checkpoint) });
  }
  expect(runs[0]!.rows.map((row) => row.step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(runs[1]).toEqual(runs[0]);
  expect(runs[2]).toEqual(runs[0]);
});

it('writes every figure it promises, with the peak that mfu is a share of in run.json', async () => {
  const { result } = await trainStable(gpu, world.config('figures'), { runAhead: 0 });
  const { record, metrics } = readRun(result.runFolder);
  const { peak, kernels } = record.device as {
    peak: { flopsPerSecond: number; adapter: string };
    kernels: { adapter: string };
  };
  expect(peak.flopsPerSecond).toBeGreaterThan(1e7);
  expect(peak.adapter).toBe(kernels.adapter);
  const row = metrics.at(-1)! as Record<string, number>;
  expect(row.mfu).toBeCloseTo((row.tflops! * 1e12) / peak.flopsPerSecond, 9);
  expect(row.tokens_per_sec).toBeCloseTo(128 / row['timing_s/step']!, 6);
  expect(row['timing_s/data']).toBeGreaterThan(0);
  expect(row['timing_s/data']).toBeLessThan(5);
  expect(row['memory/process(GiB)']).toBeGreaterThan(0.05);
  // Weights, gradients and two moments, at least.
  const parameters = record.summary.parameters as number;
  expect(row['memory/max_reserved(GiB)']! * 2 ** 30).toBeGreaterThan(parameters * 16);
});

it('measures the peak once and keeps it by adapter', async () => {
  process.env.XDG_CACHE_HOME = path.join(world.root, 'cache');
  const measuredIn = async (name: string) => {
    const { messages } = await trainStable(
      gpu,
      world.config(name, { stable: { steps: 1, learning_rate: 0.01 } }),
    );
    return messages.some((text) => /GFLOP\/s in f32; mfu is a share of that/.test(text));
  };
  expect([await measuredIn('peak-1'), await measuredIn('peak-2')]).toEqual([true, false]);
});

it('tunes before a run when asked, once, and never a run that goes on', async () => {
  process.env.XDG_CACHE_HOME = path.join(world.root, 'cache-tuned');
  const tunedIn = async (name: string, steps: number) => {
    let tuned = 0;
    const emit = (event: ProgressEvent) =>
      void (event.kind === 'end' && event.task === 'autotune' && tuned++);
    const config = world.config(name, { autotune: 3, stable: { steps, learning_rate: 0.01 } });
    const { result } = await trainStable(gpu, config, { emit });
    return { tuned, hashes: hashOf(result.checkpoint) };
  };
  await trainStable(gpu, world.config('tuned', { stable: { steps: 2, learning_rate: 0.01 } }));
  const resumed = await tunedIn('tuned', 3);
  const fresh = await tunedIn('tuned-fresh', 3);
  expect([resumed.tuned, fresh.tuned]).toEqual([0, 1]);
  expect(fresh.hashes).toEqual(resumed.hashes);
  const { kernels } = readRun(path.join(world.root, 'tuned-fresh', 'stable')).record.device as {
    kernels: { variants: Record<string, string> };
  };
  expect(Object.keys(kernels.variants).length).toBeGreaterThan(3);
});

it('warns when a run goes on with kernels of another adapter or generation, and records it', async () => {
  const config = world.config('elsewhere');
  await trainUntil(gpu, config, 2, { runAhead: 0 });
  const folder = path.join(config.out, 'stable', 'checkpoints', 'step-0000002', 'state');
  const trainer = path.join(folder, 'trainer.json');
  const state = JSON.parse(readFileSync(trainer, 'utf8'));
  state.kernels = { ...state.kernels, adapter: 'another GPU', generator: 0 };
  writeFileSync(trainer, JSON.stringify(state));
  const marker = path.join(folder, 'complete.json');
  const { createHash } = await import('node:crypto');
  const { sha256 } = JSON.parse(readFileSync(marker, 'utf8'));
  sha256['state/trainer.json'] = createHash('sha256').update(readFileSync(trainer)).digest('hex');
  writeFileSync(marker, JSON.stringify({ sha256 }));
  const { result, messages } = await trainStable(gpu, config);
  expect(messages.join('\n')).toMatch(
    /adapter: "another GPU" -> ".*": the run goes on, but steps can differ/,
  );
  expect(messages.join('\n')).toMatch(/kernels: "version 0" -> "version \d+"/);
  const { changes } = await readTrainingState(result.checkpoint);
  expect(changes?.map(({ step, key }) => [step, key])).toEqual([
    [2, 'adapter'],
    [2, 'kernels'],
  ]);
  const { warnings } = readRun(result.runFolder).record;
  expect(warnings.filter((text) => text.includes('last bits'))).toHaveLength(2);
});

it('counts tokens by source exactly: pieces of documents, masked targets, other sequence lengths, more than one row group and shard', async () => {
  const folder = path.join(world.root, 'sources');
  mkdirSync(path.join(folder, 'shards'), { recursive: true });
  const expected: { source: string; loss: number }[] = [];
  const names = ['web', 'qa', 'code'];
  for (const shard of [0, 1]) {
    const writer = new TokenShardWriter(path.join(folder, 'shards', `0000${shard}.ds`), {
      tokenizerName: 'x',
      vocabSize: 100,
      lossMask: true,
    });
    for (let i = 0; i < 6000; i++) {
      const n = 1 + ((i * 7 + shard) % 3);
      const source = names[(i * 5 + (i >> 3)) % 3]!;
      if (i % 11 === 0) {
        await writer.addPadding(0, 2);
        expected.push({ source: '', loss: 0 }, { source: '', loss: 0 });
      }
      const loss = Array.from({ length: n }, (_, j) => (i + j) % 4 !== 0);
      await writer.add(new Array(n).fill(1), { docId: `${'long '.repeat(200)}${i}`, source, loss });
      for (const counts of loss) expected.push({ source, loss: counts ? 1 : 0 });
    }
    await writer.finish();
    // The tail of a shard that is not a whole sequence is read by nobody.
    while (expected.length % 65 !== 0) expected.pop();
  }
  const table = await openParquet(path.join(folder, 'shards', '00000.provenance.parquet'));
  expect(table.metadata.row_groups.length).toBeGreaterThan(1);
  await table.handle.close();
  writeManifest(folder, 'one', 64, { qa: 0.4, web: 0.5, absent: 0.1 });
  const data = await openTrainingData(folder, 64);
  const warnings: string[] = [];
  const shares = new Map([
    ['qa', 0.4],
    ['web', 0.5],
    ['absent', 0.1],
  ]);
  let so = new MixtureSoFar(data, shares, undefined, (text) => warnings.push(text));
  const totals: Record<string, number> = {};
  for (let first = 0; first < data.sequences; first += 16) {
    const count = Math.min(16, data.sequences - first);
    await so.add(first, [await data.rows(first, count, false)]);
    for (let s = first; s < first + count; s++) {
      for (const { source, loss } of expected.slice(s * 65 + 1, (s + 1) * 65))
        if (loss > 0) totals[source] = (totals[source] ?? 0) + 1;
    }
    if (first % 64 === 0) {
      expect(so.record()).toEqual(totals);
      // As a run that goes on: what a checkpoint recorded, and files opened anew.
      const recorded = so.record();
      await so.close();
      so = new MixtureSoFar(data, shares, recorded, (text) => warnings.push(text));
    }
  }
  expect(so.record()).toEqual(totals);
  expect(warnings).toEqual([]);
  expect(so.sources().map(({ name, target }) => [name, target])).toEqual([
    ['qa', 0.4],
    ['web', 0.5],
    ['absent', 0.1],
    ['code', undefined],
  ]);
  expect(so.sources().reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
  await so.close();
  // A table that cannot be read costs the count, not the training.
  writeFileSync(path.join(folder, 'shards', '00000.provenance.parquet'), 'PAR1 no PAR1');
  const broken = new MixtureSoFar(data, shares, { web: 3 }, (text) => warnings.push(text));
  await broken.add(0, [await data.rows(0, 1, false)]);
  expect([broken.sources(), broken.record()]).toEqual([[], undefined]);
  expect(warnings).toEqual([
    expect.stringMatching(/tokens by source are not counted: .*provenance\.parquet/),
  ]);
  await data.close();
});

it('puts tokens by source into metrics and the record, the same after a stop', async () => {
  const whole = (await trainStable(gpu, world.config('mixture-whole'))).result;
  const config = world.config('mixture-stopped');
  await trainUntil(gpu, config, 3);
  await trainStable(gpu, config);
  const consumed = (folder: string) =>
    readRun(folder).metrics.map((row) => row['dataloader/consumed_tokens/train']);
  expect(consumed(whole.runFolder)).toEqual([undefined, ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => n * 128)]);
  expect(consumed(path.join(config.out, 'stable'))).toEqual(consumed(whole.runFolder));
  expect(readRun(whole.runFolder).record.summary.mixture).toEqual([
    { name: 'train', tokens: 1024, share: 1, target: 1 },
  ]);
});
