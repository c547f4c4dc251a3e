/**
 * The steps of one phase. The results of a step (loss, norms, whether it was skipped) are read a few steps later, so that the CPU prepares
 * the next batches while the GPU works; all decisions that need a result are taken on the device, or at a boundary (evaluation, samples,
 * checkpoint, end, stop), before which every result is waited for. Metrics come in order, and the weights are the same bits as without
 * running ahead.
 */
import { UserError } from '../../src/core/errors.ts';
import type { Emit } from '../../src/core/events.ts';
import type { Run } from '../../src/io/run-record.ts';
import type { TrainingState } from '../learner/checkpoint.ts';
import type { Learner, StepResult } from '../learner/learner.ts';
import { learningRateAt } from '../learner/schedule.ts';
import type { MixtureSoFar, SourceSoFar } from './mixture-so-far.ts';
import type { TrainingPlan } from './plan-training.ts';
import { writeSkipped } from './skipped-batch.ts';
import { stepRow } from './step-row.ts';
import type { CountedRows, TokenData } from './token-data.ts';
import type { Phase, TrainConfig } from './train-config.ts';

/** Steps in a row whose gradient was not finite before the run stops. */
const mostSkips = 3;

/** What the steps work on. */
export interface Training {
  config: TrainConfig;
  phase: Phase;
  plan: TrainingPlan;
  task: string;
  learner: Learner;
  data: TokenData;
  mixture: MixtureSoFar;
  /** Of the last step submitted; at a boundary also of the last one whose result is known. */
  state: TrainingState;
  run: Run;
  emit: Emit;
  signal: AbortSignal;
  /** Steps begun before the result of the oldest is waited for. */
  runAhead: number;
  /** Operations of the model for a token; operations a second that mfu is a share of; bytes of device buffers. */
  flopsPerToken: number;
  peak: number;
  reserved: number;
  /** The last checkpoint, in words for an error. */
  lastCheckpoint: string | undefined;
  /** Held-out losses, by metric name. */
  evaluate: () => Promise<Record<string, number>>;
  draw: (step: number) => Promise<void>;
  /** Writes a checkpoint of `state` and returns its folder. */
  save: () => Promise<string>;
  /** Highest share of the peak so far. */
  mostMfu: number;
  /** Figures of the last step, for the end. */
  loss: number;
  evalLosses: Record<string, number>;
}

/** A step that was submitted. */
interface Submitted {
  step: number;
  /** First sequence of its batch. */
  sequence: number;
  tokens: number;
  learningRate: number;
  batches: CountedRows[];
  sources: SourceSoFar[];
  /** Milliseconds on the clock. */
  began: number;
  dataSeconds: number;
  result: Promise<{ result: StepResult; at: number }>;
}

/** Runs steps until the phase is done or `signal` is aborted; on return every result has been read and written. */
export async function runSteps(training: Training): Promise<void> {
  const { plan, state, signal, runAhead } = training;
  const submitted: Submitted[] = [];
  let lastResultAt = 0;
  const recent: number[] = [];
  const finishOldest = async (): Promise<void> => {
    const step = submitted.shift()!;
    const { result, at } = await step.result;
    const seconds = Math.max(1e-6, (at - Math.max(step.began, lastResultAt)) / 1000);
    lastResultAt = at;
    recent.push(seconds);
    if (recent.length > runAhead + 1) recent.shift();
    const meanSeconds = recent.reduce((a, b) => a + b, 0) / recent.length;
    await finishStep(training, step, result, { seconds, meanSeconds });
  };
  try {
    while (state.step < plan.steps && !signal.aborted) {
      submitted.push(await submitStep(training));
      const most = isBoundary(training, state.step) ? 0 : runAhead;
      while (submitted.length > most) await finishOldest();
    }
    while (submitted.length > 0) await finishOldest();
  } finally {
    // Of a run that fails the later results are nobody's.
    await Promise.allSettled(submitted.map(({ result }) => result));
  }
}

/** Steps behind which something needs the weights as they are, or the results of all steps. */
function isBoundary({ config, plan }: Training, step: number): boolean {
  return (
    step === plan.steps ||
    step % config.eval_every === 0 ||
    step % config.checkpoint_every === 0 ||
    (config.samples !== undefined && step % config.samples.every === 0)
  );
}

async function submitStep(training: Training): Promise<Submitted> {
  const { config, plan, learner, data, mixture, state } = training;
  const began = performance.now();
  const { sequence } = state.data;
  learner.begin();
  const batches: CountedRows[] = [];
  for (let i = 0; i < config.gradient_accumulation_steps; i++) {
    const first = sequence + i * config.micro_batch_size;
    batches.push(await data.rows(first, config.micro_batch_size, config.document_mask));
  }
  await mixture.add(sequence, batches);
  const dataSeconds = (performance.now() - began) / 1000;
  // The loss is the mean over the targets that count in the whole step, so micro-batches weigh by what they hold.
  const real = batches.reduce((total, rows) => total + rows.counts.reduce((a, b) => a + b, 0), 0);
  const counted = Math.max(1, real);
  for (const rows of batches) {
    learner.accumulateCrossEntropy(
      rows,
      Float32Array.from(rows.counts, (c) => c / counted),
    );
  }
  const learningRate = learningRateAt(plan.phaseConfig, state.step, plan.steps);
  const result = learner.step(learningRate).then((r) => ({ result: r, at: performance.now() }));
  // Until it is waited for, a failure must not count as one that nobody handles.
  result.catch(() => {});
  state.step++;
  state.optimizerSteps = learner.steps;
  // Padding is trained on by nobody.
  state.tokens += real;
  const consumed = mixture.record();
  state.data = {
    fingerprint: state.data.fingerprint,
    sequence: sequence + config.micro_batch_size * config.gradient_accumulation_steps,
    ...(consumed === undefined ? {} : { consumed }),
  };
  const { step, tokens } = state;
  const sources = mixture.sources();
  return { step, sequence, tokens, learningRate, batches, sources, began, dataSeconds, result };
}

/** What follows a step once its result is known. At a boundary it is the last one submitted. */
async function finishStep(
  training: Training,
  submitted: Submitted,
  result: StepResult,
  times: { seconds: number; meanSeconds: number },
): Promise<void> {
  const { config, plan, phase, state, run, emit, task } = training;
  const { step, tokens, learningRate, sources } = submitted;
  const notFinite = result.skipped === 'not finite' ? (state.notFinite ?? 0) + 1 : 0;
  if (notFinite > 0) state.notFinite = notFinite;
  else delete state.notFinite;
  const aside = result.skipped ? await writeSkipped(plan.runFolder, submitted, result) : undefined;
  const targets = config.micro_batch_size * config.gradient_accumulation_steps * config.sequence_length;
  const { flopsPerToken, peak, reserved } = training;
  training.loss = result.loss;
  if (config.samples !== undefined && step % config.samples.every === 0) await training.draw(step);
  const evaluated = step % config.eval_every === 0 || step === plan.steps ? await training.evaluate() : {};
  if (evaluated.eval_loss !== undefined) training.evalLosses = evaluated;
  const { dataSeconds } = submitted;
  const row = stepRow(
    {
      step,
      phase,
      learningRate,
      result,
      targets,
      tokens,
      ...times,
      dataSeconds,
      flopsPerToken,
      peak,
      reserved,
      sources,
    },
    config,
  );
  run.metrics.append({ ...row, ...evaluated });
  training.mostMfu = Math.max(training.mostMfu, row.mfu as number);
  if (notFinite === mostSkips) {
    const halves =
      config.precision === 'f16'
        ? ' (this run multiplies in f16, whose numbers end at 65504: precision: f32 in a run of its own tells whether that is why)'
        : '';
    throw new UserError(`the gradient was not finite in ${mostSkips} steps in a row (at step ${step})`, {
      hint: `the last good checkpoint is ${training.lastCheckpoint ?? 'none (the start)'}, the batches are kept in ${plan.runFolder}/skipped; lower learning_rate and go on with --allow-changes phase.learning_rate${halves}`,
    });
  }
  if (aside !== undefined) {
    const what =
      result.skipped === 'spike'
        ? `its gradient norm ${result.gradNorm.toPrecision(3)} lies ${result.gradNormZ.toFixed(1)} standard deviations above the last 128`
        : 'its gradient was not finite';
    emit({
      kind: 'message',
      level: 'warn',
      text: `step ${step} was skipped: ${what}; the batch is in ${aside}`,
    });
  }
  if (step % config.checkpoint_every === 0 && step < plan.steps && notFinite === 0)
    training.lastCheckpoint = await training.save();
  emit({
    kind: 'progress',
    task,
    done: step,
    total: plan.steps,
    unit: 'step',
    numbers: {
      loss: result.loss,
      lr: learningRate,
      'grad norm': result.gradNorm,
      ...(training.evalLosses.eval_loss === undefined ? {} : { 'eval loss': training.evalLosses.eval_loss }),
      'tokens/s': row.tokens_per_sec as number,
      MFU: row.mfu as number,
    },
    ...(sources.length === 0 ? {} : { parts: sources.map((source) => partOf(source, training.evalLosses)) }),
  });
}

/** A source in the display: tokens, its share by the recipe, and its held-out loss. */
function partOf(source: SourceSoFar, evalLosses: Readonly<Record<string, number>>) {
  const { name, tokens, target } = source;
  const loss = evalLosses[`eval_loss/${name}`];
  return {
    name,
    amount: tokens,
    ...(target === undefined ? {} : { target }),
    ...(loss === undefined ? {} : { numbers: { 'eval loss': loss } }),
  };
}
