/**
 * Plain loop of the sampler: argmax of logits / temperature + Gumbel noise, the noise a hash of (seed, position, token), so a
 * sample depends on its own seed and not on the batch around it (a counter generator, as in Salmon et al. 2011).
 */
import { capLogit } from '../cross-entropy/reference.ts';
import type { Buffers, Scalars } from '../kernel.ts';

function hash(x: number): number {
  let h = x >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad) >>> 0;
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97) >>> 0;
  return (h ^ (h >>> 15)) >>> 0;
}

/** -log(-log u) with 24 bits of u. */
export function gumbelNoise(seed: number, position: number, token: number): number {
  const bits = hash((hash((hash(seed) ^ position) >>> 0) + Math.imul(token, 0x9e3779b9)) >>> 0);
  return -Math.log(-Math.log(((bits >>> 8) + 0.5) / 16777216));
}

export function sampleTokens(b: Buffers, s: Scalars): void {
  const greedy = s.inv_temperature === 0;
  const scale = greedy ? 1 : s.inv_temperature!;
  const logitOf = (slot: number, token: number) =>
    capLogit(b.logits![slot * s.vocab! + token]!, s.softcap!).value * scale;
  for (let slot = 0; slot < s.slots!; slot++) {
    const [position, done, , drawn] = b.state!.subarray(slot * 4, slot * 4 + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    if (done) continue;
    let best = -Infinity;
    let token = 0;
    let max = -Infinity;
    for (let j = 0; j < s.vocab!; j++) {
      const z = logitOf(slot, j);
      max = Math.max(max, z);
      const score = greedy ? z : z + gumbelNoise(b.seeds![slot]!, position, j);
      if (score > best) {
        best = score;
        token = j;
      }
    }
    let sum = 0;
    for (let j = 0; j < s.vocab!; j++) sum += Math.exp(logitOf(slot, j) - max);
    const logp = logitOf(slot, token) - max - Math.log(sum);
    if (drawn < s.capacity!) {
      b.out![(slot * s.capacity! + drawn) * 2] = token;
      b.out![(slot * s.capacity! + drawn) * 2 + 1] = new Uint32Array(Float32Array.of(logp).buffer)[0]!;
    }
    const finished = token === s.eos! || drawn + 1 >= b.limits![slot]! ? 1 : 0;
    b.state!.set([position + 1, finished, token, drawn + 1], slot * 4);
    b.tokens![slot] = token;
    b.positions![slot] = position + 1;
  }
}
