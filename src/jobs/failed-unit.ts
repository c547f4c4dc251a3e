/** What stands in for the first pass of a unit that was given up: all its documents failed; one where the plan does not know how many. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import { SignatureWriters } from '../stages/dedup-signatures.ts';
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { PlannedUnit } from '../stages/plan-filter.ts';
import type { ResolvedFilter } from '../stages/resolved-filter.ts';
import { folders, survivorsPath } from '../stages/run-layout.ts';
import { SignalTable } from '../stages/signal-table.ts';
import { emptyReport } from '../stages/unit-report.ts';

/** Writes empty signature files in the unit's place and removes what an earlier try left. `most`: documents the job's limit leaves. */
export async function failedUnit(
  folder: string,
  unit: PlannedUnit,
  filter: ResolvedFilter,
  problem: string,
  most: number,
): Promise<MeasuredUnit> {
  const report = emptyReport(new SignalTable(filter).signals, filter.rules.length);
  const documents = Math.min(unit.read.rows ?? 1, most);
  report.ledger.in = documents;
  report.ledger.failed = { unit_failed: documents };
  report.failures = [{ file: unit.read.file, place: `unit ${unit.name}`, problem }];
  report.complete = false;
  const path = survivorsPath(unit.name);
  await writeFileAtomic(join(folder, path), new Uint8Array());
  for (const sub of [folders.dropped, folders.signals]) {
    await rm(join(folder, sub, `${unit.name}.parquet`), { force: true });
  }
  await rm(join(folder, folders.contamination, `${unit.name}.jsonl`), { force: true });
  return {
    report,
    documents: 0,
    candidates: [],
    outputs: [],
    signatures: await new SignatureWriters(folder, unit.name, filter.dedup).finish(),
    survivors: { path, rows: 0, bytes: 0, sha256: createHash('sha256').digest('hex') },
  };
}
