/**
 * The training loop of one phase: batch, forward and backward per micro-batch, step, evaluate, checkpoint, events. A function of its
 * config and inputs; knows no flags and no terminal. Stopping (AbortSignal) ends after the current step with a checkpoint, and the same
 * call goes on from the last complete checkpoint bit for bit.
 */
import path from 'node:path';
import { fingerprint } from '../src/core/config.ts';
import { InterruptedError, UserError } from '../src/core/errors.ts';
import type { Emit } from '../src/core/events.ts';
import { flopsPerToken } from '../src/core/model-flops.ts';
import { startRun } from '../src/io/run-record.ts';
import {
  checkpointName,
  listCheckpoints,
  pruneCheckpoints,
  recordedKernels,
  saveCheckpoint,
} from './checkpoint.ts';
import type { Gpu } from './device.ts';
import { evaluateSources } from './evaluate-sources.ts';
import { freshModel } from './fresh-model.ts';
import { Learner } from './learner.ts';
import { loadModel } from './model/folder.ts';
import { countParameters } from './model/parameters.ts';
import { shapeOf } from './model-shapes.ts';
import { planTraining } from './plan-training.ts';
import { SampleTexts } from './sample-texts.ts';
import { learningRateAt } from './schedule.ts';
import { type CountedRows, mixtureOf, openHeldoutData, openTrainingData } from './token-data.ts';
import type { Phase, TrainConfig } from './train-config.ts';
import { finishedResult, initialState, keepSkipped, type TrainResult } from './training-state.ts';
import { adoptKernels, usedKernels } from './tuning.ts';

export type { TrainResult } from './training-state.ts';

export interface TrainOptions {
  /** Checkpoint (or Hugging Face folder) to start from; the decay phase defaults to the stable phase's last checkpoint. */
  from?: string;
  /** One of the config's branches, for the decay phase. */
  branch?: string;
  emit: Emit;
  signal: AbortSignal;
}

/** Steps in a row whose gradient was not finite before the run stops. */
const mostSkips = 3;

/** Trains one phase to its end, going on from the last checkpoint in its run folder if there is one. */
export async function train(
  gpu: Gpu,
  config: TrainConfig,
  phase: Phase,
  options: TrainOptions,
): Promise<TrainResult> {
  const held = new AsyncDisposableStack();
  try {
    return await trainPhase(gpu, config, phase, options, held);
  } finally {
    await gpu.sync().catch(() => {}); // nothing may still run on buffers that are freed now
    await held.disposeAsync();
  }
}

/** `held` collects what must be freed, whatever happens. */
async function trainPhase(
  gpu: Gpu,
  config: TrainConfig,
  phase: Phase,
  options: TrainOptions,
  held: AsyncDisposableStack,
): Promise<TrainResult> {
  const { emit, signal } = options;
  const plan = planTraining(config, phase, options.from, options.branch);
  const data = held.adopt(await openTrainingData(plan.dataFolder, config.sequence_length), (d) => d.close());
  const heldout = await openHeldoutData(plan.dataFolder, config.sequence_length);
  for (const source of heldout.values()) held.defer(() => source.close());
  const configFingerprint = fingerprint({
    config: { ...config, stable: undefined, decay: undefined, branches: undefined },
    phase: plan.phaseConfig,
    from: plan.from ?? null,
  });
  const resumeFrom = listCheckpoints(plan.runFolder).at(-1);
  const finished = resumeFrom === undefined ? undefined : finishedResult(plan, configFingerprint, resumeFrom);
  if (finished) {
    emit({ kind: 'message', level: 'info', text: `${phase}: already done in ${plan.runFolder}` });
    return finished;
  }
  adoptKernels(gpu, recordedKernels(resumeFrom));
  const startFrom = resumeFrom ?? plan.from;
  const weights = held.adopt(
    startFrom === undefined
      ? await freshModel(gpu, config, plan.tokenizerFolder)
      : await loadModel(gpu, startFrom),
    (w) => w.destroy(),
  );
  const learner = await Learner.create(gpu, weights, {
    config: weights.config,
    batch: config.micro_batch_size,
    seq: config.sequence_length,
    logitsBytes: config.logits_bytes,
    temperature: 1,
    optimizer: plan.optimizer,
    checkpointing: config.activation_checkpointing,
    zLoss: config.z_loss,
  });
  held.defer(() => learner.destroy());
  const texts =
    config.samples &&
    held.adopt(await SampleTexts.create(gpu, weights, plan, config.samples, emit), (t) => t.destroy());
  const state = await initialState(plan, phase, resumeFrom, learner, data.fingerprint, configFingerprint);

  const run = startRun(plan.runFolder, {
    command: 'train',
    name: `${config.name}-${path.basename(plan.runFolder)}`,
    config: { ...config, phase, ...(options.branch === undefined ? {} : { branch: options.branch }) },
    fingerprint: configFingerprint,
    evidence: [
      {
        name: `${phase} learning rate`,
        value: plan.phaseConfig.learning_rate,
        evidence: plan.phaseConfig.evidence,
      },
    ],
    inputs: [{ path: plan.dataFolder, fingerprint: data.fingerprint }],
    parents: [plan.dataFolder, ...(state.parent === undefined ? [] : [state.parent])],
    device: { ...gpu.info, kernels: usedKernels(gpu) },
  });
  // A run killed before its first checkpoint begins again, its evaluation of step 0 too.
  run.metrics.rewind((row) => row.step > state.step || state.step === 0);
  if (config.tensorboard) run.metrics.mirror(path.join(plan.runFolder, 'tensorboard'));
  const packedFor = mixtureOf(plan.dataFolder)?.sequenceLength;
  if (packedFor !== undefined && packedFor !== config.sequence_length) {
    emit({
      kind: 'message',
      level: 'warn',
      text: `the mixture ${plan.dataFolder} was packed for sequences of ${packedFor} tokens and is read in sequences of ${config.sequence_length}: a sequence may hold tokens of two sources, and documents are cut elsewhere`,
    });
  }
  const parameters = countParameters(weights.config);
  const memory = learner.memory;
  emit({
    kind: 'message',
    level: 'info',
    text: `${phase}: ${parameters} parameters, ${plan.steps} steps of ${plan.tokensPerStep} tokens on ${gpu.info.name}${resumeFrom ? `, going on from step ${state.step}` : ''}`,
  });
  const task = `train ${phase}`;
  emit({ kind: 'start', task, total: plan.steps, unit: 'step' });

  const sequencesPerStep = config.micro_batch_size * config.gradient_accumulation_steps;
  const targets = sequencesPerStep * config.sequence_length;
  /** Of the model, per token: what model FLOP/s are reckoned with (recomputation does not count). */
  const flops = flopsPerToken(shapeOf(config.name, weights.config), config.sequence_length);
  const began = performance.now();
  const firstStep = state.step;
  let skips = 0;
  let loss = Number.NaN;
  let evalLoss: number | undefined;
  const save = async (): Promise<string> => {
    const folder = path.join(plan.runFolder, 'checkpoints', checkpointName(state.step));
    await saveCheckpoint(folder, learner, { ...state, kernels: usedKernels(gpu) }, plan.tokenizerFolder);
    await pruneCheckpoints(plan.runFolder, config.keep_checkpoints, config.keep_every);
    return folder;
  };
  const evaluate = async (): Promise<Record<string, number>> => {
    if (heldout.size === 0) return {};
    const losses = await evaluateSources(learner, heldout, config.eval_sequences, config.document_mask);
    evalLoss = losses.eval_loss;
    return losses;
  };

  let checkpoint = resumeFrom;
  try {
    if (state.step === 0) await texts?.draw(0);
    if (state.step === 0)
      run.metrics.append({ step: 0, phase, num_tokens: state.tokens, ...(await evaluate()) });
    while (state.step < plan.steps) {
      signal.throwIfAborted();
      const at = performance.now();
      learner.begin();
      const batches: CountedRows[] = [];
      for (let i = 0; i < config.gradient_accumulation_steps; i++) {
        batches.push(
          await data.rows(
            state.data.sequence + i * config.micro_batch_size,
            config.micro_batch_size,
            config.document_mask,
          ),
        );
      }
      // The loss is the mean over the targets that count in the whole step, so micro-batches weigh by what they hold.
      const real = batches.reduce((total, rows) => total + rows.counts.reduce((a, b) => a + b, 0), 0);
      const counted = Math.max(1, real);
      for (const rows of batches)
        learner.accumulateCrossEntropy(
          rows,
          Float32Array.from(rows.counts, (c) => c / counted),
        );
      const learningRate = learningRateAt(plan.phaseConfig, state.step, plan.steps);
      const result = await learner.step(learningRate);
      state.step++;
      state.optimizerSteps = learner.steps;
      // Padding is trained on by nobody.
      state.tokens += real;
      state.data.sequence += sequencesPerStep;
      loss = result.loss;
      skips = result.skipped === 'not finite' ? skips + 1 : 0;
      if (result.skipped) await keepSkipped(plan.runFolder, state, result, batches);
      const seconds = (performance.now() - at) / 1000;
      if (config.samples !== undefined && state.step % config.samples.every === 0)
        await texts?.draw(state.step);
      const evaluated =
        state.step % config.eval_every === 0 || state.step === plan.steps ? await evaluate() : {};
      run.metrics.append({
        step: state.step,
        phase,
        loss,
        learning_rate: learningRate,
        grad_norm: result.gradNorm,
        entropy: result.entropy,
        tokens_per_sec: targets / seconds,
        tflops: (flops * targets) / seconds / 1e12,
        num_tokens: state.tokens,
        'timing_s/step': seconds,
        ...(config.z_loss > 0 ? { z_loss: config.z_loss * result.zLoss } : {}),
        ...(config.optimizer.max_grad_norm_z > 0 ? { grad_norm_z: result.gradNormZ } : {}),
        ...(result.skipped ? { skipped: 1 } : {}),
        ...evaluated,
      });
      if (skips === mostSkips) {
        throw new UserError(
          `the gradient was not finite in ${mostSkips} steps in a row (at step ${state.step})`,
          {
            hint: `lower learning_rate; the last good checkpoint is ${checkpoint ?? plan.from ?? 'none (the start)'}`,
          },
        );
      }
      if (state.step % config.checkpoint_every === 0 && state.step < plan.steps && skips === 0)
        checkpoint = await save();
      emit({
        kind: 'progress',
        task,
        done: state.step,
        total: plan.steps,
        unit: 'step',
        numbers: {
          loss,
          lr: learningRate,
          ...(evalLoss === undefined ? {} : { 'eval loss': evalLoss }),
          'tokens/s': targets / seconds,
        },
      });
    }
    checkpoint = await save();
  } catch (error) {
    if (signal.aborted) {
      if (state.step > firstStep) await save();
      run.finish('interrupted', { phase, steps: state.step, tokens: state.tokens });
      throw new InterruptedError(
        `stopped at step ${state.step} of ${plan.steps}; the same command goes on from there`,
      );
    }
    run.finish('failed', {
      phase,
      steps: state.step,
      tokens: state.tokens,
      error: error instanceof Error ? error.message : String(error),
    });
    throw error;
  }
  const seconds = (performance.now() - began) / 1000;
  const numbers = { loss, ...(evalLoss === undefined ? {} : { 'eval loss': evalLoss }) };
  emit({ kind: 'end', task, done: state.step, unit: 'step', seconds, numbers });
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
