/**
 * One document through the signal families: the values of all signals and the first rule that fails.
 *
 * Families without a gate measure every document. Those behind one measure it only while no rule fails, so that an expensive model sees
 * what the cheap rules leave. All of them share one `MeasuredText`.
 */
import type { ContaminationMatch } from '../decontaminate/contamination-signals.ts';
import type { SignalFamily } from '../filters/signal.ts';
import { measureText } from '../text/measure-text.ts';
import type { ColumnScores } from './column-score.ts';
import { ContaminationFamily, type OpenedFamilies, openFamilies } from './open-families.ts';
import type { ResolvedFilter } from './resolved-filter.ts';
import { SignalTable } from './signal-table.ts';

/** Families whose measures depend on masking. */
const prose = new Set(['gopher-quality', 'gopher-repetition', 'c4', 'fineweb-quality']);

export interface MeasuredDocument {
  /** Values of all signals, in column order; NaN where not measured. */
  values: Float64Array;
  /** How many of them were measured. */
  measured: number;
  labels: (string | null)[];
  /** Index of the rule that drops it, or -1. */
  failing: number;
  /** The values without masking, where the document has formulas and the pipeline masks them. */
  unmasked: Float64Array | undefined;
  /** Benchmark items found in it. */
  contamination: readonly ContaminationMatch[];
}

export class DocumentMeasurer {
  readonly table: SignalTable;
  private readonly families: readonly SignalFamily[];
  private readonly scores: ColumnScores;
  private readonly contamination: ContaminationFamily | undefined;
  private readonly math: 'masked' | 'plain';
  private readonly maskReport: boolean;

  private constructor(
    table: SignalTable,
    { families, scores }: OpenedFamilies,
    math: 'masked' | 'plain',
    maskReport: boolean,
  ) {
    this.table = table;
    this.families = families;
    this.scores = scores;
    this.contamination = families.find((family) => family instanceof ContaminationFamily);
    this.math = math;
    this.maskReport = math === 'masked' && maskReport;
  }

  /** Loads the models that the filter names; the index of benchmarks is in the run folder. */
  static async open(filter: ResolvedFilter, folder: string): Promise<DocumentMeasurer> {
    const table = new SignalTable(filter);
    return new DocumentMeasurer(table, await openFamilies(filter, folder), filter.math, filter.maskReport);
  }

  /** `columnAt` answers the input's own numeric columns, for classifiers whose score is in one. */
  measure(text: string, url: string | null, columnAt: (name: string) => number): MeasuredDocument {
    const { table } = this;
    this.scores.columnAt = columnAt;
    const document = measureText(text, { math: this.math, url });
    const values = new Float64Array(table.signals.length).fill(Number.NaN);
    const labels: (string | null)[] = [];
    let measured = 0;
    let failing = -1;
    for (const [i, group] of table.groups.entries()) {
      if (group.gated) {
        failing = table.decide(values);
        if (failing >= 0) break;
      }
      const family = this.families[i]!;
      values.set(family.measure(document), group.first);
      if (family.label !== undefined) labels.push(...family.label(document));
      measured = group.end;
    }
    if (failing < 0) failing = table.decide(values);
    while (labels.length < table.labels.length) labels.push(null);
    const contamination = this.contamination?.matches ?? [];
    const unmasked =
      this.maskReport && document.mathSpans.length > 0 ? this.measureUnmasked(text, url, values) : undefined;
    return { values, measured, labels, failing, unmasked, contamination };
  }

  /** The same document with its formulas in place: only families that look at the masked text are measured again. */
  private measureUnmasked(text: string, url: string | null, values: Float64Array): Float64Array {
    const document = measureText(text, { math: 'plain', url });
    const plain = values.slice();
    for (const [i, group] of this.table.groups.entries()) {
      if (prose.has(group.spec.name)) plain.set(this.families[i]!.measure(document), group.first);
    }
    return plain;
  }
}
