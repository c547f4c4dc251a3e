/**
 * A classifier of any kind as one function from texts to scores, for evaluation and scoring: a model folder, a fastText file with its label,
 * or a sequence classification checkpoint (ONNX) with one output.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { readFastTextData } from '../../classifiers/fasttext/read-model.ts';
import { isModelFolder, type ModelDescription, readModelFolder } from '../../classifiers/model-folder.ts';
import { openClassifier } from '../../classifiers/open-classifier.ts';
import { encoderFingerprint } from '../../classifiers/regressor/encoder-folder.ts';
import { encoderSettings } from '../../classifiers/regressor/encoder-settings.ts';
import { isHubModel } from '../../classifiers/regressor/fetch-encoder.ts';
import { UserError } from '../core/errors.ts';
import { sha256OfFile } from '../io/file-hash.ts';
import { localClassifier } from './local-classifier.ts';
import { sharedModel } from './shared-model.ts';

/** How texts become scores. Plain data, so that it can be handed to a worker. */
export interface ScorerSpec {
  /** For reports. */
  name: string;
  kind: 'fasttext' | 'regressor';
  /** The weights, or the folder of a regressor. */
  model: string;
  label: string | null;
  prepare: ModelDescription['prepare'];
  newline: ModelDescription['newline'];
  unit: ModelDescription['unit'];
  threshold: number | null;
  sha256: string;
  /** The model folder, where it is one. */
  folder: string | null;
}

/** What a fastText file does not say of itself. */
export interface FileSettings {
  label?: string | undefined;
  prepare?: ModelDescription['prepare'] | undefined;
  newline?: ModelDescription['newline'] | undefined;
  unit?: ModelDescription['unit'] | undefined;
}

/** Reads and checks the model at `path`. Settings hold for files; a folder says its own and refuses others. */
export async function scorerSpec(path: string, settings: FileSettings = {}): Promise<ScorerSpec> {
  if (isHubModel(path)) {
    const name = basename(path).replace(/@.*/, '');
    return { ...(await scorerSpec(await localClassifier(path), settings)), name };
  }
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new UserError(`${path}: there is no such file or folder`, {
      hint: 'give a model folder of "midtrain classify train", or a fastText .bin or .ftz file',
    });
  const name = basename(path);
  if (found.isDirectory() && !(await isModelFolder(path)) && existsSync(join(path, 'config.json')))
    return checkpointSpec(path, name, settings);
  if (found.isDirectory()) {
    const { description, weights } = await readModelFolder(path);
    for (const [key, value] of Object.entries(settings)) {
      if (value === undefined || value === description[key as keyof FileSettings]) continue;
      throw new UserError(
        `--${key} ${value}: the model folder ${path} says ${String(description[key as keyof FileSettings])}`,
        {
          hint: `leave out --${key}; it is for fastText files that do not say it`,
        },
      );
    }
    const { kind, label, prepare, newline, unit, threshold, sha256 } = description;
    return {
      name,
      kind,
      model: kind === 'fasttext' ? weights : path,
      label: label ?? null,
      prepare,
      newline,
      unit,
      threshold: threshold ?? null,
      sha256,
      folder: path,
    };
  }
  if (settings.label === undefined) {
    const { labels } = openFastText(await readFastTextData(path));
    const some = labels.slice(0, 20).join(', ');
    const beside = await isModelFolder(dirname(path));
    throw new UserError(`${path}: which label is the score?`, {
      hint: `give --label <name>; the labels are ${some}${labels.length > 20 ? ` and ${labels.length - 20} more` : ''}${beside ? `. The folder ${dirname(path)} says it itself: give that` : ''}`,
    });
  }
  return {
    name,
    kind: 'fasttext',
    model: path,
    label: settings.label,
    prepare: settings.prepare ?? 'none',
    newline: settings.newline ?? 'space',
    unit: settings.unit ?? 'document',
    threshold: null,
    sha256: await sha256OfFile(path),
    folder: null,
  };
}

/** A sequence classification checkpoint with one output, scored as it is. */
async function checkpointSpec(path: string, name: string, settings: FileSettings): Promise<ScorerSpec> {
  const [given] = Object.entries(settings).find(([, value]) => value !== undefined) ?? [];
  if (given !== undefined)
    throw new UserError(`--${given} is for fastText files, and ${path} is a checkpoint with one output`, {
      hint: `leave out --${given}`,
    });
  return {
    name,
    kind: 'regressor',
    model: path,
    label: null,
    prepare: 'none',
    newline: 'space',
    unit: 'document',
    threshold: null,
    sha256: await encoderFingerprint(encoderSettings({ model: path })),
    folder: null,
  };
}

export interface OpenedScorer {
  /** Texts that are scored together. */
  batchSize: number;
  score(texts: readonly string[]): Promise<Float64Array>;
  close(): Promise<void>;
}

export async function openScorer(spec: ScorerSpec): Promise<OpenedScorer> {
  const { model, label, newline, unit, prepare } = spec;
  if (spec.kind === 'regressor') return openClassifier({ kind: 'regressor', model });
  const score = await openClassifier({
    kind: 'fasttext',
    model: sharedModel(model),
    label: label ?? '',
    prepare,
    newline,
    unit,
  });
  return {
    batchSize: 64,
    score: (texts) => Promise.resolve(Float64Array.from(texts, score)),
    close: () => Promise.resolve(),
  };
}
