/** What the scores and labels of labelled documents look like, to say what is wrong with them: another scale, another name for positive. */

/** Scores and labels as they were read. */
export class SeenLabels {
  lowest = Number.POSITIVE_INFINITY;
  highest = Number.NEGATIVE_INFINITY;
  scores = 0;
  /** How often each label occurs, for the first few. */
  readonly labels = new Map<string, number>();

  score(value: number): void {
    this.scores++;
    this.lowest = Math.min(this.lowest, value);
    this.highest = Math.max(this.highest, value);
  }

  label(name: string): void {
    const count = this.labels.get(name);
    if (count !== undefined || this.labels.size < mostLabels) this.labels.set(name, (count ?? 0) + 1);
  }
}

const mostLabels = 20;

/** From which score on, or with which label, a document is positive. */
interface Positive {
  positiveMin: number;
  positiveLabel: string;
}

/** Why there may be documents of one class only, and what to do about it. */
export function oneClassHint(seen: SeenLabels, { positiveMin, positiveLabel }: Positive): string {
  const { scores, lowest, highest, labels } = seen;
  if (scores > 0)
    return `the scores are ${lowest} to ${highest}, and from ${positiveMin} on they are positive: --positive-min names another bound`;
  if (labels.size > 0) {
    const names = [...labels].map(([name, n]) => `"${name}" (${n})`).join(', ');
    return `the labels are ${names}, and "${positiveLabel}" is positive: --positive-label names another`;
  }
  return 'give documents of both classes: rows with a column score (0 to 5) or label, or --positive and --negative';
}

/** Scores on another scale than 0 to 5, which regressors learn and measures of theirs are of. */
export function scoreWarnings({ scores, lowest, highest }: SeenLabels): string[] {
  if (scores === 0 || (lowest >= 0 && highest <= 5)) return [];
  return [`the scores are ${lowest} to ${highest}; scores of 0 to 5 are expected`];
}
