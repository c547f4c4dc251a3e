/**
 * The RLE / bit-packing hybrid of Parquet: definition and repetition levels, dictionary indices, booleans.
 *
 * Decodes into typed arrays and never writes past the number of values asked for, whatever a run claims.
 * Source: Apache Parquet, Encodings.md, "RLE / Bit-Packing Hybrid".
 */

/** Reads `count` values of `width` bits (0 to 32) from `bytes[start, end)`. Returns the offset behind the last run used. */
export function readHybrid(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  out: Uint8Array | Int32Array,
  count: number,
): number {
  if (width < 0 || width > 32) throw new Error(`bit width ${width}`);
  let at = start;
  let done = 0;
  const valueBytes = (width + 7) >> 3;
  while (done < count) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= end || shift > 28)
        throw new Error(`level or index data ends after ${done} of ${count} values`);
      const byte = bytes[at++]!;
      header += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (header % 2 === 0) {
      const run = header / 2;
      if (run === 0) continue;
      if (at + valueBytes > end) throw new Error(`level or index data ends after ${done} of ${count} values`);
      let value = 0;
      for (let i = 0; i < valueBytes; i++) value |= bytes[at++]! << (8 * i);
      const stop = Math.min(count, done + run);
      out.fill(value, done, stop);
      done = stop;
    } else {
      const groups = (header - 1) / 2;
      const stop = Math.min(count, done + groups * 8);
      const available = end - at;
      // The last group may be cut short by a writer that drops padding bytes; only the values needed must be there.
      if (Math.ceil(((stop - done) * width) / 8) > available)
        throw new Error(`level or index data ends after ${done} of ${count} values`);
      unpack(bytes, at, width, out, done, stop);
      done = stop;
      at = Math.min(end, at + groups * width);
    }
  }
  return at;
}

function unpack(
  bytes: Uint8Array,
  start: number,
  width: number,
  out: Uint8Array | Int32Array,
  from: number,
  to: number,
): void {
  if (width === 0) {
    out.fill(0, from, to);
    return;
  }
  if (width <= 24) {
    const mask = (1 << width) - 1;
    let at = start;
    let buffer = 0;
    let bits = 0;
    for (let i = from; i < to; i++) {
      while (bits < width) {
        buffer |= bytes[at++]! << bits;
        bits += 8;
      }
      out[i] = buffer & mask;
      buffer >>>= width;
      bits -= width;
    }
    return;
  }
  for (let i = from; i < to; i++) {
    const bit = (i - from) * width;
    let value = 0;
    for (let j = 0; j < width; ) {
      const position = bit + j;
      const take = Math.min(8 - (position & 7), width - j);
      value |= ((bytes[start + (position >> 3)]! >> (position & 7)) & ((1 << take) - 1)) << j;
      j += take;
    }
    out[i] = value;
  }
}

/** Bits needed to store values from 0 to `max`. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}
