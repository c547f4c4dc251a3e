/**
 * The YAML of `midtrain train`: one file for both phases. A fresh model is described by `model`; `init` starts from a Hugging Face folder
 * instead. Names are Hugging Face's where it has one. Defaults follow the recipe's section 10 where they carry over to any size.
 */
import { z } from 'zod';
import { evidenceTags } from '../../src/core/evidence.ts';
import { scheduleSchema } from '../learner/schedule.ts';
import { modelFamilies } from '../model/config.ts';

const count = z.int().positive();

const phaseSchema = scheduleSchema.extend({
  /** Optimizer steps of this phase; give `steps` or `tokens`. */
  steps: count.optional(),
  tokens: count.optional(),
  /** A mix run folder (or a folder with shards/) for this phase; default is the file's `data`. */
  data: z.string().optional(),
  /** Standing of this phase's learning rate, shown in the report. */
  evidence: z.enum(evidenceTags).default('own'),
});

export const trainConfigSchema = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/, 'letters, digits, "_", "." and "-" only'),
  /** Run folders <out>/stable and <out>/decay. */
  out: z.string(),
  data: z.string().optional(),
  seed: z.int().default(0),
  /** Shape of a fresh model, by the names of config.json; the vocabulary comes from the mixture's tokenizer. */
  model: z
    .strictObject({
      /** Family whose decoder it has; default llama. */
      model_type: z.enum(modelFamilies).optional(),
      hidden_size: count,
      num_hidden_layers: count,
      num_attention_heads: count,
      num_key_value_heads: count.optional(),
      /** Default: hidden_size / num_attention_heads, in every family. */
      head_dim: count.optional(),
      intermediate_size: count,
      max_position_embeddings: count.default(2048),
      rope_theta: z.number().positive().default(10000),
      rms_norm_eps: z.number().positive().default(1e-5),
      tie_word_embeddings: z.boolean().default(true),
      initializer_range: z.number().positive().default(0.02),
      /** Mistral and Gemma 2: positions that a sliding layer looks back on; default all there are. */
      sliding_window: count.optional(),
      /** Gemma 2: attention divides by this one's root; default head_dim. */
      query_pre_attn_scalar: z.number().positive().optional(),
      /** Gemma 2: null is off; defaults 50 and 30. */
      attn_logit_softcapping: z.number().positive().nullable().optional(),
      final_logit_softcapping: z.number().positive().nullable().optional(),
    })
    .optional(),
  /** A Hugging Face folder to start the stable phase from. */
  init: z.string().optional(),
  /** Tokenizer folder; default is the mixture's. */
  tokenizer: z.string().optional(),
  sequence_length: count,
  micro_batch_size: count,
  gradient_accumulation_steps: count.default(1),
  document_mask: z.boolean().default(false),
  optimizer: z
    .strictObject({
      adam_beta1: z.number().min(0).lt(1).default(0.9),
      adam_beta2: z.number().min(0).lt(1).default(0.95),
      adam_epsilon: z.number().positive().default(1e-8),
      weight_decay: z.number().min(0).default(0.1),
      max_grad_norm: z.number().positive().default(1),
      /** Skip steps whose gradient norm lies more standard deviations than this above the last 128; 0: never. */
      max_grad_norm_z: z.number().min(0).default(0),
    })
    .prefault({}),
  /** Coefficient of the z-loss, the squared log-sum-exp (PaLM: 1e-4). */
  z_loss: z.number().min(0).default(0),
  stable: phaseSchema.optional(),
  decay: phaseSchema.extend({ decay: scheduleSchema.shape.decay.unwrap().default('cosine') }).optional(),
  /**
   * Decay phases with data and schedules of their own, each from the same stable checkpoint (OctoThinker's short, long and hybrid): one is
   * run by `--phase decay --branch <name>`, in <out>/decay-<name>.
   */
  branches: z
    .record(
      z.string().regex(/^[\w.-]+$/, 'letters, digits, "_", "." and "-" only'),
      phaseSchema.extend({ decay: scheduleSchema.shape.decay.unwrap().default('cosine') }),
    )
    .optional(),
  /** Texts to draw every so many steps, to look at (samples.jsonl). */
  samples: z
    .strictObject({
      every: count,
      prompts: z.array(z.string()).min(1).max(16),
      max_tokens: count.default(64),
      /** 0 is greedy. */
      temperature: z.number().min(0).default(0),
    })
    .optional(),
  /**
   * Measure the variants of this run's matrix products before it begins, those that were never measured on this adapter, for at most so many
   * seconds (true: 30; auto: 30 on hardware, not at all on a software adapter, whose defaults are measured). A run that goes on keeps its kernels.
   */
  autotune: z.union([z.literal('auto'), z.boolean(), z.number().positive()]).default('auto'),
  /** Write TensorBoard event files too, in <run>/tensorboard. */
  tensorboard: z.boolean().default(false),
  eval_every: count.default(100),
  /** Held-out sequences of each source per evaluation. */
  eval_sequences: count.default(32),
  checkpoint_every: count.default(500),
  /** Checkpoints kept besides the last; null keeps all. */
  keep_checkpoints: count.nullable().default(2),
  /** Checkpoints of steps that are multiples of this are never deleted. */
  keep_every: count.nullable().default(null),
  /**
   * Operands of matrix products: f16 rounds weights, activations and scaled gradients on their way into a product; sums, master weights and
   * moments stay f32. `auto`: f16 on hardware with shader-f16. A run that goes on keeps its precision.
   */
  precision: z.enum(['f32', 'f16', 'auto']).default('f32'),
  logits_bytes: count.default(64 * 1024 * 1024),
  /** `block` keeps one tensor a layer and computes the rest again in the backward pass: less memory, a third more work, the same bits. */
  activation_checkpointing: z.enum(['off', 'block']).default('off'),
});

export type TrainConfig = z.output<typeof trainConfigSchema>;
export type Phase = 'stable' | 'decay';
export type PhaseConfig = NonNullable<TrainConfig['stable']>;
