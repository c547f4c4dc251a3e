/**
 * What goes into a read plan and what comes out of it: plain data, so that a plan can be written to plan.json and carried out elsewhere.
 */
import type { Emit } from '../core/events.ts';
import type { Compression } from './byte-stream.ts';
import type { ColumnMapping } from './document-columns.ts';
import type { HubFile, HubOptions } from './hub.ts';
import type { DeclaredType, JsonColumns } from './json-schema.ts';

/** `warc`: pages of a WARC file, as `html`; `wet`: the texts of a WET file. */
export type InputFormat = 'parquet' | 'arrow' | 'jsonl' | 'json' | 'html' | 'text' | 'warc' | 'wet';

export interface InputSpec {
  /** A file, a folder, a pattern (path-pattern.ts), or `hf://datasets/owner/name[@revision]/` and a file, folder or pattern. */
  path: string;
  /** For `hf://`: read this commit, which the revision in `path` stood for when a job began. */
  commit?: string;
  format?: 'auto' | InputFormat;
  columns?: ColumnMapping;
  /** Value of the `source` column; default: the input's own `source` column, else the name of the file or folder. */
  source?: string;
  /** Column types of JSON records, instead of finding them in the first pass over the file. */
  schema?: Record<string, DeclaredType>;
}

export interface ReadUnit {
  /** Unique in the plan, stable, and safe as a file name: `name.parquet#rg0-4`. */
  id: string;
  /** The file; for pages the folder. */
  file: string;
  /** Names rows that have no id, and files in reports; the same wherever the data lies. */
  label: string;
  format: InputFormat;
  compression?: Compression;
  /** Row groups `[first, end)`. */
  rowGroups?: [number, number];
  /** Record batches `[first, end)` of an Arrow file or stream; `arrowStart` is the byte of the first, in a stream that can be entered there. */
  batches?: [number, number];
  arrowStart?: number;
  /** Bytes `[start, end)` of the file as stored (lines, WARC records, or whole gzip members), and the number of the first line in it. */
  range?: [number, number];
  firstLine?: number;
  /** Number in the file of the first row. */
  firstRow: number;
  /** Rows the unit holds, where the plan knows. */
  rows?: number;
  /** Pages, relative to `file`. */
  files?: string[];
  schema?: JsonColumns;
  /** Bytes to be read, for progress. */
  bytes: number;
  source: string;
  sourceGiven: boolean;
  columns: ColumnMapping;
  requireText: boolean;
  /** Where the file came from; it is fetched again where it is not in the cache of this machine. */
  remote?: HubFile;
}

/** What a reader counts besides documents and failures; the caller brings the object. */
export interface ReadTally {
  /** WARC records that are no documents, by kind: `request`, `response image/png`, `response status 404`. */
  skipped: Record<string, number>;
  /** Documents whose bytes were not UTF-8 and hold U+FFFD now. */
  repaired: number;
}

export interface ReadPlan {
  units: ReadUnit[];
  inputs: { path: string; bytes: number; fingerprint: string }[];
  /** `notFetched`: the network did not give it, which says nothing about the file. */
  failures: { file: string; place?: string; problem: string; hint?: string; notFetched?: true }[];
  /** What a user should know: types that did not agree, files and links left out. */
  warnings: string[];
  /** What explains the plan: large files that cannot be cut into units. */
  notes: string[];
}

export interface PlanReadOptions {
  /** Aim for the size of a unit, in bytes as stored (Parquet: uncompressed). Default 128 MiB. */
  unitBytes?: number;
  /** A file without a `text` or `html` column is a failure. Default false: the reader of the batch decides. */
  requireText?: boolean;
  /** Limits for reading one footer. */
  timeoutMs?: number;
  memoryMb?: number;
  maxRecordBytes?: number;
  /** For inputs `hf://`. */
  hub?: HubOptions;
  emit?: Emit;
  signal?: AbortSignal;
}
