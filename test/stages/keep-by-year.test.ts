/** Bounds by year: each document against the bound of its own, and every one in the ledger. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { batchFromVectors, nullableFloat64Vector, utf8Vector } from '../../src/core/batch.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { planRead } from '../../src/io/read-plan.ts';
import { readDocuments } from '../../src/stages/classify-documents.ts';
import { keepByYear } from '../../src/stages/keep-by-year.ts';
import { scratchFolder } from '../io/scratch.ts';

const scratch = scratchFolder();

it('keeps what reaches the bound of its year', async () => {
  const rows: [id: string, date: string | null, score: number | null][] = [
    ['new and good', '2023-01-05', 3],
    ['new and bad', '2024-06-01', 2.9],
    ['old and good', '2015-03-01', 4],
    ['old and fair', '2022-12-31', 3.9],
    ['no year, fair', null, 3.5],
    ['no year, good', null, 4.5],
    ['no score', '2023-01-01', null],
  ];
  const records = batchFromVectors({
    id: utf8Vector(rows.map(([id]) => id)),
    text: utf8Vector(rows.map(([id]) => id)),
    date: utf8Vector(rows.map(([, date]) => date)),
    'classifier.best': nullableFloat64Vector(
      rows.map(([, , score]) => score ?? 0),
      (row) => rows[row]![2] !== null,
    ),
  });
  const file = join(scratch, 'a.parquet');
  const output = new ParquetOutput(file, records.schema);
  await output.write(records);
  await output.finish();
  const out = join(scratch, 'by-year');
  const { ledger, outputs } = await keepByYear({
    files: [file],
    signal: 'classifier.best',
    bounds: { default: 4, 2023: 3, 2024: 3 },
    reason: 'low_score',
    out,
  });
  expect(ledger).toEqual({ in: 7, kept: 3, dropped: { low_score: 4 }, failed: {} });
  expect(outputs).toMatchObject([{ path: 'a.parquet', rows: 3 }]);
  const { units } = await planRead([{ path: out }]);
  const kept: string[] = [];
  const tally = { ledger: { in: 0, kept: 0, dropped: {}, failed: {} }, failures: [], columns: [] };
  for await (const { id } of readDocuments(units, tally)) kept.push(id);
  expect(kept).toEqual(['new and good', 'old and good', 'no year, good']);
  // A missing score is no score of 0: it reaches no bound.
  const lowest = await keepByYear({
    files: [file],
    signal: 'classifier.best',
    bounds: { default: -1 },
    reason: 'low_score',
    out: join(scratch, 'any-score'),
  });
  expect(lowest.ledger).toEqual({ in: 7, kept: 6, dropped: { low_score: 1 }, failed: {} });
});
