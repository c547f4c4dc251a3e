/**
 * A world small enough for tests of GRPO: whatever the question, 7 is right, and the pages that the start model learnt from say so in a fifth of the
 * cases, while they say 3 in half of them. (7 must not be the likeliest answer: permuted rewards still sharpen what the model does most, see
 * EXPERIMENTS.md.) Two phases of training, some seconds.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { silent } from '../../src/core/events.ts';
import { Random } from '../../src/core/random.ts';
import type { Gpu } from '../../trainer/gpu/device.ts';
import { train } from '../../trainer/training/train.ts';
import { trainConfigSchema } from '../../trainer/training/train-config.ts';
import { writeTokenFolder } from './token-folder.ts';

/** Writes problems (train.jsonl, heldout.jsonl) and trains the start model in `root`; gives its folder. */
export async function makeDigitsWorld(gpu: Gpu, root: string): Promise<string> {
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
  const { signal } = new AbortController();
  await train(gpu, config, 'stable', { emit: silent, signal });
  const { checkpoint } = await train(gpu, config, 'decay', { emit: silent, signal });
  const problems = (ids: number[]) =>
    ids.map((id) => JSON.stringify({ id, question: String(id % 10), answer: '7' })).join('\n');
  writeFileSync(path.join(root, 'train.jsonl'), problems(Array.from({ length: 50 }, (_, i) => i)));
  writeFileSync(path.join(root, 'heldout.jsonl'), problems(Array.from({ length: 200 }, (_, i) => 1000 + i)));
  return checkpoint;
}

/** A config of a run in it, in the keys of YAML. */
export function digitsConfig(root: string, model: string, out: string): Record<string, unknown> {
  return {
    name: 'digits',
    out: path.join(root, out),
    model,
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
  };
}

/** Everything that has state of its own: several updates a batch, lengths that move on, a reference that moves, groups replaced. */
export const statefulKeys: Record<string, unknown> = {
  steps: 6,
  prompts_per_step: 8,
  mini_batch_prompts: 4,
  num_iterations: 2,
  max_completion_length: { 0: 6, 1: 8, 2: 12 },
  length_advance: { clipped_ratio: 0.9, window: 2 },
  overlong_buffer: { len: 2 },
  beta: 0.05,
  sync_ref_model: true,
  ref_model_sync_steps: 2,
  ref_model_mixup_alpha: 0.5,
  entropy_coef: 0.001,
  filter_groups: { max_num_gen_batches: 20 },
  eval_every: 2,
  eval_count: 24,
  checkpoint_every: 2,
};
