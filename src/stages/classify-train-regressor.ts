/**
 * Trains the head of an embedding regressor: the training texts through the frozen encoder, and a head fitted to their scores of 0 to 5.
 *
 * A document that has only a label counts as 5 or 0. A tenth of the training documents chooses among the candidates (fit-head.ts); they are
 * not the held-out ones. Memory: the embeddings (4 bytes a value) and one batch of texts.
 */
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { ModelDescription } from '../../classifiers/model-folder.ts';
import { encoderFingerprint } from '../../classifiers/regressor/encoder-folder.ts';
import { encoderSettings } from '../../classifiers/regressor/encoder-settings.ts';
import { fetchModel, isHubModel } from '../../classifiers/regressor/fetch-encoder.ts';
import { fitHead } from '../../classifiers/regressor/fit-head.ts';
import { openEncoder } from '../../classifiers/regressor/open-encoder.ts';
import { writeHead } from '../../classifiers/regressor/regression-head.ts';
import { InterruptedError, UserError } from '../core/errors.ts';
import type { RegressorLine, TrainClassifierRequest } from './classify-train-request.ts';

const selectionEvery = 10;

export async function trainRegressorModel(
  lines: string,
  documents: number,
  weights: string,
  { regressor, split, emit, signal }: Pick<TrainClassifierRequest, 'regressor' | 'split' | 'emit' | 'signal'>,
): Promise<{
  settings: Record<string, unknown>;
  result: Record<string, number>;
  encoder: NonNullable<ModelDescription['encoder']>;
}> {
  if (regressor === undefined) {
    throw new UserError('a regressor needs an encoder', {
      hint: 'give --encoder <folder with ONNX weights>, or --encoder hf://owner/name',
    });
  }
  const { method = 'ridge', maxLength, prefix } = regressor;
  const remote = isHubModel(regressor.encoder) ? await fetchModel(regressor.encoder) : undefined;
  const settings = encoderSettings({
    model: remote?.folder ?? resolve(regressor.encoder),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(prefix === undefined ? {} : { prefix }),
  });
  const fingerprint = await encoderFingerprint(settings);
  const encoder = await openEncoder(settings);
  const started = performance.now();
  try {
    if (encoder.gives !== 'embeddings') {
      throw new UserError(`${regressor.encoder} gives scores, not embeddings`, {
        hint: 'it is a classifier already: score and filter with it as it is',
      });
    }
    const { dimensions } = encoder;
    const embeddings = new Float32Array(documents * dimensions);
    const targets = new Float64Array(documents);
    emit({ kind: 'start', task: 'embed', total: documents, unit: 'documents' });
    let done = 0;
    let waiting: string[] = [];
    const flush = async (): Promise<void> => {
      embeddings.set(await encoder.encode(waiting), done * dimensions);
      done += waiting.length;
      waiting = [];
      emit({ kind: 'progress', task: 'embed', done, total: documents, unit: 'documents' });
    };
    for await (const line of createInterface({ input: createReadStream(lines) })) {
      if (signal?.aborted) throw new InterruptedError();
      const { text, score } = JSON.parse(line) as RegressorLine;
      targets[done + waiting.length] = score;
      waiting.push(text);
      if (waiting.length >= encoder.batch.texts * 8) await flush();
    }
    await flush();
    const seconds = (performance.now() - started) / 1000;
    emit({ kind: 'end', task: 'embed', done, unit: 'documents', seconds });
    const rows = Array.from({ length: documents }, (_, row) => row);
    // The documents are in an order of hashes.
    const fitted = fitHead(
      {
        embeddings,
        dimensions,
        targets,
        train: rows.filter((row) => row % selectionEvery !== 0),
        heldOut: rows.filter((row) => row % selectionEvery === 0),
      },
      { method, seed: split.seed },
      () => {
        if (signal?.aborted) throw new InterruptedError();
      },
    );
    await writeHead(weights, fitted.head);
    const best = fitted.candidates.find(({ name }) => name === fitted.best)!;
    return {
      settings: { method, best: fitted.best },
      result: { loss: best.trainMse, selectionMse: best.heldOut.mse, selectionMacroF1: best.heldOut.macroF1 },
      encoder: { ...settings, model: remote?.address ?? settings.model, fingerprint },
    };
  } finally {
    await encoder.close();
  }
}
