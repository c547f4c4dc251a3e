/** What a report says about one RL run: evaluations, start and end, failure signatures, and which rollouts to show. */
import { z } from 'zod';
import {
  accuracyCollapse,
  boxedFirstShare,
  type Evaluation,
  lengthSaturation,
  repetitionShare,
  type Signature,
  verdictInWords,
} from './failure-signatures.ts';
import { metric, type PreparedRun, type RolloutRow } from './report-run.ts';
import { readPart } from './summary-parts.ts';
import { evenly } from './thin.ts';

interface RolloutSample {
  step: number;
  right: RolloutRow[];
  wrong: RolloutRow[];
  /** How many of this step were stored. */
  stored: number;
}

export interface GrpoFacts {
  run: PreparedRun;
  evaluations: Evaluation[];
  start: Evaluation | undefined;
  end: Evaluation | undefined;
  best: Evaluation | undefined;
  /** 95 % interval of end minus start, where the run recorded one. */
  changeInterval: { low: number; high: number } | undefined;
  firstReward: number | undefined;
  lastReward: number | undefined;
  signatures: Signature[];
  verdict: string;
  /** Length saturated or accuracy fell: the two detectors that were held against the paper's curves. */
  collapsed: boolean;
  /** Any signature fired, a habit such as answering first included. */
  warned: boolean;
  /** Which length the saturation rule looked at, in words. */
  lengthMeasure: string;
  samples: RolloutSample[];
  notes: string[];
}

/** Names under which the mean length of correct responses of an evaluation is known: ours and verl's. */
const correctLengthNames = [
  'eval_completions/mean_correct_length',
  'val_response_length/test_length_correct',
];

const intervalSchema = z.union([
  z.tuple([z.number(), z.number()]).transform(([low, high]) => ({ low, high })),
  z.object({ low: z.number(), high: z.number() }),
]);

export function grpoFacts(run: PreparedRun): GrpoFacts {
  const notes: string[] = [];
  const { evaluations, lengthMeasure } = evaluationsOf(run);
  const scored = evaluations.filter((e) => e.accuracy !== undefined);
  const steps = completionsByStep(run.rollouts);
  const signatures = [
    lengthSaturation(evaluations),
    accuracyCollapse(evaluations),
    repetitionShare(steps),
    boxedFirstShare(steps),
  ];
  const rewards = run.rows.flatMap((row) => metric(row, 'reward') ?? []);
  const tail = Math.max(1, Math.min(10, Math.floor(rewards.length / 10)));
  return {
    run,
    evaluations: scored,
    start: scored[0],
    end: scored.length > 1 ? scored.at(-1) : undefined,
    best: scored.reduce<Evaluation | undefined>(
      (b, e) => (b === undefined || e.accuracy! > b.accuracy! ? e : b),
      undefined,
    ),
    changeInterval: readPart(intervalSchema, run.record.summary, 'interval', notes),
    firstReward: mean(rewards.slice(0, tail)),
    lastReward: mean(rewards.slice(-tail)),
    signatures,
    verdict: verdictInWords(signatures, scored.length),
    collapsed: signatures.some(
      (s) => s.state === 'fired' && (s.name === 'length-saturation' || s.name === 'accuracy-collapse'),
    ),
    warned: signatures.some((s) => s.state === 'fired'),
    lengthMeasure,
    samples: samplesOf(run.rollouts),
    notes,
  };
}

/**
 * The evaluations with their response lengths. Where the length of correct responses was not logged, the mean length of all
 * sampled responses since the evaluation before stands in for it; where nothing was evaluated, every logged step counts as one.
 */
function evaluationsOf(run: PreparedRun): { evaluations: Evaluation[]; lengthMeasure: string } {
  const correctName = correctLengthNames.find((name) =>
    run.rows.some((row) => metric(row, name) !== undefined),
  );
  const hasAccuracy = run.rows.some((row) => metric(row, 'eval_accuracy') !== undefined);
  const out: Evaluation[] = [];
  let cap = configuredCap(run);
  let lengths: number[] = [];
  for (const row of run.rows) {
    cap = metric(row, 'completions/max_allowed_length') ?? cap;
    const sampled = metric(row, 'completions/mean_length');
    if (sampled !== undefined) lengths.push(sampled);
    const accuracy = metric(row, 'eval_accuracy');
    if (hasAccuracy ? accuracy === undefined : sampled === undefined) continue;
    const length = correctName === undefined ? mean(lengths) : metric(row, correctName);
    lengths = [];
    out.push({
      step: row.step,
      ...defined('accuracy', accuracy),
      ...defined('low', metric(row, 'eval_accuracy_low')),
      ...defined('high', metric(row, 'eval_accuracy_high')),
      ...defined('length', length),
      ...defined('cap', cap),
    });
  }
  const lengthMeasure =
    correctName !== undefined
      ? 'mean length of correct responses at each evaluation'
      : hasAccuracy
        ? 'mean length of all sampled responses between evaluations (that of correct ones was not logged)'
        : 'mean length of all sampled responses at each logged step (nothing was evaluated)';
  return { evaluations: out, lengthMeasure };
}

/** The allowed length from the run's configuration, for runs that do not log it step by step. */
function configuredCap(run: PreparedRun): number | undefined {
  const config = (run.record.config ?? {}) as Record<string, unknown>;
  for (const name of ['max_completion_length', 'maxCompletionLength', 'maxResponseLength']) {
    const value = config[name];
    if (typeof value === 'number' && value > 0) return value;
  }
  return undefined;
}

function defined<K extends string>(key: K, value: number | undefined): { [P in K]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: number });
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / values.length;
}

function completionsByStep(rollouts: readonly RolloutRow[]): { step: number; completions: string[] }[] {
  return byStep(rollouts).map(([step, rows]) => ({ step, completions: rows.map((r) => r.completion) }));
}

function byStep(rollouts: readonly RolloutRow[]): [number, RolloutRow[]][] {
  const steps = new Map<number, RolloutRow[]>();
  for (const row of rollouts) {
    const rows = steps.get(row.step);
    if (rows === undefined) steps.set(row.step, [row]);
    else rows.push(row);
  }
  return [...steps].sort(([a], [b]) => a - b);
}

/** The first, the middle and the last stored step; of each up to two right and two wrong responses, in stored order. */
function samplesOf(rollouts: readonly RolloutRow[]): RolloutSample[] {
  return evenly(byStep(rollouts), 3).map(([step, rows]) => {
    const right = rows.filter((r) => r.reward > 0);
    const wrong = rows.filter((r) => !(r.reward > 0));
    return {
      step,
      right: right.slice(0, 2),
      wrong: wrong.slice(0, 2),
      stored: rows.length,
    };
  });
}
