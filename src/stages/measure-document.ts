/**
 * One document through the signal families: the values of all signals and the first rule that fails.
 *
 * Families without a gate measure every document. Those behind one measure it only while no rule fails, so that an expensive model sees
 * what the cheap rules leave. All of them share one `MeasuredText`.
 *
 * A family that wants many texts at a time stops a document on its way: `begin` brings it there, `scoreTogether` takes all that wait through,
 * `finish` decides. Which texts are scored together depends on the documents handed in alone, not on what ran before or beside.
 */
import type { ContaminationMatch } from '../decontaminate/contamination-signals.ts';
import { type MeasuredText, measureText } from '../text/measure-text.ts';
import type { ColumnScores } from './column-score.ts';
import {
  ContaminationFamily,
  type OpenedFamilies,
  type OpenedFamily,
  openFamilies,
} from './open-families.ts';
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

/** A document on its way through the families. */
export interface BegunDocument {
  readonly text: string;
  readonly url: string | null;
  readonly columnAt: (name: string) => number;
  readonly values: Float64Array;
  readonly labels: (string | null)[];
  measured: number;
  /** The group it waits at; behind the last when it is through. */
  group: number;
  failing: number;
  readonly hasFormulas: boolean;
  contamination: readonly ContaminationMatch[];
}

export class DocumentMeasurer {
  readonly table: SignalTable;
  private readonly families: readonly OpenedFamily[];
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

  /** Whether documents have to be scored together; else `measure` does it all. */
  get scoresTogether(): boolean {
    return this.families.some((family) => 'measureBatch' in family);
  }

  /** `columnAt` answers the input's own numeric columns, for classifiers whose score is in one. */
  measure(text: string, url: string | null, columnAt: (name: string) => number): MeasuredDocument {
    return this.finish(this.begin(text, url, columnAt));
  }

  /** Measures up to the first family that scores documents together, or to the end. */
  begin(text: string, url: string | null, columnAt: (name: string) => number): BegunDocument {
    const document = measureText(text, { math: this.math, url });
    const begun: BegunDocument = {
      text,
      url,
      columnAt,
      values: new Float64Array(this.table.signals.length).fill(Number.NaN),
      labels: [],
      measured: 0,
      group: 0,
      failing: -1,
      hasFormulas: document.mathSpans.length > 0,
      contamination: [],
    };
    this.advance(begun, document);
    begun.contamination = this.contamination?.matches ?? [];
    return begun;
  }

  /** Takes documents past the families that score together. `onBatch` is called before each batch of a model; it may throw. */
  async scoreTogether(documents: readonly BegunDocument[], onBatch: () => void): Promise<void> {
    for (const [i, { first, end }] of this.table.groups.entries()) {
      const family = this.families[i]!;
      if (!('measureBatch' in family)) continue;
      const waiting = documents.filter(({ group }) => group === i);
      if (waiting.length === 0) continue;
      const texts = waiting.map(({ text }) => text);
      const all = await family.measureBatch(texts, onBatch);
      for (const [k, begun] of waiting.entries()) {
        begun.values.set(all.subarray(k * (end - first), (k + 1) * (end - first)), first);
        begun.measured = end;
        begun.group = i + 1;
        this.advance(begun);
      }
    }
  }

  /** The verdict on a document that has been through all families that it reaches. */
  finish(begun: BegunDocument): MeasuredDocument {
    const { text, url, values, labels, measured, contamination } = begun;
    const { table } = this;
    const failing = begun.failing < 0 ? table.decide(values) : begun.failing;
    while (labels.length < table.labels.length) labels.push(null);
    const unmasked =
      this.maskReport && begun.hasFormulas ? this.measureUnmasked(text, url, values) : undefined;
    return { values, measured, labels, failing, unmasked, contamination };
  }

  private advance(begun: BegunDocument, measuredText?: MeasuredText): void {
    const { table, families, scores } = this;
    const { values, labels, text, url } = begun;
    let document = measuredText;
    scores.columnAt = begun.columnAt;
    for (; begun.group < table.groups.length; begun.group++) {
      const group = table.groups[begun.group]!;
      if (group.gated) {
        begun.failing = table.decide(values);
        if (begun.failing >= 0) {
          begun.group = table.groups.length;
          return;
        }
      }
      const family = families[begun.group]!;
      if ('measureBatch' in family) return;
      document ??= measureText(text, { math: this.math, url });
      values.set(family.measure(document), group.first);
      if (family.label !== undefined) labels.push(...family.label(document));
      begun.measured = group.end;
    }
  }

  /** The same document with its formulas in place: only families that look at the masked text are measured again. */
  private measureUnmasked(text: string, url: string | null, values: Float64Array): Float64Array {
    const document = measureText(text, { math: 'plain', url });
    const plain = values.slice();
    for (const [i, group] of this.table.groups.entries()) {
      const family = this.families[i]!;
      if (prose.has(group.spec.name) && 'measure' in family) plain.set(family.measure(document), group.first);
    }
    return plain;
  }
}
