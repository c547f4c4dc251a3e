/**
 * Compares two shapes part by part. Order counts in brackets (points, tuples, intervals) and matrices; it does not in sets, in lists without
 * brackets (the solutions of an equation) and in unions. `x = 5` answers what x is, so it equals `5`; two equations are equal when one is a
 * multiple of the other, two inequalities when it is a positive one or the signs turn. Bounded by a budget of comparisons.
 */
import * as algebra from './algebra.ts';
import { exactValue } from './exact-value.ts';
import { type Node, op } from './expression.ts';
import * as q from './rational.ts';
import { NotExact } from './rational.ts';
import type { Form } from './read-form.ts';
import { realSet, sameRealSet } from './real-sets.ts';
import { constantOf, numericRatio, type Rounding, sameExpression, sameNode } from './same-expression.ts';

interface Context {
  readonly rounding: Rounding;
  left: number;
}

export function sameForm(gold: Form, answer: Form, rounding: Rounding): boolean {
  try {
    return compare(gold, answer, { rounding, left: 3000 });
  } catch (error) {
    if (error instanceof NotExact) return false;
    throw error;
  }
}

function compare(gold: Form, answer: Form, context: Context): boolean {
  if (context.left-- <= 0) return false;
  return compareShapes(gold, answer, context) || compareRealSets(gold, answer);
}

/** Only where a set is meant: two points in brackets are a pair, unless the other side says otherwise. */
function compareRealSets(gold: Form, answer: Form): boolean {
  const meant = (form: Form): boolean =>
    !['tuple', 'set', 'expression'].includes(form.kind) ||
    (form.kind === 'expression' && form.expression.text === '\\mathbf{R}');
  if (!meant(gold) && !meant(answer)) return false;
  const left = realSet(gold);
  const right = left === undefined ? undefined : realSet(answer);
  return left !== undefined && right !== undefined && sameRealSet(left, right);
}

function compareShapes(gold: Form, answer: Form, context: Context): boolean {
  if (gold.kind === 'expression' && answer.kind === 'expression')
    return sameExpression(gold.expression, answer.expression, context.rounding);
  if (gold.kind === 'relation' && answer.kind === 'relation' && sameRelation(gold, answer, context))
    return true;
  // `x = 5` answers "what is x": its right side. Only a name on the left is taken off, and not the same name twice.
  if (gold.kind === 'relation' && answer.kind === 'relation') return bothValues(gold, answer, context);
  if (gold.kind === 'relation') return isNamed(gold) && compare(gold.right, answer, context);
  if (answer.kind === 'relation') return isNamed(answer) && compare(gold, answer.right, context);
  if (gold.kind === 'between' && answer.kind === 'between')
    return gold.signs.join() === answer.signs.join() && inOrder(gold.parts, answer.parts, context);
  if (gold.kind === 'tuple' && answer.kind === 'tuple')
    return (
      gold.open === answer.open && gold.close === answer.close && inOrder(gold.parts, answer.parts, context)
    );
  const columns = vector(gold) ?? vector(answer);
  if (columns !== undefined) {
    const other = vector(gold) === undefined ? gold : answer;
    if (other.kind === 'tuple' && other.open === '(' && other.close === ')')
      return (
        columns.length === other.parts.length &&
        columns.every((cell, i) => {
          const part = other.parts[i]!;
          return part.kind === 'expression' && part.expression.node !== undefined
            ? sameNode(cell, part.expression.node, context.rounding)
            : false;
        })
      );
  }
  if (
    gold.kind === answer.kind &&
    (gold.kind === 'union' || gold.kind === 'intersection' || gold.kind === 'difference')
  ) {
    const other = (answer as { parts: readonly Form[] }).parts;
    return gold.kind === 'difference'
      ? inOrder(gold.parts, other, context)
      : inAnyOrder(gold.parts, other, true, context);
  }
  return compareCollections(gold, answer, context);
}

function compareCollections(gold: Form, answer: Form, context: Context): boolean {
  const collection = (form: Form): readonly Form[] | undefined =>
    form.kind === 'set' || form.kind === 'list' ? form.parts : undefined;
  const left = collection(gold);
  const right = collection(answer);
  if (left !== undefined && right !== undefined) {
    // `x = 1, y = 2` against `2, 1`: the names say which is which, so the order of bare values counts.
    if (hasDifferentNames(left) !== hasDifferentNames(right)) return inOrder(left, right, context);
    return inAnyOrder(left, right, gold.kind === 'set' && answer.kind === 'set', context);
  }
  // A point whose brackets were left out.
  const bare = (form: Form): readonly Form[] | undefined =>
    form.kind === 'list' && form.joiner !== 'or' ? form.parts : undefined;
  const point = (form: Form): readonly Form[] | undefined =>
    form.kind === 'tuple' && form.open === '(' && form.close === ')' ? form.parts : undefined;
  const [list, tuple] = [bare(gold) ?? bare(answer), point(gold) ?? point(answer)];
  if (list !== undefined && tuple !== undefined) return inOrder(list, tuple, context);
  if (left?.length === 1) return compare(left[0]!, answer, context);
  if (right?.length === 1) return compare(gold, right[0]!, context);
  return false;
}

/** The entries of a matrix with one column or one row. */
function vector(form: Form): readonly Node[] | undefined {
  const node = form.kind === 'expression' ? form.expression.node : undefined;
  if (node?.kind !== 'matrix') return undefined;
  if (node.rows.every((row) => row.length === 1)) return node.rows.map((row) => row[0]!);
  return node.rows.length === 1 ? node.rows[0] : undefined;
}

function inOrder(gold: readonly Form[], answer: readonly Form[], context: Context): boolean {
  return gold.length === answer.length && gold.every((part, i) => compare(part, answer[i]!, context));
}

/** Each part has its own partner. Repeats do not count in sets, nor in a list when the reference has none. */
function inAnyOrder(
  gold: readonly Form[],
  answer: readonly Form[],
  asSets: boolean,
  context: Context,
): boolean {
  const repeats = (parts: readonly Form[]): boolean =>
    parts.some((part, i) => parts.some((other, j) => j < i && compare(other, part, context)));
  if (asSets || (answer.length > gold.length && !repeats(gold)))
    return (
      gold.every((part) => answer.some((other) => compare(part, other, context))) &&
      answer.every((part) => gold.some((other) => compare(other, part, context)))
    );
  if (gold.length !== answer.length) return false;
  const free = new Set(answer.keys());
  return gold.every((part) => {
    for (const i of free) {
      if (!compare(part, answer[i]!, context)) continue;
      free.delete(i);
      return true;
    }
    return false;
  });
}

function hasDifferentNames(parts: readonly Form[]): boolean {
  const names = new Set<string>();
  for (const part of parts) if (part.kind === 'relation') names.add(formText(part.left) ?? '');
  return names.size > 1;
}

type Relation = Extract<Form, { kind: 'relation' }>;
const name = String.raw`\\?[A-Za-z]+(?:_(?:\w|\{[^{}]{1,8}\}))?'{0,3}`;
const points = String.raw`\|?\\?[A-Za-z]{1,3}(?:_\{?\w{1,3}\}?)?\|?`;
const naming = new RegExp(
  [
    String.raw`^(?:${name}(?:\([A-Za-z0-9](?:,[A-Za-z0-9])*\))?`,
    String.raw`\(${name}(?:,${name})+\)`,
    `${points}[:/]${points}`,
    String.raw`\|${points}\|`,
    String.raw`\\(?:angle|triangle|overline|widehat|vec|overrightarrow)\{?[A-Za-z]{1,3}\}?`,
    String.raw`[A-Z]\([A-Za-z\\ ]{1,12}\)`,
    String.raw`\\frac\{${points}\}\{${points}\})$`,
  ].join('|'),
);

/** `x = ..`, `f(x) = ..`, `(a, b) = ..`, `AB/CD = ..`, `1 + 1 = ..`: the left side only says what the right is. */
function isNamed(relation: Relation): boolean {
  if (relation.sign !== '=') return false;
  const text = formText(relation.left);
  if (text !== undefined && text.length <= 40 && naming.test(text)) return true;
  // A closed expression that was worked out: `3 + 4 = 7`. A bare number on the left is the other way round.
  return isClosed(relation.left) && isClosed(relation.right) && !/^-?[\d.]+$/.test(text ?? '');
}

const isClosed = (form: Form): boolean =>
  form.kind === 'expression' && constantOf(form.expression.node) !== undefined;

/** `x = 5` against `y = 5`: two values with names of their own; the same answer only when each name just labels it. */
function bothValues(gold: Relation, answer: Relation, context: Context): boolean {
  if (gold.sign !== '=' || answer.sign !== '=') return false;
  const [left, right] = [isClosed(gold.left), isClosed(answer.left)];
  if (left && right) return compare(gold.right, answer.right, context);
  if (left && isNamed(gold)) return isNamed(answer) && compare(gold.right, answer.right, context);
  if (right && isNamed(answer)) return isNamed(gold) && compare(gold.right, answer.right, context);
  return false;
}

function formText(form: Form): string | undefined {
  if (form.kind === 'expression') return form.expression.text;
  if (form.kind !== 'tuple') return undefined;
  const parts = form.parts.map(formText);
  return parts.includes(undefined) ? undefined : `${form.open}${parts.join(',')}${form.close}`;
}

const turned: Readonly<Record<string, string>> = { '<': '>', '>': '<', '\\le': '\\ge', '\\ge': '\\le' };

function sameRelation(gold: Relation, answer: Relation, context: Context): boolean {
  const same = (a: Form, b: Form): boolean => compare(a, b, context);
  if (gold.sign === answer.sign && same(gold.left, answer.left) && same(gold.right, answer.right))
    return true;
  const back = gold.sign in turned ? turned[gold.sign]! : gold.sign;
  if (back === answer.sign && same(gold.left, answer.right) && same(gold.right, answer.left)) return true;
  const left = difference(gold);
  const right = difference(answer);
  if (left === undefined || right === undefined) return false;
  // Values with a name each (x = 5, x = 6) differ in a constant that no factor takes away.
  const factor = ratioOf(left, right, gold.sign === '=');
  if (factor === undefined) return false;
  if (gold.sign === '=' || gold.sign === '\\ne') return answer.sign === gold.sign;
  return answer.sign === (factor > 0 ? gold.sign : turned[gold.sign]);
}

function difference(relation: Relation): Node | undefined {
  if (relation.left.kind !== 'expression' || relation.right.kind !== 'expression') return undefined;
  const [left, right] = [relation.left.expression.node, relation.right.expression.node];
  if (left === undefined || right === undefined || left.kind === 'matrix' || right.kind === 'matrix')
    return undefined;
  // Both sides known numbers: the relation is a calculation, and says nothing about a variable.
  if (constantOf(left) !== undefined && constantOf(right) !== undefined) return undefined;
  return op('-', left, right);
}

/** The sign and size of c in `a = c b`, exactly where that is possible. */
function ratioOf(a: Node, b: Node, equation: boolean): number | undefined {
  try {
    const [left, right] = [exactValue(a), exactValue(b)];
    const found =
      algebra.ratio(left.value, right.value) ??
      (equation ? algebra.ratio(cleared(left.value), cleared(right.value)) : undefined);
    if (found !== undefined) return q.toNumber(found);
    if (left.certain && right.certain) return undefined;
  } catch (error) {
    if (!(error instanceof NotExact)) throw error;
  }
  return numericRatio(a, b);
}

const cleared = (value: algebra.Value): algebra.Value => ({
  numerator: value.numerator,
  denominator: algebra.constant(q.one).denominator,
});
