/**
 * Length saturation (recipe 4.7, detector A): correct responses are as long as they may be. The paper's two base models that never take to RL end
 * there: 4,096 tokens of 4,096. The middle of the last three evaluations stands at 90 % of the allowed length or more, so neither one long
 * evaluation fires it nor one short one hides it. Where no evaluation logs a length, the lengths of training responses stand in, each step as one.
 * With several problem sets more than half must show it.
 */
import { z } from 'zod';
import { lowerMedian } from './observation.ts';
import { inPercent, type SignatureRule } from './rule.ts';

const schema = z.strictObject({
  /** Fires at this share of the allowed length. */
  threshold: z.number().gt(0).max(1).default(0.9),
  /** Evaluations whose middle value counts. */
  window: z.int().min(1).max(1000).default(3),
});

interface Memory {
  /** Whether evaluations bring lengths; then training lengths are not looked at. */
  evaluated: boolean;
  /** Shares of the cap by problem set, oldest first. */
  sets: Record<string, number[]>;
  lastGood: number | null;
}

export const lengthSaturation: SignatureRule<typeof schema, Memory> = {
  name: 'length_saturation',
  title: 'Length saturation',
  bad: 'above',
  show: (value) => `${inPercent(value)} of the allowed length`,
  schema,
  words: (t) =>
    `The middle of ${t.window} evaluations in a row has correct responses of ${inPercent(t.threshold)} of the allowed length or more.`,
  start: () => ({ evaluated: false, sets: {}, lastGood: null }),
  observe(memory, seen, t) {
    const { cap } = seen;
    if (cap === undefined || cap <= 0) return undefined;
    const measured = seen.evaluations.filter((e) => e.length !== undefined);
    if (measured.length > 0 && !memory.evaluated) Object.assign(memory, { evaluated: true, sets: {} });
    const lengths: [string, number][] = memory.evaluated
      ? measured.map((e) => [e.name, e.length!])
      : seen.length === undefined
        ? []
        : [['training responses', seen.length]];
    if (lengths.length === 0) return undefined;
    for (const [name, length] of lengths) {
      const recent = (memory.sets[name] ??= []);
      recent.push(length / cap);
      if (recent.length > t.window) recent.shift();
    }
    const full = Object.values(memory.sets).filter((recent) => recent.length === t.window);
    if (full.length === 0) return undefined;
    // More than half of the sets must stand at the value or above it; so must more than half of the last evaluations of a set.
    const value = lowerMedian(full.map(lowerMedian));
    if (lowerMedian(lengths.map(([, length]) => length / cap)) < t.threshold) memory.lastGood = seen.step;
    return {
      value,
      holds: value >= t.threshold,
      text: `responses are ${Math.round(value * cap)} of ${cap} tokens allowed, in the middle of the last ${t.window} evaluations.`,
      // Where no step looked well, only what was before the first of them can have.
      lastGood: memory.lastGood ?? 0,
    };
  },
};
