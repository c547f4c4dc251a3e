/**
 * The documents that go to a language model, one after another: those a filter run kept, or the rows of any files that the project reads,
 * with the batch they lie in, so that what comes back can be written beside their other columns.
 */
import type { RecordBatch } from 'apache-arrow';
import { hasColumn, stringAt } from '../core/batch.ts';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import { type InputSpec, planRead, type ReadPlan, type ReadUnit } from '../io/read-plan.ts';
import { readUnit } from '../io/read-unit.ts';
import { assertReadable } from './assert-readable.ts';
import { BatchText } from './batch-text.ts';
import { keptPages } from './source-texts.ts';
import type { Failure } from './unit-texts.ts';

/** A batch of rows, of which some are on their way to the model. */
export interface JudgeBatch {
  unit: ReadUnit;
  /** Number of the unit in the plan. */
  unitNumber: number;
  /** The columns to be written; pages are left out. */
  records: RecordBatch;
  /** No further row of it will come. */
  rows: number;
}

export interface JudgeDocument {
  id: string;
  text: string;
  batch: JudgeBatch;
  row: number;
}

/** Small, since a batch is held until the last of its documents has come back. */
const batchBytes = 2 * 1024 * 1024;
const unitBytes = 64 * 1024 * 1024;

/** Plans the reading; the folder of a run stands for the documents it kept. Throws when there is nothing to read. */
export async function planJudgeInputs(
  inputs: readonly InputSpec[],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<ReadPlan> {
  const plan = await planRead(
    inputs.map((input) => ({ ...input, path: keptPages(input.path) })),
    {
      unitBytes,
      requireText: true,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  );
  assertReadable(plan, 'give a filter run, or files with a text column');
  return plan;
}

export interface JudgeReading {
  /** Files and parts of files that could not be read. */
  failures: Failure[];
  /** Rows that these held, as far as that is known. */
  unreadable: number;
}

/** Every document of the plan, in its order, at most `limit`. What cannot be read is told in `reading`, and the rest goes on. */
export async function* judgeDocumentsOf(
  plan: ReadPlan,
  reading: JudgeReading,
  options: { limit?: number | undefined; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<JudgeDocument> {
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const fail = (file: string, problem: string, count: number, place?: string): void => {
    reading.unreadable += count;
    reading.failures.push({ file, problem, ...(place === undefined ? {} : { place }) });
  };
  for (const { file, problem, place } of plan.failures) fail(file, problem, 1, place);
  for (const [unitNumber, unit] of plan.units.entries()) {
    try {
      for await (const item of readUnit(unit, { batchBytes })) {
        if (left === 0) return;
        if (item.kind === 'failed') {
          fail(item.file, item.problem, item.count, item.place);
          continue;
        }
        const texts = await BatchText.of(item.batch, false, unit.format);
        const rows = Math.min(left, item.batch.records.numRows);
        left -= rows;
        const batch: JudgeBatch = { unit, unitNumber, records: texts.columns(), rows };
        for (let row = 0; row < rows; row++) {
          yield { id: texts.idAt(row), text: textAt(texts, row, fail, unit), batch, row };
        }
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      fail(error.file, error.problem, 1, error.place);
    }
  }
}

/** A page that cannot be extracted is an empty text, and told. */
function textAt(
  texts: BatchText,
  row: number,
  fail: (file: string, problem: string, count: number, place?: string) => void,
  unit: ReadUnit,
): string {
  try {
    return texts.textAt(row);
  } catch (error) {
    if (error instanceof UserError) throw error;
    fail(unit.file, `cannot be extracted: ${messageOf(error)}`, 0, texts.idAt(row));
    return '';
  }
}

/** The cell of any column as text: numbers and dates are spelled out. */
export function cellAsText({ batch, row }: JudgeDocument, column: string): string | null {
  if (!hasColumn(batch.records, column)) return null;
  const value: unknown = batch.records.getChild(column)?.get(row);
  return value === null || value === undefined ? null : String(value);
}

/** A text column of the batch, where it has one. */
export function cellOf({ batch, row }: JudgeDocument, column: string): string | null {
  return hasColumn(batch.records, column) ? stringAt(batch.records, column, row) : null;
}
