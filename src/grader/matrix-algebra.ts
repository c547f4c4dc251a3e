/**
 * Sums, products and determinants of matrices, as trees of their entries: afterwards only scalars are left inside, so the exact and the
 * numeric reading need not know matrices. Bounded: at most ten rows and columns, determinants to 5 x 5.
 */
import { call, childrenOf, holds, type Node, number, op } from './expression.ts';
import { NotExact, one, zero } from './rational.ts';

type Rows = readonly (readonly Node[])[];
const mostSide = 10;

/** The same value with all matrix operations carried out: a scalar tree, or one matrix of scalar trees. */
export function expandMatrices(node: Node): Node {
  if (!holds(node, (n) => n.kind === 'matrix')) return node;
  switch (node.kind) {
    case 'matrix':
      if (node.rows.length > mostSide || node.rows[0]!.length > mostSide)
        throw new NotExact('matrix too large');
      return { kind: 'matrix', rows: node.rows.map((row) => row.map(expandMatrices)) };
    case 'negate': {
      const of = expandMatrices(node.of);
      return of.kind === 'matrix' ? scaled(number({ n: -1n, d: 1n }), of.rows) : { kind: 'negate', of };
    }
    case 'op':
      return combine(node.op, expandMatrices(node.left), expandMatrices(node.right));
    case 'call': {
      const args = node.args.map(expandMatrices);
      const first = args[0];
      if ((node.name === 'det' || node.name === 'abs') && first?.kind === 'matrix')
        return determinant(first.rows);
      if (args.some((arg) => arg.kind === 'matrix')) throw new NotExact(`${node.name} of a matrix`);
      return call(node.name, ...args);
    }
    default:
      if (childrenOf(node).some((child) => child.kind === 'matrix')) throw new NotExact('matrix');
      return node;
  }
}

function combine(sign: '+' | '-' | '*' | '/' | '^', left: Node, right: Node): Node {
  if (left.kind !== 'matrix' && right.kind !== 'matrix') return op(sign, left, right);
  if (sign === '+' || sign === '-') {
    if (left.kind !== 'matrix' || right.kind !== 'matrix' || !sameShape(left.rows, right.rows))
      throw new NotExact('sum of different shapes');
    return {
      kind: 'matrix',
      rows: left.rows.map((row, i) => row.map((cell, j) => op(sign, cell, right.rows[i]![j]!))),
    };
  }
  if (sign === '*') {
    if (left.kind !== 'matrix') return scaled(left, (right as { rows: Rows }).rows);
    if (right.kind !== 'matrix') return scaled(right, left.rows);
    return { kind: 'matrix', rows: product(left.rows, right.rows) };
  }
  if (left.kind !== 'matrix' || right.kind === 'matrix') throw new NotExact('matrix operation');
  if (sign === '/') return scaled(op('/', number(one), right), left.rows);
  const power = right.kind === 'number' && right.value.d === 1n ? Number(right.value.n) : 0;
  if (power < 1 || power > 4) throw new NotExact('power of a matrix');
  let rows = left.rows;
  for (let step = 1; step < power; step++) rows = product(rows, left.rows);
  return { kind: 'matrix', rows };
}

const scaled = (by: Node, rows: Rows): Node => ({
  kind: 'matrix',
  rows: rows.map((row) => row.map((cell) => op('*', by, cell))),
});
const sameShape = (a: Rows, b: Rows): boolean => a.length === b.length && a[0]!.length === b[0]!.length;

function product(a: Rows, b: Rows): Rows {
  if (a[0]!.length !== b.length) throw new NotExact('product of different shapes');
  return a.map((row) =>
    b[0]!.map((_, j) =>
      row.map((cell, k) => op('*', cell, b[k]![j]!)).reduce((sum, term) => op('+', sum, term)),
    ),
  );
}

function determinant(rows: Rows): Node {
  if (rows.length !== rows[0]!.length || rows.length > 5) throw new NotExact('determinant');
  if (rows.length === 1) return rows[0]![0]!;
  let sum: Node = number(zero);
  for (const [j, cell] of rows[0]!.entries()) {
    const minor = rows.slice(1).map((row) => row.filter((_, column) => column !== j));
    sum = op(j % 2 === 0 ? '+' : '-', sum, op('*', cell, determinant(minor)));
  }
  return sum;
}
