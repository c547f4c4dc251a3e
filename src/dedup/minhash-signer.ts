/**
 * MinHash signatures of texts, equal to datatrove 0.10's, and their bands as keys.
 *
 * 1. The text is simplified and cut into words (simplified-words.ts), which go as bytes into the memory of a WebAssembly module.
 * 2. Every run of `ngram` words is hashed, and each of bands x rows permutations keeps its minimum (minhash-kernel.ts).
 * 3. The rows of a band are folded into a key of 64 bits and a check of 32 (document-signature.ts says how rarely that errs).
 *
 * Words and shingles are taken in blocks of a thousand, so memory does not grow with the text; only a run of `ngram` words longer than
 * the buffer makes it grow, until the next document. A text of fewer than `ngram` words has no shingle and no signature: it is
 * nobody's near duplicate, as in datatrove (exact dedup still sees it).
 *
 * Differences from datatrove: none known in the arithmetic (test/dedup/minhash.test.ts); words are cut by `splitWords`, which follows spaCy's
 * English rules but for rare exceptions. Source: datatrove src/datatrove/pipeline/dedup/minhash.py.
 */
import { type DocumentSigner, keyWords } from './document-signer.ts';
import { MersenneTwister } from './mersenne-twister.ts';
import { checkMinHashConfig, type MinHashConfig, minHashTag } from './minhash-config.ts';
import { type MinHashKernel, minHashKernel, permutedTogether } from './minhash-kernel.ts';
import { type WordSink, writeSimplifiedWords } from './simplified-words.ts';
import { firstFreeByte } from './wasm-hashes.ts';

const mersennePrime = (1n << 61n) - 1n;
/** Words in memory at once. */
const wordsAtOnce = 1024;
const textBytes = 1 << 15;
/** `sha1` may look at this many bytes past a word. */
const slack = 128;

/** The permutations (a h + b) of a seed: numpy's RandomState(seed), a from 1 .. p - 1, then b from 0 .. p - 1, p = 2^61 - 1. */
export function permutations(seed: number, count: number): { a: BigUint64Array; b: BigUint64Array } {
  const random = new MersenneTwister(seed);
  return { a: random.randint(1n, mersennePrime, count), b: random.randint(0n, mersennePrime, count) };
}

export class MinHashSigner implements DocumentSigner, WordSink {
  readonly config: MinHashConfig;
  readonly bands: number;
  readonly tag: string;
  bytes!: Uint8Array;
  at = 0;

  private readonly writeWords: (text: string, sink: WordSink) => void;
  private kernel!: MinHashKernel;
  private starts!: Uint32Array;
  private words = 0;
  private shingles = 0;
  private readonly keys: Uint32Array;
  private readonly parameters: BigUint64Array;
  private readonly hashes: number;
  private readonly groups: number;
  // Addresses in the kernel's memory, in bytes.
  private readonly parametersAt: number;
  private readonly minimaAt: number;
  private readonly keysAt: number;
  private readonly shinglesAt: number;
  private readonly startsAt: number;
  private readonly textAt: number;
  private limit = 0;

  /** Throws a UserError when the config is out of range. `writeWords`: what words a text has, for other languages and for tests. */
  constructor(
    config: MinHashConfig,
    writeWords: (text: string, sink: WordSink) => void = writeSimplifiedWords,
  ) {
    checkMinHashConfig(config);
    this.config = config;
    this.writeWords = writeWords;
    this.bands = config.bands;
    this.tag = minHashTag(config);
    this.hashes = config.bands * config.rows;
    this.groups = Math.ceil(this.hashes / permutedTogether);
    const padded = this.groups * permutedTogether;
    const { a, b } = permutations(config.seed, this.hashes);
    this.parameters = new BigUint64Array(2 * padded);
    for (let i = 0; i < this.hashes; i++) this.parameters.set([a[i]!, b[i]!], 2 * i);
    this.parametersAt = firstFreeByte;
    this.minimaAt = this.parametersAt + 16 * padded;
    this.shinglesAt = this.minimaAt + 8 * padded;
    this.startsAt = this.shinglesAt + 8 * wordsAtOnce;
    this.keysAt = this.startsAt + 4 * (wordsAtOnce + 2);
    this.textAt = this.keysAt + 4 * keyWords * this.bands;
    this.keys = new Uint32Array(keyWords * this.bands);
    this.load();
  }

  sign(text: string): Uint32Array | undefined {
    if (!this.minimise(text)) return undefined;
    this.kernel.fold(this.minimaAt, 8 * this.config.rows, this.bands, this.keysAt);
    this.keys.set(new Uint32Array(this.kernel.memory.buffer, this.keysAt, this.keys.length));
    return this.keys;
  }

  /** The bands x rows minima themselves, band by band; undefined for a text without shingles. */
  signature(text: string): BigUint64Array | undefined {
    if (!this.minimise(text)) return undefined;
    return new BigUint64Array(this.kernel.memory.buffer, this.minimaAt, this.hashes).slice();
  }

  /** Makes room for `count` bytes: by taking up the shingles so far, and if that is not enough by growing. */
  room(count: number): void {
    if (this.at + count <= this.limit) return;
    this.takeUp();
    if (this.at + count <= this.limit) return;
    this.limit = this.at + 2 * count;
    const { memory } = this.kernel;
    const missing = this.limit + slack - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    this.bytes = new Uint8Array(memory.buffer);
    this.starts = new Uint32Array(memory.buffer, this.startsAt, wordsAtOnce + 1);
  }

  endWord(start: number): void {
    this.bytes[this.at++] = 0x20;
    this.starts[this.words++] = start;
    if (this.words === wordsAtOnce) this.takeUp();
  }

  private load(): void {
    this.limit = this.textAt + textBytes;
    this.kernel = minHashKernel(this.limit + slack);
    const { memory } = this.kernel;
    this.bytes = new Uint8Array(memory.buffer);
    this.starts = new Uint32Array(memory.buffer, this.startsAt, wordsAtOnce + 1);
    new BigUint64Array(memory.buffer, this.parametersAt, this.parameters.length).set(this.parameters);
  }

  /** Leaves the minima in memory; false for a text without shingles. */
  private minimise(text: string): boolean {
    if (this.limit > this.textAt + textBytes) this.load(); // the last document made it grow
    this.at = this.textAt;
    this.words = 0;
    this.shingles = 0;
    this.bytes.fill(0xff, this.minimaAt, this.minimaAt + 8 * permutedTogether * this.groups);
    this.writeWords(text, this);
    this.takeUp();
    return this.shingles > 0;
  }

  /** Hashes the shingles of the words in memory and takes their minima; keeps the last words, which further shingles begin with. */
  private takeUp(): void {
    const { ngram, bits, hash } = this.config;
    const count = this.words - ngram + 1;
    if (count < 1) return;
    const { kernel, starts } = this;
    starts[this.words] = this.at;
    const hashShingles =
      hash === 'sha1'
        ? bits === 64
          ? kernel.shinglesSha64
          : kernel.shinglesSha32
        : bits === 64
          ? kernel.shinglesXx64
          : kernel.shinglesXx32;
    hashShingles(this.startsAt, count, 4 * ngram, this.shinglesAt);
    const permute = bits === 64 ? kernel.permute64 : kernel.permute32;
    permute(this.shinglesAt, this.shinglesAt + 8 * count, this.parametersAt, this.minimaAt, this.groups);
    this.shingles += count;
    const from = starts[count]!;
    this.bytes.copyWithin(this.textAt, from, this.at);
    for (let i = 0; i < ngram - 1; i++) starts[i] = starts[count + i]! - from + this.textAt;
    this.at -= from - this.textAt;
    this.words = ngram - 1;
  }
}
