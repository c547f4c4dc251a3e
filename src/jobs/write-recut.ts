/**
 * `recut --write`: a new run folder with the documents that the new thresholds keep, as a filter job with these thresholds would leave it.
 *
 * kept/ (and dropped/ on request), signals/ and the duplicate clusters of the run (linked, else copied), plan.json with the new rules,
 * ledger.json and run.json: so `mix` takes it as a source, `inspect` shows it and `recut` can be run on it again. Everything is written to
 * `<out>.partial` and renamed when whole; a killed one is begun anew by the next call. The inputs are only read where a text is needed
 * that neither kept/ nor dropped/ of the run has.
 */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { InterruptedError, UserError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { initHash64 } from '../core/hash64.ts';
import { emptyLedger, type Ledger, mergeLedgers } from '../core/ledger.ts';
import { syncFolder, writeFileAtomic } from '../io/atomic.ts';
import { readRecord, startRun } from '../io/run-record.ts';
import { duplicateReason } from '../stages/duplicate-reason.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { Recut } from '../stages/recut.ts';
import type { StepClusters } from '../stages/recut-copies.ts';
import { kindOf, outcomes } from '../stages/recut-decide.ts';
import { recutUnit } from '../stages/recut-unit.ts';
import { signalsFolder } from '../stages/run-signals.ts';
import { SignalTable } from '../stages/signal-table.ts';
import { clustersPath } from '../stages/unit-clusters.ts';
import { emptyReport, type OutputFile, type UnitReport } from '../stages/unit-report.ts';
import type { BarrierResult } from './dedup-markers.ts';
import { summarise } from './summary.ts';

export interface WriteRecutOptions {
  /** The folder to make; must not exist, or be empty. */
  out: string;
  /** Also write the dropped documents, with the reason. */
  dropped?: boolean;
  emit?: Emit;
  signal?: AbortSignal;
}

export interface WrittenRecut {
  folder: string;
  documents: number;
  /** Files in kept/. */
  files: number;
  /** Documents whose text was read again from the inputs. */
  readAgain: number;
}

/** Says that a `.partial` folder is ours to delete. */
const partialMarker = '.midtrain-recut';

/** Writes a recut. Throws a `UserError` when `out` is taken or texts are missing, `InterruptedError` when stopped; `out` is then not there. */
export async function writeRecut(recut: Recut, options: WriteRecutOptions): Promise<WrittenRecut> {
  const out = resolve(options.out);
  const emit = options.emit ?? silent;
  const { run, decided } = recut;
  checkOut(out, run.folder);
  await initHash64();
  const plan = planOf(recut, options.dropped === true);
  const partial = makePartial(out);
  try {
    const record = startRun(partial, {
      command: 'filter',
      name: plan.name,
      config: { recut: run.folder, filter: plan.filter },
      fingerprint: plan.hash,
      inputs: plan.inputs,
      parents: [resolve(run.folder)],
    });
    await writeFileAtomic(join(partial, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
    mkdirSync(join(partial, 'kept'), { recursive: true });
    const began = performance.now();
    const task = `recut ${plan.name}`;
    emit({ kind: 'start', task, total: run.documents, unit: 'documents' });
    const reports: UnitReport[] = [];
    const outputs: OutputFile[] = [];
    const { signals } = new SignalTable(plan.filter);
    let readAgain = 0;
    for (const [i, unit] of run.units.entries()) {
      if (options.signal?.aborted === true) throw new InterruptedError();
      carryOver(run.folder, partial, plan, unit.name);
      const end = unit.first + unit.rows;
      if (unit.path === null) {
        reports.push(withFailures(run.folder, unit.name, emptyReport(signals, plan.filter.rules.length)));
      } else {
        const written = await recutUnit(
          {
            folder: run.folder,
            out: partial,
            name: unit.name,
            read: plan.units[i]!.read,
            filter: plan.filter,
            signals: unit.path,
            firstDocument: unit.first,
            before: decided.before.subarray(unit.first, end),
            after: decided.after.subarray(unit.first, end),
          },
          options.signal,
        );
        reports.push(withFailures(run.folder, unit.name, written.report));
        outputs.push(...written.outputs);
        readAgain += written.readAgain;
      }
      emit({ kind: 'progress', task, done: end, total: run.documents, unit: 'documents' });
    }
    const seconds = (performance.now() - began) / 1000;
    emit({ kind: 'end', task, done: run.documents, unit: 'documents', seconds });
    const kept = outputs.filter(({ path }) => path.startsWith('kept'));
    const bytesOut = kept.reduce((sum, { bytes }) => sum + bytes, 0);
    const summary = summarise(plan, reports, { steps: dedupSteps(recut) }, bytesOut);
    await writeFileAtomic(
      join(partial, 'ledger.json'),
      `${JSON.stringify({ ...summary.ledger, stages: summary.stages, bySource: summary.bySource }, null, 2)}\n`,
    );
    for (const name of ['contamination.jsonl', 'contamination.json']) linkOrCopy(run.folder, partial, name);
    const { contamination } = readRecord(run.folder).summary;
    const found = contamination === undefined ? {} : { contamination };
    record.finish('done', {
      ...found,
      ...summary,
      documentsPerSecond: 0,
      megabytesPerSecond: 0,
      workers: 1,
    });
    rmSync(join(partial, partialMarker));
    if (existsSync(out)) rmSync(out, { recursive: true });
    renameSync(partial, out);
    syncFolder(dirname(out));
    return { folder: out, documents: summary.ledger.kept, files: kept.length, readAgain };
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

function checkOut(out: string, run: string): void {
  if (out === resolve(run)) {
    throw new UserError(`${out} is the run itself`, { hint: 'give --write another folder' });
  }
  if (existsSync(out) && readdirSync(out).length > 0) {
    throw new UserError(`${out} is there already and not empty`, {
      hint: 'give --write a folder that does not exist; nothing is overwritten',
    });
  }
}

function makePartial(out: string): string {
  const partial = `${out}.partial`;
  if (existsSync(partial)) {
    if (!existsSync(join(partial, partialMarker))) {
      throw new UserError(`${partial} is in the way: it is no folder that a killed recut left`, {
        hint: 'move it away, or give --write another folder',
      });
    }
    rmSync(partial, { recursive: true });
  }
  mkdirSync(partial, { recursive: true });
  writeFileSync(join(partial, partialMarker), '');
  return partial;
}

/** The plan of the run with the new rules. */
function planOf({ run, rules }: Recut, dropped: boolean): FilterPlan {
  const { hash: recutOf, version, command, ...rest } = run.plan;
  const body = { ...rest, filter: { ...rest.filter, rules, dropped }, recutOf };
  return { version, command, hash: fingerprint(body), ...body };
}

/** Stored signals, clusters and benchmark matches do not change with the thresholds. */
function carryOver(from: string, to: string, plan: FilterPlan, unit: string): void {
  const paths = [
    join(signalsFolder, `${unit}.parquet`),
    join('contamination', `${unit}.jsonl`),
    ...plan.filter.dedup.map(({ name }) => clustersPath(name, unit)),
  ];
  for (const path of paths) {
    linkOrCopy(from, to, path);
  }
}

function linkOrCopy(from: string, to: string, path: string): void {
  if (!existsSync(join(from, path))) return;
  mkdirSync(dirname(join(to, path)), { recursive: true });
  try {
    linkSync(join(from, path), join(to, path));
  } catch {
    copyFileSync(join(from, path), join(to, path));
  }
}

/** What the run could not read is still not read. */
function withFailures(folder: string, unit: string, report: UnitReport): UnitReport {
  const path = join(folder, 'units', `${unit}.ledger.json`);
  if (!existsSync(path)) return report;
  const { ledger, failures, complete } = JSON.parse(readFileSync(path, 'utf8')) as UnitReport;
  const failed: Ledger = { ...emptyLedger(), failed: ledger.failed };
  failed.in = Object.values(ledger.failed).reduce((sum, n) => sum + n, 0);
  return { ...report, ledger: mergeLedgers([report.ledger, failed]), failures, complete };
}

/** What each dedup step found and dropped. */
function dedupSteps({ decided, copies }: Recut): BarrierResult['steps'] {
  let left = 0;
  for (const outcome of decided.after) if (outcome < 0 || kindOf(outcome) === 'duplicate') left++;
  return copies.steps.map((step, s) => {
    let dropped = 0;
    for (const document of step.document) if (decided.after[document] === outcomes.duplicate + s) dropped++;
    const ledger: Ledger = {
      ...emptyLedger(),
      in: left,
      kept: left - dropped,
      dropped: dropped === 0 ? {} : { [duplicateReason(step.name)]: dropped },
    };
    left -= dropped;
    return { name: step.name, ledger, ...sizesOf(step) };
  });
}

function sizesOf({ cluster }: StepClusters): { clusters: number; members: number; largest: number } {
  const sizes = new Map<number, number>();
  for (const id of cluster) sizes.set(id, (sizes.get(id) ?? 0) + 1);
  let largest = 0;
  for (const size of sizes.values()) largest = Math.max(largest, size);
  return { clusters: sizes.size, members: cluster.length, largest };
}
