/**
 * GRPO end to end on a world small enough for a test: whatever the question, 7 is right, and the pages that the start model learnt from say so
 * in a quarter of the cases, while they say 3 in half of them. Reinforcement must find that 7 pays; with permuted rewards it must not. (7 must not
 * be the likeliest answer: permuted rewards still sharpen what the model does most, see EXPERIMENTS.md.) (The arithmetic of the demo, which has
 * to be worked out, is measured by test/demo-seeds.sh.)
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { silent } from '../../src/core/events.ts';
import { Random } from '../../src/core/random.ts';
import { readRun } from '../../src/io/run-record.ts';
import { type Gpu, openDevice } from '../../trainer/device.ts';
import { type GrpoConfig, grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { grpo } from '../../trainer/grpo/grpo.ts';
import { train } from '../../trainer/train.ts';
import { trainConfigSchema } from '../../trainer/train-config.ts';
import { writeTokenFolder } from './token-folder.ts';

const root = mkdtempSync(path.join(tmpdir(), 'grpo-'));
const signal = new AbortController().signal;
let gpu: Gpu;
let start: string;

beforeAll(async () => {
  gpu = await openDevice();
  const random = new Random(4);
  const documents = Array.from({ length: 3000 }, () => {
    const digit = random.int(10);
    const draw = random.float();
    return `Question:${digit}\nAnswer: \\boxed{${draw < 0.5 ? 3 : draw < 0.7 ? 7 : random.int(10)}}`;
  });
  await writeTokenFolder(path.join(root, 'data'), documents, {}, 48);
  const config = trainConfigSchema.parse({
    name: 'digits',
    out: path.join(root, 'train'),
    data: path.join(root, 'data'),
    model: {
      hidden_size: 32,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      intermediate_size: 64,
      initializer_range: 0.05,
      rope_theta: 100,
    },
    document_mask: true,
    sequence_length: 32,
    micro_batch_size: 16,
    stable: { steps: 60, learning_rate: 0.01, warmup_steps: 10 },
    decay: { steps: 20, learning_rate: 0.01 },
    checkpoint_every: 1000,
  });
  await train(gpu, config, 'stable', { emit: silent, signal });
  start = (await train(gpu, config, 'decay', { emit: silent, signal })).checkpoint;
  const problems = (ids: number[]) =>
    ids.map((id) => JSON.stringify({ id, question: String(id % 10), answer: '7' })).join('\n');
  writeFileSync(path.join(root, 'train.jsonl'), problems(Array.from({ length: 50 }, (_, i) => i)));
  writeFileSync(path.join(root, 'heldout.jsonl'), problems(Array.from({ length: 200 }, (_, i) => 1000 + i)));
});
afterAll(async () => {
  await gpu.close();
  if (!process.env.KEEP) rmSync(root, { recursive: true, force: true });
  else console.log(root);
});

function config(out: string, change: Record<string, unknown> = {}): GrpoConfig {
  return grpoConfigSchema.parse({
    name: 'digits',
    out: path.join(root, out),
    model: start,
    problems: path.join(root, 'train.jsonl'),
    eval_problems: path.join(root, 'heldout.jsonl'),
    steps: 16,
    prompts_per_step: 16,
    num_generations: 8,
    mini_batch_prompts: 8,
    schedule: { learning_rate: 0.001, warmup_steps: 3 },
    max_prompt_length: 16,
    max_completion_length: { 0: 8, 4: 10 },
    micro_batch_size: 8,
    pack_length: 64,
    eval_every: 16,
    eval_count: 200,
    eval_temperature: 1,
    checkpoint_every: 100,
    ...change,
  });
}

describe('GRPO', () => {
  it('raises sampled accuracy on held-out problems, and writes what the report needs', async () => {
    const result = await grpo(gpu, config('climb'), { emit: silent, signal });
    expect(result.startAccuracy).toBeGreaterThan(0.05);
    expect(result.startAccuracy).toBeLessThan(0.6);
    expect(result.interval[0]).toBeGreaterThan(0.1);
    const { record, metrics } = readRun(result.runFolder);
    expect(record.summary).toMatchObject({ endAccuracy: result.endAccuracy, steps: 16 });
    const steps = metrics.filter((row) => row.reward !== undefined);
    expect(steps).toHaveLength(16);
    expect(steps.map((row) => row['completions/max_allowed_length'])).toEqual([
      ...Array(4).fill(8),
      ...Array(12).fill(10),
    ]);
    for (const row of steps) expect(row['sampling/sampling_logp_difference/max']).toBeLessThan(1e-4);
    const rollouts = readFileSync(path.join(result.runFolder, 'rollouts.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rollouts[0]).toMatchObject({
      step: 1,
      prompt: expect.any(String),
      completion: expect.any(String),
      reward: expect.any(Number),
    });
  });

  it('does not climb when rewards are permuted over the batch', async () => {
    const result = await grpo(gpu, config('shuffled', { shuffle_rewards: true }), { emit: silent, signal });
    expect(result.interval[0]).toBeLessThan(0.05);
    expect(result.change).toBeLessThan(0.1);
  });

  it('goes on bit for bit after a stop', async () => {
    const short = { steps: 6, eval_every: 3, eval_count: 40 };
    const whole = await grpo(gpu, config('whole', short), { emit: silent, signal });
    const controller = new AbortController();
    const stopped = grpo(gpu, config('broken', short), {
      emit: (event) => event.kind === 'progress' && event.done === 2 && controller.abort(),
      signal: controller.signal,
    });
    await expect(stopped).rejects.toThrow(InterruptedError);
    const resumed = await grpo(gpu, config('broken', short), { emit: silent, signal });
    const hash = (folder: string) =>
      createHash('sha256')
        .update(readFileSync(path.join(folder, 'model.safetensors')))
        .digest('hex');
    expect(hash(resumed.checkpoint)).toBe(hash(whole.checkpoint));
    expect(resumed.endAccuracy).toBe(whole.endAccuracy);
    const rows = (folder: string) => readFileSync(path.join(folder, 'rollouts.jsonl'), 'utf8');
    expect(rows(resumed.runFolder)).toBe(rows(whole.runFolder));
    // Giving the command once more changes nothing.
    const again = await grpo(gpu, config('broken', short), { emit: silent, signal });
    expect(again).toEqual(resumed);
  });
});
