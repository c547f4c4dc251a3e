/**
 * The inner loops of MinHash as a WebAssembly module of about 2 kB, assembled here: JavaScript has no 64-bit integer multiplication,
 * WebAssembly has. Per shingle and permutation: 0.85 ns here, 14 ns in 32-bit limbs, 112 ns with BigInt, 15 ns in numpy.
 *
 * - `shingles64/32/Sha`: hash of every run of n words. Words lie in memory as bytes, each followed by one space; `starts[i]` is where
 *   word i starts (i32), so words i .. i+n-1 joined by spaces are the bytes from starts[i] to starts[i+n] - 1.
 * - `permute64/32`: minimum over shingles h of ((a h + b) mod 2^64) mod p, p = 2^61 - 1, for four permutations (a, b) at a time. With 32
 *   bits the minimum is taken over the low half of that.
 *
 * Only a value that may become the minimum is worked out. With x = a h + b, x mod p is the lower 61 bits of x plus its upper three, so below
 * the minimum only if the lower 61 bits are, or if they are among the last eight before 2^61. Both are one comparison of 8 (x + 8) mod
 * 2^64, and that is 8a h + 8(b + 8): a multiplication, an addition and a branch seldom taken, and the result is exact. (The modulus
 * for every value, without branches: 1.7 times slower.) Not for 32 bits, whose order is another.
 *
 * Source: datatrove src/datatrove/pipeline/dedup/minhash.py, get_signature.
 */
import {
  assemble,
  block,
  type Code,
  call,
  get,
  i32,
  i64,
  loopWhile,
  select,
  set,
  type WasmFunction,
  when,
} from './wasm-assembler.ts';
import { sha1, xxh32, xxh64 } from './wasm-hashes.ts';

const i = i32.const;
const l = i64.const;

// Parameters: 0 address of starts, 1 shingles, 2 four times n, 3 output. Local: 4 address of the first byte.
function shingles(name: string, hash: (address: Code, length: Code) => Code): WasmFunction {
  return {
    name,
    parameters: ['i32', 'i32', 'i32', 'i32'],
    locals: ['i32'],
    body: loopWhile(
      get(1),
      set(4, i32.load(0, get(0))),
      i64.store(
        0,
        get(3),
        hash(get(4), i32.sub(i32.sub(i32.load(0, i32.add(get(0), get(2))), i(1)), get(4))),
      ),
      set(0, i32.add(get(0), i(4))),
      set(3, i32.add(get(3), i(8))),
      set(1, i32.sub(get(1), i(1))),
    ),
  };
}

/** Hash functions whose parameters are in registers together. */
export const permutedTogether = 4;

const mersennePrime = l((1n << 61n) - 1n);
/** x mod p for any 64-bit x: the upper three bits added to the lower 61, and one more if that reaches p (adding 1 then carries into bit 61). */
const reduced = (x: Code, sum: number): Code =>
  block(
    set(sum, i64.add(i64.and(x, mersennePrime), i64.shr(x, l(61n)))),
    i64.and(i64.add(get(sum), i64.shr(i64.add(get(sum), l(1n)), l(61n))), mersennePrime),
  );
/** What 8 (x + 8) mod 2^64 must be below for x mod p to be possibly below `minimum`. */
const boundOf = (minimum: Code): Code =>
  select(l(-1n), i64.shl(i64.add(minimum, l(8n)), l(3n)), i64.ge(minimum, l((1n << 61n) - 8n)));

/** A loop over groups of four permutations and inside over shingles. Local 5: address; 6: shingle; 7, 8: free; then three a permutation. */
function permute(
  name: string,
  parts: {
    before: (k: number, locals: readonly number[]) => Code;
    shingle: (k: number, locals: readonly number[]) => Code;
    after: (k: number, locals: readonly number[]) => Code;
  },
): WasmFunction {
  const together = Array.from(
    { length: permutedTogether },
    (_, k) => [9 + 3 * k, 10 + 3 * k, 11 + 3 * k] as const,
  );
  return {
    name,
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    locals: ['i32', ...Array.from({ length: 3 + 3 * permutedTogether }, () => 'i64' as const)],
    body: loopWhile(
      get(4),
      ...together.map((locals, k) => parts.before(k, locals)),
      set(5, get(0)),
      loopWhile(
        i32.lt(get(5), get(1)),
        set(6, i64.load(0, get(5))),
        set(5, i32.add(get(5), i(8))),
        ...together.map((locals, k) => parts.shingle(k, locals)),
      ),
      ...together.map((locals, k) => parts.after(k, locals)),
      set(2, i32.add(get(2), i(16 * permutedTogether))),
      set(3, i32.add(get(3), i(8 * permutedTogether))),
      set(4, i32.sub(get(4), i(1))),
    ),
  };
}

// Locals of a permutation: 8 a, 8 (b + 8), the bound.
const permute64 = permute('permute64', {
  before: (k, [a8, b8, bound]) =>
    block(
      set(a8!, i64.shl(i64.load(16 * k, get(2)), l(3n))),
      set(b8!, i64.shl(i64.add(i64.load(16 * k + 8, get(2)), l(8n)), l(3n))),
      set(bound!, boundOf(i64.load(8 * k, get(3)))),
    ),
  shingle: (k, [a8, b8, bound]) =>
    when(
      i64.lt(i64.add(i64.mul(get(6), get(a8!)), get(b8!)), get(bound!)),
      set(7, i64.add(i64.mul(get(6), i64.shr(get(a8!), l(3n))), i64.load(16 * k + 8, get(2)))),
      set(7, reduced(get(7), 8)),
      when(
        i64.lt(get(7), i64.load(8 * k, get(3))),
        i64.store(8 * k, get(3), get(7)),
        set(bound!, boundOf(get(7))),
      ),
    ),
  after: () => [],
});

// Locals of a permutation: a, b, the minimum.
const permute32 = permute('permute32', {
  before: (k, [a, b, minimum]) =>
    block(
      set(a!, i64.load(16 * k, get(2))),
      set(b!, i64.load(16 * k + 8, get(2))),
      set(minimum!, i64.load(8 * k, get(3))),
    ),
  shingle: (_, [a, b, minimum]) =>
    block(
      set(7, i64.add(i64.mul(get(6), get(a!)), get(b!))),
      set(7, i64.and(reduced(get(7), 8), l(0xffffffffn))),
      set(minimum!, select(get(7), get(minimum!), i64.lt(get(7), get(minimum!)))),
    ),
  after: (k, [, , minimum]) => i64.store(8 * k, get(3), get(minimum!)),
});

// Parameters: 0 address of the signature, 1 bytes a band, 2 bands, 3 output: key high, key low, check. Local: 4 the key.
const fold: WasmFunction = {
  name: 'fold',
  parameters: ['i32', 'i32', 'i32', 'i32'],
  locals: ['i64'],
  body: loopWhile(
    get(2),
    set(4, call(0, get(0), get(1), l(0n))),
    i32.store(0, get(3), i32.wrap(i64.shr(get(4), l(32n)))),
    i32.store(4, get(3), i32.wrap(get(4))),
    i32.store(8, get(3), i32.wrap(call(0, get(0), get(1), l(1n)))),
    set(0, i32.add(get(0), get(1))),
    set(3, i32.add(get(3), i(12))),
    set(2, i32.sub(get(2), i(1))),
  ),
};

/** What an instance exports; addresses and lengths are in bytes. */
export interface MinHashKernel {
  memory: WebAssembly.Memory;
  xxh64(address: number, length: number, seed: bigint): bigint;
  xxh32(address: number, length: number): number;
  sha1(address: number, length: number): bigint;
  shinglesXx64(starts: number, count: number, fourN: number, output: number): void;
  shinglesXx32(starts: number, count: number, fourN: number, output: number): void;
  shinglesSha64(starts: number, count: number, fourN: number, output: number): void;
  shinglesSha32(starts: number, count: number, fourN: number, output: number): void;
  /** Takes the hashes from `hashes` to `end` into the minima (all ones at first) of `groups` groups of `permutedTogether` permutations. */
  permute64(hashes: number, end: number, parameters: number, minima: number, groups: number): void;
  permute32(hashes: number, end: number, parameters: number, minima: number, groups: number): void;
  /** Two words of key and one of check for each band. */
  fold(signature: number, bandBytes: number, bands: number, output: number): void;
}

let module: WebAssembly.Module | undefined;

/** A fresh instance with its own memory of `bytes` at least. */
export function minHashKernel(bytes: number): MinHashKernel {
  module ??= new WebAssembly.Module(
    assemble(
      [
        xxh64(),
        xxh32(),
        sha1(),
        shingles('shinglesXx64', (address, length) => call(0, address, length, l(0n))),
        shingles('shinglesXx32', (address, length) => i64.extend(call(1, address, length))),
        shingles('shinglesSha64', (address, length) => call(2, address, length)),
        shingles('shinglesSha32', (address, length) => i64.and(call(2, address, length), l(0xffffffffn))),
        permute64,
        permute32,
        fold,
      ],
      1,
    ),
  );
  const kernel = new WebAssembly.Instance(module).exports as unknown as MinHashKernel;
  const missing = bytes - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / 65536));
  return kernel;
}
