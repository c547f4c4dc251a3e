/**
 * Sets of real numbers: intervals, unions, differences, inequalities in one variable and their `or` and `and`, brought to one list of
 * disjoint pieces in order, so that `x < 3` equals `(-\infty, 3)` and `|x| \le 2` equals `[-2, 2]`.
 *
 * Inequalities must be linear in the variable, or in its absolute value. What is not understood is `undefined`, never a guess.
 */
import * as c from './complex.ts';
import { type Node, op, variablesOf } from './expression.ts';
import { evaluate } from './numeric-value.ts';
import type { Form } from './read-form.ts';
import { constantOf } from './same-expression.ts';

interface End {
  readonly at: c.Complex;
  readonly closed: boolean;
}
interface Piece {
  readonly low: End;
  readonly high: End;
}
export interface RealSet {
  readonly pieces: readonly Piece[];
  /** The variable an inequality was about; a plain interval has none. */
  readonly variable: string | undefined;
}

const infinite = (sign: number): End => ({
  at: { re: sign * Number.POSITIVE_INFINITY, im: 0, err: 0 },
  closed: false,
});
const everything: Piece = { low: infinite(-1), high: infinite(1) };

export function realSet(form: Form): RealSet | undefined {
  switch (form.kind) {
    case 'expression': {
      const { text } = form.expression;
      if (text === '\\mathbf{R}' || text === '\\mathbf{R}'.replace(/\W/g, ''))
        return { pieces: [everything], variable: undefined };
      if (text === '\\emptyset') return { pieces: [], variable: undefined };
      return undefined;
    }
    case 'tuple':
      return interval(form);
    case 'set': {
      const points = form.parts.map((part) => endOf(part, true));
      if (points.includes(undefined)) return undefined;
      return merged(
        points.map((end) => ({ low: end!, high: end! })),
        undefined,
      );
    }
    case 'union':
    case 'intersection':
    case 'difference':
      return combined(form.kind, form.parts);
    case 'list':
      if (form.joiner === 'comma') return undefined;
      return combined(form.joiner === 'or' ? 'union' : 'intersection', form.parts);
    case 'relation':
      return inequality(form.sign, form.left, form.right);
    case 'between':
      return between(form);
  }
}

export function sameRealSet(a: RealSet, b: RealSet): boolean {
  if (a.variable !== undefined && b.variable !== undefined && a.variable !== b.variable) return false;
  const same = (x: End, y: End): boolean => x.closed === y.closed && sameEnd(x, y);
  return (
    a.pieces.length === b.pieces.length &&
    a.pieces.every((piece, i) => same(piece.low, b.pieces[i]!.low) && same(piece.high, b.pieces[i]!.high))
  );
}

const sameEnd = (x: End, y: End): boolean => x.at.re === y.at.re || c.sameNumber(x.at, y.at);
const before = (x: End, y: End): boolean => !sameEnd(x, y) && x.at.re < y.at.re;

function endOf(form: Form, closed: boolean): End | undefined {
  const at = form.kind === 'expression' ? constantOf(form.expression.node) : undefined;
  if (at === undefined || !(Number.isFinite(at.re) ? c.isReal(at) : at.im === 0)) return undefined;
  return { at, closed: closed && Number.isFinite(at.re) };
}

function interval(form: Extract<Form, { kind: 'tuple' }>): RealSet | undefined {
  if (form.parts.length !== 2) return undefined;
  const low = endOf(form.parts[0]!, form.open === '[');
  const high = endOf(form.parts[1]!, form.close === ']');
  if (low === undefined || high === undefined || !(before(low, high) || sameEnd(low, high))) return undefined;
  return { pieces: [{ low, high }], variable: undefined };
}

function combined(
  kind: 'union' | 'intersection' | 'difference',
  parts: readonly Form[],
): RealSet | undefined {
  const sets = parts.map(realSet);
  if (sets.includes(undefined)) return undefined;
  const names = new Set(sets.flatMap((set) => set!.variable ?? []));
  if (names.size > 1) return undefined;
  const [variable] = names;
  const [first, ...rest] = sets.map((set) => set!.pieces);
  if (kind === 'union') return merged([first!, ...rest].flat(), variable);
  let pieces = first!;
  for (const other of rest) pieces = intersect(pieces, kind === 'difference' ? complement(other) : other);
  return merged(pieces, variable);
}

function intersect(a: readonly Piece[], b: readonly Piece[]): Piece[] {
  return a.flatMap((x) =>
    b.flatMap((y) => {
      const low = before(x.low, y.low) || (sameEnd(x.low, y.low) && !y.low.closed) ? y.low : x.low;
      const high = before(y.high, x.high) || (sameEnd(x.high, y.high) && !y.high.closed) ? y.high : x.high;
      return before(low, high) || (sameEnd(low, high) && low.closed && high.closed) ? [{ low, high }] : [];
    }),
  );
}

function complement(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  let low = everything.low;
  for (const piece of pieces) {
    const high = { at: piece.low.at, closed: !piece.low.closed && Number.isFinite(piece.low.at.re) };
    if (before(low, high) || (sameEnd(low, high) && low.closed && high.closed)) result.push({ low, high });
    low = { at: piece.high.at, closed: !piece.high.closed && Number.isFinite(piece.high.at.re) };
  }
  if (before(low, everything.high)) result.push({ low, high: everything.high });
  return result;
}

/** In order, with overlapping and touching pieces joined. */
function merged(pieces: readonly Piece[], variable: string | undefined): RealSet {
  const sorted = [...pieces].sort((a, b) =>
    sameEnd(a.low, b.low) ? Number(b.low.closed) - Number(a.low.closed) : a.low.at.re - b.low.at.re,
  );
  const result: Piece[] = [];
  for (const piece of sorted) {
    const last = result[result.length - 1];
    const touches =
      last !== undefined &&
      (before(piece.low, last.high) ||
        (sameEnd(piece.low, last.high) && (piece.low.closed || last.high.closed)));
    if (!touches) result.push(piece);
    else if (before(last.high, piece.high) || (sameEnd(last.high, piece.high) && piece.high.closed))
      result[result.length - 1] = { low: last.low, high: piece.high };
  }
  return { pieces: result, variable };
}

/** `slope * inner + offset` of an expression in one variable, where `inner` is the variable or its absolute value. */
interface Linear {
  readonly variable: string;
  readonly slope: c.Complex;
  readonly offset: c.Complex;
}

function linear(node: Node): Linear | undefined {
  const [variable, ...others] = variablesOf(node);
  if (variable === undefined || others.length > 0) return undefined;
  const value = (x: number): c.Complex =>
    evaluate(node, { values: new Map([[variable, x]]), offReal: false });
  const offset = value(0);
  const slope = c.add(value(1), c.negate(offset));
  for (const x of [-1.375, 2.625, 17.5]) {
    const expected = c.add(c.multiply(slope, c.complex(x, 0, 0)), offset);
    if (!c.sameNumber(value(x), expected)) return undefined;
  }
  return c.isReal(slope) && c.abs(slope) > 1e-9 ? { variable, slope, offset } : undefined;
}

function nodeOf(form: Form): Node | undefined {
  return form.kind === 'expression' && form.expression.node?.kind !== 'matrix'
    ? form.expression.node
    : undefined;
}

function inequality(sign: string, left: Form, right: Form): RealSet | undefined {
  const turned: Readonly<Record<string, string>> = {
    '<': '>',
    '>': '<',
    '\\le': '\\ge',
    '\\ge': '\\le',
    '\\ne': '\\ne',
  };
  if (!(sign in turned)) return undefined;
  const a = nodeOf(left);
  const b = nodeOf(right);
  if (a === undefined || b === undefined) return undefined;
  // |L| < c and c > |L|
  for (const [side, bound, way] of [
    [a, b, sign],
    [b, a, turned[sign]!],
  ] as const) {
    if (side.kind !== 'call' || side.name !== 'abs' || variablesOf(bound).size > 0) continue;
    return absolute(side.args[0]!, way, bound);
  }
  const line = linear(op('-', a, b));
  if (line === undefined) return undefined;
  const at = c.divide(c.negate(line.offset), line.slope);
  const way = line.slope.re < 0 ? turned[sign]! : sign;
  return { pieces: halfLine(way, at), variable: line.variable };
}

function halfLine(sign: string, at: c.Complex): Piece[] {
  const end = (closed: boolean): End => ({ at, closed });
  if (sign === '\\ne') return complement([{ low: end(true), high: end(true) }]);
  return sign === '<' || sign === '\\le'
    ? [{ low: infinite(-1), high: end(sign === '\\le') }]
    : [{ low: end(sign === '\\ge'), high: infinite(1) }];
}

function absolute(inner: Node, sign: string, bound: Node): RealSet | undefined {
  const line = linear(inner);
  const size = constantOf(bound);
  if (line === undefined || size === undefined || !c.isReal(size) || !(size.re > size.err)) return undefined;
  const solve = (value: c.Complex): c.Complex => c.divide(c.add(value, c.negate(line.offset)), line.slope);
  const ends = [solve(c.negate(size)), solve(size)].sort((x, y) => x.re - y.re) as [c.Complex, c.Complex];
  const closed = sign === '\\le' || sign === '>';
  const inside: Piece[] = [{ low: { at: ends[0], closed }, high: { at: ends[1], closed } }];
  if (sign === '<' || sign === '\\le') return { pieces: inside, variable: line.variable };
  return sign === '>' || sign === '\\ge'
    ? { pieces: complement(inside), variable: line.variable }
    : undefined;
}

function between(form: Extract<Form, { kind: 'between' }>): RealSet | undefined {
  const [low, middle, high] = form.parts;
  const node = nodeOf(middle);
  if (node === undefined) return undefined;
  const first = inequality(form.signs[0], low, middle);
  const second = inequality(form.signs[1], middle, high);
  if (first === undefined || second === undefined || first.variable !== second.variable) return undefined;
  return merged(intersect(first.pieces, second.pieces), first.variable);
}
