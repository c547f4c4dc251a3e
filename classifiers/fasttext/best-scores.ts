/**
 * The k best of a stream of scores, in the order in which fastText returns them: a binary heap with the smallest kept score at its root,
 * with the moves of libstdc++'s push_heap, pop_heap and sort_heap, so that labels with equal scores come out in the same order too.
 * Source: fastText 0.9.3 loss.cc (findKBest, dfs); libstdc++ bits/stl_heap.h.
 */

export class BestScores {
  readonly #limit: number;
  readonly #scores: number[] = [];
  readonly #labels: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when a score this low cannot get in any more. */
  accepts(score: number): boolean {
    return this.#scores.length < this.#limit || !(score < this.#scores[0]!);
  }

  add(score: number, label: number): void {
    this.#scores.push(score);
    this.#labels.push(label);
    this.#rise(this.#scores.length - 1, 0, score, label);
    if (this.#scores.length > this.#limit) {
      this.#sink(this.#scores.length - 1);
      this.#scores.pop();
      this.#labels.pop();
    }
  }

  /** Best first. The heap is used up. */
  sorted(): { score: number; label: number }[] {
    for (let last = this.#scores.length - 1; last > 0; last--) this.#sink(last);
    return this.#scores.map((score, index) => ({ score, label: this.#labels[index]! }));
  }

  /** Puts (score, label) at `hole` or above it, not above `top`. */
  #rise(hole: number, top: number, score: number, label: number): void {
    while (hole > top) {
      const parent = (hole - 1) >> 1;
      if (!(this.#scores[parent]! > score)) break;
      this.#move(hole, parent);
      hole = parent;
    }
    this.#scores[hole] = score;
    this.#labels[hole] = label;
  }

  /** Moves the root to place `last` and makes [0, last) a heap again. */
  #sink(last: number): void {
    const score = this.#scores[last]!;
    const label = this.#labels[last]!;
    this.#move(last, 0);
    let hole = 0;
    let child = 0;
    while (child < (last - 1) >> 1) {
      child = 2 * (child + 1);
      if (this.#scores[child]! > this.#scores[child - 1]!) child--;
      this.#move(hole, child);
      hole = child;
    }
    if ((last & 1) === 0 && last >= 2 && child === (last - 2) >> 1) {
      child = 2 * (child + 1);
      this.#move(hole, child - 1);
      hole = child - 1;
    }
    this.#rise(hole, 0, score, label);
  }

  #move(to: number, from: number): void {
    this.#scores[to] = this.#scores[from]!;
    this.#labels[to] = this.#labels[from]!;
  }
}
