/**
 * GRPO (Shao et al. 2024) as the paper runs it: roll out, score, normalise within groups, clipped updates, evaluate. A function of config and
 * start model; the same call goes on from the last complete checkpoint bit for bit, because every draw comes from (seed, step, problem,
 * sample) and the length from the step.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fingerprint } from '../../src/core/config.ts';
import { InterruptedError, messageOf, UserError } from '../../src/core/errors.ts';
import type { Emit } from '../../src/core/events.ts';
import { Random } from '../../src/core/random.ts';
import { readRecord, startRun } from '../../src/io/run-record.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokens/tokenizer.ts';
import { pairedDifference } from '../accuracy.ts';
import {
  checkpointName,
  listCheckpoints,
  loadMoments,
  pruneCheckpoints,
  readTrainingState,
  recordedKernels,
  saveCheckpoint,
  type TrainingState,
} from '../checkpoint.ts';
import type { Gpu } from '../device.ts';
import { endTokenOf } from '../end-token.ts';
import { Learner } from '../learner.ts';
import { loadModel } from '../model/folder.ts';
import type { ModelWeights } from '../model/weights.ts';
import { type Problem, ProblemOrder, readProblems } from '../problems.ts';
import { findReward } from '../rewards/index.ts';
import { promptTokens, type RolloutSettings, rollOut } from '../rollout.ts';
import { Sampler } from '../sampler.ts';
import { learningRateAt } from '../schedule.ts';
import { adoptKernels, usedKernels } from '../tuning.ts';
import { groupAdvantages } from './advantage.ts';
import type { GrpoConfig } from './config.ts';
import { evaluateHeldout } from './evaluate-heldout.ts';
import { lengthAt, longest, parseLengthSchedule } from './length-schedule.ts';
import { prefixToken } from './prefix-token.ts';
import { RolloutLog } from './rollout-log.ts';
import { stepMetrics } from './step-metrics.ts';
import { findTemplate } from './templates.ts';
import { updatePolicy } from './update.ts';

export interface GrpoResult {
  runFolder: string;
  checkpoint: string;
  startAccuracy: number;
  endAccuracy: number;
  /** Change of accuracy over the same problems, with its 95 % interval. */
  change: number;
  interval: [number, number];
}

export interface GrpoOptions {
  emit: Emit;
  signal: AbortSignal;
}

export async function grpo(gpu: Gpu, config: GrpoConfig, options: GrpoOptions): Promise<GrpoResult> {
  const held = new AsyncDisposableStack();
  try {
    return await runGrpo(gpu, config, options, held);
  } finally {
    await gpu.sync().catch(() => {}); // nothing may still run on buffers that are freed now
    await held.disposeAsync();
  }
}

/** `held` collects what must be freed, whatever happens. */
async function runGrpo(
  gpu: Gpu,
  config: GrpoConfig,
  options: GrpoOptions,
  held: AsyncDisposableStack,
): Promise<GrpoResult> {
  const { emit, signal } = options;
  const runFolder = config.out;
  const schedule = parseLengthSchedule(config.max_completion_length, 'max_completion_length');
  const responseLength = longest(schedule);
  const template = findTemplate(config.template);
  const reward = findReward(config.reward);
  if (config.prompts_per_step % (config.mini_batch_prompts ?? config.prompts_per_step) !== 0) {
    throw new UserError(
      `mini_batch_prompts ${config.mini_batch_prompts} does not divide prompts_per_step ${config.prompts_per_step}`,
    );
  }
  const problems = await readProblems(config.problems);
  const heldout = (await readProblems(config.eval_problems)).slice(0, config.eval_count);
  const configFingerprint = fingerprint(config);
  const resumeFrom = listCheckpoints(runFolder).at(-1);
  const finished = resumeFrom === undefined ? undefined : finishedResult(runFolder, configFingerprint);
  if (finished) {
    emit({ kind: 'message', level: 'info', text: `GRPO: already done in ${runFolder}` });
    return finished;
  }
  adoptKernels(gpu, recordedKernels(resumeFrom));
  const tokenizer = await loadTokenizer(config.model);
  const weights = held.adopt(await loadModel(gpu, resumeFrom ?? config.model), (w) => w.destroy());
  const prefix = prefixToken(config.prompt_prefix, weights.config, tokenizer);
  const fits = (problem: Problem) =>
    promptTokens({ tokenizer, template, prefix }, problem).length <= config.max_prompt_length;
  const fitting = fittingProblems(problems, fits, config);
  const evaluated = fittingProblems(heldout, fits, config);

  const learner = await Learner.create(gpu, weights, {
    config: weights.config,
    batch: config.micro_batch_size,
    seq: config.pack_length ?? config.max_prompt_length + responseLength,
    logitsBytes: config.logits_bytes,
    temperature: config.temperature,
    checkpointing: config.activation_checkpointing,
    optimizer: {
      beta1: config.optimizer.adam_beta1,
      beta2: config.optimizer.adam_beta2,
      eps: config.optimizer.adam_epsilon,
      weightDecay: config.optimizer.weight_decay,
      maxGradNorm: config.optimizer.max_grad_norm,
    },
    policy: {
      epsLow: config.epsilon,
      epsHigh: config.epsilon_high ?? config.epsilon,
      beta: 0,
      entropyCoef: config.entropy_coef,
    },
  });
  held.defer(() => learner.destroy());
  const makeSampler = async (temperature: number, prompts: number, samples: number) =>
    held.adopt(
      await createSampler(gpu, weights, config, tokenizer, responseLength, temperature, prompts, samples),
      (s) => s.destroy(),
    );
  const settings: RolloutSettings = {
    sampler: await makeSampler(config.temperature, config.prompts_per_step, config.num_generations),
    tokenizer,
    template,
    reward,
    stopStrings: config.stop_strings,
    prefix,
    seed: config.seed,
  };
  // Evaluation draws once from many problems, so its sampler has a slot for each instead of a group for each.
  const evalBatch = Math.min(evaluated.length, config.prompts_per_step * config.num_generations);
  const evalSettings: RolloutSettings = {
    ...settings,
    sampler: await makeSampler(config.eval_temperature, evalBatch, 1),
  };

  let state: TrainingState = {
    phase: 'grpo',
    step: 0,
    optimizerSteps: 0,
    tokens: 0,
    data: { fingerprint: fingerprint(fitting), sequence: 0 },
    configFingerprint,
    parent: config.model,
  };
  if (resumeFrom !== undefined) {
    const saved = await readTrainingState(resumeFrom);
    if (saved.configFingerprint !== configFingerprint || saved.data.fingerprint !== state.data.fingerprint) {
      throw new UserError(`${runFolder} holds a GRPO run with another config or other problems`, {
        hint: `change \`out\`, or delete ${runFolder} to start again`,
      });
    }
    await loadMoments(resumeFrom, learner);
    state = saved;
    learner.steps = saved.optimizerSteps;
  }
  const run = startRun(runFolder, {
    command: 'grpo',
    name: config.name,
    config,
    evidence: [{ name: `template ${template.name}`, value: template.text, evidence: template.evidence }],
    inputs: [{ path: config.problems }, { path: config.eval_problems }],
    parents: [config.model],
    device: { ...gpu.info, kernels: usedKernels(gpu) },
  });
  // A run killed before its first checkpoint begins again, its evaluation of step 0 too.
  run.metrics.rewind((row) => row.step > state.step || state.step === 0);
  if (config.tensorboard) run.metrics.mirror(path.join(runFolder, 'tensorboard'));
  const log = held.adopt(new RolloutLog(path.join(runFolder, 'rollouts.jsonl'), state.step), (l) =>
    l.close(),
  );
  const task = config.name;
  emit({
    kind: 'message',
    level: 'info',
    text: `GRPO: ${config.steps} steps of ${config.prompts_per_step} prompts x ${config.num_generations} on ${gpu.info.name}${resumeFrom ? `, going on from step ${state.step}` : ''}`,
  });
  emit({ kind: 'start', task, total: config.steps, unit: 'step' });
  const began = performance.now();
  const order = new ProblemOrder(fitting.length, config.seed);

  const evaluate = (step: number) =>
    evaluateHeldout(evalSettings, evaluated, lengthAt(schedule, step), signal);
  const save = async (): Promise<string> => {
    const folder = path.join(runFolder, 'checkpoints', checkpointName(state.step));
    await saveCheckpoint(folder, learner, { ...state, kernels: usedKernels(gpu) }, config.model);
    await pruneCheckpoints(runFolder, config.keep_checkpoints);
    return folder;
  };

  const startFile = path.join(runFolder, 'start-evaluation.json');
  let checkpoint = resumeFrom;
  let firstEvaluation: { correct: number[] } | undefined;
  let lastEvaluation: { correct: number[] } | undefined;
  const savedAt = state.step;
  let finalReward = Number.NaN;
  try {
    if (state.step === 0) {
      const first = await evaluate(0);
      firstEvaluation = first;
      await log.writeStart(startFile, first.correct);
      run.metrics.append({ step: 0, phase: 'grpo', ...first.metrics });
    } else firstEvaluation = { correct: await log.readStart(startFile) };
    while (state.step < config.steps) {
      signal.throwIfAborted();
      const step = state.step;
      const allowed = lengthAt(schedule, step);
      const chosen = Array.from(
        { length: config.prompts_per_step },
        (_, i) => fitting[order.at(state.data.sequence + i)]!,
      );
      const t0 = performance.now();
      const rollouts = await rollOut(
        settings,
        chosen,
        config.num_generations,
        allowed,
        `step ${step}`,
        signal,
      );
      const t1 = performance.now();
      const earned = rollouts.map((r) => r.reward);
      const used = config.shuffle_rewards
        ? new Random(`${config.seed}/shuffle/${step}`).shuffle([...earned])
        : earned;
      const advantages = groupAdvantages(used, config.num_generations, config.scale_rewards);
      const learningRate = learningRateAt(config.schedule, step, config.steps);
      const update = await updatePolicy(learner, config, rollouts, advantages, allowed, learningRate);
      const t2 = performance.now();
      state.step++;
      state.optimizerSteps = learner.steps;
      state.data.sequence += config.prompts_per_step;
      const metrics = stepMetrics(config, rollouts, update, allowed);
      state.tokens += rollouts.reduce((total, r) => total + r.tokens.length, 0);
      finalReward = metrics.reward!;
      let evaluation: Record<string, number> = {};
      if (state.step % config.eval_every === 0 || state.step === config.steps) {
        const done = await evaluate(state.step);
        lastEvaluation = done;
        evaluation = done.metrics;
      }
      run.metrics.append({
        step: state.step,
        phase: 'grpo',
        ...metrics,
        learning_rate: learningRate,
        num_tokens: state.tokens,
        'timing_s/gen': (t1 - t0) / 1000,
        'timing_s/update': (t2 - t1) / 1000,
        'timing_s/step': (performance.now() - t0) / 1000,
        ...evaluation,
      });
      log.append(state.step, rollouts, config.log_rollouts, config.num_generations);
      if (update.skippedUpdates === update.updates) {
        throw new UserError(`no update of step ${state.step} had a finite gradient`, {
          hint: `lower schedule.learning_rate; the last checkpoint is ${checkpoint ?? config.model}`,
        });
      }
      if (state.step % config.checkpoint_every === 0 && state.step < config.steps) checkpoint = await save();
      const accuracy = evaluation.eval_accuracy;
      emit({
        kind: 'progress',
        task,
        done: state.step,
        total: config.steps,
        unit: 'step',
        numbers: {
          reward: metrics.reward!,
          length: metrics['completions/mean_length']!,
          'clipped %': 100 * metrics['completions/clipped_ratio']!,
          ...(accuracy === undefined ? {} : { 'accuracy %': 100 * accuracy }),
        },
      });
    }
    checkpoint = await save();
  } catch (error) {
    if (signal.aborted) {
      if (state.step > savedAt) await save();
      run.finish('interrupted', { steps: state.step });
      throw new InterruptedError(
        `stopped at step ${state.step} of ${config.steps}; the same command goes on from there`,
      );
    }
    run.finish('failed', { steps: state.step, error: messageOf(error) });
    throw error;
  }
  lastEvaluation ??= firstEvaluation;
  const share = (correct: readonly number[]) => correct.reduce((a, b) => a + b, 0) / correct.length;
  const difference = pairedDifference(firstEvaluation.correct, lastEvaluation.correct);
  const result = {
    startAccuracy: share(firstEvaluation.correct),
    endAccuracy: share(lastEvaluation.correct),
    change: difference.mean,
    interval: difference.interval,
  };
  const seconds = (performance.now() - began) / 1000;
  emit({
    kind: 'end',
    task,
    done: state.step,
    unit: 'step',
    seconds,
    numbers: {
      'accuracy before %': 100 * result.startAccuracy,
      'accuracy after %': 100 * result.endAccuracy,
    },
  });
  run.finish('done', {
    steps: state.step,
    ...result,
    finalReward,
    evalProblems: evaluated.length,
    evalTemperature: config.eval_temperature,
    checkpoint,
  });
  return { runFolder, checkpoint, ...result };
}

/** The result of a run that ended well with this very config, so that giving the command again does nothing. */
function finishedResult(runFolder: string, configFingerprint: string): GrpoResult | undefined {
  if (!existsSync(path.join(runFolder, 'run.json'))) return undefined;
  const { status, fingerprint: found, summary } = readRecord(runFolder);
  if (status !== 'done' || found !== configFingerprint) return undefined;
  const { startAccuracy, endAccuracy, change, interval, checkpoint } = summary as unknown as GrpoResult;
  return { runFolder, checkpoint, startAccuracy, endAccuracy, change, interval };
}

async function createSampler(
  gpu: Gpu,
  weights: ModelWeights,
  config: GrpoConfig,
  tokenizer: Tokenizer,
  responseLength: number,
  temperature: number,
  prompts: number,
  samples: number,
): Promise<Sampler> {
  const eosId = endTokenOf(config.model, weights.config, tokenizer);
  const promptLength = config.max_prompt_length;
  return Sampler.create(gpu, weights, {
    config: weights.config,
    prompts,
    promptLength,
    slots: prompts * samples,
    responseLength,
    temperature,
    eosId,
  });
}

function fittingProblems(
  problems: readonly Problem[],
  fits: (problem: Problem) => boolean,
  config: GrpoConfig,
): Problem[] {
  const fitting = problems.filter(fits);
  if (fitting.length === 0)
    throw new UserError(
      `none of the ${problems.length} problems fits max_prompt_length ${config.max_prompt_length}`,
      { hint: 'raise max_prompt_length' },
    );
  return fitting;
}
