/**
 * What an ablation report is made of: the arms of an experiment with what tells them apart, a cell for each arm and seed with the values measured there, and
 * the steps that were run for them. src/ablate/collect.ts fills it from a grid and its store; the pages (src/report/ablation-*.ts) draw from it and from
 * nothing else. Plain JSON: a grid's results.json is this, less `runs`, and with what a rerun need not reproduce (seconds) in a part of its own.
 */
import type { ReportRun } from './report-run.ts';

/** What the checkpoint is that an arm's RL starts from: like is compared with like. */
export type TrainingState = 'decayed' | 'constant rate' | 'not trained';

export interface AblationArm {
  name: string;
  describe?: string;
  /** From the experiment's base: where, what stands there, what the arm has instead (undefined: nothing there). */
  differences: { path: string; base?: unknown; value?: unknown }[];
  state: TrainingState;
}

export type MeasureUnit = 'share' | 'points' | 'tokens' | 'steps' | 'nats' | 'number';

export interface AblationMeasure {
  name: string;
  label: string;
  unit: MeasureUnit;
  primary: boolean;
  /** A difference that matters, in the unit; without it nothing is called the same. */
  smallest?: number;
  /** Whether arms in unlike states may be compared: not where the checkpoint itself is what is measured. */
  likeOnly: boolean;
  /** One sentence: what exactly, of which run, which rows. */
  about: string;
}

/** Role of a step in a cell's way; the further evaluations are in `evals`, by name. */
export type StepRole = 'filter' | 'mixStable' | 'mixDecay' | 'stable' | 'decay' | 'chains' | 'grpo';

export type StepStatus = 'done' | 'failed' | 'not run';

/** A signature of collapse that fired in the cell's RL run. */
export interface AblationSignature {
  name: string;
  step: number;
  text: string;
}

/** One arm with one seed. */
export interface AblationCell {
  arm: string;
  seed: string;
  status: StepStatus;
  /** Why it is not done. */
  reason?: string;
  steps: Partial<Record<StepRole, string>>;
  /** `name of:` -> step id, such as `few-shot base`. */
  evals: Record<string, string>;
  /** By measure; null where it cannot be had, with the reason in `absent`. */
  values: Record<string, number | null>;
  absent: Record<string, string>;
  signatures: AblationSignature[];
}

export interface AblationStep {
  id: string;
  kind: string;
  status: StepStatus;
  usedBy: { arm: string; seed: string }[];
  seconds?: number;
  error?: string;
  /** Small figures of the step: its run's summary without folders and times. */
  summary?: Record<string, unknown>;
  imported?: boolean;
}

export interface CalibrationPair {
  seed: string;
  start: number;
  end: number;
  /** The last evaluation less the first, with an interval over problems within this seed, where the run logged one. */
  climb?: { value: number; low: number; high: number };
}

/** The run that must climb before arms are compared: its start against its end, over seeds or within every seed. */
export interface AblationCalibration {
  arm: string;
  measure: string;
  pairs: CalibrationPair[];
  outcome: 'signal' | 'no signal' | 'not run';
  /** A full sentence. */
  text: string;
}

export interface AblationInput {
  name: string;
  title: string;
  question: string;
  /** What the paper found, as the experiment's file says it. */
  paper?: string;
  size: string;
  seeds: string[];
  arms: AblationArm[];
  measures: AblationMeasure[];
  cells: AblationCell[];
  steps: AblationStep[];
  /** Names of arms; all are corrected together. */
  comparisons: { first: string; second: string }[];
  calibration?: AblationCalibration;
  /** One for each done step that has a run.json, `id` = step id, `parents` = step ids; with rollouts where there are. */
  runs: ReportRun[];
  /** Commands that run it again. */
  rerun: string[];
  versions: Record<string, string>;
  device?: string;
  commit?: string;
}
