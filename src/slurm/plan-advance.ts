/**
 * What a job on Slurm asks for next, from its markers, its submissions and what is in the queue. Pure.
 *
 *   every stage is through                         -> done
 *   an array of the stage was never handed over    -> complete: submit it (sbatch failed, or whoever submitted was killed)
 *   arrays are in the queue, and a reconcile job   -> wait
 *   arrays are in the queue, and no reconcile job  -> reconcile: submit one that runs after them
 *   nothing is in the queue, items are left        -> submit the elements that have items left and tries left
 *   ..., and no element has tries left             -> give up
 *
 * A stage begins only when no array of an earlier submission is in the queue: some stages need the folder for themselves. Nothing is
 * concluded from how a job ended; items are done when their markers say so. (data-engine.md 6.3, 6.4)
 */
import type { BatchSurvey } from '../jobs/batch-job.ts';
import { leftByElement, ranksOf, type StageArrays } from './plan-arrays.ts';
import type { QueuedJob } from './scheduler.ts';
import type { Failure } from './slurm-folder.ts';
import { elementsOf, type Submission, triesOf } from './submission.ts';

export interface AdvanceState {
  survey: BatchSurvey;
  /** Of the stage that the survey names. */
  arrays: StageArrays | undefined;
  /** Of all stages. */
  submissions: readonly Submission[];
  /** Names of jobs that have not ended. */
  queued: ReadonlySet<string>;
  /** The id of the reconcile job that asks: it cannot be waited for. */
  self: string | undefined;
  maxAttempts: number;
  /** A person asked for another try. */
  fresh: boolean;
}

export type NextStep =
  | { kind: 'done' }
  /** `alive`: names. */
  | { kind: 'wait'; submission: Submission; alive: string[] }
  /** `after`: ids. */
  | { kind: 'reconcile'; submission: Submission; after: string[] }
  /** `unsent`: which of its arrays. */
  | { kind: 'complete'; submission: Submission; unsent: number[] }
  /** `again`: an earlier try of some element got nothing done. */
  | { kind: 'submit'; attempt: number; fresh: boolean; again: boolean; left: Map<number, string[]> }
  | { kind: 'give up'; elements: Omit<Failure['elements'][number], 'log'>[] };

/** `arrays` must be there when a stage is left. Ids of arrays that are in the queue must be known (`adoptIds`). */
export function planAdvance(state: AdvanceState): NextStep {
  const { survey, arrays, submissions, queued, self, maxAttempts } = state;
  const { stage } = survey;
  if (stage === undefined) return { kind: 'done' };
  const own = submissions.filter((submission) => submission.stage === stage.name);
  const left = arrays === undefined ? new Map<number, string[]>() : leftByElement(arrays, survey.left);
  const latest = own.at(-1);
  const alive = submissions.flatMap((submission) =>
    submission.ended ? [] : submission.arrays.filter(({ name }) => queued.has(name)),
  );
  const watched = submissions.some(({ reconciles }) =>
    reconciles.some(({ name, id }) => queued.has(name) && id !== self),
  );
  // What the queue had no room for waits for the reconcile job like everything else.
  if (latest !== undefined && !latest.ended && !(alive.length > 0 && watched)) {
    const unsent = latest.arrays.flatMap((array, i) =>
      array.id === null && elementsOf(array).some((element) => left.has(element)) ? [i] : [],
    );
    if (unsent.length > 0) return { kind: 'complete', submission: latest, unsent };
  }
  if (alive.length > 0) {
    const current = latest ?? submissions.findLast(({ ended }) => !ended)!;
    return watched
      ? { kind: 'wait', submission: current, alive: alive.map(({ name }) => name) }
      : { kind: 'reconcile', submission: current, after: alive.flatMap(({ id }) => id ?? []) };
  }
  const tried = (element: number, ids: readonly string[]): number =>
    state.fresh ? 0 : triesOf(own, element, ids.length);
  const again = new Map([...left].filter(([element, ids]) => tried(element, ids) < maxAttempts));
  if (again.size > 0) {
    return {
      kind: 'submit',
      attempt: (latest?.attempt ?? 0) + 1,
      fresh: state.fresh,
      again: [...again].some(([element, ids]) => tried(element, ids) > 0),
      left: again,
    };
  }
  return {
    kind: 'give up',
    elements: [...left].map(([element, ids]) => ({
      element,
      ranks: ranksOf(arrays!, element),
      tries: tried(element, ids),
      left: ids,
    })),
  };
}

/** Submissions with the ids that the queue tells of jobs that sbatch was not heard to answer for. The same object when nothing is new. */
export function adoptIds(submission: Submission, ids: ReadonlyMap<string, string>): Submission {
  const adopt = <Job extends { name: string; id: string | null }>(job: Job): Job => {
    const id = job.id === null ? ids.get(job.name) : undefined;
    return id === undefined ? job : { ...job, id };
  };
  const arrays = submission.arrays.map(adopt);
  const reconciles = submission.reconciles.map(adopt);
  const same =
    arrays.every((array, i) => array === submission.arrays[i]) &&
    reconciles.every((job, i) => job === submission.reconciles[i]);
  return same ? submission : { ...submission, arrays, reconciles };
}

/**
 * Whether Slurm tried to start the job, could not, and holds it now until an administrator acts: nothing comes of it. So ends an element that a
 * controller with an old state starts again while it runs ("Duplicate jobid"). What a person holds (JobHeldUser) is not meant.
 */
export function isStranded({ state, reason }: Pick<QueuedJob, 'state' | 'reason'>): boolean {
  return state === 'PENDING' && /launch failed requeued held/i.test(reason);
}

/** Whether nothing of a submission is in the queue any more, so that nobody needs to ask about it again. */
export function hasEnded(
  { arrays, reconciles }: Submission,
  queued: ReadonlySet<string>,
  self: string | undefined,
): boolean {
  return (
    arrays.every(({ name, id }) => id !== null && !queued.has(name)) &&
    reconciles.every(({ name, id }) => !queued.has(name) || (self !== undefined && id === self))
  );
}
