/**
 * What fastText counts as a token, in bytes: the white space that ends one, `</s>` for the end of a line, and the prefix of labels.
 * Source: fastText 0.9.3, dictionary.cc (readWord, getType).
 */
import { hashBytes, sameBytes } from './model-data.ts';

export const labelPrefix = '__label__';
export const endToken = Buffer.from('</s>');
export const endHash = hashBytes(endToken, 0, endToken.length) | 0;
const prefixBytes = Buffer.from(labelPrefix);

/** 1 for the bytes that end a token. All are below 0x21. */
export const isSpace = new Uint8Array(256);
for (const byte of [0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x00]) isSpace[byte] = 1;

export function startsLikeLabel(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= prefixBytes.length && sameBytes(prefixBytes, 0, prefixBytes.length, bytes, start);
}
