/** What made a step be skipped, kept in `skipped/step-N.json` of the run folder: the whole batch, and where it lies in the data. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../../src/core/config.ts';
import { InputError, messageOf } from '../../src/core/errors.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import { checkpointName } from '../learner/checkpoint.ts';
import type { StepResult } from '../learner/learner.ts';
import type { CountedRows } from './token-data.ts';

const numbers = z.array(z.int().min(0));
const skippedSchema = z.strictObject({
  step: z.int(),
  why: z.enum(['not finite', 'spike']),
  /** As a word where it is not finite. */
  loss: z.union([z.number(), z.string()]),
  gradNorm: z.union([z.number(), z.string()]),
  gradNormZ: z.number(),
  /** First sequence of the step in the data, counted over all epochs. */
  sequence: z.int().min(0),
  /** By micro-batch, each array of its rows. */
  rows: z.array(
    z.strictObject({
      tokens: numbers,
      targets: numbers,
      positions: numbers,
      kvStart: numbers,
      counted: numbers,
    }),
  ),
});

export interface SkippedBatch {
  step: number;
  sequence: number;
  batches: readonly CountedRows[];
}

export async function writeSkipped(
  runFolder: string,
  { step, sequence, batches }: SkippedBatch,
  result: StepResult,
): Promise<string> {
  const folder = path.join(runFolder, 'skipped');
  await mkdir(folder, { recursive: true });
  const number = (x: number) => (Number.isFinite(x) ? x : String(x));
  const file = path.join(folder, `${checkpointName(step)}.json`);
  const content = {
    step,
    why: result.skipped,
    loss: number(result.loss),
    gradNorm: number(result.gradNorm),
    gradNormZ: Number.isFinite(result.gradNormZ) ? result.gradNormZ : 0,
    sequence,
    rows: batches.map(({ tokens, targets, positions, kvStart, counts }) => ({
      tokens: [...tokens],
      targets: [...targets],
      positions: [...positions],
      kvStart: [...kvStart],
      counted: [...counts],
    })),
  };
  await writeFileAtomic(file, `${JSON.stringify(content)}\n`);
  return file;
}

/** Reads a batch back, as it was handed to the learner. */
export async function readSkipped(file: string): Promise<SkippedBatch & { why: 'not finite' | 'spike' }> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new InputError(file, `cannot be read: ${messageOf(cause)}`, { cause });
  }
  const { step, why, sequence, rows } = parseConfig(skippedSchema, value, file);
  const batches = rows.map(({ tokens, targets, positions, kvStart, counted }) => ({
    tokens: Uint32Array.from(tokens),
    targets: Uint32Array.from(targets),
    positions: Uint32Array.from(positions),
    kvStart: Uint32Array.from(kvStart),
    counts: Uint8Array.from(counted),
  }));
  return { step, why, sequence, batches };
}
