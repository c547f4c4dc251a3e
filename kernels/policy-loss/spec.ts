/** The clipped policy loss of GRPO per token; the loss type is in the normaliser each token brings. */
import { defineKernel, floats, gridFor, reads, uints, writes } from '../kernel.ts';
import { policyLoss } from './reference.ts';

export const policyLossKernel = defineKernel({
  name: 'policy-loss',
  file: 'policy-loss/forward.wgsl',
  bindings: [
    reads('stats', (s) => s.rows! * 4),
    reads('inputs', (s) => s.rows! * 4),
    writes('weights', (s) => s.rows! * 2),
    writes('terms', (s) => s.rows! * 4),
  ],
  params: [...uints('rows'), ...floats('eps_low', 'eps_high', 'beta', 'entropy_coef')],
  workgroups: (s) => gridFor(s.rows!, 64),
  reference: policyLoss,
  cases: [
    { rows: 1, eps_low: 0.2, eps_high: 0.2, beta: 0, entropy_coef: 0 },
    { rows: 257, eps_low: 0.2, eps_high: 0.28, beta: 0.04, entropy_coef: 0.01 },
  ],
  fill: (s, random) => ({
    inputs: Float64Array.from({ length: s.rows! * 4 }, (_, i) =>
      i % 4 === 2 && random() < 0.3 ? 0 : random() * 2 - 1,
    ),
  }),
  tolerance: 1e-5,
});
