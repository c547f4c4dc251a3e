/**
 * The end of the dedup barrier: of each cluster one document stays, chosen among those that no rule and no earlier step dropped.
 *
 * Step by step in the pipeline's order: the members of clusters that still survive are ranked by the step's priority, then by their place
 * in the job, and all but the best are dropped. Memory: a bit per document, and 24 bytes per document that is in a cluster.
 */
import { join } from 'node:path';
import { InputError, InterruptedError, invariant, UserError } from '../core/errors.ts';
import { emptyLedger, type Ledger } from '../core/ledger.ts';
import { readClusterFile } from '../dedup/cluster-file.ts';
import { keepBest } from '../dedup/keep-best.ts';
import { AtomicFile } from '../io/atomic.ts';
import { readDoubles } from '../io/read-doubles.ts';
import { type BitList, readBitFile } from './bit-list.ts';
import { prioritySign, prioritySignal } from './copy-priority.ts';
import { dropListPath, encodeDropList } from './drop-list.ts';
import { duplicateReason } from './duplicate-reason.ts';
import type { DedupStep } from './resolved-filter.ts';
import { survivorsPath } from './run-layout.ts';
import { clustersPath } from './unit-clusters.ts';
import type { UnitProgress } from './unit-progress.ts';
import type { OutputFile } from './unit-report.ts';

export interface ChooseTask {
  folder: string;
  steps: DedupStep[];
  /** In unit order. `signals` are the unit's files of that folder. */
  units: { name: string; documents: number; signals: string[] }[];
}

export interface ChosenCopies {
  /** Drop lists, in unit order. */
  lists: OutputFile[];
  /** One ledger per step: in = survivors before it. */
  ledgers: Ledger[];
}

/** Documents in clusters of two or more, as parallel arrays in (unit, index) order. */
interface ClusteredDocuments {
  cluster: Float64Array;
  unit: Uint32Array;
  index: Uint32Array;
  /** The highest stays. */
  priority: Float64Array;
}

export async function chooseCopies(task: ChooseTask, progress: UnitProgress): Promise<ChosenCopies> {
  const { folder, units, steps } = task;
  const survivors = units.map(({ name, documents }) =>
    readBitFile(join(folder, survivorsPath(name)), documents),
  );
  const drops = units.map(() => [] as { index: number; step: number }[]);
  const ledgers: Ledger[] = [];
  let left = survivors.reduce((sum, bits) => sum + bits.count(), 0);
  for (const [at, step] of steps.entries()) {
    if (progress.stopRequested) throw new InterruptedError();
    const documents = await clusteredOf(task, step, progress);
    const drop = keepBest(documents, survivalOf(documents, survivors));
    let dropped = 0;
    for (let i = 0; i < drop.length; i++) {
      if (drop[i] === 0) continue;
      const unit = documents.unit[i]!;
      const index = documents.index[i]!;
      survivors[unit]!.clear(index);
      drops[unit]!.push({ index, step: at });
      dropped++;
    }
    ledgers.push(ledgerOf(left, dropped, duplicateReason(step.name)));
    left -= dropped;
    progress.beat();
  }
  if (progress.stopRequested) throw new InterruptedError();
  const lists: OutputFile[] = [];
  for (const [i, { name }] of units.entries()) {
    const sorted = drops[i]!.sort((a, b) => a.index - b.index);
    const path = dropListPath(name);
    const file = await AtomicFile.create(join(folder, path));
    await file.write(encodeDropList(sorted));
    lists.push({ path, rows: sorted.length, ...(await file.commit()) });
    progress.beat();
  }
  return { lists, ledgers };
}

/** All documents in clusters of two or more, with the step's priority, in (unit, index) order. */
async function clusteredOf(
  task: ChooseTask,
  step: DedupStep,
  progress: UnitProgress,
): Promise<ClusteredDocuments> {
  const parts: { unit: number; index: Uint32Array; cluster: Float64Array; priority: Float64Array }[] = [];
  let total = 0;
  for (const [unit, { name, signals }] of task.units.entries()) {
    const { index, cluster } = await readClusterFile(join(task.folder, clustersPath(step.name, name)));
    const priority = await prioritiesOf(task.folder, step, signals, index);
    parts.push({ unit, index, cluster, priority });
    total += index.length;
    progress.beat();
  }
  const documents = {
    cluster: new Float64Array(total),
    unit: new Uint32Array(total),
    index: new Uint32Array(total),
    priority: new Float64Array(total),
  };
  let at = 0;
  for (const part of parts) {
    documents.cluster.set(part.cluster, at);
    documents.index.set(part.index, at);
    documents.priority.set(part.priority, at);
    documents.unit.fill(part.unit, at, at + part.index.length);
    at += part.index.length;
  }
  return documents;
}

/** Higher stays. The first document is what remains when all are equal. */
async function prioritiesOf(
  folder: string,
  { keep }: DedupStep,
  signals: readonly string[],
  index: Uint32Array,
): Promise<Float64Array> {
  const signal = prioritySignal(keep);
  const priorities = new Float64Array(index.length);
  if (signal === null || index.length === 0) return priorities;
  const sign = prioritySign(keep);
  let first = 0; // document of the file's row 0
  let next = 0; // place in `index`, which is ascending
  for (const path of signals) {
    const values = await columnOf(join(folder, path), signal);
    for (; next < index.length && index[next]! < first + values.length; next++) {
      priorities[next] = sign * values[index[next]! - first]!;
    }
    first += values.length;
  }
  invariant(next === index.length, `document ${index[next]} of a cluster is beyond the end of its signals`);
  return priorities;
}

async function columnOf(path: string, signal: string): Promise<Float64Array> {
  try {
    const { values } = await readDoubles(path, [0, Number.POSITIVE_INFINITY], [signal]);
    return values[0]!;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    // No unit can be finished without it, so the job ends; an InputError would be one unit's trouble.
    throw new UserError(`${path}: ${error.place ?? 'the file'} cannot be read back: ${error.problem}`, {
      hint: 'the disk may be failing; run again with --fresh or another --out',
      cause: error,
    });
  }
}

function survivalOf(documents: ClusteredDocuments, survivors: readonly BitList[]): Uint8Array {
  const survives = new Uint8Array(documents.index.length);
  for (let i = 0; i < survives.length; i++) {
    if (survivors[documents.unit[i]!]!.get(documents.index[i]!)) survives[i] = 1;
  }
  return survives;
}

function ledgerOf(survivors: number, dropped: number, reason: string): Ledger {
  return {
    ...emptyLedger(),
    in: survivors,
    kept: survivors - dropped,
    dropped: dropped === 0 ? {} : { [reason]: dropped },
  };
}
