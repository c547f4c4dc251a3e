/**
 * How much of a benchmark item a stretch of a document repeats, word by word: 1 - (edits needed) / (words of the item).
 *
 * The edits are those that turn the item into the best fitting part of the stretch (insert, delete, replace a word), so text before
 * and after costs nothing. Time: words of the item times words of the stretch.
 * Source: P. Sellers 1980, "The theory and computation of evolutionary distances" (edit distance with free ends in the text).
 */

/** `item[from..to)` against `stretch`, both hashes of words. 0 to 1; NaN when the item has no words. */
export function editSimilarity(item: Uint32Array, from: number, to: number, stretch: Uint32Array): number {
  const words = to - from;
  if (words === 0) return Number.NaN;
  let row = new Uint32Array(stretch.length + 1);
  let next = new Uint32Array(stretch.length + 1);
  for (let i = 0; i < words; i++) {
    const word = item[from + i]!;
    next[0] = i + 1;
    let left = i + 1;
    for (let j = 0; j < stretch.length; j++) {
      const replaced = row[j]! + (stretch[j] === word ? 0 : 1);
      const above = row[j + 1]! + 1;
      left = Math.min(left + 1, replaced, above);
      next[j + 1] = left;
    }
    [row, next] = [next, row];
  }
  let edits = words;
  for (const cost of row) if (cost < edits) edits = cost;
  return 1 - edits / words;
}
