/**
 * The dictionary of a fastText model file: words, then labels, with their counts; and which hashed features a pruned model kept.
 *
 * Entries become one run of bytes with start offsets, found by open addressing over fastText's own hash. Word counts serve training
 * only and are dropped; label counts are kept, because the tree of a hierarchical softmax is built from them.
 * Source: fastText 0.9.3, dictionary.cc (load, find, pushHash).
 */
import type { FileCursor } from './file-cursor.ts';
import {
  bytesOf,
  doubles,
  type FastTextData,
  hashBytes,
  int32s,
  type Section,
  sameBytes,
  uint32s,
} from './model-data.ts';

/** Longest word or label accepted, in bytes. */
export const longestWord = 1 << 18;
/** Steps of searching allowed per entry when the tables are made (1 or 2 are usual): a file made to collide is refused. */
const probesPerEntry = 64;

export interface Dictionary {
  words: number;
  labels: number;
  /** Kept hashed features, -1 when the model is not pruned. */
  pruned: number;
  /** Largest row that a kept feature is mapped to, -1 for none. */
  highestKept: number;
  bytes: Uint8Array;
  starts: Uint32Array;
  labelCounts: Float64Array;
  /** (bucket, row) pairs. */
  kept: Int32Array;
}

/** Reads the dictionary; leaves the cursor behind it. */
export async function readDictionary(cursor: FileCursor): Promise<Dictionary> {
  await cursor.need(3 * 4 + 2 * 8);
  const entries = cursor.int32();
  const words = cursor.int32();
  const labels = cursor.int32();
  cursor.int64('number of tokens');
  const pruned = cursor.int64('number of kept features');
  if (words < 0 || labels < 0 || entries !== words + labels) {
    cursor.fail(`claims ${entries} dictionary entries, ${words} words and ${labels} labels`);
  }
  if (labels === 0) cursor.fail('has no labels, so it is not a classifier');
  if (pruned < -1) cursor.fail(`claims ${pruned} kept features`);
  cursor.expect(entries, 10, 'dictionary entries');

  let bytes = new Uint8Array(Math.min(cursor.left, entries * 12));
  let used = 0;
  const starts = new Uint32Array(entries + 1);
  const labelCounts = new Float64Array(labels);
  for (let entry = 0; entry < entries; entry++) {
    if (cursor.buffered < longestWord + 10) await cursor.need(Math.min(cursor.left, longestWord + 10));
    const word = cursor.untilZero(longestWord);
    if (word === undefined)
      cursor.fail(`has no end of dictionary entry ${entry} within ${longestWord} bytes`);
    await cursor.need(9);
    const count = cursor.int64(`count of dictionary entry ${entry}`);
    const type = cursor.byte();
    if (type !== (entry < words ? 0 : 1)) cursor.fail(`has type ${type} in dictionary entry ${entry}`);
    if (entry >= words) {
      // The tree of a hierarchical softmax is only well formed below fastText's own "infinite" count.
      if (count < 0 || count >= 1e15) cursor.fail(`claims that a label occurred ${count} times`);
      labelCounts[entry - words] = count;
    }
    if (used + word.length > bytes.length) {
      const larger = new Uint8Array(Math.max(bytes.length * 2, used + word.length));
      larger.set(bytes.subarray(0, used));
      bytes = larger;
    }
    bytes.set(word, used);
    used += word.length;
    if (used > 0xffffffff) cursor.fail('has a dictionary of more than 4 GiB');
    starts[entry + 1] = used;
  }
  const { kept, highestKept } = await readKept(cursor, pruned);
  return { words, labels, pruned, highestKept, bytes: bytes.subarray(0, used), starts, labelCounts, kept };
}

async function readKept(
  cursor: FileCursor,
  pruned: number,
): Promise<{ kept: Int32Array; highestKept: number }> {
  const count = Math.max(0, pruned);
  cursor.expect(count, 8, 'kept features');
  const kept = new Int32Array(2 * count);
  let highestKept = -1;
  for (let pair = 0; pair < count; pair++) {
    await cursor.need(8);
    const bucket = cursor.int32();
    const row = cursor.int32();
    if (bucket < 0 || row < 0) cursor.fail(`maps kept feature ${bucket} to row ${row}`);
    kept[2 * pair] = bucket;
    kept[2 * pair + 1] = row;
    highestKept = Math.max(highestKept, row);
  }
  return { kept, highestKept };
}

/** Plans the dictionary's sections; `fill` writes them once the block exists. */
export function layDictionary(
  dictionary: Dictionary,
  fail: (problem: string) => never,
  place: (length: number, bytes: number) => Section,
): { sections: FastTextData['dictionary']; fill: (memory: WebAssembly.Memory) => void } {
  const entries = dictionary.words + dictionary.labels;
  const pairs = dictionary.kept.length / 2;
  const sections = {
    bytes: place(dictionary.bytes.length, 1),
    table: place(4 * tableSize(entries), 4),
    labelStarts: place(dictionary.labels + 1, 4),
    labelCounts: place(dictionary.labels, 8),
    kept: place(pairs === 0 ? 0 : 2 * tableSize(pairs), 4),
  };
  return { sections, fill: (memory) => fillDictionary(dictionary, fail, sections, memory) };
}

/** A power of two at most three quarters full. */
function tableSize(entries: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, entries) * (4 / 3)));
}

function fillDictionary(
  dictionary: Dictionary,
  fail: (problem: string) => never,
  sections: FastTextData['dictionary'],
  memory: WebAssembly.Memory,
): void {
  const { bytes, starts, words, labels } = dictionary;
  bytesOf(memory, sections.bytes).set(bytes);
  uint32s(memory, sections.labelStarts).set(starts.subarray(words));
  doubles(memory, sections.labelCounts).set(dictionary.labelCounts);
  const kept = int32s(memory, sections.kept).fill(-1);
  const table = int32s(memory, sections.table).fill(-1);
  const mask = table.length / 4 - 1;
  let budget = probesPerEntry * (words + labels + kept.length) + 1_000_000;
  for (let entry = 0; entry < words + labels; entry++) {
    const start = starts[entry]!;
    const end = starts[entry + 1]!;
    const hash = hashBytes(bytes, start, end) | 0;
    let slot = hash & mask;
    // Of entries with the same bytes the last counts, as in fastText.
    while (table[4 * slot + 1]! >= 0 && !sameWord(table, 4 * slot, bytes, start, end, hash)) {
      slot = (slot + 1) & mask;
      budget--;
    }
    if (budget < 0) fail('has a dictionary made of words with the same hash');
    table[4 * slot] = hash;
    table[4 * slot + 1] = entry;
    table[4 * slot + 2] = start;
    table[4 * slot + 3] = end - start;
  }
  const keptMask = kept.length / 2 - 1;
  for (let pair = 0; pair < dictionary.kept.length; pair += 2) {
    const bucket = dictionary.kept[pair]!;
    let slot = keptSlot(bucket) & keptMask;
    while (kept[2 * slot]! >= 0 && kept[2 * slot] !== bucket) {
      slot = (slot + 1) & keptMask;
      budget--;
    }
    if (budget < 0) fail('has kept features chosen to collide');
    kept[2 * slot] = bucket;
    kept[2 * slot + 1] = dictionary.kept[pair + 1]!;
  }
}

/** Where the search for a bucket begins in the table of kept features (before masking). */
export function keptSlot(bucket: number): number {
  const mixed = Math.imul(bucket, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** Whether the table's entry at `at` has the bytes [start, end). */
function sameWord(
  table: Int32Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  hash: number,
): boolean {
  return (
    table[at] === hash &&
    table[at + 3] === end - start &&
    sameBytes(bytes, start, end, bytes, table[at + 2]! >>> 0)
  );
}
