/** The clipped policy loss of GRPO per token, and the means of a sequence it needs; the loss type is in the normaliser each token brings. */
import { defineKernel, floats, gridFor, reads, type Scalars, uints, writes } from '../kernel.ts';
import { policyLoss, sequenceMeans } from './reference.ts';

const plain = { eps_low: 0.2, eps_high: 0.2, delta: 0, beta: 0, kl: 0, bias_correction: 0, sequence: 0 };
const full = { ...plain, eps_high: 0.28, delta: 1.6, beta: 0.04, bias_correction: 1 };

/** Old and reference log-probabilities near those of the policy, some rows that do not count. */
function fillInputs(s: Scalars, random: () => number): Record<string, Float64Array> {
  const logps = Float64Array.from({ length: s.rows! }, () => -3 * random());
  const near = (x: number) => x + random() - 0.5;
  return {
    stats: Float64Array.from({ length: s.rows! * 4 }, (_, i) => (i % 4 === 0 ? logps[i / 4]! : random())),
    inputs: Float64Array.from({ length: s.rows! * 4 }, (_, i) => {
      const row = Math.floor(i / 4);
      if (i % 4 === 1) return random() * 2 - 1;
      if (i % 4 === 2) return random() < 0.3 ? 0 : random();
      return near(logps[row]!);
    }),
    sequence: Float64Array.from({ length: s.rows! * 2 }, () => random() - 0.5),
  };
}

export const policyLossKernel = defineKernel({
  name: 'policy-loss',
  file: 'policy-loss/forward.wgsl',
  bindings: [
    reads('stats', (s) => s.rows! * 4),
    reads('inputs', (s) => s.rows! * 4),
    reads('sequence', (s) => (s.sequence === 1 ? s.rows! * 2 : 2)),
    reads('options', () => 1),
    writes('weights', (s) => s.rows! * 2),
    writes('terms', (s) => s.rows! * 5),
  ],
  params: [...uints('rows'), ...floats('eps_low', 'eps_high', 'delta', 'beta')],
  constants: { SEQUENCE: 'sequence', KL: 'kl', BIAS_CORRECTION: 'bias_correction' },
  workgroups: (s) => gridFor(s.rows!, 64),
  reference: policyLoss,
  cases: [
    { ...plain, rows: 1 },
    { ...full, rows: 257, kl: 3 },
    { ...full, rows: 65, kl: 1, bias_correction: 0 },
    { ...full, rows: 65, kl: 2, sequence: 1 },
    { ...plain, rows: 65, beta: 0.1, kl: 4 },
    { ...plain, rows: 65, beta: 0.1, kl: 5, sequence: 1, bias_correction: 1 },
  ],
  fill: fillInputs,
  tolerance: 1e-5,
});

/** Workgroups that share the sequences of a batch. */
const mostGroups = 256;

export const sequenceMeansKernel = defineKernel({
  name: 'sequence-means',
  file: 'policy-loss/sequence.wgsl',
  bindings: [
    reads('stats', (s) => s.rows! * 4),
    reads('inputs', (s) => s.rows! * 4),
    reads('spans', (s) => 1 + s.rows! * 2, 'u32'),
    writes('sequence', (s) => s.rows! * 2),
  ],
  params: uints('rows'),
  constants: { KL: 'kl' },
  workgroups: (s) => [Math.min(s.rows!, mostGroups), 1, 1],
  reference: sequenceMeans,
  cases: [
    { rows: 1, kl: 0 },
    { rows: 300, kl: 3 },
    { rows: 700, kl: 2 },
  ],
  fill: (s, random) => {
    const spans = new Float64Array(1 + s.rows! * 2);
    let first = 0;
    for (const length of [1, 3, 64, 130, 1, 1, 400]) {
      if (first + length > s.rows!) continue;
      spans.set([first, length], 1 + spans[0]! * 2);
      spans[0]!++;
      first += length;
    }
    return { ...fillInputs(s, random), spans };
  },
  tolerance: 1e-5,
});
