/**
 * Learns BPE merges from word counts with incremental pair counts.
 *
 * Each word is a run in one `Int32Array`. `PairStore` numbers the pairs and holds for each its count and the words it was ever seen in.
 * A heap gives the most frequent pair; its entries go stale when counts change and are put right when popped. A merge touches only the
 * words that hold its pair, so the cost is that of the changes, not of the corpus.
 */

import { invariant } from '../core/errors.ts';
import { bytesOfToken, byteToChar } from './byte-alphabet.ts';

interface LearnOptions {
  vocabSize: number;
  minFrequency: number;
  signal?: AbortSignal;
}

/** Merges in the order made; grows `vocab` by the tokens they make. */
export function learnMerges(
  counts: ReadonlyMap<string, number>,
  vocab: Map<string, number>,
  options: LearnOptions,
): [string, string][] {
  const merges: [string, string][] = [];
  if (vocab.size >= options.vocabSize) return merges;
  const spelled = spell(counts, vocab);
  const pairs = new PairStore();
  for (let w = 0; w < spelled.count.length; w++) {
    for (let i = spelled.start[w]!; i < spelled.end[w]! - 1; i++)
      pairs.add(spelled.symbols[i]!, spelled.symbols[i + 1]!, spelled.count[w]!, w);
  }
  const tokens = [...vocab.keys()];
  const heap = new PairHeap(pairs);
  for (let p = 0; p < pairs.size; p++) heap.push(p, pairs.count[p]!);
  const changed = new Set<number>();
  while (vocab.size < options.vocabSize) {
    options.signal?.throwIfAborted();
    const top = heap.pop();
    if (top === undefined) break;
    const { pair, count } = top;
    const now = pairs.count[pair]!;
    if (now !== count) {
      if (now > 0) heap.push(pair, now);
      continue;
    }
    if (count < 1 || count < options.minFrequency) break;
    const left = pairs.left[pair]!;
    const right = pairs.right[pair]!;
    const token = tokens[left]! + tokens[right]!;
    // Two ways to spell the same bytes share one id.
    let id = vocab.get(token);
    if (id === undefined) {
      id = vocab.size;
      vocab.set(token, id);
      tokens.push(token);
    }
    merges.push([tokens[left]!, tokens[right]!]);
    changed.clear();
    for (const w of pairs.words[pair]!) mergeInWord(spelled, w, left, right, id, pairs, changed);
    pairs.count[pair] = 0;
    pairs.words[pair] = [];
    for (const p of changed) if (pairs.count[p]! > 0) heap.push(p, pairs.count[p]!);
  }
  return merges;
}

interface SpelledWords {
  symbols: Int32Array;
  start: Int32Array;
  /** One past the last symbol; moves down as symbols merge. */
  end: Int32Array;
  count: Float64Array;
}

function spell(counts: ReadonlyMap<string, number>, vocab: ReadonlyMap<string, number>): SpelledWords {
  const byteIds = byteToChar.map((c) => vocab.get(c) ?? -1);
  invariant(
    vocab.size > 0 && bytesOfToken(byteToChar[0]!) !== undefined,
    'the vocabulary holds the alphabet',
  );
  const encoder = new TextEncoder();
  let symbols = new Int32Array(1 << 16);
  const start = new Int32Array(counts.size);
  const end = new Int32Array(counts.size);
  const count = new Float64Array(counts.size);
  let at = 0;
  let w = 0;
  for (const [word, n] of counts) {
    const bytes = encoder.encode(word);
    if (at + bytes.length > symbols.length) {
      const grown = new Int32Array(Math.max(symbols.length * 2, at + bytes.length));
      grown.set(symbols);
      symbols = grown;
    }
    start[w] = at;
    for (const byte of bytes) symbols[at++] = byteIds[byte]!;
    end[w] = at;
    count[w++] = n;
  }
  return { symbols, start, end, count };
}

/** Replaces `left right` by `id` throughout a word, from the left, and books what that does to the pairs around it. */
function mergeInWord(
  words: SpelledWords,
  w: number,
  left: number,
  right: number,
  id: number,
  pairs: PairStore,
  changed: Set<number>,
): void {
  const { symbols } = words;
  const n = words.count[w]!;
  const from = words.start[w]!;
  const to = words.end[w]!;
  let kept = from;
  for (let i = from; i < to; i++) {
    if (symbols[i] !== left || i + 1 >= to || symbols[i + 1] !== right) {
      symbols[kept++] = symbols[i]!;
      continue;
    }
    if (kept > from) {
      const before = symbols[kept - 1]!;
      pairs.add(before, left, -n, w);
      changed.add(pairs.add(before, id, n, w));
    }
    if (i + 2 < to) {
      const after = symbols[i + 2]!;
      pairs.add(right, after, -n, w);
      changed.add(pairs.add(id, after, n, w));
    }
    symbols[kept++] = id;
    i++;
  }
  words.end[w] = kept;
}

class PairStore {
  readonly left: number[] = [];
  readonly right: number[] = [];
  readonly count: number[] = [];
  /** Words a pair was seen in; may name a word that no longer holds it. */
  readonly words: number[][] = [];
  private readonly index = new Map<number, number>();

  get size(): number {
    return this.count.length;
  }

  /** Adds `n` (may be negative) to a pair's count; returns the pair's number. */
  add(left: number, right: number, n: number, word: number): number {
    // Ids stay below 2^26, so the key is an exact double.
    const key = left * 67108864 + right;
    let p = this.index.get(key);
    if (p === undefined) {
      p = this.count.length;
      this.index.set(key, p);
      this.left.push(left);
      this.right.push(right);
      this.count.push(0);
      this.words.push([]);
    }
    this.count[p] = this.count[p]! + n;
    const words = this.words[p]!;
    if (n > 0 && words[words.length - 1] !== word) words.push(word);
    return p;
  }
}

/** Max-heap by count; ties to the pair with the smaller left id, then the smaller right id. */
class PairHeap {
  private readonly pairs: PairStore;
  private readonly pair: number[] = [];
  private readonly count: number[] = [];

  constructor(pairs: PairStore) {
    this.pairs = pairs;
  }

  push(pair: number, count: number): void {
    let i = this.pair.length;
    this.pair.push(pair);
    this.count.push(count);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.before(pair, count, this.pair[parent]!, this.count[parent]!)) break;
      this.pair[i] = this.pair[parent]!;
      this.count[i] = this.count[parent]!;
      i = parent;
    }
    this.pair[i] = pair;
    this.count[i] = count;
  }

  pop(): { pair: number; count: number } | undefined {
    if (this.pair.length === 0) return undefined;
    const top = { pair: this.pair[0]!, count: this.count[0]! };
    const pair = this.pair.pop()!;
    const count = this.count.pop()!;
    const n = this.pair.length;
    if (n === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (
        child + 1 < n &&
        this.before(this.pair[child + 1]!, this.count[child + 1]!, this.pair[child]!, this.count[child]!)
      )
        child++;
      if (!this.before(this.pair[child]!, this.count[child]!, pair, count)) break;
      this.pair[i] = this.pair[child]!;
      this.count[i] = this.count[child]!;
      i = child;
    }
    this.pair[i] = pair;
    this.count[i] = count;
    return top;
  }

  private before(a: number, countA: number, b: number, countB: number): boolean {
    if (countA !== countB) return countA > countB;
    const { left, right } = this.pairs;
    return left[a]! !== left[b]! ? left[a]! < left[b]! : right[a]! < right[b]!;
  }
}
