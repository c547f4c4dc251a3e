/**
 * One unit of `classify score`: every document with its score as a column, and nothing dropped.
 *
 * Columns of the input are carried as they are; texts of pages are extracted as `filter` extracts them. The score is a float64 column,
 * `int_score` (regressors) an int32 one; a document whose page cannot be extracted has no row and is counted. Memory: one batch.
 */
import { mkdir } from 'node:fs/promises';
import { intScore } from '../../classifiers/regressor/int-score.ts';
import {
  type DocumentBatch,
  float64Vector,
  gatherRows,
  hasColumn,
  int32Vector,
  selectColumns,
  utf8Vector,
  withColumns,
} from '../core/batch.ts';
import { InputError, InterruptedError, messageOf, UserError } from '../core/errors.ts';
import { count, emptyLedger, type Ledger } from '../core/ledger.ts';
import { documentInputColumns } from '../io/document-columns.ts';
import type { ReadUnit } from '../io/read-plan.ts';
import { readUnit } from '../io/read-unit.ts';
import { BatchText } from './batch-text.ts';
import { type OpenedScorer, openScorer, type ScorerSpec } from './classify-scorer.ts';
import { UnitOutput } from './unit-output.ts';
import type { UnitProgress } from './unit-progress.ts';
import { type Failure, failuresListed, type OutputFile } from './unit-report.ts';

export interface ScoreTask {
  unit: ReadUnit;
  /** The unit's name in output paths. */
  name: string;
  folder: string;
  scorer: ScorerSpec;
  /** Name of the column of scores; of int_score `int_<column>`. */
  column: string;
  /** Write id, url, source and the scores only. */
  scoresOnly: boolean;
}

export interface ScoredUnit {
  ledger: Ledger;
  failures: Failure[];
  outputs: OutputFile[];
  /** Documents that score at least the classifier's threshold; 0 where it has none. */
  positive: number;
  /** False when part of the input was lost, so that a rerun tries this unit again. */
  complete: boolean;
}

/** A batch's texts and its copy with new columns are in memory, once per worker. */
const batchBytes = 4 * 1024 * 1024;

/** Opened once a thread. */
let opened: { key: string; scorer: Promise<OpenedScorer> } | undefined;

export async function scoreUnit(
  task: ScoreTask,
  progress: UnitProgress,
  skip: Readonly<Record<number, string>> = {},
): Promise<ScoredUnit> {
  const { unit, folder, name, scorer } = task;
  await mkdir(folder, { recursive: true });
  const key = JSON.stringify(scorer);
  if (opened?.key !== key) opened = { key, scorer: openScorer(scorer) };
  const open = await opened.scorer;
  progress.beat();
  const output = new UnitOutput(folder, name, {});
  const report: ScoredUnit = {
    ledger: emptyLedger(),
    failures: [],
    outputs: [],
    positive: 0,
    complete: true,
  };
  const fail = (failure: Failure): void => {
    if (report.failures.length < failuresListed) report.failures.push(failure);
  };
  let ordinal = 0;
  try {
    try {
      const only = task.scoresOnly ? { only: documentInputColumns(unit.columns) } : {};
      const options = { batchBytes, once: true, hub: { beat: () => progress.beat() }, ...only };
      for await (const item of readUnit(unit, options)) {
        if (progress.stopRequested) throw new InterruptedError();
        if (item.kind === 'failed') {
          report.ledger.in += item.count;
          count(report.ledger.failed, item.reason, item.count);
          fail({ file: item.file, place: item.place, problem: item.problem });
          continue;
        }
        await scoreBatch(item.batch, task, open, { output, report, fail, progress, skip, first: ordinal });
        ordinal += item.batch.records.numRows;
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      report.ledger.in++;
      count(report.ledger.failed, 'unreadable');
      report.complete = false;
      fail({
        file: error.file,
        problem: error.problem,
        ...(error.place === undefined ? {} : { place: error.place }),
      });
    }
    report.outputs = await output.finish();
    return report;
  } catch (error) {
    await output.abort();
    throw error;
  }
}

interface BatchContext {
  output: UnitOutput;
  report: ScoredUnit;
  fail(failure: Failure): void;
  progress: UnitProgress;
  skip: Readonly<Record<number, string>>;
  /** Ordinal in the unit of row 0. */
  first: number;
}

/** Scores of somebody else, or the labels that a judge gave, are not replaced. */
function refuseColumn({ records, origin }: DocumentBatch, { column, scorer, scoresOnly }: ScoreTask): void {
  if (scoresOnly) return;
  const names = scorer.kind === 'regressor' ? [column, `int_${column}`] : [column];
  const there = names.find((name) => hasColumn(records, name));
  if (there === undefined) return;
  throw new UserError(`${origin.file} has a column ${there} already`, {
    hint: `give the scores another name: --name model_${column}`,
  });
}

async function scoreBatch(
  batch: DocumentBatch,
  task: ScoreTask,
  scorer: OpenedScorer,
  { output, report, fail, progress, skip, first }: BatchContext,
): Promise<void> {
  refuseColumn(batch, task);
  const texts = await BatchText.of(batch, null, task.unit.format);
  const { numRows } = batch.records;
  const rows: number[] = [];
  const read: string[] = [];
  const scores: number[] = [];
  let waiting: string[] = [];
  const flush = async (): Promise<void> => {
    scores.push(...(await scorer.score(waiting)));
    for (const text of waiting) progress.end(text.length, true);
    waiting = [];
  };
  for (let row = 0; row < numRows; row++) {
    if (progress.stopRequested) throw new InterruptedError();
    report.ledger.in++;
    const place = `row ${batch.origin.firstRow + row}`;
    if (skip[first + row] !== undefined) {
      count(report.ledger.failed, 'worker_died');
      fail({ file: batch.origin.file, place, problem: skip[first + row]! });
      continue;
    }
    progress.begin(first + row);
    let text: string;
    try {
      text = texts.textAt(row);
    } catch (error) {
      count(report.ledger.failed, 'extraction_failed');
      fail({ file: batch.origin.file, place, problem: messageOf(error) });
      continue;
    }
    rows.push(row);
    if (texts.extracts) read.push(text);
    waiting.push(text);
    if (waiting.length >= scorer.batchSize) await flush();
  }
  await flush();
  report.ledger.kept += rows.length;
  const { threshold } = task.scorer;
  if (threshold !== null) for (const score of scores) if (score >= threshold) report.positive++;
  if (rows.length === 0) return;
  const whole = texts.columns();
  let records = rows.length === numRows ? whole : gatherRows(whole, rows);
  if (task.scoresOnly) records = selectColumns(records, ['id', 'url', 'source']);
  const columns = [{ name: task.column, vector: float64Vector(scores), nullable: false }];
  await output.write(
    withColumns(records, [
      ...(texts.extracts && !task.scoresOnly ? [{ name: 'text', vector: utf8Vector(read) }] : []),
      ...columns,
      ...(task.scorer.kind === 'regressor'
        ? [{ name: `int_${task.column}`, vector: int32Vector(scores.map(intScore)), nullable: false }]
        : []),
    ]),
  );
  progress.beat();
}
