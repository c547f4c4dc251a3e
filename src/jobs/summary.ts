/** From the reports of all units to the summary in `run.json`: ledger, reasons, histograms with thresholds, examples, failures. */
import { assertBalanced, type Ledger, mergeLedgers, sumCounts } from '../core/ledger.ts';
import type { ContaminationSummary } from '../decontaminate/contamination-report.ts';
import { binEdges } from '../filters/histogram.ts';
import type { SignalSpec } from '../filters/signal.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import { signalGroups } from '../stages/signal-groups.ts';
import {
  type DocumentExample,
  type Failure,
  mergeReports,
  type SignalCounts,
  type UnitReport,
} from '../stages/unit-report.ts';
import type { BarrierResult } from './dedup-markers.ts';

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
    /** Documents it would drop if formulas were not masked. */
    unmasked: number;
  }[];
  /** `masked` with its report on: documents kept that rules would have dropped without masking. */
  keptByMasking: number | null;
  bytesIn: number;
  bytesOut: number;
  textBytes: number;
  keptTextBytes: number;
  /** Tokens of the texts as measured; estimated unless the pipeline names a tokenizer. */
  tokens: number;
  keptTokens: number;
  tokensExact: boolean;
  /** The steps in order, each with its own ledger: what went in, stayed, was dropped. */
  stages: { name: string; ledger: Ledger }[];
  /** Per dedup step: clusters of two or more, documents in them, the largest. */
  dedup: { step: string; clusters: number; members: number; largest: number }[];
  /** What decontamination found, by benchmark. */
  contamination?: ContaminationSummary;
  signals: Record<string, SignalSummary>;
  examples: Record<string, DocumentExample[]>;
  failures: Failure[];
  /** Records of the inputs that are no documents, by kind, and documents whose bytes were mended. */
  skipped: Record<string, number>;
  repaired: number;
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
  barrier: Pick<BarrierResult, 'steps'>,
  bytesOut: number,
): Omit<FilterSummary, 'documentsPerSecond' | 'megabytesPerSecond' | 'workers'> {
  const specs = signalGroups(plan.filter).flatMap(({ spec }) => spec.signals);
  const signals = specs.map(({ name }) => name);
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
    keptByMasking: plan.filter.math === 'masked' && plan.filter.maskReport ? total.keptByMasking : null,
    bytesIn: plan.units.reduce((sum, unit) => sum + unit.read.bytes, 0),
    bytesOut,
    textBytes: total.textBytes,
    keptTextBytes: total.keptTextBytes,
    tokens: total.tokens,
    keptTokens: total.keptTokens,
    tokensExact: plan.filter.tokenizer !== null,
    stages: stagesOf(ledger, barrier),
    dedup: barrier.steps.map(({ name, clusters, members, largest }) => ({
      step: name,
      clusters,
      members,
      largest,
    })),
    signals: Object.fromEntries(
      specs.map((spec) => [spec.name, signalSummary(plan, spec, total.signals[spec.name]!)]),
    ),
    examples: total.examples,
    failures: [...plan.unreadable, ...total.failures],
    skipped: total.skipped,
    repaired: total.repaired,
    units: plan.units.length,
    unfinishedUnits: reports.filter((report) => !report.complete).length,
    bySource: bySource(plan, reports),
  };
}

/** The rules' ledger is what is left of the whole when the dedup steps are taken out. Ledgers read from markers get their keys in order by merging. */
function stagesOf(ledger: Ledger, { steps }: Pick<BarrierResult, 'steps'>): FilterSummary['stages'] {
  const reasons = new Set(steps.flatMap((step) => Object.keys(step.ledger.dropped)));
  const duplicates = steps.reduce((sum, step) => sum + sumCounts(step.ledger.dropped), 0);
  const rules: Ledger = {
    in: ledger.in,
    kept: ledger.kept + duplicates,
    dropped: Object.fromEntries(Object.entries(ledger.dropped).filter(([reason]) => !reasons.has(reason))),
    failed: ledger.failed,
  };
  const stages = [
    { name: 'rules', ledger: rules },
    ...steps.map((step) => ({ name: `dedup ${step.name}`, ledger: mergeLedgers([step.ledger]) })),
  ];
  for (const { name, ledger: own } of stages) assertBalanced(own, `the stage ${name}`);
  return stages;
}

/** A file that cannot be opened counts as one document in and one failed: how many it holds is unknown. */
function ledgerOfUnreadable(files: number): Ledger {
  return { in: files, kept: 0, dropped: {}, failed: files === 0 ? {} : { unreadable: files } };
}

function signalSummary(plan: FilterPlan, spec: SignalSpec, counts: SignalCounts): SignalSummary {
  const threshold: { min?: number; max?: number } = {};
  for (const rule of plan.filter.rules) if (rule.signal === spec.name) threshold[rule.side] = rule.bound;
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
