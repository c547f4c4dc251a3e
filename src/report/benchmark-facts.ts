/**
 * How runs did on each problem set that they were followed on: curves of accuracy and length over steps, and their ends in figures. For runs of this
 * project with several sets, and for those of other tools. Problem sets whose names differ in case and punctuation alone are one.
 */
import { inOrderOfSets, setsOf } from '../signatures/read-row.ts';
import { type CurveEnd, curveEnd } from './curve-end.ts';
import type { GrpoFacts } from './grpo-facts.ts';
import type { PreparedRun } from './report-run.ts';
import type { Point } from './thin.ts';

interface Curve {
  points: Point[];
  end: CurveEnd | undefined;
}

export interface SetCurves {
  run: PreparedRun;
  /** 0 to 1. */
  accuracy: Curve;
  /** Tokens. */
  length: Curve;
}

export interface BenchmarkSet {
  /** As first logged; empty for one unnamed set. */
  name: string;
  problems?: number;
  /** Whose length: of correct responses, where all runs log that, else of all. */
  lengthOf: 'correct' | 'all';
  /** One a run, in the order of the runs; without points where the run does not have this set. */
  curves: SetCurves[];
}

export interface BenchmarkFacts {
  sets: BenchmarkSet[];
  /** Runs that are drawn together, in order; without a title where nothing groups them. */
  groups: { title: string | undefined; runs: PreparedRun[] }[];
}

/** Undefined where no run names a problem set and none is another tool's: then the accuracy chart says it all. */
export function benchmarkFacts(grpos: readonly GrpoFacts[]): BenchmarkFacts | undefined {
  const runs = grpos.map(({ run }) => run);
  const read = runs.map((run) => run.rows.map((row) => ({ step: row.step, sets: setsOf(row) })));
  const spelling = new Map<string, string>();
  for (const rows of read)
    for (const { sets } of rows)
      for (const [name, { accuracy, correct, all }] of sets)
        if ((accuracy ?? correct ?? all) !== undefined)
          spelling.set(plain(name), spelling.get(plain(name)) ?? name);
  const named = [...spelling.values()].some((name) => name !== '');
  if (
    spelling.size === 0 ||
    !(named || runs.some(({ log, group }) => log !== undefined || group !== undefined))
  )
    return undefined;
  const sets = inOrderOfSets([...spelling.values()]).map((name): BenchmarkSet => {
    const of = read.map((rows) =>
      rows.flatMap(({ step, sets: own }) =>
        [...own].flatMap(([other, value]) => (plain(other) === plain(name) ? [{ step, ...value }] : [])),
      ),
    );
    const all = of.flat();
    const lengthOf = of.every(
      (rows) => rows.length === 0 || rows.some(({ correct }) => correct !== undefined),
    )
      ? 'correct'
      : 'all';
    const problems = all.find((row) => row.problems !== undefined)?.problems;
    const curve = (rows: (typeof of)[number], key: 'accuracy' | 'correct' | 'all'): Curve => {
      const points = rows.flatMap((row) => (row[key] === undefined ? [] : [{ x: row.step, y: row[key] }]));
      return { points, end: curveEnd(points) };
    };
    return {
      name,
      ...(problems === undefined ? {} : { problems }),
      lengthOf,
      curves: of.map((rows, i) => ({
        run: runs[i]!,
        accuracy: curve(rows, 'accuracy'),
        length: curve(rows, lengthOf),
      })),
    };
  });
  return { sets, groups: groupsOf(runs) };
}

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

function groupsOf(runs: readonly PreparedRun[]): BenchmarkFacts['groups'] {
  const groups = new Map<string | undefined, PreparedRun[]>();
  for (const run of runs) groups.set(run.group, [...(groups.get(run.group) ?? []), run]);
  return [...groups].map(([title, of]) => ({ title, runs: of }));
}
