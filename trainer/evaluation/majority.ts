/**
 * Majority vote (self-consistency, Wang et al. 2022, arXiv 2203.11171): samples are put into classes of equal answers, the largest class is the
 * answer. A tie goes to the class whose first sample came first, a sample without an answer has no vote, and a problem without any vote is wrong.
 *
 * maj@k for k < n is the mean over subsets of k of the n samples, all of them where there are at most 200, else 200 drawn with a seed.
 * Answers graded right are one class (all equal the reference); the others are compared with one another, in order, with at most 32 classes.
 */
import { Random } from '../../src/core/random.ts';

const mostSubsets = 200;
const mostCompared = 32;

/** Class of each sample by its answer (0, 1, ... in order of first appearance); -1 without an answer. */
export function answerClasses(
  answers: readonly (string | null)[],
  correct: readonly (boolean | null)[],
  equal: (a: string, b: string) => boolean,
): number[] {
  const ofText = new Map<string, number>();
  const wrong: { class: number; answer: string }[] = [];
  let right: number | undefined;
  let next = 0;
  return answers.map((answer, i) => {
    if (answer === null || answer.trim() === '') return -1;
    if (correct[i] === true) {
      right ??= next++;
      return right;
    }
    const known = ofText.get(answer);
    if (known !== undefined) return known;
    const same = wrong.slice(0, mostCompared).find((other) => equal(other.answer, answer));
    const found = same?.class ?? next++;
    if (same === undefined) wrong.push({ class: found, answer });
    ofText.set(answer, found);
    return found;
  });
}

/** The sample whose answer wins among `members` (indices in order), or -1 when none has an answer. */
export function majorityOf(classes: readonly number[], members: readonly number[]): number {
  const votes = new Map<number, { count: number; first: number }>();
  for (const member of members) {
    const found = classes[member]!;
    if (found === -1) continue;
    const vote = votes.get(found);
    if (vote === undefined) votes.set(found, { count: 1, first: member });
    else vote.count++;
  }
  let best: { count: number; first: number } | undefined;
  // A map keeps the order of first appearance, so the earliest of equals stays.
  for (const vote of votes.values()) if (best === undefined || vote.count > best.count) best = vote;
  return best?.first ?? -1;
}

/** Share of subsets of k samples whose majority is right. */
export function majorityAtK(
  classes: readonly number[],
  correct: readonly (boolean | null)[],
  k: number,
  seed: string,
): number {
  const n = classes.length;
  const all = Array.from({ length: n }, (_, i) => i);
  const isRight = (members: readonly number[]): number => {
    const winner = majorityOf(classes, members);
    return winner >= 0 && correct[winner] === true ? 1 : 0;
  };
  if (k >= n) return isRight(all);
  const subsets = choose(n, k) <= mostSubsets ? subsetsOf(n, k) : drawn(n, k, seed);
  return subsets.reduce((sum, members) => sum + isRight(members), 0) / subsets.length;
}

function choose(n: number, k: number): number {
  let count = 1;
  for (let i = 1; i <= k && count <= mostSubsets; i++) count = (count * (n - k + i)) / i;
  return Math.round(count);
}

function subsetsOf(n: number, k: number): number[][] {
  const subsets: number[][] = [];
  const members = Array.from({ length: k }, (_, i) => i);
  for (;;) {
    subsets.push([...members]);
    let at = k - 1;
    while (at >= 0 && members[at] === n - k + at) at--;
    if (at < 0) return subsets;
    members[at]!++;
    for (let i = at + 1; i < k; i++) members[i] = members[i - 1]! + 1;
  }
}

function drawn(n: number, k: number, seed: string): number[][] {
  const random = new Random(`${seed}/maj@${k}`);
  return Array.from({ length: mostSubsets }, () => {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < k; i++) {
      const j = i + random.int(n - i);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order.slice(0, k).sort((a, b) => a - b);
  });
}
