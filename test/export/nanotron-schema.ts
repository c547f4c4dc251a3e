/**
 * The configuration of Nanotron's main branch as a schema: every section, key and type of its dataclasses that an export writes (config.py and
 * models_config.py at 00708b80 and 025f3141, read on GitHub; recipe 7.5), strict like dacite there. And its learning rate as its scheduler computes it
 * (helpers.py of release 0.4, which test/oracles/nanotron-export.py runs itself).
 */
import { z } from 'zod';

/** PyYAML's idea of a float or an integer, kept apart: dacite refuses the one for the other. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}
const float = z.instanceof(Float).transform(({ value }) => value);
const int = z.int();
const path = z.string().startsWith('/');

export const rates = z.strictObject({
  learning_rate: float,
  lr_warmup_steps: int,
  lr_warmup_style: z.enum(['linear', 'constant']),
  lr_decay_style: z.enum(['linear', 'cosine', '1-sqrt']),
  lr_decay_steps: int,
  lr_decay_starting_step: int,
  min_decay_lr: float,
});

export const nanotronSchema = z.strictObject({
  general: z.strictObject({
    project: z.string(),
    run: z.string(),
    seed: int,
    ignore_sanity_checks: z.boolean(),
  }),
  checkpoints: z.strictObject({
    checkpoints_path: path,
    checkpoint_interval: int,
    save_initial_state: z.boolean(),
    save_final_state: z.boolean(),
    resume_checkpoint_path: path.nullable(),
    load_lr_scheduler: z.boolean(),
    load_optimizer: z.boolean(),
    checkpoints_path_is_shared_file_system: z.boolean(),
  }),
  data_stages: z
    .array(
      z.strictObject({
        name: z.string(),
        start_training_step: int.positive(),
        data: z.strictObject({
          dataset: z
            .strictObject({
              dataset_folder: z.array(path).min(1),
              dataset_weights: z.array(float).min(1),
              vocab_size: int,
              token_size_in_bytes: int,
            })
            .refine((d) => d.dataset_folder.length === d.dataset_weights.length),
          seed: int,
          num_loading_workers: int,
        }),
      }),
    )
    .refine((stages) => stages[0]?.start_training_step === 1)
    .refine((stages) => new Set(stages.map(({ name }) => name)).size === stages.length),
  logging: z.strictObject({
    log_level: z.string(),
    log_level_replica: z.string(),
    iteration_step_info_interval: int,
  }),
  model: z.strictObject({
    ddp_bucket_cap_mb: int,
    dtype: z.literal('bfloat16'),
    init_method: z.union([z.strictObject({ std: float }), z.strictObject({ path })]),
    make_vocab_size_divisible_by: int,
    model_config: z.strictObject({
      is_llama_config: z.literal(true).optional(),
      is_qwen2_config: z.literal(true).optional(),
      bos_token_id: int,
      eos_token_id: int,
      pad_token_id: int.nullable(),
      hidden_act: z.literal('silu'),
      hidden_size: int,
      initializer_range: float,
      intermediate_size: int,
      max_position_embeddings: int,
      num_attention_heads: int,
      num_hidden_layers: int,
      num_key_value_heads: int,
      attention_bias: z.boolean(),
      pretraining_tp: int,
      rms_norm_eps: float,
      rope_scaling: z.record(z.string(), z.unknown()).nullable(),
      rope_theta: float,
      rope_interleaved: z.literal(false),
      tie_word_embeddings: z.boolean(),
      use_cache: z.boolean(),
      vocab_size: int,
      z_loss_enabled: z.boolean(),
      z_loss_coefficient: float,
    }),
  }),
  optimizer: z.strictObject({
    optimizer_factory: z.strictObject({
      name: z.literal('adamW'),
      adam_eps: float,
      adam_beta1: float,
      adam_beta2: float,
      torch_adam_is_fused: z.boolean(),
    }),
    zero_stage: int,
    weight_decay: float,
    clip_grad: float,
    accumulate_grad_in_fp32: z.boolean(),
    learning_rate_scheduler: rates,
    weight_decay_exclude_named_params: z.array(z.string()),
  }),
  parallelism: z.strictObject({
    dp: int,
    pp: int,
    tp: int,
    expert_parallel_size: int,
    pp_engine: z.enum(['1f1b', 'afab']),
    tp_mode: z.enum(['REDUCE_SCATTER', 'ALL_REDUCE']),
    tp_linear_async_communication: z.boolean(),
  }),
  tokenizer: z.strictObject({
    tokenizer_name_or_path: z.string(),
    tokenizer_revision: z.string().nullable(),
    tokenizer_max_length: int.nullable(),
  }),
  tokens: z.strictObject({
    sequence_length: int,
    train_steps: int,
    micro_batch_size: int,
    batch_accumulation_per_replica: int,
    val_check_interval: int,
    limit_val_batches: int,
    limit_test_batches: int,
  }),
});

/** Rate of step `step` (0-based), traps included. */
export function nanotronRate(r: z.output<typeof rates>, step: number): number {
  const lr = r.learning_rate;
  if (r.lr_warmup_steps === 0 && r.lr_decay_steps === 0) return lr * lr; // returned as a factor
  if (step <= r.lr_warmup_steps)
    return r.lr_warmup_style === 'linear' ? (lr * step) / Math.max(r.lr_warmup_steps, 1) : lr;
  if (step < r.lr_decay_starting_step) return lr;
  const done = step - r.lr_decay_starting_step;
  if (done >= r.lr_decay_steps) return r.min_decay_lr;
  const span = lr - r.min_decay_lr;
  if (r.lr_decay_style === 'cosine')
    return r.min_decay_lr + (span * (1 + Math.cos((Math.PI * done) / r.lr_decay_steps))) / 2;
  if (r.lr_decay_style === 'linear')
    return r.min_decay_lr + (span * (r.lr_decay_steps - done)) / r.lr_decay_steps;
  return r.min_decay_lr + span * (1 - Math.sqrt(done / r.lr_decay_steps));
}
