/** What a report says about one RL run: evaluations, start and end, failure signatures, and which rollouts to show. */
import { z } from 'zod';
import {
  type Evaluation,
  isCollapse,
  type Signature,
  signaturesOf,
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
  /** The problem set that accuracy is of, where a log names several and the first in order was taken. */
  set: string | undefined;
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

const allLengthsName = 'eval_completions/mean_length';

const intervalSchema = z.union([
  z.tuple([z.number(), z.number()]).transform(([low, high]) => ({ low, high })),
  z.object({ low: z.number(), high: z.number() }),
]);

export function grpoFacts(run: PreparedRun): GrpoFacts {
  const notes: string[] = [];
  const scored = evaluationsOf(run);
  const signatures = signaturesOf(run.rows, run.rollouts, run.record.config, configuredCap(run));
  const rewards = run.rows.flatMap((row) => metric(row, 'reward') ?? []);
  const tail = Math.max(1, Math.min(10, Math.floor(rewards.length / 10)));
  return {
    run,
    set: run.log?.set,
    evaluations: scored,
    start: scored[0],
    end: scored.length > 1 ? scored.at(-1) : undefined,
    best: scored.reduce<Evaluation | undefined>(
      (b, e) => (b === undefined || e.accuracy > b.accuracy ? e : b),
      undefined,
    ),
    changeInterval: readPart(intervalSchema, run.record.summary, 'interval', notes),
    firstReward: mean(rewards.slice(0, tail)),
    lastReward: mean(rewards.slice(-tail)),
    signatures,
    verdict: verdictInWords(signatures, scored.length),
    collapsed: signatures.some(isCollapse),
    warned: signatures.some((s) => s.state === 'fired'),
    lengthMeasure: lengthMeasureOf(run),
    samples: samplesOf(run.rollouts),
    notes,
  };
}

function evaluationsOf(run: PreparedRun): Evaluation[] {
  const out: Evaluation[] = [];
  let cap = configuredCap(run);
  let sampled: number | undefined;
  for (const row of run.rows) {
    cap = metric(row, 'completions/max_allowed_length') ?? cap;
    sampled = metric(row, 'completions/mean_length') ?? sampled;
    const accuracy = metric(row, 'eval_accuracy');
    if (accuracy === undefined) continue;
    const known = [...correctLengthNames, allLengthsName].map((name) => metric(row, name));
    out.push({
      step: row.step,
      accuracy,
      ...defined('low', metric(row, 'eval_accuracy_low')),
      ...defined('high', metric(row, 'eval_accuracy_high')),
      ...defined('length', known.find((length) => length !== undefined) ?? sampled),
      ...defined('cap', cap),
    });
  }
  return out;
}

/** Which lengths the saturation rule had (src/signatures/length-saturation.ts). */
function lengthMeasureOf(run: PreparedRun): string {
  const has = (name: string): boolean => run.rows.some((row) => metric(row, name) !== undefined);
  if (correctLengthNames.some(has)) return 'mean length of correct responses at each evaluation';
  return has(allLengthsName)
    ? 'mean length of all responses at each evaluation (that of correct ones was not logged)'
    : 'mean length of all sampled responses at each logged step (no evaluation logged one)';
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
