/** MinHash signatures against what datatrove computes (../shared/parity/minhash-golden.json), and against their definition. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initHash64 } from '../../src/core/hash64.ts';
import { minHashSigner } from '../../src/dedup/document-signature.ts';
import {
  checkMinHashConfig,
  describeMinHash,
  lshThreshold,
  type MinHashConfig,
  matchProbability,
  minHashPresets,
} from '../../src/dedup/minhash-config.ts';
import { minHashKernel } from '../../src/dedup/minhash-kernel.ts';
import { MinHashSigner, permutations } from '../../src/dedup/minhash-signer.ts';
import type { WordSink } from '../../src/dedup/simplified-words.ts';
import { firstFreeByte } from '../../src/dedup/wasm-hashes.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { simplifyText } from '../../src/text/normalise.ts';
import { splitOnWhitespace, splitWords } from '../../src/text/words.ts';
import { clustersOf, removeScratch, runBarrier } from './barrier.ts';

interface Golden {
  constants: Record<string, number>;
  a: string[];
  b: string[];
  examples: {
    text: string;
    hash: 'xxhash' | 'sha1';
    precision: 32 | 64;
    signatureFirstBucket: string[];
    signatureLastBucket: string[];
  }[];
  similarityOfPrefix: { equalHashesOf112: [number, number][] };
  clusterTest: {
    starts: number[][];
    expected: {
      removedPerCluster: number[];
      keptCount: number;
      candidatePairs: [string, string][];
      clusterSizes: number[];
    };
  };
  loremText: string;
}

const path = join(packageRoot(), '..', 'shared', 'parity', 'minhash-golden.json');
const base: MinHashConfig = minHashPresets.datatrove;

beforeAll(() => initHash64());
afterAll(removeScratch);

if (!existsSync(path)) describe('MinHash parity', () => it.skip('needs ../shared/parity', () => {}));
else {
  const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden;
  describe('MinHash parity with datatrove', () => {
    it("draws numpy's permutations", () => {
      const { a, b } = permutations(1, 112);
      expect([...a].map(String)).toEqual(golden.a);
      expect([...b].map(String)).toEqual(golden.b);
    });

    it.each(golden.examples)('has its signature: $hash, $precision bits', (example) => {
      const signer = new MinHashSigner({ ...base, hash: example.hash, bits: example.precision });
      const signature = [...signer.signature(example.text)!].map(String);
      expect(signature.slice(0, 8)).toEqual(example.signatureFirstBucket);
      expect(signature.slice(104)).toEqual(example.signatureLastBucket);
    });

    // These two were made with words as white space separates them; the English splitter takes "id" for "I'd".
    const byWhiteSpace = (text: string, sink: WordSink): void => {
      for (const word of splitOnWhitespace(simplifyText(text))) {
        sink.room(3 * word.length + 1);
        const start = sink.at;
        sink.at += new TextEncoder().encodeInto(word, sink.bytes.subarray(start)).written;
        sink.endWord(start);
      }
    };

    it('has its table of similarities', () => {
      const signer = new MinHashSigner(base, byWhiteSpace);
      const lorem = golden.loremText;
      const whole = signer.signature(lorem)!;
      for (const [percent, equal] of golden.similarityOfPrefix.equalHashesOf112) {
        const cut = Math.floor((lorem.length * percent) / 100);
        // What follows the cut is reversed, one character lost, as upstream's slice loses it.
        const rest = [...lorem.slice(cut + 1)].reverse().join('');
        const other = signer.signature(lorem.slice(0, cut) + rest)!;
        expect(whole.reduce((sum, value, i) => sum + (value === other[i] ? 1 : 0), 0)).toBe(equal);
      }
    });

    it('has its candidate pairs and clusters', async () => {
      const { starts, expected } = golden.clusterTest;
      const documents = starts.flatMap((group, g) =>
        group.map((start, i) => ({ id: `${g}_${i}`, text: golden.loremText.slice(start, start + 400) })),
      );
      const signer = new MinHashSigner(base, byWhiteSpace);
      const keys = documents.map(({ text }) => signer.sign(text)!.slice());
      const pairs: [string, string][] = [];
      for (let i = 0; i < documents.length; i++) {
        for (let j = i + 1; j < documents.length; j++) {
          const sharesBand = Array.from({ length: 14 }, (_, band) => band).some((band) =>
            [0, 1, 2].every((word) => keys[i]![3 * band + word] === keys[j]![3 * band + word]),
          );
          if (sharesBand) pairs.push([documents[i]!.id, documents[j]!.id]);
        }
      }
      expect(pairs).toEqual(expected.candidatePairs);

      const clusters = clustersOf(await runBarrier([documents.map(({ text }) => text)], signer))[0]!;
      const removed = clusters.map((cluster, i) => cluster !== -1 && cluster !== i);
      expect(removed.filter((gone) => !gone).length).toBe(expected.keptCount);
      let at = 0;
      const perGroup = starts.map((group) => removed.slice(at, (at += group.length)).filter(Boolean).length);
      expect(perGroup).toEqual(expected.removedPerCluster);
    });
  });
}

describe('MinHashSigner', () => {
  const p = (1n << 61n) - 1n;
  /** The definition with big integers, over words as the plain functions give them. */
  function reference(text: string, config: MinHashConfig): bigint[] | undefined {
    const words = splitWords(simplifyText(text));
    const { a, b } = permutations(config.seed, config.bands * config.rows);
    const shingles: bigint[] = [];
    for (let i = 0; i + config.ngram <= words.length; i++) {
      const digest = createHash('sha1')
        .update(words.slice(i, i + config.ngram).join(' '))
        .digest();
      shingles.push(config.bits === 64 ? digest.readBigUInt64LE() : BigInt(digest.readUInt32LE()));
    }
    if (shingles.length === 0) return undefined;
    return Array.from(a, (_, k) =>
      shingles
        .map((h) => BigInt.asUintN(64, h * a[k]! + b[k]!) % p)
        .map((value) => (config.bits === 64 ? value : value & 0xffffffffn))
        .reduce((least, value) => (value < least ? value : least)),
    );
  }

  it.each([
    { ngram: 1, bands: 3, rows: 1, seed: 7, bits: 64 },
    { ngram: 5, bands: 11, rows: 10, seed: 1, bits: 64 },
    { ngram: 13, bands: 1, rows: 10, seed: 4294967295, bits: 32 },
  ] as const)('equals its definition with $ngram-grams, $bands x $rows, $bits bits, seed $seed', (shape) => {
    const config: MinHashConfig = { ...shape, hash: 'sha1' };
    const signer = new MinHashSigner(config);
    // More words than fit the signer at once, words longer than its buffer, accents, numbers with units, a surrogate alone.
    const many = Array.from(
      { length: 2500 },
      (_, i) => `w${String.fromCharCode(97 + (i % 26))}x${'y'.repeat(i % 13)}`,
    );
    const texts = [
      many.join(' '),
      `${'a'.repeat(70_000)} ${'é'.repeat(40_000)} b c d e f g h i j k l m n`,
      'It cost 1,000.50 dollars for 5km, don’t you think? Ναΐς ΟΔΟΣ and \ud800 too, that is all there is to say of it.',
      'short',
      '',
      many.slice(0, 40).join('\n'),
    ];
    for (const text of texts) {
      const expected = reference(text, config);
      const actual = signer.signature(text);
      expect(actual === undefined ? undefined : [...actual]).toEqual(expected);
    }
  });

  it('has no signature for a text of fewer words than a shingle', () => {
    const signer = minHashSigner(base);
    expect(signer.sign('one two three four')).toBeUndefined();
    expect(signer.sign(' ,;. ')).toBeUndefined();
    expect(signer.sign('one two three four five')).toBeDefined();
  });

  it('takes the modulus exactly, where it is rare as well', () => {
    // Permutations that give x itself and x + 5, minima over pairs: around multiples of p, where the sum of the upper bits carries.
    const kernel = minHashKernel(65536);
    const [hashes, parameters, minima] = [firstFreeByte, firstFreeByte + 64, firstFreeByte + 256];
    const words = (at: number, count: number): BigUint64Array =>
      new BigUint64Array(kernel.memory.buffer, at, count);
    words(parameters, 8).set([1n, 0n, 1n, 5n, 1n, p - 1n, p - 1n, p - 1n]);
    const around = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n].flatMap((k) =>
      [-9n, -8n, -2n, -1n, 0n, 1n, 7n, 8n].map((d) => k * p + d),
    );
    const values = [...around, 1n << 60n, (1n << 64n) - 1n].map((x) => BigInt.asUintN(64, x));
    const [a, b] = [0, 1].map((odd) => [...words(parameters, 8)].filter((_, i) => i % 2 === odd));
    for (const first of values) {
      for (const second of values) {
        words(hashes, 2).set([first, second]);
        const of = (h: bigint, k: number): bigint => BigInt.asUintN(64, h * a![k]! + b![k]!) % p;
        for (const [permute, mask] of [
          [kernel.permute64, p],
          [kernel.permute32, 0xffffffffn],
        ] as const) {
          words(minima, 4).fill((1n << 64n) - 1n);
          permute(hashes, hashes + 16, parameters, minima, 1);
          const expected = [0, 1, 2, 3].map((k) =>
            [of(first, k) & mask, of(second, k) & mask].reduce((x, y) => (x < y ? x : y)),
          );
          if (expected.some((value, k) => value !== words(minima, 4)[k]))
            throw new Error(`${first} and ${second}`);
        }
      }
    }
  });
});

describe('MinHash parameters', () => {
  it('has the thresholds and probabilities of the published settings', () => {
    expect(lshThreshold(minHashPresets.datatrove)).toBeCloseTo(0.719, 3);
    expect(lshThreshold(minHashPresets.megamath)).toBeCloseTo(0.787, 3);
    expect(lshThreshold({ bands: 20, rows: 5 })).toBeCloseTo(0.549, 3);
    expect(matchProbability(minHashPresets.datatrove, 0.8)).toBeCloseTo(0.924, 3);
  });

  it('names bands and rows by both their names', () => {
    expect(describeMinHash(base)).toBe(
      '5-grams of words, 14 bands (buckets) x 8 rows (hashes per bucket) = 112 hashes; Jaccard threshold 0.719; P(match) 0.565 at 0.7, 0.924 at 0.8, 1.000 at 0.9',
    );
  });

  it('refuses what is out of range, with key and value', () => {
    expect(() => checkMinHashConfig({ ...base, rows: 0 })).toThrow(/minhash\.rows is 0/);
    expect(() => checkMinHashConfig({ ...base, bands: 1024, rows: 1024 })).toThrow(/1048576 hashes/);
    expect(() => checkMinHashConfig({ ...base, bits: 48 as 64 })).toThrow(/minhash\.bits is 48/);
    expect(() => checkMinHashConfig({ ...base, seed: 0.5 })).toThrow(/minhash\.seed is 0\.5/);
  });
});
