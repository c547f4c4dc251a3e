/**
 * The matrix product of one subgroup: each lane reads an equal share of A and hands it to the others by subgroupBroadcast, and reads its
 * own columns of B. On lavapipe a read costs 4 to 6 cycles a float whatever the address, so reads decide: rows + 8 cols of them a step of
 * k for 8 rows cols multiplications, where the register tile makes 8 rows + 8 cols.
 *
 * Lane l owns four columns in each of cols / 4 blocks of 4 lanes columns. Column blocks and rows past the edge read the last ones.
 */
import { four, names, one, range, rangeOfK, store, type Widths } from './operands.ts';
import type { MatmulOp, SubgroupVariant } from './variant.ts';

const parts = [...'xyzw'];

export function subgroupBody(op: MatmulOp, v: SubgroupVariant, widths: Widths): string[] {
  const blocks = range(v.cols / 4);
  const rows = range(v.rows);
  return [
    `@compute @workgroup_size(${v.lanes})`,
    'fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {',
    `  let row = group.y * ${v.rows}u;`,
    `  let col4 = group.x * ${(v.cols / 4) * v.lanes}u + lane;`,
    '  let n4 = p.n / 4u;',
    // The last block of columns may be cut where n is no multiple of 4 (nt only).
    `  let last4 = ${op === 'nt' ? '(p.n + 3u) / 4u' : 'n4'} - 1u;`,
    ...blocks.map((b) => `  let c${b} = min(col4 + ${b * v.lanes}u, last4);`),
    ...rows.flatMap((r) => blocks.map((b) => `  var t${r}_${b} = vec4<f32>();`)),
    ...rangeOfK(op, 'group.z'),
    ...(op === 'tn' ? columnsOfA(v, widths) : rowsOfA(op, v, widths)),
    ...storeAll(op, v, widths),
    '}',
  ];
}

/** Sums t += s * b for one step of k: `scalar` names A's value of a row, `right` B's four columns of a block. */
function multiply(
  v: SubgroupVariant,
  row: number,
  scalar: string,
  right: (block: number) => string,
): string[] {
  return range(v.cols / 4).map(
    (b) => `    t${row}_${b} = fma(vec4<f32>(${scalar}), ${right(b)}, t${row}_${b});`,
  );
}

/** A lies along k (nt, nn): four steps of k at a time, a lane reads four of them for one row in `lanes`. */
function rowsOfA(op: 'nt' | 'nn', v: SubgroupVariant, widths: Widths): string[] {
  const { a, b } = names[op];
  const shares = range(v.rows / v.lanes);
  const blocks = range(v.cols / 4);
  const stride = op === 'nt' ? 'p.k' : 'p.stride';
  const start = op === 'nt' ? '' : ' + p.first';
  const { half } = widths;
  const readA = (share: number): string =>
    widths.a
      ? four(a, `(a${share} + k) / 4u`, half)
      : `vec4<f32>(${range(4)
          .map((i) => one(a, `a${share} + k + ${i}u`, half))
          .join(', ')})`;
  const readB = (block: number): string[] =>
    op === 'nn'
      ? range(4).map((q) => `    let b${block}_${q} = ${four(b, `(k + ${q}u) * n4 + c${block}`, half)};`)
      : [
          ...range(4).map((j) => `    let w${block}_${j} = ${four(b, `(r${block}_${j} + k) / 4u`, half)};`),
          ...parts.map(
            (q, i) =>
              `    let b${block}_${i} = vec4<f32>(${range(4)
                .map((j) => `w${block}_${j}.${q}`)
                .join(', ')});`,
          ),
        ];
  return [
    ...shares.map((s) => `  let a${s} = min(row + ${s * v.lanes}u + lane, p.m - 1u) * ${stride}${start};`),
    ...(op === 'nt'
      ? blocks.flatMap((q) =>
          range(4).map((j) => `  let r${q}_${j} = min(c${q} * 4u + ${j}u, p.n - 1u) * p.k;`),
        )
      : []),
    '  var k = begin;',
    '  for (; k + 4u <= end; k += 4u) {',
    ...shares.map((s) => `    let v${s} = ${readA(s)};`),
    ...blocks.flatMap(readB),
    ...range(v.rows).flatMap((r) => [
      `    let s${r} = subgroupBroadcast(v${Math.floor(r / v.lanes)}, ${r % v.lanes}u);`,
      ...parts.flatMap((q, i) => multiply(v, r, `s${r}.${q}`, (block) => `b${block}_${i}`)),
    ]),
    '  }',
    // nt has none: its k is a multiple of 4.
    ...(op === 'nt'
      ? []
      : [
          '  for (; k < end; k++) {',
          ...shares.map((s) =>
            widths.a
              ? `    let v${s} = ${four(a, `(a${s} + k) / 4u`, half)}[(a${s} + k) % 4u];`
              : `    let v${s} = ${one(a, `a${s} + k`, half)};`,
          ),
          ...blocks.map((q) => `    let b${q} = ${four(b, `k * n4 + c${q}`, half)};`),
          ...range(v.rows).flatMap((r) => [
            `    let s${r} = subgroupBroadcast(v${Math.floor(r / v.lanes)}, ${r % v.lanes}u);`,
            ...multiply(v, r, `s${r}`, (block) => `b${block}`),
          ]),
          '  }',
        ]),
  ];
}

/** A lies along rows (tn): a lane reads four rows of one step of k, and where there are lanes enough they read several steps at once. */
function columnsOfA(v: SubgroupVariant, widths: Widths): string[] {
  const { a, b } = names.tn;
  const { half } = widths;
  const quads = v.rows / 4;
  const wide = Math.min(quads, v.lanes);
  const reads = range(quads / wide);
  const steps = v.lanes / wide;
  const blocks = range(v.cols / 4);
  const index = (read: number, k: string): string => {
    const first = `row + (${read * v.lanes}u + lane % ${wide}u) * 4u`;
    if (widths.a) return four(a, `((${k}) * p.stride + p.first + min(${first}, p.m - 4u)) / 4u`, half);
    const each = range(4).map((i) =>
      one(a, `(${k}) * p.stride + p.first + min(${first} + ${i}u, p.m - 1u)`, half),
    );
    return `vec4<f32>(${each.join(', ')})`;
  };
  const step = (tag: string, from: number, k: string, value: (read: number) => string): string[] => [
    ...blocks.map((q) => `    let b${tag}_${q} = ${four(b, `(${k}) * n4 + c${q}`, half)};`),
    ...range(quads).flatMap((q) => [
      `    let s${tag}_${q} = subgroupBroadcast(${value(Math.floor(q / v.lanes))}, ${(from + q) % v.lanes}u);`,
      ...parts.flatMap((part, i) =>
        multiply(v, q * 4 + i, `s${tag}_${q}.${part}`, (block) => `b${tag}_${block}`),
      ),
    ]),
  ];
  // Four steps of k a turn at least: a turn of a loop costs a masked copy of every sum on lavapipe.
  const turns = range(Math.max(1, 4 / steps));
  const size = steps * turns.length;
  return [
    '  var k = begin;',
    `  for (; k + ${size}u <= end; k += ${size}u) {`,
    ...turns.flatMap((t) => [
      ...reads.map(
        (r) =>
          `    let v${t}_${r} = ${index(r, `k + ${t * steps}u${steps > 1 ? ` + lane / ${wide}u` : ''}`)};`,
      ),
      ...range(steps).flatMap((d) =>
        step(`${t}_${d}`, d * wide, `k + ${t * steps + d}u`, (read) => `v${t}_${read}`),
      ),
    ]),
    '  }',
    '  for (; k < end; k++) {',
    ...reads.map((r) => `    let v${r} = ${index(r, 'k')};`),
    ...step('', 0, 'k', (read) => `v${read}`),
    '  }',
  ];
}

/**
 * Stores in a loop over an array of the sums: written out one by one they take lavapipe's compiler half a minute, since a store is a
 * branch for every lane.
 */
function storeAll(op: MatmulOp, v: SubgroupVariant, widths: Widths): string[] {
  const blocks = range(v.cols / 4);
  return [
    `  var tile = array<vec4<f32>, ${v.rows * blocks.length}>(`,
    ...range(v.rows).map((r) => `    ${blocks.map((b) => `t${r}_${b}`).join(', ')},`),
    '  );',
    // Bounds that Mesa cannot foresee keep it from unrolling the loop.
    `  let stop = min(row + ${v.rows}u, p.m);`,
    '  for (var r = row; r < stop; r++) {',
    ...blocks.flatMap((b) => [
      `    let c${b}at = (col4 + ${b * v.lanes}u) * 4u;`,
      `    let sums${b} = tile[(r - row) * ${blocks.length}u + ${b}u];`,
      ...(widths.out
        ? [`    if (c${b}at < p.n) ${store(op, 'r', `c${b}at`, `sums${b}`, 'group.z', widths.half, true)}`]
        : [
            `    for (var j = 0u; j < min(4u, p.n - min(p.n, c${b}at)); j++)`,
            `      ${store(op, 'r', `c${b}at + j`, `sums${b}[j]`, 'group.z', widths.half)}`,
          ]),
    ]),
    '  }',
  ];
}
