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

/** How a shader sees its buffers. Decided by the sizes, so part of a pipeline's key. */
export interface Widths {
  /** A, B and the output (with the residual) are read and written four numbers at a time. */
  readonly a: boolean;
  readonly b: boolean;
  readonly out: boolean;
  /** A and B are halves in pairs, and a gradient's scale is bound. */
  readonly half: boolean;
}

/** The type of an operand's buffer: halves as words, or, in shaders that compute with them, as `native` f16. */
export function operandType(half: boolean, wide: boolean, native = false): string {
  if (native && half) return `array<${wide ? 'vec4<f16>' : 'f16'}>`;
  return half ? `array<${wide ? 'vec2<u32>' : 'u32'}>` : `array<${wide ? 'vec4<f32>' : 'f32'}>`;
}

/** What a shader that reads halves needs: four numbers of two words. */
export const halvesFunction =
  'fn halves(v: vec2<u32>) -> vec4<f32> { return vec4<f32>(unpack2x16float(v.x), unpack2x16float(v.y)); }';

/** Element `index` of a buffer that is not wide, as f32. */
export function one(buffer: string, index: string, half: boolean): string {
  return half
    ? `unpack2x16float(${buffer}[(${index}) / 2u] >> ((${index}) % 2u * 16u)).x`
    : `${buffer}[${index}]`;
}

/** Elements 4 `quad` .. 4 `quad` + 3 of a wide buffer, as vec4<f32>. */
export function four(buffer: string, quad: string, half: boolean): string {
  return half ? `halves(${buffer}[${quad}])` : `${buffer}[${quad}]`;
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

/** Stores `value` at (row, col); in fours when `wide`. A gradient of halves is scaled back first, by a power of two. */
export function store(
  op: MatmulOp,
  row: string,
  col: string,
  sum: string,
  part: string,
  half: boolean,
  wide = false,
): string {
  const value = half && op !== 'nt' ? `${sum} * scale[0]` : sum;
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
