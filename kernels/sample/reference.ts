/**
 * Plain loops of the sampler: cuts by top-k, top-p and min-p, then the argmax of logits / temperature + Gumbel noise, the noise a hash of
 * (seed, position, token), so a sample depends on its own seed and not on the batch around it (a counter generator, as in Salmon et al. 2011).
 * The cuts and their order are transformers' (`generation/logits_process.py`, 5.23: top-k, top-p of what top-k left, min-p), but for ties, where
 * its unstable sort keeps some and not others: here tokens as likely as the last one kept are all kept.
 */
import { capLogit } from '../cross-entropy/reference.ts';
import type { Buffers, Scalars } from '../kernel.ts';

/** Words of a row's settings. */
export const settingsWords = 8;
/** In a row's settings: no end token. */
export const noToken = 0xffffffff;

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

export interface Cuts {
  /** 0: off. */
  topK: number;
  /** 1: off. */
  topP: number;
  /** ln(min-p); below -1e30: off. */
  logMinP: number;
}

/** The least z (log-probabilities up to a constant) that may be drawn. */
export function leastKept(z: ArrayLike<number>, { topK, topP, logMinP }: Cuts): number {
  const sorted = Float64Array.from(z).sort().reverse();
  const m = sorted[0]!;
  let least = -Infinity;
  if (topK > 0) least = sorted[Math.min(topK, sorted.length) - 1]!;
  if (topP < 1) {
    const kept = sorted.filter((value) => value >= least);
    const total = kept.reduce((sum, value) => sum + Math.exp(value - m), 0);
    // Kept while what is strictly likelier holds less than top-p.
    let above = 0;
    let i = 0;
    while (i < kept.length && (i === 0 || above < topP * total)) {
      const value = kept[i]!;
      least = value;
      for (; i < kept.length && kept[i] === value; i++) above += Math.exp(value - m);
    }
  }
  return logMinP > -1e30 ? Math.max(least, m + logMinP) : least;
}

export function sampleTokens(b: Buffers, s: Scalars): void {
  const vocab = s.vocab!;
  const asFloat = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]!;
  for (let row = 0; row < s.rows!; row++) {
    const [position, done, step, left] = Array.from(b.state!.subarray(row * 4, row * 4 + 4)) as [
      number,
      number,
      number,
      number,
    ];
    if (done) continue;
    const how = b.settings!.subarray(row * settingsWords, (row + 1) * settingsWords);
    const greedy = how[1] === 0;
    const scale = greedy ? 1 : asFloat(how[1]!);
    // Rounded as the device rounds it, so that both see the same ties.
    const z = Float64Array.from({ length: vocab }, (_, j) =>
      Math.fround(capLogit(b.logits![row * vocab + j]!, s.softcap!).value * scale),
    );
    const cuts = { topK: how[2]!, topP: asFloat(how[3]!), logMinP: asFloat(how[4]!) };
    const least = greedy ? -Infinity : leastKept(z, cuts);
    const max = z.reduce((a, x) => Math.max(a, x), -Infinity);
    let best = -Infinity;
    let token = 0;
    z.forEach((value, j) => {
      if (value < least) return;
      const score = greedy ? value : value + gumbelNoise(how[0]!, position, j);
      if (score > best) {
        best = score;
        token = j;
      }
    });
    const sum = z.reduce((total, value) => total + Math.exp(value - max), 0);
    const logp = z[token]! - max - Math.log(sum);
    if (step < s.capacity!) {
      const at = (step * s.rows! + row) * 2;
      b.out![at] = token;
      b.out![at + 1] = new Uint32Array(Float32Array.of(logp).buffer)[0]!;
    }
    const ended = how.subarray(5).includes(token) || left <= 1 ? 1 : 0;
    b.state!.set([position + 1, ended, step + 1, Math.max(0, left - 1)], row * 4);
    b.tokens![row] = token;
    b.positions![row] = position + 1;
  }
}

/** Per row: the log-probability of its target, then the likeliest tokens from the top, the lower token first among equals. */
export function topLogprobs(b: Buffers, s: Scalars): void {
  const vocab = s.vocab!;
  const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]!;
  for (let row = 0; row < s.rows!; row++) {
    const z = Array.from(
      { length: vocab },
      (_, j) => capLogit(b.logits![row * vocab + j]!, s.softcap!).value,
    );
    const max = Math.max(...z);
    const lse = max + Math.log(z.reduce((total, value) => total + Math.exp(value - max), 0));
    const order = z.map((_, j) => j).sort((i, j) => z[j]! - z[i]! || i - j);
    const target = b.targets![row]!;
    const at = row * (s.most! + 1) * 2;
    b.out!.set([target, bitsOf(z[target]! - lse)], at);
    for (let i = 0; i < Math.min(b.wanted![row]!, s.most!, vocab); i++)
      b.out!.set([order[i]!, bitsOf(z[order[i]!]! - lse)], at + (i + 1) * 2);
  }
}
