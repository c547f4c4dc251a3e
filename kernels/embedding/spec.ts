/** Embedding look-up and its gradient. */
import { defineKernel, floats, gridFor, reads, type Scalars, uints, widthFor, writes } from '../kernel.ts';
import { groupRowsByToken } from './group-rows.ts';
import { embeddingBackward, embeddingForward } from './reference.ts';

const width = (s: Scalars) => widthFor(s.dim);
const workgroups = (s: Scalars) => gridFor((s.rows! * s.dim!) / width(s), 64);
const shapes = [
  { rows: 1, dim: 1, vocab: 3, first: 0, scale: 1 },
  { rows: 65, dim: 17, vocab: 9, first: 4, scale: 4 },
  { rows: 257, dim: 64, vocab: 300, first: 0, scale: 1 },
];
/** Tokens of the block, and as many on either side of it as there are before it. */
const someTokens = ({ rows, vocab, first }: Scalars, random: () => number) =>
  Uint32Array.from({ length: rows! }, () => Math.floor(random() * (vocab! + 2 * first!)));

export const embeddingForwardKernel = defineKernel({
  name: 'embedding-forward',
  file: 'embedding/forward.wgsl',
  bindings: [
    reads('tokens', (s) => s.rows!, 'u32'),
    reads('table', (s) => s.vocab! * s.dim!),
    writes('y', (s) => s.rows! * s.dim!),
  ],
  params: [...uints('rows', 'dim', 'first', 'vocab'), ...floats('scale')],
  width,
  workgroups,
  reference: embeddingForward,
  cases: shapes,
  fill: (s, random) => ({ tokens: someTokens(s, random) }),
  tolerance: 0,
});

export const embeddingBackwardKernel = defineKernel({
  name: 'embedding-backward',
  file: 'embedding/backward.wgsl',
  bindings: [
    reads('ids', (s) => s.rows!, 'u32'),
    reads('starts', (s) => s.rows! + 1, 'u32'),
    reads('order', (s) => s.rows!, 'u32'),
    reads('counts', () => 1, 'u32'),
    reads('dy', (s) => s.rows! * s.dim!),
    writes('dtable', (s) => s.vocab! * s.dim!),
  ],
  params: [...uints('rows', 'dim', 'first', 'vocab'), ...floats('scale')],
  width,
  workgroups,
  reference: embeddingBackward,
  cases: shapes,
  fill: (s, random) => groupRowsByToken(someTokens(s, random)),
  tolerance: 1e-5,
});
