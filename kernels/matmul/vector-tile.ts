/**
 * The workgroup tile with everything in fours, for GPUs whose memory moves 16 bytes a thread at a time: operands are read, staged and multiplied as
 * vec4. An operand that runs along k is read as 4 x 4 and turned round in registers, so both are staged as (depth, block / 4); no two threads
 * write parts of one vec4, which WGSL would make a race. A thread's rows and columns are quads that lie a stride apart. Products whose sizes
 * are no multiples of four are read and stored one by one.
 */
import { indexOfA, indexOfB, names, one, range, rangeOfK, store, type Widths } from './operands.ts';
import type { MatmulOp, TileVariant } from './variant.ts';

const parts = [...'xyzw'];

export function vectorTileBody(op: MatmulOp, v: TileVariant, widths: Widths): string[] {
  const across = v.blockN / v.cols;
  const down = v.blockM / v.rows;
  const type = v.f16 ? 'vec4<f16>' : 'vec4<f32>';
  const rows = range(v.rows);
  const rowQuads = range(v.rows / 4);
  const colQuads = range(v.cols / 4);
  const value = (text: string): string => (v.f16 ? `vec4<f32>(${text})` : text);
  const sums = rows.flatMap((r) => colQuads.map((j) => ({ r, j, name: `t${r}_${j}` })));
  return [
    `var<workgroup> sa: array<${type}, ${(v.blockM / 4) * v.depth}>;`,
    `var<workgroup> sb: array<${type}, ${(v.blockN / 4) * v.depth}>;`,
    `@compute @workgroup_size(${across * down})`,
    'fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {',
    `  let row = group.y * ${v.blockM}u;`,
    `  let col = group.x * ${v.blockN}u;`,
    `  let tx = thread % ${across}u;`,
    `  let ty = thread / ${across}u;`,
    ...sums.map(({ name }) => `  var ${name} = vec4<f32>();`),
    ...rangeOfK(op, 'group.z'),
    `  for (var k = begin; k < end; k += ${v.depth}u) {`,
    ...fill(op, 'a', v, widths),
    ...fill(op, 'b', v, widths),
    '    workgroupBarrier();',
    `    for (var s = 0u; s < ${v.depth}u; s++) {`,
    ...colQuads.map((j) => `      let b${j} = ${value(`sb[s * ${v.blockN / 4}u + tx + ${j * across}u]`)};`),
    ...rowQuads.flatMap((i) => [
      `      let a${i} = ${value(`sa[s * ${v.blockM / 4}u + ty + ${i * down}u]`)};`,
      ...parts.flatMap((part, q) =>
        colQuads.map((j) => {
          const sum = `t${i * 4 + q}_${j}`;
          return `      ${sum} = fma(vec4<f32>(a${i}.${part}), b${j}, ${sum});`;
        }),
      ),
    ]),
    '    }',
    '    workgroupBarrier();',
    '  }',
    ...sums.flatMap(({ r, j, name }) => {
      const y = `row + (ty + ${Math.floor(r / 4) * down}u) * 4u + ${r % 4}u`;
      const x = `col + (tx + ${j * across}u) * 4u`;
      if (widths.out)
        return [`  if (${y} < p.m && ${x} < p.n) ${store(op, y, x, name, 'group.z', widths.half, true)}`];
      return [
        `  if (${y} < p.m) { for (var c = 0u; c < 4u && ${x} + c < p.n; c++)`,
        `    ${store(op, y, `${x} + c`, `${name}[c]`, 'group.z', widths.half)}`,
        '  }',
      ];
    }),
    '}',
  ];
}

/** Stages one operand's block. */
function fill(op: MatmulOp, side: 'a' | 'b', v: TileVariant, widths: Widths): string[] {
  const threads = (v.blockN / v.cols) * (v.blockM / v.rows);
  const [block, first, limit] = side === 'a' ? [v.blockM, 'row', 'p.m'] : ([v.blockN, 'col', 'p.n'] as const);
  const buffer = names[op][side];
  const alongK = side === 'a' ? op !== 'tn' : op === 'nt';
  const index = (at: string, k: string) => (side === 'a' ? indexOfA(op, at, k) : indexOfB(op, k, at));
  const zero = v.f16 ? 'vec4<f16>()' : 'vec4<f32>()';
  const native = v.f16 && widths.half;
  // Past an edge the last element is read and zero taken: no branches, which lavapipe compiles for seconds each.
  const inside = (at: string, k: string) => `${at} < ${limit} && ${k} < end`;
  const clamped = (at: string, k: string) => index(`min(${at}, ${limit} - 1u)`, `min(${k}, p.k - 1u)`);
  /** Four numbers from (at, k) on along memory. */
  const read = (name: string, at: string, k: string): string => {
    if (widths[side]) {
      // Sizes are multiples of four: of four elements all or none lie past an edge, and the last quad begins four before it.
      const [i, s] = alongK
        ? [`min(${at}, ${limit} - 1u)`, `min(${k}, p.k - 4u)`]
        : [`min(${at}, ${limit} - 4u)`, `min(${k}, p.k - 1u)`];
      const quad = `${buffer}[(${index(i, s)}) / 4u]`;
      const four = widths.half && !native ? `halves(${quad})` : quad;
      return `      let ${name} = select(${zero}, ${four}, ${inside(at, k)});`;
    }
    const each = range(4).map((q) => {
      const [i, s] = alongK ? [at, `${k} + ${q}u`] : [`${at} + ${q}u`, k];
      const element = native ? `${buffer}[${clamped(i, s)}]` : one(buffer, clamped(i, s), widths.half);
      return `select(${native ? '0.0h' : '0.0'}, ${element}, ${inside(i, s)})`;
    });
    return `      let ${name} = ${zero.slice(0, -2)}(${each.join(', ')});`;
  };
  const quads = block / 4;
  if (!alongK)
    return [
      `    for (var i = thread; i < ${quads * v.depth}u; i += ${threads}u) {`,
      `      let at = ${first} + i % ${quads}u * 4u;`,
      `      let step = k + i / ${quads}u;`,
      read('value', 'at', 'step'),
      `      s${side}[i] = value;`,
      '    }',
    ];
  return [
    `    for (var i = thread; i < ${(quads * v.depth) / 4}u; i += ${threads}u) {`,
    `      let o = i / ${v.depth / 4}u;`,
    `      let s = i % ${v.depth / 4}u * 4u;`,
    `      let at = ${first} + o * 4u;`,
    '      let step = k + s;',
    ...range(4).map((r) => read(`v${r}`, `at + ${r}u`, 'step')),
    ...parts.map(
      (part, q) =>
        `      s${side}[(s + ${q}u) * ${quads}u + o] = ${zero.slice(0, -2)}(${range(4)
          .map((r) => `v${r}.${part}`)
          .join(', ')});`,
    ),
    '    }',
  ];
}
