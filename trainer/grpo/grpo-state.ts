/** What a GRPO run remembers beside weights, moments and counters: `state/grpo.json` of its checkpoints. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../../src/core/config.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import { lengthStateSchema } from './length-schedule.ts';
import { findingSchema } from './watch.ts';

/** A step that is done but whose evaluation is not: its part of a row of metrics.jsonl, and what the watcher found in it. */
const pendingSchema = z.strictObject({
  metrics: z.record(z.string(), z.number()),
  findings: z.array(findingSchema),
});
export type PendingStep = z.output<typeof pendingSchema>;

const grpoStateSchema = z.strictObject({
  /** Rollbacks that came before. */
  rollbacks: z.int().min(0),
  length: lengthStateSchema,
  /** The watcher's own. */
  watcher: z.unknown(),
  /** The first finding of every signature. */
  findings: z.array(z.strictObject({ signature: z.string(), step: z.int().min(0), text: z.string() })),
  /** Which problems of the first held-out set were solved, before the first step and at the last evaluation. */
  startCorrect: z.array(z.number()),
  lastCorrect: z.array(z.number()),
  pending: pendingSchema.optional(),
});

export type GrpoState = z.output<typeof grpoStateSchema>;

const fileName = path.join('state', 'grpo.json');

/** Writes the state into a checkpoint folder and gives the file's name in it. */
export async function writeGrpoState(folder: string, state: GrpoState): Promise<string> {
  await writeFileAtomic(path.join(folder, fileName), `${JSON.stringify(state, null, 2)}\n`);
  return fileName;
}

export async function readGrpoState(folder: string): Promise<GrpoState> {
  const file = path.join(folder, fileName);
  return parseConfig(grpoStateSchema, JSON.parse(await readFile(file, 'utf8')), file);
}
