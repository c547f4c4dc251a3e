/**
 * The hash of n words in a row, rolled from word to word: two 32-bit polynomials over the words' hashes, 64 bits in all.
 *
 * `bucket` chooses the place in a table and `check` is compared there. Both are mixed once more before use, since a polynomial's low bits
 * are weak. Numbers may be read as one word (`masked`), so that `16 eggs` and `23 eggs` are the same n-gram.
 */

export const bucketBase = 0x9e3779b1 | 0;
export const checkBase = 0x85ebca77 | 0;
/** What a number is to a masked n-gram. */
export const maskedNumber = 0x2545f491 | 0;

/** base^n modulo 2^32. */
export function power(base: number, n: number): number {
  let result = 1;
  for (let i = 0; i < n; i++) result = Math.imul(result, base);
  return result;
}

/** Spreads a rolled polynomial over all bits (MurmurHash3's last step). */
export function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Both hashes of `words[from .. from + n)`, as rolling gives them, mixed. */
export function ngramHash(
  words: Uint32Array,
  from: number,
  n: number,
  masked: boolean,
): { bucket: number; check: number } {
  let bucket = 0;
  let check = 0;
  for (let i = from; i < from + n; i++) {
    const hash = words[i]!;
    const word = masked && (hash & 1) === 1 ? maskedNumber : hash;
    bucket = (Math.imul(bucket, bucketBase) + word) | 0;
    check = (Math.imul(check, checkBase) + word) | 0;
  }
  return { bucket: mix(bucket), check: mix(check) };
}
