/**
 * The stored signals of a finished filter job, read by column: what `recut` decides on and what `inspect` lists.
 *
 * `signals/<unit>.parquet` has a row for every document that could be read and extracted, in order; row k of the unit is its document
 * `index` k, and documents are numbered through all units in unit order. A value that was not measured (null: behind a gate, or blank text)
 * differs from a ratio over nothing (NaN). Columns of numbers are read by src/io/read-doubles.ts.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { columnData, stringAt } from '../core/batch.ts';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import { openParquet, rowsOf } from '../io/parquet-footer.ts';
import { readRowGroups } from '../io/parquet-read.ts';
import { readRecord } from '../io/run-record.ts';
import type { FilterPlan } from './plan-filter.ts';

export const signalsFolder = 'signals';

export interface SignalUnit {
  name: string;
  /** Null for a unit without documents: it has no file. */
  path: string | null;
  /** Number, through all units, of the unit's first document. */
  first: number;
  rows: number;
  /** Rows of each row group of the file. */
  groups: number[];
}

export interface SignalRun {
  folder: string;
  plan: FilterPlan;
  units: SignalUnit[];
  documents: number;
  /** Columns of the signal files. */
  columns: string[];
}

/** Opens a run folder. Throws a `UserError` when it is no finished filter job or has no stored signals. */
export async function openSignalRun(folder: string): Promise<SignalRun> {
  const plan = readFilterPlan(folder);
  const { status } = readRecord(folder);
  if (status !== 'done') {
    throw new UserError(`${folder}: the job has not finished (its status is ${status})`, {
      hint: 'run the same midtrain filter command again; it goes on where it was',
    });
  }
  if (!existsSync(join(folder, signalsFolder))) {
    throw new UserError(`${folder} has no stored signals (no folder ${signalsFolder}/)`, {
      hint: 'it is from an older version; run midtrain filter into a new folder',
    });
  }
  const units: SignalUnit[] = [];
  let first = 0;
  let columns: string[] = [];
  for (const { name } of plan.units) {
    const path = join(folder, signalsFolder, `${name}.parquet`);
    if (!existsSync(path)) {
      units.push({ name, path: null, first, rows: 0, groups: [] });
      continue;
    }
    const file = await openParquet(path);
    await file.handle.close();
    const groups = file.metadata.row_groups.map(rowsOf);
    const rows = groups.reduce((sum, n) => sum + n, 0);
    if (columns.length === 0) columns = file.columns.map((column) => column.name);
    units.push({ name, path, first, rows, groups });
    first += rows;
  }
  return { folder, plan, units, documents: first, columns };
}

/** What to do with a folder that a subcommand of `classify` wrote; undefined for others. */
export function classifyFolderHint(folder: string): string | undefined {
  if (existsSync(join(folder, 'classifier.json')))
    return 'it is a classifier: look at its evaluation.html, or filter and score with it';
  if (existsSync(join(folder, '.score')))
    return 'it holds scores: "midtrain filter" cuts by them with --model <name>=column:<column>, and its runs can be inspected and reported';
  if (existsSync(join(folder, 'labels.parquet')))
    return 'it holds labels: "midtrain classify train --labels" takes it';
  return undefined;
}

/** The plan of the filter job (or of the recut) that wrote `folder`. */
function readFilterPlan(folder: string): FilterPlan {
  const path = join(folder, 'plan.json');
  if (!existsSync(path)) {
    const jobs = stepsBeside(folder);
    if (jobs.length > 0) {
      throw new UserError(`${folder} is of a pipeline with steps, each of which has signals of its own`, {
        hint: `give the folder of a step: ${jobs.join(', ')}`,
      });
    }
    throw new UserError(`${folder} is not the folder of a filter job: it has no plan.json`, {
      hint:
        classifyFolderHint(folder) ??
        'give the folder that midtrain filter wrote, for example runs/filter-math-web',
    });
  }
  let plan: FilterPlan;
  try {
    plan = JSON.parse(readFileSync(path, 'utf8')) as FilterPlan;
  } catch (error) {
    throw new InputError(path, `not JSON: ${messageOf(error)}`, { cause: error });
  }
  const whole =
    Array.isArray(plan?.units) && Array.isArray(plan.filter?.rules) && typeof plan.hash === 'string';
  if (!whole || plan.units.some(({ name }) => typeof name !== 'string' || /[\\/]|^\.\.?$/.test(name))) {
    throw new InputError(path, 'not the plan of a filter job', {
      hint: 'give the folder that midtrain filter wrote',
    });
  }
  return plan;
}

/** Folders of the filter and score steps when `folder` is that of a pipeline with steps, or lies in one. */
function stepsBeside(folder: string): string[] {
  const root = [folder, dirname(folder)].find((one) => existsSync(join(one, 'steps.json')));
  if (root === undefined) return [];
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter((step) => existsSync(join(step, 'plan.json')));
}

/** Whether `text.tokens` was counted by a tokenizer; else it is estimated as bytes / 4. */
export function tokensAreExact(plan: FilterPlan): boolean {
  return plan.filter.tokenizer !== null && plan.filter.tokenizer !== undefined;
}

/** A document as the signal file describes it. */
interface DocumentRow {
  index: number;
  id: string;
  url: string | null;
  excerpt: string;
  /** Values asked for, by name; null when not measured. */
  values: Record<string, number | null>;
}

/** Some documents of one unit, by ascending index. Reads the row groups that hold them and no more. */
export async function readDocumentRows(
  unit: SignalUnit,
  indices: readonly number[],
  signals: readonly string[],
): Promise<DocumentRow[]> {
  if (unit.path === null || indices.length === 0) return [];
  const found: DocumentRow[] = [];
  const only = ['id', 'url', 'excerpt', ...signals];
  const file = await openParquet(unit.path);
  try {
    let next = 0;
    let first = 0;
    for (const [group, rows] of unit.groups.entries()) {
      const end = first + rows;
      if (next < indices.length && indices[next]! < end) {
        for await (const item of readRowGroups(file, [group, group + 1], { only, batchBytes: 4 << 20 })) {
          if (item.kind === 'failed') {
            throw new InputError(unit.path, item.problem, { place: `row group ${item.rowGroup}` });
          }
          const { records, firstRow } = item;
          for (; next < indices.length && indices[next]! < firstRow + records.numRows; next++) {
            found.push(documentRow(records, indices[next]! - firstRow, indices[next]!, signals));
          }
          if (next === indices.length || indices[next]! >= end) break;
        }
      }
      first = end;
    }
    return found;
  } finally {
    await file.handle.close();
  }
}

function documentRow(
  records: RecordBatch,
  row: number,
  index: number,
  signals: readonly string[],
): DocumentRow {
  const values: DocumentRow['values'] = {};
  for (const name of signals) {
    const column = columnData(records, name);
    values[name] = column.getValid(row) ? Number((column.values as ArrayLike<number>)[row]) : null;
  }
  return {
    index,
    id: stringAt(records, 'id', row) ?? '',
    url: stringAt(records, 'url', row),
    excerpt: stringAt(records, 'excerpt', row) ?? '',
    values,
  };
}
