/**
 * Published GRPO set-ups as defaults of a config: `preset: octothinker` fills the keys a config does not give. Two of OctoThinker's, because what
 * its paper says (section 2.1) and what its released scripts set differ in batch, mini-batch, length and template. Every value has its source;
 * what neither says is verl's default at the time (the framework of both) and marked `unknown`. (reference: recipe sections 4.1 to 4.5, 10)
 */
import type { Evidence } from '../../src/core/evidence.ts';

export interface PresetValue {
  /** Key of the config, dotted where it lies in another. */
  readonly key: string;
  readonly value: unknown;
  readonly evidence: Evidence;
  readonly source: string;
}

export const presetNames = ['octothinker', 'octothinker-scripts'] as const;
export type PresetName = (typeof presetNames)[number];

const paper = 'paper, section 2.1';
const scripts = 'rl/scripts/llama_3b_long.sh';
const verl = "not stated; verl's default";

const shared: readonly PresetValue[] = [
  { key: 'num_generations', value: 16, evidence: 'confirmed', source: `${paper}; ${scripts}` },
  { key: 'num_iterations', value: 1, evidence: 'confirmed', source: scripts },
  { key: 'schedule.learning_rate', value: 1e-6, evidence: 'confirmed', source: `${paper}; ${scripts}` },
  { key: 'schedule.warmup_steps', value: 0, evidence: 'confirmed', source: scripts },
  { key: 'schedule.decay', value: 'constant', evidence: 'confirmed', source: scripts },
  { key: 'beta', value: 0, evidence: 'confirmed', source: `${paper}; ${scripts}` },
  { key: 'entropy_coef', value: 0, evidence: 'confirmed', source: scripts },
  { key: 'epsilon', value: 0.2, evidence: 'confirmed', source: 'ppo_trainer.yaml of the released code' },
  { key: 'delta', value: 3, evidence: 'unknown', source: `${verl} (clip_ratio_c)` },
  {
    key: 'loss_type',
    value: 'bnpo',
    evidence: 'unknown',
    source: `${verl} (token-mean over the mini-batch)`,
  },
  { key: 'scale_rewards', value: 'group', evidence: 'confirmed', source: 'adv_estimator=grpo' },
  { key: 'advantage_epsilon', value: 1e-6, evidence: 'confirmed', source: 'verl core_algos.py' },
  { key: 'temperature', value: 1, evidence: 'confirmed', source: `${paper}; ${scripts}` },
  { key: 'reward', value: 'boxed', evidence: 'confirmed', source: 'math_verifier.py, mode default' },
  {
    key: 'stop_strings',
    value: ['User:', 'Assistant:', 'Question:', 'Answer:'],
    evidence: 'confirmed',
    source: 'vllm_rollout_spmd.py',
  },
  { key: 'optimizer.adam_beta1', value: 0.9, evidence: 'unknown', source: verl },
  { key: 'optimizer.adam_beta2', value: 0.999, evidence: 'unknown', source: verl },
  { key: 'optimizer.weight_decay', value: 0.01, evidence: 'unknown', source: verl },
  {
    key: 'optimizer.max_grad_norm',
    value: 1,
    evidence: 'confirmed',
    source: 'ppo_trainer.yaml of the released code',
  },
  { key: 'max_prompt_length', value: 400, evidence: 'confirmed', source: scripts },
  { key: 'eval_every', value: 4, evidence: 'confirmed', source: scripts },
  { key: 'eval_temperature', value: 0, evidence: 'confirmed', source: scripts },
  { key: 'checkpoint_every', value: 40, evidence: 'confirmed', source: scripts },
];

export const presets: Readonly<Record<PresetName, readonly PresetValue[]>> = {
  octothinker: [
    { key: 'prompts_per_step', value: 128, evidence: 'confirmed', source: paper },
    {
      key: 'mini_batch_prompts',
      value: 64,
      evidence: 'confirmed',
      source: `${paper}: two updates a rollout batch`,
    },
    {
      key: 'max_completion_length',
      value: { 0: 4096 },
      evidence: 'summary',
      source: `${paper}: 4,096; 8,192 for models of long chains of thought`,
    },
    { key: 'template', value: 'simple', evidence: 'confirmed', source: paper },
    ...shared,
  ],
  'octothinker-scripts': [
    { key: 'prompts_per_step', value: 256, evidence: 'confirmed', source: scripts },
    {
      key: 'mini_batch_prompts',
      value: 16,
      evidence: 'confirmed',
      source: `${scripts}: 16 updates a rollout batch`,
    },
    {
      key: 'max_completion_length',
      value: { 0: 2048, 100: 4096, 160: 8192 },
      evidence: 'confirmed',
      source: `${scripts}; llama_3b_hybrid.sh has {0: 4096}`,
    },
    {
      key: 'template',
      value: 'complex',
      evidence: 'unknown',
      source: 'template_type=orz_base is confirmed, its words are not public: they are our own',
    },
    ...shared,
  ],
};

/** The config with the values of its `preset` where it has none of its own. Anything that is no such config is given back as it is. */
export function applyPreset(raw: unknown): unknown {
  if (!isObject(raw)) return raw;
  const values = presets[raw.preset as PresetName] as readonly PresetValue[] | undefined;
  if (!values) return raw;
  const config: Record<string, unknown> = { ...raw };
  for (const { key, value } of values) {
    const [outer, inner] = key.split('.') as [string, string | undefined];
    if (inner === undefined) config[outer] ??= value;
    else if (config[outer] === undefined || isObject(config[outer]))
      config[outer] = { [inner]: value, ...(config[outer] as object | undefined) };
  }
  return config;
}

/** What a preset gave to a config and what the config has instead, for `--dry-run` and run.json. */
export function presetInUse(config: {
  preset?: PresetName | undefined;
}): (PresetValue & { own?: unknown })[] {
  return (config.preset === undefined ? [] : presets[config.preset]).map((entry) => {
    const found = entry.key
      .split('.')
      .reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), config);
    return JSON.stringify(found) === JSON.stringify(entry.value) ? entry : { ...entry, own: found };
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
