/**
 * In which order the sequences of the sources come, so that every prefix of the output has nearly the planned shares: a training run
 * stopped anywhere has seen the mixture. Tijdeman's chairman assignment (Discrete Mathematics 32, 1980): after t sequences each source
 * has had its share of t within less than one. Nothing is random here; the randomness is in which documents a sequence holds.
 */

/**
 * Source numbers in output order; source i comes counts[i] times. `given`: how often each has come, which says all about where the order is, so that it
 * goes on from there.
 */
export function* interleave(
  counts: readonly number[],
  given: readonly number[] = counts.map(() => 0),
): Generator<number> {
  const total = counts.reduce((a, b) => a + b, 0);
  const before = given.reduce((a, b) => a + b, 0);
  const active = counts
    .map((count, i) => ({ i, count, given: given[i]! }))
    .filter((source) => source.count > 0);
  const k = active.length;
  if (k === 1) {
    for (let t = before; t < total; t++) yield active[0]!.i;
    return;
  }
  // A source may be served once its deficit reaches 1 / (2k - 2); among those the one whose deadline is nearest goes first.
  const threshold = 1 / (2 * k - 2);
  for (let t = before + 1; t <= total; t++) {
    let chosen: (typeof active)[number] | undefined;
    let nearest = Number.POSITIVE_INFINITY;
    for (const source of active) {
      const deficit = (t * source.count) / total - source.given;
      if (source.given >= source.count || deficit < threshold - 1e-9) continue;
      const deadline = ((1 - threshold - deficit) * total) / source.count;
      if (deadline < nearest) {
        nearest = deadline;
        chosen = source;
      }
    }
    // Rounding aside there is always one: the deficits sum to 1 before each step.
    chosen ??= active.reduce((a, b) =>
      b.count * t - b.given * total > a.count * t - a.given * total ? b : a,
    );
    chosen.given++;
    yield chosen.i;
  }
}
