/** `grpo --dry-run`: what a run would do and how much memory it would take, from its config and files; no GPU is opened. */
import type { Evidence } from '../../src/core/evidence.ts';
import { planLearner } from '../learner/learner-plan.ts';
import { readModelConfig } from '../model/folder.ts';
import { bytesOfHalves, type Precision } from '../model/half-weights.ts';
import { countParameters, layoutSlabs, parameterBlocks, vocabularyRows } from '../model/parameters.ts';
import { declareWeights } from '../model/weights.ts';
import { planMemory } from '../plan/memory-plan.ts';
import type { PlanBuilder } from '../plan/plan.ts';
import { readProblems } from '../problem-sets/problems.ts';
import { answersFor, checkRewards } from '../rewards/index.ts';
import type { GrpoConfig } from './config.ts';
import { type GrpoPlan, planGrpo } from './plan-grpo.ts';
import { leftOutInWords, preparePrompts } from './prepare-prompts.ts';
import { presetInUse } from './presets.ts';
import { planReferenceMemory } from './reference-model.ts';
import { rewardSpec } from './reward-spec.ts';

export interface GrpoDescription {
  parameters: number;
  /** To learn from: those whose prompts fit. */
  problems: number;
  /** Those whose prompts are longer than max_prompt_length. */
  problemsLeftOut: number;
  /** Problems of each held-out set. */
  heldout: Record<string, number>;
  rollouts: number;
  updatesPerStep: number;
  /** Bytes; without what sampling takes beside the weights. */
  memory: {
    weights: number;
    gradientsAndMoments: number;
    activations: number;
    /** Second copy of the weights and what its forward pass takes; 0 without a KL term. */
    reference: number;
    total: number;
  };
  preset: { key: string; value: unknown; own?: unknown; evidence: Evidence; source: string }[];
  lines: string[];
}

/** `folder`: where relative paths of reward modules start. */
export async function describeGrpo(config: GrpoConfig, folder?: string): Promise<GrpoDescription> {
  checkRewards(rewardSpec(config), folder);
  const model = await readModelConfig(config.model);
  const plan = planGrpo(config, model);
  const all = await readProblems(config.problems, { use: 'train', answers: answersFor(config) });
  const prompts = await preparePrompts(config, plan, model, all);
  const { template } = prompts.own;
  const problems = prompts.fitting.length;
  const heldout: Record<string, number> = {};
  for (const set of prompts.heldout) if (!set.atStart) heldout[set.name] = set.problems.length;
  const rollouts = config.steps * config.prompts_per_step * config.num_generations;
  const parameters = countParameters(model);
  const memory = memoryOf(plan, config.precision === 'f32' ? 'f32' : 'f16');
  const preset = presetInUse(config);
  return {
    parameters,
    problems,
    problemsLeftOut: prompts.leftOut,
    heldout,
    rollouts,
    updatesPerStep: plan.updates,
    memory,
    preset,
    lines: [
      `model            ${config.model}: ${parameters} parameters`,
      `problems         ${problems} to learn from, ${setsInWords(heldout)} held out for accuracy (${config.eval_temperature === 0 ? 'greedy' : `sampled at temperature ${config.eval_temperature}`})`,
      ...leftOutInWords(prompts, config.max_prompt_length).map((text) => `                 ${text}`),
      `template         ${template.name} (evidence: ${template.evidence})`,
      `context          prompts to learn from have up to ${Math.min(prompts.longest, config.max_prompt_length)} tokens, held-out ones ${prompts.longestHeldout}, responses ${plan.responseLength}; the model has ${model.maxPositions} positions`,
      `sampling         ${samplingInWords(config)}`,
      `rollouts         ${config.steps} steps x ${config.prompts_per_step} prompts x ${config.num_generations} samples = ${rollouts}; ${plan.updates} updates a step`,
      `response length  ${lengthInWords(config, plan)}`,
      `loss             ${lossInWords(config)}`,
      ...rewardLines(config),
      `memory           ${mib(memory.total)} and what sampling takes: weights ${mib(memory.weights)}, gradients, moments and inputs ${mib(memory.gradientsAndMoments)}, activations ${mib(memory.activations)}${memory.reference === 0 ? '' : `, reference model ${mib(memory.reference)}`}`,
      ...preset.map(
        ({ key, value, own, evidence, source }, i) =>
          `${i === 0 ? `preset           ${config.preset}: ` : '                 '}${key} ${JSON.stringify(value)}${own === undefined ? '' : ` (this config has ${JSON.stringify(own)})`} [${evidence}: ${source}]`,
      ),
      ...plan.notes.map((note) => `note             ${note}`),
      `run folder       ${config.out}`,
    ],
  };
}

/** Slabs are laid out for WebGPU's default binding limit; a device with another may pad a little differently. */
const assumedBindingLimit = 128 * 1024 * 1024;

function memoryOf({ learner, reference }: GrpoPlan, precision: Precision): GrpoDescription['memory'] {
  const blocks = parameterBlocks(learner.config, vocabularyRows(learner.config, assumedBindingLimit));
  const layout = layoutSlabs(blocks, Math.max(assumedBindingLimit, ...blocks.map((block) => block.size * 4)));
  const halves = precision === 'f16' ? bytesOfHalves(layout) : 0;
  const weights = layout.reduce((total, slab) => total + slab.size * 4, halves);
  const declare = (builder: PlanBuilder) => declareWeights(builder, layout, precision, 'external');
  const own = planMemory(planLearner(learner, layout, declare).plan);
  const second = reference && planMemory(planReferenceMemory(reference, layout, precision));
  const referenceBytes = second ? weights + second.persistentBytes + second.activationBytes : 0;
  return {
    weights,
    gradientsAndMoments: own.persistentBytes,
    activations: own.activationBytes,
    reference: referenceBytes,
    total: weights + own.persistentBytes + own.activationBytes + referenceBytes,
  };
}

function setsInWords(sets: Readonly<Record<string, number>>): string {
  return Object.entries(sets)
    .map(([name, count]) => (name === '' ? String(count) : `${count} of ${name}`))
    .join(', ');
}

function lengthInWords({ length_advance: advance }: GrpoConfig, { lengths }: GrpoPlan): string {
  const table = lengths.map(({ step, tokens }) => `${tokens} tokens from step ${step}`).join(', ');
  if (!advance) return table;
  return `${table}, each when fewer than ${100 * advance.clipped_ratio} % of ${advance.window} steps' responses were cut short`;
}

function samplingInWords({ temperature, top_p, top_k, min_p }: GrpoConfig): string {
  return [
    `temperature ${temperature}`,
    ...(top_k > 0 ? [`top_k ${top_k}`] : []),
    ...(top_p < 1 ? [`top_p ${top_p}`] : []),
    ...(min_p > 0 ? [`min_p ${min_p}`] : []),
  ].join(', ');
}

function lossInWords(config: GrpoConfig): string {
  const { epsilon, epsilon_high: high, delta, beta } = config;
  return [
    config.loss_type,
    `clip ${epsilon} / ${high ?? epsilon}${delta === undefined ? '' : `, delta ${delta}`}`,
    `ratio per ${config.importance_sampling_level}`,
    `advantages scaled by ${config.scale_rewards}`,
    ...(beta === 0
      ? ['no KL']
      : [
          `KL ${beta} (${config.kl_loss_type}) to ${config.sync_ref_model ? 'a reference that follows the policy' : 'the start model'}`,
        ]),
    ...(config.entropy_coef === 0 ? [] : [`entropy bonus ${config.entropy_coef}`]),
  ].join(', ');
}

function rewardLines(config: GrpoConfig): string[] {
  const names = config.reward_funcs ?? [config.reward];
  const weights = config.reward_weights;
  const sum = names.map((name, i) => (weights === undefined ? name : `${weights[i]} x ${name}`)).join(' + ');
  const { overlong_buffer: overlong, filter_groups: filter } = config;
  const said = [
    ...(overlong ? [`up to ${overlong.penalty_factor} less in the last ${overlong.len} tokens allowed`] : []),
    ...(config.mask_truncated_completions ? ['truncated responses left out of the loss'] : []),
    ...(filter?.enable
      ? [`groups without variance replaced, in ${filter.max_num_gen_batches} rounds at most`]
      : []),
  ];
  return [`rewards          ${[sum, ...said].join('; ')}`];
}

export function mib(bytes: number): string {
  return `${(bytes / 1048576).toFixed(1)} MiB`;
}
