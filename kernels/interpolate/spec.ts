/** Moves one slab of parameters part of the way to another. */
import { defineKernel, floats, gridFor, reads, uints, writes } from '../kernel.ts';
import { interpolate } from './reference.ts';

/** y (size) = (1 - share) * y + share * x (size). */
export const interpolateKernel = defineKernel({
  name: 'interpolate',
  file: 'interpolate/forward.wgsl',
  bindings: [reads('x', (s) => s.size!), writes('y', (s) => s.size!)],
  params: [...uints('size'), ...floats('share')],
  workgroups: (s) => gridFor(s.size!, 64),
  reference: interpolate,
  cases: [
    { size: 1, share: 1 },
    { size: 1001, share: 0.6 },
  ],
  tolerance: 1e-6,
});
