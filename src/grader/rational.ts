/**
 * Exact rational numbers on BigInt, with a bound on their size so that hostile input cannot grow them.
 */

/** Thrown when an exact computation would exceed its bounds or leaves what is supported. Callers fall back. */
export class NotExact extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotExact';
  }
}

/** Largest numerator or denominator, in bits. */
const mostBits = 4096;
const largest = 1n << BigInt(mostBits);

/** numerator / denominator, in lowest terms, denominator positive. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

export const zero: Rational = { n: 0n, d: 1n };
export const one: Rational = { n: 1n, d: 1n };

export function rational(n: bigint, d = 1n): Rational {
  if (d === 0n) throw new NotExact('division by zero');
  if (d < 0n) {
    n = -n;
    d = -d;
  }
  const divisor = d === 1n ? 1n : gcd(n < 0n ? -n : n, d);
  const result = divisor === 1n ? { n, d } : { n: n / divisor, d: d / divisor };
  if (result.n > largest || result.n < -largest || result.d > largest) throw new NotExact('number too large');
  return result;
}

export function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

export const add = (a: Rational, b: Rational): Rational =>
  a.d === 1n && b.d === 1n ? rational(a.n + b.n) : rational(a.n * b.d + b.n * a.d, a.d * b.d);
export const negate = (a: Rational): Rational => ({ n: -a.n, d: a.d });
export const multiply = (a: Rational, b: Rational): Rational => rational(a.n * b.n, a.d * b.d);
export const divide = (a: Rational, b: Rational): Rational => rational(a.n * b.d, a.d * b.n);
export const isZero = (a: Rational): boolean => a.n === 0n;
export const equal = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;
export const compare = (a: Rational, b: Rational): number => {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};

/** a to an integer power; refuses results beyond the size bound before computing them. */
export function power(a: Rational, exponent: number): Rational {
  if (exponent < 0) return divide(one, power(a, -exponent));
  const bits = Math.max(bitLength(a.n), bitLength(a.d));
  if (bits * exponent > mostBits && bits > 1) throw new NotExact('power too large');
  return rational(a.n ** BigInt(exponent), a.d ** BigInt(exponent));
}

function bitLength(n: bigint): number {
  return (n < 0n ? -n : n).toString(2).length;
}

/** `12`, `-0.50`, `.5`: the exact value of a decimal numeral. */
export function parseDecimal(text: string): Rational {
  const dot = text.indexOf('.');
  if (text.length > 600) throw new NotExact('numeral too long');
  if (dot < 0) return rational(BigInt(text));
  const fraction = text.slice(dot + 1);
  return rational(BigInt(`${text.slice(0, dot)}${fraction}` || '0'), 10n ** BigInt(fraction.length));
}

/** Nearest double; right also for numbers whose parts are beyond a double's range. */
export function toNumber(a: Rational): number {
  const direct = Number(a.n) / Number(a.d);
  if (Number.isFinite(direct) && Number.isFinite(Number(a.d))) return direct;
  const scale = BigInt(Math.max(0, Math.max(bitLength(a.n), bitLength(a.d)) - 1000));
  return Number(a.n >> scale) / Number(a.d >> scale);
}
