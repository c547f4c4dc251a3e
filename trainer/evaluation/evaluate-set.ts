/**
 * Carries out the evaluation of one problem set in parts: what a part has is never drawn again, a killed evaluation loses at most the part in hand,
 * and the files are the same bytes whether it was stopped or not.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { InputError } from '../../src/core/errors.ts';
import type { Problem } from '../problem-sets/problems.ts';
import { type GradedProblem, partPath, readPart, writePart } from './graded-problem.ts';

/** Draws and grades every sample of some problems, in their order. What it gives may not depend on which problems it is given together. */
export type Grader = (
  problems: readonly Problem[],
  signal: AbortSignal,
  /** Told of each problem when it is finished, in no certain order. */
  tick?: (problem: GradedProblem) => void,
) => Promise<GradedProblem[]>;

export interface SetRun {
  grade: Grader;
  problems: readonly Problem[];
  /** Problems of a part. */
  perPart: number;
  /** Where the parts go; without it nothing is written. */
  folder?: string;
  /** Written into every part. */
  metadata: Record<string, string>;
  signal: AbortSignal;
  /** Of each part that was there from before. */
  onKept?: (problems: readonly GradedProblem[]) => void;
}

/** Samples of a part: a few hundred keep a device busy, and a kill costs no more. */
const samplesPerPart = 256;

export function problemsPerPart(samples: number): number {
  return Math.max(1, Math.floor(samplesPerPart / samples));
}

export async function evaluateSet(run: SetRun): Promise<GradedProblem[]> {
  const { problems, perPart, folder, signal } = run;
  const graded: GradedProblem[] = [];
  for (let first = 0, part = 0; first < problems.length; first += perPart, part++) {
    const wanted = problems.slice(first, first + perPart);
    const path = folder === undefined ? undefined : partPath(folder, part);
    const kept = path === undefined ? undefined : await keptPart(path, wanted);
    let of = kept;
    if (of === undefined) {
      signal.throwIfAborted();
      of = await run.grade(wanted, signal);
      if (path !== undefined) await writePart(path, of, run.metadata);
    } else run.onKept?.(of);
    for (const problem of of) graded.push(problem);
  }
  return graded;
}

/** The part that is there, unless it is damaged or holds other problems: then it is made again. */
async function keptPart(path: string, wanted: readonly Problem[]): Promise<GradedProblem[] | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    const kept = await readPart(path);
    const same = kept.length === wanted.length && kept.every(({ id }, i) => id === wanted[i]!.id);
    if (same) return kept;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  await rm(path, { force: true });
  return undefined;
}
