/**
 * Attention as GPUs want it (Dao 2022): a workgroup owns a block of rows and walks blocks of the other side, both staged in workgroup
 * memory `depth` channels at a time, so that heads of 256 channels fit 16 KiB. Scores and sums stay in registers; a block's weights pass
 * through workgroup memory, since a thread that computes scores of some rows and columns sums other channels of those rows.
 *
 * A thread's rows, columns and vec4s of channels lie a stride apart, and rows of staged blocks are an odd number of vec4s long: neighbours
 * read neighbouring banks. Blocks begin at multiples of their size in the sequence and those that a row may not see leave its numbers as
 * they are, so a row's bits do not depend on its neighbours. Blocks wholly out of sight are not visited.
 * Given up: f16 operands, subgroup matrices, reading the next block while this one is computed.
 */
import { range } from '../matmul/operands.ts';
import type { AttentionOp, TileVariant } from './variant.ts';

/** Sizes that follow from a variant and the size of a head. `quads` are vec4s. */
interface Cut {
  v: TileVariant;
  quads: number;
  depth: number;
  /** Length of a staged row. */
  pitch: number;
  chunks: number;
  rows: number[];
  cols: number[];
  /** A thread's vec4s of a chunk. */
  shares: number[];
  threads: number;
}

/** One operand: its buffer and where the vec4 `0` of row `row` lies. */
interface Operand {
  buffer: string;
  at: (row: string) => string;
  factor?: string;
}

export function tileBody(op: AttentionOp, v: TileVariant, headDim: number, softcap: boolean): string[] {
  const depth = v.depth / 4;
  const cut: Cut = {
    v,
    quads: headDim / 4,
    depth,
    pitch: depth + ((depth + 1) % 2),
    chunks: headDim / v.depth,
    rows: range(v.own / v.down),
    cols: range(v.others / v.across),
    shares: range(depth / v.across),
    threads: v.across * v.down,
  };
  return [
    `var<workgroup> a: array<vec4<f32>, ${v.own * cut.pitch}>;`,
    `var<workgroup> b: array<vec4<f32>, ${v.others * cut.pitch}>;`,
    `var<workgroup> w: array<f32, ${v.own * (v.others + 1)}>;`,
    ...(op === 'forward' ? [`var<workgroup> part: array<f32, ${v.own * v.across}>;`] : []),
    `@compute @workgroup_size(${cut.threads})`,
    'fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {',
    `  let tx = thread % ${v.across}u;`,
    `  let ty = thread / ${v.across}u;`,
    `  let base = group.x * ${v.own}u;`,
    '  let first = group.z * p.seq;',
    `  let stride = (p.heads + 2u * p.kv_heads) * ${cut.quads}u;`,
    `  let last = min(base + ${v.own - 1}u, p.seq - 1u);`,
    ...cut.rows.map((r) => `  let t${r} = min(base + ty + ${r * v.down}u, p.seq - 1u);`),
    ...{ forward, query, 'key-value': keyValue }[op](cut, softcap),
    '}',
  ];
}

/** Copies `depth` channels of a block into workgroup memory, from vec4 `from` on; rows past the last are the last one. */
function stage(cut: Cut, target: 'a' | 'b', { buffer, at, factor = '' }: Operand, from: string): string[] {
  const [count, start] = target === 'a' ? [cut.v.own, 'base'] : [cut.v.others, 's'];
  return [
    `    for (var i = thread; i < ${count * cut.depth}u; i += ${cut.threads}u) {`,
    `      let r = i / ${cut.depth}u;`,
    `      let c = i % ${cut.depth}u;`,
    `      let row = first + min(${start} + r, p.seq - 1u);`,
    `      ${target}[r * ${cut.pitch}u + c] = ${buffer}[${at('row')} + ${from} + c]${factor};`,
    '    }',
  ];
}

/** `name`r_n = own row r times other row n. Ends with all threads past their reads. */
function scores(cut: Cut, name: string, own: Operand, other: Operand): string[] {
  const { rows, cols, v } = cut;
  return [
    ...rows.flatMap((r) => cols.map((n) => `    var ${name}${r}_${n} = 0.0;`)),
    `    for (var chunk = 0u; chunk < ${cut.quads}u; chunk += ${cut.depth}u) {`,
    ...stage(cut, 'a', own, 'chunk'),
    ...stage(cut, 'b', other, 'chunk'),
    '    workgroupBarrier();',
    `    for (var i = 0u; i < ${cut.depth}u; i++) {`,
    ...cols.map((n) => `      let y${n} = b[(tx + ${n * v.across}u) * ${cut.pitch}u + i];`),
    ...rows.flatMap((r) => [
      `      let x${r} = a[(ty + ${r * v.down}u) * ${cut.pitch}u + i];`,
      ...cols.map((n) => {
        const sum = [...'xyzw'].reduce(
          (text, c) => `fma(x${r}.${c}, y${n}.${c}, ${text})`,
          `${name}${r}_${n}`,
        );
        return `      ${name}${r}_${n} = ${sum};`;
      }),
    ]),
    '    }',
    '    workgroupBarrier();',
    '    }',
  ];
}

/** `name`r_i += weights (w) times the other side's rows. `resident`: b holds them already, all channels. */
function addWeighted(cut: Cut, name: string, other: Operand, resident: boolean): string[] {
  const { rows, shares, v } = cut;
  return range(cut.chunks).flatMap((chunk) => [
    ...(resident ? [] : stage(cut, 'b', other, `${chunk * cut.depth}u`)),
    '    workgroupBarrier();',
    `    for (var j = 0u; j < ${v.others}u; j++) {`,
    ...shares.map((c) => `      let y${c} = b[j * ${cut.pitch}u + tx + ${c * v.across}u];`),
    ...rows.flatMap((r) => [
      `      let x${r} = vec4<f32>(w[(ty + ${r * v.down}u) * ${v.others + 1}u + j]);`,
      ...shares.map((c) => {
        const sum = `${name}${r}_${chunk * shares.length + c}`;
        return `      ${sum} = fma(x${r}, y${c}, ${sum});`;
      }),
    ]),
    '    }',
    '    workgroupBarrier();',
  ]);
}

function zeros(cut: Cut, name: string): string[] {
  return cut.rows.flatMap((r) =>
    range(cut.chunks * cut.shares.length).map((i) => `  var ${name}${r}_${i} = vec4<f32>();`),
  );
}

/** Stores `name`r_i at vec4 `at(row)` on. */
function storeRows(
  cut: Cut,
  name: string,
  buffer: string,
  at: (row: string) => string,
  over = (_: number) => '',
): string[] {
  const { v, shares } = cut;
  return cut.rows.flatMap((r) => [
    `  if (base + ty + ${r * v.down}u < p.seq) {`,
    `    let at = ${at(`(first + t${r})`)} + tx;`,
    ...range(cut.chunks * shares.length).map((i) => {
      const quad = Math.floor(i / shares.length) * cut.depth + (i % shares.length) * v.across;
      return `    ${buffer}[at + ${quad}u] = ${name}${r}_${i}${over(r)};`;
    }),
    '  }',
  ]);
}

function weightAt(cut: Cut, r: number, n: number): string {
  return `w[(ty + ${r * cut.v.down}u) * ${cut.v.others + 1}u + tx + ${n * cut.v.across}u]`;
}

const capped = (softcap: boolean, x: string): string => (softcap ? `softCap(vec4<f32>(${x})).x` : x);

function operands(quads: number): Record<'q' | 'k' | 'v' | 'dOut', Operand> {
  return {
    q: { buffer: 'qkv', at: (row) => `${row} * stride + head * ${quads}u` },
    k: { buffer: 'qkv', at: (row) => `${row} * stride + (p.heads + kvHead) * ${quads}u` },
    v: { buffer: 'qkv', at: (row) => `${row} * stride + (p.heads + p.kv_heads + kvHead) * ${quads}u` },
    dOut: { buffer: 'dOut', at: (row) => `(${row} * p.heads + head) * ${quads}u` },
  };
}

/** Heads, and the loop over blocks of keys from the first that a row of this block sees. */
function overKeys(cut: Cut, before: string[], body: string[]): string[] {
  return [
    '  let head = group.y;',
    '  let kvHead = head / (p.heads / p.kv_heads);',
    ...cut.rows.map((r) => `  let begin${r} = firstKey(kvStart[first + t${r}], t${r});`),
    ...before,
    `  var s = firstKey(kvStart[first + base], base) / ${cut.v.others}u * ${cut.v.others}u;`,
    `  for (; s <= last; s += ${cut.v.others}u) {`,
    ...cut.cols.map((n) => `    let key${n} = s + tx + ${n * cut.v.across}u;`),
    ...body,
    '  }',
  ];
}

const sees = (r: number, n: number): string => `key${n} <= t${r} && key${n} >= begin${r}`;

function forward(cut: Cut, softcap: boolean): string[] {
  const { rows, cols, v } = cut;
  const { q, k, v: values } = operands(cut.quads);
  const parts = range(v.across);
  const sums = range(cut.chunks * cut.shares.length);
  const slot = (r: number): string => `(ty + ${r * v.down}u) * ${v.across}u`;
  const body = [
    ...scores(cut, 'c', { ...q, factor: ' * p.scale' }, k),
    ...rows.flatMap((r) => [
      ...cols.map(
        (n) => `    c${r}_${n} = select(-3.0e38, ${capped(softcap, `c${r}_${n}`)}, ${sees(r, n)});`,
      ),
      `    part[${slot(r)} + tx] = ${cols.map((n) => `c${r}_${n}`).reduce((x, y) => `max(${x}, ${y})`)};`,
    ]),
    '    workgroupBarrier();',
    ...rows.flatMap((r) => [
      `    let n${r} = ${parts.map((i) => `part[${slot(r)} + ${i}u]`).reduce((x, y) => `max(${x}, ${y})`, `m${r}`)};`,
      `    let keep${r} = select(exp(m${r} - n${r}), 1.0, m${r} == n${r});`,
      `    m${r} = n${r};`,
      `    l${r} *= keep${r};`,
      ...sums.map((i) => `    o${r}_${i} *= keep${r};`),
      ...cols.flatMap((n) => [
        `    let w${r}_${n} = select(0.0, exp(c${r}_${n} - n${r}), ${sees(r, n)});`,
        `    l${r} += w${r}_${n};`,
        `    ${weightAt(cut, r, n)} = w${r}_${n};`,
      ]),
    ]),
    ...addWeighted(cut, 'o', values, false),
  ];
  return [
    ...overKeys(
      cut,
      [...zeros(cut, 'o'), ...rows.flatMap((r) => [`  var m${r} = -3.0e38;`, `  var l${r} = 0.0;`])],
      body,
    ),
    ...rows.map((r) => `  part[${slot(r)} + tx] = l${r};`),
    '  workgroupBarrier();',
    ...rows.map((r) => `  let sum${r} = ${parts.map((i) => `part[${slot(r)} + ${i}u]`).join(' + ')};`),
    ...storeRows(
      cut,
      'o',
      'o',
      (row) => `(${row} * p.heads + head) * ${cut.quads}u`,
      (r) => ` / sum${r}`,
    ),
    ...rows.map(
      (r) =>
        `  if (tx == 0u && base + ty + ${r * v.down}u < p.seq) { lse[(first + t${r}) * p.heads + head] = m${r} + log(sum${r}); }`,
    ),
  ];
}

/** `w`: the probability of a pair; `ds`: the gradient of its score. */
function gradient(softcap: boolean, id: string, lse: string, delta: string, see: string): string[] {
  return [
    `    let c${id} = ${capped(softcap, `x${id}`)};`,
    `    let w${id} = select(0.0, exp(c${id} - ${lse}), ${see});`,
    `    let ds${id} = w${id} * (y${id} - ${delta}) * p.scale${softcap ? ` * capSlope(vec4<f32>(c${id})).x` : ''};`,
  ];
}

function query(cut: Cut, softcap: boolean): string[] {
  const { rows, cols } = cut;
  const { q, k, v, dOut } = operands(cut.quads);
  const before = [
    ...zeros(cut, 'g'),
    ...rows.flatMap((r) => [
      `  let lse${r} = lse[(first + t${r}) * p.heads + head];`,
      `  let delta${r} = delta[(first + t${r}) * p.heads + head];`,
    ]),
  ];
  const body = [
    ...scores(cut, 'y', dOut, v),
    ...scores(cut, 'x', { ...q, factor: ' * p.scale' }, k),
    ...rows.flatMap((r) =>
      cols.flatMap((n) => [
        ...gradient(softcap, `${r}_${n}`, `lse${r}`, `delta${r}`, sees(r, n)),
        `    ${weightAt(cut, r, n)} = ds${r}_${n};`,
      ]),
    ),
    ...addWeighted(cut, 'g', k, cut.chunks === 1),
  ];
  return [...overKeys(cut, before, body), ...storeRows(cut, 'g', 'dQkv', q.at)];
}

function keyValue(cut: Cut, softcap: boolean): string[] {
  const { rows, cols, v: variant } = cut;
  const { q, k, v, dOut } = operands(cut.quads);
  const weights = (name: string): string[] =>
    rows.flatMap((r) => cols.map((n) => `    ${weightAt(cut, r, n)} = ${name}${r}_${n};`));
  return [
    '  let kvHead = group.y;',
    '  let heads = p.heads / p.kv_heads;',
    ...rows.map((r) => `  let end${r} = select(p.seq, min(p.seq, t${r} + p.window), p.window != 0u);`),
    ...zeros(cut, 'dk'),
    ...zeros(cut, 'dv'),
    '  let stop = select(p.seq, min(p.seq, last + p.window), p.window != 0u);',
    `  for (var s = base / ${variant.others}u * ${variant.others}u; s < stop; s += ${variant.others}u) {`,
    // Documents follow each other, so from here on no row sees these keys.
    '    if (kvStart[first + s] > last) { break; }',
    ...cols.flatMap((n) => [
      `    let at${n} = s + tx + ${n * variant.across}u;`,
      `    let row${n} = first + min(at${n}, p.seq - 1u);`,
      `    let from${n} = kvStart[row${n}];`,
    ]),
    '    for (var g = 0u; g < heads; g++) {',
    '    let head = kvHead * heads + g;',
    ...cols.flatMap((n) => [
      `    let lse${n} = lse[row${n} * p.heads + head];`,
      `    let delta${n} = delta[row${n} * p.heads + head];`,
    ]),
    ...scores(cut, 'x', { ...k, factor: ' * p.scale' }, q),
    ...scores(cut, 'y', v, dOut),
    ...rows.flatMap((r) =>
      cols.flatMap((n) =>
        gradient(
          softcap,
          `${r}_${n}`,
          `lse${n}`,
          `delta${n}`,
          `at${n} >= t${r} && at${n} < end${r} && from${n} <= t${r}`,
        ),
      ),
    ),
    ...weights('w'),
    ...addWeighted(cut, 'dv', dOut, cut.chunks === 1),
    ...weights('ds'),
    ...addWeighted(cut, 'dk', q, false),
    '    }',
    '  }',
    ...storeRows(cut, 'dk', 'dQkv', k.at),
    ...storeRows(cut, 'dv', 'dQkv', v.at),
  ];
}
