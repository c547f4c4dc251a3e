/**
 * Factorials and binomial coefficients of small whole numbers, exactly; larger or other arguments are refused.
 */
import * as algebra from './algebra.ts';
import * as q from './rational.ts';
import { NotExact } from './rational.ts';

export function factorial(value: algebra.Value): algebra.Value {
  const number = algebra.asRational(value);
  if (number === undefined || number.d !== 1n || number.n < 0n || number.n > 300n)
    throw new NotExact('factorial');
  let product = 1n;
  for (let factor = 2n; factor <= number.n; factor++) product *= factor;
  return algebra.constant(q.rational(product));
}

export function binomial(above: algebra.Value, below: algebra.Value): algebra.Value {
  const n = algebra.asRational(above);
  const k = algebra.asRational(below);
  if (n === undefined || k === undefined || n.d !== 1n || k.d !== 1n) throw new NotExact('binomial');
  if (n.n < 0n || k.n < 0n || n.n > 2000n || k.n > n.n) throw new NotExact('binomial');
  let result = 1n;
  for (let step = 1n; step <= k.n; step++) result = (result * (n.n - k.n + step)) / step;
  return algebra.constant(q.rational(result));
}
