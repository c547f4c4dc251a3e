/**
 * A metric over steps or tokens for every arm: a curve a seed and their mean. The mean is over the seeds that a step has in common; a seed that stopped
 * early would otherwise bend it. What this gives up: after the shortest run of an arm its mean ends, and only the seeds go on.
 */
import type { StepRole } from './ablation-data.ts';
import type { AblationView, ArmView } from './ablation-view.ts';
import { metric, metricPoints, type PreparedRun } from './report-run.ts';
import type { Point } from './thin.ts';

interface SeedCurve {
  seed: string;
  points: Point[];
}

export interface ArmCurves {
  arm: ArmView;
  seeds: SeedCurve[];
  mean: Point[];
}

/** Of the runs of one role, usually `grpo`; arms without a point keep their place with empty lists. */
export function armCurves(
  view: AblationView,
  role: StepRole,
  pointsOf: string | ((run: PreparedRun) => Point[]),
): ArmCurves[] {
  const of = typeof pointsOf === 'string' ? (run: PreparedRun) => metricPoints(run.rows, pointsOf) : pointsOf;
  return view.arms.map((arm) => {
    const seeds = arm.cells.flatMap((cell): SeedCurve[] => {
      const run = view.runOf(cell, role);
      const points = run === undefined ? [] : of(run);
      return points.length === 0 ? [] : [{ seed: cell.seed, points }];
    });
    return { arm, seeds, mean: meanCurve(seeds.map(({ points }) => points)) };
  });
}

/**
 * At every x that all curves have. Curves whose points were thinned apart (an export keeps some rows of each run) share few; then at those of the first,
 * the others' values between their points on straight lines.
 */
export function meanCurve(curves: readonly (readonly Point[])[]): Point[] {
  const common = meanAtCommon(curves);
  const [first, ...others] = curves;
  if (first === undefined || common.length >= first.length / 2) return common;
  const from = Math.max(...curves.map((curve) => curve[0]!.x));
  const to = Math.min(...curves.map((curve) => curve.at(-1)!.x));
  return first
    .filter(({ x }) => x >= from && x <= to)
    .map(({ x, y }) => ({ x, y: others.reduce((sum, curve) => sum + between(curve, x), y) / curves.length }));
}

/** `curve` has points at or before and at or after `x`, in order. */
function between(curve: readonly Point[], x: number): number {
  const after = curve.findIndex((point) => point.x >= x);
  const [a, b] = [curve[Math.max(0, after - 1)]!, curve[after]!];
  return b.x === a.x ? b.y : a.y + ((b.y - a.y) * (x - a.x)) / (b.x - a.x);
}

function meanAtCommon(curves: readonly (readonly Point[])[]): Point[] {
  const [first, ...others] = curves;
  if (first === undefined) return [];
  const rest = others.map((points) => new Map(points.map(({ x, y }) => [x, y])));
  return first.flatMap(({ x, y }) => {
    let sum = y;
    for (const curve of rest) {
      const value = curve.get(x);
      if (value === undefined) return [];
      sum += value;
    }
    return [{ x, y: sum / curves.length }];
  });
}

/**
 * A metric of a training phase by tokens since the beginning, where they are logged (`tokens`), else by steps behind those of the phase before. A row without
 * a count of tokens takes that of the row before it.
 */
export function phasePoints(
  run: PreparedRun | undefined,
  before: PreparedRun | undefined,
  name: string,
  tokens: boolean,
): Point[] {
  if (run === undefined) return [];
  const from = before?.rows.at(-1)?.step ?? 0;
  let seen = 0;
  return run.rows.flatMap((row) => {
    seen = metric(row, 'num_tokens') ?? seen;
    const y = metric(row, name);
    return y === undefined ? [] : [{ x: tokens ? seen : from + row.step, y }];
  });
}
