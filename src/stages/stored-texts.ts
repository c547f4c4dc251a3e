/**
 * The texts and signals of single documents of a finished filter job, from kept/, dropped/ and signals/.
 *
 * Stored rows bear no index: the k-th row of kept/<unit> is the k-th document of the unit that was kept, and so for what rules and what dedup
 * dropped; the id in signals/ is compared. A few files are open at a time, and requests are served one after another, since
 * they share the readers' places.
 */
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { hasColumn, stringAt } from '../core/batch.ts';
import { kindOf } from './recut-decide.ts';
import { partsOf } from './recut-unit.ts';
import { RowReader } from './row-reader.ts';
import type { SignalRun, SignalUnit } from './run-signals.ts';

export interface StoredText {
  text: string;
  source: string | null;
  title: string | null;
  from: 'kept' | 'dropped';
}

const openFiles = 6;

export class StoredTexts {
  private readonly run: SignalRun;
  private readonly outcome: Int16Array;
  private readonly readers = new Map<string, Promise<RowReader>>();
  /** Files by folder and stem, and the rows of the unit looked at last. */
  private readonly files = new Map<string, string[]>();
  private places: { unit: SignalUnit; rows: Uint32Array } | undefined;
  private queue: Promise<unknown> = Promise.resolve();

  /** `outcome`: of every document of the run, duplicates included. */
  constructor(run: SignalRun, outcome: Int16Array) {
    this.run = run;
    this.outcome = outcome;
  }

  /** The row of signals/ that describes a document. */
  signals(unit: SignalUnit, index: number): Promise<{ records: RecordBatch; row: number }> {
    return this.inTurn(async () => (await this.reader(`signals ${unit.name}`, unitFiles(unit))).at(index));
  }

  /** The beginning of the text, which is there for every document. */
  excerpt(unit: SignalUnit, index: number): Promise<string> {
    return this.inTurn(async () => {
      const reader = await this.reader(`excerpts ${unit.name}`, unitFiles(unit), ['excerpt']);
      const { records, row } = await reader.at(index);
      return stringAt(records, 'excerpt', row) ?? '';
    });
  }

  /** The whole text; undefined when it was not written, or when the row in its place has another id. */
  text(unit: SignalUnit, index: number, id?: string): Promise<StoredText | undefined> {
    return this.inTurn(async () => {
      const file = fileOf(this.outcome[unit.first + index]!);
      const from = file === 'kept' ? 'kept' : 'dropped';
      const stem = file === 'duplicate' ? `${unit.name}.duplicates` : unit.name;
      const files = this.files.get(`${from} ${stem}`) ?? partsOf(join(this.run.folder, from), stem);
      this.files.set(`${from} ${stem}`, files);
      if (files.length === 0) return undefined;
      const reader = await this.reader(`${from} ${stem}`, files, ['id', 'text', 'source', 'title']);
      const place = this.placesOf(unit)[index]!;
      if (place >= reader.rows) return undefined;
      const { records, row } = await reader.at(place);
      if (id !== undefined && stringAt(records, 'id', row) !== id) return undefined;
      const cell = (name: string): string | null =>
        hasColumn(records, name) ? stringAt(records, name, row) : null;
      return { text: cell('text') ?? '', source: cell('source'), title: cell('title'), from };
    });
  }

  async close(): Promise<void> {
    await this.inTurn(async () => {
      const readers = [...this.readers.values()];
      this.readers.clear();
      for (const reader of readers) await (await reader.catch(() => undefined))?.close();
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.queue.then(work);
    this.queue = done.catch(() => {});
    return done;
  }

  /** For each document of the unit its row in the file that it was written to. */
  private placesOf(unit: SignalUnit): Uint32Array {
    if (this.places?.unit === unit) return this.places.rows;
    const rows = new Uint32Array(unit.rows);
    const next = { kept: 0, rule: 0, duplicate: 0 };
    for (let index = 0; index < unit.rows; index++)
      rows[index] = next[fileOf(this.outcome[unit.first + index]!)]++;
    this.places = { unit, rows };
    return rows;
  }

  /** An open reader; the one not used for longest is closed when there are too many. */
  private async reader(key: string, files: readonly string[], only?: readonly string[]): Promise<RowReader> {
    const reader = this.readers.get(key) ?? RowReader.of(files, only);
    this.readers.delete(key);
    this.readers.set(key, reader);
    for (const [old, opened] of this.readers) {
      if (this.readers.size <= openFiles) break;
      this.readers.delete(old);
      await (await opened.catch(() => undefined))?.close();
    }
    try {
      return await reader;
    } catch (error) {
      this.readers.delete(key);
      throw error;
    }
  }
}

function unitFiles(unit: SignalUnit): string[] {
  return unit.path === null ? [] : [unit.path];
}

/** Which file of its unit a document is in: those that rules drop and those that dedup drops are kept apart. */
function fileOf(outcome: number): 'kept' | 'rule' | 'duplicate' {
  const kind = kindOf(outcome);
  return kind === 'kept' || kind === 'duplicate' ? kind : 'rule';
}
