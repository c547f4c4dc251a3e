/**
 * An HTTP response as a crawler stored it: status, header fields, and its body with transfer and content encodings undone.
 *
 * Crawlers often store a body decoded and leave the header as it was, so an encoding that the bytes contradict is not undone. What is
 * decompressed is bounded by size and by ratio. A body cut short gives what there is, as a browser would show it.
 * Source: RFC 9112 (message format, chunked coding), RFC 9110 (content codings).
 */
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib';
import { messageOf } from '../core/errors.ts';

const maxHeaderBytes = 64 * 1024;
/** Pages compress to a fifth, long tables to a hundredth. */
const maxRatio = 300;
const freeOutput = 8 * 1024 * 1024;

export interface HttpHead {
  /** Absent when the block does not begin with a status line. */
  status: number | undefined;
  fields: ReadonlyMap<string, string>;
  /** Where the body begins in the block. */
  body: number;
}

/** The head of a response; a block that has none is all body. */
export function httpHead(block: Buffer): HttpHead {
  const none = { status: undefined, fields: new Map<string, string>(), body: 0 };
  if (block.subarray(0, 5).toString('latin1') !== 'HTTP/') return none;
  let end = -1;
  const limit = Math.min(block.length, maxHeaderBytes);
  for (let at = block.indexOf(10); at >= 0 && at < limit; at = block.indexOf(10, at + 1)) {
    if (block[at + 1] === 10) end = at + 2;
    else if (block[at + 1] === 13 && block[at + 2] === 10) end = at + 3;
    if (end >= 0) break;
  }
  const [first = '', ...lines] = block.toString('latin1', 0, end < 0 ? limit : end).split(/\r?\n/);
  const status = /^HTTP\/\d(?:\.\d+)?\s+(\d{3})\b/.exec(first)?.[1];
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    // Lists may be spread over several fields.
    fields.set(
      name,
      before === undefined || !name.endsWith('-encoding') ? (before ?? value) : `${before}, ${value}`,
    );
  }
  return {
    status: status === undefined ? undefined : Number(status),
    fields,
    body: end < 0 ? block.length : end,
  };
}

/** The media type of a Content-Type, in lower case, and its charset. */
export function mediaType(value: string | undefined): { type: string; charset: string | undefined } {
  const [type = ''] = (value ?? '').split(';');
  const charset = /;\s*charset\s*=\s*["']?([\w.:-]+)/i.exec(value ?? '')?.[1];
  return { type: type.trim().toLowerCase(), charset };
}

/** The body as it was before it was encoded, at most `limit` bytes. Throws an error that says what is wrong with it. */
export function httpBody(block: Buffer, { fields, body }: HttpHead, limit: number): Buffer {
  let bytes = block.subarray(body);
  if (/\bchunked\b/i.test(fields.get('transfer-encoding') ?? '')) bytes = withoutChunks(bytes);
  const codings = (fields.get('content-encoding') ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (codings.length > 3) throw new Error(`the body has ${codings.length} content encodings`);
  for (const coding of codings.reverse()) bytes = decoded(coding, bytes, limit);
  if (bytes.length > limit) throw new Error(`the page has ${bytes.length} bytes; the limit is ${limit}`);
  return bytes;
}

/** The data of a chunked body; a body without chunks comes back as it is, one that breaks off as far as it goes. */
function withoutChunks(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.indexOf(10, at);
    const size =
      line < 0 || line - at > 256
        ? undefined
        : /^\s*([0-9a-f]{1,12})\s*(?:;.*)?\r?$/i.exec(bytes.toString('latin1', at, line))?.[1];
    if (size === undefined) {
      if (parts.length === 0) return bytes;
      break;
    }
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    parts.push(bytes.subarray(line + 1, line + 1 + length));
    at = line + 1 + length;
    if (bytes[at] === 13) at++;
    if (bytes[at] === 10) at++;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

function decoded(coding: string, bytes: Buffer, limit: number): Buffer {
  const most = Math.max(1, Math.min(limit, Math.max(freeOutput, bytes.length * maxRatio)));
  const options = { maxOutputLength: most, finishFlush: constants.Z_SYNC_FLUSH };
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip':
        return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, options) : bytes;
      case 'deflate':
        // Of two minds since 1997: with a zlib header, as the RFC says, or without.
        if ((bytes[0]! & 15) === 8 && ((bytes[0]! << 8) | bytes[1]!) % 31 === 0)
          return inflateSync(bytes, options);
        return looksLikeText(bytes) ? bytes : inflateRawSync(bytes, options);
      case 'br':
        return looksLikeText(bytes)
          ? bytes
          : brotliDecompressSync(bytes, {
              maxOutputLength: most,
              finishFlush: constants.BROTLI_OPERATION_FLUSH,
            });
      case 'zstd':
        return bytes.length >= 4 && bytes.readUInt32LE(0) === 0xfd2fb528
          ? zstdDecompressSync(bytes, { maxOutputLength: most, finishFlush: constants.ZSTD_e_flush })
          : bytes;
      default:
        if (looksLikeText(bytes)) return bytes;
        throw new Error(`the content encoding ${JSON.stringify(coding.slice(0, 40))} is not known`);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new Error(`the ${coding} body of ${bytes.length} bytes decompresses to more than ${most}`, {
        cause: error,
      });
    if (code !== undefined && looksLikeText(bytes)) return bytes;
    throw code === undefined
      ? error
      : new Error(`the ${coding} body is damaged: ${messageOf(error)}`, { cause: error });
  }
}

/** Pages begin with a tag or with words, compressed data almost never with 16 such bytes. */
function looksLikeText(bytes: Buffer): boolean {
  const head = bytes.subarray(0, 16);
  return (
    head.length > 0 &&
    head.every(
      (byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte !== 127 && byte < 0xf8),
    )
  );
}
