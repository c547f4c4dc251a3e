/**
 * A GRPO config in verl's words: every override of its launch, each with the key it follows from; what verl would compute otherwise as a warning;
 * what it cannot express and would change the experiment as an error. Names and behaviour as read in verl 0.9.1. Pure.
 */
import type { GrpoConfig } from '../../trainer/grpo/config.ts';
import type { LengthTable } from '../../trainer/grpo/length-schedule.ts';
import { UserError } from '../core/errors.ts';

export type OverrideValue = number | boolean | null | string | readonly (number | string)[];

export interface Override {
  key: string;
  value: OverrideValue;
  /** The key of our config, or why it is set. */
  from: string;
  /** Not in verl's own YAML: written with `+`. */
  added?: boolean;
}

export interface VerlStage {
  /** Steps done when it ends. */
  until: number;
  responseLength: number;
  overrides: Override[];
}

export interface VerlCluster {
  nodes: number;
  gpus: number;
  tp: number;
}

export interface VerlSettings {
  overrides: Override[];
  stages: VerlStage[];
  warnings: string[];
}

export interface VerlFacts {
  /** Problems to learn from that fit, and the tokens of the longest prompt of all that are exported. */
  problems: number;
  longestPrompt: number;
  /** Undefined where the tokenizer's own chat template is used. */
  chatTemplate: string | undefined;
  stopStrings: readonly string[];
  cluster: VerlCluster;
  at: string;
  model: string;
}

export function verlSettings(config: GrpoConfig, lengths: LengthTable, facts: VerlFacts): VerlSettings {
  refuse(config, lengths, facts);
  const stages = stagesOf(config, lengths);
  return { overrides: shared(config, facts, stages), stages, warnings: warningsOn(config, lengths, facts) };
}

/** What would be another experiment in verl. */
function refuse(config: GrpoConfig, lengths: LengthTable, { problems, cluster }: VerlFacts): void {
  const no = (key: string, why: string, hint: string): never => {
    throw new UserError(`${key}: ${why}`, { hint });
  };
  const world = cluster.nodes * cluster.gpus;
  const mini = config.mini_batch_prompts ?? config.prompts_per_step;
  if (config.sync_ref_model) no('sync_ref_model', 'verl has no reference model that moves', 'leave it out');
  if (config.shuffle_rewards)
    no('shuffle_rewards', 'verl scores one response at a time', 'run the control arm with `midtrain grpo`');
  if (config.mask_truncated_completions)
    no('mask_truncated_completions', 'verl has no such mask', 'leave it out; overlong_buffer is there');
  if (config.scale_rewards === 'batch')
    no(
      'scale_rewards: batch',
      'verl divides by the deviation of the group or by nothing',
      'use group or none',
    );
  if (config.min_p > 0) no('min_p', 'verl hands no min_p to its sampler', 'use top_p or top_k');
  if (!['constant', 'cosine'].includes(config.schedule.decay))
    no(`schedule.decay: ${config.schedule.decay}`, 'verl has constant and cosine', 'use one of these');
  if (config.schedule.decay === 'cosine' && lengths.length > 1)
    no(
      'schedule.decay: cosine',
      'each length is a launch of its own in verl, and its cosine would run over that launch',
      'use a constant rate, or one length',
    );
  if (problems < config.prompts_per_step)
    no(
      `prompts_per_step ${config.prompts_per_step}`,
      `there are ${problems} problems to learn from, and verl drops a batch that is not full`,
      'give more problems or a smaller prompts_per_step',
    );
  if ((mini * config.num_generations) % world !== 0)
    no(
      `mini_batch_prompts ${mini} x num_generations ${config.num_generations}`,
      `${mini * config.num_generations} responses of an update do not divide over ${world} GPUs`,
      'change --nodes, --gpus, or the batch',
    );
  if (world % cluster.tp !== 0) no(`--tp ${cluster.tp}`, `does not divide ${world} GPUs`, 'give a divisor');
}

function stagesOf(config: GrpoConfig, lengths: LengthTable): VerlStage[] {
  const used = lengths.filter(({ step }) => step < config.steps);
  return used.map(({ tokens }, i) => {
    const until = used[i + 1]?.step ?? config.steps;
    const overrides: Override[] = [
      {
        key: 'trainer.total_training_steps',
        value: until,
        from: i < used.length - 1 ? 'max_completion_length' : 'steps',
      },
      { key: 'data.max_response_length', value: tokens, from: 'max_completion_length' },
      { key: 'trainer.val_before_train', value: i === 0, from: 'accuracy before step 0, as here' },
    ];
    if (config.loss_type === 'dr_grpo')
      overrides.push({ key: `${actor}.loss_scale_factor`, value: tokens, from: 'loss_type: dr_grpo' });
    if (config.overlong_buffer !== undefined)
      overrides.push({
        key: 'reward.reward_kwargs.max_resp_len',
        value: tokens,
        from: 'overlong_buffer',
        added: true,
      });
    return { until, responseLength: tokens, overrides };
  });
}

const actor = 'actor_rollout_ref.actor';
const rollout = 'actor_rollout_ref.rollout';

const lossModes = {
  grpo: 'seq-mean-token-mean',
  bnpo: 'token-mean',
  dapo: 'token-mean',
  dr_grpo: 'seq-mean-token-sum-norm',
} as const;
const klTypes = { k1: 'kl', k2: 'mse', k3: 'low_var_kl', 'k1+': 'k1+', 'k3+': 'low_var_kl+' } as const;

function shared(config: GrpoConfig, facts: VerlFacts, stages: readonly VerlStage[]): Override[] {
  const { cluster, at } = facts;
  const longest = Math.max(...stages.map(({ responseLength }) => responseLength));
  const epochs = Math.ceil(config.steps / Math.floor(facts.problems / config.prompts_per_step)) + 1;
  const list: Override[] = [];
  const set = (key: string, value: OverrideValue, from: string): void => void list.push({ key, value, from });
  const add = (key: string, value: OverrideValue, from: string): void =>
    void list.push({ key, value, from, added: true });
  set('algorithm.adv_estimator', 'grpo', 'GRPO');
  set('algorithm.norm_adv_by_std_in_grpo', config.scale_rewards === 'group', 'scale_rewards');
  set('algorithm.use_kl_in_reward', false, 'KL is in the loss, as here');
  set('data.train_files', `${at}/train.parquet`, 'problems');
  set('data.val_files', `${at}/test.parquet`, 'eval_problems');
  set('data.train_batch_size', config.prompts_per_step, 'prompts_per_step');
  set(
    'data.max_prompt_length',
    facts.longestPrompt,
    'longest prompt exported; longer ones are left out already',
  );
  set('data.filter_overlong_prompts', false, 'train.parquet is filtered; held-out problems must all stay');
  set('data.truncation', 'error', 'no prompt may be cut');
  set('data.shuffle', true, 'a fresh order every epoch');
  set('data.seed', config.seed, 'seed');
  set('actor_rollout_ref.model.path', facts.model, 'model');
  if (facts.chatTemplate !== undefined)
    set('actor_rollout_ref.model.custom_chat_template', facts.chatTemplate, 'template, prompt_prefix');
  set('actor_rollout_ref.model.use_remove_padding', true, 'no padding is computed, as here');
  set('actor_rollout_ref.model.enable_gradient_checkpointing', true, 'memory; the same gradients');
  set(`${actor}.optim.lr`, config.schedule.learning_rate, 'schedule.learning_rate');
  set(`${actor}.optim.lr_warmup_steps`, config.schedule.warmup_steps, 'schedule.warmup_steps');
  set(`${actor}.optim.lr_scheduler_type`, config.schedule.decay, 'schedule.decay');
  if (config.schedule.decay === 'cosine')
    set(`${actor}.optim.min_lr_ratio`, config.schedule.min_lr_ratio, 'schedule.min_lr_ratio');
  set(
    `${actor}.optim.betas`,
    [config.optimizer.adam_beta1, config.optimizer.adam_beta2],
    'optimizer.adam_beta1, 2',
  );
  set(`${actor}.optim.weight_decay`, config.optimizer.weight_decay, 'optimizer.weight_decay');
  set(`${actor}.optim.clip_grad`, config.optimizer.max_grad_norm, 'optimizer.max_grad_norm');
  set(`${actor}.grad_clip`, config.optimizer.max_grad_norm, 'optimizer.max_grad_norm');
  if (config.optimizer.adam_epsilon !== 1e-8)
    set(
      `${actor}.optim.override_optimizer_config`,
      `{eps: ${config.optimizer.adam_epsilon}}`,
      'optimizer.adam_epsilon',
    );
  set(
    `${actor}.ppo_mini_batch_size`,
    config.mini_batch_prompts ?? config.prompts_per_step,
    'mini_batch_prompts',
  );
  set(`${actor}.ppo_epochs`, config.num_iterations, 'num_iterations');
  set(`${actor}.use_dynamic_bsz`, true, 'micro-batches by tokens, as here');
  set(
    `${actor}.ppo_max_token_len_per_gpu`,
    Math.max(16384, facts.longestPrompt + longest),
    'at least one whole sequence',
  );
  set(`${actor}.clip_ratio`, config.epsilon, 'epsilon');
  set(`${actor}.clip_ratio_low`, config.epsilon, 'epsilon');
  set(`${actor}.clip_ratio_high`, config.epsilon_high ?? config.epsilon, 'epsilon_high');
  set(
    `${actor}.clip_ratio_c`,
    config.delta ?? noDualClip,
    config.delta === undefined ? 'no delta: off' : 'delta',
  );
  set(`${actor}.loss_agg_mode`, lossModes[config.loss_type], 'loss_type');
  if (config.importance_sampling_level === 'sequence')
    set(`${actor}.policy_loss.loss_mode`, 'gspo', 'importance_sampling_level');
  set(`${actor}.entropy_coeff`, config.entropy_coef, 'entropy_coef');
  set(`${actor}.use_kl_loss`, config.beta > 0, 'beta');
  if (config.beta > 0) {
    set(`${actor}.kl_loss_coef`, config.beta, 'beta');
    set(`${actor}.kl_loss_type`, klTypes[config.kl_loss_type], 'kl_loss_type');
  }
  set(`${actor}.data_loader_seed`, config.seed, 'seed');
  set(`${actor}.fsdp_config.seed`, config.seed, 'seed');
  set(`${rollout}.name`, 'vllm', 'own choice');
  set(`${rollout}.n`, config.num_generations, 'num_generations');
  set(`${rollout}.temperature`, config.temperature, 'temperature');
  set(`${rollout}.top_p`, config.top_p, 'top_p');
  set(`${rollout}.top_k`, config.top_k === 0 ? -1 : config.top_k, 'top_k');
  set(`${rollout}.seed`, config.seed, 'seed');
  set(`${rollout}.tensor_model_parallel_size`, cluster.tp, '--tp');
  set(`${rollout}.gpu_memory_utilization`, 0.6, 'own choice');
  set(`${rollout}.val_kwargs.do_sample`, config.eval_temperature > 0, 'eval_temperature');
  set(`${rollout}.val_kwargs.temperature`, config.eval_temperature, 'eval_temperature');
  set(`${rollout}.val_kwargs.n`, 1, 'one answer a problem, as here');
  if (facts.stopStrings.length > 0) {
    set(`${rollout}.agent.agent_loop_config_path`, `${at}/agent_loops.yaml`, 'stop_strings');
    set(`${rollout}.agent.default_agent_loop`, 'midtrain_stop', 'stop_strings');
  }
  set('reward.custom_reward_function.path', `${at}/reward.py`, 'reward');
  set('reward.custom_reward_function.name', 'compute_score', 'reward');
  if (config.overlong_buffer !== undefined) {
    const { len, penalty_factor } = config.overlong_buffer;
    set('reward.reward_manager.name', 'dapo', 'overlong_buffer');
    add('reward.reward_kwargs.overlong_buffer_cfg.enable', true, 'overlong_buffer');
    add('reward.reward_kwargs.overlong_buffer_cfg.len', len, 'overlong_buffer.len');
    add(
      'reward.reward_kwargs.overlong_buffer_cfg.penalty_factor',
      penalty_factor,
      'overlong_buffer.penalty_factor',
    );
    add('reward.reward_kwargs.overlong_buffer_cfg.log', true, 'overlong_buffer');
  }
  if (config.filter_groups?.enable) {
    set('algorithm.filter_groups.enable', true, 'filter_groups');
    set(
      'algorithm.filter_groups.metric',
      config.filter_groups.metric === 'acc' ? 'acc' : 'reward',
      'filter_groups.metric',
    );
    set(
      'algorithm.filter_groups.max_num_gen_batches',
      config.filter_groups.max_num_gen_batches,
      'filter_groups.max_num_gen_batches',
    );
  }
  set('trainer.nnodes', cluster.nodes, '--nodes');
  set('trainer.n_gpus_per_node', cluster.gpus, '--gpus');
  set('trainer.total_epochs', epochs, 'steps, and the number of problems');
  set('trainer.test_freq', config.eval_every, 'eval_every');
  set('trainer.save_freq', config.checkpoint_every, 'checkpoint_every');
  const keep = config.keep_checkpoints;
  set('trainer.max_actor_ckpt_to_keep', keep === null ? null : keep + 1, 'keep_checkpoints, and the last');
  set('trainer.resume_mode', 'auto', 'a launch goes on where the last one stopped');
  set('trainer.default_local_dir', `${at}/checkpoints`, 'out');
  set('trainer.project_name', 'midtrain', 'own choice');
  set('trainer.experiment_name', config.name, 'name');
  set('trainer.logger', config.tensorboard ? ['console', 'tensorboard'] : ['console'], 'tensorboard');
  if (config.log_rollouts > 0) set('trainer.rollout_data_dir', `${at}/rollouts`, 'log_rollouts');
  return list;
}

/** verl always clips ratios of negative advantages; it clamps log-ratios to 20, so at e^20 = 4.9e8 this never binds. */
const noDualClip = 1e9;

function warningsOn(config: GrpoConfig, lengths: LengthTable, facts: VerlFacts): string[] {
  const warnings: string[] = [];
  const say = (when: boolean, text: string): void => void (when && warnings.push(text));
  const updates = config.prompts_per_step / (config.mini_batch_prompts ?? config.prompts_per_step);
  say(
    facts.stopStrings.length > 0,
    `stop_strings: verl 0.9.1 has no key for them, so stop_agent.py hands them to vLLM; that file was loaded here but never run with vLLM. reward.py cuts at them in any case`,
  );
  say(
    config.loss_type === 'dapo' && updates > 1,
    `loss_type dapo: verl's token-mean divides by the tokens of each update, ours by those of the whole rollout batch; with ${updates} updates they differ as TRL's bnpo and dapo do`,
  );
  say(
    config.advantage_epsilon !== 1e-6,
    `advantage_epsilon: verl's is 1e-6, the config has ${config.advantage_epsilon}`,
  );
  say(
    config.beta > 0 && config.use_bias_correction_kl,
    'use_bias_correction_kl: verl does not weight its KL term by the importance ratio',
  );
  say(
    config.importance_sampling_level === 'sequence' && config.loss_type !== 'grpo',
    `importance_sampling_level sequence: verl's gspo is meant with seq-mean-token-mean; loss_type ${config.loss_type} is kept as given`,
  );
  say(
    config.importance_sampling_level === 'sequence' && config.delta !== undefined,
    "delta: verl's gspo has no dual clip",
  );
  say(
    config.optimizer.weight_decay > 0,
    'optimizer.weight_decay: verl decays every parameter, here norms and biases are spared',
  );
  say(
    config.schedule.warmup_steps > 0,
    "schedule.warmup_steps: verl's first step of a warm-up has rate 0, ours 1/warmup",
  );
  say(
    config.filter_groups?.enable === true,
    'filter_groups.max_num_gen_batches: the trainer of verl 0.9.1 ignores it and refills one prompt at a time; earlier versions need the recipe dapo',
  );
  say(
    config.length_advance !== undefined,
    `length_advance: the stages end at the steps of the table (${lengths.map(({ step }) => step).join(', ')}); look at response_length/clip_ratio before you launch the next`,
  );
  say(config.rollback.length > 0, 'rollback: verl does not roll back; `midtrain diagnose` reads its log');
  say(
    config.eval_start_prompts.length > 0,
    'eval_start_prompts: not exported; evaluate the start model with `midtrain eval`',
  );
  say(config.log_rollouts > 0, 'log_rollouts: verl writes every rollout, not a few');
  say(
    config.precision !== 'f32',
    `precision ${config.precision}: verl has its own (float32 masters, bfloat16 compute)`,
  );
  return warnings;
}

/** One override as it stands in a shell, Hydra's quoting inside the shell's. */
export function overrideText({ key, value, added }: Override): string {
  const text = `${added === true ? '+' : ''}${key}=${hydraText(value)}`;
  return shellText(text);
}

/** A word as a shell reads it back. */
export const shellText = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function hydraText(value: OverrideValue): string {
  if (value === null) return 'null';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return `[${value.map((item) => hydraText(item)).join(',')}]`;
  if (value.startsWith('{') && value.endsWith('}') && !value.startsWith('{{') && !value.startsWith('{%'))
    return value;
  if (/^[A-Za-z_/.][\w/.@-]*$/.test(value) && !/^(?:null|true|false|inf|nan)$/i.test(value)) return value;
  // A backslash before a quote, or at the end, must be doubled; OmegaConf reads ${..} as a reference.
  const quoted = value
    .replace(/(\\+)(?='|$)/g, '$1$1')
    .replaceAll("'", "\\'")
    .replaceAll('${', '\\${');
  return `'${quoted}'`;
}
