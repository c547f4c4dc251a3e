/**
 * The delta encodings of Parquet. The bits are unpacked by hyparquet; here its input is checked first, because sizes that contradict each
 * other would keep it going for ever, and byte arrays are cut without copying where they can be. Source: Apache Parquet, Encodings.md.
 */
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { maxPageBytes } from './parquet-codecs.ts';

/** Values of variable length: value i is `bytes[starts[i], ends[i])`. */
export interface ByteValues {
  kind: 'bytes';
  bytes: Uint8Array;
  starts: Int32Array;
  ends: Int32Array;
}
/** Fills `out` from a delta run and returns the offset behind it. The header is checked first: with negative sizes the run never ends. */
export function deltaInts(bytes: Uint8Array, start: number, out: Int32Array | BigInt64Array): number {
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('the delta header is cut short');
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new Error('a delta header of more than 32 bits');
  };
  const block = varint();
  const miniblocks = varint();
  const total = varint();
  if (
    miniblocks < 1 ||
    miniblocks > 4096 ||
    block < 8 ||
    block > 1 << 24 ||
    block % miniblocks !== 0 ||
    (block / miniblocks) % 8 !== 0
  ) {
    throw new Error(`a delta block of ${block} values in ${miniblocks} parts`);
  }
  if (total < out.length) throw new Error(`a delta run of ${total} values where ${out.length} are needed`);
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: start };
  deltaBinaryUnpack(reader, out.length, out);
  if (reader.offset > bytes.length) throw new Error('a delta run that ends behind its page');
  return reader.offset;
}

export function deltaLengths(bytes: Uint8Array, start: number, count: number): ByteValues {
  const lengths = new Int32Array(count);
  let at = deltaInts(bytes, start, lengths);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const length = lengths[i]!;
    if (length < 0 || length > bytes.length - at)
      throw new Error(`value ${i} has ${length} bytes, ${bytes.length - at} remain`);
    starts[i] = at;
    at += length;
    ends[i] = at;
  }
  return { kind: 'bytes', bytes, starts, ends };
}

export function deltaBytes(bytes: Uint8Array, start: number, count: number): ByteValues {
  const prefixes = new Int32Array(count);
  const suffixes = deltaLengths(bytes, deltaInts(bytes, start, prefixes), count);
  let total = 0;
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const prefix = prefixes[i]!;
    if (prefix < 0 || prefix > previous)
      throw new Error(`value ${i} shares ${prefix} bytes with one of ${previous}`);
    previous = prefix + suffixes.ends[i]! - suffixes.starts[i]!;
    total += previous;
  }
  if (total > maxPageBytes)
    throw new Error(`the page expands to ${total} bytes; the limit is ${maxPageBytes}`);
  const out = new Uint8Array(total);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    starts[i] = at;
    if (i > 0) out.copyWithin(at, starts[i - 1]!, starts[i - 1]! + prefixes[i]!);
    at += prefixes[i]!;
    out.set(suffixes.bytes.subarray(suffixes.starts[i]!, suffixes.ends[i]!), at);
    at += suffixes.ends[i]! - suffixes.starts[i]!;
    ends[i] = at;
  }
  return { kind: 'bytes', bytes: out, starts, ends };
}
