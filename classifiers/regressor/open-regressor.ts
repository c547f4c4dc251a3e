/**
 * An embedding regressor as a scorer of texts: a model folder of midtrain (a trained head and the encoder it names), or a sequence
 * classification checkpoint with one output, as FineWeb-Edu's and FineMath's classifiers are, scored as it is.
 *
 * The score is the raw regression output, usually 0 to 5 and sometimes outside; `intScore` makes the whole number that corpora are cut by.
 */
import { isAbsolute, resolve } from 'node:path';
import { parseConfig } from '../../src/core/config.ts';
import { InputError } from '../../src/core/errors.ts';
import { isModelFolder, readModelFolder } from '../model-folder.ts';
import type { Device, EncoderSettings } from './encoder-settings.ts';
import { encoderSettings, encoderSettingsSchema } from './encoder-settings.ts';
import { fetchModel, isHubModel } from './fetch-encoder.ts';
import { type EncodeOptions, type Encoder, openEncoder } from './open-encoder.ts';
import type { BatchLimits } from './plan-batches.ts';
import { headScores, type RegressionHead, readHead } from './regression-head.ts';

/** A scorer that wants many texts at a time, for models that are slow one by one. */
interface BatchScorer {
  /** Texts that fill a batch; more at a time are better, since they are put in batches by length. */
  readonly batchSize: number;
  /** One score a text, in their order. The same texts in one call give the same bits; in other company the last bits may differ. */
  score(texts: readonly string[], options?: EncodeOptions): Promise<Float64Array>;
  close(): Promise<void>;
}

export interface Regressor extends BatchScorer {
  readonly encoder: Encoder;
  /** Undefined: the checkpoint's own. */
  readonly head: RegressionHead | undefined;
}

/** What a caller may set over what the model says of itself. */
export type EncoderChanges = Partial<Pick<EncoderSettings, 'maxLength' | 'crop' | 'prefix' | 'dtype'>>;

export interface RegressorOptions {
  kind: 'regressor';
  /** A model folder, a checkpoint in ONNX, or `hf://owner/name[@revision]` of one. */
  model: string;
  device?: Device;
  /** Threads of one session on the CPU. Default 1. */
  threads?: number;
  batch?: Partial<BatchLimits>;
  /** Only for checkpoints: a trained head belongs to its encoder's settings. */
  encoder?: EncoderChanges;
}

/** Which encoder and head a model setting means, everything on this disk. */
export interface RegressorFiles {
  settings: EncoderSettings;
  /** The model folder that holds head.safetensors; undefined for a checkpoint. */
  headFolder: string | undefined;
}

/** Fetches what is on the Hub and reads what the model says of itself. Throws an `InputError` for what is no regressor. */
export async function findRegressor(model: string, changes: EncoderChanges = {}): Promise<RegressorFiles> {
  const path = isHubModel(model) ? (await fetchModel(model, changes.dtype)).folder : model;
  if (!(await isModelFolder(path)))
    return { settings: encoderSettings({ ...changes, model: path }), headFolder: undefined };
  const { description } = await readModelFolder(path);
  if (description.kind !== 'regressor')
    throw new InputError(path, `this model folder holds a ${description.kind} classifier, not a regressor`, {
      hint: 'leave out kind: the folder says it',
    });
  const said = parseConfig(encoderSettingsSchema, description.encoder, `${path}/classifier.json: encoder`);
  const [changed] = Object.entries(changes).filter(
    ([key, value]) => value !== said[key as keyof EncoderSettings],
  );
  if (changed !== undefined) {
    throw new InputError(
      path,
      `${changed[0]} cannot be changed to ${JSON.stringify(changed[1])}: the head was trained with ${JSON.stringify(said[changed[0] as keyof EncoderSettings])}`,
      {
        hint: `leave out ${changed[0]}, or train a head with it`,
      },
    );
  }
  const encoder = isHubModel(said.model)
    ? (await fetchModel(said.model, said.dtype)).folder
    : isAbsolute(said.model)
      ? said.model
      : resolve(path, said.model);
  return { settings: { ...said, model: encoder }, headFolder: path };
}

/** Opens encoder and head. Throws an `InputError` for a damaged model or one that gives no single score. */
export async function openRegressor(options: RegressorOptions): Promise<Regressor> {
  const { model, device, threads, batch } = options;
  const { settings, headFolder } = await findRegressor(model, options.encoder);
  return openRegressorFiles(settings, headFolder, {
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
    ...(batch === undefined ? {} : { batch }),
  });
}

/** The same with the files found before. */
export async function openRegressorFiles(
  settings: EncoderSettings,
  headFolder: string | undefined,
  options: Pick<RegressorOptions, 'device' | 'threads' | 'batch'> = {},
): Promise<Regressor> {
  const head = headFolder === undefined ? undefined : await readHead(headFolder);
  const encoder = await openEncoder(settings, options);
  const problem = mismatch(encoder, head);
  if (problem !== undefined) {
    await encoder.close();
    throw new InputError(settings.model, problem.text, { hint: problem.hint });
  }
  return {
    encoder,
    head,
    batchSize: encoder.batch.texts,
    async score(texts, onBatch) {
      const values = await encoder.encode(texts, onBatch);
      return head === undefined ? Float64Array.from(values) : headScores(head, values);
    },
    close: () => encoder.close(),
  };
}

function mismatch(
  encoder: Encoder,
  head: RegressionHead | undefined,
): { text: string; hint: string } | undefined {
  const { gives, dimensions } = encoder;
  if (head === undefined) {
    if (gives === 'embeddings')
      return {
        text: `the model gives embeddings of ${dimensions} values and no score`,
        hint: 'train a head on it with "midtrain classify train --kind regressor", or give a sequence classification checkpoint with one output',
      };
    return dimensions === 1
      ? undefined
      : {
          text: `the model has ${dimensions} outputs; a regressor has one`,
          hint: 'give a checkpoint with num_labels 1',
        };
  }
  if (gives === 'embeddings' && dimensions === head.dimensions) return undefined;
  return {
    text: `the encoder gives ${gives} of ${dimensions} values, the head takes embeddings of ${head.dimensions}`,
    hint: 'give the encoder that the head was trained on',
  };
}
