/**
 * Decompression of Parquet pages, bounded by the size the page declares: zstd, gzip and brotli through node:zlib (native, with an output
 * limit), snappy and lz4 through hyparquet-compressors, which fill a buffer of that size. A page that gives more or fewer bytes is an error.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** Pages larger than this are refused before anything is allocated. Writers aim at 1 MiB. */
export const maxPageBytes = 1024 * 1024 * 1024;

/** Output is allocated in pieces of at most this, whatever size a page declares. */
const largestPiece = 4 * 1024 * 1024;

/** The `length` bytes that `input` holds compressed. */
export function decompress(codec: CompressionCodec, input: Uint8Array, length: number): Uint8Array {
  if (codec === 'UNCOMPRESSED') return exact(input, length, codec);
  if (length === 0 && input.length === 0) return input;
  // One buffer a little larger than the page: zlib's own 16 kB pieces, joined at the end, double the time of reading.
  const limit = { maxOutputLength: Math.max(1, length), chunkSize: Math.min(length + 64, largestPiece) };
  try {
    switch (codec) {
      case 'ZSTD':
        return exact(zstdDecompressSync(input, limit), length, codec);
      case 'GZIP':
        return exact(gunzipSync(input, limit), length, codec);
      case 'BROTLI':
        return exact(brotliDecompressSync(input, limit), length, codec);
      case 'SNAPPY':
        checkSnappy(input, length);
        return exact(compressors.SNAPPY!(input, length), length, codec);
      case 'LZ4':
      case 'LZ4_RAW':
        return exact(compressors[codec]!(input, length), length, codec);
      default:
        throw new Error(`the codec ${String(codec)} is not supported`);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new Error(`${codec} data is larger than the ${length} bytes the page declares`, { cause: error });
    throw new Error(code === undefined ? message : `${codec} data is damaged: ${message}`, { cause: error });
  }
}

function exact(bytes: Uint8Array, length: number, codec: CompressionCodec): Uint8Array {
  if (bytes.length !== length)
    throw new Error(`${codec} data has ${bytes.length} bytes, the page declares ${length}`);
  // node:zlib gives Buffers, whose slice() does not copy; the decoder counts on slice() copying.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A snappy block begins with its own length; reading it first keeps the decoder from allocating anything else. */
function checkSnappy(input: Uint8Array, length: number): void {
  let declared = 0;
  for (let i = 0; ; i++) {
    const byte = input[i];
    if (byte === undefined || i > 4) throw new Error('SNAPPY data has no length');
    declared += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  if (declared !== length) throw new Error(`SNAPPY data has ${declared} bytes, the page declares ${length}`);
}
