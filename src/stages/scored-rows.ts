/**
 * The rows of one batch with what was found out about them, on the way to the three outputs: signals (all), kept and dropped.
 *
 * Columns added to kept and dropped rows: `text` and `title` where a page was extracted or the text transformed, `text.bytes`, `text.tokens`, labels, one
 * float64 column per signal, one float32 column `margin.<reason>` per reason, and for dropped rows `verdict.reason`, `verdict.signal`,
 * `verdict.value`, `verdict.bound`. The signals output has no text: `id`, `url`, `row`, `text.bytes`, `text.tokens`, `excerpt`, labels, signals.
 */
import type { RecordBatch, Vector } from 'apache-arrow';
import {
  batchFromVectors,
  float32Vector,
  float64Vector,
  gatherRows,
  hasColumn,
  nullableFloat64Vector,
  Utf8Builder,
  utf8Vector,
  withColumns,
} from '../core/batch.ts';
import type { Rule } from '../filters/rule.ts';
import type { BatchText } from './batch-text.ts';
import type { SignalTable } from './signal-table.ts';

export interface ScoredRow {
  row: number;
  id: string;
  url: string | null;
  /** Values of all signals; NaN where not measured or nothing to divide by. */
  values: Float64Array;
  /** How many of them were measured; 0 for blank text. */
  measured: number;
  labels: readonly (string | null)[];
  bytes: number;
  tokens: number;
  excerpt: string;
  /** The text as it is written, where it is not the input's own column. */
  text: string | undefined;
  reason: string | undefined;
  rule: Rule | undefined;
}

type Column = { name: string; vector: Vector };

export class ScoredRows {
  private readonly table: SignalTable;
  private readonly texts: BatchText;
  private readonly keepDropped: boolean;
  private readonly rows: ScoredRow[] = [];

  constructor(table: SignalTable, texts: BatchText, keepDropped: boolean) {
    this.table = table;
    this.texts = texts;
    this.keepDropped = keepDropped;
  }

  add(row: ScoredRow): void {
    this.rows.push(row);
  }

  /** The kept rows; a batch of no rows has no columns to speak of and is not given. */
  keptBatch(): RecordBatch | undefined {
    const kept = this.rows.filter(({ reason }) => reason === undefined);
    return kept.length === 0 ? undefined : this.scored(kept);
  }

  /** The dropped rows, where they are wanted. */
  droppedBatch(): RecordBatch | undefined {
    const dropped = this.keepDropped ? this.rows.filter(({ reason }) => reason !== undefined) : [];
    if (dropped.length === 0) return undefined;
    return withVerdict(
      this.scored(dropped),
      dropped.map((row) => verdictOf(row, this.table)),
    );
  }

  /** All rows without their texts. */
  signalsBatch(): RecordBatch | undefined {
    const { rows, texts } = this;
    if (rows.length === 0) return undefined;
    const { firstRow } = texts.batch.origin;
    const columns: Record<string, Vector> = {
      id: stringColumn(rows.map(({ id }) => id)),
      url: stringColumn(rows.map(({ url }) => url)),
      row: float64Vector(rows.map(({ row }) => firstRow + row)),
      excerpt: stringColumn(rows.map(({ excerpt }) => excerpt)),
    };
    for (const { name, vector } of [...sizes(rows), ...this.measures(rows)]) columns[name] = vector;
    return batchFromVectors(columns);
  }

  private scored(rows: readonly ScoredRow[]): RecordBatch {
    const gathered = gatherRows(
      this.texts.columns(),
      rows.map((row) => row.row),
    );
    const columns: Column[] = [];
    // Either all rows of a batch have a text of their own or none has.
    if (rows[0]!.text !== undefined) {
      columns.push({ name: 'text', vector: stringColumn(rows.map(({ text }) => text ?? null)) });
    }
    if (this.texts.extracts && !hasColumn(gathered, 'title')) {
      columns.push({ name: 'title', vector: stringColumn(rows.map(({ row }) => this.texts.titleAt(row))) });
    }
    columns.push(...sizes(rows), ...this.measures(rows), ...this.margins(rows));
    return withColumns(gathered, columns);
  }

  private measures(rows: readonly ScoredRow[]): Column[] {
    const { labels, signals } = this.table;
    return [
      ...labels.map((name, i) => ({ name, vector: stringColumn(rows.map((row) => row.labels[i] ?? null)) })),
      ...signals.map((name, i) => ({
        name,
        vector: nullableFloat64Vector(
          rows.map(({ values }) => values[i]!),
          (k) => i < rows[k]!.measured,
        ),
      })),
    ];
  }

  private margins(rows: readonly ScoredRow[]): Column[] {
    const margins = rows.map(({ values }) => this.table.margins(values));
    return this.table.reasons.map((reason, i) => ({
      name: `margin.${reason}`,
      vector: float32Vector(margins.map((row) => row[i]!)),
    }));
  }
}

/** Size of the measured text, in UTF-8 bytes and tokens. */
function sizes(rows: readonly ScoredRow[]): Column[] {
  return [
    { name: 'text.bytes', vector: float64Vector(rows.map(({ bytes }) => bytes)) },
    { name: 'text.tokens', vector: float64Vector(rows.map(({ tokens }) => tokens)) },
  ];
}

/** Why a row was dropped, as it is stored. */
export interface VerdictColumns {
  reason: string;
  signal: string | null;
  value: number;
  bound: number;
}

function verdictOf({ reason, rule, values }: ScoredRow, table: SignalTable): VerdictColumns {
  return {
    reason: reason!,
    signal: rule?.signal ?? null,
    value: rule === undefined ? Number.NaN : values[table.signals.indexOf(rule.signal)]!,
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
