/** What a report says about one filter run: the ledger, reasons with examples, signal histograms, failures. From `run.json` alone. */
import { z } from 'zod';
import type { Ledger } from '../core/ledger.ts';
import { imbalance, sumCounts } from '../core/ledger.ts';
import type { PreparedRun } from './report-run.ts';
import { readPart } from './summary-parts.ts';

const countsSchema = z.record(z.string(), z.number().nonnegative());
const ledgerSchema = z.object({
  in: z.number().nonnegative(),
  kept: z.number().nonnegative(),
  dropped: countsSchema.default({}),
  failed: countsSchema.default({}),
});
const thresholdSchema = z.union([
  z.number().transform((min) => ({ min, max: undefined })),
  z
    .object({ min: z.number().nullish(), max: z.number().nullish() })
    .transform(({ min, max }) => ({ min: min ?? undefined, max: max ?? undefined })),
]);
const histogramSchema = z
  .object({ edges: z.array(z.number()), counts: z.array(z.number()), keptCounts: z.array(z.number()) })
  .refine((h) => h.edges.length === h.counts.length + 1 && h.counts.length === h.keptCounts.length, {
    message: 'a histogram of n bins has n + 1 edges, n counts and n kept counts',
  });
const signalSchema = z.object({
  description: z.string().nullish(),
  histogram: histogramSchema,
  threshold: thresholdSchema.nullish(),
});
const exampleSchema = z.object({
  id: z.string().nullish(),
  url: z.string().nullish(),
  excerpt: z.string().default(''),
  /** The signal that decided, its value and the bound it missed. */
  signal: z.string().nullish(),
  value: z.number().nullish(),
  bound: z.number().nullish(),
});
const ruleSchema = z.object({
  signal: z.string(),
  side: z.enum(['min', 'max']),
  bound: z.number(),
  reason: z.string(),
  failing: z.number(),
  alone: z.number(),
  /** Without masking of formulas; absent in records of older versions. */
  unmasked: z.number().nullish(),
});
const stageSchema = z.object({ name: z.string(), ledger: ledgerSchema });
const dedupSchema = z.object({
  step: z.string(),
  clusters: z.number(),
  members: z.number(),
  largest: z.number(),
});
const hitsSchema = z.object({ items: z.number(), documents: z.number() });
const benchmarkSchema = z.object({
  benchmark: z.string(),
  items: z.number(),
  exact: hitsSchema,
  near: hitsSchema,
});
const failureSchema = z.object({ file: z.string(), place: z.string().nullish(), problem: z.string() });

export type FilterExample = z.output<typeof exampleSchema>;
type FilterFailure = z.output<typeof failureSchema>;

/** A threshold and what it does: documents that fail it, and documents that fail nothing else. */
type FilterRule = z.output<typeof ruleSchema>;

export interface Reason {
  name: string;
  count: number;
  kind: 'dropped' | 'failed';
  examples: FilterExample[];
}

export interface SignalHistogram {
  name: string;
  description: string | undefined;
  /** n + 1 edges of n bins, ascending. */
  edges: number[];
  counts: number[];
  keptCounts: number[];
  min: number | undefined;
  max: number | undefined;
}

export interface FilterFacts {
  run: PreparedRun;
  ledger: Ledger | undefined;
  /** Sorted by count, largest first. */
  reasons: Reason[];
  /** Kept documents to read. */
  keptExamples: FilterExample[];
  rules: FilterRule[];
  /** Ledgers by input, where the run had several. */
  sources: { name: string; ledger: Ledger }[];
  /** The rules and each dedup step, in order, with their own ledgers. */
  stages: { name: string; ledger: Ledger }[];
  dedup: z.output<typeof dedupSchema>[];
  /** Documents that rules would have dropped if formulas were not masked; undefined when that was not measured. */
  keptByMasking: number | undefined;
  benchmarks: z.output<typeof benchmarkSchema>[];
  signals: SignalHistogram[];
  failures: FilterFailure[];
  bytesIn: number | undefined;
  bytesOut: number | undefined;
  documentsPerSecond: number | undefined;
  notes: string[];
}

export function filterFacts(run: PreparedRun): FilterFacts {
  const { summary } = run.record;
  const notes: string[] = [];
  const ledger = readPart(ledgerSchema, summary, 'ledger', notes);
  if (ledger !== undefined && imbalance(ledger) !== 0) {
    notes.push(`the ledger does not balance: ${imbalance(ledger)} documents are unaccounted for`);
  }
  const number = (name: string): number | undefined => readPart(z.number(), summary, name, notes);
  const examples = readPart(z.record(z.string(), z.array(exampleSchema)), summary, 'examples', notes) ?? {};
  const bySource = readPart(z.record(z.string(), ledgerSchema), summary, 'bySource', notes) ?? {};
  return {
    run,
    ledger,
    reasons: ledger === undefined ? [] : reasonsOf(ledger, examples),
    keptExamples: examples.kept ?? [],
    rules: readPart(z.array(ruleSchema), summary, 'rules', notes) ?? [],
    sources: Object.entries(bySource)
      .map(([name, of]) => ({ name, ledger: of }))
      .sort((a, b) => b.ledger.in - a.ledger.in || (a.name < b.name ? -1 : 1)),
    stages: readPart(z.array(stageSchema), summary, 'stages', notes) ?? [],
    dedup: readPart(z.array(dedupSchema), summary, 'dedup', notes) ?? [],
    keptByMasking: readPart(z.number().nullable(), summary, 'keptByMasking', notes) ?? undefined,
    benchmarks:
      readPart(z.object({ benchmarks: z.array(benchmarkSchema) }), summary, 'contamination', notes)
        ?.benchmarks ?? [],
    signals: signalsOf(summary, notes),
    failures: readPart(z.array(failureSchema), summary, 'failures', notes) ?? [],
    bytesIn: number('bytesIn'),
    bytesOut: number('bytesOut'),
    documentsPerSecond: number('documentsPerSecond'),
    notes,
  };
}

function reasonsOf(ledger: Ledger, examples: Record<string, FilterExample[]>): Reason[] {
  const list = (counts: Record<string, number>, kind: Reason['kind']): Reason[] =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => ({ name, count, kind, examples: examples[name] ?? [] }));
  return [...list(ledger.dropped, 'dropped'), ...list(ledger.failed, 'failed')].sort(
    (a, b) => b.count - a.count || (a.name < b.name ? -1 : 1),
  );
}

/** Each signal is read on its own, so that one malformed histogram does not hide the others. */
function signalsOf(summary: Readonly<Record<string, unknown>>, notes: string[]): SignalHistogram[] {
  const all = readPart(z.record(z.string(), z.unknown()), summary, 'signals', notes) ?? {};
  return Object.keys(all)
    .sort()
    .flatMap((name) => {
      const signal = readPart(signalSchema, all, name, notes);
      if (signal === undefined || signal.histogram.counts.length === 0) return [];
      return [
        {
          name,
          description: signal.description ?? undefined,
          ...signal.histogram,
          min: signal.threshold?.min,
          max: signal.threshold?.max,
        },
      ];
    });
}

/** The ledgers of several filter runs as one, for the flow picture. */
export function droppedTotal(ledger: Ledger): number {
  return sumCounts(ledger.dropped) + sumCounts(ledger.failed);
}
