/**
 * One submission of a stage: which elements, what was left of each, in which arrays, under which names and ids.
 *
 * It is written before anything is handed to sbatch, without ids; each id is added as it comes. So whoever finds it later knows what may be in
 * the queue, and under which name to look for it.
 */
import { fingerprint } from '../core/config.ts';
import { elementCount, planWindows, type StageArrays } from './plan-arrays.ts';

export interface SubmittedArray {
  /** Job name, unique to this array. */
  name: string;
  offset: number;
  indexes: number[];
  /** Null until sbatch has answered. */
  id: string | null;
}

export interface Submission {
  /** Hash of the job's plan. */
  plan: string;
  stage: string;
  /** 1, 2, ... in its stage. */
  attempt: number;
  /** Since a person asked for it to be tried again: earlier tries no longer count. */
  fresh: boolean;
  /** Seconds from now at which the arrays may begin: after a try that got nothing done. */
  delay: number;
  /** Items that were left, by element; those elements were submitted. */
  left: Record<string, number>;
  arrays: SubmittedArray[];
  /** Jobs that read the markers once the arrays are through; the last one counts. */
  reconciles: { name: string; id: string | null }[];
  /** The scheduler was asked and knew none of the arrays any more. */
  ended: boolean;
}

/** What names of jobs begin with: of this plan in this folder. */
export function namePrefix(plan: string, folder: string): string {
  return `midtrain-${fingerprint({ plan, folder }).slice(0, 8)}`;
}

export function newSubmission(
  prefix: string,
  arrays: StageArrays,
  about: { plan: string; attempt: number; fresh: boolean; delay: number; maxArraySize: number },
  left: ReadonlyMap<number, readonly string[]>,
): Submission {
  const { plan, attempt, fresh, delay, maxArraySize } = about;
  const stage = arrays.stage.name;
  const windows = planWindows([...left.keys()], maxArraySize);
  const base = `${prefix}-${stage}-${attempt}`;
  return {
    plan,
    stage,
    attempt,
    fresh,
    delay,
    left: Object.fromEntries([...left].map(([element, ids]) => [element, ids.length])),
    arrays: windows.map((window, i) => ({
      name: windows.length === 1 ? base : `${base}-w${i + 1}`,
      ...window,
      id: null,
    })),
    reconciles: [],
    ended: false,
  };
}

/** The name of the next reconcile job of a submission. */
export function reconcileName(prefix: string, { stage, attempt, reconciles }: Submission): string {
  const again = reconciles.length === 0 ? '' : `-${reconciles.length + 1}`;
  return `${prefix}-${stage}-${attempt}-reconcile${again}`;
}

/** Elements of an array, ascending. */
export function elementsOf({ offset, indexes }: Pick<SubmittedArray, 'offset' | 'indexes'>): number[] {
  return indexes.map((index) => offset + index);
}

/**
 * How often an element was submitted, since a person last asked, without one more of its items getting done: submissions of it that found no
 * more items left than there are now. `submissions`: of one stage, in order.
 */
export function triesOf(submissions: readonly Submission[], element: number, leftNow: number): number {
  const from = submissions.findLastIndex(({ fresh }) => fresh);
  return submissions.slice(Math.max(0, from)).filter(({ left }) => {
    const then = left[element];
    return then !== undefined && then <= leftNow;
  }).length;
}

/** Name of a log, as `--output` wants it (`%a`: the index) and, with an index, as the file is called. */
export function logName(submission: Submission, array: number, index?: number): string {
  const window = submission.arrays.length === 1 ? '' : `.w${array + 1}`;
  return `${submission.stage}.${submission.attempt}${window}.${index ?? '%a'}.log`;
}

/** Name of a reconcile job's log, as `--output` wants it or with its id. */
export function reconcileLogName(
  { stage, attempt }: Pick<Submission, 'stage' | 'attempt'>,
  id = '%j',
): string {
  return `${stage}.${attempt}.reconcile.${id}.log`;
}

/** `3 ranks in 2 elements`, `1 rank`. */
export function describeSize(
  arrays: Pick<StageArrays, 'ranks' | 'tasksPerJob'>,
  submission?: Submission,
): string {
  const elements = submission === undefined ? elementCount(arrays) : Object.keys(submission.left).length;
  const many = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
  return `${many(elements, 'element')} of ${many(arrays.ranks.length, 'rank')}`;
}
