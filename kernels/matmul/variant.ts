/**
 * The ways in which a matrix product may be computed, as data: `Variant` says how work is cut, generate.ts writes the WGSL of it.
 *
 * Every variant sums an output over k in ascending order with one fma a step, so on one adapter they agree in every bit (tests hold it
 * on lavapipe and SwiftShader) and a row's sum never depends on how many rows there are. f16 operands are the exception: another number.
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
  /** Operands rounded to f16 in workgroup memory, sums in f32. */
  readonly f16: boolean;
}

export type Variant = RegisterVariant | SubgroupVariant | SharedVariant;

/** What of an adapter decides which variants it can run. */
export interface AdapterTraits {
  readonly software: boolean;
  /** Has the feature `subgroups`, and all its subgroups are of this size. */
  readonly subgroupSize?: number;
  readonly f16: boolean;
  readonly workgroupBytes: number;
  readonly workgroupThreads: number;
}

/** The variant that runs everywhere: 8 x 8 outputs a thread, 4 x 2 threads. */
export const portableVariant: RegisterVariant = { kind: 'register', rows: 8, cols: 8, groupX: 4, groupY: 2 };

/** A short name, as it stands in tables, run.json and checkpoints: `register-8x8-4x2`, `subgroup-32x4-8`, `shared-64x64x16-8x8[-f16]`. */
export function variantName(v: Variant): string {
  if (v.kind === 'register') return `register-${v.rows}x${v.cols}-${v.groupX}x${v.groupY}`;
  if (v.kind === 'subgroup') return `subgroup-${v.rows}x${v.cols}-${v.lanes}`;
  return `shared-${v.blockM}x${v.blockN}x${v.depth}-${v.rows}x${v.cols}${v.f16 ? '-f16' : ''}`;
}

/** The variant of a name; undefined for what is none, or is one that the generator could not write. */
export function parseVariant(name: string): Variant | undefined {
  const [, kind, sizes, f16] = /^(register|subgroup|shared)-([0-9x-]+?)(-f16)?$/.exec(name) ?? [];
  const numbers = (sizes ?? '').split(/[x-]/).map(Number);
  if (numbers.some((n) => !Number.isInteger(n) || n < 1 || n > 1024)) return undefined;
  const [a, b, c, d, e] = numbers as [number, number, number, number, number];
  let variant: Variant | undefined;
  if (kind === 'register') variant = { kind, rows: a, cols: b, groupX: c, groupY: d };
  if (kind === 'subgroup') variant = { kind, rows: a, cols: b, lanes: c };
  if (kind === 'shared')
    variant = { kind, blockM: a, blockN: b, depth: c, rows: d, cols: e, f16: f16 !== undefined };
  return variant !== undefined && variantName(variant) === name && isSound(variant) ? variant : undefined;
}

function isSound(v: Variant): boolean {
  if (v.kind === 'register') return v.cols % 4 === 0 && v.rows * v.cols <= 512;
  if (v.kind === 'subgroup')
    return v.cols % 4 === 0 && v.rows % v.lanes === 0 && v.lanes % 4 === 0 && isPowerOfTwo(v.rows / v.lanes);
  return v.blockM % v.rows === 0 && v.blockN % v.cols === 0 && v.rows * v.cols <= 256;
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(n) && n > 0 && (n & (n - 1)) === 0;
}

/** Whether an adapter can run a variant at all. */
export function canRun(v: Variant, traits: AdapterTraits): boolean {
  if (v.kind === 'register') return v.groupX * v.groupY <= traits.workgroupThreads;
  if (v.kind === 'subgroup') return v.lanes === traits.subgroupSize;
  const bytes = (v.blockM + v.blockN) * v.depth * (v.f16 ? 2 : 4);
  const threads = (v.blockM / v.rows) * (v.blockN / v.cols);
  return bytes <= traits.workgroupBytes && threads <= traits.workgroupThreads && (traits.f16 || !v.f16);
}

/** Whether a variant can compute a product of these sizes: subgroup variants read the right operand four floats at a time. */
export function fits(v: Variant, op: MatmulOp, s: Scalars): boolean {
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

/** The variants worth measuring on an adapter, the portable one first. f16 only when asked for: it changes the numbers. */
export function candidates(traits: AdapterTraits, f16 = false): Variant[] {
  const list: Variant[] = [portableVariant];
  const shared = (blockM: number, blockN: number, depth: number, rows: number, cols: number): void => {
    for (const half of f16 ? [false, true] : [false])
      list.push({ kind: 'shared', blockM, blockN, depth, rows, cols, f16: half });
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
    shared(64, 64, 16, 8, 8);
    shared(64, 64, 16, 4, 4);
    shared(32, 32, 16, 4, 4);
    shared(128, 64, 16, 8, 8);
    shared(128, 128, 8, 8, 8);
    shared(16, 64, 32, 2, 4);
  }
  return list.filter((v) => canRun(v, traits));
}

/**
 * The variant to take where nothing was measured: a pure function of the adapter and the sizes. The tall subgroup variants won at every
 * shape tried on lavapipe (EXPERIMENTS.md); elsewhere the portable one stands until the autotuner has run.
 */
export function defaultVariant(traits: AdapterTraits, op: MatmulOp, s: Scalars): Variant {
  const lanes = traits.subgroupSize ?? 0;
  if (traits.software && lanes === 8) {
    const rows = s.m! <= 8 ? 8 : s.m! <= 16 ? 16 : 32;
    const variant: Variant = { kind: 'subgroup', rows, cols: rows === 8 ? 8 : 4, lanes };
    if (fits(variant, op, s)) return variant;
  }
  return portableVariant;
}
