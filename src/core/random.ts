/**
 * Seeded randomness. A generator for sequences (`Random`), and hashes for draws that must not depend on order or on the number
 * of workers: draw = hash(seed, id). Same seed, same numbers, on every machine.
 */

/** xoshiro128** seeded through splitmix32 (Blackman and Vigna, public domain). State is four 32-bit words, so it can be saved. */
export class Random {
  private readonly state: Uint32Array;

  constructor(seed: number | string | readonly number[]) {
    this.state = new Uint32Array(4);
    if (Array.isArray(seed)) {
      this.state.set(seed);
    } else {
      let s = hash32(String(seed));
      for (let i = 0; i < 4; i++) {
        s = (s + 0x9e3779b9) >>> 0;
        this.state[i] = mix32(s);
      }
    }
  }

  /** The four words of state; `new Random(words)` goes on from there. */
  save(): number[] {
    return [...this.state];
  }

  /** Uniform in 0 .. 2^32 - 1. */
  uint32(): number {
    const s = this.state;
    const x = Math.imul(s[1]!, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** Uniform in [0, 1), 53 bits. */
  float(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** Uniform integer in 0 .. n - 1, without modulo bias for n up to 2^32. */
  int(n: number): number {
    const limit = 4294967296 - (4294967296 % n);
    for (;;) {
      const x = this.uint32();
      if (x < limit) return x % n;
    }
  }

  /** Standard normal (Box-Muller, one value per call). */
  normal(): number {
    const u = 1 - this.float();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.float());
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }

  /** Shuffles in place (Fisher-Yates) and returns the same array. */
  shuffle<T extends { length: number; [i: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }
}

function mix32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** 32-bit FNV-1a of the UTF-16 code units with a final mix. For seeds and unit assignment, not for content addressing. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    h = Math.imul(h ^ (c & 0xff), 0x01000193);
    h = Math.imul(h ^ (c >>> 8), 0x01000193);
  }
  return mix32(h >>> 0);
}

/** Uniform in [0, 1) decided by (seed, id) alone: the same draw whatever the order, worker or rank. */
export function drawOf(seed: number, id: string): number {
  return hash32(`${seed}\u0000${id}`) / 4294967296;
}
