/**
 * Going back: when a failure signature asks for it, a run returns to its last good checkpoint and goes on from there with the next of the changes
 * that the user named (`rollback:` of the config). A rollback is an entry in `rollbacks.json` of the run folder, written before anything else
 * happens, and then an ordinary resume: so a run killed at any point of it ends with the same bytes. Checkpoints know how many rollbacks
 * came before them, and those that a rollback left behind are removed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../../src/core/config.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import { checkpointMarker, listCheckpoints } from '../learner/checkpoint.ts';
import type { GrpoConfig } from './config.ts';
import { readGrpoState } from './grpo-state.ts';
import { type RollbackChange, rollbackChangeSchema } from './rollback-change.ts';

const rollbackSchema = z.strictObject({
  /** Steps done when the signature fired, and steps done of the checkpoint that the run went back to (0: the start model). */
  from: z.int().min(0),
  to: z.int().min(0),
  signature: z.string(),
  text: z.string(),
  change: rollbackChangeSchema,
});

export type Rollback = z.output<typeof rollbackSchema>;

const fileName = 'rollbacks.json';
const fileSchema = z.strictObject({ configFingerprint: z.string(), rollbacks: z.array(rollbackSchema) });

/** The rollbacks of a run so far; none when the folder's are those of another run than one of these configs. */
export function readRollbacks(runFolder: string, configFingerprints: readonly string[]): Rollback[] {
  const file = path.join(runFolder, fileName);
  if (!existsSync(file)) return [];
  const found = parseConfig(fileSchema, JSON.parse(readFileSync(file, 'utf8')), file);
  return configFingerprints.includes(found.configFingerprint) ? found.rollbacks : [];
}

/**
 * Takes a run back to `to` (0 where there is no checkpoint that early): what its steps since then left is kept in `rolled-back/<n>`, and from the
 * moment the entry is written the run is what it was.
 */
export async function rollBack(
  runFolder: string,
  configFingerprint: string,
  rollbacks: readonly Rollback[],
): Promise<void> {
  const { to } = rollbacks.at(-1)!;
  const folder = path.join(runFolder, 'rolled-back', String(rollbacks.length));
  await mkdir(folder, { recursive: true });
  for (const name of ['metrics.jsonl', 'rollouts.jsonl']) {
    const file = path.join(runFolder, name);
    if (!existsSync(file)) continue;
    const later = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}') && (JSON.parse(line) as { step: number }).step > to);
    await writeFileAtomic(path.join(folder, name), later.map((line) => `${line}\n`).join(''));
  }
  const content = { configFingerprint, rollbacks };
  await writeFileAtomic(path.join(runFolder, fileName), `${JSON.stringify(content, null, 2)}\n`);
}

/** Newest checkpoint of `folders` not after `lastGood` steps: its steps, or 0. */
export function rollbackTarget(folders: readonly string[], lastGood: number): number {
  return folders.map(stepOf).findLast((step) => step <= lastGood) ?? 0;
}

/** Removes the checkpoints that rollbacks have left behind, the marker of each first, so that none is ever half there. */
export async function removeAbandoned(runFolder: string, rollbacks: readonly Rollback[]): Promise<void> {
  if (rollbacks.length === 0) return;
  for (const folder of listCheckpoints(runFolder)) {
    const { rollbacks: before } = await readGrpoState(folder);
    if (!rollbacks.slice(before).some(({ to }) => to < stepOf(folder))) continue;
    await rm(path.join(folder, checkpointMarker));
    await rm(folder, { recursive: true });
  }
}

const stepOf = (folder: string): number => Number(path.basename(folder).replace('step-', ''));

/** The config that holds after these changes. */
export function changedConfig(config: GrpoConfig, changes: readonly RollbackChange[]): GrpoConfig {
  let changed = config;
  for (const { template, max_completion_length: cap, learning_rate } of changes) {
    changed = {
      ...changed,
      ...(template === undefined ? {} : { template }),
      ...(cap === undefined ? {} : { max_completion_length: capped(changed.max_completion_length, cap) }),
      ...(learning_rate === undefined ? {} : { schedule: { ...changed.schedule, learning_rate } }),
    };
  }
  return changed;
}

function capped(table: Readonly<Record<string, number>>, cap: number): Record<string, number> {
  return Object.fromEntries(Object.entries(table).map(([step, tokens]) => [step, Math.min(tokens, cap)]));
}
