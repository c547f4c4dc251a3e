/**
 * The exact value of an expression (algebra.ts). Functions stay whole as atoms named by their arguments, unless their value is a plain fact;
 * `certain` says that nothing stayed whole, so that two certain values that differ are different.
 */
import * as algebra from './algebra.ts';
import type { Node } from './expression.ts';
import * as q from './rational.ts';
import { NotExact } from './rational.ts';

export interface ExactValue {
  readonly value: algebra.Value;
  readonly certain: boolean;
}

export function exactValue(node: Node): ExactValue {
  const state = { certain: true };
  const value = read(node, state);
  return { value, certain: state.certain };
}

interface State {
  certain: boolean;
}

function read(node: Node, state: State): algebra.Value {
  switch (node.kind) {
    case 'number':
      return algebra.constant(node.value);
    case 'symbol':
      if (node.name === 'i') return algebra.imaginaryUnit;
      return algebra.atom(node.name);
    case 'negate':
      return algebra.negate(read(node.of, state));
    case 'root':
      return root(read(node.of, state), q.rational(1n, node.degree), state);
    case 'call':
      return called(
        node.name,
        node.args.map((arg) => read(arg, state)),
        state,
      );
    case 'matrix':
      throw new NotExact('matrix');
    case 'op': {
      const left = read(node.left, state);
      const right = read(node.right, state);
      if (node.op === '+') return algebra.add(left, right);
      if (node.op === '-') return algebra.subtract(left, right);
      if (node.op === '*') return algebra.multiply(left, right);
      if (node.op === '/') return algebra.divide(left, right);
      const exponent = algebra.asRational(right);
      if (exponent !== undefined) return root(left, exponent, state);
      return whole('pow', [left, right], state);
    }
  }
}

function root(base: algebra.Value, exponent: q.Rational, state: State): algebra.Value {
  if (exponent.d !== 1n && algebra.asRational(base) === undefined) state.certain = false;
  return algebra.rationalPower(base, exponent);
}

function whole(name: string, args: readonly algebra.Value[], state: State): algebra.Value {
  state.certain = false;
  return algebra.atom(`${name}(${args.map(algebra.canonical).join(';')})`);
}

function called(name: string, args: readonly algebra.Value[], state: State): algebra.Value {
  const numbers = args.map(algebra.asRational);
  if (numbers.every((number) => number !== undefined)) {
    const value = known(name, numbers);
    if (value !== undefined) return algebra.constant(value);
  }
  return whole(name, args, state);
}

/** Functions whose value at rational arguments is rational. */
function known(name: string, args: readonly q.Rational[]): q.Rational | undefined {
  const [a, b] = args as [q.Rational, q.Rational?];
  const integers = args.every((arg) => arg.d === 1n);
  switch (name) {
    case 'abs':
      return a.n < 0n ? q.negate(a) : a;
    case 'floor':
      return q.rational(floor(a));
    case 'ceil':
      return q.rational(-floor(q.negate(a)));
    case 'factorial':
      return integers ? factorial(a.n) : undefined;
    case 'binom':
      return integers && b !== undefined ? binomial(a.n, b.n) : undefined;
    case 'mod':
      if (!integers || b === undefined || b.n === 0n) return undefined;
      return q.rational(((a.n % b.n) + b.n) % b.n);
    case 'gcd':
    case 'lcm':
      return integers
        ? folded(
            name,
            args.map((arg) => (arg.n < 0n ? -arg.n : arg.n)),
          )
        : undefined;
    case 'max':
    case 'min':
      return args.reduce((best, arg) => (q.compare(arg, best) > 0 === (name === 'max') ? arg : best));
    default:
      return undefined;
  }
}

function folded(name: string, values: readonly bigint[]): q.Rational {
  return q.rational(
    values.reduce((a, b) =>
      name === 'gcd' ? q.gcd(a, b) : a === 0n || b === 0n ? 0n : (a / q.gcd(a, b)) * b,
    ),
  );
}

function floor(a: q.Rational): bigint {
  const quotient = a.n / a.d;
  return a.n < 0n && a.n % a.d !== 0n ? quotient - 1n : quotient;
}

function factorial(n: bigint): q.Rational {
  if (n < 0n || n > 300n) throw new NotExact('factorial');
  let product = 1n;
  for (let factor = 2n; factor <= n; factor++) product *= factor;
  return q.rational(product);
}

function binomial(n: bigint, k: bigint): q.Rational {
  if (n < 0n || k < 0n || n > 2000n) throw new NotExact('binomial');
  if (k > n) return q.zero;
  let result = 1n;
  for (let step = 1n; step <= k; step++) result = (result * (n - k + step)) / step;
  return q.rational(result);
}
