/**
 * What results are collected from: the steps of a grid with their status, records and compact runs, be it the store or an exported file. Reading a run is
 * done once.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRun } from '../io/run-record.ts';
import { parseRollouts } from '../report/parse-rollouts.ts';
import { type CompactRun, compactRun, pathless, withoutPlaces } from './compact-run.ts';
import type { GridStep } from './grid.ts';
import type { StepRecord, StepStore } from './store.ts';

export interface StepSource {
  status(step: GridStep): 'done' | 'failed' | 'not run';
  /** Why it failed. */
  error(step: GridStep): string | undefined;
  /** Of a done step; its summary without places. */
  record(step: GridStep): StepRecord | undefined;
  /** Of a done step of a kind that leaves a run. */
  run(step: GridStep): CompactRun | undefined;
}

/** Where an imported step keeps its small results: beside the folders that doing the step would fill. */
export const importedFolder = 'imported';

/** Steps as they lie in a store. Throws an InputError for a file that is damaged. */
export function storeSource(store: StepStore): StepSource {
  const runs = new Map<string, CompactRun | undefined>();
  return {
    status: ({ id }) => store.status(id),
    error: ({ id }) => {
      const error = store.failure(id)?.error;
      return error === undefined ? undefined : pathless(error, store.root);
    },
    record: ({ id }) => {
      const record = store.record(id);
      return record === undefined
        ? undefined
        : { ...record, summary: withoutPlaces(record.summary, store.root) as Record<string, unknown> };
    },
    run: (step) => {
      if (!runs.has(step.id)) runs.set(step.id, readStepRun(store, step));
      return runs.get(step.id);
    },
  };
}

function readStepRun(store: StepStore, step: GridStep): CompactRun | undefined {
  const record = store.record(step.id);
  if (record === undefined) return undefined;
  const folder =
    record.imported === true ? join(store.folder(step.id), importedFolder) : store.runFolder(step);
  if (folder === undefined || !existsSync(join(folder, 'run.json'))) return undefined;
  const { record: run, metrics } = readRun(folder);
  const rollouts = join(folder, 'rollouts.jsonl');
  return compactRun(
    {
      record: run,
      rows: metrics.filter((row) => row !== null && typeof row === 'object' && typeof row.step === 'number'),
      rollouts: existsSync(rollouts) ? parseRollouts(readFileSync(rollouts, 'utf8')).rows : [],
    },
    { id: step.id, kind: step.kind, reads: step.reads, root: store.root },
  );
}
