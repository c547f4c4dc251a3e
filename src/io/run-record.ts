/**
 * Writing and reading what a run leaves on disk: `run.json` (replaced as a whole at every update) and `metrics.jsonl` (appended).
 *
 * A kill can only hurt the last line of `metrics.jsonl`: readers ignore a last line that is not whole, and a run that goes on cuts it off
 * before it appends. Everything a reader gets has passed the schema of src/core/record.ts.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fingerprint, parseConfig } from '../core/config.ts';
import { InputError, invariant, UserError } from '../core/errors.ts';
import { type MetricRow, type RunRecord, runRecordSchema, runRecordVersion } from '../core/record.ts';
import { writeFileAtomicSync } from './atomic.ts';
import { withAddresses } from './hub-model.ts';
import { packageVersions } from './package-root.ts';
import { EventFile } from './tensorboard.ts';

/** What a command must say when it starts; the rest is filled in. */
export type RunStart = Pick<RunRecord, 'command' | 'name' | 'config'> &
  Partial<Omit<RunRecord, 'version' | 'command' | 'name' | 'config' | 'status' | 'endedAt' | 'seconds'>>;

export interface Run {
  readonly dir: string;
  readonly record: RunRecord;
  readonly metrics: MetricsWriter;
  /** Merges fields into the record and writes `run.json`. `summary` is merged key by key. */
  update(change: Partial<RunRecord>): void;
  /** Writes the final status, time and summary, and closes the metrics. */
  finish(status: 'done' | 'failed' | 'interrupted', summary?: Record<string, unknown>): void;
}

/** Begins (or, in a folder that has one, goes on with) a run: writes `run.json` with status `running`. */
export function startRun(dir: string, start: RunStart): Run {
  mkdirSync(dir, { recursive: true });
  const began = Date.now();
  // Of what came from the Hub its address and commit, not where the cache of this machine holds it.
  const named: RunStart = {
    ...start,
    config: withAddresses(start.config),
    ...(start.inputs === undefined ? {} : { inputs: withAddresses(start.inputs) }),
    ...(start.parents === undefined ? {} : { parents: withAddresses(start.parents) }),
  };
  const record: RunRecord = {
    version: runRecordVersion,
    status: 'running',
    startedAt: new Date(began).toISOString(),
    fingerprint: fingerprint(named.config),
    evidence: [],
    inputs: [],
    parents: [],
    versions: packageVersions(),
    ...typedCommand(),
    summary: {},
    warnings: [],
    ...named,
  };
  const write = (): void =>
    writeFileAtomicSync(
      join(dir, 'run.json'),
      `${JSON.stringify({ ...record, summary: withAddresses(record.summary) }, null, 2)}\n`,
    );
  write();
  const metrics = new MetricsWriter(join(dir, 'metrics.jsonl'));
  return {
    dir,
    record,
    metrics,
    update(change) {
      Object.assign(
        record,
        change,
        change.summary ? { summary: { ...record.summary, ...change.summary } } : {},
      );
      write();
    },
    finish(status, summary = {}) {
      metrics.close();
      record.status = status;
      record.endedAt = new Date().toISOString();
      record.seconds = (Date.now() - began) / 1000;
      record.summary = { ...record.summary, ...summary };
      write();
    },
  };
}

/** The command line, when this process is the program and not a script that calls it. */
function typedCommand(): { commandLine?: string[] } {
  const [, script, ...args] = process.argv;
  return /(^|[\\/])main\.[jt]s$/.test(script ?? '') ? { commandLine: ['midtrain', ...args] } : {};
}

/** Appends rows to `metrics.jsonl`, one write per row, so a killed process loses at most the row it was writing. */
export class MetricsWriter {
  private readonly path: string;
  private fd: number | undefined;
  private events: EventFile | undefined;

  constructor(path: string) {
    this.path = path;
  }

  append(row: MetricRow): void {
    this.fd ??= openForAppend(this.path);
    appendFileSync(this.fd, `${JSON.stringify(row, nonFinite)}\n`);
    this.events?.append(row);
  }

  /** From now on rows go to a TensorBoard event file in `folder` as well; the rows there are come first. Call it after `rewind`. */
  mirror(folder: string): void {
    this.events = new EventFile(folder);
    for (const row of readMetrics(this.path)) this.events.append(row);
  }

  /** Removes every row for which `drop` says so: a resumed run that replays steps must not list them twice. */
  rewind(drop: (row: MetricRow) => boolean): void {
    invariant(this.events === undefined, 'rewind comes before mirror');
    this.close();
    if (!existsSync(this.path)) return;
    const kept = readMetrics(this.path).filter((row) => !drop(row));
    writeFileAtomicSync(this.path, kept.map((row) => `${JSON.stringify(row, nonFinite)}\n`).join(''));
  }

  close(): void {
    this.events?.close();
    this.events = undefined;
    if (this.fd === undefined) return;
    fsyncSync(this.fd);
    closeSync(this.fd);
    this.fd = undefined;
  }
}

/** JSON has no NaN or Infinity; a diverged loss must still be visible, so they are written as strings. */
function nonFinite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

/** Opens for appending after cutting off a last line that has no newline. */
function openForAppend(path: string): number {
  const fd = openSync(path, 'a+');
  const { size } = fstatSync(fd);
  const piece = Buffer.alloc(64 * 1024);
  let end = size;
  while (end > 0) {
    const start = Math.max(0, end - piece.length);
    const n = readSync(fd, piece, 0, end - start, start);
    const at = piece.subarray(0, n).lastIndexOf(10);
    if (at >= 0) {
      if (start + at + 1 < size) ftruncateSync(fd, start + at + 1);
      return fd;
    }
    end = start;
  }
  if (size > 0) ftruncateSync(fd, 0);
  return fd;
}

/** The rows of a `metrics.jsonl`; a last line cut short by a kill is left out, any other bad line is an `InputError`. */
export function readMetrics(path: string): MetricRow[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  const rows: MetricRow[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    try {
      const row = JSON.parse(line) as MetricRow;
      for (const [key, value] of Object.entries(row)) {
        if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') row[key] = Number(value);
      }
      rows.push(row);
    } catch (error) {
      if (i === lines.length - 1) break;
      throw new InputError(path, `not JSON: ${(error as Error).message}`, {
        place: `line ${i + 1}`,
        cause: error,
      });
    }
  }
  return rows;
}

/** Reads and checks the `run.json` of a run folder. */
export function readRecord(dir: string): RunRecord {
  const path = join(dir, 'run.json');
  if (!existsSync(path)) {
    throw new UserError(`${dir} is not a run folder: it has no run.json`, {
      hint: 'give the folder that a midtrain command wrote',
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new InputError(path, `not JSON: ${(error as Error).message}`, { cause: error });
  }
  return parseConfig(runRecordSchema, value, path);
}

/** The run folder that a path names or lies in: a parent is often a checkpoint inside a run. */
export function runFolderOf(path: string): string | undefined {
  for (let at = resolve(path), up = resolve(path, '..'); ; at = up, up = resolve(up, '..')) {
    if (existsSync(join(at, 'run.json'))) return at;
    if (up === at) return undefined;
  }
}

/** The record and the metric rows of a run folder. */
export function readRun(dir: string): { record: RunRecord; metrics: MetricRow[] } {
  return { record: readRecord(dir), metrics: readMetrics(join(dir, 'metrics.jsonl')) };
}
