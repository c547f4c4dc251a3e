/**
 * Training one phase: what it begins with, its record, its steps (training-loop.ts), its end. A function of its config and inputs; knows no
 * flags and no terminal. Stopping (AbortSignal) ends after the steps in hand with a checkpoint, and the same call goes on from the newest
 * valid checkpoint bit for bit. A lost device or too little memory ends with what was wanted and where it goes on from.
 */
import path from 'node:path';
import { InterruptedError } from '../../src/core/errors.ts';
import type { Emit } from '../../src/core/events.ts';
import { flopsPerToken } from '../../src/core/model-flops.ts';
import { readMetrics, startRun } from '../../src/io/run-record.ts';
import type { Gpu } from '../gpu/device.ts';
import { DeviceLostError } from '../gpu/gpu-errors.ts';
import { forgetPeak, measuredPeak } from '../gpu/measured-peak.ts';
import { usedKernels } from '../gpu/tuning.ts';
import { checkpointName, listCheckpoints, pruneCheckpoints, saveCheckpoint } from '../learner/checkpoint.ts';
import { Learner } from '../learner/learner.ts';
import type { LearnerShape } from '../learner/learner-plan.ts';
import { resumeKernels, tuneFor, tuningSeconds } from '../learner/run-kernels.ts';
import { loadModel } from '../model/folder.ts';
import { shapeOf } from '../model/model-shapes.ts';
import { countParameters } from '../model/parameters.ts';
import { type Precision, resolvePrecision } from '../model/precision.ts';
import { changeText, phaseSettings } from './config-changes.ts';
import { evaluateSources } from './evaluate-sources.ts';
import { explainGpuTrouble } from './explain-gpu-trouble.ts';
import { freshModel } from './fresh-model.ts';
import { MixtureSoFar } from './mixture-so-far.ts';
import { planTraining, type TrainingPlan } from './plan-training.ts';
import { SampleTexts } from './sample-texts.ts';
import { mixtureOf, openHeldoutData, openTrainingData } from './token-data.ts';
import type { Phase, TrainConfig } from './train-config.ts';
import { runSteps, type Training } from './training-loop.ts';
import { findResume, finishedResult, initialState, type TrainResult } from './training-state.ts';

export type { TrainResult } from './training-state.ts';

export interface TrainOptions {
  /** Checkpoint (or Hugging Face folder) to start from; the decay phase defaults to the stable phase's last checkpoint. */
  from?: string;
  /** One of the config's branches, for the decay phase. */
  branch?: string;
  /** Keys of the config (or `data`, or `all`) that may differ from those of the run that goes on. */
  allowChanges?: readonly string[];
  /** Steps begun before the result of the oldest is read. Default 2; the bits are the same. */
  runAhead?: number;
  emit: Emit;
  signal: AbortSignal;
}

/** What an error needs to know about how far it had come. */
interface Progress {
  plan?: TrainingPlan;
  step?: number;
}

/** Trains one phase to its end, going on from the last checkpoint in its run folder if there is one. */
export async function train(
  gpu: Gpu,
  config: TrainConfig,
  phase: Phase,
  options: TrainOptions,
): Promise<TrainResult> {
  const held = new AsyncDisposableStack();
  const progress: Progress = {};
  try {
    const settled = { ...config, precision: resolvePrecision(gpu, config.precision) };
    return await trainPhase(gpu, settled, phase, options, held, progress);
  } catch (error) {
    const { plan, step } = progress;
    const checkpoint = plan && listCheckpoints(plan.runFolder).at(-1);
    const { from, branch } = options;
    throw await explainGpuTrouble(error, { config, phase, from, branch, checkpoint, step });
  } finally {
    await gpu.sync().catch(() => {}); // nothing may still run on buffers that are freed now
    await held.disposeAsync();
  }
}

/** `held` collects what must be freed, whatever happens. */
async function trainPhase(
  gpu: Gpu,
  config: TrainConfig & { precision: Precision },
  phase: Phase,
  options: TrainOptions,
  held: AsyncDisposableStack,
  progress: Progress,
): Promise<TrainResult> {
  const { emit, signal } = options;
  const say = (text: string) => emit({ kind: 'message', level: 'info', text });
  const warnings: string[] = [];
  const warn = (text: string) => {
    warnings.push(text);
    emit({ kind: 'message', level: 'warn', text });
  };
  const plan = planTraining(config, phase, options.from, options.branch);
  progress.plan = plan;
  const settings = phaseSettings(config, plan.phaseConfig, plan.from);
  const data = held.adopt(await openTrainingData(plan.dataFolder, config.sequence_length), (d) => d.close());
  const heldout = await openHeldoutData(plan.dataFolder, config.sequence_length);
  for (const source of heldout.values()) held.defer(() => source.close());
  const {
    resume,
    damaged,
    warnings: found,
  } = await findResume(plan, settings, data, options.allowChanges ?? []);
  const finished = resume && finishedResult(plan, resume);
  if (finished) {
    say(`${phase}: already done in ${plan.runFolder}`);
    return finished;
  }
  for (const text of found) warn(text);
  for (const change of resume?.changes ?? []) {
    const text = `${changeText(change)}, from step ${resume!.state.step} on`;
    if (change.effect === 'harmless') say(text);
    else warn(`changed under way: ${text}`);
  }

  signal.throwIfAborted();
  const { precision } = config;
  const startFrom = resume?.checkpoint ?? plan.from;
  const weights = held.adopt(
    startFrom === undefined
      ? await freshModel(gpu, config, plan.tokenizerFolder)
      : await loadModel(gpu, startFrom, { precision }),
    (w) => w.destroy(),
  );
  const shape: LearnerShape = {
    config: weights.config,
    batch: config.micro_batch_size,
    seq: config.sequence_length,
    logitsBytes: config.logits_bytes,
    temperature: 1,
    optimizer: plan.optimizer,
    checkpointing: config.activation_checkpointing,
    zLoss: config.z_loss,
  };
  signal.throwIfAborted();
  const tuning = resume === undefined ? tuningSeconds(config.autotune, gpu.info.software) : 0;
  const tuned = tuning > 0 ? await tuneFor(gpu, shape, weights, tuning, options) : 0;
  const peak = await measuredPeak(gpu, { again: tuned > 0, precision, emit, signal });
  const kernelChanges = resumeKernels(gpu, resume?.state.kernels);
  for (const change of kernelChanges)
    warn(`${changeText(change)}: the run goes on, but steps can differ in their last bits from here on`);
  const learner = await Learner.create(gpu, weights, shape);
  held.defer(() => learner.destroy());
  const texts =
    config.samples &&
    held.adopt(await SampleTexts.create(gpu, weights, plan, config.samples, emit), (t) => t.destroy());
  const state = await initialState(plan, phase, settings, resume, learner, data);
  if (kernelChanges.length > 0) {
    const noted = kernelChanges.map((change) => ({ step: state.step, ...change }));
    state.changes = [...(state.changes ?? []), ...noted];
  }
  const mixed = mixtureOf(plan.dataFolder);
  const mixture = held.adopt(
    new MixtureSoFar(data, mixed?.shares ?? new Map(), state.data.consumed, warn),
    (m) => m.close(),
  );
  if (mixed !== undefined && mixed.sequenceLength !== config.sequence_length) {
    warn(
      `the mixture ${plan.dataFolder} was packed for sequences of ${mixed.sequenceLength} tokens and is read in sequences of ${config.sequence_length}: a sequence may hold tokens of two sources, and documents are cut elsewhere`,
    );
  }

  signal.throwIfAborted();
  const run = startRun(plan.runFolder, {
    command: 'train',
    name: `${config.name}-${path.basename(plan.runFolder)}`,
    config: { ...config, phase, ...(options.branch === undefined ? {} : { branch: options.branch }) },
    fingerprint: state.configFingerprint,
    evidence: [
      {
        name: `${phase} learning rate`,
        value: plan.phaseConfig.learning_rate,
        evidence: plan.phaseConfig.evidence,
      },
    ],
    inputs: [{ path: plan.dataFolder, fingerprint: data.fingerprint }],
    parents: [plan.dataFolder, ...(state.parent === undefined ? [] : [state.parent])],
    device: { ...gpu.info, kernels: usedKernels(gpu), peak },
    ...(state.changes === undefined ? {} : { summary: { changes: state.changes } }),
    warnings,
  });
  // A run killed before its first checkpoint begins again, its evaluation of step 0 too.
  run.metrics.rewind((row) => row.step > state.step || state.step === 0);
  const rows = state.step === 0 ? [] : readMetrics(path.join(plan.runFolder, 'metrics.jsonl'));
  if (config.tensorboard) run.metrics.mirror(path.join(plan.runFolder, 'tensorboard'));
  const parameters = countParameters(weights.config);
  const { memory } = learner;
  say(
    `${phase}: ${parameters} parameters, ${plan.steps} steps of ${plan.tokensPerStep} tokens on ${gpu.info.name}${resume ? `, going on from step ${state.step}` : ''}`,
  );
  const task = `train ${phase}`;
  emit({ kind: 'start', task, total: plan.steps, unit: 'step' });

  const began = performance.now();
  let saved = resume?.state.step;
  const passedOver = new Set(damaged);
  const save = async (): Promise<string> => {
    const folder = path.join(plan.runFolder, 'checkpoints', checkpointName(state.step));
    if (saved === state.step) return folder;
    await saveCheckpoint(folder, learner, { ...state, kernels: usedKernels(gpu) }, plan.tokenizerFolder);
    saved = state.step;
    passedOver.delete(folder);
    await pruneCheckpoints(plan.runFolder, config.keep_checkpoints, config.keep_every, [...passedOver]);
    passedOver.clear();
    return folder;
  };
  const evaluate = async (): Promise<Record<string, number>> =>
    heldout.size === 0 ? {} : evaluateSources(learner, heldout, config.eval_sequences, config.document_mask);
  const training: Training = {
    ...{ config, phase, plan, task, learner, data, mixture, state, run, emit, signal, evaluate, save },
    runAhead: options.runAhead ?? 2,
    flopsPerToken: flopsPerToken(shapeOf(config.name, weights.config), config.sequence_length),
    peak: peak.flopsPerSecond,
    reserved: learner.allocatedBytes + weights.allocatedBytes,
    lastCheckpoint: startFrom,
    mostMfu: 0,
    draw: async (step) => texts?.draw(step),
    // What was known when the run stopped, should nothing be left to do.
    loss: Number(rows.findLast((row) => row.loss !== undefined)?.loss ?? Number.NaN),
    evalLosses: lastEvaluation(rows),
  };
  let checkpoint: string;
  try {
    if (state.step === 0) {
      await texts?.draw(0);
      signal.throwIfAborted();
      training.evalLosses = await evaluate();
      run.metrics.append({ step: 0, phase, num_tokens: state.tokens, ...training.evalLosses });
    }
    await runSteps(training);
    if (training.mostMfu > 1) {
      forgetPeak(gpu, precision);
      warn(
        `mfu came to ${training.mostMfu.toFixed(2)}, so the peak of ${(peak.flopsPerSecond / 1e9).toPrecision(3)} GFLOP/s was measured too low, on a busy machine or with slower kernels: the next run measures it again`,
      );
    }
    if (signal.aborted && state.step > 0) await save();
    if (state.step < plan.steps) signal.throwIfAborted();
    checkpoint = await save();
  } catch (error) {
    const [steps, tokens] = [state.step, state.tokens];
    if (signal.aborted && error === signal.reason) {
      run.finish('interrupted', { phase, steps, tokens });
      throw new InterruptedError(
        `stopped at step ${steps} of ${plan.steps}; the same command goes on from there`,
      );
    }
    progress.step = steps;
    const failure = error instanceof DeviceLostError ? { failure: 'device lost' } : {};
    const message = error instanceof Error ? error.message : String(error);
    run.finish('failed', { phase, steps, tokens, error: message, ...failure });
    throw error;
  }
  const seconds = (performance.now() - began) / 1000;
  const { loss } = training;
  const evalLoss = training.evalLosses.eval_loss;
  const numbers = { loss, ...(evalLoss === undefined ? {} : { 'eval loss': evalLoss }) };
  emit({ kind: 'end', task, done: state.step, unit: 'step', seconds, numbers });
  const sources = mixture.sources();
  run.finish('done', {
    phase,
    steps: state.step,
    tokens: state.tokens,
    finalLoss: loss,
    finalEvalLoss: evalLoss,
    parameters,
    parent: state.parent,
    checkpoint,
    epochs: state.data.sequence / data.sequences,
    activationBytes: memory.activationBytes,
    persistentBytes: memory.persistentBytes,
    ...(sources.length === 0 ? {} : { mixture: sources }),
  });
  return {
    runFolder: plan.runFolder,
    checkpoint,
    finalLoss: loss,
    finalEvalLoss: evalLoss,
    steps: state.step,
    tokens: state.tokens,
  };
}

/** The held-out losses of the last row that has them. */
function lastEvaluation(rows: readonly Record<string, unknown>[]): Record<string, number> {
  const row = rows.findLast((r) => r.eval_loss !== undefined) ?? {};
  return Object.fromEntries(Object.entries(row).filter(([name]) => name.startsWith('eval_loss'))) as Record<
    string,
    number
  >;
}
