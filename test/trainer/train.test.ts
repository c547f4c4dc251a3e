/** The training loop: loss falls, both phases, and a stopped run goes on bit for bit. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { type ProgressEvent, silent } from '../../src/core/events.ts';
import { Random } from '../../src/core/random.ts';
import { readRun } from '../../src/io/run-record.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { type KernelChoices, writeTable } from '../../trainer/gpu/tuning.ts';
import { listCheckpoints } from '../../trainer/learner/checkpoint.ts';
import { train } from '../../trainer/training/train.ts';
import { type TrainConfig, trainConfigSchema } from '../../trainer/training/train-config.ts';
import { writeTokenFolder } from './token-folder.ts';

const root = mkdtempSync(path.join(tmpdir(), 'train-'));
let gpu: Gpu;
const signal = new AbortController().signal;

beforeAll(async () => {
  gpu = await openDevice();
  const random = new Random(1);
  const line = () => Array.from({ length: 12 }, () => 'abcd'[random.int(2)]).join('');
  // Every second half repeats the first: learnable by attention.
  const documents = (n: number) =>
    Array.from({ length: n }, () => [line(), line()].map((l) => `${l}|${l}`).join('\n'));
  await writeTokenFolder(path.join(root, 'data'), documents(400), {
    copies: documents(30),
    noise: Array.from({ length: 30 }, line),
  });
});
afterAll(async () => {
  await gpu.close();
  rmSync(root, { recursive: true, force: true });
});

function config(out: string, change: Record<string, unknown> = {}): TrainConfig {
  return trainConfigSchema.parse({
    name: 'test',
    out: path.join(root, out),
    data: path.join(root, 'data'),
    model: { hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 24 },
    sequence_length: 32,
    micro_batch_size: 4,
    gradient_accumulation_steps: 2,
    stable: { steps: 8, learning_rate: 0.01, warmup_steps: 2 },
    decay: { steps: 6, learning_rate: 0.01 },
    eval_every: 4,
    checkpoint_every: 3,
    ...change,
  });
}

const hashOf = (folder: string) =>
  ['model.safetensors', 'state/moments.safetensors'].map((name) =>
    createHash('sha256')
      .update(readFileSync(path.join(folder, name)))
      .digest('hex'),
  );

/** Stops a run after `step` steps, as Ctrl-C would. */
async function trainUntil(c: TrainConfig, phase: 'stable' | 'decay', step: number): Promise<void> {
  const controller = new AbortController();
  const run = train(gpu, c, phase, {
    emit: (event) => event.kind === 'progress' && event.done === step && controller.abort(),
    signal: controller.signal,
  });
  await expect(run).rejects.toThrow(InterruptedError);
}

describe('training', () => {
  it('lowers the loss, evaluates by source, and decays the learning rate to a tenth', async () => {
    const c = config('plain', {
      stable: { steps: 30, learning_rate: 0.01, warmup_steps: 2 },
      decay: { steps: 10, learning_rate: 0.01 },
    });
    await train(gpu, c, 'stable', { emit: silent, signal });
    const result = await train(gpu, c, 'decay', { emit: silent, signal });
    const stable = readRun(path.join(root, 'plain', 'stable'));
    const decay = readRun(result.runFolder);
    const losses = stable.metrics.map((row) => row.loss).filter((x) => x !== undefined) as number[];
    expect(losses).toHaveLength(30);
    expect(losses[0]!).toBeGreaterThan(losses.at(-1)! + 0.5);
    expect(stable.metrics[0]).toMatchObject({
      step: 0,
      'eval_loss/copies': expect.any(Number),
      'eval_loss/noise': expect.any(Number),
    });
    expect(decay.metrics.at(-1)!.learning_rate).toBeCloseTo(0.001, 9);
    expect(decay.record.summary).toMatchObject({
      phase: 'decay',
      steps: 10,
      tokens: 40 * 256,
      parent: expect.stringContaining('stable'),
    });
    expect(decay.record.status).toBe('done');
  });

  it('takes the kernels that the run recorded, whatever has been measured since', async () => {
    const cache = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = path.join(root, 'cache');
    try {
      const kernelsOf = (folder: string) =>
        JSON.parse(readFileSync(path.join(folder, 'state/trainer.json'), 'utf8')).kernels as KernelChoices;
      const c = config('kernels', { stable: { steps: 4, learning_rate: 0.01 } });
      await trainUntil(c, 'stable', 2);
      const [stopped] = listCheckpoints(path.join(root, 'kernels', 'stable'));
      const recorded = kernelsOf(stopped!);
      expect(Object.keys(recorded.variants).length).toBeGreaterThan(5);
      const other = 'register-4x8-8x1';
      writeTable(
        gpu,
        Object.fromEntries(Object.keys(recorded.variants).map((name) => [name, { [other]: 1 }])),
      );
      const resumed = await train(gpu, c, 'stable', { emit: silent, signal });
      expect(kernelsOf(resumed.checkpoint)).toEqual(recorded);
      expect(readRun(resumed.runFolder).record.device).toMatchObject({ kernels: recorded });
      const fresh = await train(gpu, { ...c, out: path.join(root, 'kernels-fresh') }, 'stable', {
        emit: silent,
        signal,
      });
      expect(Object.values(kernelsOf(fresh.checkpoint).variants)).toContain(other);
      expect(hashOf(fresh.checkpoint)).toEqual(hashOf(resumed.checkpoint)); // other variants, the same bits
    } finally {
      if (cache === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = cache;
    }
  });

  it('goes on bit for bit after a stop in either phase, whatever the number of stops', async () => {
    const whole = config('whole');
    const first = await train(gpu, whole, 'stable', { emit: silent, signal });
    const second = await train(gpu, whole, 'decay', { emit: silent, signal });
    const broken = config('broken');
    await trainUntil(broken, 'stable', 2);
    await trainUntil(broken, 'stable', 5);
    const firstAgain = await train(gpu, broken, 'stable', { emit: silent, signal });
    await trainUntil(broken, 'decay', 4);
    const secondAgain = await train(gpu, broken, 'decay', { emit: silent, signal });
    expect(hashOf(firstAgain.checkpoint)).toEqual(hashOf(first.checkpoint));
    expect(hashOf(secondAgain.checkpoint)).toEqual(hashOf(second.checkpoint));
    const losses = (folder: string) =>
      readRun(folder)
        .metrics.filter((row) => row.loss !== undefined)
        .map((row) => [row.step, row.loss]);
    expect(losses(firstAgain.runFolder)).toEqual(losses(first.runFolder));
    expect(losses(secondAgain.runFolder)).toEqual(losses(second.runFolder));
  });

  it('draws sample texts at intervals, the same ones again after a stop', async () => {
    const change = { samples: { every: 3, prompts: ['aab', ''], max_tokens: 6 }, tensorboard: true };
    const whole = config('sampled', change);
    await train(gpu, whole, 'stable', { emit: silent, signal });
    const texts = (name: string) => readFileSync(path.join(root, name, 'stable', 'samples.jsonl'), 'utf8');
    const rows = texts('sampled')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { step: number; prompt: string; tokens: number });
    expect(rows.map((row) => row.step)).toEqual([0, 0, 3, 3, 6, 6]);
    expect(rows.every((row) => row.tokens >= 1 && row.tokens <= 6)).toBe(true);
    await trainUntil(config('sampled-again', change), 'stable', 4);
    await train(gpu, config('sampled-again', change), 'stable', { emit: silent, signal });
    expect(texts('sampled-again')).toBe(texts('sampled'));
  });

  it('decays along branches from one stable checkpoint, each with its own schedule and data, and records the parent', async () => {
    const c = config('branched', {
      branches: {
        short: { steps: 3, learning_rate: 0.01, data: path.join(root, 'data') },
        long: { steps: 5, learning_rate: 0.005, decay: 'linear' },
      },
      keep_checkpoints: 1,
      checkpoint_every: 1,
      keep_every: 2,
    });
    const stable = await train(gpu, c, 'stable', { emit: silent, signal });
    const parent = hashOf(stable.checkpoint);
    for (const [branch, steps] of [
      ['short', 3],
      ['long', 5],
    ] as const) {
      const result = await train(gpu, c, 'decay', { emit: silent, signal, branch });
      expect(result.runFolder).toBe(path.join(root, 'branched', `decay-${branch}`));
      const { record, metrics } = readRun(result.runFolder);
      expect(record.summary).toMatchObject({ steps, parent: stable.checkpoint });
      expect(record.parents).toContain(stable.checkpoint);
      expect(metrics.at(-1)!.learning_rate).toBeCloseTo(branch === 'short' ? 0.001 : 0.0005, 9);
      // Every second step is kept, and the last.
      expect(listCheckpoints(result.runFolder).map((folder) => path.basename(folder))).toEqual(
        (branch === 'short' ? [2, 3] : [2, 4, 5]).map((step) => `step-000000${step}`),
      );
    }
    expect(hashOf(stable.checkpoint)).toEqual(parent);
    await expect(train(gpu, c, 'decay', { emit: silent, signal, branch: 'lng' })).rejects.toThrow(
      /did you mean "long"/,
    );
    await expect(train(gpu, c, 'stable', { emit: silent, signal, branch: 'long' })).rejects.toThrow(
      /only the decay phase/,
    );
  });

  it('refuses to continue with another config, and to decay without a stable checkpoint', async () => {
    const c = config('changed');
    await trainUntil(c, 'stable', 2);
    await expect(
      train(gpu, config('changed', { seed: 5 }), 'stable', { emit: silent, signal }),
    ).rejects.toThrow(/other config/);
    await expect(train(gpu, config('nothing'), 'decay', { emit: silent, signal })).rejects.toThrow(
      /no checkpoint to decay from/,
    );
  });

  it('refuses to go on with another mixture whose shards have the same names and sizes, and says when sequences are not those packed', async () => {
    const folder = path.join(root, 'mixture');
    cpSync(path.join(root, 'data'), folder, { recursive: true });
    const write = (key: string, sequenceLength: number) =>
      writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify({ key, sequenceLength }));
    write('one', 32);
    const c = config('other-mixture', { data: folder });
    const said: string[] = [];
    const emit = (event: ProgressEvent) => void (event.kind === 'message' && said.push(event.text));
    await trainUntil(c, 'stable', 2);
    write('two', 64);
    await expect(train(gpu, c, 'stable', { emit, signal })).rejects.toThrow(/other data/);
    write('one', 64);
    await train(gpu, c, 'stable', { emit, signal });
    expect(said.filter((text) => /packed for sequences of 64/.test(text))).toHaveLength(1);
  });

  it('keeps the newest checkpoints only, and ignores one without its marker', async () => {
    const c = config('kept', {
      stable: { steps: 10, learning_rate: 0.01 },
      checkpoint_every: 2,
      keep_checkpoints: 1,
    });
    const { runFolder } = await train(gpu, c, 'stable', { emit: silent, signal });
    expect(listCheckpoints(runFolder).map((f) => path.basename(f))).toEqual(['step-0000008', 'step-0000010']);
    rmSync(path.join(runFolder, 'checkpoints', 'step-0000010', 'state', 'complete.json'));
    expect(listCheckpoints(runFolder).map((f) => path.basename(f))).toEqual(['step-0000008']);
  });
});
