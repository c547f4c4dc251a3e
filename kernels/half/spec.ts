/**
 * Operands of matrix products in half precision (`precision: f16`): weights and activations rounded as they are, gradients with a scale.
 * Packed in pairs in u32 words, so that every adapter can read them (unpack2x16float is core WGSL) and a plan counts their bytes right.
 */
import { defineKernel, gridFor, reads, uints, writes } from '../kernel.ts';
import { largest, pack, packScaled } from './reference.ts';

/** Words that hold `size` halves. */
export function halfWords(size: number): number {
  return Math.ceil(size / 2);
}

const sizes = [{ size: 1 }, { size: 64 }, { size: 129 }, { size: 4099 }];

/** Ordinary numbers, and what is at the edges: zeros, ties, subnormals, the largest, beyond it. */
const edges = [
  0,
  -0,
  1 + 2 ** -11,
  1 + 3 * 2 ** -11,
  2 ** -24,
  2 ** -25,
  1.5 * 2 ** -24,
  6e-5,
  65504,
  65519,
  65520,
  -1e9,
];
function values(size: number, random: () => number, extremes: readonly number[]): Float32Array {
  return Float32Array.from({ length: size }, (_, i) =>
    i % 3 === 0 && size > 1
      ? extremes[(i / 3) % extremes.length]!
      : (random() * 2 - 1) * 2 ** ((i % 40) - 24),
  );
}

/** y (size halves in pairs) = x (size). */
export const packHalvesKernel = defineKernel({
  name: 'pack-halves',
  file: 'half/pack.wgsl',
  bindings: [reads('x', (s) => s.size!), writes('y', (s) => halfWords(s.size!), 'u32')],
  params: uints('size'),
  workgroups: (s) => gridFor(halfWords(s.size!), 64),
  reference: pack,
  cases: sizes,
  fill: (s, random) => ({ x: values(s.size!, random, edges) }),
  tolerance: 0,
});

/** parts (64): bits of the largest magnitude in each 64th of x (size). */
export const largestKernel = defineKernel({
  name: 'largest',
  file: 'half/largest.wgsl',
  bindings: [reads('x', (s) => s.size!), writes('parts', () => 64, 'u32')],
  params: uints('size'),
  workgroups: () => [64, 1, 1],
  reference: largest,
  cases: sizes,
  tolerance: 0,
});

/** y (size halves in pairs) = x (size) * s, scale (1) = 1 / s; s a power of two from `parts` of the kernel before. */
export const packScaledHalvesKernel = defineKernel({
  name: 'pack-scaled-halves',
  file: 'half/pack-scaled.wgsl',
  bindings: [
    reads('x', (s) => s.size!),
    reads('parts', () => 64, 'u32'),
    writes('y', (s) => halfWords(s.size!), 'u32'),
    writes('scale', () => 1),
  ],
  params: uints('size'),
  workgroups: (s) => gridFor(halfWords(s.size!), 64),
  reference: packScaled,
  cases: [
    { size: 1, top: 0 },
    { size: 64, top: -3 },
    { size: 129, top: 15 },
    { size: 4099, top: -30 },
    { size: 65, top: -120 },
    { size: 65, top: 127 },
  ],
  // Numbers over 45 powers of two below the largest, which is just below a power of two, or one, or everything is zero.
  fill: ({ size, top }, random) => {
    const x = Float32Array.from({ length: size! }, (_, i) => (random() * 2 - 1) * 2 ** (top! - (i % 45)));
    x[size! >> 1] = [1, 1.5, -(2 - 2 ** -23), 0][size! % 4]! * 2 ** top!;
    const parts = new Uint32Array(64);
    largest({ x: Float64Array.from(x), parts }, { size: size! });
    return { x, parts };
  },
  tolerance: 0,
});
