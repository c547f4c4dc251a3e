/**
 * Signatures of one unit on disk: entries of 16 bytes, four unsigned little-endian words (hash high, hash low, text bytes,
 * row), sorted by hash and then row. Sorted, so that the documents of one hash range can be read from every unit without
 * reading the rest (first-wins.ts).
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { InputError } from '../core/errors.ts';
import type { ExactSignature } from './exact-signature.ts';

export const entryWords = 4;
const entryBytes = 4 * entryWords;

/** Collects the signatures of a unit's documents. */
export class SignatureList {
  private words = new Uint32Array(1024 * entryWords);
  private count = 0;

  add(signature: ExactSignature, row: number): void {
    if ((this.count + 1) * entryWords > this.words.length) {
      const larger = new Uint32Array(this.words.length * 2);
      larger.set(this.words);
      this.words = larger;
    }
    this.words.set([signature.high, signature.low, signature.bytes, row], this.count++ * entryWords);
  }

  /** The bytes of the file. */
  encode(): Uint8Array {
    const w = this.words;
    const order = new Uint32Array(this.count).map((_, i) => i);
    order.sort(
      (a, b) =>
        w[a * entryWords]! - w[b * entryWords]! || w[a * entryWords + 1]! - w[b * entryWords + 1]! || a - b,
    );
    const out = new Uint8Array(this.count * entryBytes);
    const view = new DataView(out.buffer);
    for (let i = 0; i < this.count; i++) {
      for (let k = 0; k < entryWords; k++) {
        view.setUint32(i * entryBytes + 4 * k, w[order[i]! * entryWords + k]!, true);
      }
    }
    return out;
  }
}

/** Reads ascending hash ranges from a signature file, without holding it in memory. */
export class SignatureReader {
  readonly count: number;
  private readonly path: string;
  private at = 0;

  constructor(path: string) {
    this.path = path;
    const { size } = statSync(path);
    if (size % entryBytes !== 0) {
      throw new InputError(path, `${size} bytes is no whole number of ${entryBytes}-byte entries`, {
        hint: 'the signature file is damaged; run again with --fresh',
      });
    }
    this.count = size / entryBytes;
  }

  /** The entries not read yet whose upper hash word is below `limit` (up to 2^32), as words. */
  takeBelow(limit: number): Uint32Array {
    // Opened for each range: a job may have more units than a process may have open files.
    const file = openSync(this.path, 'r');
    try {
      let low = this.at;
      let high = this.count;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.read(file, middle, 1)[0]! < limit) low = middle + 1;
        else high = middle;
      }
      const words = this.read(file, this.at, low - this.at);
      this.at = low;
      return words;
    } finally {
      closeSync(file);
    }
  }

  private read(file: number, entry: number, count: number): Uint32Array {
    const bytes = new Uint8Array(count * entryBytes);
    let done = 0;
    while (done < bytes.length) {
      const got = readSync(file, bytes, done, bytes.length - done, entry * entryBytes + done);
      if (got === 0) throw new InputError(this.path, 'the signature file became shorter while it was read');
      done += got;
    }
    const view = new DataView(bytes.buffer);
    return new Uint32Array(count * entryWords).map((_, i) => view.getUint32(4 * i, true));
  }
}
