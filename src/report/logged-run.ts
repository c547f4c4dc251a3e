/**
 * A run that another tool logged, as a run of a report: its rows under this project's names, a record that claims no more than the log says, and which
 * of the things that a report draws are not in it. Pure.
 */
import type { MetricRow, RunRecord } from '../core/record.ts';
import { canonicalRow, type LoggedRow, mainSetOf } from '../signatures/read-row.ts';
import type { LogSource, ReportRun } from './report-run.ts';

export interface LoggedRunInput {
  /** Unique among the runs given: from the log or its path. */
  id: string;
  name: string;
  /** One a step, in order of step. */
  rows: readonly LoggedRow[];
  files: LogSource['files'];
  group?: string;
  /** Allowed response length, where the log does not say. */
  cap?: number;
}

/** What reinforcement learning logs, in the order a reader looks for it. */
const wanted: readonly [words: string, names: RegExp][] = [
  ['accuracy on held-out problems', /^eval_(?:.+_)?accuracy$/],
  ['reward', /^reward$/],
  ['response length', /^(?:eval_(?:.+_)?)?completions\/mean_(?:correct_)?length$/],
  ['share of truncated responses', /^completions\/clipped_ratio$/],
  ['share of responses stuck in a repetition', /^completions\/repetition_ratio$/],
  ['share of responses that begin with the answer', /^completions\/answer_first_ratio$/],
  ['entropy', /^entropy$/],
  ['groups without a signal', /^frac_reward_zero_std$/],
];

/** Marks of reinforcement learning; TRL logs the entropy of other training too. */
const ofLearning = wanted.slice(0, 4);

/** `undefined` for a log that holds nothing that a report draws. */
export function loggedRun(input: LoggedRunInput): ReportRun | undefined {
  const unnamed = input.rows.some((row) => row.eval_accuracy !== undefined);
  const main = unnamed ? undefined : mainSetOf(input.rows);
  const rows = input.rows.flatMap((row) => canonicalRow(row, main) ?? []);
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const has = (pattern: RegExp): boolean => [...names].some((name) => pattern.test(name));
  const learning = ofLearning.some(([, pattern]) => has(pattern));
  if (!learning && !has(/^(?:eval_)?loss$/)) return undefined;
  const record: RunRecord = {
    version: 1,
    command: learning ? 'grpo' : 'train',
    name: input.name,
    status: 'done',
    startedAt: '',
    config: input.cap === undefined ? {} : { max_completion_length: input.cap },
    fingerprint: '',
    evidence: [],
    inputs: [],
    parents: [],
    versions: {},
    summary: {},
    warnings: [],
  };
  const missing = learning ? wanted.filter(([, pattern]) => !has(pattern)).map(([words]) => words) : [];
  if (learning && input.cap === undefined && !has(/^completions\/max_allowed_length$/))
    missing.push('the allowed response length, which the rules of length need (--cap)');
  return {
    id: input.id,
    folder: input.files.map(({ path }) => path).join(', '),
    record,
    metrics: rows as MetricRow[],
    log: { files: input.files, missing, ...(main === undefined || main === '' ? {} : { set: main }) },
    ...(input.group === undefined ? {} : { group: input.group }),
  };
}

/** What the logs of a report do not hold, in full sentences: runs that lack the same things are named together. */
export function missingInLogs(runs: readonly { label: string; log?: LogSource }[]): string[] {
  const logged = runs.filter(({ log }) => log !== undefined);
  const groups = new Map<string, string[]>();
  for (const { label, log } of logged) {
    if (log!.missing.length === 0) continue;
    const key = log!.missing.join(', ');
    groups.set(key, [...(groups.get(key) ?? []), label]);
  }
  return [...groups].map(([what, labels]) => {
    const who =
      labels.length === logged.length
        ? logged.length === 1
          ? 'The log does'
          : 'The logs do'
        : `The ${labels.length === 1 ? 'log' : 'logs'} of ${labels.join(', ')} ${labels.length === 1 ? 'does' : 'do'}`;
    return `${who} not hold: ${what}.`;
  });
}
