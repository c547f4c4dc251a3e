/**
 * LZ4 frames, as Arrow bodies hold them, into a buffer whose size is known beforehand. Never writes outside it, and time is linear in
 * input and output. Checksums of the frame are stepped over and not verified; frames with a preset dictionary are refused.
 * Source: LZ4 frame format 1.6.4 and LZ4 block format.
 */

const frameMagic = 0x184d2204;

/** The `length` bytes that one frame holds. Throws when it holds more, fewer, or is damaged. */
export function decompressLz4Frame(input: Uint8Array, length: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (input.length < 7 || view.getUint32(0, true) !== frameMagic)
    throw new Error('LZ4 data has no frame header');
  const flags = input[4]!;
  if (flags >> 6 !== 1) throw new Error(`LZ4 data has frame version ${flags >> 6}`);
  if ((flags & 1) !== 0) throw new Error('LZ4 data needs a dictionary, which is not supported');
  const blockChecksum = (flags & 0x10) !== 0;
  let at = 6 + ((flags & 8) !== 0 ? 8 : 0) + 1;
  const output = new Uint8Array(length);
  let written = 0;
  for (;;) {
    if (at + 4 > input.length) throw new Error('LZ4 data is cut short');
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const size = word & 0x7fffffff;
    if (at + size > input.length) throw new Error('LZ4 data is cut short');
    const block = input.subarray(at, at + size);
    if (word > 0x7fffffff) {
      if (written + size > length) throw tooLong(length);
      output.set(block, written);
      written += size;
    } else {
      written = decompressBlock(block, output, written);
    }
    at += size + (blockChecksum ? 4 : 0);
  }
  if (written !== length) throw new Error(`LZ4 data has ${written} bytes where ${length} are declared`);
  return output;
}

function tooLong(length: number): Error {
  return new Error(`LZ4 data has more than the ${length} bytes declared`);
}

/** Up to this many bytes a loop is faster than a call of `set` or `copyWithin`. */
const shortCopy = 48;

/** One block; matches may reach back into the blocks before it. Returns the new end of the output. */
function decompressBlock(input: Uint8Array, output: Uint8Array, start: number): number {
  const size = input.length;
  const limit = output.length;
  let at = 0;
  let end = start;
  while (at < size) {
    const token = input[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let byte: number;
      do {
        if (at >= size) throw new Error('LZ4 data is damaged: a length is cut short');
        byte = input[at++]!;
        literals += byte;
      } while (byte === 255);
    }
    if (at + literals > size) throw new Error('LZ4 data is damaged: literals are cut short');
    if (end + literals > limit) throw tooLong(limit);
    if (literals <= shortCopy) for (let i = 0; i < literals; i++) output[end + i] = input[at + i]!;
    else output.set(input.subarray(at, at + literals), end);
    end += literals;
    at += literals;
    if (at === size) return end;
    if (at + 2 > size) throw new Error('LZ4 data is damaged: an offset is cut short');
    const offset = input[at]! | (input[at + 1]! << 8);
    at += 2;
    if (offset === 0 || offset > end)
      throw new Error(`LZ4 data is damaged: it reaches ${offset} bytes back at ${end}`);
    let match = (token & 15) + 4;
    if (match === 19) {
      let byte: number;
      do {
        if (at >= size) throw new Error('LZ4 data is damaged: a length is cut short');
        byte = input[at++]!;
        match += byte;
      } while (byte === 255);
    }
    const to = end + match;
    if (to > limit) throw tooLong(limit);
    if (match > shortCopy && offset >= match) {
      output.copyWithin(end, end - offset, end - offset + match);
      end = to;
    } else {
      // Byte by byte, because source and target may overlap.
      for (let from = end - offset; end < to; ) output[end++] = output[from++]!;
    }
  }
  return end;
}
