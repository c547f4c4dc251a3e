/**
 * A row of logged metrics as an observation, by the names of this project, TRL (also with wandb's `train/` and `eval/`), verl and OpenRLHF. What a log
 * does not have stays undefined. Lengths of correct responses go before lengths of all where both are logged.
 */
import type { BenchmarkResult, Observation } from './observation.ts';

/** Numbers of one step by name; anything else in it is ignored. */
export type LoggedRow = Readonly<Record<string, unknown>>;

/** First name that is there wins. */
const names = {
  repeating: ['completions/repetition_ratio'],
  answerFirst: ['completions/answer_first_ratio'],
  truncated: ['completions/clipped_ratio', 'response_length/clip_ratio', 'truncated'],
  flatGroups: ['frac_reward_zero_std'],
  accuracy: ['accuracy', 'rewards/accuracy_reward/mean', 'rewards/accuracy_reward', 'critic/acc/mean'],
  length: ['completions/mean_length', 'completion_length', 'response_length/mean', 'response_length'],
  cap: ['completions/max_allowed_length'],
  entropy: ['entropy', 'actor/entropy', 'actor/entropy_loss'],
} as const;

/** The name that a report draws each of them under. */
const canonicalNames = {
  repeating: 'completions/repetition_ratio',
  answerFirst: 'completions/answer_first_ratio',
  truncated: 'completions/clipped_ratio',
  flatGroups: 'frac_reward_zero_std',
  accuracy: 'accuracy',
  length: 'completions/mean_length',
  cap: 'completions/max_allowed_length',
  entropy: 'entropy',
} as const satisfies Record<keyof typeof names, string>;

/** What no rule looks at and a report draws: by TRL's name, how verl and OpenRLHF call it. */
const drawnNames: Readonly<Record<string, readonly string[]>> = {
  reward: ['critic/score/mean', 'critic/rewards/mean'],
  'completions/max_length': ['response_length/max'],
  kl: ['actor/ppo_kl', 'actor/kl_loss', 'approx_kl'],
  'clip_ratio/region_mean': ['actor/pg_clipfrac'],
  grad_norm: ['actor/grad_norm'],
  learning_rate: ['actor/lr', 'lr'],
};

const stepNames = ['step', 'Step', '_step', 'global_step', 'training/global_step', 'train/global_step'];

/** Metrics of an evaluation: which problem set, and what. */
const evaluationNames: readonly {
  pattern: RegExp;
  what: 'accuracy' | 'correct' | 'all' | 'problems' | 'low' | 'high';
}[] = [
  { pattern: /^eval_accuracy(?:\/(?<set>.+))?$/, what: 'accuracy' },
  { pattern: /^eval_accuracy_low(?:\/(?<set>.+))?$/, what: 'low' },
  { pattern: /^eval_accuracy_high(?:\/(?<set>.+))?$/, what: 'high' },
  { pattern: /^eval_problems(?:\/(?<set>.+))?$/, what: 'problems' },
  { pattern: /^eval_completions\/mean_correct_length(?:\/(?<set>.+))?$/, what: 'correct' },
  { pattern: /^eval_completions\/mean_length(?:\/(?<set>.+))?$/, what: 'all' },
  { pattern: /^eval_(?<set>.+)_accuracy$/, what: 'accuracy' },
  { pattern: /^eval_(?<set>.+)_accuracy_low$/, what: 'low' },
  { pattern: /^eval_(?<set>.+)_accuracy_high$/, what: 'high' },
  { pattern: /^eval_(?<set>.+)_completions\/mean_correct_length$/, what: 'correct' },
  { pattern: /^eval_(?<set>.+)_completions\/mean_length$/, what: 'all' },
  // TRL evaluates with its own metrics, `eval_` before each.
  { pattern: /^eval_(?:(?<set>.+)_)?rewards\/accuracy_reward\/mean$/, what: 'accuracy' },
  { pattern: /^eval_(?<set>.+)_pass1$/, what: 'accuracy' },
  // verl, today's and the one that the paper's curves were logged with.
  { pattern: /^val-core\/(?<set>.+)\/(?:acc|score|reward)\/mean@\d+$/, what: 'accuracy' },
  { pattern: /^val\/test_score\/(?<set>.+)$/, what: 'accuracy' },
  { pattern: /^val_response_length\/test_length_correct\/(?<set>.+)$/, what: 'correct' },
  { pattern: /^val_response_length\/test_length\/(?<set>.+)$/, what: 'all' },
];

/** Problems of the sets that RL runs are followed on (recipe 4.6), by the name without case and punctuation. */
const problemsOfSets: Readonly<Record<string, number>> = {
  math500: 500,
  gsm8k: 1319,
  olympiadbench: 675,
  amc23: 40,
  aime24: 30,
  aime25: 30,
  svamp: 1000,
};

export interface RowOptions {
  /** Allowed length where the log has none. */
  cap?: number;
  /** Responses a step, where it is known. */
  samples?: number;
}

/** The step of a logged row, if it has one. */
export function stepOf(row: LoggedRow): number | undefined {
  for (const name of stepNames) {
    const value = number(row[name]);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The numbers of a row under their plain names. */
function plainRow(row: LoggedRow): Map<string, number> {
  const plain = new Map<string, number>();
  for (const [name, logged] of Object.entries(row)) {
    const value = number(logged);
    if (value !== undefined) plain.set(plainName(name), value);
  }
  return plain;
}

/** The problem sets that a row has results of, by name. */
export function setsOf(row: LoggedRow): Map<string, EvaluatedSet> {
  return evaluatedSets(plainRow(row));
}

/** The problem set whose accuracy stands for a run: the first in order (inOrderOfSets) of those that its rows have an accuracy of. */
export function mainSetOf(rows: Iterable<LoggedRow>): string | undefined {
  const names = new Set<string>();
  for (const row of rows)
    for (const [name, { accuracy }] of setsOf(row)) if (accuracy !== undefined) names.add(name);
  return inOrderOfSets([...names])[0];
}

/**
 * A row of any trainer under this project's names, which are TRL's where it has one: what a report draws. Numbers under names that are not known stay
 * under theirs. `main`: the set that is also the unnamed one (mainSetOf of all rows, or charts would mix sets). `undefined` for a row without a step.
 */
export function canonicalRow(
  row: LoggedRow,
  main?: string,
): ({ step: number } & Record<string, number>) | undefined {
  const step = stepOf(row);
  if (step === undefined) return undefined;
  const plain = plainRow(row);
  const out: { step: number } & Record<string, number> = { ...Object.fromEntries(plain), step };
  for (const [name, others] of Object.entries({ ...names, ...drawnNames })) {
    const target = name in canonicalNames ? canonicalNames[name as keyof typeof names] : name;
    const value = [target, ...others].map((other) => plain.get(other)).find((v) => v !== undefined);
    if (value !== undefined) out[target] = value;
  }
  const put = (prefix: string, { accuracy, correct, all }: EvaluatedSet): void => {
    const values = {
      accuracy,
      'completions/mean_correct_length': correct,
      'completions/mean_length': all,
    };
    for (const [name, value] of Object.entries(values))
      if (value !== undefined) out[`${prefix}${name}`] ??= value;
  };
  for (const [name, set] of evaluatedSets(plain)) {
    put(name === '' ? 'eval_' : `eval_${name}_`, set);
    if (name === main) put('eval_', set);
  }
  return out;
}

/** `undefined` for a row without a step. */
export function observationOf(row: LoggedRow, options: RowOptions = {}): Observation | undefined {
  const step = stepOf(row);
  if (step === undefined) return undefined;
  const plain = plainRow(row);
  const found = (key: keyof typeof names): number | undefined =>
    names[key].map((name) => plain.get(name)).find((value) => value !== undefined);
  const share = (key: keyof typeof names): number | undefined => {
    const value = found(key);
    return value !== undefined && value >= 0 && value <= 1 ? value : undefined;
  };
  return {
    step,
    ...defined('samples', options.samples),
    ...defined('repeating', share('repeating')),
    ...defined('answerFirst', share('answerFirst')),
    ...defined('truncated', share('truncated')),
    ...defined('flatGroups', share('flatGroups')),
    ...defined('accuracy', share('accuracy')),
    ...defined('length', found('length')),
    ...defined('cap', found('cap') ?? options.cap),
    ...defined('entropy', found('entropy')),
    evaluations: evaluationsOf(plain),
  };
}

function evaluationsOf(plain: ReadonlyMap<string, number>): BenchmarkResult[] {
  return [...evaluatedSets(plain)].map(([name, { accuracy, correct, all, problems }]) => ({
    name,
    ...defined('accuracy', accuracy),
    ...defined('length', correct ?? all),
    ...defined('problems', problems),
  }));
}

/** What a row says of one problem set. */
export interface EvaluatedSet {
  /** 0 to 1. */
  accuracy?: number;
  /** Mean tokens of correct responses, and of all. */
  correct?: number;
  all?: number;
  /** As logged, else those of the set of this name, else from the width of the interval. */
  problems?: number;
}

/** The problem sets of a row by name; the name is empty for a run with one unnamed set. */
function evaluatedSets(plain: ReadonlyMap<string, number>): Map<string, EvaluatedSet> {
  const sets = new Map<string, Partial<Record<(typeof evaluationNames)[number]['what'], number>>>();
  for (const [name, value] of plain) {
    for (const { pattern, what } of evaluationNames) {
      const match = pattern.exec(name);
      if (match === null) continue;
      const set = match.groups?.set ?? '';
      sets.set(set, { ...sets.get(set), [what]: value });
      break;
    }
  }
  // A run with named sets repeats the first without a name, and asks the start model with other prompts (`set@template`).
  const named = [...sets.keys()].some((name) => name !== '' && !name.includes('@'));
  const chosen = [...sets].filter(([name]) => !name.includes('@') && !(named && name === ''));
  return new Map(
    chosen.map(([name, { accuracy, correct, all, problems, low, high }]) => [
      name,
      {
        ...defined(
          'accuracy',
          accuracy !== undefined && accuracy >= 0 && accuracy <= 1 ? accuracy : undefined,
        ),
        ...defined('correct', correct),
        ...defined('all', all),
        ...defined('problems', problems ?? problemsOfSets[plainSet(name)] ?? fromInterval(low, high)),
      },
    ]),
  );
}

/** A set's name without case and punctuation. */
const plainSet = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Names of problem sets in the order in which RL runs are followed on them (recipe 4.6: MATH500 first), others behind, as they came. */
export function inOrderOfSets(names: readonly string[]): string[] {
  const order = Object.keys(problemsOfSets);
  const place = (name: string): number => {
    const at = order.findIndex((known) => plainSet(name).endsWith(known));
    return at < 0 ? order.length : at;
  };
  return [...names].sort((a, b) => place(a) - place(b));
}

/** How many problems a 95 % Wilson interval of this width and middle was made from. */
function fromInterval(low: number | undefined, high: number | undefined): number | undefined {
  if (low === undefined || high === undefined || high <= low) return undefined;
  const half = (high - low) / 2;
  const middle = (high + low) / 2;
  // The half width is at most z sqrt(p q / n), and equal to it for the middle as p up to terms in 1 / n.
  return Math.max(1, Math.round((1.96 ** 2 * Math.max(middle * (1 - middle), 0.01)) / half ** 2));
}

/** wandb writes TRL's metrics as `train/x` and `eval/x`. */
function plainName(name: string): string {
  return name.startsWith('train/')
    ? name.slice(6)
    : name.startsWith('eval/')
      ? `eval_${name.slice(5)}`
      : name;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function defined<K extends string>(key: K, value: number | undefined): { [P in K]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: number });
}
