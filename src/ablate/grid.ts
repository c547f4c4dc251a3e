/**
 * The plan of an experiment as data: arms x seeds as cells, and the steps that the cells need, each once. `planGrid` makes it from an experiment;
 * `grid.json` in the experiment's folder is this type, and what reads a grid (the runner, the collection of results) needs nothing else but the store.
 *
 * A step is named by its content: `<kind>-<16 hex>` is a hash of its kind, its settings and its seed. Inside settings another step's output stands as
 * `{ read: <step id> }` and a file of the user's own as `{ file, content }`, of which only the content counts. So nothing about arms, names of experiments or
 * places on the disk decides an id, and whatever agrees is shared, within an experiment and between experiments.
 */
import type { StepRole, TrainingState } from '../report/ablation-data.ts';

export const stepKinds = [
  'problems',
  'corpus',
  'filter',
  'tokenizer',
  'mix',
  'train-stable',
  'train-decay',
  'chains',
  'grpo',
  'eval',
] as const;
export type StepKind = (typeof stepKinds)[number];

/** The output of another step, in a step's settings. `step`: of a training run, the checkpoint of that step instead of the last. */
export interface StepOutput {
  read: string;
  step?: number;
}

/** A file or folder of the user's own. `content` is its fingerprint. */
export interface OwnFile {
  file: string;
  content: string;
}

export type WorkUnit = 'documents' | 'tokens' | 'rollouts' | 'samples';

export interface GridStep {
  /** `<kind>-<16 hex>`; the name of its folder in the store. */
  id: string;
  kind: StepKind;
  /** Everything that decides its result, beside the seed. */
  settings: Record<string, unknown>;
  /** Where it draws anything. */
  seed?: number;
  /** Ids of the steps whose outputs it reads; every one stands before it in the plan. */
  reads: string[];
  /** How much there is to do; what a rate of finished steps is multiplied with. */
  work: { count: number; unit: WorkUnit };
  /** Equal for steps of equal speed: model, lengths and batches, without seeds, data and counts. */
  shape: string;
  usedBy: { arm: string; seed: string }[];
}

/** From the experiment's base to the arm: where, what stands in the base, what in the arm (absent: nothing there). */
export interface Difference {
  path: string;
  base?: unknown;
  value?: unknown;
}

export interface GridArm {
  name: string;
  describe?: string;
  differences: Difference[];
  state: TrainingState;
}

/** One arm with one seed. */
export interface GridCell {
  arm: string;
  seed: string;
  steps: Partial<Record<StepRole | 'tokenizer', string>>;
  /** `<name> <of>` -> step id, such as `few-shot base`. */
  evals: Record<string, string>;
  /** The steps that are asked for: those of the cell that no other of it reads. Steps before them are done only where they are needed. */
  asked: string[];
}

export interface Grid {
  version: 1;
  name: string;
  title: string;
  question: string;
  paper?: string;
  /** `cpu` is the file as it stands. */
  size: string;
  /** The given --set path=value. */
  changes: string[];
  seeds: string[];
  arms: GridArm[];
  /** In the order in which they are done: the calibration arm's first, then seed by seed. */
  cells: GridCell[];
  /** In the order in which they are done. */
  steps: GridStep[];
  calibration?: { arm: string; measure: string };
  comparisons: { first: string; second: string }[];
  measures: {
    primary: string[];
    /** Differences that matter, by measure. */
    smallest: Record<string, number>;
  };
}
