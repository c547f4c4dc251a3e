/**
 * Which sources are held out whole, so that both classes are measured on sources that training never saw, and both are still trained on.
 *
 * Sources are drawn until those held out have about the share of the documents of each class that is wanted. One that would take a class
 * beyond twice the share, or beyond half of its documents, is passed over: a source that has most negatives is trained on, whatever the draw says.
 * A class of which nothing is held out then gets the source that takes least, if that is at most half. (Some of a class may be in one
 * source only: then it is not held out, and `classify train` says so.)
 */

/** Of the negatives and of the positives. */
export type Pair = [negative: number, positive: number];

/** `counts`: documents of each source, in the order they were drawn. Returns places in that order; the share is 0 to 1. */
export function chooseSources(counts: readonly Readonly<Pair>[], share: number): number[] {
  const cap = Math.max(half, share);
  const all: Pair = [0, 0];
  for (const of of counts) for (const label of classes) all[label] += of[label];
  const chosen = new Set<number>();
  const held: Pair = [0, 0];
  const shareWith = (i: number, label: 0 | 1): number =>
    all[label] === 0 ? 0 : (held[label] + counts[i]![label]) / all[label];
  const most = (i: number): number => Math.max(shareWith(i, 0), shareWith(i, 1));
  const take = (i: number): void => {
    chosen.add(i);
    for (const label of classes) held[label] += counts[i]![label];
  };
  for (const i of counts.keys()) {
    // It brings a class nearer to what is wanted.
    const useful = classes.some(
      (label) => counts[i]![label] > 0 && held[label] + counts[i]![label] / 2 < share * all[label],
    );
    if (useful && most(i) <= Math.min(2 * share, cap) && most(i) < 1) take(i);
  }
  for (const label of classes) {
    if (held[label] > 0) continue;
    const left = [...counts.keys()].filter((i) => !chosen.has(i) && counts[i]![label] > 0 && most(i) <= half);
    const least = left.reduce((a, b) => (a === -1 || most(b) < most(a) ? b : a), -1);
    if (least >= 0) take(least);
  }
  return [...chosen];
}

const classes = [0, 1] as const;
const half = 0.5;
