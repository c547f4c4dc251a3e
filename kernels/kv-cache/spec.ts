/** Filling the KV cache: rows of a prefill or of a decoding step, and one prompt's cache copied to its samples. */
import { defineKernel, gridFor, reads, type Scalars, uints, writes } from '../kernel.ts';
import { appendToCache, copySlots } from './reference.ts';

const cacheSize = (slots: number, s: Scalars, capacity: number) =>
  slots * 2 * s.kv_heads! * capacity * s.head_dim!;

export const appendToCacheKernel = defineKernel({
  name: 'kv-cache-append',
  file: 'kv-cache/append.wgsl',
  bindings: [
    reads('qkv', (s) => s.rows! * (s.heads! + 2 * s.kv_heads!) * s.head_dim!),
    reads('slots', (s) => s.rows!, 'u32'),
    reads('positions', (s) => s.rows!, 'u32'),
    writes('cache', (s) => cacheSize(s.slot_count!, s, s.capacity!)),
  ],
  params: uints('rows', 'heads', 'kv_heads', 'head_dim', 'capacity'),
  workgroups: (s) => gridFor(s.rows! * 2 * s.kv_heads! * s.head_dim!, 64),
  reference: appendToCache,
  cases: [
    { rows: 1, heads: 1, kv_heads: 1, head_dim: 2, capacity: 1, slot_count: 1 },
    { rows: 12, heads: 4, kv_heads: 2, head_dim: 8, capacity: 5, slot_count: 3 },
  ],
  // Row r: slot r / 4 (the last row of each slot is padding), position r % 4.
  fill: (s) => ({
    slots: Uint32Array.from({ length: s.rows! }, (_, r) =>
      s.rows! > 1 && r % 4 === 3 ? 0xffffffff : Math.floor(r / 4),
    ),
    positions: Uint32Array.from({ length: s.rows! }, (_, r) => r % 4),
  }),
  tolerance: 0,
});

export const copySlotsKernel = defineKernel({
  name: 'kv-cache-copy-slots',
  file: 'kv-cache/copy-slots.wgsl',
  bindings: [
    reads('cacheFrom', (s) => cacheSize(s.prompts!, s, s.from_capacity!)),
    reads('source', (s) => s.slots!, 'u32'),
    reads('lengths', (s) => s.slots!, 'u32'),
    writes('cacheTo', (s) => cacheSize(s.slots!, s, s.to_capacity!)),
  ],
  params: uints('slots', 'kv_heads', 'head_dim', 'from_capacity', 'to_capacity', 'span'),
  workgroups: (s) => gridFor(s.slots! * 2 * s.kv_heads! * s.span! * s.head_dim!, 64),
  reference: copySlots,
  cases: [
    { slots: 1, prompts: 1, kv_heads: 1, head_dim: 2, from_capacity: 1, to_capacity: 1, span: 1 },
    { slots: 7, prompts: 3, kv_heads: 2, head_dim: 8, from_capacity: 5, to_capacity: 9, span: 5 },
  ],
  fill: (s, random) => ({
    source: Uint32Array.from({ length: s.slots! }, (_, i) =>
      i === 2 ? 0xffffffff : Math.floor(random() * s.prompts!),
    ),
    lengths: Uint32Array.from({ length: s.slots! }, () => 1 + Math.floor(random() * s.span!)),
  }),
  tolerance: 0,
});
