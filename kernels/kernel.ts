/**
 * What a kernel is: a WGSL file (or a generator of one), the buffers and scalars it takes, how many workgroups a problem needs, and the plain-loop
 * reference that defines it. The reference works on buffers of the same names in double precision, so a recorded plan can be run by
 * references alone (that is the oracle of the whole model), and one test compares every kernel with its reference on every case.
 */

/** Scalars of one dispatch: those named in `params` go to the uniform buffer, the others only size buffers and constants. */
export type Scalars = Readonly<Record<string, number>>;

/** Buffers of a reference run, by binding name. Vectors are flattened. */
export type Buffers = Record<string, Float64Array | Uint32Array>;

export interface Binding {
  readonly name: string;
  readonly access: 'read' | 'read_write';
  readonly type: 'f32' | 'u32';
  /** The u32 words hold pairs of halves (kernels/half). */
  readonly halves?: true;
  /** Elements the kernel touches, in 4-byte scalars. Checked against the tensor that is bound. */
  readonly size: (s: Scalars) => number;
}

export interface KernelSpec {
  readonly name: string;
  /** Path below kernels/. Compiles alone, but for what a last line `// include <path below kernels/>` adds. Of a kernel with `source`: where its text is written. */
  readonly file: string;
  /** The text, where it is written and not read from `file`. `key` tells two texts of this file apart. */
  readonly source?: { readonly key: (s: Scalars) => string; readonly text: (s: Scalars) => string };
  readonly bindings: readonly Binding[];
  /** Uniform fields in order, all 4 bytes; the uniform is bound after the last buffer. */
  readonly params: readonly { readonly name: string; readonly type: 'u32' | 'f32' }[];
  /** `const NAME: u32 = ...` lines of the file to be set in place, and the scalar each takes. */
  readonly constants?: Readonly<Record<string, string>>;
  /**
   * Floats that a thread handles side by side, 1 unless given. 4 turns the file's `alias V = f32;` into vec4<f32> and its `const WIDTH: u32 = 1u;`
   * into 4u, where sizes allow it: lavapipe moves memory five times as fast so (EXPERIMENTS.md), and GPUs like it too.
   */
  readonly width?: (s: Scalars) => 1 | 4;
  readonly workgroups: (s: Scalars) => readonly [number, number, number];
  readonly reference: (buffers: Buffers, s: Scalars) => void;
  /** Shapes to test, odd ones on purpose. */
  readonly cases: readonly Scalars[];
  /** Values for index buffers and the like; other buffers get random numbers. `random` is uniform in [0, 1). */
  readonly fill?: (s: Scalars, random: () => number) => Readonly<Record<string, ArrayLike<number>>>;
  /** Largest error against the reference, as a share of the scale of the output. */
  readonly tolerance: number;
}

/** Names a spec; keeps literal types. */
export function defineKernel(spec: KernelSpec): KernelSpec {
  return spec;
}

const maxGroups = 65535;

/** Workgroups for `count` threads in groups of `size`, in two dimensions because one holds 65535 at most. */
export function gridFor(count: number, size: number): readonly [number, number, number] {
  const groups = Math.max(1, Math.ceil(count / size));
  if (groups <= maxGroups) return [groups, 1, 1];
  const x = Math.ceil(Math.sqrt(groups));
  return [x, Math.ceil(groups / x), 1];
}

/** Width 4 where every one of these sizes is a multiple of 4. */
export function widthFor(...sizes: readonly (number | undefined)[]): 1 | 4 {
  return sizes.every((size) => size! % 4 === 0) ? 4 : 1;
}

/** Shorthands for binding lists. */
export function reads(name: string, size: (s: Scalars) => number, type: 'f32' | 'u32' = 'f32'): Binding {
  return { name, access: 'read', type, size };
}
export function writes(name: string, size: (s: Scalars) => number, type: 'f32' | 'u32' = 'f32'): Binding {
  return { name, access: 'read_write', type, size };
}
export function uints(...names: string[]): { name: string; type: 'u32' }[] {
  return names.map((name) => ({ name, type: 'u32' }));
}
export function floats(...names: string[]): { name: string; type: 'f32' }[] {
  return names.map((name) => ({ name, type: 'f32' }));
}
