/**
 * The matrix product on subgroup matrices, the tensor units of a GPU (WGSL extension chromium_experimental_subgroup_matrix): a workgroup of
 * downs x acrosses subgroups stages a block of each operand in workgroup memory as it lies in global memory (a load from there may be column-major,
 * so nothing is transposed), each subgroup multiplies its part in matrices of the adapter's size, sums in f32, and results go out through a patch
 * of workgroup memory for the epilogues and the edges. What lies past an edge is staged as zero.
 *
 * How the hardware orders the sum within a matrix's k steps is its own, so this is the one kind whose bits differ from the others'; a row's sum
 * still depends on neither the number of rows nor its place among them.
 */
import { indexOfA, indexOfB, names, range, rangeOfK, store, type Widths } from './operands.ts';
import { type MatmulOp, type MatrixVariant, stagePadding } from './variant.ts';

interface Stage {
  name: string;
  block: number;
  /** Memory runs along k; else along the block's rows (of A) or columns (of B). */
  alongK: boolean;
  row: number;
}

export function matrixBody(op: MatmulOp, v: MatrixVariant, widths: Widths): string[] {
  const { a, b } = names[op];
  const type = v.f16 ? 'f16' : 'f32';
  const threads = v.lanes * v.downs * v.acrosses;
  const stageOf = (name: string, block: number, alongK: boolean): Stage => ({
    name,
    block,
    alongK,
    row: (alongK ? v.depth : block) + stagePadding,
  });
  const [sa, sb] = [stageOf('sa', v.blockM, op !== 'tn'), stageOf('sb', v.blockN, op === 'nt')];
  const lines = (s: Stage) => (s.alongK ? s.block : v.depth);
  const [tilesM, tilesN] = [v.blockM / v.downs / v.m, v.blockN / v.acrosses / v.n];
  const tiles = range(tilesM).flatMap((i) => range(tilesN).map((j) => ({ i, j })));
  const patch = v.m * v.n;
  /** Where in a stage element (`at` of the block, `k`) lies. */
  const place = (s: Stage, at: string, k: string) =>
    s.alongK ? `(${at}) * ${s.row}u + ${k}` : `(${k}) * ${s.row}u + ${at}`;
  const load = (s: Stage, kind: string, cols: number, rows: number, at: string): string => {
    // Rows of a matrix are the block's rows for A and steps of k for B.
    const order = (s.name === 'sa') === s.alongK ? 'row_major' : 'col_major';
    return `subgroupMatrixLoad<subgroup_matrix_${kind}<${type}, ${cols}, ${rows}>, ${order}>(&${s.name}, ${place(s, at, 'step')}, ${s.row}u)`;
  };
  return [
    ...[sa, sb].map((s) => `var<workgroup> ${s.name}: array<${type}, ${s.row * lines(s)}>;`),
    `var<workgroup> sums: array<f32, ${patch * v.downs * v.acrosses}>;`,
    `@compute @workgroup_size(${threads})`,
    'fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {',
    `  let row = group.y * ${v.blockM}u;`,
    `  let col = group.x * ${v.blockN}u;`,
    `  let subgroup = thread / ${v.lanes}u;`,
    `  let lane = thread % ${v.lanes}u;`,
    `  let down = subgroup / ${v.acrosses}u * ${tilesM * v.m}u;`,
    `  let across = subgroup % ${v.acrosses}u * ${tilesN * v.n}u;`,
    ...tiles.map(({ i, j }) => `  var c${i}_${j} = subgroup_matrix_result<f32, ${v.n}, ${v.m}>();`),
    ...rangeOfK(op, 'group.z'),
    `  for (var k = begin; k < end; k += ${v.depth}u) {`,
    ...fill(sa, v, threads, widths.a, type, 'row', 'p.m', (at, k) => ({
      buffer: a,
      index: indexOfA(op, at, k),
    })),
    ...fill(sb, v, threads, widths.b, type, 'col', 'p.n', (at, k) => ({
      buffer: b,
      index: indexOfB(op, k, at),
    })),
    '    workgroupBarrier();',
    `    for (var step = 0u; step < ${v.depth}u; step += ${v.k}u) {`,
    ...range(tilesM).map((i) => `      let a${i} = ${load(sa, 'left', v.k, v.m, `down + ${i * v.m}u`)};`),
    ...range(tilesN).map((j) => `      let b${j} = ${load(sb, 'right', v.n, v.k, `across + ${j * v.n}u`)};`),
    ...tiles.map(
      ({ i, j }) => `      c${i}_${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, c${i}_${j});`,
    ),
    '    }',
    '    workgroupBarrier();',
    '  }',
    ...tiles.flatMap(({ i, j }) => [
      `  subgroupMatrixStore<row_major>(&sums, subgroup * ${patch}u, c${i}_${j}, ${v.n}u);`,
      '  workgroupBarrier();',
      `  for (var e = lane; e < ${patch}u; e += ${v.lanes}u) {`,
      `    let at_row = row + down + ${i * v.m}u + e / ${v.n}u;`,
      `    let at_col = col + across + ${j * v.n}u + e % ${v.n}u;`,
      `    if (at_row < p.m && at_col < p.n) ${store(op, 'at_row', 'at_col', `sums[subgroup * ${patch}u + e]`, 'group.z', widths.half)}`,
      '  }',
      '  workgroupBarrier();',
    ]),
    '}',
  ];
}

/** Fills a stage, four elements a thread at a time where memory is read so. */
function fill(
  s: Stage,
  v: MatrixVariant,
  threads: number,
  wide: boolean,
  type: string,
  first: string,
  limit: string,
  element: (at: string, k: string) => { buffer: string; index: string },
): string[] {
  const each = wide ? 4 : 1;
  const length = s.alongK ? v.depth : s.block;
  const { buffer, index } = element('at', '(k + s)');
  return [
    `    for (var i = thread; i < ${(s.block * v.depth) / each}u; i += ${threads}u) {`,
    `      let inner = i % ${length / each}u * ${each}u;`,
    `      let outer = i / ${length / each}u;`,
    `      let o = ${s.alongK ? 'outer' : 'inner'};`,
    `      let s = ${s.alongK ? 'inner' : 'outer'};`,
    `      let at = ${first} + o;`,
    `      var value = ${wide ? `vec4<${type}>()` : `${type}()`};`,
    // Read four at a time, sizes are multiples of four: of four elements all or none lie past an edge.
    `      if (at < ${limit} && k + s < end) { value = ${buffer}[${wide ? `(${index}) / 4u` : index}]; }`,
    ...(wide
      ? range(4).map((q) => `      ${s.name}[outer * ${s.row}u + inner + ${q}u] = value[${q}];`)
      : [`      ${s.name}[outer * ${s.row}u + inner] = value;`]),
    '    }',
  ];
}
