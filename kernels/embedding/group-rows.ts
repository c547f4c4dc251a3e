/**
 * Sorts the rows of a batch by token, so that the embedding's gradient needs no atomics (llm.c's wte_backward scheme).
 * Returns buffers of fixed size for `rows` rows: ids (rows), starts (rows + 1), order (rows), counts (1). Rows ascend within a token.
 */
export function groupRowsByToken(tokens: ArrayLike<number>): {
  ids: Uint32Array;
  starts: Uint32Array;
  order: Uint32Array;
  counts: Uint32Array;
} {
  const rows = tokens.length;
  const order = Uint32Array.from({ length: rows }, (_, i) => i);
  order.sort((a, b) => tokens[a]! - tokens[b]! || a - b);
  const ids = new Uint32Array(rows);
  const starts = new Uint32Array(rows + 1);
  let distinct = 0;
  for (let at = 0; at < rows; at++) {
    const token = tokens[order[at]!]!;
    if (at === 0 || token !== ids[distinct - 1]) {
      ids[distinct] = token;
      starts[distinct] = at;
      distinct++;
    }
  }
  starts[distinct] = rows;
  return { ids, starts, order, counts: Uint32Array.of(distinct) };
}
