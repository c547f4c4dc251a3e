/**
 * The matrix product of a GPU: a workgroup stages a block of each operand in workgroup memory, `depth` steps of k at a time, and a
 * thread sums rows x cols outputs from there. A thread's rows and columns lie a stride apart, so that neighbours read neighbouring words
 * (no bank conflicts) and store neighbouring outputs. What lies past an edge is staged as zero. With f16 (of halves only) what is staged
 * stays halves.
 */
import { indexOfA, indexOfB, names, one, range, rangeOfK, store, type Widths } from './operands.ts';
import type { MatmulOp, SharedVariant } from './variant.ts';

export function sharedBody(op: MatmulOp, v: SharedVariant, { half }: Widths): string[] {
  const { a, b } = names[op];
  const across = v.blockN / v.cols;
  const down = v.blockM / v.rows;
  const threads = across * down;
  const type = v.f16 ? 'f16' : 'f32';
  const rows = range(v.rows);
  const cols = range(v.cols);
  const value = (text: string): string => (v.f16 ? `f32(${text})` : text);
  // Along what lies together in memory, so that neighbours read neighbouring words; A and B are staged as (depth, block).
  const place = (along: boolean, block: number): string[] =>
    along
      ? [`let s = i % ${v.depth}u;`, `let o = i / ${v.depth}u;`]
      : [`let o = i % ${block}u;`, `let s = i / ${block}u;`];
  const stage = (target: string, block: number, along: boolean, limit: string, read: string): string[] => [
    `    for (var i = thread; i < ${block * v.depth}u; i += ${threads}u) {`,
    ...place(along, block).map((line) => `      ${line}`),
    `      let at = ${target === 'sa' ? 'row' : 'col'} + o;`,
    `      var value = 0.0;`,
    `      if (at < ${limit} && k + s < end) { value = ${read}; }`,
    `      ${target}[s * ${block}u + o] = ${type}(value);`,
    '    }',
  ];
  return [
    `var<workgroup> sa: array<${type}, ${v.blockM * v.depth}>;`,
    `var<workgroup> sb: array<${type}, ${v.blockN * v.depth}>;`,
    `@compute @workgroup_size(${threads})`,
    'fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {',
    `  let row = group.y * ${v.blockM}u;`,
    `  let col = group.x * ${v.blockN}u;`,
    `  let tx = thread % ${across}u;`,
    `  let ty = thread / ${across}u;`,
    ...rows.flatMap((r) => cols.map((c) => `  var t${r}_${c} = 0.0;`)),
    ...rangeOfK(op, 'group.z'),
    `  for (var k = begin; k < end; k += ${v.depth}u) {`,
    ...stage('sa', v.blockM, op !== 'tn', 'p.m', one(a, indexOfA(op, 'at', '(k + s)'), half)),
    ...stage('sb', v.blockN, op === 'nt', 'p.n', one(b, indexOfB(op, '(k + s)', 'at'), half)),
    '    workgroupBarrier();',
    `    for (var s = 0u; s < ${v.depth}u; s++) {`,
    ...cols.map((c) => `      let b${c} = ${value(`sb[s * ${v.blockN}u + tx + ${c * across}u]`)};`),
    ...rows.flatMap((r) => [
      `      let a${r} = ${value(`sa[s * ${v.blockM}u + ty + ${r * down}u]`)};`,
      ...cols.map((c) => `      t${r}_${c} = fma(a${r}, b${c}, t${r}_${c});`),
    ]),
    '    }',
    '    workgroupBarrier();',
    '  }',
    ...rows.flatMap((r) =>
      cols.map((c) => {
        const [y, x] = [`row + ty + ${r * down}u`, `col + tx + ${c * across}u`];
        return `  if (${y} < p.m && ${x} < p.n) ${store(op, y, x, `t${r}_${c}`, 'group.z', half)}`;
      }),
    ),
    '}',
  ];
}
