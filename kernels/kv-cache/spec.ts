/** The KV cache: rows of prompts or of decoding steps put into it, attended over it, and prefixes copied from slot to slot. */
import { defineKernel, floats, gridFor, reads, type Scalars, uints, writes } from '../kernel.ts';
import { ropeFrequencies, ropeTable } from '../rope/reference.ts';
import { appendToCache, attendCache, copySlots } from './reference.ts';

const unused = 0xffffffff;
const rowWidth = (s: Scalars) => (s.heads! + 2 * s.kv_heads!) * (s.head_dim ?? 2 * s.half!);
const cacheSize = (s: Scalars) => s.slot_count! * s.capacity! * 2 * s.kv_heads! * (s.head_dim ?? 2 * s.half!);

/** Row r: slot r / 4 (the last row of each slot is padding), position r % 4. */
const places = (s: Scalars) => ({
  slots: Uint32Array.from({ length: s.rows! }, (_, r) =>
    s.rows! > 1 && r % 4 === 3 ? unused : Math.floor(r / 4),
  ),
  positions: Uint32Array.from({ length: s.rows! }, (_, r) => r % 4),
});

export const appendToCacheKernel = defineKernel({
  name: 'kv-cache-append',
  file: 'kv-cache/append.wgsl',
  bindings: [
    reads('slots', (s) => s.rows!, 'u32'),
    reads('positions', (s) => s.rows!, 'u32'),
    reads('table', (s) => s.capacity! * s.half! * 2),
    writes('qkv', (s) => s.rows! * rowWidth(s)),
    writes('cache', cacheSize),
  ],
  params: uints('rows', 'heads', 'kv_heads', 'capacity'),
  constants: { HALF: 'half' },
  workgroups: (s) => [Math.ceil(((s.heads! + 2 * s.kv_heads!) * s.half!) / 32), s.rows!, 1],
  reference: appendToCache,
  cases: [
    { rows: 1, heads: 1, kv_heads: 1, half: 1, capacity: 1, slot_count: 1 },
    { rows: 12, heads: 4, kv_heads: 2, half: 4, capacity: 5, slot_count: 3 },
    { rows: 17, heads: 9, kv_heads: 3, half: 8, capacity: 3, slot_count: 5 },
  ],
  fill: (s) => ({
    ...places(s),
    table: ropeTable(s.capacity!, ropeFrequencies(s.half! * 2, 10)),
  }),
  tolerance: 1e-5,
});

const plain = { window: 0, softcap: 0, use_softcap: 0 };

export const attendCacheKernel = defineKernel({
  name: 'kv-cache-attend',
  file: 'kv-cache/attend.wgsl',
  bindings: [
    reads('qkv', (s) => s.rows! * rowWidth(s)),
    reads('cache', cacheSize),
    reads('slots', (s) => s.rows!, 'u32'),
    reads('positions', (s) => s.rows!, 'u32'),
    writes('o', (s) => s.rows! * s.heads! * s.head_dim!),
  ],
  params: [...uints('rows', 'heads', 'kv_heads', 'capacity', 'window'), ...floats('scale', 'softcap')],
  constants: { HEAD_DIM: 'head_dim', SOFTCAP: 'use_softcap' },
  workgroups: (s) => gridFor(s.rows! * s.heads!, 8),
  reference: attendCache,
  cases: [
    { rows: 1, heads: 1, kv_heads: 1, head_dim: 4, capacity: 1, slot_count: 1, scale: 1, ...plain },
    {
      rows: 23,
      heads: 4,
      kv_heads: 2,
      head_dim: 16,
      capacity: 33,
      slot_count: 5,
      scale: 0.25,
      ...plain,
    },
    {
      rows: 11,
      heads: 6,
      kv_heads: 3,
      head_dim: 8,
      capacity: 33,
      slot_count: 4,
      scale: 0.25,
      window: 6,
      softcap: 0.5,
      use_softcap: 1,
    },
  ],
  // Several rows of a slot, as in a prompt; every seventh is padding.
  fill: (s, random) => ({
    slots: Uint32Array.from({ length: s.rows! }, (_, r) =>
      r % 7 === 6 ? unused : Math.floor(random() * s.slot_count!),
    ),
    positions: Uint32Array.from({ length: s.rows! }, () => Math.floor(random() * s.capacity!)),
    o: new Float64Array(s.rows! * s.heads! * s.head_dim!),
  }),
  tolerance: 1e-5,
});

/** Workgroups that share the copying of one slot. */
const copiers = 8;

export const copySlotsKernel = defineKernel({
  name: 'kv-cache-copy-slots',
  file: 'kv-cache/copy-slots.wgsl',
  bindings: [
    reads('source', (s) => s.slots!, 'u32'),
    reads('lengths', (s) => s.slots!, 'u32'),
    writes('cache', (s) => s.slots! * s.capacity! * s.width!),
  ],
  params: uints('slots', 'capacity', 'width'),
  workgroups: (s) => [copiers, s.slots!, 1],
  reference: copySlots,
  cases: [
    { slots: 1, capacity: 1, width: 4 },
    { slots: 7, capacity: 9, width: 16 },
    { slots: 6, capacity: 70, width: 8 },
  ],
  // Odd slots take from even ones; one takes nothing.
  fill: (s, random) => ({
    source: Uint32Array.from({ length: s.slots! }, (_, i) =>
      i % 2 === 0 || i === 3 ? unused : 2 * Math.floor((random() * s.slots!) / 2),
    ),
    lengths: Uint32Array.from({ length: s.slots! }, () => 1 + Math.floor(random() * s.capacity!)),
  }),
  tolerance: 0,
});
