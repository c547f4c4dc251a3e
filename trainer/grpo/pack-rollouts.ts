/**
 * Packs prompt + completion sequences of different lengths into rows of a fixed length, several to a row, each masked from its neighbours
 * (kvStart) and with positions of its own. So the training plan has one shape whatever the response length, and almost nothing is padding.
 * First-fit by decreasing length; deterministic.
 */
import type { PolicyRows } from '../learner/learner.ts';

export interface PackItem {
  promptTokens: readonly number[];
  tokens: readonly number[];
  /** Log-probability of each completion token when it was drawn. */
  logps: readonly number[];
  advantage: number;
  /** Share of the loss of each completion token; 0 leaves the sequence out. */
  share: number;
  /** Log-probability of each completion token under the reference model, where there is one. */
  reference?: readonly number[] | undefined;
}

export interface PackedBatch extends PolicyRows {
  /** Where the completion of each item in it lies. */
  placed: readonly { item: number; first: number; length: number }[];
}

/** Micro-batches of `batch` rows of `seq` positions each. Throws when a sequence is longer than `seq`. */
export function packRollouts(items: readonly PackItem[], batch: number, seq: number): PackedBatch[] {
  // A sequence of n tokens needs n - 1 rows: the last token is only a target.
  const need = (item: PackItem) => item.promptTokens.length + item.tokens.length - 1;
  const order = items.map((_, i) => i).filter((i) => items[i]!.share !== 0 && items[i]!.tokens.length > 0);
  order.sort((a, b) => need(items[b]!) - need(items[a]!) || a - b);
  const lines: { used: number; items: number[] }[] = [];
  for (const i of order) {
    const length = need(items[i]!);
    if (length > seq) throw new Error(`a rollout of ${length} positions does not fit a row of ${seq}`);
    let line = lines.find((l) => l.used + length <= seq);
    if (!line) {
      line = { used: 0, items: [] };
      lines.push(line);
    }
    line.items.push(i);
    line.used += length;
  }
  const batches: PackedBatch[] = [];
  for (let first = 0; first < lines.length; first += batch) {
    batches.push(fill(items, lines.slice(first, first + batch), batch, seq));
  }
  return batches;
}

function fill(
  items: readonly PackItem[],
  lines: readonly { items: number[] }[],
  batch: number,
  seq: number,
): PackedBatch {
  const size = batch * seq;
  const rows = {
    tokens: new Uint32Array(size),
    targets: new Uint32Array(size),
    positions: new Uint32Array(size),
    // Padding attends to itself alone.
    kvStart: Uint32Array.from({ length: size }, (_, i) => i % seq),
  };
  const inputs = new Float32Array(size * 4);
  const placed: { item: number; first: number; length: number }[] = [];
  lines.forEach((line, l) => {
    let at = 0;
    for (const i of line.items) {
      const item = items[i]!;
      const all = [...item.promptTokens, ...item.tokens];
      const prompt = item.promptTokens.length;
      for (let t = 0; t + 1 < all.length; t++) {
        const row = l * seq + at + t;
        rows.tokens[row] = all[t]!;
        rows.targets[row] = all[t + 1]!;
        rows.positions[row] = t;
        rows.kvStart[row] = at;
        const drawn = t + 1 - prompt;
        if (drawn >= 0)
          inputs.set([item.logps[drawn]!, item.advantage, item.share, item.reference?.[drawn] ?? 0], row * 4);
      }
      placed.push({ item: i, first: l * seq + at + prompt - 1, length: item.tokens.length });
      at += all.length - 1;
    }
  });
  const spans = Uint32Array.from([placed.length, ...placed.flatMap(({ first, length }) => [first, length])]);
  return { rows, inputs, spans, placed };
}
