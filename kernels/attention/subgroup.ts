/**
 * Attention of one subgroup: a lane owns rows of one side (queries; keys for dk and dv), with their channels in registers, and the lanes
 * together read a few rows of the other side, each a part, which subgroupBroadcast hands round. On lavapipe a read costs some 10 ns for a
 * component of eight lanes, a broadcast 0.6 and a multiply-add of eight lanes 0.8, so a kernel in which each thread reads for itself
 * spends nine tenths of its time on reads.
 *
 * Sums of a row: products of vec4s over channels, then (x + y) + (z + w); softmax in blocks of four keys counted from the first of the row's
 * document, as in forward.wgsl and kv-cache/attend.wgsl, whose bits it therefore has. What a row may not see gets the weight zero. Where
 * rows of one workgroup belong to several documents, forward walks these one after the other.
 */
import { range } from '../matmul/operands.ts';
import type { AttentionOp, SubgroupVariant } from './variant.ts';

const parts = [...'xyzw'];
const four = range(4);

/** A row of the other side, read by all lanes: statements, and the text that is one vec4 of one row in every lane. */
interface Read {
  lines: string[];
  quad: (row: number, i: number) => string;
}

/** Reads `others` rows from `s` on, whose first vec4 lies at `at(row)`: a lane reads 1 / lanes of them. */
function readTogether(v: SubgroupVariant, quads: number, tag: string, buffer: string, at: string): Read {
  const share = (quads * v.others) / v.lanes;
  return {
    lines: [
      `    let ${tag}At = ${at} + (lane / ${v.others}u) * ${share}u;`,
      ...range(share).map((i) => `    let ${tag}${i} = ${buffer}[${tag}At + ${i}u];`),
    ],
    quad: (row, i) => `subgroupBroadcast(${tag}${i % share}, ${row + Math.floor(i / share) * v.others}u)`,
  };
}

/** Loads a row's vec4s into `name`0, `name`1, ...: in a loop, since a read written out is a page of machine code. */
function loadOwn(quads: number, name: string, buffer: string, at: string, factor = ''): string[] {
  return [
    `  for (var i = 0u; i < quads; i++) { own[i] = ${buffer}[${at} + i]${factor}; }`,
    ...range(quads).map((i) => `  let ${name}_${i} = own[${i}];`),
  ];
}

/** Stores vec4s in a loop over an array, which is a branch for every lane only once. */
function storeOwn(
  v: SubgroupVariant,
  quads: number,
  sums: string,
  buffer: string,
  at: string,
  text: (name: string, row: number) => string,
): string[] {
  return [
    `  {`,
    `    var tile = array<vec4<f32>, ${v.rows * quads}>(`,
    ...range(v.rows).map(
      (r) =>
        `      ${range(quads)
          .map((i) => text(`${sums}${r}_${i}`, r))
          .join(', ')},`,
    ),
    '    );',
    `    for (var r = 0u; r < ${v.rows}u; r++) {`,
    `      let row = base + r * ${v.lanes}u + lane;`,
    '      if (row < p.seq) {',
    `        for (var i = 0u; i < quads; i++) { ${buffer}[${at} + i] = tile[r * ${quads}u + i]; }`,
    '      }',
    '    }',
    '  }',
  ];
}

/** Four products of own row r with rows 4b .. 4b + 3 of the other side, as the vec4 `name`r_b; `own` and `other` name vec4s. */
function products(
  v: SubgroupVariant,
  quads: number,
  name: string,
  own: string,
  other: string,
  zero = 'vec4<f32>()',
): string[] {
  const rows = range(v.rows);
  const sum = (x: string): string => `(${x}.x + ${x}.y) + (${x}.z + ${x}.w)`;
  return [
    ...range(v.others).flatMap((j) => [
      ...rows.map((r) => `    var ${name}${r}at${j} = ${zero};`),
      ...range(quads).flatMap((i) =>
        rows.map(
          (r) => `    ${name}${r}at${j} = fma(${own}${r}_${i}, ${other}${j}_${i}, ${name}${r}at${j});`,
        ),
      ),
    ]),
    ...rows.flatMap((r) =>
      range(v.others / 4).map(
        (b) =>
          `    let ${name}${r}_${b} = vec4<f32>(${four.map((j) => sum(`${name}${r}at${4 * b + j}`)).join(', ')});`,
      ),
    ),
  ];
}

/** sums += weights (of four rows of the other side) * those rows, in order. `start` may scale what was there. */
function accumulate(
  quads: number,
  sums: string,
  weights: string,
  other: (j: number, i: number) => string,
  start = '',
): string[] {
  return range(quads).map((i) => {
    const text = four.reduce(
      (sum, j) => `fma(vec4<f32>(${weights}.${parts[j]}), ${other(j, i)}, ${sum})`,
      `${sums}_${i}${start}`,
    );
    return `    ${sums}_${i} = ${text};`;
  });
}

export function subgroupBody(
  op: AttentionOp,
  v: SubgroupVariant,
  headDim: number,
  softcap: boolean,
): string[] {
  const quads = headDim / 4;
  const bodies = { forward, query, 'key-value': keyValue };
  return [
    `@compute @workgroup_size(${v.lanes})`,
    'fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {',
    `  let base = group.x * ${v.rows * v.lanes}u;`,
    '  let first = group.z * p.seq;',
    `  let stride = (p.heads + 2u * p.kv_heads) * ${quads}u;`,
    `  let last = min(base + ${v.rows * v.lanes - 1}u, p.seq - 1u);`,
    // A bound that Mesa cannot foresee keeps it from unrolling the loops that load and store.
    `  let quads = min(${quads}u, arrayLength(&qkv));`,
    `  var own: array<vec4<f32>, ${quads}>;`,
    ...bodies[op](v, quads, softcap),
    '}',
  ];
}

/** Names a broadcast vec4 of every row of the other side: `name`j_i. */
function spread(v: SubgroupVariant, quads: number, name: string, read: Read): string[] {
  return range(v.others).flatMap((j) =>
    range(quads).map((i) => `    let ${name}${j}_${i} = ${read.quad(j, i)};`),
  );
}

const otherRow = (v: SubgroupVariant): string => `min(s + lane % ${v.others}u, p.seq - 1u)`;

/** What forward and dq share: queries are the own side, keys and values the other. */
function queryHead(v: SubgroupVariant, quads: number): { begin: string[]; rows: string[]; k: Read; v: Read } {
  const at = (offset: string): string => `(first + ${otherRow(v)}) * stride + ${offset}`;
  return {
    begin: [
      '  let head = group.y;',
      '  let kvHead = head / (p.heads / p.kv_heads);',
      `  let kOff = (p.heads + kvHead) * ${quads}u;`,
      `  let vOff = kOff + p.kv_heads * ${quads}u;`,
      '  let start = kvStart[first + base];',
      '  var s = start + ((firstKey(start, base) - start) & ~3u);',
    ],
    rows: range(v.rows).flatMap((r) => [
      `  let t${r} = min(base + ${r * v.lanes}u + lane, p.seq - 1u);`,
      `  let start${r} = kvStart[first + t${r}];`,
      `  let begin${r} = firstKey(start${r}, t${r});`,
      ...loadOwn(quads, `q${r}`, 'qkv', `(first + t${r}) * stride + head * ${quads}u`, ' * p.scale'),
    ]),
    k: readTogether(v, quads, 'kr', 'qkv', at('kOff')),
    v: readTogether(v, quads, 'vr', 'qkv', at('vOff')),
  };
}

/** Which of four keys row r sees, `from` some key on. */
function seen(r: number, b: number, from = `begin${r}`): string {
  return `(key${b} <= vec4<u32>(t${r})) & (key${b} >= vec4<u32>(${from}))`;
}

function keysOf(b: number): string {
  return `    let key${b} = vec4<u32>(s + ${4 * b}u) + vec4<u32>(0u, 1u, 2u, 3u);`;
}

function capped(softcap: boolean, x: string): string {
  return softcap ? `softCap(${x})` : x;
}

function forward(v: SubgroupVariant, quads: number, softcap: boolean): string[] {
  const rows = range(v.rows);
  const head = queryHead(v, quads);
  return [
    ...head.begin,
    ...head.rows,
    ...rows.flatMap((r) => [
      ...range(quads).map((i) => `  var o${r}_${i} = vec4<f32>();`),
      `  var m${r} = -3.0e38;`,
      `  var l${r} = 0.0;`,
    ]),
    '  let several = kvStart[first + last] != start;',
    // Of sums that begin with nothing and are short, Mesa changes the order: here it cannot tell that they do.
    ...(quads < 4 ? ['  let zero = vec4<f32>(select(0.0, 1.0, arrayLength(&qkv) == 0u));'] : []),
    '  while (s <= last) {',
    ...head.k.lines,
    ...spread(v, quads, 'k', head.k),
    ...products(v, quads, 'x', 'q', 'k', quads < 4 ? 'zero' : undefined),
    ...head.v.lines,
    ...spread(v, quads, 'v', head.v),
    // These blocks are counted from one document's first key: rows of later ones see none of them.
    ...rows.map((r) => `    let from${r} = select(0xffffffffu, begin${r}, s >= start${r});`),
    ...range(v.others / 4).flatMap((b) => [
      keysOf(b),
      ...rows.flatMap((r) => {
        const id = `${r}_${b}`;
        return [
          `    let see${id} = ${seen(r, b, `from${r}`)};`,
          `    let c${id} = select(vec4<f32>(-3.0e38), ${capped(softcap, `x${id}`)}, see${id});`,
          `    let n${id} = max(m${r}, max(max(c${id}.x, c${id}.y), max(c${id}.z, c${id}.w)));`,
          `    let keep${id} = select(exp(m${r} - n${id}), 1.0, m${r} == n${id});`,
          `    let w${id} = select(vec4<f32>(), exp(c${id} - n${id}), see${id});`,
          `    l${r} = fma(l${r}, keep${id}, (w${id}.x + w${id}.y) + (w${id}.z + w${id}.w));`,
          `    m${r} = n${id};`,
          ...accumulate(quads, `o${r}`, `w${id}`, (j, i) => `v${4 * b + j}_${i}`, ` * keep${id}`),
        ];
      }),
    ]),
    // On to the next document, where one begins within these keys.
    `    var next = s + ${v.others}u;`,
    '    for (var open = several; open; open = false) {',
    ...rows.map((r) => `      next = min(next, subgroupMin(select(0xffffffffu, start${r}, start${r} > s)));`),
    '    }',
    '    s = next;',
    '  }',
    ...storeOwn(
      v,
      quads,
      'o',
      'o',
      `((first + row) * p.heads + head) * ${quads}u`,
      (name, r) => `${name} / l${r}`,
    ),
    ...rows.map(
      (r) =>
        `  if (base + ${r * v.lanes}u + lane < p.seq) { lse[(first + t${r}) * p.heads + head] = m${r} + log(l${r}); }`,
    ),
  ];
}

function query(v: SubgroupVariant, quads: number, softcap: boolean): string[] {
  const rows = range(v.rows);
  const head = queryHead(v, quads);
  return [
    ...head.begin,
    ...head.rows,
    ...rows.flatMap((r) => [
      `  let row${r} = (first + t${r}) * p.heads + head;`,
      ...loadOwn(quads, `d${r}`, 'dOut', `row${r} * ${quads}u`),
      `  let lse${r} = lse[row${r}];`,
      `  let delta${r} = delta[row${r}];`,
      ...range(quads).map((i) => `  var g${r}_${i} = vec4<f32>();`),
    ]),
    `  for (; s <= last; s += ${v.others}u) {`,
    ...head.v.lines,
    ...spread(v, quads, 'v', head.v),
    ...products(v, quads, 'y', 'd', 'v'),
    ...head.k.lines,
    ...spread(v, quads, 'k', head.k),
    ...products(v, quads, 'x', 'q', 'k'),
    ...range(v.others / 4).flatMap((b) => [
      keysOf(b),
      ...rows.flatMap((r) => {
        const id = `${r}_${b}`;
        return [
          ...gradient(id, softcap, {
            score: `x${id}`,
            dp: `y${id}`,
            lse: `lse${r}`,
            delta: `delta${r}`,
            see: seen(r, b),
          }),
          ...accumulate(quads, `g${r}`, `ds${id}`, (j, i) => `k${4 * b + j}_${i}`),
        ];
      }),
    ]),
    '  }',
    ...storeOwn(v, quads, 'g', 'dQkv', `(first + row) * stride + head * ${quads}u`, (name) => name),
  ];
}

/** `w`: the probabilities of four pairs; `ds`: the gradients of their scores. */
function gradient(
  id: string,
  softcap: boolean,
  from: { score: string; dp: string; lse: string; delta: string; see: string },
): string[] {
  return [
    `    let c${id} = ${capped(softcap, from.score)};`,
    `    let w${id} = select(vec4<f32>(), exp(c${id} - ${from.lse}), ${from.see});`,
    `    let ds${id} = w${id} * (${from.dp} - ${from.delta}) * p.scale${softcap ? ` * capSlope(c${id})` : ''};`,
  ];
}

function keyValue(v: SubgroupVariant, quads: number, softcap: boolean): string[] {
  const rows = range(v.rows);
  const q = readTogether(v, quads, 'qr', 'qkv', `(first + ${otherRow(v)}) * stride + head * ${quads}u`);
  const d = readTogether(v, quads, 'dr', 'dOut', `((first + ${otherRow(v)}) * p.heads + head) * ${quads}u`);
  const gathered = (name: string, b: number): string =>
    `vec4<f32>(${four.map((j) => `subgroupBroadcast(${name}, ${4 * b + j}u)`).join(', ')})`;
  return [
    '  let kvHead = group.y;',
    '  let heads = p.heads / p.kv_heads;',
    `  let kOff = (p.heads + kvHead) * ${quads}u;`,
    `  let vOff = kOff + p.kv_heads * ${quads}u;`,
    ...rows.flatMap((r) => [
      `  let s${r} = min(base + ${r * v.lanes}u + lane, p.seq - 1u);`,
      ...loadOwn(quads, `k${r}`, 'qkv', `(first + s${r}) * stride + kOff`, ' * p.scale'),
      ...loadOwn(quads, `v${r}`, 'qkv', `(first + s${r}) * stride + vOff`),
      ...range(quads).flatMap((i) => [
        `  var dk${r}_${i} = vec4<f32>();`,
        `  var dv${r}_${i} = vec4<f32>();`,
      ]),
      `  let end${r} = select(p.seq, min(p.seq, s${r} + p.window), p.window != 0u);`,
    ]),
    '  let stop = select(p.seq, min(p.seq, last + p.window), p.window != 0u);',
    `  for (var s = base; s < stop; s += ${v.others}u) {`,
    // Documents follow each other, so from here on no row sees these keys.
    '    if (kvStart[first + s] > last) { break; }',
    `    let row = first + ${otherRow(v)};`,
    '    let beginOf = kvStart[row];',
    '    for (var g = 0u; g < heads; g++) {',
    '    let head = kvHead * heads + g;',
    '    let lseOf = lse[row * p.heads + head];',
    '    let deltaOf = delta[row * p.heads + head];',
    ...q.lines,
    ...d.lines,
    ...spread(v, quads, 'q', q),
    ...products(v, quads, 'x', 'k', 'q'),
    ...spread(v, quads, 'd', d),
    ...products(v, quads, 'y', 'v', 'd'),
    ...range(v.others / 4).flatMap((b) => [
      keysOf(b),
      `    let from${b} = vec4<u32>(${four.map((j) => `subgroupBroadcast(beginOf, ${4 * b + j}u)`).join(', ')});`,
      `    let lse${b} = ${gathered('lseOf', b)};`,
      `    let delta${b} = ${gathered('deltaOf', b)};`,
      ...rows.flatMap((r) => {
        const id = `${r}_${b}`;
        const see = `(key${b} >= vec4<u32>(s${r})) & (key${b} < vec4<u32>(end${r})) & (from${b} <= vec4<u32>(s${r}))`;
        return [
          ...gradient(id, softcap, {
            score: `x${id}`,
            dp: `y${id}`,
            lse: `lse${b}`,
            delta: `delta${b}`,
            see,
          }),
          ...accumulate(quads, `dv${r}`, `w${id}`, (j, i) => `d${4 * b + j}_${i}`),
          ...accumulate(quads, `dk${r}`, `ds${id}`, (j, i) => `q${4 * b + j}_${i}`),
        ];
      }),
    ]),
    '    }',
    '  }',
    ...storeOwn(v, quads, 'dk', 'dQkv', '(first + row) * stride + kOff', (name) => name),
    ...storeOwn(v, quads, 'dv', 'dQkv', '(first + row) * stride + vOff', (name) => name),
  ];
}
