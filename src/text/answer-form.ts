/**
 * The shape of an answer: one expression, an ordered or unordered collection, an interval, a matrix, a relation, a text.
 *
 * `readForm` takes normalised text apart at the top level only; `sameForm` compares two shapes part by part. Order
 * counts in brackets (points, tuples, intervals, matrices) and does not count in sets, lists without brackets
 * (solutions of an equation) and unions.
 */
import * as algebra from './algebra.ts';
import { numberOf } from './algebra-numeric.ts';
import { type Expression, readExpression } from './answer-expression.ts';
import { compare, NotExact, negate, one, toNumber, zero } from './rational.ts';

export type Form =
  | { readonly kind: 'expression'; readonly text: string; readonly expression: Expression | undefined }
  | { readonly kind: 'tuple'; readonly open: string; readonly close: string; readonly parts: readonly Form[] }
  | { readonly kind: 'set' | 'list' | 'union'; readonly parts: readonly Form[] }
  | { readonly kind: 'matrix'; readonly rows: readonly (readonly Form[])[] }
  | { readonly kind: 'relation'; readonly sign: string; readonly left: Form; readonly right: Form };

const mostParts = 100;
const mostDepth = 12;

export function readForm(text: string, depth = 0): Form {
  if (depth > mostDepth) return expressionForm(text);
  const trimmed = stripMembership(text.trim());
  const list = splitTop(trimmed, /^(?:[,;]|(?:and|or)(?![A-Za-z]))/);
  if (list.length > 1 && list.length <= mostParts) {
    const parts = list.filter((part) => part.trim() !== '').map((part) => readForm(part, depth + 1));
    return parts.length === 1 ? parts[0]! : { kind: 'list', parts };
  }
  const relation = splitRelation(trimmed);
  if (relation?.kind === 'between') return between(relation, depth);
  if (relation !== undefined) {
    const left = readForm(relation.left, depth + 1);
    const right = readForm(relation.right, depth + 1);
    return { kind: 'relation', sign: relation.sign, left, right };
  }
  const union = splitTop(trimmed, /^\\cup(?![A-Za-z])/);
  if (union.length > 1) return { kind: 'union', parts: union.map((part) => readForm(part, depth + 1)) };
  const plusMinus = expandPlusMinus(trimmed);
  if (plusMinus !== undefined)
    return { kind: 'list', parts: plusMinus.map((part) => readForm(part, depth + 1)) };
  const matrix = readMatrix(trimmed, depth);
  if (matrix !== undefined) return matrix;
  const bracketed = readBrackets(trimmed, depth);
  if (bracketed !== undefined) return bracketed;
  return expressionForm(trimmed);
}

function expressionForm(text: string): Form {
  let expression: Expression | undefined;
  try {
    expression = readExpression(text);
  } catch (error) {
    if (!(error instanceof NotExact)) throw error;
  }
  return { kind: 'expression', text: text.replace(/\s+/g, ''), expression };
}

/** `x \in A` is `A`. */
function stripMembership(text: string): string {
  const match = /^[A-Za-z](?:_\{?\w{1,3}\}?)?\s*\\in(?![A-Za-z])\s*/.exec(text);
  return match === null ? text : text.slice(match[0].length);
}

/** Pieces between separators outside all brackets and groups. */
function splitTop(text: string, separator: RegExp): string[] {
  const pieces: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text[at]!;
    if (depth === 0 && /[,;\\ao]/.test(unit) && (at === 0 || unit !== 'a' || /[\s}\d]/.test(text[at - 1]!))) {
      if (unit !== 'o' || /[\s}\d]/.test(text[at - 1] ?? ' ')) {
        const match = separator.exec(text.slice(at, at + 16));
        if (match !== null) {
          pieces.push(text.slice(from, at));
          at += match[0].length - 1;
          from = at + 1;
          continue;
        }
      }
    }
    if (unit === '\\') {
      if (text.startsWith('\\{', at)) depth++;
      else if (text.startsWith('\\}', at)) depth--;
      else if (text.startsWith('\\begin', at)) depth++;
      else if (text.startsWith('\\end', at)) depth--;
      at++;
    } else if (unit === '(' || unit === '[' || unit === '{') depth++;
    else if (unit === ')' || unit === ']' || unit === '}') depth--;
  }
  pieces.push(text.slice(from));
  return pieces;
}

type Split =
  | { readonly kind: 'relation'; readonly sign: string; readonly left: string; readonly right: string }
  | {
      readonly kind: 'between';
      readonly signs: readonly [string, string];
      readonly low: string;
      readonly high: string;
    };

/**
 * The relation at the top level: `x = 5`, `a < b`. Chains of `=` keep the first and the last side; `a < x \le b`
 * around a bare name is an interval.
 */
function splitRelation(text: string): Split | undefined {
  let depth = 0;
  const found: { at: number; length: number; sign: string }[] = [];
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at, at + 8);
    const match = depth === 0 ? /^(?:=|<|>|\\(?:le|ge|ne|approx|equiv)(?![A-Za-z]))/.exec(rest) : null;
    if (match !== null) {
      found.push({ at, length: match[0].length, sign: match[0].replace('\\approx', '=') });
      at += match[0].length - 1;
      continue;
    }
    const unit = text[at]!;
    if (unit === '\\') {
      if (rest.startsWith('\\{') || rest.startsWith('\\begin')) depth++;
      else if (rest.startsWith('\\}') || rest.startsWith('\\end')) depth--;
      at++;
    } else if (unit === '(' || unit === '[' || unit === '{') depth++;
    else if (unit === ')' || unit === ']' || unit === '}') depth--;
  }
  if (found.length === 0 || found.length > 6) return undefined;
  const first = found[0]!;
  const last = found[found.length - 1]!;
  const left = text.slice(0, first.at).trim();
  const right = text.slice(last.at + last.length).trim();
  if (left === '' || right === '') return undefined;
  if (found.length === 1 || found.every((entry) => entry.sign === '=')) {
    return { kind: 'relation', sign: first.sign, left, right };
  }
  const middle = text.slice(first.at + first.length, last.at).trim();
  if (found.length !== 2 || !/^\\?[A-Za-z]+$/.test(middle)) return undefined;
  const signs = [first.sign, last.sign] as const;
  if (signs.every((sign) => sign === '<' || sign === '\\le'))
    return { kind: 'between', signs, low: left, high: right };
  if (signs.every((sign) => sign === '>' || sign === '\\ge')) {
    return { kind: 'between', signs: [signs[1], signs[0]], low: right, high: left };
  }
  return undefined;
}

function between(range: Extract<Split, { kind: 'between' }>, depth: number): Form {
  const closed = (sign: string): boolean => sign === '\\le' || sign === '\\ge';
  return {
    kind: 'tuple',
    open: closed(range.signs[0]) ? '[' : '(',
    close: closed(range.signs[1]) ? ']' : ')',
    parts: [readForm(range.low, depth + 1), readForm(range.high, depth + 1)],
  };
}

/** `a \pm b` is both of its values. */
function expandPlusMinus(text: string): string[] | undefined {
  const parts = text.split(/\\pm(?![A-Za-z])/);
  if (parts.length !== 2) return undefined;
  return [`${parts[0]}+${parts[1]}`, `${parts[0]}-${parts[1]}`];
}

const matrixForm =
  /^\\begin\s*\{([pbvBV]?matrix|array|smallmatrix)\}\s*(?:\{[lcr|]*\})?([\s\S]*)\\end\s*\{\1\}$/;

function readMatrix(text: string, depth: number): Form | undefined {
  const match = matrixForm.exec(text);
  if (match === null || match[1]!.startsWith('v')) return undefined; // vmatrix is a determinant
  const rows = match[2]!
    .split(/\\\\/)
    .filter((row) => row.trim() !== '')
    .map((row) => row.split('&').map((cell) => readForm(cell, depth + 1)));
  return rows.length <= mostParts ? { kind: 'matrix', rows } : undefined;
}

function readBrackets(text: string, depth: number): Form | undefined {
  if (text.startsWith('\\{') && text.endsWith('\\}') && wholeGroup(text, 2)) {
    const inner = text.slice(2, -2);
    const parts = splitTop(inner, /^[,;]/).filter((part) => part.trim() !== '');
    return { kind: 'set', parts: parts.slice(0, mostParts).map((part) => readForm(part, depth + 1)) };
  }
  const open = text[0] ?? '';
  const close = text[text.length - 1] ?? '';
  if (!'(['.includes(open) || !')]'.includes(close) || open === '' || close === '' || !wholeGroup(text, 1))
    return undefined;
  const parts = splitTop(text.slice(1, -1), /^[,;]/);
  if (parts.length < 2)
    return open === '[' && close === ']' ? readForm(text.slice(1, -1), depth + 1) : undefined;
  return {
    kind: 'tuple',
    open,
    close,
    parts: parts.slice(0, mostParts).map((part) => readForm(part, depth + 1)),
  };
}

/** True when the bracket that opens the text closes at its end: `(1)(2)` is not one group. */
function wholeGroup(text: string, width: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text[at]!;
    if (unit === '\\') {
      const next = text[at + 1];
      if (next === '{') depth++;
      else if (next === '}') depth--;
      at++;
    } else if ('([{'.includes(unit)) depth++;
    else if (')]}'.includes(unit)) depth--;
    if (depth === 0) return at === text.length - 1;
  }
  return width === 0;
}

/** Whether two answers are the same. `NotExact` never escapes: what cannot be decided is false. */
export function sameForm(gold: Form, answer: Form): boolean {
  try {
    return compareForms(gold, answer, { left: 4000 });
  } catch (error) {
    if (error instanceof NotExact) return false;
    throw error;
  }
}

function compareForms(gold: Form, answer: Form, budget: { left: number }): boolean {
  if (budget.left-- <= 0) return false;
  if (gold.kind === 'relation' && answer.kind === 'relation') return sameRelation(gold, answer, budget);
  // `x = 5` answers "what is x": its right side. Only a bare name on the left is taken off.
  if (gold.kind === 'relation') return isNamed(gold) && compareForms(gold.right, answer, budget);
  if (answer.kind === 'relation') return isNamed(answer) && compareForms(gold, answer.right, budget);
  if (gold.kind === 'expression' && answer.kind === 'expression') return sameExpression(gold, answer);
  if (gold.kind === 'tuple' && answer.kind === 'tuple') {
    return (
      gold.open === answer.open &&
      gold.close === answer.close &&
      sameInOrder(gold.parts, answer.parts, budget)
    );
  }
  if (gold.kind === 'matrix' && answer.kind === 'matrix') {
    if (gold.rows.length !== answer.rows.length) return false;
    return gold.rows.every((row, index) => sameInOrder(row, answer.rows[index]!, budget));
  }
  // A column vector may be written as a tuple.
  if (gold.kind === 'matrix' && answer.kind === 'tuple') return sameVector(gold, answer, budget);
  if (gold.kind === 'tuple' && answer.kind === 'matrix') return sameVector(answer, gold, budget);
  if (gold.kind === 'union' && answer.kind === 'union')
    return sameInAnyOrder(gold.parts, answer.parts, budget);
  const collection = (form: Form): readonly Form[] | undefined =>
    form.kind === 'set' || form.kind === 'list' ? form.parts : undefined;
  const left = collection(gold);
  const right = collection(answer);
  if (left !== undefined && right !== undefined) return sameInAnyOrder(left, right, budget);
  if (left?.length === 1) return compareForms(left[0]!, answer, budget);
  if (right?.length === 1) return compareForms(gold, right[0]!, budget);
  return false;
}

type Matrix = Extract<Form, { kind: 'matrix' }>;
type Tuple = Extract<Form, { kind: 'tuple' }>;
type Relation = Extract<Form, { kind: 'relation' }>;
type Single = Extract<Form, { kind: 'expression' }>;

function sameVector(matrix: Matrix, tuple: Tuple, budget: { left: number }): boolean {
  if (tuple.open !== '(' || tuple.close !== ')') return false;
  if (!matrix.rows.every((row) => row.length === 1)) return false;
  return sameInOrder(
    matrix.rows.map((row) => row[0]!),
    tuple.parts,
    budget,
  );
}

function sameInOrder(gold: readonly Form[], answer: readonly Form[], budget: { left: number }): boolean {
  return (
    gold.length === answer.length && gold.every((part, index) => compareForms(part, answer[index]!, budget))
  );
}

/** As sets: what one has the other has, repeats aside. */
function sameInAnyOrder(gold: readonly Form[], answer: readonly Form[], budget: { left: number }): boolean {
  // `x = 1, y = 2` against `2, 1`: the names say which is which, so the order of bare values counts.
  if (hasDifferentNames(gold) !== hasDifferentNames(answer)) return sameInOrder(gold, answer, budget);
  return (
    gold.every((part) => answer.some((other) => compareForms(part, other, budget))) &&
    answer.every((part) => gold.some((other) => compareForms(other, part, budget)))
  );
}

function hasDifferentNames(parts: readonly Form[]): boolean {
  const names = new Set<string>();
  for (const part of parts)
    if (part.kind === 'relation' && part.left.kind === 'expression') names.add(part.left.text);
  return names.size > 1;
}

const name = String.raw`\\?[A-Za-z]+(?:_(?:\w|\{\w{1,4}\}))?'?`;
const points = String.raw`\|?[A-Z]{1,3}(?:_\w)?\|?`;
const naming = new RegExp(
  String.raw`^(?:${name}(?:\([A-Za-z](?:,[A-Za-z])*\))?|\(${name}(?:,${name})+\)|${points}[:/]${points}|\|[A-Z]{1,3}\||\\frac\{${points}\}\{${points}\})$`,
);

/** `x = ..`, `f(x) = ..`, `(a, b) = ..`, `AB/CD = ..`, `1 + 1 = ..`: the left side only says what the right is. */
function isNamed(relation: Relation): boolean {
  if (relation.sign !== '=') return false;
  const text = formText(relation.left);
  if (text !== undefined && text.length <= 40 && naming.test(text)) return true;
  // A closed expression that was worked out: `3 + 4 = 7`. A bare number on the left is the other way round.
  return isClosed(relation.left) && isClosed(relation.right) && !/^-?[\d.]+$/.test(text ?? '');
}

function isClosed(form: Form): boolean {
  const expression = form.kind === 'expression' ? form.expression : undefined;
  return expression !== undefined && numberOf(expression.value, expression.atoms) !== undefined;
}

function formText(form: Form): string | undefined {
  if (form.kind === 'expression') return form.text;
  if (form.kind !== 'tuple') return undefined;
  const parts = form.parts.map(formText);
  return parts.includes(undefined) ? undefined : `${form.open}${parts.join(',')}${form.close}`;
}

function sameRelation(gold: Relation, answer: Relation, budget: { left: number }): boolean {
  const flip: Record<string, string> = { '<': '>', '>': '<', '\\le': '\\ge', '\\ge': '\\le' };
  if (
    gold.sign === answer.sign &&
    compareForms(gold.left, answer.left, budget) &&
    compareForms(gold.right, answer.right, budget)
  ) {
    return true;
  }
  const difference = (relation: Relation): algebra.Value | undefined => {
    if (relation.left.kind !== 'expression' || relation.right.kind !== 'expression') return undefined;
    if (relation.left.expression === undefined || relation.right.expression === undefined) return undefined;
    return algebra.subtract(relation.left.expression.value, relation.right.expression.value);
  };
  const left = difference(gold);
  const right = difference(answer);
  if (left === undefined || right === undefined) return false;
  const factor = algebra.ratio(left, right);
  if (factor === undefined || factor.n === 0n) return false;
  if (gold.sign === '=' || gold.sign === '\\ne' || gold.sign === '\\equiv')
    return gold.sign === answer.sign && gold.sign !== '\\equiv';
  return compare(factor, zero) > 0 ? gold.sign === answer.sign : flip[gold.sign] === answer.sign;
}

/**
 * Equal as text, as exact values, or as a decimal that rounds the exact value: one side is a decimal with at least
 * four significant digits, the other is not a decimal, and they differ by at most half a unit of its last digit.
 * Two closed forms without variables that the algebra cannot bring to one shape count as equal when their doubles
 * agree to 1e-12 and are below a million (larger near-misses are known: exp(pi sqrt(163))).
 */
function sameExpression(gold: Single, answer: Single): boolean {
  if (gold.text === answer.text && gold.text !== '') return true;
  const left = gold.expression;
  const right = answer.expression;
  if (left === undefined || right === undefined) return false;
  if (algebra.sameValue(left.value, right.value)) return true;
  if ((left.decimals === undefined) !== (right.decimals === undefined)) {
    return left.decimals === undefined ? rounds(right, left) : rounds(left, right);
  }
  if (left.decimals !== undefined || right.decimals !== undefined) return false;
  if (algebra.asRational(left.value) !== undefined && algebra.asRational(right.value) !== undefined)
    return false;
  const a = numberOf(left.value, left.atoms);
  const b = numberOf(right.value, right.atoms);
  if (a === undefined || b === undefined || Math.abs(a) > 1e6) return false;
  return Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(a));
}

function rounds(decimal: Expression, exact: Expression): boolean {
  const written = algebra.asRational(decimal.value);
  const number = numberOf(exact.value, exact.atoms);
  if (written === undefined || number === undefined || decimal.decimals === undefined) return false;
  // An integer has no decimal expansion to round.
  if (algebra.asRational(exact.value)?.d === 1n) return false;
  const digits = (compare(written, zero) < 0 ? negate(written) : written).n.toString().length;
  const shown =
    compare(written, one) < 0 && compare(written, negate(one)) > 0
      ? decimal.decimals
      : Math.max(digits, decimal.decimals);
  if (shown < 4) return false;
  const off = Math.abs(toNumber(written) - number);
  // Ten digits and more come from floating point; their last ones are noise.
  if (shown >= 10 && off <= 1e-9 * Math.abs(number)) return true;
  return off <= 0.5 * 10 ** -decimal.decimals * (1 + 1e-9);
}
