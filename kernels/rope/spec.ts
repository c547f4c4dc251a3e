/** Rotary position embedding on the query and key heads of a fused qkv row; direction -1 is its inverse and its gradient. */
import { defineKernel, floats, gridFor, reads, type Scalars, uints, widthFor, writes } from '../kernel.ts';
import { rope, ropeFrequencies, ropeTable } from './reference.ts';

const width = (s: Scalars) => widthFor(s.half, s.stride);

export const ropeKernel = defineKernel({
  name: 'rope',
  file: 'rope/forward.wgsl',
  bindings: [
    reads('positions', (s) => s.rows!, 'u32'),
    reads('table', (s) => s.half! * 2),
    writes('qkv', (s) => s.rows! * s.stride!),
  ],
  params: [...uints('rows', 'heads', 'half', 'stride'), ...floats('direction')],
  width,
  workgroups: (s) => gridFor((s.rows! * s.heads! * s.half!) / width(s), 64),
  reference: rope,
  cases: [
    { rows: 1, heads: 1, half: 1, stride: 2, direction: 1 },
    { rows: 17, heads: 3, half: 6, stride: 5 * 12, direction: 1 },
    { rows: 17, heads: 6, half: 8, stride: 8 * 16, direction: 1 },
    { rows: 65, heads: 3, half: 8, stride: 5 * 16, direction: -1 },
  ],
  fill: (s, random) => ({
    positions: Uint32Array.from({ length: s.rows! }, () => Math.floor(random() * 100)),
    table: ropeTable(100, ropeFrequencies(s.half! * 2, 10000)),
  }),
  tolerance: 1e-5,
});
