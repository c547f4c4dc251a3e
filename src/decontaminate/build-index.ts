/**
 * Makes the index of benchmark items that documents are scanned with.
 *
 * Each item is its problem followed by its solution, as words (word-reader.ts). Every n-gram of it leads to the item, unless
 *   - it is weak: fewer than `minWords` words of two letters or more, so it is numbers, letters and marks that any page may hold. A problem (or
 *     item) whose n-grams are all weak keeps those that have one word;
 *   - it is common: in more than `maxItems` items, so it is a template ("how many different ways are there to ..."). An item whose n-grams are
 *     all common (GSM-Symbolic has a hundred variants of each problem) keeps them: a rule never makes an item invisible;
 *   - the same item has it already.
 * Each rule drops that one n-gram and is counted; MegaMath's filter kept the whole document when it met one such n-gram. A problem of
 * fewer than n words is looked for as a whole from `shortest` words on. Near misses have n-grams of their own, shorter, with all numbers one
 * word, inside the problem or inside the solution.
 * Source: MegaMath (arXiv 2504.02807, 2.1), FineMath (13-grams); Brown et al. 2020, appendix C (ignoring frequent n-grams).
 */
import type { BenchmarkItem } from './benchmark-item.ts';
import { ContaminationIndex } from './contamination-index.ts';
import { type ContaminationOptions, resolveOptions } from './contamination-options.ts';
import { type BenchmarkCounts, type IndexData, itemAt, ngramPart } from './index-data.ts';
import { nearWords } from './near-similarity.ts';
import { ngramHash } from './ngram-hash.ts';
import { NgramList, ngramTable } from './ngram-table.ts';
import { readWords, wordKind } from './word-reader.ts';

/** Places that one n-gram may lead to. */
const mostPlaces = 64;
/** Near n-grams of more problems than this lead nowhere. */
const mostNearOwners = 32;
const uncheckedShown = 20;

/**
 * The index of `items`. Order matters only for the order of reports. The same items and options give the same bytes.
 * Throws a `UserError` for options that cannot be.
 */
export function buildIndex(
  items: readonly BenchmarkItem[],
  options: ContaminationOptions = {},
): ContaminationIndex {
  return new ContaminationIndex(indexData(items, options));
}

function indexData(items: readonly BenchmarkItem[], options: ContaminationOptions): IndexData {
  const resolved = resolveOptions(options);
  const { n, nearN, minWords } = resolved;
  const maskExact = resolved.numbers === 'same';
  const benchmarks = [...new Set(items.map((item) => item.benchmark))];
  const counts = benchmarks.map(emptyCounts);
  const benchmarkOf = Uint32Array.from(items, (item) => benchmarks.indexOf(item.benchmark));
  const itemStart = new Uint32Array(items.length + 1);
  const problemWords = new Uint32Array(items.length);
  const shortItems = new Uint8Array(items.length);
  const words: Uint32Array[] = [];
  const exact = new NgramList();
  const near = new NgramList();

  items.forEach((item, i) => {
    const count = counts[benchmarkOf[i]!]!;
    const problem = readWords(item.problem, resolved);
    const solution = readWords(item.solution, resolved);
    const total = problem.count + solution.count;
    const start = itemStart[i]!;
    const hash = new Uint32Array(total);
    hash.set(problem.words.hash.subarray(0, problem.count));
    hash.set(solution.words.hash.subarray(0, solution.count), problem.count);
    const real = wordsBefore(hash, [problem, solution], false);
    const unmasked = wordsBefore(hash, [problem, solution], true);
    words.push(hash);
    itemStart[i + 1] = start + total;
    problemWords[i] = problem.count;
    count.items++;
    count.words += total;

    const wordsIn = (at: number): number => real[at + n]! - real[at]!;
    const strong = (from: number, to: number): boolean => {
      for (let at = from; at + n <= to; at++) if (wordsIn(at) >= minWords) return true;
      return false;
    };
    // A rule must not hide an item, nor a problem that is long enough: where all n-grams are weak, those with one word stay.
    const weakProblem = problem.count >= n && !strong(0, problem.count);
    const weakItem = total >= n && !strong(0, total);
    if (weakProblem || weakItem) count.onlyWeak++;
    for (let at = 0; at + n <= total; at++) {
      count.ngrams++;
      const fallsBack = weakItem || (weakProblem && at + n <= problem.count);
      if (wordsIn(at) < (fallsBack ? Math.min(1, minWords) : minWords)) {
        count.weak++;
        continue;
      }
      const { bucket, check } = ngramHash(hash, at, n, maskExact);
      exact.push(bucket, check, start + at);
    }
    const shortWords = Math.min(1, minWords);
    if (problem.count < n && problem.count >= resolved.shortest && real[problem.count]! >= shortWords) {
      const at = problem.count - nearN;
      const { bucket, check } = ngramHash(hash, at, nearN, true);
      near.push(bucket, check, start + at);
      shortItems[i] = 1;
      count.short++;
    }
    if (!resolved.near) return;
    for (const [from, to] of [
      [0, problem.count],
      [problem.count, total],
    ] as const) {
      if (to - from < n) continue;
      for (let at = from; at + nearN <= Math.min(to, from + nearWords); at++) {
        if (unmasked[at + nearN]! - unmasked[at]! < Math.ceil(nearN / 2)) continue;
        const { bucket, check } = ngramHash(hash, at, nearN, true);
        near.push(bucket, check, start + at);
      }
    }
  });

  const kept = selectExact(exact, items, itemStart, resolved.maxItems, counts, benchmarkOf);
  const partOf = (place: number): number => {
    const item = itemAt(itemStart, place);
    return item * 2 + (place - itemStart[item]! < problemWords[item]! ? 0 : 1);
  };
  // Looked for as a whole, so neither common nor repeated.
  const isShort = (place: number): boolean => {
    const item = itemAt(itemStart, place);
    return place - itemStart[item]! < problemWords[item]! && problemWords[item]! < n;
  };
  selectNear(near, partOf, isShort);

  const totals = new Uint32Array(items.length * 3);
  for (let entry = 0; entry < exact.size; entry++) {
    const place = exact.places[entry]!;
    const item = itemAt(itemStart, place);
    totals[item * 3 + ngramPart(place - itemStart[item]!, n, problemWords[item]!)]!++;
  }
  const nearTotals = new Uint32Array(items.length * 2);
  for (let entry = 0; entry < near.size; entry++) nearTotals[partOf(near.places[entry]!)]!++;
  items.forEach((item, i) => {
    if (kept[i]! > 0 || shortItems[i] === 1) return;
    const count = counts[benchmarkOf[i]!]!;
    if (++count.unchecked <= uncheckedShown) count.uncheckedItems.push(item.item);
  });

  return {
    options: resolved,
    benchmarks,
    items: items.map((item) => item.item),
    counts,
    benchmarkOf,
    words: concatenated(words, itemStart[items.length]!),
    itemStart,
    problemWords,
    totals,
    nearTotals,
    exact: ngramTable(exact),
    near: ngramTable(near),
  };
}

function emptyCounts(benchmark: string): BenchmarkCounts {
  return {
    benchmark,
    items: 0,
    words: 0,
    ngrams: 0,
    kept: 0,
    weak: 0,
    common: 0,
    repeated: 0,
    capped: 0,
    onlyWeak: 0,
    onlyCommon: 0,
    short: 0,
    unchecked: 0,
    uncheckedItems: [],
  };
}

type Read = ReturnType<typeof readWords>;

/** Before each word, how many words of two letters or more there are; number words do not count when `masked`. */
function wordsBefore(hash: Uint32Array, parts: readonly Read[], masked: boolean): Uint32Array {
  const before = new Uint32Array(hash.length + 1);
  let at = 0;
  for (const { count, words } of parts) {
    for (let i = 0; i < count; i++, at++) {
      const isWord = words.kind[i] === wordKind.word && !(masked && (words.hash[i]! & 1) === 1);
      before[at + 1] = before[at]! + (isWord ? 1 : 0);
    }
  }
  return before;
}

/** Applies the rules to the sorted list and counts; returns the n-grams kept of each item. */
function selectExact(
  list: NgramList,
  items: readonly BenchmarkItem[],
  itemStart: Uint32Array,
  maxItems: number,
  counts: BenchmarkCounts[],
  benchmarkOf: Uint32Array,
): Uint32Array {
  list.sort();
  const owners = new Uint32Array(list.size);
  const common = new Uint8Array(list.size);
  const own = new Uint32Array(items.length);
  for (let from = 0; from < list.size; ) {
    const to = list.groupEnd(from);
    let distinct = 0;
    for (let entry = from; entry < to; entry++) {
      owners[entry] = itemAt(itemStart, list.places[entry]!);
      if (entry === from || owners[entry] !== owners[entry - 1]) distinct++;
    }
    for (let entry = from; entry < to; entry++) {
      if (distinct > maxItems) common[entry] = 1;
      else own[owners[entry]!]!++;
    }
    from = to;
  }
  const kept = new Uint32Array(items.length);
  const fellBack = new Uint8Array(items.length);
  let group = 0;
  let groupEnd = 0;
  let places = 0;
  let before = -1;
  const keep = new Uint8Array(list.size);
  for (let entry = 0; entry < list.size; entry++) {
    if (entry === groupEnd) {
      group = entry;
      groupEnd = list.groupEnd(group);
      places = 0;
      before = -1;
    }
    const owner = owners[entry]!;
    const count = counts[benchmarkOf[owner]!]!;
    if (owner === before) count.repeated++;
    else if (common[entry] === 1 && own[owner]! > 0) count.common++;
    else if (places >= mostPlaces) count.capped++;
    else {
      keep[entry] = 1;
      places++;
      count.kept++;
      kept[owner]!++;
      if (common[entry] === 1 && fellBack[owner] === 0) {
        fellBack[owner] = 1;
        count.onlyCommon++;
      }
    }
    before = owner;
  }
  list.filter((entry) => keep[entry] === 1);
  return kept;
}

/** Near n-grams: the first of each in a problem or solution, and none that more than `mostNearOwners` of them have. */
function selectNear(
  list: NgramList,
  partOf: (place: number) => number,
  isShort: (place: number) => boolean,
): void {
  list.sort();
  const keep = new Uint8Array(list.size);
  for (let from = 0; from < list.size; ) {
    const to = list.groupEnd(from);
    const first: number[] = [];
    let before = -1;
    let shorts = 0;
    for (let entry = from; entry < to; entry++) {
      const place = list.places[entry]!;
      if (isShort(place)) {
        if (shorts++ < mostPlaces) keep[entry] = 1;
        continue;
      }
      const owner = partOf(place);
      if (owner !== before && first.length <= mostNearOwners) first.push(entry);
      before = owner;
    }
    if (first.length <= mostNearOwners) for (const entry of first) keep[entry] = 1;
    from = to;
  }
  list.filter((entry) => keep[entry] === 1);
}

function concatenated(parts: readonly Uint32Array[], length: number): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
