/**
 * Durable markers: what of a job is done. A marker is written last, whole or not at all, and counts only when it is of this
 * plan, its own checksum fits, and every output it names is there with the size and sha256 it says. Anything else means: do it again.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, stableJson } from '../core/config.ts';
import type { Ledger } from '../core/ledger.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { sha256OfFile } from '../io/file-hash.ts';
import type { ScoredUnit } from '../stages/classify-score.ts';
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { OutputFile, UnitReport } from '../stages/unit-report.ts';

/** `units/<name>.measured.json`: the first pass over a unit. */
export interface MeasuredMarker extends MeasuredUnit {
  plan: string;
  /** Documents that the job's limit left when the unit was read; null in a job without a limit. */
  limit: number | null;
}

/** `units/<name>.ledger.json`: the final report of a unit; written before its done marker. */
export interface LedgerMarker extends UnitReport {
  plan: string;
}

/** `dedup/<step>/done.json`: the clusters of one step. `basis`: the step and the sha256 of all its signature files, in unit order. */
export interface ClusterMarker {
  plan: string;
  basis: string;
  clusters: number;
  /** Documents in clusters of two or more, and the size of the largest cluster. */
  members: number;
  largest: number;
  /** In unit order. */
  files: OutputFile[];
}

/** `dedup/done.json`: the end of the barrier. `basis`: sha256 of all cluster files, survivor lists and signals. */
export interface DedupMarker {
  plan: string;
  basis: string;
  lists: OutputFile[];
  /** One per step, in order. */
  ledgers: Ledger[];
}

/** `units/<name>.done.json`: all outputs of the unit are in place. `basis`: its first pass, drop list, clusters and first document number. */
export interface DoneMarker {
  plan: string;
  basis: string;
  complete: boolean;
  outputs: OutputFile[];
}

/** `.score/<unit>.json` in the folder of `classify score`: the unit's scores are in place. */
export interface ScoredMarker extends ScoredUnit {
  plan: string;
}

type Marker = MeasuredMarker | LedgerMarker | ClusterMarker | DedupMarker | DoneMarker | ScoredMarker;

export async function writeMarker(path: string, marker: Marker): Promise<void> {
  await writeFileAtomic(path, `${stableJson({ ...marker, check: fingerprint(marker) })}\n`);
}

/** The marker at `path` if it is whole, undamaged and of this plan. Its outputs are not checked. */
export function readMarker<T extends { plan: string }>(path: string, plan: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { check, ...marker } = JSON.parse(text) as T & { check?: unknown };
    return marker.plan === plan && check === fingerprint(marker) ? (marker as unknown as T) : undefined;
  } catch {
    return undefined; // not whole: made by another tool or a broken disk
  }
}

/** Whether every file is there, with its size and content. */
export async function outputsIntact(folder: string, outputs: readonly OutputFile[]): Promise<boolean> {
  for (const { path, bytes } of outputs) {
    if (statSync(join(folder, path), { throwIfNoEntry: false })?.size !== bytes) return false;
  }
  for (const { path, sha256 } of outputs) {
    if ((await sha256OfFile(join(folder, path))) !== sha256) return false;
  }
  return true;
}
