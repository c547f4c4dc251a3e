/**
 * The folder of a trained classifier, as `midtrain classify train` writes it and `filter`, `classify score` and `classify evaluate` read it.
 *
 *     classifier.json   what the model is and how a text becomes a score: written last, so a folder with it is whole
 *     model.bin         fastText weights (the reference command line loads them), or head.safetensors of a regressor
 *     training.json     settings, seed, data files with hashes, counts by label and source, versions, losses
 *     seen.bin          xxHash64 of every prepared training text, sorted: `evaluate` leaves out what the model has seen
 *     heldout/          labelled rows that training did not see, in and out of distribution
 *     evaluation.json   evaluation.html   card.md
 *
 * Reading verifies size and sha256 of the weights. A folder of a later version is refused, not guessed at.
 */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../src/core/config.ts';
import { InputError } from '../src/core/errors.ts';
import { writeFileAtomic } from '../src/io/atomic.ts';
import { sha256OfFile } from '../src/io/file-hash.ts';
import { readJsonFile } from '../src/io/json-file.ts';

export const descriptionFile = 'classifier.json';
const currentVersion = 1;

/** Names of the other files of the folder. */
export const modelFiles = {
  fasttext: 'model.bin',
  regressor: 'head.safetensors',
  training: 'training.json',
  seen: 'seen.bin',
  heldOut: 'heldout',
  evaluation: 'evaluation.json',
  page: 'evaluation.html',
  card: 'card.md',
} as const;

const encoderSchema = z.looseObject({
  /** A local folder in the Hugging Face layout, or a name on the Hub. */
  model: z.string().min(1),
});

const descriptionSchema = z
  .strictObject({
    version: z.literal(currentVersion),
    kind: z.enum(['fasttext', 'regressor']),
    /** fastText: the label whose probability is the score, without `__label__`. */
    label: z.string().min(1).optional(),
    /** How a text is prepared before it is scored (prepare-text.ts). */
    prepare: z.enum(['none', 'megamath']),
    /** What a line end becomes before scoring (open-classifier.ts). */
    newline: z.enum(['space', 'remove']),
    unit: z.enum(['document', 'paragraph', 'sentence']),
    /** Documents that score at least this are positive; chosen by evaluation, or given. */
    threshold: z.number().optional(),
    /** Regressor: what turns a text into an embedding. */
    encoder: encoderSchema.optional(),
    /** Name of the weights in the folder. */
    weights: z.string().regex(/^[\w.-]+$/, 'the weights are a file in the folder'),
    /** Of the weights. */
    bytes: z.int().min(1),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a sha256 has 64 hex digits'),
  })
  .refine(({ kind, label }) => kind !== 'fasttext' || label !== undefined, {
    message: 'a fastText classifier needs the label that it scores',
    path: ['label'],
  })
  .refine(({ kind, encoder }) => kind !== 'regressor' || encoder !== undefined, {
    message: 'a regressor needs the encoder of its embeddings',
    path: ['encoder'],
  });

export type ModelDescription = z.output<typeof descriptionSchema>;

export interface ModelFolder {
  /** The folder. */
  path: string;
  /** The weights. */
  weights: string;
  description: ModelDescription;
}

/** Whether `path` is a model folder, whole or damaged. */
export async function isModelFolder(path: string): Promise<boolean> {
  const found = await stat(join(path, descriptionFile)).catch(() => undefined);
  return found?.isFile() === true;
}

/**
 * Reads and checks a model folder. `verify: false` checks only the size of the weights (for threads that open what another has checked).
 * Throws `InputError` for a damaged folder.
 */
export async function readModelFolder(path: string, { verify = true } = {}): Promise<ModelFolder> {
  const file = join(path, descriptionFile);
  if (!(await isModelFolder(path))) {
    throw new InputError(path, `this is no model folder: it has no ${descriptionFile}`, {
      hint: 'give the folder that "midtrain classify train" wrote; a training that was stopped has to be run again',
    });
  }
  const value = await readJsonFile(file);
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > currentVersion) {
    throw new InputError(file, `the folder has version ${version}; this program reads ${currentVersion}`, {
      hint: 'use the version of midtrain that wrote it, or a later one',
    });
  }
  const description = parseConfig(descriptionSchema, value, file);
  const weights = join(path, description.weights);
  const again = 'copy the folder again from where it came, or train again';
  const size = (await stat(weights).catch(() => undefined))?.size;
  if (size === undefined)
    throw new InputError(weights, `the weights that ${descriptionFile} names are missing`, { hint: again });
  if (size !== description.bytes) {
    throw new InputError(weights, `damaged: it has ${size} bytes and had ${description.bytes}`, {
      hint: again,
    });
  }
  if (verify) {
    const sha256 = await sha256OfFile(weights);
    if (sha256 !== description.sha256) {
      throw new InputError(
        weights,
        `damaged: its sha256 is ${sha256.slice(0, 16)}… and was ${description.sha256.slice(0, 16)}…`,
        {
          hint: again,
        },
      );
    }
  }
  return { path, weights, description };
}

/** Writes `classifier.json` for weights that lie in the folder already, and so makes the folder whole. */
export async function writeModelDescription(
  path: string,
  description: Omit<ModelDescription, 'version' | 'bytes' | 'sha256'>,
): Promise<ModelFolder> {
  const weights = join(path, basename(description.weights));
  const { size } = await stat(weights);
  const whole = parseConfig(
    descriptionSchema,
    { version: currentVersion, ...description, bytes: size, sha256: await sha256OfFile(weights) },
    join(path, descriptionFile),
  );
  await writeFileAtomic(join(path, descriptionFile), `${JSON.stringify(whole, null, 2)}\n`);
  return { path, weights, description: whole };
}
