/**
 * Checkpoints: a Hugging Face folder (config.json, model.safetensors, tokenizer) that other tools load as it is, plus `state/` with the
 * moments, step counters and data position, and `state/complete.json` written last. A folder without that marker does not count.
 * Everything is exact (f32 in, f32 out), so a resumed run goes on bit for bit.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../../src/core/config.ts';
import { InputError, messageOf, UserError } from '../../src/core/errors.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import { listTensors, readPieces } from '../../src/io/safetensors.ts';
import { writeSafetensors } from '../../src/io/write-safetensors.ts';
import { type KernelChoices, kernelChoicesSchema } from '../gpu/tuning.ts';
import { saveModel } from '../model/folder.ts';
import type { Learner } from './learner.ts';

const trainingStateSchema = z.strictObject({
  phase: z.enum(['stable', 'decay', 'grpo']),
  /** Optimizer steps of this phase. */
  step: z.int().min(0),
  /** Optimizer steps since the moments were zero (AdamW's t). */
  optimizerSteps: z.int().min(0),
  /** Tokens trained on, over all phases. */
  tokens: z.int().min(0),
  data: z.strictObject({
    fingerprint: z.string(),
    /** Sequences consumed. */
    sequence: z.int().min(0),
    /** Tokens of this phase by source, where the shards tell. */
    consumed: z.record(z.string(), z.int().min(0)).optional(),
  }),
  configFingerprint: z.string(),
  /** What the phase runs by (config-changes.ts), to say what differs when it is to go on with another config. */
  config: z.record(z.string(), z.unknown()).optional(),
  /** What was changed under way, and from which step on. */
  changes: z
    .array(z.strictObject({ step: z.int().min(0), key: z.string(), from: z.unknown(), to: z.unknown() }))
    .optional(),
  /** Steps in a row, up to this one, whose gradient was not finite. */
  notFinite: z.int().min(0).optional(),
  /** Checkpoint that this phase began from. */
  parent: z.string().optional(),
  /** What computes matrix products in this run; taken again on resume, whatever has been measured since. */
  kernels: kernelChoicesSchema.optional(),
});
export type TrainingState = z.output<typeof trainingStateSchema>;

/** Written last; a folder without it is no checkpoint. */
export const checkpointMarker = path.join('state', 'complete.json');
const checked = [
  'model.safetensors',
  'config.json',
  path.join('state', 'moments.safetensors'),
  path.join('state', 'trainer.json'),
];

export function checkpointName(step: number): string {
  return `step-${String(step).padStart(7, '0')}`;
}

/** Writes a checkpoint folder; the marker comes last. `writeMore` adds files of its own and gives their names in the folder. */
export async function saveCheckpoint(
  folder: string,
  learner: Learner,
  state: TrainingState,
  tokenizerFrom: string | undefined,
  writeMore?: (folder: string) => Promise<string[]>,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(path.join(folder, 'state'), { recursive: true });
  await saveModel(learner.weights, folder, { tokenizerFrom });
  await writeSafetensors(
    path.join(folder, 'state', 'moments.safetensors'),
    learner.moments(),
    (name, first, size) => learner.saveMoment(name, first, size),
  );
  await writeFileAtomic(path.join(folder, 'state', 'trainer.json'), `${JSON.stringify(state, null, 2)}\n`);
  const sha256: Record<string, string> = {};
  const more = (await writeMore?.(folder)) ?? [];
  for (const name of [...checked, ...more]) sha256[name] = await hashFile(path.join(folder, name));
  await writeFileAtomic(path.join(folder, checkpointMarker), `${JSON.stringify({ sha256 }, null, 2)}\n`);
}

/** True when the folder was written to the end. */
export function isComplete(folder: string): boolean {
  return existsSync(path.join(folder, checkpointMarker));
}

/** The complete checkpoints of a run folder, oldest first. */
export function listCheckpoints(runFolder: string): string[] {
  const folder = path.join(runFolder, 'checkpoints');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .map((name) => path.join(folder, name))
    .filter(isComplete);
}

/** Reads the state of a checkpoint after checking that its files are the ones that were written. */
export async function readTrainingState(folder: string): Promise<TrainingState> {
  if (!isComplete(folder)) {
    throw new InputError(folder, 'is not a complete checkpoint: it has no state/complete.json', {
      hint: 'take an earlier checkpoint of the run',
    });
  }
  const sha256 = await readMarker(path.join(folder, checkpointMarker));
  for (const name of new Set([...checked, ...Object.keys(sha256)])) {
    const found = await hashFile(path.join(folder, name)).catch((cause) => {
      throw new InputError(path.join(folder, name), `cannot be read: ${messageOf(cause)}`, { cause });
    });
    if (found !== sha256[name]) {
      throw new InputError(path.join(folder, name), 'is not the file that was written (sha256 differs)', {
        hint: 'take an earlier checkpoint of the run',
      });
    }
  }
  const file = path.join(folder, 'state', 'trainer.json');
  return parseConfig(trainingStateSchema, JSON.parse(await readFile(file, 'utf8')), file);
}

async function readMarker(file: string): Promise<Record<string, string>> {
  try {
    const { sha256 } = JSON.parse(await readFile(file, 'utf8')) as { sha256: unknown };
    return z.record(z.string(), z.string()).parse(sha256);
  } catch (cause) {
    throw new InputError(file, 'is not the marker of a checkpoint', {
      cause,
      hint: 'take an earlier checkpoint of the run',
    });
  }
}

/**
 * The newest checkpoint of a run whose files are the ones that were written, with its state; undefined when there is none. `damaged` are newer
 * ones that are not: the steps behind the one that is found are done again.
 */
export async function newestValid(
  runFolder: string,
): Promise<{ found?: { folder: string; state: TrainingState }; damaged: { folder: string; why: string }[] }> {
  const damaged: { folder: string; why: string }[] = [];
  for (const folder of listCheckpoints(runFolder).reverse()) {
    try {
      return { found: { folder, state: await readTrainingState(folder) }, damaged };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      damaged.push({ folder, why: error.message });
    }
  }
  return { damaged };
}

/** The kernel choices of a checkpoint, which are needed before a learner is made; its files are checked later, by `readTrainingState`. */
export function recordedKernels(folder: string | undefined): KernelChoices | undefined {
  if (folder === undefined) return undefined;
  try {
    const state = JSON.parse(readFileSync(path.join(folder, 'state', 'trainer.json'), 'utf8'));
    return kernelChoicesSchema.optional().parse((state as { kernels?: unknown }).kernels);
  } catch {
    return undefined;
  }
}

/** Loads the moments of a checkpoint into a learner; the weights are loaded by model/folder.ts. */
export async function loadMoments(folder: string, learner: Learner): Promise<void> {
  for (const info of await listTensors(path.join(folder, 'state'), 'moments')) {
    for await (const { first, values } of readPieces(info)) learner.loadMoment(info.name, values, first);
  }
}

/**
 * Removes old complete checkpoints, keeping the newest `keep` besides the last, and those of steps that are multiples of `keepEvery`; and what
 * a kill left of checkpoints older than the last complete one. `damaged` ones have a marker and count for nothing: they go, too.
 */
export async function pruneCheckpoints(
  runFolder: string,
  keep: number | null,
  keepEvery: number | null = null,
  damaged: readonly string[] = [],
): Promise<void> {
  const complete = listCheckpoints(runFolder).filter((folder) => !damaged.includes(folder));
  const last = complete.at(-1);
  if (last === undefined) return;
  for (const name of readdirSync(path.dirname(last))) {
    const folder = path.join(path.dirname(last), name);
    const unfinished = /^step-\d+$/.test(name) && folder < last && !isComplete(folder);
    if (unfinished || damaged.includes(folder)) await rm(folder, { recursive: true });
  }
  if (keep === null) return;
  for (const folder of complete.slice(0, -(keep + 1))) {
    const step = Number(path.basename(folder).replace('step-', ''));
    if (keepEvery === null || step % keepEvery !== 0) await rm(folder, { recursive: true });
  }
}

function hashFile(file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    createReadStream(file)
      .on('data', (chunk) => hash.update(chunk))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')));
  });
}
