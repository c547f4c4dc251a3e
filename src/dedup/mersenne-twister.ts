/**
 * numpy's `RandomState(seed).randint(low, high, dtype=uint64)`: MT19937 seeded by one 32-bit integer, two outputs a 64-bit draw (first
 * the high word), masked to the bits of the range and drawn again while above it. Used to get datatrove's MinHash permutations,
 * so equality with numpy is the point; for any other randomness use core/random.ts.
 *
 * Source: Matsumoto and Nishimura 1998; numpy/random/src/legacy and _bounded_integers (masked rejection), version 2.
 */

const size = 624;

export class MersenneTwister {
  private readonly state = new Uint32Array(size);
  private at = size;

  /** `seed`: 0 .. 2^32 - 1. */
  constructor(seed: number) {
    let s = seed >>> 0;
    this.state[0] = s;
    for (let i = 1; i < size; i++) {
      s = (Math.imul(1812433253, s ^ (s >>> 30)) + i) >>> 0;
      this.state[i] = s;
    }
  }

  uint32(): number {
    if (this.at === size) this.refill();
    let y = this.state[this.at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** `count` draws from low .. high - 1. */
  randint(low: bigint, high: bigint, count: number): BigUint64Array {
    const range = high - 1n - low;
    let mask = 1n;
    while (mask < range) mask = mask * 2n + 1n;
    return new BigUint64Array(count).map(() => {
      for (;;) {
        const upper = BigInt(this.uint32());
        const value = ((upper << 32n) | BigInt(this.uint32())) & mask;
        if (value <= range) return low + value;
      }
    });
  }

  private refill(): void {
    const { state } = this;
    for (let i = 0; i < size; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff);
      state[i] = state[(i + 397) % size]! ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : 0x9908b0df);
    }
    this.at = 0;
  }
}
