/** SwiGLU forward and backward over a fused gate-and-up row. */
import { defineKernel, gridFor, reads, uints, writes } from '../kernel.ts';
import { swigluBackward, swigluForward } from './reference.ts';

const cases = [
  { rows: 1, hidden: 1 },
  { rows: 17, hidden: 33 },
  { rows: 64, hidden: 172 },
];

export const swigluForwardKernel = defineKernel({
  name: 'swiglu-forward',
  file: 'gated-mlp/forward.wgsl',
  bindings: [reads('gateUp', (s) => s.rows! * 2 * s.hidden!), writes('y', (s) => s.rows! * s.hidden!)],
  params: uints('rows', 'hidden'),
  workgroups: (s) => gridFor(s.rows! * s.hidden!, 64),
  reference: swigluForward,
  cases,
  tolerance: 1e-5,
});

export const swigluBackwardKernel = defineKernel({
  name: 'swiglu-backward',
  file: 'gated-mlp/backward.wgsl',
  bindings: [
    reads('dy', (s) => s.rows! * s.hidden!),
    reads('gateUp', (s) => s.rows! * 2 * s.hidden!),
    writes('dGateUp', (s) => s.rows! * 2 * s.hidden!),
  ],
  params: uints('rows', 'hidden'),
  workgroups: (s) => gridFor(s.rows! * s.hidden!, 64),
  reference: swigluBackward,
  cases,
  tolerance: 1e-5,
});
