/**
 * Pieces of text that all kinds of matrix product share: where an operand's element lies, the range of k, and how a result is stored.
 */
import type { MatmulOp } from './variant.ts';

/** Names of the buffers, as the kernels' references know them. */
export const names = {
  nt: { a: 'x', b: 'w', out: 'y' },
  nn: { a: 'dy', b: 'w', out: 'dx' },
  tn: { a: 'dy', b: 'x', out: 'parts' },
} as const;

/** Which buffers a shader reads four floats at a time. Decided by the sizes, so part of a pipeline's key. */
export interface Widths {
  readonly a: boolean;
  readonly out: boolean;
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** The element of A at (row, k), as an index. */
export function indexOfA(op: MatmulOp, row: string, k: string): string {
  if (op === 'nt') return `(${row}) * p.k + ${k}`;
  return op === 'nn' ? `(${row}) * p.stride + p.first + ${k}` : `(${k}) * p.stride + p.first + ${row}`;
}

/** The element of B at (k, col), as an index. */
export function indexOfB(op: MatmulOp, k: string, col: string): string {
  return op === 'nt' ? `(${col}) * p.k + ${k}` : `(${k}) * p.n + ${col}`;
}

/** `let begin`, `let end`: the range of k of this workgroup. */
export function rangeOfK(op: MatmulOp, part: string): string[] {
  if (op !== 'tn') return ['  let begin = 0u;', '  let end = p.k;'];
  return [
    '  let span = (p.k + p.splits - 1u) / p.splits;',
    `  let begin = min(${part} * span, p.k);`,
    '  let end = min(begin + span, p.k);',
  ];
}

/** Stores `value` at (row, col); in fours when `wide`. */
export function store(
  op: MatmulOp,
  row: string,
  col: string,
  value: string,
  part: string,
  wide = false,
): string {
  const at =
    op === 'nt'
      ? `(${row}) * p.stride + p.first + ${col}`
      : op === 'nn'
        ? `(${row}) * p.n + ${col}`
        : `(${part} * p.m + ${row}) * p.n + ${col}`;
  const index = wide ? `(${at}) / 4u` : at;
  if (op === 'nt')
    return `{ let at = ${index}; if (p.use_residual != 0u) { y[at] = ${value} + residual[at]; } else { y[at] = ${value}; } }`;
  const out = names[op].out;
  return `{ let at = ${index}; if (p.accumulate != 0u) { ${out}[at] += ${value}; } else { ${out}[at] = ${value}; } }`;
}
