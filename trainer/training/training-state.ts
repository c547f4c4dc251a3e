/**
 * Where a phase begins: at its own newest valid checkpoint, at its parent's, or at nothing. What differs from the run as it was made is
 * judged here (config-changes.ts has the rules), and what was let pass is recorded.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fingerprint } from '../../src/core/config.ts';
import { UserError } from '../../src/core/errors.ts';
import { readRecord } from '../../src/io/run-record.ts';
import { loadMoments, newestValid, readTrainingState, type TrainingState } from '../learner/checkpoint.ts';
import type { Learner } from '../learner/learner.ts';
import {
  allowedBy,
  type ConfigChange,
  configChanges,
  type PhaseSettings,
  refusalOf,
} from './config-changes.ts';
import type { TrainingPlan } from './plan-training.ts';
import type { TokenData } from './token-data.ts';
import type { Phase } from './train-config.ts';

export interface TrainResult {
  runFolder: string;
  checkpoint: string;
  finalLoss: number;
  finalEvalLoss: number | undefined;
  steps: number;
  tokens: number;
}

/** A run that goes on: its checkpoint, and the state to go on with. */
export interface Resume {
  checkpoint: string;
  state: TrainingState;
  changes: ConfigChange[];
}

export interface FoundResume {
  /** Undefined for a phase that begins. */
  resume: Resume | undefined;
  /** Folders of checkpoints that are not whole. */
  damaged: string[];
  warnings: string[];
}

/**
 * Finds the checkpoint a phase goes on from and holds it against the config and the data as they are now. Throws a `UserError` that names every
 * key whose change matters and that `allow` does not let pass.
 */
export async function findResume(
  plan: TrainingPlan,
  settings: PhaseSettings,
  data: TokenData,
  allow: readonly string[],
): Promise<FoundResume> {
  const allowed = allowedBy(allow);
  const { found, damaged } = await newestValid(plan.runFolder);
  const warnings = damaged.map(({ folder, why }) => `${folder} is damaged and is passed over: ${why}`);
  const result = { damaged: damaged.map(({ folder }) => folder), warnings };
  if (found === undefined) {
    if (damaged.length > 0)
      warnings.push(`${plan.runFolder} has no valid checkpoint: the phase begins again`);
    return { ...result, resume: undefined };
  }
  const changes = changesOf(plan, settings, data, found.state);
  const refused = changes.filter(
    ({ key, effect }) => effect === 'start' || (effect === 'course' && !allowed(key)),
  );
  if (refused.length > 0) throw refusalOf(plan.runFolder, found.state.step, refused, allow);
  let state = found.state;
  if (plan.steps < state.step) {
    throw new UserError(
      `${plan.runFolder} has done ${state.step} steps, more than the ${plan.steps} of the config`,
      { hint: `give ${state.step} steps or more, or change \`out\` to train anew` },
    );
  }
  if (state.data.fingerprint !== data.fingerprint) {
    const sequence = positionIn(data, state, settings.sequence_length);
    warnings.push(
      sequence === 0
        ? 'the data is another than before: it is read from its beginning'
        : `the data is read on behind the tokens read so far, in sequences of ${settings.sequence_length} tokens`,
    );
    state = { ...state, data: { ...state.data, fingerprint: data.fingerprint, sequence } };
  }
  if (changes.length > 0) {
    const noted = changes.map(({ key, from, to }) => ({ step: found.state.step, key, from, to }));
    state = { ...state, changes: [...(state.changes ?? []), ...noted] };
  }
  state = { ...state, config: settings, configFingerprint: fingerprint(settings) };
  return { ...result, resume: { checkpoint: found.folder, state, changes } };
}

function changesOf(
  plan: TrainingPlan,
  settings: PhaseSettings,
  data: TokenData,
  state: TrainingState,
): ConfigChange[] {
  const before = (state.config ?? recordedConfig(plan, settings)) as PhaseSettings | undefined;
  const changes = before === undefined ? [] : configChanges(before, settings, state.step);
  if (before === undefined && state.configFingerprint !== fingerprint(settings))
    changes.push({ key: 'all', from: state.configFingerprint, to: fingerprint(settings), effect: 'course' });
  if (state.data.fingerprint !== data.fingerprint) {
    const { fingerprint: from } = state.data;
    changes.push({
      key: 'data',
      from: `content ${from}`,
      to: `content ${data.fingerprint}`,
      effect: 'course',
    });
  }
  // Of the folder's name and what is in it, what is in it matters.
  const content = changes.findLast(({ key, effect }) => key === 'data' && effect === 'course');
  return content === undefined
    ? changes
    : changes.filter((c) => c === content || !/^(phase\.)?data$/.test(c.key));
}

/** Checkpoints of earlier versions do not hold their config; the record of the run does, but not with the folder it started from. */
function recordedConfig(plan: TrainingPlan, settings: PhaseSettings): PhaseSettings | undefined {
  if (!existsSync(path.join(plan.runFolder, 'run.json'))) return undefined;
  const config = readRecord(plan.runFolder).config as Record<string, unknown>;
  const { phase, branch, stable, decay, branches, autotune: _autotune, ...rest } = config;
  const { from } = settings;
  const section =
    branch === undefined
      ? { stable, decay }[phase as Phase]
      : (branches as Record<string, unknown>)?.[String(branch)];
  return section === undefined ? undefined : ({ ...rest, phase: section, from } as unknown as PhaseSettings);
}

/**
 * Where data is read on from that a checkpoint read otherwise: at its place when it is the same; behind the last token read when it is the same
 * tokens in sequences of another length; else at the beginning, because a place in one mixture says nothing about another.
 */
function positionIn(data: TokenData, state: TrainingState, sequenceLength: number): number {
  if (state.data.fingerprint === data.fingerprint) return state.data.sequence;
  const before = (state.config as PhaseSettings | undefined)?.sequence_length;
  if (before === undefined || data.fingerprintAt(before) !== state.data.fingerprint) return 0;
  return Math.ceil((state.data.sequence * (before + 1)) / (sequenceLength + 1));
}

/** The result of a run that ended well and has nothing left to do, so that giving the command again does nothing. */
export function finishedResult(plan: TrainingPlan, { checkpoint, state }: Resume): TrainResult | undefined {
  if (state.step !== plan.steps || !existsSync(path.join(plan.runFolder, 'run.json'))) return undefined;
  const { status, summary } = readRecord(plan.runFolder);
  if (status !== 'done' || summary.steps !== plan.steps) return undefined;
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

function freshState(phase: Phase, settings: PhaseSettings, data: TokenData): TrainingState {
  return {
    phase,
    step: 0,
    optimizerSteps: 0,
    tokens: 0,
    data: { fingerprint: data.fingerprint, sequence: 0 },
    configFingerprint: fingerprint(settings),
    config: settings,
  };
}

/** From the run's own checkpoint, from the parent of a new phase, or from nothing. Loads the moments into the learner. */
export async function initialState(
  plan: TrainingPlan,
  phase: Phase,
  settings: PhaseSettings,
  resume: Resume | undefined,
  learner: Learner,
  data: TokenData,
): Promise<TrainingState> {
  if (resume !== undefined) {
    await loadMoments(resume.checkpoint, learner);
    learner.steps = resume.state.optimizerSteps;
    return resume.state;
  }
  const fresh = freshState(phase, settings, data);
  if (plan.from === undefined) return fresh;
  fresh.parent = plan.from;
  if (!plan.fromCheckpoint) return fresh;
  const parent = await readTrainingState(plan.from);
  await loadMoments(plan.from, learner);
  learner.steps = parent.optimizerSteps;
  const sequence = positionIn(data, parent, settings.sequence_length);
  return {
    ...fresh,
    optimizerSteps: parent.optimizerSteps,
    tokens: parent.tokens,
    data: { fingerprint: data.fingerprint, sequence },
  };
}
