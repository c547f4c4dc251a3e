/**
 * Puts the small results of an export into a store, so that a grid goes on elsewhere: each step counts as done and has no weights; a step that the store has
 * done itself stays as it is. Small results lie in `<step>/imported`, beside the folders that doing the step would fill. `step.json` is written last, so a
 * kill leaves whole steps only, and doing it again goes on.
 */
import { join } from 'node:path';
import { InputError } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import type { CompactRun } from './compact-run.ts';
import { gridName } from './grid-file.ts';
import { type ReadExport, readExport } from './read-export.ts';
import { stepId } from './step-key.ts';
import { importedFolder } from './step-source.ts';
import { type StepStore, stepFailureName, stepRecordName } from './store.ts';

export interface Imported {
  name: string;
  /** Steps put into the store, those it had done already, and failures noted. */
  imported: number;
  present: number;
  failed: number;
}

/** Throws an InputError, before anything is written, for an export that does not fit. */
export async function importResults(folder: string, store: StepStore): Promise<Imported> {
  const read = await readExport(folder);
  checkIds(read);
  const out: Imported = { name: read.grid.name, imported: 0, present: 0, failed: 0 };
  for (const { step, record, run, failed } of read.steps) {
    if (store.status(step.id) === 'done') {
      out.present++;
      continue;
    }
    const own = store.folder(step.id);
    if (record === undefined) {
      const failure = { version: 1, id: step.id, error: failed ?? 'no reason was kept' };
      await writeFileAtomic(join(own, stepFailureName), json(failure));
      out.failed++;
      continue;
    }
    if (run !== undefined) await writeRun(join(own, importedFolder), run);
    await writeFileAtomic(join(own, stepRecordName), json(record));
    out.imported++;
  }
  return out;
}

/** An id says what the step is: one that is not the hash of its settings would stand for something else. */
function checkIds({ grid, folder }: ReadExport): void {
  for (const [i, { id, kind, settings, seed }] of grid.steps.entries()) {
    const own = stepId(kind, settings, seed);
    if (own !== id)
      throw new InputError(
        join(folder, gridName),
        `the step ${id} has settings that make it ${own} in this version of midtrain`,
        {
          place: `steps.${i}`,
          hint: 'the export was changed, or made by a version that does this step otherwise; a report of it can still be made, but a grid cannot go on from it',
        },
      );
  }
}

async function writeRun(folder: string, { record, rows, rollouts }: CompactRun): Promise<void> {
  const lines = (list: readonly object[]): string =>
    list.map((row) => `${JSON.stringify(row, nonFinite)}\n`).join('');
  await writeFileAtomic(join(folder, 'metrics.jsonl'), lines(rows));
  if (rollouts.length > 0) await writeFileAtomic(join(folder, 'rollouts.jsonl'), lines(rollouts));
  await writeFileAtomic(join(folder, 'run.json'), json(record));
}

/** As in metrics.jsonl: JSON has no NaN. */
function nonFinite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
