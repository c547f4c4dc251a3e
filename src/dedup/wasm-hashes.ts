/**
 * Hash functions in WebAssembly, of bytes in memory: xxHash (XXH32, XXH64), and the first 8 bytes of SHA-1, little-endian, as datatrove takes
 * them. Called for every shingle, so in the same module as the rest of MinHash (minhash-kernel.ts) and not from a package.
 *
 * Source: xxHash specification 0.1.1 (Y. Collet); FIPS 180-4. test/dedup/minhash.test.ts compares them with Node's and xxhash-wasm.
 */
import {
  block,
  type Code,
  get,
  i32,
  i64,
  loopUntilFalse,
  loopWhile,
  set,
  type WasmFunction,
  when,
} from './wasm-assembler.ts';

const P64 = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;
const P32 = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1] as const;
const prime64 = (n: 1 | 2 | 3 | 4 | 5): Code => i64.const(P64[n - 1]!);
const prime32 = (n: 1 | 2 | 3 | 4 | 5): Code => i32.const(P32[n - 1]!);
const i = i32.const;
const l = i64.const;

/** Where `sha1` keeps its schedule of 320 bytes. 64 bytes lie before it, so that `t - 64` is no address below 0. */
const shaSchedule = 64;
/** First byte free for the caller. */
export const firstFreeByte = 512;

// Parameters: 0 address, 1 length, 2 seed. Locals: 3 end, 4 hash, 5..8 lanes.
export function xxh64(): WasmFunction {
  const round = (lane: Code, input: Code): Code =>
    i64.mul(i64.rotl(i64.add(lane, i64.mul(input, prime64(2))), l(31n)), prime64(1));
  const lanes = [5, 6, 7, 8] as const;
  const step = (bytes: number): Code => set(0, i32.add(get(0), i(bytes)));
  return {
    name: 'xxh64',
    parameters: ['i32', 'i32', 'i64'],
    result: 'i64',
    locals: ['i32', 'i64', 'i64', 'i64', 'i64', 'i64'],
    body: block(
      set(3, i32.add(get(0), get(1))),
      set(4, i64.add(get(2), prime64(5))),
      when(
        i32.ge(get(1), i(32)),
        set(5, i64.add(i64.add(get(2), prime64(1)), prime64(2))),
        set(6, i64.add(get(2), prime64(2))),
        set(7, get(2)),
        set(8, i64.sub(get(2), prime64(1))),
        loopWhile(
          i32.le(i32.add(get(0), i(32)), get(3)),
          ...lanes.map((lane, k) => set(lane, round(get(lane), i64.load(8 * k, get(0))))),
          step(32),
        ),
        set(
          4,
          i64.add(
            i64.add(i64.rotl(get(5), l(1n)), i64.rotl(get(6), l(7n))),
            i64.add(i64.rotl(get(7), l(12n)), i64.rotl(get(8), l(18n))),
          ),
        ),
        ...lanes.map((lane) =>
          set(4, i64.add(i64.mul(i64.xor(get(4), round(l(0n), get(lane))), prime64(1)), prime64(4))),
        ),
      ),
      set(4, i64.add(get(4), i64.extend(get(1)))),
      loopWhile(
        i32.le(i32.add(get(0), i(8)), get(3)),
        set(4, i64.xor(get(4), round(l(0n), i64.load(0, get(0))))),
        set(4, i64.add(i64.mul(i64.rotl(get(4), l(27n)), prime64(1)), prime64(4))),
        step(8),
      ),
      when(
        i32.le(i32.add(get(0), i(4)), get(3)),
        set(4, i64.xor(get(4), i64.mul(i64.load32(0, get(0)), prime64(1)))),
        set(4, i64.add(i64.mul(i64.rotl(get(4), l(23n)), prime64(2)), prime64(3))),
        step(4),
      ),
      loopWhile(
        i32.lt(get(0), get(3)),
        set(4, i64.xor(get(4), i64.mul(i64.load8(0, get(0)), prime64(5)))),
        set(4, i64.mul(i64.rotl(get(4), l(11n)), prime64(1))),
        step(1),
      ),
      set(4, i64.mul(i64.xor(get(4), i64.shr(get(4), l(33n))), prime64(2))),
      set(4, i64.mul(i64.xor(get(4), i64.shr(get(4), l(29n))), prime64(3))),
      i64.xor(get(4), i64.shr(get(4), l(32n))),
    ),
  };
}

// Parameters: 0 address, 1 length. Locals: 2 end, 3 hash, 4..7 lanes. Seed 0.
export function xxh32(): WasmFunction {
  const round = (lane: Code, input: Code): Code =>
    i32.mul(i32.rotl(i32.add(lane, i32.mul(input, prime32(2))), i(13)), prime32(1));
  const lanes = [4, 5, 6, 7] as const;
  const step = (bytes: number): Code => set(0, i32.add(get(0), i(bytes)));
  return {
    name: 'xxh32',
    parameters: ['i32', 'i32'],
    result: 'i32',
    locals: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    body: block(
      set(2, i32.add(get(0), get(1))),
      set(3, prime32(5)),
      when(
        i32.ge(get(1), i(16)),
        set(4, i32.add(prime32(1), prime32(2))),
        set(5, prime32(2)),
        set(6, i(0)),
        set(7, i32.sub(i(0), prime32(1))),
        loopWhile(
          i32.le(i32.add(get(0), i(16)), get(2)),
          ...lanes.map((lane, k) => set(lane, round(get(lane), i32.load(4 * k, get(0))))),
          step(16),
        ),
        set(
          3,
          i32.add(
            i32.add(i32.rotl(get(4), i(1)), i32.rotl(get(5), i(7))),
            i32.add(i32.rotl(get(6), i(12)), i32.rotl(get(7), i(18))),
          ),
        ),
      ),
      set(3, i32.add(get(3), get(1))),
      loopWhile(
        i32.le(i32.add(get(0), i(4)), get(2)),
        set(3, i32.add(get(3), i32.mul(i32.load(0, get(0)), prime32(3)))),
        set(3, i32.mul(i32.rotl(get(3), i(17)), prime32(4))),
        step(4),
      ),
      loopWhile(
        i32.lt(get(0), get(2)),
        set(3, i32.add(get(3), i32.mul(i32.load8(0, get(0)), prime32(5)))),
        set(3, i32.mul(i32.rotl(get(3), i(11)), prime32(1))),
        step(1),
      ),
      set(3, i32.mul(i32.xor(get(3), i32.shr(get(3), i(15))), prime32(2))),
      set(3, i32.mul(i32.xor(get(3), i32.shr(get(3), i(13))), prime32(3))),
      i32.xor(get(3), i32.shr(get(3), i(16))),
    ),
  };
}

const swapBytes = (value: Code): Code =>
  i32.or(i32.and(i32.rotl(value, i(8)), i(0x00ff00ff)), i32.and(i32.rotl(value, i(24)), i(0xff00ff00)));

// Parameters: 0 address, 1 length. Locals: 2 offset of the block, 3 t (bytes into the schedule), 4..8 a..e, 9 scratch, 10..14 h0..h4.
export function sha1(): WasmFunction {
  const [offset, t, scratch] = [2, 3, 9];
  const kept = [10, 11, 12, 13, 14] as const;
  const start = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const place = i32.add(get(offset), get(t));
  const input = i32.load(0, i32.add(get(0), place));
  const tailBits = i32.shl(i32.sub(get(1), place), i(3));
  const scheduled = (wordsBack: number): Code => i32.load(shaSchedule - 4 * wordsBack, get(t));
  const choose = i32.xor(get(7), i32.and(get(5), i32.xor(get(6), get(7))));
  const parity = i32.xor(i32.xor(get(5), get(6)), get(7));
  const majority = i32.or(i32.and(get(5), get(6)), i32.and(get(7), i32.or(get(5), get(6))));
  const rounds = (until: number, f: Code, k: number): Code =>
    loopWhile(
      i32.lt(get(t), i(4 * until)),
      set(scratch, i32.add(i32.add(i32.add(i32.rotl(get(4), i(5)), f), i32.add(get(8), i(k))), scheduled(0))),
      set(8, get(7)),
      set(7, get(6)),
      set(6, i32.rotl(get(5), i(30))),
      set(5, get(4)),
      set(4, get(scratch)),
      set(t, i32.add(get(t), i(4))),
    );
  return {
    name: 'sha1',
    parameters: ['i32', 'i32'],
    result: 'i64',
    locals: Array.from({ length: 13 }, () => 'i32' as const),
    body: block(
      ...kept.map((local, k) => set(local, i(start[k]!))),
      loopUntilFalse(
        i32.lt(get(offset), i32.add(get(1), i(9))),
        set(t, i(0)),
        loopWhile(
          i32.lt(get(t), i(64)),
          // Past the text: the bytes that remain, one 0x80, zeros.
          set(scratch, input),
          when(
            i32.lt(get(1), i32.add(place, i(4))),
            set(scratch, i(0)),
            when(
              i32.le(place, get(1)),
              set(
                scratch,
                i32.or(i32.and(input, i32.sub(i32.shl(i(1), tailBits), i(1))), i32.shl(i(0x80), tailBits)),
              ),
            ),
          ),
          i32.store(shaSchedule, get(t), swapBytes(get(scratch))),
          set(t, i32.add(get(t), i(4))),
        ),
        set(offset, i32.add(get(offset), i(64))),
        when(
          i32.ge(get(offset), i32.add(get(1), i(9))),
          i32.store(shaSchedule, i(60), i32.shl(get(1), i(3))),
        ),
        loopWhile(
          i32.lt(get(t), i(320)),
          i32.store(
            shaSchedule,
            get(t),
            i32.rotl(
              i32.xor(i32.xor(scheduled(3), scheduled(8)), i32.xor(scheduled(14), scheduled(16))),
              i(1),
            ),
          ),
          set(t, i32.add(get(t), i(4))),
        ),
        set(t, i(0)),
        ...kept.map((local, k) => set(4 + k, get(local))),
        rounds(20, choose, 0x5a827999),
        rounds(40, parity, 0x6ed9eba1),
        rounds(60, majority, 0x8f1bbcdc),
        rounds(80, parity, 0xca62c1d6),
        ...kept.map((local, k) => set(local, i32.add(get(local), get(4 + k)))),
      ),
      i64.or(i64.extend(swapBytes(get(10))), i64.shl(i64.extend(swapBytes(get(11))), l(32n))),
    ),
  };
}
