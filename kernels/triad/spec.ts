/** out = a + scale * b: no part of training, but the kernel that trainer/gpu/measure-bandwidth.ts times. `size` is a multiple of 4. */
import { defineKernel, floats, gridFor, reads, type Scalars, uints, writes } from '../kernel.ts';
import { triad } from './reference.ts';

const size = (s: Scalars) => s.size!;

export const triadKernel = defineKernel({
  name: 'triad',
  file: 'triad/forward.wgsl',
  bindings: [reads('a', size), reads('b', size), writes('out', size)],
  params: [...uints('size'), ...floats('scale')],
  workgroups: (s) => gridFor(s.size! / 4, 64),
  reference: triad,
  cases: [
    { size: 4, scale: 1.5 },
    { size: 1028, scale: -0.25 },
  ],
  tolerance: 1e-6,
});
