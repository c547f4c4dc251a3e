/**
 * The YAML of `midtrain grpo`. Names and meanings are TRL's GRPOConfig where it has one; defaults are the paper's (section 2.1, recipe 4.1)
 * where they do not depend on size.
 */
import { z } from 'zod';
import { scheduleSchema } from '../schedule.ts';
import { rewardScales } from './advantage.ts';
import { lossTypes } from './normaliser.ts';
import { defaultStopStrings } from './templates.ts';

const count = z.int().positive();

export const grpoConfigSchema = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/, 'letters, digits, "_", "." and "-" only'),
  out: z.string(),
  /** Hugging Face folder or checkpoint to start from. */
  model: z.string(),
  /** Problems to learn from (JSONL with question and answer), and those accuracy is measured on. */
  problems: z.string(),
  eval_problems: z.string(),
  seed: z.int().default(0),
  template: z.string().default('simple'),
  /** Token before every prompt: as documents begin in the training data. */
  prompt_prefix: z.enum(['auto', 'bos', 'eos', 'none']).default('auto'),
  stop_strings: z.array(z.string().min(1)).default([...defaultStopStrings]),
  reward: z.string().default('boxed'),
  /** A control arm: rewards are permuted over the batch before advantages, so nothing should be learned. */
  shuffle_rewards: z.boolean().default(false),
  steps: count,
  prompts_per_step: count.default(128),
  num_generations: z.int().min(2).default(16),
  /** Prompts of one optimizer update: fewer than prompts_per_step means several updates a rollout batch. */
  mini_batch_prompts: count.optional(),
  /** Passes over each rollout batch (mu). */
  num_iterations: count.default(1),
  temperature: z.number().positive().default(1),
  epsilon: z.number().positive().default(0.2),
  epsilon_high: z.number().positive().optional(),
  entropy_coef: z.number().min(0).default(0),
  loss_type: z.enum(lossTypes).default('dapo'),
  scale_rewards: z.enum(rewardScales).default('group'),
  /** Leave truncated completions out of the loss. */
  mask_truncated_completions: z.boolean().default(false),
  schedule: scheduleSchema.default({
    learning_rate: 1e-6,
    warmup_steps: 0,
    decay: 'constant',
    min_lr_ratio: 0.1,
  }),
  optimizer: z
    .strictObject({
      adam_beta1: z.number().min(0).lt(1).default(0.9),
      adam_beta2: z.number().min(0).lt(1).default(0.999),
      adam_epsilon: z.number().positive().default(1e-8),
      weight_decay: z.number().min(0).default(0),
      max_grad_norm: z.number().positive().default(1),
    })
    .prefault({}),
  max_prompt_length: count.default(400),
  /** Step -> most tokens of a response; one entry is a constant length. */
  max_completion_length: z.record(z.string(), z.int()).default({ 0: 4096 }),
  /** Rows of a training micro-batch, each of pack_length positions (default: longest prompt + response). */
  micro_batch_size: count.default(8),
  pack_length: count.optional(),
  /** Write TensorBoard event files too, in <run>/tensorboard. */
  tensorboard: z.boolean().default(false),
  eval_every: count.default(4),
  /** Problems per evaluation (the first of eval_problems), drawn once each at `eval_temperature` (0: greedy). */
  eval_count: count.default(256),
  eval_temperature: z.number().min(0).default(0),
  checkpoint_every: count.default(40),
  keep_checkpoints: count.nullable().default(2),
  /** Rollouts written to rollouts.jsonl per step. */
  log_rollouts: z.int().min(0).default(4),
  logits_bytes: count.default(64 * 1024 * 1024),
  /** As in training: less memory for a third more work, the same bits. */
  activation_checkpointing: z.enum(['off', 'block']).default('off'),
});

export type GrpoConfig = z.output<typeof grpoConfigSchema>;
