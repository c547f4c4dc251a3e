/** SwiGLU or GeGLU, forward and backward, over a fused gate-and-up row. */
import { defineKernel, gridFor, reads, type Scalars, uints, widthFor, writes } from '../kernel.ts';
import { gatedMlpBackward, gatedMlpForward } from './reference.ts';

const constants = { GELU: 'gelu' };
const width = (s: Scalars) => widthFor(s.hidden);
const workgroups = (s: Scalars) => gridFor((s.rows! * s.hidden!) / width(s), 64);
const cases = [
  { rows: 1, hidden: 1, gelu: 0 },
  { rows: 17, hidden: 33, gelu: 1 },
  { rows: 64, hidden: 172, gelu: 0 },
  { rows: 3, hidden: 20, gelu: 1 },
];

export const gatedMlpForwardKernel = defineKernel({
  name: 'gated-mlp-forward',
  file: 'gated-mlp/forward.wgsl',
  bindings: [reads('gateUp', (s) => s.rows! * 2 * s.hidden!), writes('y', (s) => s.rows! * s.hidden!)],
  params: uints('rows', 'hidden'),
  constants,
  width,
  workgroups,
  reference: gatedMlpForward,
  cases,
  tolerance: 1e-5,
});

export const gatedMlpBackwardKernel = defineKernel({
  name: 'gated-mlp-backward',
  file: 'gated-mlp/backward.wgsl',
  bindings: [
    reads('dy', (s) => s.rows! * s.hidden!),
    reads('gateUp', (s) => s.rows! * 2 * s.hidden!),
    writes('dGateUp', (s) => s.rows! * 2 * s.hidden!),
  ],
  params: uints('rows', 'hidden'),
  constants,
  width,
  workgroups,
  reference: gatedMlpBackward,
  cases,
  tolerance: 1e-5,
});
