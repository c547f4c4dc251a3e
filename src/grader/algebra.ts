/**
 * Exact values of answers: quotients of polynomials with rational coefficients over atoms.
 *
 * An atom is a variable, a constant (pi, e), the imaginary unit, a prime under a root, or a part that is not taken
 * apart (`sin(..)`, a root of a sum), known by the canonical text of what is inside. Exponents are rational; a prime's
 * exponent is kept in [0, 1), so that sqrt(12) and 2 sqrt(3) are the same value. Two values are equal when the cross
 * products of their numerators and denominators are the same polynomial: an identity, never a guess.
 *
 * Bounds: terms, exponents and coefficients; beyond them `NotExact` is thrown.
 */
import * as q from './rational.ts';
import { NotExact, type Rational } from './rational.ts';

/** Atom -> exponent, sorted by atom in `key`. */
interface Term {
  readonly coefficient: Rational;
  readonly powers: ReadonlyMap<string, Rational>;
}
/** Canonical monomial -> term. No zero coefficients. */
export type Polynomial = ReadonlyMap<string, Term>;
export interface Value {
  readonly numerator: Polynomial;
  readonly denominator: Polynomial;
}

const mostTerms = 120;
const largestExponent = 40;
const IMAGINARY = 'i';

function keyOf(powers: ReadonlyMap<string, Rational>): string {
  if (powers.size === 0) return '';
  return [...powers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([atom, exponent]) => `${atom}^${exponent.n}/${exponent.d}`)
    .join('*');
}

function polynomial(terms: Iterable<Term>): Polynomial {
  const result = new Map<string, Term>();
  for (const term of terms) {
    if (q.isZero(term.coefficient)) continue;
    const key = keyOf(term.powers);
    const present = result.get(key);
    if (present === undefined) result.set(key, term);
    else {
      const coefficient = q.add(present.coefficient, term.coefficient);
      if (q.isZero(coefficient)) result.delete(key);
      else result.set(key, { coefficient, powers: term.powers });
    }
    if (result.size > mostTerms) throw new NotExact('too many terms');
  }
  return result;
}

const constantPolynomial = (value: Rational): Polynomial =>
  polynomial([{ coefficient: value, powers: new Map() }]);
const onePolynomial = constantPolynomial(q.one);

function multiplyTerms(a: Term, b: Term): Term {
  const powers = new Map(a.powers);
  let coefficient = q.multiply(a.coefficient, b.coefficient);
  for (const [atom, exponent] of b.powers) {
    const sum = q.add(powers.get(atom) ?? q.zero, exponent);
    if (q.isZero(sum)) powers.delete(atom);
    else powers.set(atom, sum);
    if (sum.n > BigInt(largestExponent) * sum.d || -sum.n > BigInt(largestExponent) * sum.d) {
      throw new NotExact('exponent too large');
    }
  }
  // i^2 = -1 and p^(k + f) = p^k p^f for a prime p.
  for (const [atom, exponent] of [...powers]) {
    if (atom === IMAGINARY && exponent.d === 1n) {
      const remainder = ((exponent.n % 4n) + 4n) % 4n;
      if (remainder >= 2n) coefficient = q.negate(coefficient);
      if (remainder % 2n === 1n) powers.set(atom, q.one);
      else powers.delete(atom);
    } else if (atom.startsWith('#')) {
      const whole = floor(exponent);
      if (whole !== 0n) {
        coefficient = q.multiply(coefficient, q.power(q.rational(BigInt(atom.slice(1))), Number(whole)));
        const rest = q.rational(exponent.n - whole * exponent.d, exponent.d);
        if (q.isZero(rest)) powers.delete(atom);
        else powers.set(atom, rest);
      }
    }
  }
  return { coefficient, powers };
}

function floor(a: Rational): bigint {
  const quotient = a.n / a.d;
  return a.n < 0n && a.n % a.d !== 0n ? quotient - 1n : quotient;
}

function multiplyPolynomials(a: Polynomial, b: Polynomial): Polynomial {
  if (a.size * b.size > 4 * mostTerms * mostTerms) throw new NotExact('too many terms');
  function* products(): Generator<Term> {
    for (const left of a.values()) for (const right of b.values()) yield multiplyTerms(left, right);
  }
  return polynomial(products());
}

const addPolynomials = (a: Polynomial, b: Polynomial): Polynomial =>
  polynomial([...a.values(), ...b.values()]);
const scale = (a: Polynomial, by: Rational): Polynomial =>
  polynomial([...a.values()].map((term) => ({ ...term, coefficient: q.multiply(term.coefficient, by) })));

function samePolynomial(a: Polynomial, b: Polynomial): boolean {
  if (a.size !== b.size) return false;
  for (const [key, term] of a) {
    const other = b.get(key);
    if (other === undefined || !q.equal(term.coefficient, other.coefficient)) return false;
  }
  return true;
}

/** p / q with a one-term denominator divided out. */
function quotient(numerator: Polynomial, denominator: Polynomial): Value {
  if (denominator.size === 0) throw new NotExact('division by zero');
  if (numerator.size === 0) return { numerator, denominator: onePolynomial };
  if (denominator.size === 1) {
    const [only] = denominator.values();
    const inverse: Term = {
      coefficient: q.divide(q.one, only!.coefficient),
      powers: new Map([...only!.powers].map(([atom, exponent]) => [atom, q.negate(exponent)])),
    };
    return { numerator: multiplyPolynomials(numerator, polynomial([inverse])), denominator: onePolynomial };
  }
  return { numerator, denominator };
}

export const constant = (value: Rational): Value => ({
  numerator: constantPolynomial(value),
  denominator: onePolynomial,
});
export const atom = (name: string): Value => ({
  numerator: polynomial([{ coefficient: q.one, powers: new Map([[name, q.one]]) }]),
  denominator: onePolynomial,
});
export const imaginaryUnit: Value = atom(IMAGINARY);

export function add(a: Value, b: Value): Value {
  if (samePolynomial(a.denominator, b.denominator)) {
    return quotient(addPolynomials(a.numerator, b.numerator), a.denominator);
  }
  return quotient(
    addPolynomials(
      multiplyPolynomials(a.numerator, b.denominator),
      multiplyPolynomials(b.numerator, a.denominator),
    ),
    multiplyPolynomials(a.denominator, b.denominator),
  );
}

export const negate = (a: Value): Value => ({
  numerator: scale(a.numerator, q.negate(q.one)),
  denominator: a.denominator,
});
export const subtract = (a: Value, b: Value): Value => add(a, negate(b));
export const multiply = (a: Value, b: Value): Value =>
  quotient(multiplyPolynomials(a.numerator, b.numerator), multiplyPolynomials(a.denominator, b.denominator));
export const divide = (a: Value, b: Value): Value =>
  quotient(multiplyPolynomials(a.numerator, b.denominator), multiplyPolynomials(a.denominator, b.numerator));

/** The rational number a value is, or undefined. */
export function asRational(a: Value): Rational | undefined {
  if (a.numerator.size === 0) return q.zero;
  if (a.denominator !== onePolynomial && !samePolynomial(a.denominator, onePolynomial)) return undefined;
  const term = a.numerator.get('');
  return a.numerator.size === 1 && term !== undefined ? term.coefficient : undefined;
}

/** Exact equality of two values. */
export function sameValue(a: Value, b: Value): boolean {
  return samePolynomial(
    multiplyPolynomials(a.numerator, b.denominator),
    multiplyPolynomials(b.numerator, a.denominator),
  );
}

/**
 * The rational c with a = c b, or undefined. Both taken as polynomials that stand for "= 0", so denominators are
 * multiplied out.
 */
export function ratio(a: Value, b: Value): Rational | undefined {
  const left = multiplyPolynomials(a.numerator, b.denominator);
  const right = multiplyPolynomials(b.numerator, a.denominator);
  if (left.size === 0 || left.size !== right.size) return undefined;
  let factor: Rational | undefined;
  for (const [key, term] of left) {
    const other = right.get(key);
    if (other === undefined) return undefined;
    const here = q.divide(term.coefficient, other.coefficient);
    if (factor !== undefined && !q.equal(factor, here)) return undefined;
    factor = here;
  }
  return factor;
}

/** Canonical text: equal texts mean equal values (the converse fails for quotients not in lowest terms). */
export function canonical(a: Value): string {
  const write = (p: Polynomial): string =>
    [...p]
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([key, term]) => `${term.coefficient.n}/${term.coefficient.d}${key === '' ? '' : `*${key}`}`)
      .join('+') || '0';
  return samePolynomial(a.denominator, onePolynomial)
    ? write(a.numerator)
    : `(${write(a.numerator)})/(${write(a.denominator)})`;
}

/** a to an integer power. */
function integerPower(a: Value, exponent: number): Value {
  if (exponent < 0) return divide(constant(q.one), integerPower(a, -exponent));
  const number = asRational(a);
  if (number !== undefined) return constant(q.power(number, exponent));
  if (exponent > largestExponent) throw new NotExact('exponent too large');
  let result = constant(q.one);
  for (let step = 0; step < exponent; step++) result = multiply(result, a);
  return result;
}

/** a to a rational power. Roots of negative numbers: `i` for square roots, the real root for odd ones. */
export function rationalPower(a: Value, exponent: Rational): Value {
  if (exponent.d === 1n) {
    if (exponent.n > 4096n || exponent.n < -4096n) throw new NotExact('exponent too large');
    return integerPower(a, Number(exponent.n));
  }
  if (exponent.d > 12n || exponent.n > 64n || exponent.n < -64n) throw new NotExact('exponent too large');
  const number = asRational(a);
  if (number !== undefined) return rationalPowerOfRational(number, exponent);
  // One term with a positive coefficient: (c x^k)^r is taken apart only over constants (sqrt(x^2) is not x).
  return integerPower(atom(rootAtom(a, exponent.d)), Number(exponent.n));
}

/** Name of the atom that stands for the `degree`-th root of a value kept whole. */
const rootAtom = (a: Value, degree: bigint): string => `root${degree}(${canonical(a)})`;

function rationalPowerOfRational(number: Rational, exponent: Rational): Value {
  if (q.isZero(number)) {
    if (exponent.n < 0n) throw new NotExact('division by zero');
    return constant(q.zero);
  }
  let result = constant(q.one);
  let { n } = number;
  if (n < 0n) {
    if (exponent.d === 2n) result = integerPower(imaginaryUnit, Number(exponent.n));
    else if (exponent.d % 2n === 1n) result = constant(exponent.n % 2n === 0n ? q.one : q.negate(q.one));
    else throw new NotExact('even root of a negative number');
    n = -n;
  }
  const powers = new Map<string, Rational>();
  for (const [prime, count] of factor(n)) powers.set(`#${prime}`, q.multiply(exponent, q.rational(count)));
  for (const [prime, count] of factor(number.d))
    powers.set(`#${prime}`, q.multiply(exponent, q.rational(-count)));
  const term = multiplyTerms({ coefficient: q.one, powers: new Map() }, { coefficient: q.one, powers });
  return multiply(result, { numerator: polynomial([term]), denominator: onePolynomial });
}

/** Prime factors by trial division; numbers with a factor beyond the bound are refused. */
function factor(n: bigint): Map<bigint, bigint> {
  const factors = new Map<bigint, bigint>();
  if (n > 10n ** 14n) throw new NotExact('number too large to factor');
  let rest = Number(n);
  for (let prime = 2; prime * prime <= rest && prime < 100_000; prime += prime === 2 ? 1 : 2) {
    let count = 0n;
    while (rest % prime === 0) {
      rest /= prime;
      count++;
    }
    if (count > 0n) factors.set(BigInt(prime), count);
  }
  if (rest > 1) {
    if (rest >= 100_000 ** 2) throw new NotExact('number too large to factor');
    factors.set(BigInt(rest), 1n);
  }
  return factors;
}
