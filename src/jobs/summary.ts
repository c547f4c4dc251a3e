/** From the reports of all units to the summary in `run.json`: ledger, reasons, histograms with thresholds, examples, failures. */
import { assertBalanced, type Ledger, mergeLedgers } from '../core/ledger.ts';
import { signalSpec } from '../filters/families.ts';
import { binEdges } from '../filters/histogram.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import {
  type DocumentExample,
  type Failure,
  mergeReports,
  type SignalCounts,
  type UnitReport,
} from '../stages/unit-report.ts';

export interface SignalSummary {
  description: string;
  histogram: { edges: number[]; counts: number[]; keptCounts: number[] };
  /** The bounds that decide, where there are any. */
  threshold?: { min?: number; max?: number };
}

export interface FilterSummary {
  ledger: Ledger;
  /** Dropped and failed documents by reason, and how many a rule would drop on its own. */
  reasons: Record<string, number>;
  rules: {
    signal: string;
    side: 'min' | 'max';
    bound: number;
    reason: string;
    failing: number;
    alone: number;
  }[];
  bytesIn: number;
  bytesOut: number;
  textBytes: number;
  keptTextBytes: number;
  signals: Record<string, SignalSummary>;
  examples: Record<string, DocumentExample[]>;
  failures: Failure[];
  units: number;
  unfinishedUnits: number;
  /** Kept documents by source, ... per input file or folder. */
  bySource: Record<
    string,
    { in: number; kept: number; dropped: Record<string, number>; failed: Record<string, number> }
  >;
  documentsPerSecond: number;
  megabytesPerSecond: number;
  workers: number;
}

/** `reports` in unit order. Throws when the ledger does not balance. */
export function summarise(
  plan: FilterPlan,
  reports: readonly UnitReport[],
  bytesOut: number,
): Omit<FilterSummary, 'documentsPerSecond' | 'megabytesPerSecond' | 'workers'> {
  const signals = Object.keys(reports[0]?.signals ?? {});
  const total = mergeReports(reports, signals, plan.filter.rules.length);
  const ledger = mergeLedgers([total.ledger, ledgerOfUnreadable(plan.unreadable.length)]);
  assertBalanced(ledger, 'the job');
  const reasons = Object.entries({ ...ledger.dropped, ...ledger.failed }).sort(
    ([a, x], [b, y]) => y - x || (a < b ? -1 : 1),
  );
  return {
    ledger,
    reasons: Object.fromEntries(reasons),
    rules: plan.filter.rules.map(({ signal, side, bound, reason }, i) => ({
      signal,
      side,
      bound,
      reason,
      ...total.ruleFailures[i]!,
    })),
    bytesIn: plan.units.reduce((sum, unit) => sum + unit.read.bytes, 0),
    bytesOut,
    textBytes: total.textBytes,
    keptTextBytes: total.keptTextBytes,
    signals: Object.fromEntries(
      signals.map((name) => [name, signalSummary(plan, name, total.signals[name]!)]),
    ),
    examples: total.examples,
    failures: [...plan.unreadable, ...total.failures],
    units: plan.units.length,
    unfinishedUnits: reports.filter((report) => !report.complete).length,
    bySource: bySource(plan, reports),
  };
}

/** A file that cannot be opened counts as one document in and one failed: how many it holds is unknown. */
function ledgerOfUnreadable(files: number): Ledger {
  return { in: files, kept: 0, dropped: {}, failed: files === 0 ? {} : { unreadable: files } };
}

function signalSummary(plan: FilterPlan, name: string, counts: SignalCounts): SignalSummary {
  const spec = signalSpec(name)!;
  const threshold: { min?: number; max?: number } = {};
  for (const rule of plan.filter.rules) if (rule.signal === name) threshold[rule.side] = rule.bound;
  return {
    description: spec.description,
    histogram: { edges: binEdges(spec.histogram), counts: counts.counts, keptCounts: counts.keptCounts },
    ...(Object.keys(threshold).length === 0 ? {} : { threshold }),
  };
}

function bySource(plan: FilterPlan, reports: readonly UnitReport[]): FilterSummary['bySource'] {
  const parts = new Map<string, Ledger[]>();
  reports.forEach((report, i) => {
    const { source } = plan.units[i]!.read;
    parts.set(source, [...(parts.get(source) ?? []), report.ledger]);
  });
  return Object.fromEntries([...parts].map(([source, ledgers]) => [source, mergeLedgers(ledgers)]));
}
