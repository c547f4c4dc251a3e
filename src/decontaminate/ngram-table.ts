/**
 * A read-only table from n-gram hashes to the places where the n-grams stand in the benchmarks, made of four typed arrays that are used
 * as they lie in a file (or in memory shared by threads).
 *
 * Entries are sorted by bucket, then check, then place; `directory[b]` is the first entry of bucket b. A bit field of 16 to 32 bits an entry answers
 * "not there" for at least 15 of 16 words of a document without touching the rest: it is what stays in the processor's cache.
 * Memory per entry: 8 bytes, 4 to 8 for the directory, 2 to 4 for the bits.
 */

export interface NgramTable {
  /** Bits of a hash that choose the bucket. */
  readonly bits: number;
  /** 2^bits + 1 positions in `checks`. */
  readonly directory: Uint32Array;
  readonly checks: Uint32Array;
  /** Place of the n-gram's first word among all words of the index. */
  readonly places: Uint32Array;
  /** 2^(bits + 4) bits. */
  readonly present: Uint32Array;
}

/** Unsorted n-grams on their way into a table. */
export class NgramList {
  buckets = new Uint32Array(1024);
  checks = new Uint32Array(1024);
  places = new Uint32Array(1024);
  size = 0;

  push(bucket: number, check: number, place: number): void {
    if (this.size === this.buckets.length) this.grow();
    this.buckets[this.size] = bucket;
    this.checks[this.size] = check;
    this.places[this.size++] = place;
  }

  private grow(): void {
    const grown = (from: Uint32Array): Uint32Array<ArrayBuffer> => {
      const to = new Uint32Array(from.length * 2);
      to.set(from);
      return to;
    };
    this.buckets = grown(this.buckets);
    this.checks = grown(this.checks);
    this.places = grown(this.places);
  }

  /** Orders by bucket hash, check and place: equal n-grams stand together, in the order of their places. */
  sort(): void {
    const { buckets, checks, places, size } = this;
    const order = sortedOrder(buckets, checks, places, size);
    const taken = (from: Uint32Array): Uint32Array<ArrayBuffer> => {
      const to = new Uint32Array(Math.max(size, 1));
      for (let i = 0; i < size; i++) to[i] = from[order[i]!]!;
      return to;
    };
    this.buckets = taken(buckets);
    this.checks = taken(checks);
    this.places = taken(places);
  }

  /** Keeps the entries for which `keep` is true, in order. */
  filter(keep: (entry: number) => boolean): void {
    let to = 0;
    for (let entry = 0; entry < this.size; entry++) {
      if (!keep(entry)) continue;
      this.buckets[to] = this.buckets[entry]!;
      this.checks[to] = this.checks[entry]!;
      this.places[to++] = this.places[entry]!;
    }
    this.size = to;
  }

  /** One past the last entry of the same n-gram as `entry`. The list must be sorted. */
  groupEnd(entry: number): number {
    let to = entry + 1;
    while (
      to < this.size &&
      this.buckets[to] === this.buckets[entry] &&
      this.checks[to] === this.checks[entry]
    )
      to++;
    return to;
  }
}

/** Radix sort by bucket (stable, so places stay in order), then by check inside the few equal buckets. */
function sortedOrder(
  buckets: Uint32Array,
  checks: Uint32Array,
  places: Uint32Array,
  size: number,
): Uint32Array {
  let order = Uint32Array.from({ length: size }, (_, i) => i);
  let other = new Uint32Array(size);
  for (const shift of [0, 16]) {
    const counts = new Uint32Array(0x10001);
    for (let i = 0; i < size; i++) counts[((buckets[i]! >>> shift) & 0xffff) + 1]!++;
    for (let i = 0; i < 0x10000; i++) counts[i + 1]! += counts[i]!;
    for (let i = 0; i < size; i++) {
      const entry = order[i]!;
      other[counts[(buckets[entry]! >>> shift) & 0xffff]!++] = entry;
    }
    [order, other] = [other, order];
  }
  for (let from = 0; from < size; ) {
    let to = from + 1;
    while (to < size && buckets[order[to]!] === buckets[order[from]!]) to++;
    if (to - from > 1)
      order.subarray(from, to).sort((a, b) => checks[a]! - checks[b]! || places[a]! - places[b]!);
    from = to;
  }
  return order;
}

/** The table of a sorted list. The same list gives the same bytes. */
export function ngramTable(list: NgramList): NgramTable {
  const { size } = list;
  let bits = 4;
  while (2 ** bits < size && bits < 27) bits++;
  const shift = 32 - bits;
  const directory = new Uint32Array(2 ** bits + 1);
  const present = new Uint32Array(2 ** (bits - 1));
  const presentShift = 32 - (bits + 4);
  for (let i = 0; i < size; i++) {
    directory[(list.buckets[i]! >>> shift) + 1]!++;
    const bit = list.buckets[i]! >>> presentShift;
    present[bit >>> 5]! |= 1 << (bit & 31);
  }
  for (let b = 0; b < 2 ** bits; b++) directory[b + 1]! += directory[b]!;
  return {
    bits,
    directory,
    checks: list.checks.slice(0, size),
    places: list.places.slice(0, size),
    present,
  };
}
