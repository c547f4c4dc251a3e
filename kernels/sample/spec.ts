/** Sampling on the device: temperature or greedy, end-of-text and length limits per slot, no read-back per token. */
import { defineKernel, floats, reads, uints, writes } from '../kernel.ts';
import { sampleTokens } from './reference.ts';

export const sampleKernel = defineKernel({
  name: 'sample',
  file: 'sample/forward.wgsl',
  bindings: [
    reads('logits', (s) => s.slots! * s.vocab!),
    reads('seeds', (s) => s.slots!, 'u32'),
    reads('limits', (s) => s.slots!, 'u32'),
    writes('state', (s) => s.slots! * 4, 'u32'),
    writes('tokens', (s) => s.slots!, 'u32'),
    writes('positions', (s) => s.slots!, 'u32'),
    writes('out', (s) => s.slots! * s.capacity! * 2, 'u32'),
  ],
  params: [...uints('slots', 'vocab', 'capacity', 'eos'), ...floats('inv_temperature', 'softcap')],
  constants: { SOFTCAP: 'use_softcap' },
  workgroups: (s) => [s.slots!, 1, 1],
  reference: sampleTokens,
  cases: [
    { slots: 1, vocab: 3, capacity: 4, eos: 1, inv_temperature: 0, softcap: 0, use_softcap: 0 },
    { slots: 33, vocab: 65, capacity: 4, eos: 7, inv_temperature: 1, softcap: 0, use_softcap: 0 },
    { slots: 9, vocab: 300, capacity: 2, eos: 0, inv_temperature: 1.4, softcap: 0.8, use_softcap: 1 },
  ],
  fill: (s, random) => ({
    seeds: Uint32Array.from({ length: s.slots! }, () => Math.floor(random() * 4294967296)),
    limits: Uint32Array.from({ length: s.slots! }, (_, i) => 1 + (i % 4)),
    // Every fifth slot is done and must stay as it is.
    state: Uint32Array.from(
      { length: s.slots! * 4 },
      (_, i) => [i % 7, Math.floor(i / 4) % 5 === 4 ? 1 : 0, 0, 1][i % 4]!,
    ),
    out: new Uint32Array(s.slots! * s.capacity! * 2),
  }),
  tolerance: 1e-4,
});
