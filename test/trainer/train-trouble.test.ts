/** What goes wrong in training and how it ends: gradients that are not finite, a lost device, too little memory, stops at every stage. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InterruptedError, UserError } from '../../src/core/errors.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { readMetrics, readRun } from '../../src/io/run-record.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { DeviceLostError, OutOfMemoryError } from '../../trainer/gpu/gpu-errors.ts';
import { listCheckpoints } from '../../trainer/learner/checkpoint.ts';
import { readSkipped } from '../../trainer/training/skipped-batch.ts';
import { openTrainingData } from '../../trainer/training/token-data.ts';
import { hashOf, type TrainingWorld, trainingWorld, trainStable } from './training-world.ts';

let gpu: Gpu;
let world: TrainingWorld;
beforeAll(async () => {
  gpu = await openDevice();
  world = await trainingWorld('trouble');
});
afterAll(async () => {
  await gpu.close();
  world.remove();
});

async function errorOf(run: Promise<unknown>): Promise<UserError> {
  const error = await run.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

describe('three steps in a row whose gradient is not finite', () => {
  it.each([0, 2])(
    'stop the run, with %s steps begun ahead, name the last good checkpoint and keep the batches',
    async (runAhead) => {
      const config = world.config(`nan-${runAhead}`, {
        gradient_accumulation_steps: 2,
        stable: { steps: 20, learning_rate: 1e30, warmup_steps: 0 },
        // Nothing between the steps that would wait for their results.
        checkpoint_every: runAhead === 0 ? 1 : 50,
        document_mask: true,
      });
      const { message, hint } = await errorOf(trainStable(gpu, config, { runAhead }));
      expect(message).toMatch(/not finite in 3 steps in a row \(at step 4\)/);
      const runFolder = path.join(config.out, 'stable');
      // The first step is taken and its checkpoint good, as far as anybody knows then; skipped steps leave none.
      const good = listCheckpoints(runFolder);
      expect(good.map((folder) => path.basename(folder))).toEqual(runAhead === 0 ? ['step-0000001'] : []);
      expect(hint).toContain(`the last good checkpoint is ${good[0] ?? 'none (the start)'}`);
      expect(hint).toContain('--allow-changes phase.learning_rate');
      const rows = readMetrics(path.join(runFolder, 'metrics.jsonl')).filter((row) => row.step > 0);
      expect(rows.map(({ step, skipped }) => [step, skipped])).toEqual([
        [1, undefined],
        [2, 1],
        [3, 1],
        [4, 1],
      ]);
      expect(readRun(runFolder).record).toMatchObject({
        status: 'failed',
        summary: { steps: expect.any(Number) },
      });
      // What was kept is the batch, as it was read.
      const files = readdirSync(path.join(runFolder, 'skipped')).sort();
      expect(files).toEqual(['step-0000002.json', 'step-0000003.json', 'step-0000004.json']);
      const { sequence, batches, why } = await readSkipped(path.join(runFolder, 'skipped', files[1]!));
      expect([sequence, why]).toEqual([16, 'not finite']);
      const data = await openTrainingData(config.data!, 32);
      expect(batches).toEqual([await data.rows(16, 4, true), await data.rows(20, 4, true)]);
      await data.close();
    },
  );
});

describe('a lost device', () => {
  it.each([0, 2])(
    'in the middle of a step, with %s steps begun ahead, ends with the last checkpoint named, and the same call goes on to the same bits',
    async (runAhead) => {
      const config = world.config(`lost-${runAhead}`, { checkpoint_every: 4 });
      const mortal = await openDevice();
      const emit = (event: ProgressEvent) => {
        if (event.kind === 'progress' && event.done === 5) mortal.device.destroy();
      };
      const error = await errorOf(trainStable(mortal, config, { runAhead, emit }));
      await mortal.close();
      expect(error).toBeInstanceOf(DeviceLostError);
      const runFolder = path.join(config.out, 'stable');
      const checkpoint = listCheckpoints(runFolder).at(-1)!;
      expect(path.basename(checkpoint)).toBe('step-0000004');
      expect(error.message).toMatch(/was lost: .* at step [5-8]/);
      expect(error.hint).toContain(`${checkpoint}: the same command goes on from there`);
      expect(readRun(runFolder).record).toMatchObject({
        status: 'failed',
        summary: { failure: 'device lost' },
      });
      const { result, messages } = await trainStable(gpu, config);
      expect(messages.join('\n')).toContain('going on from step 4');
      const whole = await trainStable(gpu, world.config('not-lost', { checkpoint_every: 4 }));
      expect(hashOf(result.checkpoint)).toEqual(hashOf(whole.result.checkpoint));
      const losses = (folder: string) => readRun(folder).metrics.map(({ step, loss }) => [step, loss]);
      expect(losses(result.runFolder)).toEqual(losses(whole.result.runFolder));
    },
  );
});

describe('too little memory', () => {
  const config = () => world.config('memory', { micro_batch_size: 64, logits_bytes: 1 << 20 });

  it('a buffer over the limit ends with what the run wants and what takes less', async () => {
    const small = await openDevice({
      limits: { maxBufferSize: 1 << 16, maxStorageBufferBindingSize: 1 << 16 },
    });
    const error = await errorOf(trainStable(small, config()));
    await small.close();
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error.message).toMatch(/needs a buffer of .* MiB, and .* binds 0\.1 MiB at most/);
    expect(error.message).toMatch(/this run wants .* MiB: weights .*, activations .*, the largest buffer/);
    expect(error.hint).toContain('micro_batch_size 32 with gradient_accumulation_steps 2');
    expect(error.hint).toContain('there is no checkpoint yet');
  });

  it('a device that has not the memory is told from one that works on, by the same words', async () => {
    // lavapipe gives out memory it does not have, so the answer of a device that is full is put in its mouth.
    let scopes = 0;
    const device = new Proxy(gpu.device, {
      get: (target, key) => {
        if (key === 'popErrorScope' && ++scopes > 0)
          return async () => {
            await target.popErrorScope();
            return { message: 'VK_ERROR_OUT_OF_DEVICE_MEMORY' };
          };
        const value = Reflect.get(target, key, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const error = await errorOf(trainStable({ ...gpu, device }, config()));
    expect(scopes).toBeGreaterThan(0);
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error.message).toMatch(
      /has not the memory for .* MiB: VK_ERROR_OUT_OF_DEVICE_MEMORY; this run wants/,
    );
    await trainStable(gpu, config()); // nothing is left behind that would be in the way
  });
});

describe('a stop', () => {
  it('before the first step writes nothing that would be in the way, and at any step leaves whole metrics and a checkpoint', async () => {
    const early = new AbortController();
    early.abort();
    const config = world.config('stopped');
    await expect(trainStable(gpu, config, { signal: early.signal })).rejects.toThrow();
    for (const step of [1, 4, 7]) {
      const controller = new AbortController();
      const emit = (event: ProgressEvent) => {
        if (event.kind === 'progress' && event.done === step) controller.abort();
      };
      const run = trainStable(gpu, config, { signal: controller.signal, emit });
      if (step < 6) await expect(run).rejects.toThrow(InterruptedError);
      else await run.catch(() => {});
      const runFolder = path.join(config.out, 'stable');
      const last = Number(/\d+$/.exec(listCheckpoints(runFolder).at(-1)!)![0]);
      const steps = readMetrics(path.join(runFolder, 'metrics.jsonl')).map((row) => row.step);
      expect(steps).toEqual(Array.from({ length: last + 1 }, (_, i) => i));
    }
    const { result } = await trainStable(gpu, config);
    const whole = await trainStable(gpu, world.config('not-stopped', { checkpoint_every: 100 }));
    expect(hashOf(result.checkpoint)).toEqual(hashOf(whole.result.checkpoint));
  });
});
