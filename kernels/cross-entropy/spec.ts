/** Log-probabilities of a chunk of rows and their gradient; serves cross-entropy and every policy loss. */
import { defineKernel, floats, gridFor, reads, type Scalars, uints, widthFor, writes } from '../kernel.ts';
import { logitsGradient, logProbabilities } from './reference.ts';

const params = [...uints('rows', 'vocab', 'first'), ...floats('inv_temperature', 'softcap')];
const constants = { SOFTCAP: 'use_softcap' };
const total = (s: Scalars) => s.first! + s.rows!;
const shapes = [
  { rows: 1, vocab: 2, first: 0, inv_temperature: 1, softcap: 0, use_softcap: 0 },
  { rows: 17, vocab: 33, first: 3, inv_temperature: 0.7, softcap: 0, use_softcap: 0 },
  { rows: 9, vocab: 132, first: 2, inv_temperature: 1.3, softcap: 2, use_softcap: 1 },
  { rows: 5, vocab: 517, first: 0, inv_temperature: 1, softcap: 1.5, use_softcap: 1 },
];
const targets = (s: Scalars, random: () => number) =>
  Uint32Array.from({ length: total(s) }, () => Math.floor(random() * s.vocab!));

export const logProbabilitiesKernel = defineKernel({
  name: 'log-probabilities',
  file: 'cross-entropy/forward.wgsl',
  bindings: [
    reads('logits', (s) => s.rows! * s.vocab!),
    reads('targets', total, 'u32'),
    writes('stats', (s) => total(s) * 4),
  ],
  params,
  constants,
  width: (s) => widthFor(s.vocab),
  workgroups: (s) => gridFor(s.rows!, 1),
  reference: logProbabilities,
  cases: shapes,
  fill: (s, random) => ({ targets: targets(s, random) }),
  tolerance: 1e-5,
});

export const logitsGradientKernel = defineKernel({
  name: 'logits-gradient',
  file: 'cross-entropy/backward.wgsl',
  bindings: [
    reads('targets', total, 'u32'),
    reads('stats', (s) => total(s) * 4),
    reads('weights', (s) => total(s) * 2),
    writes('logits', (s) => s.rows! * s.vocab!),
  ],
  params: [...params, ...floats('z_loss')],
  constants,
  width: (s) => widthFor(s.vocab),
  workgroups: (s) => gridFor((s.rows! * s.vocab!) / widthFor(s.vocab), 64),
  reference: logitsGradient,
  cases: shapes.map((shape, i) => ({ ...shape, z_loss: [0, 0.01, 0.02, 0][i]! })),
  fill: (s, random) => {
    const b = {
      logits: Float64Array.from({ length: s.rows! * s.vocab! }, () => random() * 4 - 2),
      targets: targets(s, random),
      stats: new Float64Array(total(s) * 4),
    };
    logProbabilities(b, s);
    return b;
  },
  tolerance: 1e-5,
});
