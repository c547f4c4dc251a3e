/**
 * Rules about a share of responses (stuck in a loop, cut off, answered at once, without a signal): the share over the last `window` steps
 * together, each step weighted by its responses. One bad batch is no failure, so the window must be full; a step without the number is passed over.
 */
import { z } from 'zod';
import type { Observation } from './observation.ts';
import { inPercent, type Measured, type SignatureName, type SignatureRule } from './rule.ts';

interface Memory {
  /** [step, responses, of which], oldest first. */
  recent: [number, number, number][];
  lastGood: number | null;
}

export function shareSchema(threshold: number, window: number) {
  return z.strictObject({
    /** Fires at this share. */
    threshold: z.number().gt(0).max(1).default(threshold),
    /** Steps taken together. */
    window: z.int().min(1).max(1000).default(window),
    /** Responses that the window must hold, where they are counted. */
    min_samples: z.int().min(1).default(16),
  });
}

type Schema = ReturnType<typeof shareSchema>;

export function pooledShareRule(rule: {
  name: SignatureName;
  title: string;
  schema: Schema;
  of: (seen: Observation) => number | undefined;
  /** What the share is of, and what they do: `of responses are cut off`. */
  what: string;
  /** Added to the sentence, by the step at which it fires. */
  because?: (seen: Observation) => string;
  reason: string;
}): SignatureRule<Schema> {
  return {
    name: rule.name,
    title: rule.title,
    bad: 'above',
    show: inPercent,
    schema: rule.schema,
    words: (t) =>
      `Over ${t.window} steps together, ${inPercent(t.threshold)} or more ${rule.what}. ${rule.reason}`,
    start: (): Memory => ({ recent: [], lastGood: null }),
    observe(memory: Memory, seen, t): Measured | undefined {
      const share = rule.of(seen);
      if (share === undefined) return undefined;
      const weight = seen.samples ?? 1;
      memory.recent.push([seen.step, weight, share * weight]);
      if (memory.recent.length > t.window) memory.recent.splice(0, memory.recent.length - t.window);
      const total = memory.recent.reduce((sum, [, n]) => sum + n, 0);
      const hits = memory.recent.reduce((sum, [, , k]) => sum + k, 0);
      const value = total === 0 ? 0 : hits / total;
      const enough =
        memory.recent.length === t.window && (seen.samples === undefined || total >= t.min_samples);
      const holds = enough && value >= t.threshold;
      if (share < t.threshold) memory.lastGood = seen.step;
      return {
        value,
        holds,
        text: `over the last ${t.window} steps ${inPercent(value)} ${rule.what}${rule.because?.(seen) ?? ''}.`,
        // Where no step looked well, only what was before the first of them can have.
        lastGood: memory.lastGood ?? 0,
      };
    },
  };
}
