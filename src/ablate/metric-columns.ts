/**
 * Metric rows as columns, for files that are kept: a name is written once and not in every row, a column of one value once, a column with few values with its
 * places. Forth and back gives the rows as they were, keys in the order of the columns. Pure.
 */
import { z } from 'zod';
import type { MetricRow } from '../core/record.ts';

const value = z.union([z.number(), z.string()]);
type Value = z.output<typeof value>;

const columnSchema = z.union([
  /** A value for each row, null where it has none. */
  z.array(value.nullable()),
  z.strictObject({ all: value }),
  z.strictObject({ at: z.array(z.int().min(0)), values: z.array(value) }),
]);

export const metricColumnsSchema = z.strictObject({
  rows: z.int().min(0).max(200_000),
  columns: z.record(z.string(), columnSchema),
});
export type MetricColumns = z.output<typeof metricColumnsSchema>;

export function columnsOfRows(rows: readonly MetricRow[]): MetricColumns {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const columns: MetricColumns['columns'] = {};
  for (const name of names) {
    const cells = rows.map((row) => written(row[name]));
    const there = cells.flatMap((cell, i) => (cell === null ? [] : [i]));
    const first = cells[0];
    if (rows.length > 1 && first !== null && first !== undefined && cells.every((cell) => cell === first))
      columns[name] = { all: first };
    else if (there.length < rows.length / 3)
      columns[name] = { at: there, values: there.map((i) => cells[i]!) };
    else columns[name] = cells;
  }
  return { rows: rows.length, columns };
}

/** Throws a RangeError for columns that do not fit together. */
export function rowsOfColumns({ rows: count, columns }: MetricColumns): MetricRow[] {
  const rows = Array.from({ length: count }, (): Record<string, Value> => ({}));
  for (const [name, column] of Object.entries(columns)) {
    if (Array.isArray(column)) {
      if (column.length !== count)
        throw new RangeError(`${name} has ${column.length} values for ${count} rows`);
      for (const [i, cell] of column.entries()) if (cell !== null) rows[i]![name] = read(cell);
    } else if ('all' in column) {
      for (const row of rows) row[name] = read(column.all);
    } else {
      if (column.at.length !== column.values.length)
        throw new RangeError(`${name} has ${column.values.length} values for ${column.at.length} places`);
      for (const [i, at] of column.at.entries()) {
        if (at >= count) throw new RangeError(`${name} has a value for row ${at} of ${count}`);
        rows[at]![name] = read(column.values[i]!);
      }
    }
  }
  return rows.map((row, i) => {
    const { step } = row;
    if (typeof step !== 'number') throw new RangeError(`row ${i} has no step`);
    return { ...row, step };
  });
}

const notFinite = ['NaN', 'Infinity', '-Infinity'];

/** As in metrics.jsonl: JSON has no NaN. */
function written(cell: number | string | undefined): Value | null {
  if (cell === undefined) return null;
  return typeof cell === 'number' && !Number.isFinite(cell) ? String(cell) : cell;
}

function read(cell: Value): Value {
  return typeof cell === 'string' && notFinite.includes(cell) ? Number(cell) : cell;
}
