/**
 * Entropy of the policy, mean over tokens, in nats.
 *
 * - entropy_collapse: a tenth of what it was over the first steps, and below 0.1 nat, while fewer than nine tenths of the responses are right.
 *   The model says the same thing whatever is drawn, so nothing new can be found. Where it is right, that is success and not a failure.
 * - entropy_explosion: three times its lowest level and 1 nat above it. The text falls apart (verl #2738); healthy runs with clip-higher rise by some tenths.
 */
import { z } from 'zod';
import { mean } from './observation.ts';
import type { SignatureRule } from './rule.ts';

const collapseSchema = z.strictObject({
  /** Fires at this share of the entropy at the start. */
  threshold: z.number().gt(0).lt(1).default(0.1),
  /** ... and not above this many nats. */
  at_most: z.number().positive().default(0.1),
  /** ... unless this share of the responses is right. */
  solved_at: z.number().min(0).max(1).default(0.9),
  /** Steps taken together, at the start and now. */
  window: z.int().min(1).max(1000).default(8),
});

interface CollapseMemory {
  first: number[];
  recent: { entropy: number; accuracy: number | null }[];
  lastGood: number | null;
}

export const entropyCollapse: SignatureRule<typeof collapseSchema, CollapseMemory> = {
  name: 'entropy_collapse',
  title: 'Entropy collapse',
  bad: 'below',
  show: (value) => `${value.toFixed(2)} x the start`,
  schema: collapseSchema,
  words: (t) =>
    `Mean entropy of ${t.window} steps at ${t.threshold} x the first ${t.window} or below, and at most ${t.at_most} nats, while less than ${100 * t.solved_at} % of responses are right.`,
  start: () => ({ first: [], recent: [], lastGood: null }),
  observe(memory, seen, t) {
    if (seen.entropy === undefined) return undefined;
    if (memory.first.length < t.window) memory.first.push(seen.entropy);
    memory.recent.push({ entropy: seen.entropy, accuracy: seen.accuracy ?? null });
    if (memory.recent.length > t.window) memory.recent.shift();
    if (memory.recent.length < t.window) return undefined;
    const begin = mean(memory.first);
    const now = mean(memory.recent.map((r) => r.entropy));
    const known = memory.recent.flatMap((r) => r.accuracy ?? []);
    const solved = known.length > 0 && mean(known) >= t.solved_at;
    const value = begin > 0 ? now / begin : 1;
    if (seen.entropy > Math.min(t.threshold * begin, t.at_most)) memory.lastGood = seen.step;
    return {
      value,
      holds: value <= t.threshold && now <= t.at_most && !solved,
      text: `entropy fell to ${now.toFixed(3)} nats a token from ${begin.toFixed(3)} at the start: hardly anything else is drawn any more.`,
      ...(memory.lastGood === null ? {} : { lastGood: memory.lastGood }),
    };
  },
};

const explosionSchema = z.strictObject({
  /** Fires at this multiple of the lowest level. */
  threshold: z.number().gt(1).default(3),
  /** ... and this many nats above it. */
  rise: z.number().positive().default(1),
  /** Steps taken together. */
  window: z.int().min(1).max(1000).default(4),
});

interface ExplosionMemory {
  recent: number[];
  /** Lowest mean of a full window; null before there is one. */
  lowest: number | null;
  lastGood: number | null;
}

export const entropyExplosion: SignatureRule<typeof explosionSchema, ExplosionMemory> = {
  name: 'entropy_explosion',
  title: 'Entropy explosion',
  bad: 'above',
  show: (value) => `${value.toFixed(2)} x the lowest`,
  schema: explosionSchema,
  words: (t) =>
    `Mean entropy of ${t.window} steps at ${t.threshold} x its lowest level or above, and at least ${t.rise} nat above it.`,
  start: () => ({ recent: [], lowest: null, lastGood: null }),
  observe(memory, seen, t) {
    if (seen.entropy === undefined) return undefined;
    memory.recent.push(seen.entropy);
    if (memory.recent.length > t.window) memory.recent.shift();
    if (memory.recent.length < t.window) return undefined;
    const now = mean(memory.recent);
    const lowest = Math.min(memory.lowest ?? now, now);
    memory.lowest = lowest;
    const high = Math.max(t.threshold * lowest, lowest + t.rise);
    if (seen.entropy < high) memory.lastGood = seen.step;
    return {
      value: lowest > 0 ? now / lowest : 1,
      holds: now >= high && now > lowest,
      text: `entropy rose to ${now.toFixed(2)} nats a token from ${lowest.toFixed(2)}.`,
      ...(memory.lastGood === null ? {} : { lastGood: memory.lastGood }),
    };
  },
};
