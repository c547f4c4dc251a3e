/** Where a phase begins (its own checkpoint, the parent's, nothing), whether it is done already, and what is kept of skipped steps. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../src/core/errors.ts';
import { writeFileAtomic } from '../src/io/atomic.ts';
import { readRecord } from '../src/io/run-record.ts';
import { checkpointName, loadMoments, readTrainingState, type TrainingState } from './checkpoint.ts';
import type { Learner, StepResult } from './learner.ts';
import type { TrainingPlan } from './plan-training.ts';
import type { CountedRows } from './token-data.ts';
import type { Phase } from './train-config.ts';

export interface TrainResult {
  runFolder: string;
  checkpoint: string;
  finalLoss: number;
  finalEvalLoss: number | undefined;
  steps: number;
  tokens: number;
}

/** Writes what made a step be skipped to skipped/step-N.json, to look at: where it lies in the data, and its tokens. */
export async function keepSkipped(
  runFolder: string,
  state: TrainingState,
  result: StepResult,
  batches: readonly CountedRows[],
): Promise<void> {
  const folder = path.join(runFolder, 'skipped');
  await mkdir(folder, { recursive: true });
  const rows = batches.map(({ tokens, counts }) => ({ tokens: [...tokens], counted: [...counts] }));
  const { sequence } = state.data;
  const number = (x: number) => (Number.isFinite(x) ? x : String(x));
  await writeFileAtomic(
    path.join(folder, `${checkpointName(state.step)}.json`),
    `${JSON.stringify({
      step: state.step,
      why: result.skipped,
      loss: number(result.loss),
      gradNorm: number(result.gradNorm),
      gradNormZ: result.gradNormZ,
      sequencesBefore: sequence,
      rows,
    })}\n`,
  );
}

/** The result of a run that ended well with this very config, so that giving the command again does nothing. */
export function finishedResult(
  plan: TrainingPlan,
  configFingerprint: string,
  checkpoint: string,
): TrainResult | undefined {
  if (!existsSync(path.join(plan.runFolder, 'run.json'))) return undefined;
  const { status, fingerprint: found, summary } = readRecord(plan.runFolder);
  if (status !== 'done' || found !== configFingerprint) return undefined;
  const { finalLoss, finalEvalLoss, steps, tokens } = summary as Record<string, number>;
  return {
    runFolder: plan.runFolder,
    checkpoint,
    finalLoss: finalLoss!,
    finalEvalLoss,
    steps: steps!,
    tokens: tokens!,
  };
}

/** From the run's own checkpoint, from the parent of a new phase, or from nothing. Loads the moments into the learner. */
export async function initialState(
  plan: TrainingPlan,
  phase: Phase,
  resumeFrom: string | undefined,
  learner: Learner,
  dataFingerprint: string,
  configFingerprint: string,
): Promise<TrainingState> {
  if (resumeFrom !== undefined) {
    const state = await readTrainingState(resumeFrom);
    if (state.configFingerprint !== configFingerprint || state.data.fingerprint !== dataFingerprint) {
      const what = state.data.fingerprint === dataFingerprint ? 'config' : 'data';
      throw new UserError(`${plan.runFolder} holds a run with other ${what}, so it cannot be continued`, {
        hint: `change \`out\` in the config, or delete ${plan.runFolder} to start again`,
      });
    }
    await loadMoments(resumeFrom, learner);
    learner.steps = state.optimizerSteps;
    return state;
  }
  const fresh: TrainingState = {
    phase,
    step: 0,
    optimizerSteps: 0,
    tokens: 0,
    data: { fingerprint: dataFingerprint, sequence: 0 },
    configFingerprint,
  };
  if (plan.from === undefined) return fresh;
  fresh.parent = plan.from;
  if (!plan.fromCheckpoint) return fresh;
  const parent = await readTrainingState(plan.from);
  await loadMoments(plan.from, learner);
  learner.steps = parent.optimizerSteps;
  // The same data goes on where the parent stopped; other data starts at its beginning.
  const sequence = parent.data.fingerprint === dataFingerprint ? parent.data.sequence : 0;
  return {
    ...fresh,
    optimizerSteps: parent.optimizerSteps,
    tokens: parent.tokens,
    data: { fingerprint: dataFingerprint, sequence },
  };
}
