/**
 * The numbers 0 .. n - 1 in a pseudo-random order that a key decides, without holding them: the order of one pass over a source.
 *
 * Up to 4096 numbers are shuffled (Fisher-Yates). More go through a Feistel network of eight rounds over the next even number of bits;
 * what falls outside is sent through again until it falls inside (cycle walking), at most four times on average. A Feistel network is a
 * permutation whatever its round function, so every number comes exactly once.
 * Gives up: cryptographic strength; it only has to be uniform and without visible structure (test/stages/document-permutation.test.ts).
 * Source: Luby and Rackoff 1988; Black and Rogaway 2002, "Ciphers with arbitrary finite domains".
 */
import { Random } from '../core/random.ts';

const shuffled = 4096;
const rounds = 8;

/** Numbers 0 .. n - 1, n up to 2^48, each once, in the order of `key`; those from place `from` on. What is before costs nothing. */
export function* permutedNumbers(n: number, key: string, from = 0): Generator<number> {
  if (n <= shuffled) {
    yield* new Random(key).shuffle(Array.from({ length: n }, (_, i) => i)).slice(from);
    return;
  }
  const permute = permutationOf(n, key);
  for (let i = from; i < n; i++) yield permute(i);
}

/** The number at place `i`, for more numbers than are shuffled. */
function permutationOf(n: number, key: string): (i: number) => number {
  const half = Math.ceil(Math.ceil(Math.log2(n)) / 2);
  const side = 2 ** half;
  const mask = side - 1;
  const random = new Random(key);
  const keys = Uint32Array.from({ length: rounds }, () => random.uint32());
  return (i) => {
    let x = i;
    do {
      let left = Math.floor(x / side);
      let right = x % side;
      for (let round = 0; round < rounds; round++) {
        const next = left ^ (mix(right ^ keys[round]!) & mask);
        left = right;
        right = next;
      }
      x = left * side + right;
    } while (x >= n);
    return x;
  };
}

/** A 32-bit finaliser (lowbias32 by C. Wellons). */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
