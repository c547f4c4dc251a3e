/**
 * `midtrain classify score` as a function: every document of the inputs with its score as a column, unit by unit in worker threads.
 *
 * The folder holds one Parquet file a unit, so it is an input of `filter` and `mix` as it is; the plan, the markers and the lock are in
 * `.score/`. A unit with a valid marker is not done again; stopped at any point, the same command goes on.
 */
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readFastTextData } from '../../classifiers/fasttext/read-model.ts';
import { fingerprint } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { assertBalanced, count, emptyLedger, type Ledger, mergeLedgers, sumCounts } from '../core/ledger.ts';
import { makeFolder, removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import { readJsonFile } from '../io/json-file.ts';
import { packageVersions } from '../io/package-root.ts';
import type { ReadUnit } from '../io/read-plan.ts';
import { workerUrl } from '../io/worker-url.ts';
import { type ClassifyInput, planDocuments } from '../stages/classify-documents.ts';
import type { ScoredUnit, ScoreTask } from '../stages/classify-score.ts';
import type { ScorerSpec } from '../stages/classify-scorer.ts';
import { LocalPool, type PoolOutcome, poolFailure } from '../stages/local-pool.ts';
import type { SharedModels } from '../stages/shared-model.ts';
import { splitPages } from '../stages/split-pages.ts';
import type { Failure, OutputFile } from '../stages/unit-report.ts';
import { bytesInFlight } from './bytes-in-flight.ts';
import { takeJobLock } from './job-locks.ts';
import { outputsIntact, readMarker, type ScoredMarker, writeMarker } from './markers.ts';

export interface ScoreRequest {
  inputs: readonly ClassifyInput[];
  scorer: ScorerSpec;
  out: string;
  column: string;
  scoresOnly: boolean;
  /** Default: one per core; one for a regressor, whose runtime uses all cores by itself. */
  workers?: number | undefined;
  /** Aim for the size of a unit, in bytes as stored. */
  unitBytes?: number | undefined;
  /** Delete what another plan left in the folder. */
  fresh: boolean;
  emit: Emit;
  signal: AbortSignal;
}

export interface ScorePlan {
  hash: string;
  units: { name: string; read: ReadUnit }[];
  inputs: { path: string; bytes: number; fingerprint: string }[];
  failures: Failure[];
  warnings: string[];
}

export interface ScoredCorpus {
  folder: string;
  documents: number;
  units: number;
  /** Units that an earlier run did. */
  reused: number;
  /** Documents that score at least the classifier's threshold; null where it has none. */
  positive: number | null;
  ledger: Ledger;
  failures: Failure[];
  outputs: OutputFile[];
  complete: boolean;
}

const stateFolder = '.score';

/** What would be done; writes nothing. */
export async function planScoring(request: ScoreRequest): Promise<ScorePlan> {
  const { inputs, scorer, column, scoresOnly, emit, signal, unitBytes } = request;
  const read = await planDocuments(inputs, {
    emit,
    signal,
    ...(unitBytes === undefined ? {} : { unitBytes }),
  });
  const units = read.units.flatMap((unit) => splitPages(unit, unitBytes ?? 16 * 1024 * 1024));
  const digits = Math.max(4, String(units.length).length);
  const named = units.map((unit, i) => ({
    name: `${String(i).padStart(digits, '0')}-${unit.id.replace(/[^A-Za-z0-9_-]+/g, '-').slice(-60)}`,
    read: unit,
  }));
  const { sha256, label, prepare, newline, unit, kind, threshold } = scorer;
  const { node: _node, ...code } = packageVersions();
  return {
    hash: fingerprint({
      scorer: { sha256, label, prepare, newline, unit, kind, threshold },
      column,
      scoresOnly,
      inputs: read.inputs,
      units: named,
      code,
    }),
    units: named,
    inputs: read.inputs,
    failures: read.failures,
    warnings: read.warnings,
  };
}

/** Scores what is left to score. Throws `InterruptedError` when `signal` aborts; a rerun then goes on. */
export async function scoreCorpus(request: ScoreRequest): Promise<ScoredCorpus> {
  const { out, scorer, emit, signal } = request;
  const plan = await planScoring(request);
  for (const text of plan.warnings) emit({ kind: 'message', level: 'warn', text });
  const state = join(out, stateFolder);
  assertOwnFolder(out);
  makeFolder(state);
  const lock = takeJobLock(state);
  try {
    await claimFolder(request, plan, state);
    const units = new Map<string, ScoredUnit>();
    for (const { name } of plan.units) {
      const marker = readMarker<ScoredMarker>(markerPath(state, name), plan.hash);
      if (marker?.complete === true && (await outputsIntact(out, marker.outputs))) units.set(name, marker);
    }
    const reused = units.size;
    const left = plan.units.filter(({ name }) => !units.has(name));
    if (left.length > 0) {
      const workers = request.workers ?? (scorer.kind === 'fasttext' ? availableParallelism() : 1);
      const pool = new LocalPool({
        entry: workerUrl('score-worker', import.meta.url),
        workers,
        stallSeconds: 300,
        memoryMegabytes: 2048,
        signal,
        shared: await sharedModels(scorer),
      });
      const progress = new ScoreProgress(emit, plan, units, pool);
      try {
        const byName = new Map(left.map((unit) => [unit.name, unit]));
        await pool.run(
          left.map((unit) => ({ id: unit.name, payload: taskOf(request, unit) })),
          async ({ id }, outcome) => {
            const scored = settle(byName.get(id)!, outcome);
            await writeMarker(markerPath(state, id), { plan: plan.hash, ...scored });
            units.set(id, scored);
          },
        );
        progress.end();
      } finally {
        progress.stop();
        await pool.close();
      }
    }
    return await conclude(request, plan, units, reused);
  } finally {
    lock.release();
  }
}

/** A folder with other files in it is somebody's. */
function assertOwnFolder(out: string): void {
  if (!existsSync(out) || existsSync(join(out, stateFolder)) || readdirSync(out).length === 0) return;
  throw new UserError(`${out} holds other files`, {
    hint: 'give another --out: an empty folder, or a new one',
  });
}

/** Makes sure that what lies in the folder is of this plan; under the lock. */
async function claimFolder({ out, fresh }: ScoreRequest, plan: ScorePlan, state: string): Promise<void> {
  const path = join(state, 'plan.json');
  const before = existsSync(path) ? ((await readJsonFile(path)) as { hash?: unknown }).hash : undefined;
  if (before !== undefined && before !== plan.hash) {
    // A run that ended before its first unit left nothing to keep.
    const started = [...readdirSync(out), ...readdirSync(state)].some((name) =>
      /\.parquet$|^unit-.*\.json$/.test(name),
    );
    if (!fresh && started) {
      throw new UserError(
        `${out} holds scores of other inputs, of another classifier, or with other settings`,
        {
          hint: 'give another --out, or --fresh to delete them and start anew',
        },
      );
    }
    for (const name of readdirSync(out))
      if (name.endsWith('.parquet')) await rm(join(out, name), { force: true });
    for (const name of readdirSync(state))
      if (name.endsWith('.json')) await rm(join(state, name), { force: true });
  }
  await removeLeftovers(out);
  await removeLeftovers(state);
  if (before !== plan.hash) await writeFileAtomic(path, `${JSON.stringify(plan, null, 2)}\n`);
}

function markerPath(state: string, unit: string): string {
  return join(state, `unit-${unit}.json`);
}

function taskOf(
  { out, scorer, column, scoresOnly }: ScoreRequest,
  unit: ScorePlan['units'][number],
): ScoreTask {
  return { unit: unit.read, name: unit.name, folder: out, scorer, column, scoresOnly };
}

/** One copy of the weights for all threads. */
async function sharedModels(scorer: ScorerSpec): Promise<SharedModels> {
  if (scorer.kind !== 'fasttext') return { fastText: {} };
  return { fastText: { [scorer.model]: await readFastTextData(scorer.model, { shared: true }) } };
}

/** A unit that was given up counts its documents as failed. */
function settle(unit: ScorePlan['units'][number], outcome: PoolOutcome): ScoredUnit {
  if (outcome.ok) return outcome.value as ScoredUnit;
  if (!outcome.mendable) throw poolFailure(`unit ${unit.name}`, outcome);
  const documents = unit.read.rows ?? 1;
  return {
    ledger: { in: documents, kept: 0, dropped: {}, failed: { unit_failed: documents } },
    failures: [{ file: unit.read.file, place: `unit ${unit.name}`, problem: outcome.problem }],
    outputs: [],
    positive: 0,
    complete: false,
  };
}

async function conclude(
  { out, scorer }: ScoreRequest,
  plan: ScorePlan,
  units: ReadonlyMap<string, ScoredUnit>,
  reused: number,
): Promise<ScoredCorpus> {
  const scored = plan.units.map(({ name }) => units.get(name)!);
  const planned = emptyLedger();
  planned.in = plan.failures.length;
  if (plan.failures.length > 0) count(planned.failed, 'unreadable', plan.failures.length);
  const ledger = mergeLedgers([planned, ...scored.map((unit) => unit.ledger)]);
  assertBalanced(ledger, 'the scores');
  const failures = [...plan.failures, ...scored.flatMap((unit) => unit.failures)];
  const outputs = scored.flatMap((unit) => unit.outputs);
  await writeFileAtomic(
    join(out, stateFolder, 'ledger.json'),
    `${JSON.stringify({ plan: plan.hash, ...ledger }, null, 2)}\n`,
  );
  return {
    folder: out,
    documents: ledger.kept,
    units: plan.units.length,
    reused,
    positive: scorer.threshold === null ? null : scored.reduce((sum, unit) => sum + unit.positive, 0),
    ledger,
    failures,
    outputs,
    complete: sumCounts(ledger.failed) === 0,
  };
}

/** Tells of documents and bytes while units are under way. */
class ScoreProgress {
  private readonly emit: Emit;
  private readonly plan: ScorePlan;
  private readonly units: ReadonlyMap<string, ScoredUnit>;
  private readonly pool: LocalPool;
  private readonly timer: NodeJS.Timeout;
  private readonly started = performance.now();
  private readonly before: number;
  private readonly reads: ReadonlyMap<string, ReadUnit>;

  constructor(emit: Emit, plan: ScorePlan, units: ReadonlyMap<string, ScoredUnit>, pool: LocalPool) {
    this.emit = emit;
    this.plan = plan;
    this.units = units;
    this.pool = pool;
    this.before = this.documents();
    this.reads = new Map(plan.units.map(({ name, read }) => [name, read]));
    emit({ kind: 'start', task: 'score', total: this.total, unit: 'bytes' });
    this.timer = setInterval(() => this.tell(), 500);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  end(): void {
    this.stop();
    const seconds = (performance.now() - this.started) / 1000;
    const numbers = { documents: this.documents(), 'documents/s': this.speed(seconds) };
    this.emit({ kind: 'end', task: 'score', done: this.total, unit: 'bytes', seconds, numbers });
  }

  private get total(): number {
    return this.plan.units.reduce((sum, { read }) => sum + read.bytes, 0);
  }

  private documents(): number {
    let done = 0;
    for (const { ledger } of this.units.values()) done += ledger.kept;
    for (const progress of this.pool.inFlight.values()) done += progress.counters.documents;
    return done;
  }

  private speed(seconds: number): number {
    return seconds === 0 ? 0 : (this.documents() - this.before) / seconds;
  }

  private tell(): void {
    let done = 0;
    for (const { name, read } of this.plan.units) if (this.units.has(name)) done += read.bytes;
    done = Math.round(done + bytesInFlight(this.pool, this.reads));
    const seconds = (performance.now() - this.started) / 1000;
    const numbers = { documents: this.documents(), 'documents/s': this.speed(seconds) };
    this.emit({ kind: 'progress', task: 'score', done, total: this.total, unit: 'bytes', numbers });
  }
}
