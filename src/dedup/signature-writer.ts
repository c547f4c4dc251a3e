/**
 * Collects the signatures of a unit's documents and gives out the bytes of its signature file (signature-layout.ts).
 *
 * Memory: 12 bytes a band and 4 more for each document that `drain` has not given out, so at most 65536 documents and one batch, and
 * one segment of 16 bytes a band and document. The bytes depend only on what was added in what order, not on when `drain` was called.
 */
import { invariant } from '../core/errors.ts';
import { hash64 } from '../core/hash64.ts';
import { keyWords } from './document-signer.ts';
import {
  bitsFor,
  blockChecksum,
  blockOf,
  directoryAt,
  encodeHeader,
  entriesAt,
  entryBytes,
  entryWords,
  segmentBytes,
  segmentDocuments,
} from './signature-layout.ts';

export class SignatureWriter {
  /** Documents added so far. */
  count = 0;
  private readonly bands: number;
  private readonly tag: string;
  private readonly stride: number;
  /** Per document its index, then the words of its keys. */
  private pending: Uint32Array;
  private waiting = 0;
  private segments = 0;
  private lastIndex = -1;

  constructor(signer: { readonly bands: number; readonly tag: string }) {
    this.bands = signer.bands;
    this.tag = signer.tag;
    this.stride = 1 + keyWords * signer.bands;
    this.pending = new Uint32Array(256 * this.stride);
  }

  /** `index`: which document of the unit, ascending. `words`: what the signer answered; it is copied. */
  add(index: number, words: Uint32Array): void {
    invariant(index > this.lastIndex, 'signatures are added in the order of documents');
    this.lastIndex = index;
    const at = this.waiting * this.stride;
    if (at + this.stride > this.pending.length) {
      const larger = new Uint32Array(this.pending.length * 2);
      larger.set(this.pending);
      this.pending = larger;
    }
    this.pending[at] = index;
    this.pending.set(words, at + 1);
    this.waiting++;
    this.count++;
  }

  /** Segments that are full, to be written in order. Call it after every batch. */
  drain(): Uint8Array[] {
    const out: Uint8Array[] = [];
    let from = 0;
    // A document more than a segment must wait, so that the last segment is never empty but for an empty file.
    for (; this.waiting - from > segmentDocuments; from += segmentDocuments) {
      out.push(this.encode(from, segmentDocuments, false));
    }
    this.pending.copyWithin(0, from * this.stride, this.waiting * this.stride);
    this.waiting -= from;
    return out;
  }

  /** The rest of the file. */
  finish(): Uint8Array[] {
    const out = this.drain();
    out.push(this.encode(0, this.waiting, true));
    this.waiting = 0;
    return out;
  }

  private encode(from: number, documents: number, last: boolean): Uint8Array {
    const { bands, stride, pending } = this;
    const header = {
      bands,
      documents,
      bits: bitsFor(documents),
      last,
      ordinal: this.segments++,
      tag: this.tag,
    };
    const bytes = new Uint8Array(segmentBytes(header));
    bytes.set(encodeHeader(header));
    const blocks = 2 ** header.bits;
    for (let band = 0; band < bands; band++) {
      const first = from * stride + 1 + band * keyWords;
      const directory = directoryAt(header, band);
      const start = entriesAt(header, band);
      // A counting sort by block; inside a block documents keep their order.
      const next = new Uint32Array(blocks + 1);
      for (let i = 0; i < documents; i++) next[blockOf(pending[first + i * stride]!, header.bits) + 1]!++;
      for (let block = 0; block < blocks; block++) next[block + 1]! += next[block]!;
      const ends = next.slice(1);
      const entries = new Uint32Array(bytes.buffer, start, documents * entryWords);
      for (let i = 0; i < documents; i++) {
        const at = first + i * stride;
        const place = entryWords * next[blockOf(pending[at]!, header.bits)]!++;
        entries[place] = pending[at]!;
        entries[place + 1] = pending[at + 1]!;
        entries[place + 2] = pending[at + 2]!;
        entries[place + 3] = pending[from * stride + i * stride]!;
      }
      const words = new Uint32Array(bytes.buffer, directory + 8, 2 * blocks);
      for (let block = 0; block < blocks; block++) {
        const begin = start + entryBytes * (block === 0 ? 0 : ends[block - 1]!);
        words[2 * block] = ends[block]!;
        words[2 * block + 1] = blockChecksum(bytes.subarray(begin, start + entryBytes * ends[block]!));
      }
      const checked = bytes.subarray(directory + 8, directory + 8 + 8 * blocks);
      new DataView(bytes.buffer).setBigUint64(directory, hash64(checked), true);
    }
    return bytes;
  }
}
