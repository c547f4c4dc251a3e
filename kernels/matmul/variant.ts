/**
 * The ways in which a matrix product may be computed, as data: `Variant` says how work is cut, generate.ts writes the WGSL of it.
 *
 * Every variant sums an output over k in ascending order with one fma a step, so on one adapter they agree in every bit (tests hold it
 * on lavapipe and SwiftShader) and a row's sum never depends on how many rows there are. That holds for operands in f32 and for operands in
 * f16 (`half: 1` in the scalars) alike; which of the two is the run's `precision`, never a choice of the tuner.
 */
import type { Scalars } from '../kernel.ts';

/** nt: y = x w^T; nn: dx = dy w; tn: dw = dy^T x, in parts. */
export const matmulOps = ['nt', 'nn', 'tn'] as const;
export type MatmulOp = (typeof matmulOps)[number];

/** A thread owns `rows` x `cols` outputs and reads its operands itself: any shape, any adapter. `cols` is a multiple of 4. */
export interface RegisterVariant {
  readonly kind: 'register';
  readonly rows: number;
  readonly cols: number;
  /** Threads of a workgroup along columns and rows. */
  readonly groupX: number;
  readonly groupY: number;
}

/**
 * A workgroup is one subgroup of `lanes` threads and owns `rows` x (cols * lanes) outputs. A lane reads an equal share of the left
 * operand, which the others get by subgroupBroadcast; of the right one it reads its own columns. For adapters where reading memory
 * costs far more than arithmetic (lavapipe: 4 to 6 cycles a float, whatever the address).
 */
export interface SubgroupVariant {
  readonly kind: 'subgroup';
  readonly rows: number;
  readonly cols: number;
  readonly lanes: number;
}

/** A workgroup stages `blockM` x `depth` and `depth` x `blockN` of the operands in workgroup memory; a thread owns `rows` x `cols`. */
export interface SharedVariant {
  readonly kind: 'shared';
  readonly blockM: number;
  readonly blockN: number;
  readonly depth: number;
  readonly rows: number;
  readonly cols: number;
  /** Operands in f16 stay so in workgroup memory, which takes the feature shader-f16; else they are staged as f32. */
  readonly f16: boolean;
}

/** As `shared`, but read, staged and multiplied in fours (vector-tile.ts): rows, cols, blocks and depth are multiples of 4. */
export interface TileVariant extends Omit<SharedVariant, 'kind'> {
  readonly kind: 'tile';
}

/**
 * A workgroup of `downs` x `acrosses` subgroups of `lanes` threads owns `blockM` x `blockN` outputs and stages `depth` steps of k; subgroups
 * multiply matrices of m x k by k x n (matrix.ts). `f16`: of halves, else of f32.
 */
export interface MatrixVariant extends MatrixSize {
  readonly kind: 'matrix';
  readonly blockM: number;
  readonly blockN: number;
  readonly depth: number;
  readonly downs: number;
  readonly acrosses: number;
  readonly lanes: number;
}

/** Subgroup matrices that an adapter multiplies, m x k by k x n, with sums in f32. */
export interface MatrixSize {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly f16: boolean;
}

export type Variant = RegisterVariant | SubgroupVariant | SharedVariant | TileVariant | MatrixVariant;

/** What of an adapter decides which variants it can run. */
export interface AdapterTraits {
  readonly software: boolean;
  /** Has the feature `subgroups`, and all its subgroups are of this size. */
  readonly subgroupSize?: number;
  readonly f16: boolean;
  /** Subgroup matrices with sums in f32; none where the device lacks the feature. */
  readonly matrices: readonly MatrixSize[];
  readonly workgroupBytes: number;
  readonly workgroupThreads: number;
}

/** What hardware gets before anything was measured: small enough for any, 256 threads in 16 x 16. */
const hardwareVariant: SharedVariant = {
  kind: 'shared',
  blockM: 64,
  blockN: 64,
  depth: 16,
  rows: 4,
  cols: 4,
  f16: false,
};

/** The variant that runs everywhere: 8 x 8 outputs a thread, 4 x 2 threads. */
export const portableVariant: RegisterVariant = { kind: 'register', rows: 8, cols: 8, groupX: 4, groupY: 2 };

/**
 * A short name, as it stands in tables, run.json and checkpoints: `register-8x8-4x2`, `subgroup-32x4-8`, `shared-64x64x16-8x8[-f16]`,
 * `tile-128x128x16-8x8[-f16]`, `matrix-64x64x32-16x16x16-2x2-32[-f16]`.
 */
export function variantName(v: Variant): string {
  if (v.kind === 'register') return `register-${v.rows}x${v.cols}-${v.groupX}x${v.groupY}`;
  if (v.kind === 'subgroup') return `subgroup-${v.rows}x${v.cols}-${v.lanes}`;
  const block = `${v.blockM}x${v.blockN}x${v.depth}`;
  const f16 = v.f16 ? '-f16' : '';
  if (v.kind === 'shared' || v.kind === 'tile') return `${v.kind}-${block}-${v.rows}x${v.cols}${f16}`;
  return `matrix-${block}-${v.m}x${v.n}x${v.k}-${v.downs}x${v.acrosses}-${v.lanes}${f16}`;
}

type Nine = [number, number, number, number, number, number, number, number, number];

/** The variant of a name; undefined for what is none, or is one that the generator could not write. */
export function parseVariant(name: string): Variant | undefined {
  const [, kind, sizes, f16] = /^(register|subgroup|shared|tile|matrix)-([0-9x-]+?)(-f16)?$/.exec(name) ?? [];
  const numbers = (sizes ?? '').split(/[x-]/).map(Number);
  if (numbers.some((n) => !Number.isInteger(n) || n < 1 || n > 1024)) return undefined;
  const [a, b, c, d, e, f, g, h, i] = numbers as Nine;
  let variant: Variant | undefined;
  if (kind === 'register') variant = { kind, rows: a, cols: b, groupX: c, groupY: d };
  if (kind === 'subgroup') variant = { kind, rows: a, cols: b, lanes: c };
  if (kind === 'shared' || kind === 'tile')
    variant = { kind, blockM: a, blockN: b, depth: c, rows: d, cols: e, f16: f16 !== undefined };
  if (kind === 'matrix') {
    const size = { m: d, n: e, k: f, f16: f16 !== undefined };
    variant = { kind, blockM: a, blockN: b, depth: c, ...size, downs: g, acrosses: h, lanes: i };
  }
  return variant !== undefined && variantName(variant) === name && isSound(variant) ? variant : undefined;
}

function isSound(v: Variant): boolean {
  if (v.kind === 'register') return v.cols % 4 === 0 && v.rows * v.cols <= 512;
  if (v.kind === 'subgroup')
    return v.cols % 4 === 0 && v.rows % v.lanes === 0 && v.lanes % 4 === 0 && isPowerOfTwo(v.rows / v.lanes);
  if (v.kind === 'matrix')
    return (
      v.blockM % (v.downs * v.m) === 0 &&
      v.blockN % (v.acrosses * v.n) === 0 &&
      v.depth % v.k === 0 &&
      v.depth % 4 === 0
    );
  if (v.kind === 'tile' && [v.rows, v.cols, v.depth].some((size) => size % 4 !== 0)) return false;
  return v.blockM % v.rows === 0 && v.blockN % v.cols === 0 && v.rows * v.cols <= 256;
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(n) && n > 0 && (n & (n - 1)) === 0;
}

/** Elements a staged row is longer than its block, so that rows begin in different banks. */
export const stagePadding = 8;

/** Workgroup memory of a matrix variant in bytes. */
function matrixBytes(v: MatrixVariant): number {
  const size = v.f16 ? 2 : 4;
  const stages = Math.max(
    (v.blockM + stagePadding) * v.depth + (v.blockN + stagePadding) * v.depth,
    (v.depth + stagePadding) * (v.blockM + v.blockN),
  );
  return stages * size + v.downs * v.acrosses * v.m * v.n * 4;
}

/** Whether an adapter can run a variant at all. */
export function canRun(v: Variant, traits: AdapterTraits): boolean {
  if (v.kind === 'register') return v.groupX * v.groupY <= traits.workgroupThreads;
  if (v.kind === 'subgroup') return v.lanes === traits.subgroupSize;
  if (v.kind === 'matrix')
    return (
      v.lanes === traits.subgroupSize &&
      v.lanes * v.downs * v.acrosses <= traits.workgroupThreads &&
      matrixBytes(v) <= traits.workgroupBytes &&
      traits.matrices.some((s) => s.m === v.m && s.n === v.n && s.k === v.k && s.f16 === v.f16)
    );
  const bytes = (v.blockM + v.blockN) * v.depth * (v.f16 ? 2 : 4);
  const threads = (v.blockM / v.rows) * (v.blockN / v.cols);
  return bytes <= traits.workgroupBytes && threads <= traits.workgroupThreads && (traits.f16 || !v.f16);
}

/** Whether a variant can compute a product of these sizes: subgroup variants read the right operand four numbers at a time. */
export function fits(v: Variant, op: MatmulOp, s: Scalars): boolean {
  if (v.kind === 'shared' || v.kind === 'tile') return !v.f16 || s.half === 1;
  if (v.kind === 'matrix') return v.f16 === (s.half === 1);
  return v.kind !== 'subgroup' || (op === 'nt' ? s.k! % 4 === 0 : s.n! % 4 === 0);
}

/** Workgroups for a product. */
export function workgroupsOf(v: Variant, s: Scalars): [number, number, number] {
  const [rows, cols] =
    v.kind === 'register'
      ? [v.rows * v.groupY, v.cols * v.groupX]
      : v.kind === 'subgroup'
        ? [v.rows, v.cols * v.lanes]
        : [v.blockM, v.blockN];
  return [Math.ceil(s.n! / cols), Math.ceil(s.m! / rows), s.splits ?? 1];
}

/**
 * Blocks of the products on subgroup matrices: a small one for software adapters, which compile big ones for minutes; then what ggml and ONNX
 * Runtime found best on NVIDIA, Intel and Apple.
 */
const matrixBlocks = [
  [16, 16, 16, 1, 1],
  [64, 64, 32, 2, 2],
  [64, 128, 32, 2, 4],
  [128, 64, 32, 4, 2],
  [128, 128, 32, 4, 2],
] as const;

/** The variants worth measuring on an adapter, the portable one first. `half`: for operands in f16, sizes aside. */
export function candidates(traits: AdapterTraits, half = false): Variant[] {
  const list: Variant[] = [portableVariant];
  const tiles = (
    kind: 'shared' | 'tile',
    ...sizes: [blockM: number, blockN: number, depth: number, rows: number, cols: number][]
  ): void => {
    for (const [blockM, blockN, depth, rows, cols] of sizes)
      for (const f16 of half ? [false, true] : [false])
        list.push({ kind, blockM, blockN, depth, rows, cols, f16 });
  };
  if (traits.software) {
    list.push({ kind: 'register', rows: 4, cols: 8, groupX: 8, groupY: 1 });
    const lanes = traits.subgroupSize ?? 0;
    if (lanes === 4 || lanes === 8 || lanes === 16) {
      for (const [rows, cols] of [
        [8, 8],
        [16, 4],
        [32, 4],
      ] as const)
        if (rows % lanes === 0) list.push({ kind: 'subgroup', rows, cols, lanes });
    }
  } else {
    tiles(
      'shared',
      [64, 64, 16, 8, 8],
      [64, 64, 16, 4, 4],
      [32, 32, 16, 4, 4],
      [128, 64, 16, 8, 8],
      [16, 64, 32, 2, 4],
    );
    tiles(
      'tile',
      [128, 128, 16, 8, 8],
      [128, 64, 16, 8, 8],
      [64, 128, 16, 8, 8],
      [64, 64, 16, 8, 8],
      [64, 64, 16, 4, 4],
      [64, 64, 32, 4, 8],
      [32, 64, 32, 4, 4],
    );
  }
  const lanes = traits.subgroupSize ?? 0;
  for (const size of traits.matrices) {
    if (size.f16 !== half) continue;
    for (const [blockM, blockN, depth, downs, acrosses] of traits.software
      ? matrixBlocks.slice(0, 1)
      : matrixBlocks.slice(1))
      list.push({ kind: 'matrix', blockM, blockN, depth, ...size, downs, acrosses, lanes });
  }
  return list.filter((v) => isSound(v) && canRun(v, traits));
}

/**
 * The variant to take where nothing was measured: a pure function of the adapter and the sizes. The tall subgroup variants won at every
 * shape tried on lavapipe (EXPERIMENTS.md). Hardware gets a plain tile in workgroup memory, a guess until the autotuner has run: a thread of the
 * portable variant reads rows far apart, which no GPU likes. Bits are the same.
 */
export function defaultVariant(traits: AdapterTraits, op: MatmulOp, s: Scalars): Variant {
  const lanes = traits.subgroupSize ?? 0;
  if (traits.software && lanes === 8) {
    const rows = s.m! <= 8 ? 8 : s.m! <= 16 ? 16 : 32;
    const variant: Variant = { kind: 'subgroup', rows, cols: rows === 8 ? 8 : 4, lanes };
    if (fits(variant, op, s)) return variant;
  }
  if (!traits.software && Math.min(s.m!, s.n!) >= 32 && canRun(hardwareVariant, traits))
    return hardwareVariant;
  return portableVariant;
}
