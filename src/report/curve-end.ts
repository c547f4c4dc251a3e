/**
 * A curve of evaluations in two figures, as the paper's results are given (recipe 5.4): the mean of the last five evaluations, which one lucky evaluation
 * does not move, and the greatest value with its step.
 */
import type { Point } from './thin.ts';

export interface CurveEnd {
  /** Mean of the last evaluations. */
  mean: number;
  /** How many those are; fewer than asked for where there are fewer. */
  of: number;
  /** Their first and last step. */
  from: number;
  to: number;
  max: number;
  /** The first step that has it. */
  maxStep: number;
  /** How many evaluations have it: a small problem set often comes to the same share. */
  atMax: number;
}

/** `points` in order of step; undefined for none. */
export function curveEnd(points: readonly Point[], last = 5): CurveEnd | undefined {
  const end = points.slice(-last);
  if (end.length === 0) return undefined;
  const max = points.reduce((most, { y }) => Math.max(most, y), Number.NEGATIVE_INFINITY);
  const top = points.filter(({ y }) => y === max);
  return {
    mean: end.reduce((sum, { y }) => sum + y, 0) / end.length,
    of: end.length,
    from: end[0]!.x,
    to: end.at(-1)!.x,
    max,
    maxStep: top[0]!.x,
    atMax: top.length,
  };
}
