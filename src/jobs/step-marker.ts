/**
 * Which steps of a staged pipeline are done. `<step>/step.json` is written last and counts only when it was made from the same basis (the
 * step's settings and the content of everything it reads) and every file it names is there with the sha256 it says: so a changed step
 * runs again, and what follows it, and nothing else does.
 */
import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint, stableJson } from '../core/config.ts';
import type { Ledger } from '../core/ledger.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { sha256OfFile } from '../io/file-hash.ts';
import type { OutputFile } from '../stages/unit-report.ts';
import { outputsIntact } from './markers.ts';

/** What a label or refine step was charged for. */
export interface PaidTokens {
  requests: number;
  promptTokens: number;
  completionTokens: number;
}

/** What a step came to. Paths are relative to the step's folder. */
export interface StepResult {
  /** Documents in, handed on, and why the others were not. */
  ledger: Ledger;
  /** Files that later steps read, in order. */
  outputs: OutputFile[];
  /** Figures for the report, named for people. */
  facts: Record<string, string | number>;
  /** A few warnings that the report repeats. */
  warnings: string[];
  paid?: PaidTokens;
  /** Requests that went out and brought no answer, in all runs so far: the endpoint may have charged for these too. */
  possiblyPaidTwice?: number;
  /** False when a rerun would try some documents again. */
  complete: boolean;
}

interface StepMarker extends StepResult {
  basis: string;
  check: string;
}

const markerName = 'step.json';

/** The result of an earlier run on the same basis, if all of it is still there. */
export async function readStepMarker(folder: string, basis: string): Promise<StepResult | undefined> {
  const marker = readMarker(folder);
  if (marker === undefined || marker.basis !== basis || !marker.complete) return undefined;
  const { basis: _basis, ...result } = marker;
  return (await outputsIntact(folder, result.outputs)) ? result : undefined;
}

/** What the step's marker says, whatever it was made from; its files are not looked at. */
export function peekStepMarker(folder: string): StepResult | undefined {
  return readMarker(folder);
}

function readMarker(folder: string): (StepResult & { basis: string }) | undefined {
  const path = join(folder, markerName);
  if (!existsSync(path)) return undefined;
  try {
    const { check, ...body } = JSON.parse(readFileSync(path, 'utf8')) as StepMarker;
    return check === fingerprint(body) ? body : undefined;
  } catch {
    return undefined; // not whole: made by another tool or a broken disk
  }
}

export async function writeStepMarker(folder: string, basis: string, result: StepResult): Promise<void> {
  const body = { basis, ...result };
  await writeFileAtomic(join(folder, markerName), `${stableJson({ ...body, check: fingerprint(body) })}\n`);
}

/** A file of a step as its marker lists it. `rows`: documents in it. */
export async function outputFile(folder: string, path: string, rows: number): Promise<OutputFile> {
  const full = join(folder, path);
  const { size } = await stat(full);
  return { path, rows, bytes: size, sha256: await sha256OfFile(full) };
}
