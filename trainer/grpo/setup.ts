/**
 * Opens what a GRPO run works with: problems, tokenizer, weights on the device, learner, reference model, samplers, and the state of the checkpoint
 * it goes on from. Everything opened is given to `held`, which frees it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Gpu } from '../gpu/device.ts';
import { adoptKernels } from '../gpu/tuning.ts';
import { loadMoments, recordedKernels, type TrainingState } from '../learner/checkpoint.ts';
import { Learner } from '../learner/learner.ts';
import { loadModel, readModelConfig } from '../model/folder.ts';
import { resolvePrecision } from '../model/precision.ts';
import type { ModelWeights } from '../model/weights.ts';
import { type Problem, ProblemOrder } from '../problem-sets/problems.ts';
import { makeReward } from '../rewards/index.ts';
import { Sampler } from '../sampler/sampler.ts';
import type { GrpoConfig } from './config.ts';
import type { Benchmark } from './evaluate-heldout.ts';
import { type GrpoState, readGrpoState } from './grpo-state.ts';
import { type GrpoPlan, planGrpo } from './plan-grpo.ts';
import { leftOutInWords, preparePrompts } from './prepare-prompts.ts';
import { ReferenceModel } from './reference-model.ts';
import { RewardFailures } from './reward-failures.ts';
import { rewardSpec } from './reward-spec.ts';
import type { RolloutSettings } from './rollout.ts';

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
  failures: RewardFailures;
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
  const { checkpoint, state } = from;
  const start = checkpoint ?? config.model;
  // Whatever config and files decide is decided before a weight is loaded.
  const model = await readModelConfig(start);
  const plan = planGrpo(config, model);
  const prompts = await preparePrompts(config, plan, model, from.problems);
  for (const text of leftOutInWords(prompts, config.max_prompt_length)) from.warn(text);
  const reward = await makeReward(rewardSpec(config), from.folder);
  held.defer(() => reward.close?.());
  adoptKernels(gpu, recordedKernels(checkpoint));
  const precision = resolvePrecision(gpu, config.precision);
  const weights = held.adopt(await loadModel(gpu, start, { precision }), (w) => w.destroy());
  const learner = await Learner.create(gpu, weights, plan.learner);
  held.defer(() => learner.destroy());
  const reference = plan.reference && (await openReference(gpu, config, plan, weights, checkpoint));
  if (reference) held.defer(() => reference.destroy());

  const { own, fitting, heldout } = prompts;
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
  const failures = new RewardFailures(from.warn);
  const common = { reward, seed: config.seed, failures };
  const rollouts = config.prompts_per_step * config.num_generations;
  const sampler = await makeSampler(config.temperature, rollouts, config.max_prompt_length);
  const { top_p, top_k, min_p } = config;
  const settings: RolloutSettings = { ...own, ...common, sampler, sampling: { top_p, top_k, min_p } };
  const order = new ProblemOrder(fitting.length, config.seed);

  // Another sampler, because prompts with worked examples are longer than those to learn from.
  const evalSampler = await makeSampler(
    config.eval_temperature,
    Math.min(Math.max(...heldout.map((set) => set.problems.length)), rollouts),
    prompts.longestHeldout,
  );
  const benchmarksOf = (start: boolean): Benchmark[] =>
    heldout
      .filter(({ atStart }) => atStart === start)
      .map(({ name, label, problems, prompt }) => ({
        name,
        label,
        problems,
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
    failures,
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
