/**
 * The signals of a filter job as columns: which families measure them, which sit behind the gate, and which rule looks at which column.
 *
 * Groups behind the gate come last, in order; each is measured only for documents that pass every rule on the groups before it. So the
 * measured values of a document are always a prefix of its row, and "not measured" needs one number per document.
 * Pure; made from `ResolvedFilter` alone, so that the job, its workers, the report and `recut` agree.
 */
import { binOf, type HistogramScale } from '../filters/histogram.ts';
import { fails, firstFailing, type Rule } from '../filters/rule.ts';
import type { FamilySpec } from '../filters/signal.ts';
import type { ResolvedFilter } from './resolved-filter.ts';
import { signalGroups } from './signal-groups.ts';
import type { UnitReport } from './unit-report.ts';

export interface SignalGroup {
  spec: FamilySpec;
  gated: boolean;
  /** Column of the group's first signal. */
  first: number;
  /** Column behind its last. */
  end: number;
}

export class SignalTable {
  readonly groups: readonly SignalGroup[];
  /** All signals, in column order. */
  readonly signals: readonly string[];
  /** String columns that families add (`language.label`). */
  readonly labels: readonly string[];
  readonly rules: readonly Rule[];
  /** Per rule, the column of its signal. */
  readonly columns: readonly number[];
  /** Reasons in rule order, each once: the margin columns. */
  readonly reasons: readonly string[];
  private readonly scales: readonly HistogramScale[];

  constructor(filter: ResolvedFilter) {
    const groups: SignalGroup[] = [];
    let first = 0;
    for (const { spec, gated } of signalGroups(filter)) {
      const end = first + spec.signals.length;
      groups.push({ spec, gated, first, end });
      first = end;
    }
    this.groups = groups;
    const specs = groups.flatMap(({ spec }) => spec.signals);
    this.signals = specs.map((spec) => spec.name);
    this.labels = groups.flatMap(({ spec }) => (spec.labels ?? []).map((label) => label.name));
    this.scales = specs.map((spec) => spec.histogram);
    this.rules = filter.rules;
    this.columns = filter.rules.map((rule) => this.signals.indexOf(rule.signal));
    this.reasons = [...new Set(filter.rules.map((rule) => rule.reason))];
  }

  /** Index of the first rule that these values break, or -1. NaN (also: not measured) breaks none. */
  decide(values: ArrayLike<number>): number {
    return firstFailing(this.rules, this.columns, values);
  }

  /** Per reason: how far inside its bound the value is (negative: outside), the least of the rules with that reason; NaN: not measured. */
  margins(values: ArrayLike<number>): Float32Array {
    const margins = new Float32Array(this.reasons.length).fill(Number.NaN);
    this.rules.forEach((rule, i) => {
      const value = values[this.columns[i]!]!;
      const margin = rule.side === 'min' ? value - rule.bound : rule.bound - value;
      const at = this.reasons.indexOf(rule.reason);
      if (!(margins[at]! <= margin)) margins[at] = margin;
    });
    return margins;
  }

  /**
   * Counts the values into the report's histograms, and which rules fail. `unmasked`: the values without masking, where they differ.
   */
  tally(
    report: UnitReport,
    values: ArrayLike<number>,
    kept: boolean,
    unmasked: ArrayLike<number> = values,
  ): void {
    for (let i = 0; i < values.length; i++) {
      const bin = binOf(this.scales[i]!, values[i]!);
      if (bin < 0) continue;
      const counts = report.signals[this.signals[i]!]!;
      counts.counts[bin]!++;
      if (kept) counts.keptCounts[bin]!++;
    }
    let failing = 0;
    let last = -1;
    let failingUnmasked = 0;
    for (let i = 0; i < this.rules.length; i++) {
      if (fails(this.rules[i]!, unmasked[this.columns[i]!]!)) {
        failingUnmasked++;
        report.ruleFailures[i]!.unmasked++;
      }
      if (!fails(this.rules[i]!, values[this.columns[i]!]!)) continue;
      failing++;
      last = i;
      report.ruleFailures[i]!.failing++;
    }
    if (failing === 0 && failingUnmasked > 0) report.keptByMasking++;
    if (failing === 1) report.ruleFailures[last]!.alone++;
  }

  /** Takes a document out of the kept side of the histograms: a later step dropped it. */
  untallyKept(report: UnitReport, values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) {
      const bin = binOf(this.scales[i]!, values[i]!);
      if (bin >= 0) report.signals[this.signals[i]!]!.keptCounts[bin]!--;
    }
  }
}
