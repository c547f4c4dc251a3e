/**
 * Writes the WGSL of a matrix product from a variant: what all variants share (bindings, operands, epilogues) and the register tile.
 * subgroup.ts, workgroup-tile.ts, vector-tile.ts and matrix.ts write the other kinds.
 *
 * Left operand A (m, k), right operand B (k, n), output (m, n); how they lie in memory is the op's:
 *   nt  Y = X W^T    A = x (m, k)                        B = w (n, k)   Y: columns `first` on of (m, stride), plus residual
 *   nn  dX = dY W    A = dy, columns `first` on          B = w (k, n)   dX (m, n), added to what is there with `accumulate`
 *   tn  dW = dY^T X  A = dy (k, m), columns `first` on   B = x (k, n)   parts (splits, m, n): k is cut into `splits` ranges (grid z), no
 *                                                                        atomics; reduce/sum-parts.wgsl adds the parts in order
 * With `half` in the scalars the operands are halves in pairs (kernels/half); products and sums are f32 all the same, and a product of two
 * halves is exact in f32, so every variant gives the same bits there too.
 */
import type { Scalars } from '../kernel.ts';
import { matrixBody } from './matrix.ts';
import {
  halvesFunction,
  indexOfA,
  indexOfB,
  names,
  one,
  operandType,
  range,
  rangeOfK,
  store,
  type Widths,
} from './operands.ts';
import { subgroupBody } from './subgroup.ts';
import { type MatmulOp, type RegisterVariant, type Variant, variantName } from './variant.ts';
import { vectorTileBody } from './vector-tile.ts';
import { sharedBody } from './workgroup-tile.ts';

/** Raise it when the text of a variant changes: what was measured and stored for another version is not used. */
export const generatorVersion = 3;

export function widthsFor(variant: Variant, op: MatmulOp, s: Scalars): Widths {
  const half = s.half === 1;
  if (variant.kind === 'register' || variant.kind === 'shared')
    return { a: false, b: false, out: false, half };
  const range = s.stride! % 4 === 0 && s.first! % 4 === 0;
  if (variant.kind === 'matrix' || variant.kind === 'tile')
    return {
      a: op === 'nt' ? s.k! % 4 === 0 : range && (op === 'nn' ? s.k! : s.m!) % 4 === 0,
      b: (op === 'nt' ? s.k! : s.n!) % 4 === 0,
      out: variant.kind === 'tile' && s.n! % 4 === 0 && (op !== 'nt' || range),
      half,
    };
  return {
    a: op === 'nt' || (range && (op === 'nn' || s.m! % 4 === 0)),
    b: true,
    out: op !== 'nt' || (range && s.n! % 4 === 0),
    half,
  };
}

/** What tells two texts of one op apart. */
export function matmulKey(op: MatmulOp, variant: Variant, s: Scalars): string {
  const { a, b, out, half } = widthsFor(variant, op, s);
  return `${op}-${variantName(variant)}${half ? '-half' : ''}${a ? '-a4' : ''}${b ? '-b4' : ''}${out ? '-y4' : ''}`;
}

/** The whole shader for an op; `s` decides only how wide buffers are read. */
export function matmulSource(op: MatmulOp, variant: Variant, s: Scalars): string {
  const widths = widthsFor(variant, op, s);
  const lines = [
    `// Written by kernels/matmul/generate.ts: ${matmulKey(op, variant, s)}`,
    ...('f16' in variant && variant.f16 ? ['enable f16;'] : []),
    ...(variant.kind === 'matrix'
      ? [
          'enable chromium_experimental_subgroup_matrix;',
          'diagnostic(off, chromium.subgroup_matrix_uniformity);',
        ]
      : []),
    ...(variant.kind === 'subgroup' ? ['enable subgroups;', 'diagnostic(off, subgroup_uniformity);'] : []),
    paramsOf(op),
    ...bindingsOf(op, variant, widths),
    ...(widths.half && !nativeHalves(variant) ? [halvesFunction] : []),
    ...(variant.kind === 'register'
      ? registerBody(op, variant, widths)
      : variant.kind === 'subgroup'
        ? subgroupBody(op, variant, widths)
        : variant.kind === 'matrix'
          ? matrixBody(op, variant, widths)
          : variant.kind === 'tile'
            ? vectorTileBody(op, variant, widths)
            : sharedBody(op, variant, widths)),
  ];
  return `${lines.join('\n')}\n`;
}

function paramsOf(op: MatmulOp): string {
  const flags = { nt: 'use_residual: u32', nn: 'accumulate: u32', tn: 'splits: u32, accumulate: u32' }[op];
  return `struct Params { m: u32, n: u32, k: u32, ${flags}, stride: u32, first: u32 }`;
}

/** Whether a shader sees halves as f16 and not as words to unpack. */
function nativeHalves(variant: Variant): boolean {
  return variant.kind === 'matrix' || (variant.kind === 'tile' && variant.f16);
}

function bindingsOf(op: MatmulOp, variant: Variant, widths: Widths): string[] {
  const type = (wide: boolean) => (wide ? 'array<vec4<f32>>' : 'array<f32>');
  const { a, b, out } = names[op];
  const native = nativeHalves(variant);
  const buffers = [
    `var<storage, read> ${a}: ${operandType(widths.half, widths.a, native)};`,
    `var<storage, read> ${b}: ${operandType(widths.half, widths.b, native)};`,
    ...(op === 'nt' ? [`var<storage, read> residual: ${type(widths.out)};`] : []),
    ...(widths.half && op !== 'nt' ? ['var<storage, read> scale: array<f32>;'] : []),
    `var<storage, read_write> ${out}: ${type(widths.out)};`,
    'var<uniform> p: Params;',
  ];
  return buffers.map((buffer, i) => `@group(0) @binding(${i}) ${buffer}`);
}

/**
 * Register tile: no workgroup memory, no barriers. Sums are named vec4s and not an array: SwiftShader keeps an indexed array in memory
 * and is 6 to 12 times slower with one; lavapipe does not care.
 */
function registerBody(op: MatmulOp, v: RegisterVariant, { half }: Widths): string[] {
  const { a, b } = names[op];
  const rows = range(v.rows);
  const quads = range(v.cols / 4);
  const size = v.rows * v.cols;
  return [
    `@compute @workgroup_size(${v.groupX}, ${v.groupY})`,
    'fn main(@builtin(global_invocation_id) gid: vec3<u32>) {',
    `  let row = gid.y * ${v.rows}u;`,
    `  let col = gid.x * ${v.cols}u;`,
    '  if (row >= p.m || col >= p.n) { return; }',
    // Rows and columns past the edge read the last one and are not stored, so the loop has no branches.
    ...rows.map((r) => `  let a${r} = ${indexOfA(op, `min(row + ${r}u, p.m - 1u)`, '0u')};`),
    ...range(v.cols).map((c) => `  let b${c} = ${indexOfB(op, '0u', `min(col + ${c}u, p.n - 1u)`)};`),
    ...rows.flatMap((r) => quads.map((q) => `  var t${r}_${q} = vec4<f32>();`)),
    ...rangeOfK(op, 'gid.z'),
    '  for (var k = begin; k < end; k++) {',
    `    let left = k${op === 'tn' ? ' * p.stride' : ''};`,
    `    let right = k${op === 'nt' ? '' : ' * p.n'};`,
    ...quads.map((q) => {
      const four = range(4).map((i) => one(b, `b${q * 4 + i} + right`, half));
      return `    let w${q} = vec4<f32>(${four.join(', ')});`;
    }),
    ...rows.flatMap((r) => [
      `    let v${r} = vec4<f32>(${one(a, `a${r} + left`, half)});`,
      ...quads.map((q) => `    t${r}_${q} = fma(v${r}, w${q}, t${r}_${q});`),
    ]),
    '  }',
    `  var tile = array<f32, ${size}>(`,
    ...rows.flatMap((r) => quads.map((q) => `    ${[...'xyzw'].map((c) => `t${r}_${q}.${c}`).join(', ')},`)),
    '  );',
    `  for (var i = 0u; i < ${size}u; i++) {`,
    `    let r = row + i / ${v.cols}u;`,
    `    let c = col + i % ${v.cols}u;`,
    '    if (r >= p.m || c >= p.n) { continue; }',
    `    ${store(op, 'r', 'c', 'tile[i]', 'gid.z', half)}`,
    '  }',
    '}',
  ];
}
