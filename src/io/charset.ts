/**
 * The character encoding of a page, and its bytes as UTF-8.
 *
 * Order: byte order mark; then bytes that are valid UTF-8 are UTF-8 (other encodings almost never are by chance), except under a declared
 * 7-bit or 16-bit encoding; then the encoding that HTTP or the page declares (`<meta charset>`, `http-equiv`, XML declaration); then windows-1252, as browsers do.
 * Source: WHATWG HTML, "Determining the character encoding", without its statistics step; WHATWG Encoding for the labels.
 */
import { isUtf8 } from 'node:buffer';

const sniffBytes = 4096;

/**
 * UTF-8 bytes of the page and the encoding they came in. Valid UTF-8 is returned without a copy. `transport` is the encoding that the
 * HTTP header names; it goes before what the page says of itself.
 */
export function toUtf8(bytes: Uint8Array, transport?: string): { utf8: Uint8Array; charset: string } {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    return { utf8: cleaned(bytes.subarray(3)), charset: 'utf-8' };
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decoded(bytes.subarray(2), 'utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decoded(bytes.subarray(2), 'utf-16be');
  const declared = knownCharset(transport) ?? declaredCharset(bytes);
  const never =
    declared === 'iso-2022-jp' || declared === 'hz-gb-2312' || declared?.startsWith('utf-16') === true;
  if (!never && isUtf8(bytes)) return { utf8: bytes, charset: 'utf-8' };
  return decoded(bytes, declared ?? 'windows-1252');
}

/** The encoding a page names in its first 4 KiB, as a label that TextDecoder knows; UTF-16 in a meta element cannot be true. */
export function declaredCharset(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, sniffBytes)).toString(
    'latin1',
  );
  const label =
    /<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(head)?.[1] ??
    /^\s*<\?xml[^>]*encoding\s*=\s*["']([\w.:-]+)["']/i.exec(head)?.[1];
  const name = knownCharset(label);
  return name?.startsWith('utf-16') ? 'utf-8' : name;
}

/** The encoding that a label stands for. */
function knownCharset(label: string | undefined): string | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return label.toLowerCase() === 'hz-gb-2312' ? 'hz-gb-2312' : undefined;
  }
}

function decoded(bytes: Uint8Array, charset: string): { utf8: Uint8Array; charset: string } {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(charset, { ignoreBOM: true });
  } catch {
    decoder = new TextDecoder('windows-1252');
  }
  return { utf8: Buffer.from(decoder.decode(bytes)), charset: decoder.encoding };
}

/** A byte order mark promises UTF-8; stray bytes behind it become U+FFFD. */
function cleaned(bytes: Uint8Array): Uint8Array {
  return isUtf8(bytes) ? bytes : Buffer.from(new TextDecoder().decode(bytes));
}
