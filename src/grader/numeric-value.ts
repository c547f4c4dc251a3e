/**
 * The value of an expression at a point, in complex doubles with error bounds (complex.ts). `offReal` is set where a root, logarithm or
 * inverse function of a real number left the real line: there a formula means something else than in a textbook. What has no value is
 * not finite. Unknown functions get a fixed smooth function chosen by their name, so that `f(x+1)` equals `f(1+x)` and nothing else.
 */

import type { Complex } from './complex.ts';
import * as c from './complex.ts';
import type { Node } from './expression.ts';
import { toNumber } from './rational.ts';

export interface Evaluation {
  readonly values: ReadonlyMap<string, number>;
  offReal: boolean;
  /** A function was asked beyond what is computed here: the point says nothing. */
  beyond?: boolean;
}

const nothing: Complex = { re: Number.NaN, im: Number.NaN, err: Number.NaN };
const one = c.complex(1, 0, 0);
const half = c.complex(0.5, 0, 0);
const imaginary = c.complex(0, 1, 0);

export function evaluate(node: Node, at: Evaluation): Complex {
  switch (node.kind) {
    case 'number': {
      const value = toNumber(node.value);
      return c.complex(
        value,
        0,
        node.value.d === 1n && Number.isSafeInteger(value) ? 0 : 2.3e-16 * Math.abs(value),
      );
    }
    case 'symbol':
      if (node.name === 'pi') return c.complex(Math.PI);
      if (node.name === 'e') return c.complex(Math.E);
      if (node.name === 'i') return imaginary;
      return c.complex(at.values.get(node.name) ?? Number.NaN, 0, 0);
    case 'negate':
      return c.negate(evaluate(node.of, at));
    case 'root':
      return power(
        evaluate(node.of, at),
        c.divide(one, c.complex(Number(node.degree), 0, 0)),
        at,
        node.degree,
      );
    case 'matrix':
      return nothing;
    case 'call':
      return called(
        node.name,
        node.args.map((arg) => evaluate(arg, at)),
        at,
      );
    case 'op': {
      const left = evaluate(node.left, at);
      const right = evaluate(node.right, at);
      if (node.op === '+') return c.add(left, right);
      if (node.op === '-') return c.add(left, c.negate(right));
      if (node.op === '*') return c.multiply(left, right);
      if (node.op === '/') return c.divide(left, right);
      return power(left, right, at, oddDenominator(node.right));
    }
  }
}

/** 3 for an exponent 2/3: an odd root, real for negative numbers. */
function oddDenominator(node: Node): bigint | undefined {
  if (node.kind === 'number') return node.value.d % 2n === 1n ? node.value.d : undefined;
  if (node.kind === 'negate') return oddDenominator(node.of);
  if (node.kind !== 'op' || node.op !== '/') return undefined;
  const { left, right } = node;
  if (left.kind !== 'number' || right.kind !== 'number' || left.value.d !== 1n || right.value.d !== 1n)
    return undefined;
  return right.value.n % 2n === 1n ? right.value.n : undefined;
}

function power(base: Complex, exponent: Complex, at: Evaluation, degree: bigint | undefined): Complex {
  const whole = exponent.err === 0 && exponent.im === 0 && Number.isInteger(exponent.re);
  if (whole && Math.abs(exponent.re) <= 64) {
    let result = one;
    for (let step = 0; step < Math.abs(exponent.re); step++) result = c.multiply(result, base);
    return exponent.re < 0 ? c.divide(one, result) : result;
  }
  if (c.abs(base) <= base.err) return exponent.re > 0 && c.abs(base) === 0 ? c.complex(0) : nothing;
  const negative = base.im === 0 && base.re < 0;
  if (negative && degree !== undefined && degree % 2n === 1n && degree > 1n) {
    const size = power(c.negate(base), exponent, at, undefined);
    return Math.abs(Math.round(exponent.re * Number(degree))) % 2 === 0 ? size : c.negate(size);
  }
  if (negative && !whole) at.offReal = true;
  if (exponent.re === 0.5 && exponent.im === 0 && base.im === 0) {
    const size = c.apply((x) => [Math.sqrt(Math.abs(x)), 0], base);
    return base.re < 0 ? c.multiply(imaginary, size) : size;
  }
  return c.apply(c.exp, c.multiply(exponent, c.apply(c.log, base)));
}

const sine = (z: Complex): Complex => c.apply(c.sin, z);
const cosine = (z: Complex): Complex => c.apply(c.cos, z);
const exponential = (z: Complex): Complex => c.apply(c.exp, z);
const hyperbolic = (z: Complex, sign: Complex): Complex =>
  c.multiply(half, c.add(exponential(z), c.multiply(sign, exponential(c.negate(z)))));
const minus = c.complex(-1, 0, 0);

/** A real function where it is real, else nothing: inverse functions off their domain are not compared. */
const real =
  (f: (x: number) => number) =>
  (z: Complex): Complex =>
    c.isReal(z) ? c.apply((x) => [f(x), 0], { ...z, im: 0 }) : nothing;

const functions: Readonly<Record<string, (z: Complex) => Complex>> = {
  sin: sine,
  cos: cosine,
  tan: (z) => c.divide(sine(z), cosine(z)),
  cot: (z) => c.divide(cosine(z), sine(z)),
  sec: (z) => c.divide(one, cosine(z)),
  csc: (z) => c.divide(one, sine(z)),
  sinh: (z) => hyperbolic(z, minus),
  cosh: (z) => hyperbolic(z, one),
  tanh: (z) => c.divide(hyperbolic(z, minus), hyperbolic(z, one)),
  coth: (z) => c.divide(hyperbolic(z, one), hyperbolic(z, minus)),
  exp: exponential,
  arcsin: real(Math.asin),
  arccos: real(Math.acos),
  arctan: real(Math.atan),
  arccot: real((x) => Math.PI / 2 - Math.atan(x)),
  arcsec: real((x) => Math.acos(1 / x)),
  arccsc: real((x) => Math.asin(1 / x)),
  arcsinh: real(Math.asinh),
  arccosh: real(Math.acosh),
  arctanh: real(Math.atanh),
  abs: (z) => c.apply((x, y) => [Math.hypot(x, y), 0], z),
  Re: (z) => ({ re: z.re, im: 0, err: z.err }),
  Im: (z) => ({ re: z.im, im: 0, err: z.err }),
};

function called(name: string, args: readonly Complex[], at: Evaluation): Complex {
  const first = args[0] ?? nothing;
  const known = functions[name];
  if (known !== undefined) return known(first);
  if (name === 'ln') return logarithm(first, at);
  if (name === 'log') return c.divide(logarithm(args[1] ?? nothing, at), logarithm(first, at));
  if (name === 'floor' || name === 'ceil') {
    if (!c.isReal(first) || Math.abs(first.re - Math.round(first.re)) <= 4 * first.err) return nothing;
    return c.complex(name === 'floor' ? Math.floor(first.re) : Math.ceil(first.re), 0, 0);
  }
  if (name === 'factorial') return gamma(c.add(first, one), at);
  if (name === 'binom') {
    const [n, k] = [first, args[1] ?? nothing];
    const below = c.multiply(gamma(c.add(k, one), at), gamma(c.add(c.add(n, c.negate(k)), one), at));
    return c.divide(gamma(c.add(n, one), at), below);
  }
  if (name === 'mod') return modulo(first, args[1] ?? nothing);
  if (name === 'max' || name === 'min') {
    const sign = name === 'max' ? 1 : -1;
    return args.reduce((best, arg) => (sign * arg.re > sign * best.re ? arg : best), first);
  }
  return name.startsWith('apply:') ? unknown(name, args) : nothing;
}

function modulo(a: Complex, b: Complex): Complex {
  const whole = (z: Complex): boolean => z.im === 0 && Number.isSafeInteger(z.re) && z.err < 0.25;
  return whole(a) && whole(b) && b.re > 0 ? c.complex(((a.re % b.re) + b.re) % b.re, 0, 0) : nothing;
}

function logarithm(z: Complex, at: Evaluation): Complex {
  if (c.abs(z) <= z.err) return nothing;
  if (z.im === 0 && z.re < 0) at.offReal = true;
  return c.apply(c.log, z);
}

/** Lanczos' approximation (g = 7, nine terms; Numerical Recipes 6.1): 15 digits for positive real parts, else nothing. */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
function gamma(z: Complex, at: Evaluation): Complex {
  if (!c.isReal(z) || z.re <= 0 || z.re > 100) {
    at.beyond = true;
    return nothing;
  }
  const compute = (argument: number): readonly [number, number] => {
    const x = argument - 1;
    const t = x + 7.5;
    let sum = lanczos[0]!;
    for (let i = 1; i < lanczos.length; i++) sum += lanczos[i]! / (x + i);
    return [Math.sqrt(2 * Math.PI) * t ** (x + 0.5) * Math.exp(-t) * sum, 0];
  };
  const value = c.apply(compute, { ...z, im: 0 });
  return { ...value, err: value.err + 2e-14 * c.abs(value) };
}

/** sin(a z + b) + d z^2, with coefficients from the function's name and the argument's place. */
function unknown(name: string, args: readonly Complex[]): Complex {
  let hash = 2166136261;
  for (const letter of name) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619);
  let sum = c.complex(0.1 + ((hash >>> 0) % 1009) / 1009, 0, 0);
  for (const [place, z] of args.entries()) {
    const a = c.complex(1.1 + ((hash >>> 3) % 911) / 911 + place * 0.37, 0, 0);
    const b = c.complex(((hash >>> 7) % 811) / 811 + place, 0, 0);
    sum = c.add(sum, c.add(sine(c.add(c.multiply(a, z), b)), c.multiply(a, c.multiply(z, z))));
  }
  return sum;
}
