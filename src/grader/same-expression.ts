/**
 * Whether two expressions have one value. In this order: the same exact value (an identity of quotients of polynomials, never a guess); if
 * nothing stayed whole in either, that decides. Else numbers: constants by complex doubles with error bounds, formulas with variables at
 * fixed points, all of which must agree. A decimal equals an exact value only when it rounds it.
 *
 * Domains: all comparable points with positive variables must agree; with mixed signs, points where both are real must agree, and for one
 * variable both must be real at the same points (so ln x^2 is not 2 ln x, and sqrt(x^2) is not x).
 */
import * as algebra from './algebra.ts';
import type { Complex } from './complex.ts';
import * as c from './complex.ts';
import { type ExactValue, exactValue } from './exact-value.ts';
import { holds, type Node, variablesOf } from './expression.ts';
import { expandMatrices } from './matrix-algebra.ts';
import { type Evaluation, evaluate } from './numeric-value.ts';
import { parseExpression } from './parse-expression.ts';
import * as q from './rational.ts';
import { NotExact } from './rational.ts';

/** How a decimal is held against another value. */
export interface Rounding {
  /** Both are equal when they round to the same number with so many digits behind the point. */
  readonly digits?: number;
  /** Both are equal when they differ by at most so much. */
  readonly tolerance?: number;
}

export interface Expression {
  readonly text: string;
  /** Undefined: could not be read; then only the text counts. */
  readonly node: Node | undefined;
  exact?: ExactValue | null;
}

export function readExpression(text: string): Expression {
  const squeezed = text.replace(/\s+/g, '');
  try {
    return { text: squeezed, node: expandMatrices(parseExpression(text)) };
  } catch (error) {
    if (!(error instanceof NotExact)) throw error;
    return { text: squeezed, node: undefined };
  }
}

function exactOf(expression: Expression): ExactValue | null {
  if (expression.exact === undefined) {
    try {
      expression.exact = expression.node === undefined ? null : exactValue(expression.node);
    } catch (error) {
      if (!(error instanceof NotExact)) throw error;
      expression.exact = null;
    }
  }
  return expression.exact;
}

export function sameExpression(a: Expression, b: Expression, rounding: Rounding): boolean {
  if (a.text === b.text) return true;
  if (a.node === undefined || b.node === undefined) return false;
  if (a.node.kind === 'matrix' || b.node.kind === 'matrix') return sameMatrix(a.node, b.node, rounding);
  const infinite = (node: Node): boolean => holds(node, (n) => n.kind === 'symbol' && n.name === 'infty');
  // Arithmetic with infinity proves anything; alone or signed it is a name.
  if (infinite(a.node) || infinite(b.node)) return infinitySign(a.node) * infinitySign(b.node) === 1;
  const left = exactOf(a);
  const right = exactOf(b);
  if (left !== null && right !== null) {
    try {
      if (algebra.sameValue(left.value, right.value)) return true;
      if (left.certain && right.certain) return rounds(a.node, b.node, rounding);
    } catch (error) {
      if (!(error instanceof NotExact)) throw error;
    }
  }
  return sameAtPoints(a.node, b.node) || rounds(a.node, b.node, rounding);
}

function infinitySign(node: Node): number {
  if (node.kind === 'symbol' && node.name === 'infty') return 1;
  return node.kind === 'negate' ? -infinitySign(node.of) : 0;
}

/** Entry by entry; a matrix with one entry is that entry. */
function sameMatrix(a: Node, b: Node, rounding: Rounding): boolean {
  const rows = (node: Node): readonly (readonly Node[])[] => (node.kind === 'matrix' ? node.rows : [[node]]);
  const [left, right] = [rows(a), rows(b)];
  if (left.length !== right.length || left[0]!.length !== right[0]!.length) return false;
  return left.every((row, i) => row.every((cell, j) => sameNode(cell, right[i]![j]!, rounding)));
}

export function sameNode(a: Node, b: Node, rounding: Rounding): boolean {
  return sameExpression({ text: 'a', node: a }, { text: 'b', node: b }, rounding);
}

/** The number of an expression without variables. */
export function constantOf(node: Node | undefined): Complex | undefined {
  if (node === undefined || node.kind === 'matrix' || variablesOf(node).size > 0) return undefined;
  if (node.kind === 'symbol' && node.name === 'infty') return { re: Number.POSITIVE_INFINITY, im: 0, err: 0 };
  if (node.kind === 'negate' && infinitySign(node.of) === 1)
    return { re: Number.NEGATIVE_INFINITY, im: 0, err: 0 };
  const value = evaluate(node, { values: new Map(), offReal: false });
  return c.isKnown(value) ? value : undefined;
}

/** Points that variables get, the same in every run: `round` 0 to 4 are positive, the rest of either sign. */
function pointFor(name: string, round: number): number {
  let hash = 2166136261 ^ (round * 0x9e3779b1);
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  const share = ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
  if (round < 5) return 0.15 + 2 * share;
  if (round < 10) return 3 + 37 * share;
  return 5 * share - 2.5;
}
const pointRounds = { positive: [0, 1, 2, 3, 4], large: [5, 6, 7, 8, 9], mixed: [10, 11, 12, 13, 14, 15] };

function sameAtPoints(a: Node, b: Node): boolean {
  const variables = [...variablesOf(a, variablesOf(b))];
  if (variables.length > 40) return false;
  const at = (round: number): { left: Complex; right: Complex; off: [boolean, boolean]; beyond: boolean } => {
    const values = new Map(variables.map((name) => [name, pointFor(name, round)]));
    const first: Evaluation = { values, offReal: false };
    const second: Evaluation = { values, offReal: false };
    const left = evaluate(a, first);
    const right = evaluate(b, second);
    return {
      left,
      right,
      off: [first.offReal, second.offReal],
      beyond: (first.beyond ?? second.beyond) === true,
    };
  };
  if (variables.length === 0) {
    const { left, right } = at(0);
    return c.sameNumber(left, right);
  }
  let agreed = 0;
  for (const round of [...pointRounds.positive, ...pointRounds.large]) {
    if (round === pointRounds.large[0] && agreed >= 3) break;
    const { left, right } = at(round);
    if (!comparable(left, right)) continue;
    if (!c.sameNumber(left, right)) return false;
    agreed++;
  }
  if (agreed < 3) return false;
  for (const round of pointRounds.mixed) {
    const { left, right, off, beyond } = at(round);
    if (beyond) continue;
    if (variables.length === 1) {
      if (off[0] !== off[1] || c.isKnown(left) !== c.isKnown(right)) return false;
    } else if (off[0] || off[1]) continue;
    if (comparable(left, right) && !c.sameNumber(left, right)) return false;
  }
  return true;
}

/** Both have a value, and it is known well enough to tell it from another. */
function comparable(left: Complex, right: Complex): boolean {
  if (!c.isKnown(left) || !c.isKnown(right)) return false;
  return left.err + right.err <= Math.max(1e-9 * Math.max(c.abs(left), c.abs(right)), 1e-12);
}

/** The factor c with a = c b at every point, or undefined. For equations and inequalities, which mean `a = 0`. */
export function numericRatio(a: Node, b: Node): number | undefined {
  const variables = [...variablesOf(a, variablesOf(b))];
  let factor: number | undefined;
  let agreed = 0;
  for (const round of [...pointRounds.positive, ...pointRounds.mixed]) {
    const values = new Map(variables.map((name) => [name, pointFor(name, round)]));
    const left = evaluate(a, { values, offReal: false });
    const right = evaluate(b, { values, offReal: false });
    if (!comparable(left, right) || c.abs(right) < 1e-9) continue;
    const here = c.divide(left, right);
    if (!c.isKnown(here) || !c.isReal(here) || Math.abs(here.re) < 1e-9) return undefined;
    if (factor !== undefined && Math.abs(here.re - factor) > 1e-9 * Math.abs(factor)) return undefined;
    factor = here.re;
    agreed++;
  }
  return agreed >= 4 ? factor : undefined;
}

interface Decimal {
  readonly value: q.Rational;
  readonly decimals: number;
  /** Significant digits written. */
  readonly digits: number;
}

/** A numeral with a point, signed or times a power of ten. */
function decimalOf(node: Node): Decimal | undefined {
  if (node.kind === 'number') {
    if (node.decimals === undefined) return undefined;
    const scaled = q.multiply(node.value, q.power(q.rational(10n), node.decimals));
    return {
      value: node.value,
      decimals: node.decimals,
      digits: scaled.n.toString().replace('-', '').length,
    };
  }
  if (node.kind === 'negate') {
    const inner = decimalOf(node.of);
    return inner === undefined ? undefined : { ...inner, value: q.negate(inner.value) };
  }
  if (node.kind !== 'op' || node.op !== '*' || node.right.kind !== 'op' || node.right.op !== '^')
    return undefined;
  const ten = node.right.left;
  if (ten.kind !== 'number' || ten.value.n !== 10n || ten.value.d !== 1n) return undefined;
  const inner = decimalOf(node.left);
  const exact = exactOf({ text: '', node: node.right.right });
  const power = exact === null ? undefined : algebra.asRational(exact.value);
  if (inner === undefined || power === undefined || power.d !== 1n || power.n > 300n || power.n < -300n)
    return undefined;
  const shift = Number(power.n);
  return {
    value: q.multiply(inner.value, q.power(q.rational(10n), shift)),
    decimals: inner.decimals - shift,
    digits: inner.digits,
  };
}

function rounds(a: Node, b: Node, rounding: Rounding): boolean {
  const first = decimalOf(a);
  const second = decimalOf(b);
  if (first === undefined && second === undefined) return false;
  const left = first === undefined ? constantOf(a) : c.complex(q.toNumber(first.value));
  const right = second === undefined ? constantOf(b) : c.complex(q.toNumber(second.value));
  if (left === undefined || right === undefined || !c.isReal(left) || !c.isReal(right)) return false;
  const off = Math.abs(left.re - right.re);
  const size = Math.max(Math.abs(left.re), Math.abs(right.re));
  if (!Number.isFinite(size)) return false;
  if (rounding.tolerance !== undefined && off <= rounding.tolerance) return true;
  if (rounding.digits !== undefined) {
    const scale = 10 ** rounding.digits;
    if (Math.round(left.re * scale) === Math.round(right.re * scale)) return true;
  }
  // Twelve digits and more come from floating point; their last ones are noise.
  const longest = Math.max(first?.digits ?? 0, second?.digits ?? 0);
  if (longest >= 12 && off <= 1e-10 * size) return true;
  if (first !== undefined && second !== undefined) return false;
  const decimal = (first ?? second)!;
  // An integer has no expansion to round.
  const exact = exactOf({ text: '', node: first === undefined ? a : b });
  if (exact !== null && algebra.asRational(exact.value)?.d === 1n) return false;
  const enough = decimal.digits >= 9 || (decimal.decimals >= 6 && decimal.digits >= 4);
  return enough && off <= 0.5 * 10 ** -decimal.decimals * (1 + 1e-6);
}
