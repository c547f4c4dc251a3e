/**
 * Durable markers: what of a job is done. A marker is written last, whole or not at all, and counts only when it is of this
 * plan, its own checksum fits, and every output it names is there with the size and sha256 it says. Anything else means: do it again.
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, stableJson } from '../core/config.ts';
import type { Ledger } from '../core/ledger.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { sha256OfFile } from '../io/file-hash.ts';
import { readIfThere } from '../io/read-if-there.ts';
import type { ScoredUnit } from '../stages/classify-score.ts';
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { OutputFile, UnitReport } from '../stages/unit-report.ts';

/** `units/<name>.measured.json`: the first pass over a unit. */
export interface MeasuredMarker extends MeasuredUnit {
  plan: string;
  /** Documents that the job's limit left when the unit was read; null in a job without a limit. */
  limit: number | null;
  /** Part of the input was lost, and the unit is to be measured again; until then the marker tells that its file may be mended. */
  again?: true;
}

/** `units/<name>.ledger.json`: the final report of a unit; written before its done marker. */
export interface LedgerMarker extends UnitReport {
  plan: string;
}

/** `dedup/<step>/done.json`: the clusters of one step. `basis`: the step and of each unit the sha256 of its signature file and its documents, in unit order. */
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

/** `dedup/<step>/edges/<part>.json`: one part of a step's comparison. `basis`: as in the step's `ClusterMarker`. */
export interface EdgeMarker {
  plan: string;
  basis: string;
  /** `rows`: edges. */
  file: OutputFile;
}

/** `dedup/done.json`: the end of the barrier. `basis`: sha256 of all cluster files, survivor lists and signals. */
export interface DedupMarker {
  plan: string;
  basis: string;
  lists: OutputFile[];
  /** One per step, in order. */
  ledgers: Ledger[];
}

/** `units/<name>.done.json`: all outputs of the unit are in place. `basis`: its first pass and, with dedup steps, its drop list, clusters and first document number. */
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

type Marker =
  | MeasuredMarker
  | LedgerMarker
  | ClusterMarker
  | EdgeMarker
  | DedupMarker
  | DoneMarker
  | ScoredMarker;

export async function writeMarker(path: string, marker: Marker): Promise<void> {
  await writeFileAtomic(path, `${stableJson({ ...marker, check: fingerprint(marker) })}\n`);
}

/** The marker at `path` if it is whole, undamaged and of this plan. Its outputs are not checked. */
export function readMarker<T extends { plan: string }>(path: string, plan: string): T | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  // The text without its checksum is what the checksum is of, so it need not be made again: a job may have 10,000 markers.
  const body = text.trimEnd().replace(checkPattern, '');
  try {
    const { check, ...marker } = JSON.parse(text) as T & { check?: unknown };
    if (marker.plan !== plan || check !== sha256Text(body).slice(0, 16)) return undefined;
    return marker as unknown as T;
  } catch {
    return undefined; // not whole: made by another tool or a broken disk
  }
}

/** Keys are sorted and none before `check` has a value of this form. */
const checkPattern = /"check":"[0-9a-f]{16}",/;

function sha256Text(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** How well outputs are looked at: their sizes are quick, their contents have to be read; `trust`: not at all. */
export type OutputCheck = 'trust' | 'sizes' | 'contents';

/** Whether every file is there, as far as `check` wants to know. */
export async function outputsIntact(
  folder: string,
  outputs: readonly OutputFile[],
  check: OutputCheck = 'contents',
): Promise<boolean> {
  if (check === 'trust') return true;
  for (const { path, bytes } of outputs) {
    if (statSync(join(folder, path), { throwIfNoEntry: false })?.size !== bytes) return false;
  }
  if (check === 'sizes') return true;
  for (const { path, sha256 } of outputs) {
    if ((await sha256OfFile(join(folder, path))) !== sha256) return false;
  }
  return true;
}
