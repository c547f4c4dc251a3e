/**
 * What a GRPO run will set up, from its config and the model's: shapes of learner and reference model, lengths, updates, and what is worth
 * warning of. Pure; grpo.ts carries it out, `--dry-run` prints it.
 */
import path from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import type { LearnerShape } from '../learner/learner-plan.ts';
import type { PolicyOptions } from '../learner/policy-plan.ts';
import type { ModelConfig } from '../model/config.ts';
import { type Problems, problemsSchema } from '../problem-sets/selection.ts';
import type { GrpoConfig, PromptRequest } from './config.ts';
import { type LengthTable, longest, parseLengthTable } from './length-schedule.ts';
import type { ReferenceShape } from './reference-model.ts';

export interface GrpoPlan {
  lengths: LengthTable;
  /** Most tokens that a response of the run can have. */
  responseLength: number;
  learner: LearnerShape & { policy: PolicyOptions };
  /** Only with a KL term. */
  reference: ReferenceShape | undefined;
  /** Optimizer updates of a step. */
  updates: number;
  heldout: NamedHeldout[];
  notes: string[];
}

export interface NamedHeldout {
  /** Empty for the only set of a config that names none. */
  name: string;
  problems: Problems;
  /** How it is asked, where not as in training. */
  prompt?: PromptRequest;
}

export function planGrpo(config: GrpoConfig, model: ModelConfig): GrpoPlan {
  const lengths = parseLengthTable(config.max_completion_length, 'max_completion_length');
  const responseLength = longest(lengths);
  checkPositions(config, lengths, model);
  const perUpdate = config.mini_batch_prompts ?? config.prompts_per_step;
  if (config.prompts_per_step % perUpdate !== 0) {
    throw new UserError(
      `mini_batch_prompts ${perUpdate} does not divide prompts_per_step ${config.prompts_per_step}`,
    );
  }
  const epsHigh = config.epsilon_high ?? config.epsilon;
  if (config.delta !== undefined && config.delta <= 1 + epsHigh) {
    throw new UserError(`delta ${config.delta} is not above 1 + epsilon_high = ${1 + epsHigh}`, {
      hint: 'it caps ratios that the clip lets through, those of negative advantages; verl has 3',
    });
  }
  if (config.sync_ref_model && config.beta === 0) {
    throw new UserError('sync_ref_model: there is no reference model, because beta is 0', {
      hint: 'give beta, or leave sync_ref_model out',
    });
  }
  const overlong = config.overlong_buffer?.len ?? 0;
  if (overlong > Math.min(...lengths.map(({ tokens }) => tokens))) {
    throw new UserError(`overlong_buffer.len ${overlong} is longer than a response of max_completion_length`);
  }
  const seq = config.pack_length ?? config.max_prompt_length + responseLength;
  if (seq < config.max_prompt_length + responseLength - 1) {
    throw new UserError(
      `pack_length ${seq} does not hold a prompt of ${config.max_prompt_length} tokens and a response of ${responseLength}`,
      { hint: `give ${config.max_prompt_length + responseLength} or more` },
    );
  }
  const shape = {
    config: model,
    batch: config.micro_batch_size,
    seq,
    logitsBytes: config.logits_bytes,
    temperature: config.temperature,
  };
  const { optimizer } = config;
  return {
    lengths,
    responseLength,
    learner: {
      ...shape,
      checkpointing: config.activation_checkpointing,
      optimizer: {
        beta1: optimizer.adam_beta1,
        beta2: optimizer.adam_beta2,
        eps: optimizer.adam_epsilon,
        weightDecay: optimizer.weight_decay,
        maxGradNorm: optimizer.max_grad_norm,
      },
      policy: {
        epsLow: config.epsilon,
        epsHigh,
        delta: config.delta ?? 0,
        beta: config.beta,
        kl: config.kl_loss_type,
        biasCorrection: config.use_bias_correction_kl,
        ratioOf: config.importance_sampling_level,
      },
    },
    reference: config.beta === 0 ? undefined : { ...shape, mixupAlpha: config.ref_model_mixup_alpha },
    updates: (config.prompts_per_step / perUpdate) * config.num_iterations,
    heldout: heldoutSets(config),
    notes: notesOn(config),
  };
}

/**
 * Prompt and response must lie within the positions that the model was trained for, at every length of the schedule (verl asserts the same of
 * prompt_length + response_length): beyond them its rotations were never seen, and what it writes there says nothing of it.
 */
function checkPositions(
  { model: folder, max_prompt_length: prompt }: GrpoConfig,
  lengths: LengthTable,
  { maxPositions }: ModelConfig,
): void {
  const over = lengths.filter(({ tokens }) => prompt + tokens > maxPositions);
  if (over.length === 0) return;
  const said = over.map(({ step, tokens }) => `${tokens} from step ${step}`).join(', ');
  const most = Math.max(...over.map(({ tokens }) => tokens));
  throw new UserError(
    `max_completion_length (${said}) with max_prompt_length ${prompt} takes up to ${prompt + most} positions, more than the ${maxPositions} that ${path.join(folder, 'config.json')} names (max_position_embeddings)`,
    {
      hint:
        prompt < maxPositions
          ? `give responses at most ${maxPositions - prompt} tokens${most < maxPositions ? `, or lower max_prompt_length to ${maxPositions - most}` : ''}`
          : `lower max_prompt_length to what the prompts need, below ${maxPositions}`,
    },
  );
}

function heldoutSets({ eval_problems: given }: GrpoConfig): NamedHeldout[] {
  const only = problemsSchema.safeParse(given);
  if (only.success) return [{ name: '', problems: only.data }];
  return Object.entries(given).map(([name, { problems, ...prompt }]) => {
    const asked = prompt as Partial<PromptRequest>;
    const own = asked.template !== undefined || (asked.num_fewshot ?? 0) > 0;
    return { name, problems, ...(own ? { prompt: { num_fewshot: 0, ...asked } } : {}) };
  });
}

function notesOn(config: GrpoConfig): string[] {
  const notes: string[] = [];
  if (config.importance_sampling_level === 'sequence' && config.loss_type !== 'grpo') {
    notes.push(
      `loss_type ${config.loss_type} adds up tokens, so a long sequence weighs more than its one ratio; GSPO is loss_type grpo`,
    );
  }
  if (config.beta > 0 && config.kl_loss_type === 'k1') {
    notes.push('kl_loss_type k1 has no gradient in expectation; k1+ has that of k2');
  }
  if (config.filter_groups?.enable && config.shuffle_rewards) {
    notes.push('filter_groups looks at rewards before shuffle_rewards permutes them');
  }
  return notes;
}
