/** A bias on every row (Qwen2's queries, keys and values), and its gradient in ranges of rows. */
import { defineKernel, gridFor, reads, type Scalars, uints, widthFor, writes } from '../kernel.ts';
import { biasBackward, biasForward } from './reference.ts';

const all = (s: Scalars) => s.rows! * s.dim!;
const width = (s: Scalars) => widthFor(s.dim);
const shapes = [
  { rows: 1, dim: 1 },
  { rows: 7, dim: 33 },
  { rows: 65, dim: 64 },
];

export const biasForwardKernel = defineKernel({
  name: 'bias-forward',
  file: 'bias/forward.wgsl',
  bindings: [reads('bias', (s) => s.dim!), writes('y', all)],
  params: uints('rows', 'dim'),
  width,
  workgroups: (s) => gridFor(all(s) / width(s), 64),
  reference: biasForward,
  cases: shapes,
  tolerance: 1e-6,
});

export const biasBackwardKernel = defineKernel({
  name: 'bias-backward',
  file: 'bias/backward.wgsl',
  bindings: [reads('dy', all), writes('parts', (s) => s.splits! * s.dim!)],
  params: uints('rows', 'dim', 'splits'),
  width,
  workgroups: (s) => [Math.ceil(s.dim! / width(s) / 32), s.splits!, 1],
  reference: biasBackward,
  cases: shapes.flatMap((shape) => [
    { ...shape, splits: 1 },
    { ...shape, splits: Math.min(4, shape.rows) },
  ]),
  tolerance: 1e-5,
});
