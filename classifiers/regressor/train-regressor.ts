/**
 * A regression head from labelled texts: embed (once, through the cache), fit on the training part, choose on the held-out part, and write
 * head.safetensors. Embeddings are in memory whole: 1.5 KB a text at 384 dimensions.
 *
 * A kill costs the batch in hand: embeddings are on disk as they come, and fitting takes seconds. Same texts, labels, settings and encoder,
 * same bytes.
 */
import { join } from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import { type ModelDescription, modelFiles } from '../model-folder.ts';
import { EmbeddingCache } from './embedding-cache.ts';
import { encoderFingerprint } from './encoder-folder.ts';
import { type Device, type EncoderSettings, encoderSettings } from './encoder-settings.ts';
import { fetchModel, isHubModel } from './fetch-encoder.ts';
import { type FitHeadOptions, type FittedHead, fitHead, type HeadCandidate } from './fit-head.ts';
import { type Encoder, openEncoder } from './open-encoder.ts';
import { writeHead } from './regression-head.ts';

export interface RegressorExample {
  text: string;
  /** 0 to 5. */
  score: number;
}

export interface TrainRegressorOptions {
  /** `model` is a folder or `hf://owner/name[@revision]`. */
  encoder: Parameters<typeof encoderSettings>[0];
  device?: Device;
  /** Where embeddings are kept; nowhere if not given. */
  cacheFolder?: string;
  fit?: Partial<FitHeadOptions>;
  signal?: AbortSignal;
  onProgress?: (progress: RegressorProgress) => void;
}

type RegressorProgress =
  | { kind: 'embedded'; done: number; total: number; cached: number }
  | { kind: 'candidate'; candidate: HeadCandidate };

export interface TrainedRegressor extends FittedHead {
  /** With the fingerprint; what classifier.json says under `encoder`. */
  encoder: EncoderSettings;
  dimensions: number;
  device: string;
  /** Texts whose embeddings were on disk already. */
  cached: number;
}

/** Texts embedded at a time, between two writes to the cache. */
const chunk = 64;

/** Throws a `UserError` for labels outside 0..5 and for an encoder that gives scores; stops with the signal's reason. */
export async function trainRegressor(
  train: readonly RegressorExample[],
  heldOut: readonly RegressorExample[],
  options: TrainRegressorOptions,
): Promise<TrainedRegressor> {
  const { device, cacheFolder, fit, signal, onProgress = () => {} } = options;
  const all = [...train, ...heldOut];
  const wrong = all.findIndex(({ score }) => !(score >= 0 && score <= 5));
  if (wrong >= 0) {
    throw new UserError(
      `document ${wrong + 1} has the label ${all[wrong]!.score}; a regressor learns labels from 0 to 5`,
      {
        hint: 'leave out documents without a label, and scale others to 0..5',
      },
    );
  }
  const asked = encoderSettings(options.encoder);
  const found = isHubModel(asked.model) ? await fetchModel(asked.model, asked.dtype) : undefined;
  const local: EncoderSettings = { ...asked, model: found?.folder ?? asked.model };
  const encoder = await openEncoder(local, device === undefined ? {} : { device });
  try {
    if (encoder.gives === 'scores') {
      throw new UserError(
        `${asked.model} is a classifier with an output of its own; a head needs an encoder`,
        {
          hint: 'give a sentence-embedding model, exported to ONNX for feature-extraction',
        },
      );
    }
    const { dimensions, pooling, normalize, maxLength } = encoder;
    const settled = { ...local, pooling, normalize, maxLength };
    const fingerprint = await encoderFingerprint(settled);
    const cache =
      cacheFolder === undefined ? undefined : new EmbeddingCache(cacheFolder, fingerprint, dimensions);
    let embedded: { embeddings: Float32Array; cached: number };
    try {
      embedded = await embedAll(encoder, cache, all, (done, cached) => {
        signal?.throwIfAborted();
        onProgress({ kind: 'embedded', done, total: all.length, cached });
      });
    } finally {
      cache?.close();
    }
    const data = {
      embeddings: embedded.embeddings,
      dimensions,
      targets: all.map(({ score }) => score),
      train: train.map((_, i) => i),
      heldOut: heldOut.map((_, i) => train.length + i),
    };
    const fitted = fitHead(data, fit, (candidate) => {
      signal?.throwIfAborted();
      onProgress({ kind: 'candidate', candidate });
    });
    const address = found?.address ?? asked.model;
    return {
      ...fitted,
      encoder: { ...settled, model: address, fingerprint },
      dimensions,
      device: encoder.device,
      cached: embedded.cached,
    };
  } finally {
    await encoder.close();
  }
}

/** Embeddings of all texts in order; each text that occurs twice is embedded once. */
async function embedAll(
  encoder: Encoder,
  cache: EmbeddingCache | undefined,
  examples: readonly RegressorExample[],
  onChunk: (done: number, cached: number) => void,
): Promise<{ embeddings: Float32Array; cached: number }> {
  const { dimensions } = encoder;
  const embeddings = new Float32Array(examples.length * dimensions);
  let cached = 0;
  for (let from = 0; from < examples.length; from += chunk) {
    onChunk(from, cached);
    const missing = new Map<string, number[]>();
    for (let i = from; i < Math.min(from + chunk, examples.length); i++) {
      const key = EmbeddingCache.keyOf(examples[i]!.text);
      if (cache?.read(key, embeddings, i * dimensions) === true) cached++;
      else missing.set(key, [...(missing.get(key) ?? []), i]);
    }
    const places = [...missing.values()];
    const values = await encoder.encode(places.map(([i]) => examples[i!]!.text));
    for (const [k, rows] of places.entries())
      for (const row of rows)
        embeddings.set(values.subarray(k * dimensions, (k + 1) * dimensions), row * dimensions);
    cache?.add([...missing.keys()], values);
  }
  onChunk(examples.length, cached);
  return { embeddings, cached };
}

/**
 * Writes the head into a model folder and returns what `writeModelDescription` needs to make it whole. (Texts go to the encoder as they
 * are: `prepare`, `newline` and `unit` say so.)
 */
export async function writeRegressor(
  folder: string,
  trained: TrainedRegressor,
): Promise<Omit<ModelDescription, 'version' | 'bytes' | 'sha256'>> {
  await writeHead(join(folder, modelFiles.regressor), trained.head);
  return {
    kind: 'regressor',
    prepare: 'none',
    newline: 'space',
    unit: 'document',
    encoder: trained.encoder,
    weights: modelFiles.regressor,
  };
}
