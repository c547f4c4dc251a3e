/**
 * The random numbers of the reference: minstd_rand (Park and Miller, multiplier 48271), and a uniform integer as libstdc++ draws it.
 * Source: C++11 [rand.predef]; libstdc++ bits/uniform_int_dist.h and bits/random.tcc.
 */

const factor = 48_271;
const modulus = 2 ** 31 - 1;
/** Highest minus lowest number of the generator. */
const span = modulus - 2;

export class Minstd {
  #state: number;

  /** `seed`: a whole number from 0 on. */
  constructor(seed: number) {
    this.#state = seed % modulus || 1;
  }

  get state(): number {
    return this.#state;
  }

  /** 1 to 2^31 - 2. */
  next(): number {
    // Below 2^47, so a double holds the product.
    const product = this.#state * factor;
    this.#state = product - Math.floor(product / modulus) * modulus;
    return this.#state;
  }

  /** Uniform in 0 to `last`, by rejection; `last` below 2^31 - 3. Draws at least once, also when there is nothing to choose. */
  upTo(last: number): number {
    const scaling = Math.floor(span / (last + 1));
    const past = (last + 1) * scaling;
    let drawn: number;
    do drawn = this.next() - 1;
    while (drawn >= past);
    return Math.floor(drawn / scaling);
  }
}
