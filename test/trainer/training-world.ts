/** A small mixture to train on, a config for it, and ways to stop a run in the middle. For tests. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { Random } from '../../src/core/random.ts';
import type { Gpu } from '../../trainer/gpu/device.ts';
import { type TrainOptions, type TrainResult, train } from '../../trainer/training/train.ts';
import { type TrainConfig, trainConfigSchema } from '../../trainer/training/train-config.ts';
import { writeTokenFolder } from './token-folder.ts';

export interface TrainingWorld {
  root: string;
  config(out: string, change?: Record<string, unknown>): TrainConfig;
  remove(): void;
}

/** Documents whose second half repeats the first, so that a model learns within a few steps. */
export async function trainingWorld(name: string): Promise<TrainingWorld> {
  const root = mkdtempSync(path.join(tmpdir(), `${name}-`));
  const random = new Random(1);
  const line = () => Array.from({ length: 12 }, () => 'abcd'[random.int(2)]).join('');
  const documents = (n: number) =>
    Array.from({ length: n }, () => [line(), line()].map((l) => `${l}|${l}`).join('\n'));
  await writeTokenFolder(path.join(root, 'data'), documents(400), { copies: documents(30) });
  writeManifest(path.join(root, 'data'), 'one', 32);
  return {
    root,
    config: (out, change = {}) =>
      trainConfigSchema.parse({
        name: 'test',
        out: path.join(root, out),
        data: path.join(root, 'data'),
        model: { hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 24 },
        sequence_length: 32,
        micro_batch_size: 4,
        stable: { steps: 8, learning_rate: 0.01, warmup_steps: 2 },
        decay: { steps: 6, learning_rate: 0.01 },
        eval_every: 100,
        checkpoint_every: 2,
        ...change,
      }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A manifest as `midtrain mix` writes one, as far as training reads it. */
export function writeManifest(
  folder: string,
  key: string,
  sequenceLength: number,
  shares: Readonly<Record<string, number>> = { train: 1 },
): void {
  const sources = Object.entries(shares).map(([name, requestedShare]) => ({ name, requestedShare }));
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify({ key, sequenceLength, sources }));
}

/** Runs the stable phase; `messages` are what it said. */
export async function trainStable(
  gpu: Gpu,
  config: TrainConfig,
  options: Partial<TrainOptions> = {},
): Promise<{ result: TrainResult; messages: string[] }> {
  const messages: string[] = [];
  const emit = (event: ProgressEvent) => {
    if (event.kind === 'message') messages.push(event.text);
    options.emit?.(event);
  };
  const signal = new AbortController().signal;
  return { result: await train(gpu, config, 'stable', { signal, ...options, emit }), messages };
}

/** Stops the stable phase after `step` steps (or a few more, when results are read behind), as Ctrl-C would. */
export async function trainUntil(
  gpu: Gpu,
  config: TrainConfig,
  step: number,
  options: Partial<TrainOptions> = {},
): Promise<void> {
  const controller = new AbortController();
  const run = trainStable(gpu, config, {
    ...options,
    signal: controller.signal,
    emit: (event) => void (event.kind === 'progress' && event.done === step && controller.abort()),
  });
  await expect(run).rejects.toThrow(InterruptedError);
}

/** Hashes of the weights and the moments of a checkpoint. */
export function hashOf(folder: string): string[] {
  return ['model.safetensors', 'state/moments.safetensors'].map((name) =>
    createHash('sha256')
      .update(readFileSync(path.join(folder, name)))
      .digest('hex'),
  );
}
