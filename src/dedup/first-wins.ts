/**
 * Exact dedup over any number of units: of the documents with equal signatures the first in (unit order, row) stays.
 *
 * 1. The hash range is cut into equal parts so small that the documents of one part fit the table.
 * 2. For each part, the units are read in order, each giving its entries of that part. A signature not in the table is entered;
 *    one that is there already is a duplicate, and its row joins the unit's drop list.
 * 3. The drop lists are sorted.
 *
 * Memory: one part's entries at 16 bytes and its table at 12 bytes a place, half full or less, plus 4 bytes per duplicate; it does not grow with
 * the number of documents. The result does not depend on the size of the parts or on who wrote the signatures when.
 */
import { entryWords, SignatureReader } from './signature-file.ts';

/** Documents per part on average; a part's table has at least twice as many places. */
export const documentsPerPart = 1 << 20;

/** Rows to drop of each unit, ascending. `paths`: the units' signature files, in unit order. */
export function findDuplicates(
  paths: readonly string[],
  options: { documentsPerPart?: number; onPart?: () => void } = {},
): Uint32Array[] {
  const readers = paths.map((path) => new SignatureReader(path));
  const total = readers.reduce((sum, reader) => sum + reader.count, 0);
  const parts = Math.max(1, Math.ceil(total / (options.documentsPerPart ?? documentsPerPart)));
  const dropped = readers.map(() => [] as number[]);
  for (let part = 0; part < parts; part++) {
    const limit = part === parts - 1 ? 2 ** 32 : Math.floor((2 ** 32 * (part + 1)) / parts);
    const slices = readers.map((reader) => reader.takeBelow(limit));
    markPart(slices, dropped);
    options.onPart?.();
  }
  return dropped.map((rows) => Uint32Array.from(rows).sort());
}

function markPart(slices: readonly Uint32Array[], dropped: number[][]): void {
  const entries = slices.reduce((sum, slice) => sum + slice.length / entryWords, 0);
  let places = 16;
  while (places < entries * 2) places *= 2;
  const table = new Uint32Array(places * 3); // hash high, hash low, bytes + 1 (0 = free)
  for (let unit = 0; unit < slices.length; unit++) {
    const slice = slices[unit]!;
    for (let at = 0; at < slice.length; at += entryWords) {
      const high = slice[at]!;
      const low = slice[at + 1]!;
      const bytes = slice[at + 2]! + 1;
      let place = (low ^ Math.imul(high, 0x9e3779b1)) & (places - 1);
      for (;;) {
        const base = place * 3;
        if (table[base + 2] === 0) {
          table[base] = high;
          table[base + 1] = low;
          table[base + 2] = bytes;
          break;
        }
        if (table[base] === high && table[base + 1] === low && table[base + 2] === bytes) {
          dropped[unit]!.push(slice[at + 3]!);
          break;
        }
        place = (place + 1) & (places - 1);
      }
    }
  }
}
