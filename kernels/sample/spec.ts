/** Sampling on the device: temperature, top-k, top-p, min-p or greedy, end tokens and limits per row; and the likeliest tokens of a row. */
import { defineKernel, floats, gridFor, reads, type Scalars, uints, writes } from '../kernel.ts';
import { noToken, sampleTokens, settingsWords, topLogprobs } from './reference.ts';

const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]!;

/** Settings of test rows, one kind after another: all cuts, each cut alone, greedy, none. */
function settingsOf(s: Scalars, random: () => number): Uint32Array {
  const off = { topK: 0, topP: 1, minP: 0, scale: s.scale! };
  const kinds = [
    off,
    { ...off, topK: 5 },
    { ...off, topP: 0.6 },
    { ...off, minP: 0.2 },
    { ...off, scale: 0 },
    { topK: 40, topP: 0.8, minP: 0.05, scale: s.scale! },
    { ...off, topK: 1 },
    { ...off, topP: 1e-6 },
  ];
  const rows = Array.from({ length: s.rows! }, (_, row) => {
    const { topK, topP, minP, scale } = kinds[s.cuts ? row % kinds.length : 0]!;
    const seed = Math.floor(random() * 4294967296);
    const logMinP = minP === 0 ? -3e38 : Math.log(minP);
    return [
      seed,
      s.scale === 0 ? 0 : bitsOf(scale),
      topK,
      bitsOf(topP),
      bitsOf(logMinP),
      7,
      noToken,
      row % 3,
    ];
  });
  return Uint32Array.from(rows.flat());
}

export const sampleKernel = defineKernel({
  name: 'sample',
  file: 'sample/forward.wgsl',
  bindings: [
    reads('logits', (s) => s.rows! * s.vocab!),
    reads('settings', (s) => s.rows! * settingsWords, 'u32'),
    writes('state', (s) => s.rows! * 4, 'u32'),
    writes('tokens', (s) => s.rows!, 'u32'),
    writes('positions', (s) => s.rows!, 'u32'),
    writes('out', (s) => s.rows! * s.capacity! * 2, 'u32'),
  ],
  params: [...uints('rows', 'vocab', 'capacity'), ...floats('softcap')],
  constants: { SOFTCAP: 'use_softcap' },
  workgroups: (s) => [s.rows!, 1, 1],
  reference: sampleTokens,
  cases: [
    { rows: 1, vocab: 3, capacity: 4, scale: 0, cuts: 0, levels: 0, softcap: 0, use_softcap: 0 },
    { rows: 33, vocab: 65, capacity: 4, scale: 1, cuts: 0, levels: 0, softcap: 0, use_softcap: 0 },
    { rows: 9, vocab: 300, capacity: 2, scale: 1.4, cuts: 0, levels: 0, softcap: 0.8, use_softcap: 1 },
    { rows: 40, vocab: 301, capacity: 2, scale: 2.5, cuts: 1, levels: 0, softcap: 0, use_softcap: 0 },
    // Logits of 13 different values: every cut falls on a tie.
    { rows: 40, vocab: 517, capacity: 2, scale: 2, cuts: 1, levels: 13, softcap: 0, use_softcap: 0 },
  ],
  fill: (s, random) => ({
    ...(s.levels! > 0 && {
      logits: Float64Array.from(
        { length: s.rows! * s.vocab! },
        () => Math.floor(random() * s.levels!) / 4 - 1,
      ),
    }),
    settings: settingsOf(s, random),
    // Every ninth row is done and must stay as it is; some end with this token.
    state: Uint32Array.from(
      { length: s.rows! * 4 },
      (_, i) => [i % 7, Math.floor(i / 4) % 9 === 8 ? 1 : 0, 1, 1 + (i % 3)][i % 4]!,
    ),
    out: new Uint32Array(s.rows! * s.capacity! * 2),
  }),
  tolerance: 1e-4,
});

export const topLogprobsKernel = defineKernel({
  name: 'top-logprobs',
  file: 'sample/top-logprobs.wgsl',
  bindings: [
    reads('logits', (s) => s.rows! * s.vocab!),
    reads('targets', (s) => s.rows!, 'u32'),
    reads('wanted', (s) => s.rows!, 'u32'),
    writes('out', (s) => s.rows! * (s.most! + 1) * 2, 'u32'),
  ],
  params: [...uints('rows', 'vocab', 'most'), ...floats('softcap')],
  constants: { SOFTCAP: 'use_softcap' },
  workgroups: (s) => gridFor(s.rows!, 1),
  reference: topLogprobs,
  cases: [
    { rows: 1, vocab: 2, most: 5, levels: 0, softcap: 0, use_softcap: 0 },
    { rows: 9, vocab: 100, most: 3, levels: 0, softcap: 0, use_softcap: 0 },
    { rows: 9, vocab: 67, most: 20, levels: 5, softcap: 0.7, use_softcap: 1 },
  ],
  fill: (s, random) => ({
    ...(s.levels! > 0 && {
      logits: Float64Array.from({ length: s.rows! * s.vocab! }, () => Math.floor(random() * s.levels!) - 2),
    }),
    targets: Uint32Array.from({ length: s.rows! }, () => Math.floor(random() * s.vocab!)),
    wanted: Uint32Array.from({ length: s.rows! }, (_, row) => row % (s.most! + 2)),
    out: new Uint32Array(s.rows! * (s.most! + 1) * 2),
  }),
  tolerance: 1e-4,
});
