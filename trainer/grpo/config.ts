/**
 * The YAML of `midtrain grpo`. Names, meanings and defaults are TRL's GRPOConfig where it has them, else verl's; the paper's values are the
 * presets of presets.ts.
 */
import { z } from 'zod';
import { exemplarSets } from '../../src/core/evaluation.ts';
import { signaturesSchema } from '../../src/signatures/rules.ts';
import { scheduleSchema } from '../learner/schedule.ts';
import { problemsSchema } from '../problem-sets/selection.ts';
import { rewardConfigShape } from '../rewards/index.ts';
import { rewardScales } from './advantage.ts';
import { lengthAdvanceSchema } from './length-schedule.ts';
import { lossTypes } from './normaliser.ts';
import { overlongBufferSchema } from './overlong.ts';
import { applyPreset, presetNames } from './presets.ts';
import { rollbackChangeSchema } from './rollback-change.ts';

const count = z.int().positive();

/** A prompt other than the run's: a template, with worked examples in front or without. */
const promptSchema = z.strictObject({
  /** Default: the run's. */
  template: z.string().optional(),
  /** Worked examples (lm-eval's name), from one of this project's sets; default the set that the benchmark's card names. */
  num_fewshot: z.int().min(0).default(0),
  examples: z.enum(exemplarSets).optional(),
});
export type PromptRequest = z.output<typeof promptSchema>;

/** A held-out problem set: its name or file, or that with how it is asked. */
const heldoutSchema = z.union([
  problemsSchema.transform((problems) => ({ problems })),
  promptSchema.extend({ problems: problemsSchema }),
]);

const setName = z.string().regex(/^[\w.-]+$/, 'letters, digits, "_", "." and "-" only');

const fields = z.strictObject({
  /** Values of a published run for keys that are not given here. */
  preset: z.enum(presetNames).optional(),
  name: setName,
  out: z.string(),
  /** Hugging Face folder or checkpoint to start from. */
  model: z.string(),
  /** Problems to learn from: a file with questions and answers, a data card's name, or a selection of these. */
  problems: problemsSchema,
  /** Problems that accuracy is measured on: one set, or several by name, of which the first is the one that curves and signatures follow. */
  eval_problems: z.union([
    problemsSchema,
    z.record(setName, heldoutSchema).refine((sets) => Object.keys(sets).length > 0, 'names no problem set'),
  ]),
  seed: z.int().default(0),
  template: z.string().default('simple'),
  /** Token before every prompt: as documents begin in the training data. */
  prompt_prefix: z.enum(['auto', 'bos', 'eos', 'none']).default('auto'),
  /** Default: those of the template; none for `chat`, whose turns end with a token. */
  stop_strings: z.array(z.string().min(1)).optional(),
  ...rewardConfigShape,
  /** Lowers the reward of responses that come near the longest length allowed (DAPO; verl's reward_model.overlong_buffer). */
  overlong_buffer: overlongBufferSchema.optional(),
  /** A control arm: rewards are permuted over the batch before advantages, so nothing should be learned. */
  shuffle_rewards: z.boolean().default(false),
  steps: count,
  prompts_per_step: count.default(128),
  num_generations: z.int().min(2).default(8),
  /** Prompts of one optimizer update: fewer than prompts_per_step means several updates a rollout batch (verl's ppo_mini_batch_size). */
  mini_batch_prompts: count.optional(),
  /** Passes over each rollout batch (mu). */
  num_iterations: count.default(1),
  /** How rollouts are drawn; importance ratios are over the whole vocabulary at this temperature (trainer/sampler/sampling.ts). */
  temperature: z.number().positive().default(1),
  /** Draw from the likeliest tokens that hold this share together; 1: all. */
  top_p: z.number().positive().max(1).default(1),
  /** Draw from so many likeliest tokens; 0: all. */
  top_k: z.int().min(0).default(0),
  /** Draw from tokens at least this share as likely as the likeliest; 0 (TRL: none): all. */
  min_p: z.number().min(0).max(1).default(0),
  /** How far a ratio may fall below 1 and, unless epsilon_high says otherwise, rise above it before it is clipped. */
  epsilon: z.number().positive().lt(1).default(0.2),
  epsilon_high: z.number().positive().optional(),
  /** Cap on the ratio where the advantage is negative (verl's dual clip, clip_ratio_c). */
  delta: z.number().gt(1).optional(),
  importance_sampling_level: z.enum(['token', 'sequence']).default('token'),
  /** Coefficient of the KL divergence from the start model; 0 needs no second copy of the weights. */
  beta: z.number().min(0).default(0),
  /** Estimator of it (verl's kl_loss_type); TRL has k3. */
  kl_loss_type: z.enum(['k1', 'k2', 'k3', 'k1+', 'k3+']).default('k3'),
  use_bias_correction_kl: z.boolean().default(true),
  /** Move the reference towards the policy: every ref_model_sync_steps steps, by ref_model_mixup_alpha of the way. */
  sync_ref_model: z.boolean().default(false),
  ref_model_mixup_alpha: z.number().gt(0).max(1).default(0.6),
  ref_model_sync_steps: count.default(512),
  entropy_coef: z.number().min(0).default(0),
  loss_type: z.enum(lossTypes).default('dapo'),
  scale_rewards: z.enum(rewardScales).default('group'),
  /** Added to the standard deviation that advantages are divided by: 1e-4 in TRL, 1e-6 in verl. */
  advantage_epsilon: z.number().positive().default(1e-4),
  multi_objective_aggregation: z
    .enum(['sum_then_normalize', 'normalize_then_sum'])
    .default('sum_then_normalize'),
  /** Leave truncated completions out of the loss. */
  mask_truncated_completions: z.boolean().default(false),
  /** Dynamic sampling (DAPO; verl): groups without variance are replaced by other prompts' groups. */
  filter_groups: z
    .strictObject({
      enable: z.boolean().default(true),
      /** What must vary within a group: its rewards, or whether answers are right. */
      metric: z.enum(['score', 'acc']).default('score'),
      /** Most rounds of drawing for one step; the run stops when they are not enough. */
      max_num_gen_batches: count.default(10),
    })
    .optional(),
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
  max_prompt_length: count.default(512),
  /** Step -> most tokens of a response; one entry is a constant length. */
  max_completion_length: z.record(z.string(), z.int()).default({ 0: 512 }),
  /** Go on to the next length of the table when few responses are cut short; its steps are then the earliest. */
  length_advance: lengthAdvanceSchema.optional(),
  /** Rows of a training micro-batch, each of pack_length positions (default: longest prompt + response). */
  micro_batch_size: count.default(8),
  pack_length: count.optional(),
  /** Write TensorBoard event files too, in <run>/tensorboard. */
  tensorboard: z.boolean().default(false),
  eval_every: count.default(4),
  /** Problems per evaluation (the first of eval_problems), drawn once each at `eval_temperature` (0: greedy). */
  eval_count: count.default(256),
  eval_temperature: z.number().min(0).default(0),
  /** Further prompts to evaluate the start model with, once: the usual few-shot prompt of a base model beside the template it is trained with. */
  eval_start_prompts: z
    .array(z.union([z.string().transform((template) => ({ template, num_fewshot: 0 })), promptSchema]))
    .default([]),
  checkpoint_every: count.default(40),
  keep_checkpoints: count.nullable().default(2),
  /** Failure signatures that the run is watched for, each with its thresholds and action (src/signatures/rules.ts). */
  signatures: signaturesSchema.prefault({}),
  /** What to change, in this order, each time a failure signature with the action `rollback` fires; none left: stop. */
  rollback: z.array(rollbackChangeSchema).default([]),
  /** Rollouts written to rollouts.jsonl per step. */
  log_rollouts: z.int().min(0).default(4),
  /** Operands of matrix products, of the learner, the sampler and the reference alike; see the training config. */
  precision: z.enum(['f32', 'f16', 'auto']).default('f32'),
  logits_bytes: count.default(64 * 1024 * 1024),
  /** As in training: less memory for a third more work, the same bits. */
  activation_checkpointing: z.enum(['off', 'block']).default('off'),
});

export const grpoConfigSchema = z.preprocess(applyPreset, fields);

/** The names of its keys. */
export const grpoConfigKeys: readonly string[] = Object.keys(fields.shape);

export type GrpoConfig = z.output<typeof grpoConfigSchema>;
