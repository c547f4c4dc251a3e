/** The three matrix products of a linear layer. Weights lie as Hugging Face stores them: (outputs, inputs). */
import { defineKernel, reads, type Scalars, uints, writes } from '../kernel.ts';
import { matmulNn, matmulNt, matmulTn } from './reference.ts';

// 8 x 8 outputs a thread, 4 x 2 threads a workgroup: no tiling tried on lavapipe beat it by more than noise (EXPERIMENTS.md).
const tile = 8;
const groupX = 4;
const groupY = 2;

function grid(s: Scalars): [number, number, number] {
  return [Math.ceil(s.n! / (tile * groupX)), Math.ceil(s.m! / (tile * groupY)), s.splits ?? 1];
}

const shapes = [
  { m: 1, n: 1, k: 1 },
  { m: 3, n: 17, k: 5 },
  { m: 17, n: 65, k: 33 },
  { m: 64, n: 64, k: 64 },
  { m: 65, n: 63, k: 257 },
  { m: 257, n: 9, k: 12 },
];

/** Forward of a linear layer: y (m, n) = x (m, k) w (n, k)^T [+ residual (m, n)]. */
export const matmulForward = defineKernel({
  name: 'matmul-forward',
  file: 'matmul/nt.wgsl',
  bindings: [
    reads('x', (s) => s.m! * s.k!),
    reads('w', (s) => s.n! * s.k!),
    reads('residual', (s) => (s.use_residual ? s.m! * s.stride! : 1)),
    writes('y', (s) => s.m! * s.stride!),
  ],
  params: uints('m', 'n', 'k', 'use_residual', 'stride', 'first'),
  workgroups: grid,
  reference: matmulNt,
  cases: shapes.flatMap((shape) => [
    { ...shape, use_residual: 0, stride: shape.n, first: 0 },
    { ...shape, use_residual: 1, stride: shape.n + 3, first: 2 },
  ]),
  tolerance: 1e-5,
});

/** Gradient of a linear layer's input: dx (m, n) = dy (m, k) w (k, n), m rows, n inputs, k outputs. */
export const matmulBackwardInput = defineKernel({
  name: 'matmul-backward-input',
  file: 'matmul/nn.wgsl',
  bindings: [
    reads('dy', (s) => s.m! * s.stride!),
    reads('w', (s) => s.k! * s.n!),
    writes('dx', (s) => s.m! * s.n!),
  ],
  params: uints('m', 'n', 'k', 'accumulate', 'stride', 'first'),
  workgroups: grid,
  reference: matmulNn,
  cases: shapes.flatMap((shape) => [
    { ...shape, accumulate: 0, stride: shape.k, first: 0 },
    { ...shape, accumulate: 1, stride: shape.k + 5, first: 4 },
  ]),
  tolerance: 1e-5,
});

/** Gradient of a linear layer's weight, in parts: (splits, m, n) of dy (k, m)^T x (k, n), m outputs, n inputs, k rows. */
export const matmulBackwardWeight = defineKernel({
  name: 'matmul-backward-weight',
  file: 'matmul/tn.wgsl',
  bindings: [
    reads('dy', (s) => s.k! * s.stride!),
    reads('x', (s) => s.k! * s.n!),
    writes('parts', (s) => s.splits! * s.m! * s.n!),
  ],
  params: uints('m', 'n', 'k', 'splits', 'accumulate', 'stride', 'first'),
  workgroups: grid,
  reference: matmulTn,
  cases: shapes.flatMap((shape) => [
    { ...shape, splits: 1, accumulate: 1, stride: shape.m + 2, first: 1 },
    { ...shape, splits: 3, accumulate: 0, stride: shape.m, first: 0 },
  ]),
  tolerance: 1e-5,
});
