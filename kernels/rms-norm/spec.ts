/** RMS norm forward and backward. Backward needs x and rstd kept. */
import { defineKernel, floats, gridFor, reads, type Scalars, uints, widthFor, writes } from '../kernel.ts';
import { rmsNormBackward, rmsNormBackwardWeight, rmsNormForward } from './reference.ts';

const all = (s: Scalars) => s.rows! * s.dim!;
const width = (s: Scalars) => widthFor(s.dim);
const shapes = [
  { rows: 1, dim: 1 },
  { rows: 7, dim: 33 },
  { rows: 65, dim: 64 },
];

export const rmsNormForwardKernel = defineKernel({
  name: 'rms-norm-forward',
  file: 'rms-norm/forward.wgsl',
  bindings: [
    reads('x', all),
    reads('weight', (s) => s.dim!),
    reads('residual', (s) => (s.use_residual ? all(s) : 4)),
    writes('y', all),
    writes('rstd', (s) => s.rows!),
  ],
  params: [...uints('rows', 'dim', 'use_residual'), ...floats('eps', 'offset')],
  width,
  workgroups: (s) => gridFor(s.rows!, 32),
  reference: rmsNormForward,
  cases: shapes.flatMap((shape) => [
    { ...shape, eps: 1e-5, use_residual: 0, offset: 0 },
    { ...shape, eps: 1e-5, use_residual: 1, offset: 1 },
  ]),
  tolerance: 1e-5,
});

export const rmsNormBackwardKernel = defineKernel({
  name: 'rms-norm-backward',
  file: 'rms-norm/backward.wgsl',
  bindings: [
    reads('dy', all),
    reads('x', all),
    reads('weight', (s) => s.dim!),
    reads('rstd', (s) => s.rows!),
    reads('residual', (s) => (s.use_residual ? all(s) : 4)),
    writes('dx', all),
  ],
  params: [...uints('rows', 'dim', 'use_residual'), ...floats('offset')],
  width,
  workgroups: (s) => gridFor(s.rows!, 32),
  reference: rmsNormBackward,
  cases: shapes.flatMap((shape) => [
    { ...shape, use_residual: 0, offset: 0 },
    { ...shape, use_residual: 1, offset: 1 },
  ]),
  tolerance: 1e-5,
});

export const rmsNormBackwardWeightKernel = defineKernel({
  name: 'rms-norm-backward-weight',
  file: 'rms-norm/backward-weight.wgsl',
  bindings: [
    reads('dy', all),
    reads('x', all),
    reads('rstd', (s) => s.rows!),
    writes('parts', (s) => s.splits! * s.dim!),
  ],
  params: uints('rows', 'dim', 'splits'),
  width,
  workgroups: (s) => [Math.ceil(s.dim! / width(s) / 32), s.splits!, 1],
  reference: rmsNormBackwardWeight,
  cases: shapes.flatMap((shape) => [
    { ...shape, splits: 1 },
    { ...shape, splits: 4 },
  ]),
  tolerance: 1e-5,
});
