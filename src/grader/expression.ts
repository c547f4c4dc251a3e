/** The tree of one expression, as read from TeX or plain text (parse-expression.ts). */
import type { Rational } from './rational.ts';

export type Node =
  /** `decimals`: digits after the point, for a numeral written with one. */
  | { readonly kind: 'number'; readonly value: Rational; readonly decimals: number | undefined }
  /** A variable, or a constant: `pi`, `e`, `i`, `infty`. */
  | { readonly kind: 'symbol'; readonly name: string }
  | {
      readonly kind: 'op';
      readonly op: '+' | '-' | '*' | '/' | '^';
      readonly left: Node;
      readonly right: Node;
    }
  | { readonly kind: 'negate'; readonly of: Node }
  /** The `degree`-th root; odd ones of negative numbers are real. */
  | { readonly kind: 'root'; readonly degree: bigint; readonly of: Node }
  /** Known functions by their TeX name; others (`f(x)`) as `apply:f`. */
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: 'matrix'; readonly rows: readonly (readonly Node[])[] };

export const number = (value: Rational, decimals?: number): Node => ({ kind: 'number', value, decimals });
export const symbol = (name: string): Node => ({ kind: 'symbol', name });
export const op = (op: '+' | '-' | '*' | '/' | '^', left: Node, right: Node): Node => ({
  kind: 'op',
  op,
  left,
  right,
});
export const call = (name: string, ...args: Node[]): Node => ({ kind: 'call', name, args });

const constants: ReadonlySet<string> = new Set(['pi', 'e', 'i', 'infty']);

/** Names of the variables of an expression. */
export function variablesOf(node: Node, into: Set<string> = new Set()): Set<string> {
  if (node.kind === 'symbol' && !constants.has(node.name)) into.add(node.name);
  for (const child of childrenOf(node)) variablesOf(child, into);
  return into;
}

export function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'number':
    case 'symbol':
      return [];
    case 'op':
      return [node.left, node.right];
    case 'negate':
    case 'root':
      return [node.of];
    case 'call':
      return node.args;
    case 'matrix':
      return node.rows.flat();
  }
}

export const holds = (node: Node, test: (node: Node) => boolean): boolean =>
  test(node) || childrenOf(node).some((child) => holds(child, test));
