/**
 * Accuracy collapse (recipe 4.7, detector B, made safe against noise): what was learnt is lost again.
 *
 *   now      the mean of the last one, two, ... six evaluations
 *   best     the greatest mean of 3 evaluations in a row (one lucky evaluation is no best) before those, among the last 32; at least 10 %
 *   fires    when, for one of these, now < 80 % of best, and best - now is at least 4 standard errors
 *
 * The standard error is what chance gives for that many problems, or how much neighbouring evaluations of this very run differ (the median step, so
 * that learning and collapse do not count), whichever is more. So a set of 40 problems needs a deeper or longer fall than one of 1,000; with 4 of
 * them, of simulated runs of 100 evaluations in which nothing changes, 0 to 8 in a hundred fire, by the number of problems. 32 evaluations because a collapse is a fall,
 * within some hundred steps; sets also drift down slowly in sound runs. With several problem sets, more than half of those that were learnt must have
 * fallen, and the standard error is that of all their problems together. Where nothing is evaluated, the accuracy of training responses stands in.
 */
import { z } from 'zod';
import { mean, type Observation, upperMedian } from './observation.ts';
import { inPercent, type SignatureRule } from './rule.ts';

const schema = z.strictObject({
  /** Fires below this share of the best. */
  threshold: z.number().gt(0).lt(1).default(0.8),
  /** Problem sets that never got this far are not judged. */
  best_at_least: z.number().min(0).max(1).default(0.1),
  /** Evaluations in a row whose mean is a best; at most twice as many are taken together for `now`. */
  window: z.int().min(1).max(100).default(3),
  /** Standard errors between best and now. */
  certainty: z.number().min(0).default(4),
  /** A best is forgotten after as many evaluations. */
  memory: z.int().min(1).max(10_000).default(32),
});

interface SetMemory {
  problems: number;
  /** The last evaluations, oldest first. */
  recent: number[];
  /** [step, mean of the evaluations up to it, how many those were], oldest first. */
  levels: [number, number, number][];
  /** How much neighbouring evaluations differed, the last of them. */
  changes: number[];
}

interface Memory {
  evaluated: boolean;
  sets: Record<string, SetMemory>;
}

/** Differences kept, and needed before they are believed. */
const keptChanges = 64;
const neededChanges = 6;
/** Problems assumed where nothing says how many there are: those of MATH500. */
const assumedProblems = 500;

export const accuracyCollapse: SignatureRule<typeof schema, Memory> = {
  name: 'accuracy_collapse',
  title: 'Accuracy collapse',
  bad: 'below',
  show: (value) => `${inPercent(value)} of the best`,
  schema,
  words: (t) =>
    `Accuracy below ${inPercent(t.threshold)} of its best mean of ${t.window} evaluations (once that is ${inPercent(t.best_at_least)}), by at least ${t.certainty} standard errors.`,
  start: () => ({ evaluated: false, sets: {} }),
  observe(memory, seen, t) {
    const scored = seen.evaluations.filter((e) => e.accuracy !== undefined);
    if (scored.length > 0 && !memory.evaluated) Object.assign(memory, { evaluated: true, sets: {} });
    const values = memory.evaluated ? scored : trainingAccuracy(seen);
    if (values.length === 0) return undefined;
    const names = values.map(({ name, accuracy, problems }) => {
      const set = (memory.sets[name] ??= { problems: 0, recent: [], levels: [], changes: [] });
      const before = set.recent.at(-1);
      if (before !== undefined) keep(set.changes, Math.abs(accuracy! - before), keptChanges);
      set.problems = problems ?? assumedProblems;
      keep(set.recent, accuracy!, 2 * t.window);
      return name;
    });
    // The surest and deepest fall among the windows; without one, how things stand now.
    let found: Fall | undefined;
    for (let w = 1; w <= 2 * t.window; w++) {
      const fall = fallOver(
        w,
        names.map((name) => [name, memory.sets[name]!] as const),
        t,
      );
      if (fall !== undefined && (found === undefined || fall.share < found.share)) found = fall;
    }
    for (const name of names) {
      const { recent, levels } = memory.sets[name]!;
      const last = recent.slice(-t.window);
      keep(levels, [seen.step, mean(last), last.length], t.memory);
    }
    if (found === undefined) return undefined;
    const { share: value, sets } = found;
    const worst = sets.reduce((a, b) => (b.now / b.best < a.now / a.best ? b : a));
    const fallen = sets.filter(({ now, best }) => now < t.threshold * best);
    const which =
      sets.length > 1 ? ` (${worst.name}; ${fallen.length} of ${sets.length} problem sets fell)` : '';
    return {
      value,
      holds: value < t.threshold,
      text: `accuracy fell to ${inPercent(worst.now)} from ${inPercent(worst.best)} at step ${worst.bestStep}${which}.`,
      lastGood: Math.min(seen.step, ...fallen.map((set) => set.bestStep)),
    };
  },
};

function trainingAccuracy({ accuracy, samples }: Observation): Observation['evaluations'] {
  if (accuracy === undefined) return [];
  return [{ name: 'training responses', accuracy, ...(samples === undefined ? {} : { problems: samples }) }];
}

/** A problem set that had got far enough before the last `w` evaluations. */
interface LearntSet {
  name: string;
  now: number;
  best: number;
  bestStep: number;
  /** Evaluations that the best is the mean of. */
  bestOf: number;
  problems: number;
  /** Standard deviation of one evaluation. */
  scatter: number;
}

interface Fall {
  /** Now as a share of the best, in the upper middle of the sets; 1 while the difference may be chance. */
  share: number;
  sets: LearntSet[];
}

/** `undefined` where no set was learnt before, or there are fewer evaluations. */
function fallOver(
  w: number,
  all: readonly (readonly [string, SetMemory])[],
  t: z.output<typeof schema>,
): Fall | undefined {
  const sets = all.flatMap(([name, set]) => learntBefore(w, name, set, t) ?? []);
  if (sets.length === 0) return undefined;
  const share = upperMedian(sets.map(({ now, best }) => now / best));
  return { share: Math.min(1, certaintyOf(sets, w) >= t.certainty ? share : 1), sets };
}

function learntBefore(
  w: number,
  name: string,
  set: SetMemory,
  t: z.output<typeof schema>,
): LearntSet | undefined {
  // The level of the present evaluation is not among the levels yet.
  const levels = set.levels.slice(0, set.levels.length - (w - 1));
  if (levels.length === 0) return undefined;
  const [bestStep, best, bestOf] = levels.reduce((a, b) => (b[1] > a[1] ? b : a));
  if (best === 0 || best < t.best_at_least) return undefined;
  const scatter = Math.max(
    Math.sqrt((best * (1 - best)) / set.problems),
    // The median difference of two normal draws is 0.6745 x sqrt(2) standard deviations.
    set.changes.length < neededChanges ? 0 : upperMedian(set.changes) / (0.6745 * Math.SQRT2),
  );
  const now = mean(set.recent.slice(-w));
  return { name, now, best, bestStep, bestOf, problems: set.problems, scatter };
}

/** Standard errors between best and now, over the problems of all sets together. */
function certaintyOf(sets: readonly LearntSet[], w: number): number {
  const drop = sets.reduce((sum, { problems, best, now }) => sum + problems * (best - now), 0);
  const variance = sets.reduce(
    (sum, { problems, scatter, bestOf }) => sum + (problems * scatter) ** 2 * (1 / w + 1 / bestOf),
    0,
  );
  return variance === 0 ? (drop > 0 ? Number.POSITIVE_INFINITY : 0) : drop / Math.sqrt(variance);
}

function keep<T>(list: T[], value: T, most: number): void {
  list.push(value);
  if (list.length > most) list.shift();
}
