/**
 * How signatures lie in a file, for its writer and its reader. A file is a row of segments, each of at most 65536 documents and whole
 * in itself, so that a unit of any size is written and read in bounded memory. All numbers are little-endian.
 *
 *   header     160 bytes   magic, bands, documents, directory bits, last?, ordinal, tag (what the keys mean), xxHash64 of all this
 *   directory  per band    xxHash64 of the rest; then per block of the key space: end (entries), low word of the block's xxHash64
 *   entries    per band    16 bytes each: key high, key low, check, index of the document; block by block, inside it by index
 *
 * A block holds the keys that share their upper `bits` bits, about 64 entries. So a range of keys of a band is read with its part
 * of the directory and nothing else, and whatever is read is verified. The last segment says that it is the last: a file cut
 * between two segments is seen.
 */
import { hash64 } from '../core/hash64.ts';

const magic = 'mtsig01\n';
export const headerBytes = 160;
const tagBytes = 112;
export const entryWords = 4;
export const entryBytes = 4 * entryWords;
/** Documents a segment at most. */
export const segmentDocuments = 1 << 16;
const entriesPerBlock = 64;
const mostBits = 10;

export interface SegmentHeader {
  bands: number;
  documents: number;
  /** log2 of blocks a band. */
  bits: number;
  last: boolean;
  ordinal: number;
  tag: string;
}

export function bitsFor(documents: number): number {
  let bits = 0;
  while (bits < mostBits && entriesPerBlock << bits < documents) bits++;
  return bits;
}

/** Bytes of one band's directory: its checksum and two words a block. */
export function directoryBytes(bits: number): number {
  return 8 + 8 * 2 ** bits;
}

/** Bytes of a segment. */
export function segmentBytes(header: Pick<SegmentHeader, 'bands' | 'documents' | 'bits'>): number {
  return headerBytes + header.bands * (directoryBytes(header.bits) + header.documents * entryBytes);
}

/** Where a band's directory starts in its segment. */
export function directoryAt(header: Pick<SegmentHeader, 'bits'>, band: number): number {
  return headerBytes + band * directoryBytes(header.bits);
}

/** Where a band's entries start in its segment. */
export function entriesAt(header: Pick<SegmentHeader, 'bands' | 'documents' | 'bits'>, band: number): number {
  return headerBytes + header.bands * directoryBytes(header.bits) + band * header.documents * entryBytes;
}

/** The block that a key belongs to, from its high word. */
export function blockOf(high: number, bits: number): number {
  return bits === 0 ? 0 : high >>> (32 - bits);
}

/** Low word of the xxHash64: what the directory holds of each block. */
export function blockChecksum(bytes: Uint8Array): number {
  return Number(hash64(bytes) & 0xffffffffn);
}

export function encodeHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(headerBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from(magic), 0);
  const { bands, documents, bits, last, ordinal } = header;
  for (const [i, value] of [bands, documents, bits, last ? 1 : 0, ordinal].entries()) {
    view.setUint32(8 + 4 * i, value, true);
  }
  bytes.set(Buffer.from(header.tag).subarray(0, tagBytes), 40);
  view.setBigUint64(headerBytes - 8, hash64(bytes.subarray(0, headerBytes - 8)), true);
  return bytes;
}

/** What the header says, or undefined if it is not one or is damaged. */
export function decodeHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length !== headerBytes || Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== magic)
    return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getBigUint64(headerBytes - 8, true) !== hash64(bytes.subarray(0, headerBytes - 8)))
    return undefined;
  const word = (i: number): number => view.getUint32(8 + 4 * i, true);
  const tag = Buffer.from(bytes.subarray(40, 40 + tagBytes));
  const end = tag.indexOf(0);
  return {
    bands: word(0),
    documents: word(1),
    bits: word(2),
    last: word(3) === 1,
    ordinal: word(4),
    tag: tag.subarray(0, end === -1 ? tagBytes : end).toString(),
  };
}
