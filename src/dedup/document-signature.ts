/**
 * The signers of the three kinds of dedup: equal text, equal URL, similar text (MinHash).
 *
 * Among n documents the chance that any two unequal ones agree in a band is below n^2 / 2^97 (a billion documents: 6e-12).
 * That holds for MinHash bands, whose check is a second hash; for exact dedup the check is the length in bytes, so that only texts of
 * equal length are told apart by 64 bits (n^2 / 2^65 if all had one length: 3 % at a billion, 3e-8 at a million).
 */
import { hash64 } from '../core/hash64.ts';
import { type DocumentSigner, keyWords } from './document-signer.ts';
import type { MinHashConfig } from './minhash-config.ts';
import { MinHashSigner } from './minhash-signer.ts';
import { normaliseForExact } from './normalise-for-exact.ts';
import { normaliseUrl } from './normalise-url.ts';

export type { DocumentSigner } from './document-signer.ts';

const encoder = new TextEncoder();
const startBytes = 1 << 16;
/** A buffer grown for one huge document is given back after it. */
const keptBytes = 1 << 22;

class HashSigner implements DocumentSigner {
  readonly bands = 1;
  readonly tag: string;
  private readonly normalise: (input: string) => string | undefined;
  private readonly words = new Uint32Array(keyWords);
  private buffer = new Uint8Array(startBytes);

  constructor(tag: string, normalise: (input: string) => string | undefined) {
    this.tag = tag;
    this.normalise = normalise;
  }

  sign(input: string): Uint32Array | undefined {
    const normal = this.normalise(input);
    if (normal === undefined) return undefined;
    // Three bytes a code unit are always enough; a huge text is counted first.
    if (this.buffer.length < normal.length * 3) this.buffer = new Uint8Array(Buffer.byteLength(normal));
    const bytes = encoder.encodeInto(normal, this.buffer).written;
    const hash = hash64(this.buffer.subarray(0, bytes));
    this.words[0] = Number(hash >> 32n);
    this.words[1] = Number(hash & 0xffffffffn);
    this.words[2] = bytes;
    if (this.buffer.length > keptBytes) this.buffer = new Uint8Array(startBytes);
    return this.words;
  }
}

/** Equal texts after NFC and white space (normalise-for-exact.ts). Blank texts take no part. Needs `initHash64` awaited. */
export function exactSigner(): DocumentSigner {
  return new HashSigner('exact-1', (text) => normaliseForExact(text) || undefined);
}

/** Equal URLs after `normaliseUrl`. What is no http(s) URL takes no part. Needs `initHash64` awaited. */
export function urlSigner(): DocumentSigner {
  return new HashSigner('url-1', normaliseUrl);
}

/** Texts with an equal MinHash band. Texts of fewer than `ngram` words take no part. Throws a UserError when the config is out of range. */
export function minHashSigner(config: MinHashConfig): DocumentSigner {
  return new MinHashSigner(config);
}
