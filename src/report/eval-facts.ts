/**
 * What evaluations measured: benchmark by run, shares with their intervals. Read from the summary in run.json; a summary of another form (another
 * version) gives no rows.
 */
import { z } from 'zod';
import { percent } from './number-format.ts';
import type { PreparedRun } from './report-run.ts';

const share = z.object({ value: z.number(), low: z.number(), high: z.number() });
const benchmarkSchema = z.object({
  problems: z.number(),
  samples: z.number(),
  accuracy: share,
  passAt: z.record(z.string(), share).default({}),
  majAt: z.record(z.string(), share).default({}),
  truncated: z.number(),
  noAnswer: z.number(),
});
const summarySchema = z.object({
  benchmarks: z.record(z.string(), benchmarkSchema),
  macroAverage: z.number().optional(),
});

export interface EvalFacts {
  runs: PreparedRun[];
  /** One row a figure: its name, then a cell a run. */
  rows: string[][];
  /** Cut off and without an answer, where that is much. */
  notes: string[];
}

/** Undefined without evaluations. */
export function evalFacts(runs: readonly PreparedRun[]): EvalFacts | undefined {
  const read = runs.flatMap((run) => {
    const parsed = run.record.command === 'eval' ? summarySchema.safeParse(run.record.summary) : undefined;
    return parsed?.success ? [{ run, ...parsed.data }] : [];
  });
  if (read.length === 0) return undefined;
  const names = [...new Set(read.flatMap(({ benchmarks }) => Object.keys(benchmarks)))];
  const rows: string[][] = [];
  const notes: string[] = [];
  for (const name of names) {
    const of = read.map(({ benchmarks }) => benchmarks[name]);
    const counts = new Set(of.flatMap((one) => (one === undefined ? [] : [one.problems])));
    const same = counts.size === 1;
    rows.push([
      same ? `${name}, ${[...counts][0]} problems` : name,
      ...of.map(
        (one) => `${cell(one?.accuracy)}${same || one === undefined ? '' : `, ${one.problems} problems`}`,
      ),
    ]);
    for (const [label, key] of [
      ['pass', 'passAt'],
      ['maj', 'majAt'],
    ] as const) {
      const ks = [...new Set(of.flatMap((one) => Object.keys(one?.[key] ?? {})))].sort(
        (a, b) => Number(a) - Number(b),
      );
      // k = 1 is the accuracy above.
      for (const k of ks.filter((value) => value !== '1'))
        rows.push([`${name}, ${label}@${k}`, ...of.map((one) => cell(one?.[key][k]))]);
    }
    for (const [i, one] of of.entries()) {
      const { label } = read[i]!.run;
      if (one !== undefined && one.truncated > 0.1)
        notes.push(
          `${label}: ${percent(one.truncated)} of the answers to ${name} were cut off at the longest length.`,
        );
      if (one !== undefined && one.noAnswer > 0.1)
        notes.push(
          `${label}: ${percent(one.noAnswer)} of the answers to ${name} hold no answer that could be read.`,
        );
    }
  }
  if (read.some(({ macroAverage }) => macroAverage !== undefined))
    rows.push(['Macro average', ...read.map(({ macroAverage }) => percent(macroAverage))]);
  return { runs: read.map(({ run }) => run), rows, notes };
}

function cell(value: { value: number; low: number; high: number } | undefined): string {
  return value === undefined
    ? '–'
    : `${percent(value.value)} (${percent(value.low)} to ${percent(value.high)})`;
}
