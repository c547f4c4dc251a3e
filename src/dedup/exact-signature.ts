/**
 * The signature by which two documents count as exact duplicates: xxhash64 of the normalised text, and its length in bytes.
 *
 * Normalised means Unicode NFC, every run of white space one space, none at the ends; case and punctuation stay. Two texts that
 * differ only in line breaks or composed accents are therefore the same document. Chance of two different texts of equal
 * length colliding among n documents is below n^2 / 2^65 (3 % at a billion if all had one length).
 * Source of the scheme: datatrove exact dedup; xxhash64 by Yann Collet.
 */
import { hash64 } from '../core/hash64.ts';

export interface ExactSignature {
  /** The 64-bit hash as two unsigned words. */
  high: number;
  low: number;
  /** UTF-8 bytes of the normalised text. */
  bytes: number;
}

const encoder = new TextEncoder();
let buffer = new Uint8Array(1 << 16);

/** The text as it is hashed. */
export function normaliseForExact(text: string): string {
  return text.normalize('NFC').replace(/\s+/gu, ' ').trim();
}

/** Needs `initHash64` to have been awaited once. */
export function exactSignature(text: string): ExactSignature {
  const normal = normaliseForExact(text);
  if (buffer.length < normal.length * 3) buffer = new Uint8Array(normal.length * 3);
  const bytes = encoder.encodeInto(normal, buffer).written;
  const hash = hash64(buffer.subarray(0, bytes));
  return { high: Number(hash >> 32n), low: Number(hash & 0xffffffffn), bytes };
}

/** The hash as 16 hex digits: how it is stored beside a document. */
export function signatureText(signature: ExactSignature): string {
  return signature.high.toString(16).padStart(8, '0') + signature.low.toString(16).padStart(8, '0');
}
