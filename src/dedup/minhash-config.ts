/**
 * The parameters of MinHash dedup and what they mean: bands x rows hashes a document, and two documents are candidates when all
 * hashes of one band agree. With r rows a band and b bands, documents of Jaccard similarity J match with probability 1 - (1 - J^r)^b;
 * the curve is steepest near (1/b)^(1/r). Tools swap the two names (datatrove: buckets and hashes per bucket), so texts here say both.
 *
 * Source: Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4; presets: datatrove 0.10 (MinhashConfig),
 * FineWeb, MegaMath (arXiv 2504.02807), FineMath (arXiv 2502.02737).
 */
import { UserError } from '../core/errors.ts';

export interface MinHashConfig {
  /** Words in a shingle. */
  ngram: number;
  /** Bands, b (datatrove: num_buckets). */
  bands: number;
  /** Hashes in a band, r (datatrove: hashes_per_bucket). */
  rows: number;
  /** Seed of the permutations. */
  seed: number;
  /** Bits of a hash. */
  bits: 32 | 64;
  /** Hash function of a shingle: xxHash (XXH32 or XXH64), or the first bytes of SHA-1. */
  hash: 'xxhash' | 'sha1';
}

/** Seed 1 and 5-grams throughout, as all four pipelines have them or leave them at datatrove's default. */
export const minHashPresets = {
  datatrove: { ngram: 5, bands: 14, rows: 8, seed: 1, bits: 64, hash: 'xxhash' },
  fineweb: { ngram: 5, bands: 14, rows: 8, seed: 1, bits: 64, hash: 'sha1' },
  megamath: { ngram: 5, bands: 11, rows: 10, seed: 1, bits: 64, hash: 'xxhash' },
  finemath: { ngram: 5, bands: 1, rows: 10, seed: 1, bits: 64, hash: 'xxhash' },
} as const satisfies Record<string, MinHashConfig>;

/** Jaccard similarity around which a pair becomes more likely than not to match: (1/b)^(1/r). */
export function lshThreshold(config: Pick<MinHashConfig, 'bands' | 'rows'>): number {
  return (1 / config.bands) ** (1 / config.rows);
}

/** Probability that two documents of this Jaccard similarity share a band: 1 - (1 - J^r)^b. */
export function matchProbability(config: Pick<MinHashConfig, 'bands' | 'rows'>, jaccard: number): number {
  return 1 - (1 - jaccard ** config.rows) ** config.bands;
}

/** One line for plans: both names of bands and rows, the threshold, and the probability of a match at three similarities. */
export function describeMinHash(config: MinHashConfig): string {
  const at = [0.7, 0.8, 0.9].map(
    (jaccard) => `${matchProbability(config, jaccard).toFixed(3)} at ${jaccard.toFixed(1)}`,
  );
  return (
    `${config.ngram}-grams of words, ${config.bands} bands (buckets) x ${config.rows} rows (hashes per bucket) = ` +
    `${config.bands * config.rows} hashes; Jaccard threshold ${lshThreshold(config).toFixed(3)}; P(match) ${at.join(', ')}`
  );
}

/** What signatures mean: two files may be compared only if their tags are equal. */
export function minHashTag(config: MinHashConfig): string {
  const { ngram, bands, rows, seed, bits, hash } = config;
  return `minhash-1 ngram ${ngram} bands ${bands} rows ${rows} seed ${seed} ${hash}${bits}`;
}

const ranges = {
  ngram: [1, 100],
  bands: [1, 1024],
  rows: [1, 1024],
  seed: [0, 2 ** 32 - 1],
} as const;
/** Most hashes a document; 8 bytes each per document at work, and time is linear in them. */
const mostHashes = 16384;

/** Throws a UserError that names the key, its value and what is allowed. `place`: where the config stands. */
export function checkMinHashConfig(config: MinHashConfig, place = 'minhash'): void {
  for (const [key, [low, high]] of Object.entries(ranges)) {
    const value = config[key as keyof typeof ranges];
    if (!Number.isInteger(value) || value < low || value > high) {
      throw new UserError(
        `${place}.${key} is ${String(value)}; it must be a whole number from ${low} to ${high}`,
      );
    }
  }
  if (config.bands * config.rows > mostHashes) {
    throw new UserError(
      `${place}: ${config.bands} bands x ${config.rows} rows are ${config.bands * config.rows} hashes a document; at most ${mostHashes} are possible`,
    );
  }
  if (config.bits !== 32 && config.bits !== 64) {
    throw new UserError(`${place}.bits is ${String(config.bits)}; it must be 32 or 64`);
  }
  if (config.hash !== 'xxhash' && config.hash !== 'sha1') {
    throw new UserError(`${place}.hash is "${String(config.hash)}"; it must be xxhash or sha1`);
  }
}
