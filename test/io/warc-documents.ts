/**
 * A WARC file through the reader: its documents, what was tallied, and what went wrong, for tests.
 */
import { expect } from 'vitest';
import { stringAt } from '../../src/core/batch.ts';
import { InputError } from '../../src/core/errors.ts';
import {
  type InputSpec,
  type PlanReadOptions,
  planRead,
  type ReadPlan,
  type ReadTally,
} from '../../src/io/read-plan.ts';
import { type ReadUnitOptions, readUnit } from '../../src/io/read-unit.ts';

interface Document {
  id: string | null;
  url: string | null;
  date: string | null;
  text: string | null;
  row: number;
}
export interface Result {
  plan: ReadPlan;
  documents: Document[];
  problems: string[];
  errors: string[];
  tally: ReadTally;
}

export async function readPath(
  path: string,
  planOptions: PlanReadOptions = {},
  options: ReadUnitOptions = {},
  spec: Partial<InputSpec> = {},
): Promise<Result> {
  const plan = await planRead([{ path, ...spec }], planOptions);
  const result: Result = {
    plan,
    documents: [],
    problems: [],
    errors: [],
    tally: { skipped: {}, repaired: 0 },
  };
  for (const unit of plan.units) {
    try {
      for await (const item of readUnit(unit, { ...options, tally: result.tally })) {
        if (item.kind === 'failed') {
          result.problems.push(item.problem);
          continue;
        }
        const { records, origin } = item.batch;
        const text = unit.format === 'wet' ? 'text' : 'html';
        for (let row = 0; row < records.numRows; row++) {
          const [id, url, date] = ['id', 'url', 'date'].map((name) => stringAt(records, name, row));
          result.documents.push({
            id: id!,
            url: url!,
            date: date!,
            text: stringAt(records, text, row),
            row: origin.firstRow + row,
          });
        }
      }
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      result.errors.push((error as Error).message);
    }
  }
  return result;
}
