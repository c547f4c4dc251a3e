/**
 * Compares documents with benchmark items: which items a document holds an n-gram of, and which it repeats with changes.
 *
 * One pass: the words of the document (word-reader.ts) roll through two hashes, and each n-gram is looked up (ngram-table.ts). What a table
 * gives is compared word by word before it counts, so a hash in common is never a match. Time is linear in the document; memory
 * is bounded by the items it matches. Build with `buildIndex`, or read from a file with `readIndex`.
 */
import { type IndexData, itemAt, ngramPart } from './index-data.ts';
import { type MeasuredAlignment, measureAlignments, partBounds } from './near-similarity.ts';
import { NearTracker } from './near-tracker.ts';
import { bucketBase, checkBase, maskedNumber, mix, power } from './ngram-hash.ts';
import type { NgramTable } from './ngram-table.ts';
import { type WordBuffer, WordReader, wordBuffer } from './word-reader.ts';

export type MatchedPart = 'problem' | 'solution' | 'both';

export interface ExactMatch {
  benchmark: string;
  item: string;
  /** Where the n-grams found stand: in the problem, the solution, or both. */
  part: MatchedPart;
  /** The first n-gram found, as the document writes it (at most 300 characters). */
  ngram: string;
  /** Its first code unit in the document. */
  at: number;
  /** Share of the item's n-grams found, of those of the problem, of those of the solution; NaN where it has none. */
  matched: number;
  problem: number;
  solution: number;
  /** Words in the longest run in common. At least: n-grams that are not indexed end a run. */
  run: number;
  /** `editSimilarity` of the part most alike, NaN when not measured. */
  similarity: number;
}

export interface NearMatch {
  benchmark: string;
  item: string;
  part: 'problem' | 'solution';
  /** The document's words from the first n-gram in common, at most 300 characters. */
  ngram: string;
  at: number;
  /** Share of the part's near n-grams found. */
  matched: number;
  similarity: number;
}

export interface ScanResult {
  /** Words read. */
  words: number;
  /** Best first; at most 100, `exactItems` counts all. */
  exact: ExactMatch[];
  exactItems: number;
  /** Items not in `exact` that the document repeats with changes; best first; at most 100. */
  near: NearMatch[];
  nearItems: number;
  /** Largest share of an item's, its problem's or its solution's n-grams found; 0 for none. */
  share: number;
  /** Largest edit similarity measured; 0 for none. */
  similarity: number;
}

interface ItemState {
  at: number;
  end: number;
  found: [number, number, number];
  seen: Uint32Array;
  wholeShort: boolean;
  lastPlace: number;
  lastWord: number;
  run: number;
  longest: number;
}

/** Words in a batch: small enough that a batch and its hashes stay in the processor's first cache. */
const readAtOnce = 1024;
const mostReported = 100;
const longestExcerpt = 300;

/** Hashes of the n-grams that end at each word of the buffer. */
interface Keys {
  exact: Uint32Array;
  exactChecks: Uint32Array;
  near: Uint32Array;
  nearChecks: Uint32Array;
  /** Words whose n-gram is perhaps in a table. */
  found: Uint32Array;
  /** The rolled polynomials between batches. */
  rolled: Int32Array;
}

/** State of one scan, so that one index may serve calls one after the other without keeping anything. */
interface Scan {
  items: Map<number, ItemState>;
  tracker: NearTracker;
}

export class ContaminationIndex {
  readonly data: IndexData;
  private readonly buffer: WordBuffer;
  private readonly keys: Keys;

  constructor(data: IndexData) {
    this.data = data;
    const capacity = data.options.n + readAtOnce + 8;
    this.buffer = wordBuffer(capacity);
    this.keys = {
      exact: new Uint32Array(capacity),
      exactChecks: new Uint32Array(capacity),
      near: new Uint32Array(capacity),
      nearChecks: new Uint32Array(capacity),
      found: new Uint32Array(capacity),
      rolled: new Int32Array(4),
    };
  }

  /** Everything that `text` has in common with the benchmarks. Synchronous; any text. */
  scan(text: string): ScanResult {
    const scan: Scan = { items: new Map(), tracker: new NearTracker() };
    const words = this.read(text, scan);
    if (scan.items.size === 0 && scan.tracker.empty) return nothing(words);
    return this.result(text, words, scan);
  }

  /** Reads the text a batch of words at a time; returns the number of words. */
  private read(text: string, scan: Scan): number {
    const { exact, near, options } = this.data;
    const { n, nearN } = options;
    const { hash, start, end } = this.buffer;
    const { keys } = this;
    const useNear = near.checks.length > 0;
    const reader = new WordReader(text, options);
    hash.fill(0, 0, n);
    keys.rolled.fill(0);
    let base = 0;
    while (!reader.done) {
      const to = reader.read(this.buffer, n);
      // N-grams that begin before the document's first word are passed over.
      this.roll(keys.exact, keys.exactChecks, 0, n, to, n, options.numbers === 'same');
      const exactFound = probe(exact, keys.exact, Math.max(n, 2 * n - 1 - base), to, keys.found);
      for (let k = 0; k < exactFound; k++) {
        const i = keys.found[k]!;
        this.lookUp(exact, keys.exact[i]!, keys.exactChecks[i]!, base + i - n, i, scan, true);
      }
      if (useNear) {
        this.roll(keys.near, keys.nearChecks, 2, n, to, nearN, true);
        const nearFound = probe(near, keys.near, Math.max(n, n + nearN - 1 - base), to, keys.found);
        for (let k = 0; k < nearFound; k++) {
          const i = keys.found[k]!;
          this.lookUp(near, keys.near[i]!, keys.nearChecks[i]!, base + i - n, i, scan, false);
        }
      }
      base += to - n;
      hash.copyWithin(0, to - n, to);
      start.copyWithin(0, to - n, to);
      end.copyWithin(0, to - n, to);
    }
    return base;
  }

  /** Hashes of the n-grams that end at words [from, to) of the buffer; `slot` is where the rolled state is kept between batches. */
  private roll(
    keys: Uint32Array,
    checks: Uint32Array,
    slot: number,
    from: number,
    to: number,
    n: number,
    masked: boolean,
  ): void {
    const { hash } = this.buffer;
    const { rolled } = this.keys;
    const bucketOut = power(bucketBase, n);
    const checkOut = power(checkBase, n);
    const mask = masked ? 1 : 0;
    let bucket = rolled[slot]!;
    let check = rolled[slot + 1]!;
    for (let i = from; i < to; i++) {
      let word = hash[i]!;
      let old = hash[i - n]!;
      if ((word & mask) === 1) word = maskedNumber;
      if ((old & mask) === 1) old = maskedNumber;
      bucket = (Math.imul(bucket, bucketBase) + word - Math.imul(old, bucketOut)) | 0;
      check = (Math.imul(check, checkBase) + word - Math.imul(old, checkOut)) | 0;
      keys[i] = mix(bucket);
      checks[i] = check;
    }
    rolled[slot] = bucket;
    rolled[slot + 1] = check;
  }

  /** The n-gram that ends at word `word` of the document, index `i` of the buffer, is perhaps in `table`. */
  private lookUp(
    table: NgramTable,
    key: number,
    rolledCheck: number,
    word: number,
    i: number,
    scan: Scan,
    exact: boolean,
  ): void {
    const { directory, checks, places } = table;
    const slot = key >>> (32 - table.bits);
    const check = mix(rolledCheck);
    const last = directory[slot + 1]!;
    for (let entry = directory[slot]!; entry < last; entry++) {
      if (checks[entry] !== check) continue;
      if (exact) this.exactHit(places[entry]!, word, i, scan);
      else this.nearHit(places[entry]!, word, i, scan);
    }
  }

  /** True when `count` words of the index from `place` on are those of the buffer up to index `i`. */
  private agrees(place: number, count: number, i: number, masked: boolean): boolean {
    const { words } = this.data;
    const { hash } = this.buffer;
    for (let back = 0; back < count; back++) {
      const a = words[place + count - 1 - back]!;
      const b = hash[i - back]!;
      if (a !== b && !(masked && (a & b & 1) === 1)) return false;
    }
    return true;
  }

  private exactHit(place: number, word: number, i: number, scan: Scan): void {
    const { itemStart, problemWords, options } = this.data;
    const { n } = options;
    if (!this.agrees(place, n, i, options.numbers === 'same')) return;
    const item = itemAt(itemStart, place);
    const at = place - itemStart[item]!;
    const state = this.stateOf(item, i - n + 1, i, scan);
    state.run = place === state.lastPlace + 1 && word === state.lastWord + 1 ? state.run + 1 : 1;
    if (state.run + n - 1 > state.longest) state.longest = state.run + n - 1;
    state.lastPlace = place;
    state.lastWord = word;
    const bit = 1 << (at & 31);
    if ((state.seen[at >>> 5]! & bit) !== 0) return;
    state.seen[at >>> 5]! |= bit;
    state.found[ngramPart(at, n, problemWords[item]!)]++;
  }

  /** A problem of fewer than n words: all of it must be there. */
  private shortHit(item: number, word: number, i: number, scan: Scan): void {
    const { itemStart, problemWords, options } = this.data;
    const count = problemWords[item]!;
    if (word < count - 1 || !this.agrees(itemStart[item]!, count, i, options.numbers === 'same')) return;
    const state = this.stateOf(item, i - count + 1, i, scan);
    state.wholeShort = true;
    if (count > state.longest) state.longest = count;
  }

  private nearHit(place: number, word: number, i: number, scan: Scan): void {
    const { itemStart, problemWords, options } = this.data;
    const { nearN } = options;
    if (!this.agrees(place, nearN, i, true)) return;
    const item = itemAt(itemStart, place);
    const at = place - itemStart[item]!;
    if (at < problemWords[item]! && problemWords[item]! < options.n) {
      this.shortHit(item, word, i, scan);
      return;
    }
    const part = item * 2 + (at < problemWords[item]! ? 0 : 1);
    const { from, to } = partBounds(this.data, part);
    scan.tracker.add(part, place - from, to - from, word - nearN + 1, this.buffer.start[i - nearN + 1]!);
  }

  private stateOf(item: number, first: number, last: number, scan: Scan): ItemState {
    let state = scan.items.get(item);
    if (state === undefined) {
      const words = this.data.itemStart[item + 1]! - this.data.itemStart[item]!;
      state = {
        at: this.buffer.start[first]!,
        end: this.buffer.end[last]!,
        found: [0, 0, 0],
        seen: new Uint32Array((words >>> 5) + 1),
        wholeShort: false,
        lastPlace: -2,
        lastWord: -2,
        run: 0,
        longest: 0,
      };
      scan.items.set(item, state);
    }
    return state;
  }

  private result(text: string, words: number, scan: Scan): ScanResult {
    const { data } = this;
    const aligned = measureAlignments(text, scan.tracker.alignments(), data);
    const best = new Map<number, MeasuredAlignment>();
    let similarity = 0;
    for (const alignment of aligned) {
      if (Number.isNaN(alignment.similarity)) continue;
      if (alignment.similarity > similarity) similarity = alignment.similarity;
      const known = best.get(alignment.part >>> 1);
      if (known === undefined || alignment.similarity > known.similarity)
        best.set(alignment.part >>> 1, alignment);
    }
    const exact = [...scan.items]
      .map(([item, state]) => ({ item, match: this.exactMatch(text, item, state, best.get(item)) }))
      .sort((a, b) => largestShare(b.match) - largestShare(a.match) || a.item - b.item)
      .map(({ match }) => match);
    const near = [...best]
      .filter(([item, { similarity }]) => similarity >= data.options.nearSimilarity && !scan.items.has(item))
      .sort(([a, x], [b, y]) => y.similarity - x.similarity || a - b);
    return {
      words,
      exact: exact.slice(0, mostReported),
      exactItems: exact.length,
      near: near.slice(0, mostReported).map(([item, alignment]) => ({
        ...this.nameOf(item),
        part: alignment.part % 2 === 0 ? 'problem' : 'solution',
        ngram: excerpt(text, alignment.at, alignment.at + longestExcerpt),
        at: alignment.at,
        matched: alignment.share,
        similarity: alignment.similarity,
      })),
      nearItems: near.length,
      share: exact.reduce((most, match) => Math.max(most, largestShare(match)), 0),
      similarity,
    };
  }

  private exactMatch(
    text: string,
    item: number,
    state: ItemState,
    aligned: MeasuredAlignment | undefined,
  ): ExactMatch {
    const { totals } = this.data;
    const [problem, solution, across] = state.found;
    const all = totals[item * 3]! + totals[item * 3 + 1]! + totals[item * 3 + 2]!;
    const inProblem = problem > 0 || state.wholeShort;
    return {
      ...this.nameOf(item),
      part: across > 0 || (inProblem && solution > 0) ? 'both' : inProblem ? 'problem' : 'solution',
      ngram: excerpt(text, state.at, Math.min(state.end, state.at + longestExcerpt)),
      at: state.at,
      matched: (problem + solution + across) / all,
      problem: state.wholeShort ? 1 : problem / totals[item * 3]!,
      solution: solution / totals[item * 3 + 1]!,
      run: state.longest,
      similarity: aligned?.similarity ?? Number.NaN,
    };
  }

  private nameOf(item: number): { benchmark: string; item: string } {
    return {
      benchmark: this.data.benchmarks[this.data.benchmarkOf[item]!]!,
      item: this.data.items[item]!,
    };
  }
}

/** Writes the words of [from, to) whose n-gram may be in the table to `found`; returns how many. A loop of nothing but loads. */
function probe(table: NgramTable, keys: Uint32Array, from: number, to: number, found: Uint32Array): number {
  const { present } = table;
  const shift = 32 - (table.bits + 4);
  let count = 0;
  for (let i = from; i < to; i++) {
    const bit = keys[i]! >>> shift;
    if (((present[bit >>> 5]! >>> (bit & 31)) & 1) === 1) found[count++] = i;
  }
  return count;
}

/** The largest of a match's shares. */
export function largestShare(match: ExactMatch): number {
  let most = 0;
  for (const share of [match.matched, match.problem, match.solution]) if (share > most) most = share;
  return most;
}

function excerpt(text: string, from: number, to: number): string {
  return text.slice(from, to).replace(/\s+/g, ' ').trim().toWellFormed();
}

function nothing(words: number): ScanResult {
  return { words, exact: [], exactItems: 0, near: [], nearItems: 0, share: 0, similarity: 0 };
}
