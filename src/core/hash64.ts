/**
 * 64-bit content hash (xxHash64 of bytes, through WebAssembly): exact duplicates, fingerprints. Not cryptographic.
 * Source: xxHash by Y. Collet; package xxhash-wasm. `await initHash64()` once, then `hash64` is synchronous.
 */
import xxhash from 'xxhash-wasm';
import { invariant } from './errors.ts';

type Raw = (bytes: Uint8Array, seed?: bigint) => bigint;
let raw: Raw | undefined;

/** Loads the WebAssembly module; later calls return at once. */
export async function initHash64(): Promise<void> {
  raw ??= (await (xxhash as unknown as () => Promise<{ h64Raw: Raw }>)()).h64Raw;
}

/** xxHash64 of `bytes` as an unsigned 64-bit integer. */
export function hash64(bytes: Uint8Array, seed = 0n): bigint {
  invariant(raw !== undefined, 'hash64 before initHash64');
  return raw(bytes, seed);
}

/** The hash as 16 hex digits, the form that files and reports show. */
export function hash64Hex(bytes: Uint8Array): string {
  return hash64(bytes).toString(16).padStart(16, '0');
}
