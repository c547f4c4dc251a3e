/**
 * The rows of one batch with what was found out about them, on the way to the two outputs: kept and dropped.
 *
 * Columns added: `text` and `title` where a page was extracted, one float64 column per signal, `dedup.exact` (the signature as
 * hex, null for blank text), and for dropped rows `verdict.reason`, `verdict.signal`, `verdict.value`, `verdict.bound`.
 */
import type { RecordBatch, Vector } from 'apache-arrow';
import { float64Vector, gatherRows, hasColumn, Utf8Builder, utf8Vector, withColumns } from '../core/batch.ts';
import type { Rule } from '../filters/rule.ts';
import type { BatchText } from './batch-text.ts';
import type { DocumentMeasurer } from './measure-document.ts';

interface ScoredRow {
  row: number;
  /** Undefined for blank text, which has no measures. */
  values: Float64Array | undefined;
  signature: string | null;
  reason: string | undefined;
  rule: Rule | undefined;
}

export class ScoredRows {
  private readonly measurer: DocumentMeasurer;
  private readonly texts: BatchText;
  private readonly keepDropped: boolean;
  private readonly kept: ScoredRow[] = [];
  private readonly dropped: ScoredRow[] = [];

  constructor(measurer: DocumentMeasurer, texts: BatchText, keepDropped: boolean) {
    this.measurer = measurer;
    this.texts = texts;
    this.keepDropped = keepDropped;
  }

  get keptCount(): number {
    return this.kept.length;
  }

  add(
    row: number,
    values: Float64Array | undefined,
    signature: string | null,
    reason: string | undefined,
    rule: Rule | undefined,
  ): void {
    if (reason === undefined) this.kept.push({ row, values, signature, reason, rule });
    else if (this.keepDropped) this.dropped.push({ row, values, signature, reason, rule });
  }

  /** The kept rows; a batch of no rows has no columns to speak of and is not given. */
  keptBatch(): RecordBatch | undefined {
    return this.kept.length === 0 ? undefined : this.scored(this.kept);
  }

  /** The dropped rows, where they are wanted. */
  droppedBatch(): RecordBatch | undefined {
    if (this.dropped.length === 0) return undefined;
    return withVerdict(
      this.scored(this.dropped),
      this.dropped.map((row) => verdictOf(row, this.measurer)),
    );
  }

  private scored(rows: readonly ScoredRow[]): RecordBatch {
    const gathered = gatherRows(
      this.texts.columns(),
      rows.map((row) => row.row),
    );
    const columns: { name: string; vector: Vector }[] = [];
    if (this.texts.extracts) {
      const { extracted } = this.texts;
      columns.push({
        name: 'text',
        vector: stringColumn(rows.map(({ row }) => extracted[row]?.text ?? null)),
      });
      if (!hasColumn(gathered, 'title')) {
        columns.push({
          name: 'title',
          vector: stringColumn(rows.map(({ row }) => extracted[row]?.title ?? null)),
        });
      }
    }
    this.measurer.signals.forEach((name, i) => {
      columns.push({ name, vector: float64Vector(rows.map(({ values }) => values?.[i] ?? Number.NaN)) });
    });
    columns.push({ name: 'dedup.exact', vector: stringColumn(rows.map(({ signature }) => signature)) });
    return withColumns(gathered, columns);
  }
}

/** Why a row was dropped, as it is stored. */
export interface VerdictColumns {
  reason: string;
  signal: string | null;
  value: number;
  bound: number;
}

function verdictOf({ reason, rule, values }: ScoredRow, measurer: DocumentMeasurer): VerdictColumns {
  return {
    reason: reason!,
    signal: rule?.signal ?? null,
    value: rule === undefined ? Number.NaN : values![measurer.signals.indexOf(rule.signal)]!,
    bound: rule?.bound ?? Number.NaN,
  };
}

/** Adds the verdict columns to dropped rows. */
export function withVerdict(records: RecordBatch, verdicts: readonly VerdictColumns[]): RecordBatch {
  return withColumns(records, [
    { name: 'verdict.reason', vector: utf8Vector(verdicts.map((verdict) => verdict.reason)) },
    { name: 'verdict.signal', vector: utf8Vector(verdicts.map((verdict) => verdict.signal)) },
    { name: 'verdict.value', vector: float64Vector(verdicts.map((verdict) => verdict.value)) },
    { name: 'verdict.bound', vector: float64Vector(verdicts.map((verdict) => verdict.bound)) },
  ]);
}

function stringColumn(values: readonly (string | null)[]): Vector {
  const builder = new Utf8Builder(
    values.length,
    values.reduce((sum, value) => sum + (value?.length ?? 0), 0),
  );
  for (const value of values) builder.append(value);
  return builder.finish();
}
