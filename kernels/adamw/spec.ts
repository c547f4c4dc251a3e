/** AdamW over a slab of parameters; the learning rate and bias corrections are data, so one plan serves every step. */
import { defineKernel, floats, gridFor, reads, type Scalars, uints, widthFor, writes } from '../kernel.ts';
import { adamw } from './reference.ts';

const width = (s: Scalars) => widthFor(s.size);

export const adamwKernel = defineKernel({
  name: 'adamw',
  file: 'adamw/forward.wgsl',
  bindings: [
    writes('w', (s) => s.size!),
    reads('grad', (s) => s.size!),
    writes('m', (s) => s.size!),
    writes('v', (s) => s.size!),
    reads('step', () => 3),
    reads('clip', () => 3),
  ],
  params: [...uints('size'), ...floats('beta1', 'beta2', 'eps', 'weight_decay')],
  width,
  workgroups: (s) => gridFor(s.size! / width(s), 64),
  reference: adamw,
  cases: [
    { size: 1, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1 },
    { size: 1001, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0 },
    { size: 1000, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, skip: 1 },
  ],
  fill: (s, random) => ({
    v: Float64Array.from({ length: s.size! }, random),
    step: [1e-3, 1 - 0.9 ** 3, 1 - 0.95 ** 3],
    clip: [2, 0.5, s.skip ?? 0],
  }),
  tolerance: 1e-5,
});
