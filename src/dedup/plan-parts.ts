/**
 * Cuts the comparison of all signatures into parts that are independent of each other: a band, and a range of its keys. Keys are hashes,
 * so equal ranges hold about equally many documents, and a part is made so small that its table fits the memory given.
 */
import { invariant } from '../core/errors.ts';

export interface DedupPart {
  band: number;
  /** Keys whose high word is in [from, to); to is at most 2^32. */
  from: number;
  to: number;
}

/** Memory of a part's table. Two workers and their buffers stay far below a gigabyte. */
const partMemoryBytes = 64 << 20;
/** Bytes a different key takes in the table, which is at most half full by plan. */
const tableBytesPerKey = 32;

/** A table that fits a processor's cache is twice as fast (one million documents: 3.4 s instead of 6.6 s), so more parts than memory asks for... */
const quickKeys = 1 << 16;
/** ...but not so many of a band that opening the files for each costs more than that. */
const mostQuickRanges = 32;

/** The parts, band by band; `documents`: of all units together. */
export function planParts(documents: number, bands: number, memoryBytes = partMemoryBytes): DedupPart[] {
  return cutParts(bands, planRanges(documents, memoryBytes));
}

/** Into how many ranges the keys of a band are cut. */
export function planRanges(documents: number, memoryBytes = partMemoryBytes): number {
  invariant(documents >= 0 && memoryBytes > 0, 'a plan of parts needs documents and memory');
  return Math.max(
    1,
    Math.ceil((documents * tableBytesPerKey) / memoryBytes),
    Math.min(mostQuickRanges, Math.ceil(documents / quickKeys)),
  );
}

/** Every band in so many ranges, band by band. What the clusters are does not depend on their number. */
export function cutParts(bands: number, ranges: number): DedupPart[] {
  invariant(bands >= 1 && ranges >= 1, 'a cut into parts needs bands and ranges');
  const bound = (i: number): number => Math.floor((2 ** 32 * i) / ranges);
  return Array.from({ length: bands * ranges }, (_, i) => {
    const range = i % ranges;
    return { band: Math.floor(i / ranges), from: bound(range), to: bound(range + 1) };
  });
}
