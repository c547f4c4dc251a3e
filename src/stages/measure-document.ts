/**
 * One document through the signal families and the rules: the values of all signals, and the first rule that fails.
 */

import { invariant } from '../core/errors.ts';
import { familyNamed } from '../filters/families.ts';
import { binOf, type HistogramScale } from '../filters/histogram.ts';
import { fails, firstFailing, type Rule } from '../filters/rule.ts';
import type { SignalFamily } from '../filters/signal.ts';
import { measureText } from '../text/measure-text.ts';
import type { ResolvedFilter } from './filter-config.ts';
import type { UnitReport } from './unit-report.ts';

export class DocumentMeasurer {
  /** All signals, in column order. */
  readonly signals: readonly string[];
  readonly rules: readonly Rule[];
  private readonly families: readonly SignalFamily[];
  private readonly scales: readonly HistogramScale[];
  /** Per rule, the place of its signal in `signals`. */
  private readonly columns: readonly number[];
  private readonly math: 'masked' | 'plain';

  constructor(filter: ResolvedFilter) {
    this.families = filter.families.map((name) => {
      const family = familyNamed(name);
      invariant(family !== undefined, `signal family ${name} was checked when the pipeline was read`);
      return family;
    });
    const specs = this.families.flatMap((family) => family.signals);
    this.signals = specs.map((spec) => spec.name);
    this.scales = specs.map((spec) => spec.histogram);
    this.rules = filter.rules;
    this.columns = filter.rules.map((rule) => this.signals.indexOf(rule.signal));
    this.math = filter.math;
  }

  /** Values of all signals of `text`, in the order of `signals`. */
  measure(text: string): Float64Array {
    const document = measureText(text, { math: this.math });
    const values = new Float64Array(this.signals.length);
    let at = 0;
    for (const family of this.families) {
      values.set(family.measure(document), at);
      at += family.signals.length;
    }
    return values;
  }

  /** Index of the rule that drops a document with these values, or -1 to keep it. */
  decide(values: Float64Array): number {
    return firstFailing(this.rules, this.columns, values);
  }

  /** Counts the values into the report's histograms, and which rules fail. */
  tally(report: UnitReport, values: Float64Array, kept: boolean): void {
    for (let i = 0; i < values.length; i++) {
      const bin = binOf(this.scales[i]!, values[i]!);
      if (bin < 0) continue;
      const counts = report.signals[this.signals[i]!]!;
      counts.counts[bin]!++;
      if (kept) counts.keptCounts[bin]!++;
    }
    let failing = 0;
    let last = -1;
    for (let i = 0; i < this.rules.length; i++) {
      if (!fails(this.rules[i]!, values[this.columns[i]!]!)) continue;
      failing++;
      last = i;
      report.ruleFailures[i]!.failing++;
    }
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
