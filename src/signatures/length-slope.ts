/**
 * Length slope: the mean length of responses grows so fast that it reaches the allowed length within as many steps as were looked at. A straight line
 * through the last 12 steps; it fires when the line, prolonged by 12 steps, is at the cap, while it is past half of it already (a model that learns to
 * reason at length grows as fast, but from far below) and the slope is beyond doubt (4 standard errors). It is silent while more responses become
 * right (2 standard errors): then the length is being used. A change of the cap starts the window anew.
 */
import { z } from 'zod';
import type { SignatureRule } from './rule.ts';

const schema = z.strictObject({
  /** Fires when the projected length is at this share of the allowed length. */
  threshold: z.number().positive().default(1),
  /** ... and the present length at this share. */
  from_share: z.number().min(0).max(1).default(0.5),
  /** Steps looked back on, and steps ahead. */
  window: z.int().min(4).max(1000).default(12),
  /** Standard errors that the slope must lie above zero. */
  certainty: z.number().positive().default(4),
});

interface Memory {
  cap: number;
  /** [step, share of the cap, share of right responses where it is logged]. */
  recent: [step: number, length: number, accuracy: number | null][];
}

export const lengthSlope: SignatureRule<typeof schema, Memory> = {
  name: 'length_slope',
  title: 'Length slope',
  bad: 'above',
  show: (value) => `${value.toFixed(2)} x the allowed length`,
  schema,
  words: (t) =>
    `The line through the mean lengths of the last ${t.window} steps reaches ${t.threshold} x the allowed length within ${t.window} more, from ${t.from_share} x or above. It is about to be cut off.`,
  start: () => ({ cap: 0, recent: [] }),
  observe(memory, seen, t) {
    if (seen.length === undefined || seen.cap === undefined || seen.cap <= 0) return undefined;
    if (memory.cap !== seen.cap) Object.assign(memory, { cap: seen.cap, recent: [] });
    memory.recent.push([seen.step, seen.length / seen.cap, seen.accuracy ?? null]);
    if (memory.recent.length > t.window) memory.recent.shift();
    if (memory.recent.length < t.window) return undefined;
    const { slope, error, now } = lineThrough(memory.recent.map(([step, length]) => [step, length]));
    const right = memory.recent.flatMap(([step, , accuracy]) =>
      accuracy === null ? [] : [[step, accuracy] as const],
    );
    const learning = right.length === t.window ? lineThrough(right) : undefined;
    const useful = learning !== undefined && learning.slope > 0 && learning.slope >= 2 * learning.error;
    const span = memory.recent.at(-1)![0] - memory.recent[0]![0];
    const value = now + slope * span;
    const holds =
      value >= t.threshold && now >= t.from_share && slope > 0 && slope >= t.certainty * error && !useful;
    return {
      value,
      holds,
      text: `mean length is ${Math.round(now * seen.cap)} of ${seen.cap} tokens allowed and grows by ${(slope * seen.cap).toFixed(1)} a step: at the limit in ${Math.max(0, Math.ceil((1 - now) / slope))} steps.`,
      lastGood: memory.recent[0]![0],
    };
  },
};

/** Least squares through (x, y): slope, its standard error, and the line's value at the last x. */
function lineThrough(points: readonly (readonly [number, number])[]): {
  slope: number;
  error: number;
  now: number;
} {
  const n = points.length;
  const mx = points.reduce((sum, [x]) => sum + x, 0) / n;
  const my = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const sxx = points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  const slope = sxx === 0 ? 0 : points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / sxx;
  const rest = points.reduce((sum, [x, y]) => sum + (y - my - slope * (x - mx)) ** 2, 0);
  return {
    slope,
    error: sxx === 0 ? Number.POSITIVE_INFINITY : Math.sqrt(rest / (n - 2) / sxx),
    now: my + slope * (points.at(-1)![0] - mx),
  };
}
