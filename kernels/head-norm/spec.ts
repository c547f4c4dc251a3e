/** RMS norm of every query and key head by itself, forward and backward, over a fused qkv row. */
import { defineKernel, floats, gridFor, reads, type Scalars, uints, widthFor, writes } from '../kernel.ts';
import { headNormBackward, headNormBackwardWeight, headNormForward } from './reference.ts';

const all = (s: Scalars) => s.rows! * (s.heads! + 2 * s.kv_heads!) * s.head_dim!;
const normed = (s: Scalars) => s.rows! * (s.heads! + s.kv_heads!);
const weight = reads('weight', (s) => 2 * s.head_dim!);
const sizes = uints('rows', 'heads', 'kv_heads', 'head_dim');
const shapes = [
  { rows: 1, heads: 1, kv_heads: 1, head_dim: 4 },
  { rows: 67, heads: 4, kv_heads: 2, head_dim: 8 },
  { rows: 5, heads: 2, kv_heads: 1, head_dim: 6 },
];

export const headNormForwardKernel = defineKernel({
  name: 'head-norm-forward',
  file: 'head-norm/forward.wgsl',
  bindings: [reads('x', all), weight, writes('y', all), writes('rstd', normed)],
  params: [...sizes, ...floats('eps')],
  width: (s) => widthFor(s.head_dim),
  workgroups: (s) => gridFor(s.rows! * (s.heads! + 2 * s.kv_heads!), 64),
  reference: headNormForward,
  cases: shapes.map((shape) => ({ ...shape, eps: 1e-6 })),
  tolerance: 1e-5,
});

export const headNormBackwardKernel = defineKernel({
  name: 'head-norm-backward',
  file: 'head-norm/backward.wgsl',
  bindings: [reads('x', all), weight, reads('rstd', normed), writes('d', all)],
  params: sizes,
  width: (s) => widthFor(s.head_dim),
  workgroups: (s) => gridFor(normed(s), 64),
  reference: headNormBackward,
  cases: shapes,
  tolerance: 1e-5,
});

export const headNormBackwardWeightKernel = defineKernel({
  name: 'head-norm-backward-weight',
  file: 'head-norm/backward-weight.wgsl',
  bindings: [
    reads('dy', all),
    reads('x', all),
    reads('rstd', normed),
    writes('parts', (s) => s.splits! * 2 * s.head_dim!),
  ],
  params: [...sizes, ...uints('splits')],
  workgroups: (s) => [Math.ceil((2 * s.head_dim!) / 8), s.splits!, 1],
  reference: headNormBackwardWeight,
  cases: shapes.flatMap((shape) => [
    { ...shape, splits: 1 },
    { ...shape, splits: Math.min(3, shape.rows) },
  ]),
  tolerance: 1e-5,
});
