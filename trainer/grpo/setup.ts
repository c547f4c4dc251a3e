/**
 * Opens what a GRPO run works with: problems, tokenizer, weights on the device, learner, reference model, samplers, and the state of the checkpoint
 * it goes on from. Everything opened is given to `held`, which frees it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import type { ExemplarSet } from '../../src/core/evaluation.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import type { Gpu } from '../gpu/device.ts';
import { adoptKernels } from '../gpu/tuning.ts';
import { loadMoments, recordedKernels, type TrainingState } from '../learner/checkpoint.ts';
import { Learner } from '../learner/learner.ts';
import { endTokensOf } from '../model/end-token.ts';
import { loadModel } from '../model/folder.ts';
import { resolvePrecision } from '../model/precision.ts';
import type { ModelWeights } from '../model/weights.ts';
import { loadProblemSet } from '../problem-sets/load-problem-set.ts';
import { type Problem, ProblemOrder } from '../problem-sets/problems.ts';
import { builtInShots } from '../prompts/few-shot.ts';
import { endOfTurn, loadTemplate } from '../prompts/load-template.ts';
import { prefixToken } from '../prompts/prefix-token.ts';
import { type PromptTemplate, stopStringsOf } from '../prompts/templates.ts';
import { makeReward } from '../rewards/index.ts';
import { Sampler } from '../sampler/sampler.ts';
import type { GrpoConfig, PromptRequest } from './config.ts';
import type { Benchmark } from './evaluate-heldout.ts';
import { type GrpoState, readGrpoState } from './grpo-state.ts';
import { type GrpoPlan, planGrpo } from './plan-grpo.ts';
import { ReferenceModel } from './reference-model.ts';
import { rewardSpec } from './reward-spec.ts';
import { promptTokens, type RolloutSettings } from './rollout.ts';

export interface GrpoSetup {
  gpu: Gpu;
  /** With what rollbacks have changed. */
  config: GrpoConfig;
  plan: GrpoPlan;
  learner: Learner;
  reference: ReferenceModel | undefined;
  settings: RolloutSettings;
  /** The `n`-th problem of an endless walk over those whose prompts fit. */
  problemAt: (n: number) => Problem;
  benchmarks: readonly Benchmark[];
  /** The same sets with the prompts of eval_start_templates, for the evaluation before step 0. */
  startBenchmarks: readonly Benchmark[];
  state: TrainingState;
  grpoState: GrpoState | undefined;
  /** Why a part of the reward failed, the last time that one did. */
  lastFailure: () => string | undefined;
}

/** What a run is opened with. */
export interface GrpoStart {
  /** The problems to learn from. */
  problems: readonly Problem[];
  /** The checkpoint to go on from, checked; none at the beginning. */
  checkpoint: string | undefined;
  state: TrainingState;
  /** Where relative paths of reward modules start. */
  folder: string;
  /** Told once of every way in which a part of the reward fails. */
  warn: (text: string) => void;
}

/** Folder of a checkpoint's reference model, where it moves. */
export const referenceFolder = path.join('state', 'reference');

export async function openGrpo(
  gpu: Gpu,
  config: GrpoConfig,
  from: GrpoStart,
  held: AsyncDisposableStack,
): Promise<GrpoSetup> {
  const { checkpoint, problems, state } = from;
  const start = checkpoint ?? config.model;
  adoptKernels(gpu, recordedKernels(checkpoint));
  const tokenizer = await loadTokenizer(config.model);
  const precision = resolvePrecision(gpu, config.precision);
  const weights = held.adopt(await loadModel(gpu, start, { precision }), (w) => w.destroy());
  const plan = planGrpo(config, weights.config);
  const learner = await Learner.create(gpu, weights, plan.learner);
  held.defer(() => learner.destroy());
  const reference = plan.reference && (await openReference(gpu, config, plan, weights, checkpoint));
  if (reference) held.defer(() => reference.destroy());

  const prefix = prefixToken(config.prompt_prefix, weights.config, tokenizer);
  const asked = async (request: PromptRequest, examples?: ExemplarSet) => {
    const { template = config.template, num_fewshot: n } = request;
    const shots = n === 0 ? undefined : builtInShots(request.examples ?? examples ?? 'gsm', n);
    const loaded = await loadTemplate({ template, model: config.model, shots });
    const turn = endOfTurn(loaded, tokenizer);
    const endTokens = endTokensOf(config.model, weights.config, tokenizer, turn);
    const stopStrings = config.stop_strings ?? stopStringsOf(loaded);
    return { tokenizer, prefix, template: loaded, endTokens, stopStrings };
  };
  const own = await asked({ num_fewshot: 0 });
  const [eosId] = own.endTokens as [number];
  const makeSampler = async (temperature: number, slots: number, promptLength: number) =>
    held.adopt(
      await Sampler.create(gpu, weights, {
        config: weights.config,
        promptLength,
        slots,
        responseLength: plan.responseLength,
        temperature,
        eosId,
      }),
      (s) => s.destroy(),
    );
  const reward = await makeReward(rewardSpec(config), from.folder);
  held.defer(() => reward.close?.());
  let lastFailure: string | undefined;
  const tell = onceEach(from.warn);
  const onFailure = (part: string, why: string): void => {
    lastFailure = `${part}: ${why}`;
    tell(part, why);
  };
  const common = { reward, seed: config.seed, onFailure };
  const { prompts_per_step: prompts, num_generations: samples, max_prompt_length: promptLength } = config;
  const sampler = await makeSampler(config.temperature, prompts * samples, promptLength);
  const { top_p, top_k, min_p } = config;
  const settings: RolloutSettings = { ...own, ...common, sampler, sampling: { top_p, top_k, min_p } };
  const fitting = fittingProblems(problems, settings, config);
  const order = new ProblemOrder(fitting.length, config.seed);

  const asks: (Omit<Benchmark, 'settings'> & { prompt: Asked; atStart: boolean })[] = [];
  for (const { name, problems: from, prompt } of plan.heldout) {
    const set = await loadProblemSet(from);
    const heldout = set.problems.slice(0, config.eval_count);
    const add = async (request: PromptRequest | undefined, atStart: boolean) => {
      const asking = request ? await asked(request, set.evaluation?.fewShot?.exemplars) : own;
      const label = labelOf(asking.template);
      const plain = !atStart && label === labelOf(own.template);
      asks.push({
        name,
        label: plain ? undefined : label,
        problems: heldout,
        prompt: asking,
        atStart,
      });
    };
    await add(prompt, false);
    for (const request of config.eval_start_prompts) await add(request, true);
  }
  // Another sampler, because prompts with worked examples are longer than those to learn from.
  const evalSampler = await makeSampler(
    config.eval_temperature,
    Math.min(Math.max(...asks.map((ask) => ask.problems.length)), prompts * samples),
    asks.reduce((most, { prompt, problems: of }) => Math.max(most, longestPrompt(prompt, of)), 1),
  );
  const benchmarksOf = (start: boolean): Benchmark[] =>
    asks
      .filter(({ atStart }) => atStart === start)
      .map(({ name, label, problems: of, prompt }) => ({
        name,
        label,
        problems: of,
        settings: { ...prompt, ...common, sampler: evalSampler },
      }));
  if (checkpoint !== undefined) {
    await loadMoments(checkpoint, learner);
    learner.steps = state.optimizerSteps;
  }
  const grpoState = checkpoint === undefined ? undefined : await readGrpoState(checkpoint);
  const problemAt = (n: number) => fitting[order.at(n)]!;
  return {
    gpu,
    config,
    plan,
    learner,
    reference,
    settings,
    problemAt,
    benchmarks: benchmarksOf(false),
    startBenchmarks: benchmarksOf(true),
    state,
    grpoState,
    lastFailure: () => lastFailure,
  };
}

async function openReference(
  gpu: Gpu,
  config: GrpoConfig,
  plan: GrpoPlan,
  policy: ModelWeights,
  checkpoint: string | undefined,
): Promise<ReferenceModel> {
  // A checkpoint from before sync_ref_model was turned on has none.
  const moved =
    checkpoint !== undefined &&
    config.sync_ref_model &&
    existsSync(path.join(checkpoint, referenceFolder, 'model.safetensors'));
  const weights = await loadModel(gpu, moved ? path.join(checkpoint, referenceFolder) : config.model, {
    precision: policy.precision,
  });
  return ReferenceModel.create(gpu, weights, policy, plan.reference!);
}

/** One message for each part and kind of failure: numbers in it (a time, an index) make no other kind. */
function onceEach(warn: (text: string) => void): (part: string, why: string) => void {
  const told = new Set<string>();
  return (part, why) => {
    const kind = `${part}: ${why.replace(/\d+/g, '0')}`;
    if (told.has(kind) || told.size > 20) return;
    told.add(kind);
    warn(
      `the reward ${part} failed for a batch, whose samples teach nothing (counted in rewards/unscored): ${why}`,
    );
  };
}

type Asked = Pick<RolloutSettings, 'tokenizer' | 'template' | 'prefix' | 'endTokens' | 'stopStrings'>;

const longestPrompt = (asked: Asked, problems: readonly Problem[]): number =>
  problems.reduce((most, problem) => Math.max(most, promptTokens(asked, problem).length), 0);

/** `simple`, or `simple-8shot`. */
function labelOf({ name, shots }: PromptTemplate): string {
  return shots === undefined ? name : `${name}-${shots.n}shot`;
}

function fittingProblems(problems: readonly Problem[], asked: Asked, config: GrpoConfig): Problem[] {
  const fitting = problems.filter(
    (problem) => promptTokens(asked, problem).length <= config.max_prompt_length,
  );
  if (fitting.length > 0) return fitting;
  throw new UserError(
    `none of the ${problems.length} problems to learn from fits max_prompt_length ${config.max_prompt_length} with the template ${asked.template.name}`,
    { hint: 'raise max_prompt_length' },
  );
}
