/**
 * The classifiers of a pipeline file made definite: what kind of model each is, what its folder says of itself, where it lies on this
 * machine, and for regressors the device. Runs when a job is planned; models on the Hub are fetched here, once, before workers start.
 *
 * A regressor is opened here too: a model that cannot run is told before anything is written, `device: auto` becomes the one that every
 * worker then takes, and a short measurement says what to expect.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isModelFolder, type ModelFolder, readModelFolder } from '../../classifiers/model-folder.ts';
import type { EncoderChanges } from '../../classifiers/regressor/open-regressor.ts';
import { UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { columnOfModel } from './column-score.ts';
import type { ClassifierConfig } from './filter-config.ts';
import type { ClassifierStep, FastTextStep, RegressorStep } from './resolved-filter.ts';

export interface SettleOptions {
  /** Named in errors. */
  file: string;
  /** Gets what the plan should say. */
  notes: string[];
  emit: Emit;
}

/** Classifiers without a model are left out. Throws a `UserError` naming the classifier and what is wrong with its model. */
export async function settleClassifiers(
  classifiers: readonly ClassifierConfig[],
  options: SettleOptions,
): Promise<ClassifierStep[]> {
  const steps: ClassifierStep[] = [];
  for (const config of classifiers) {
    if (config.model === null) continue;
    if (columnOfModel(config.model) !== undefined) steps.push(columnStep(config, config.model));
    else steps.push(await settle(config, await localModel(config, config.model), options));
  }
  return steps;
}

function columnStep({ name, kind, gate }: ClassifierConfig, model: string): ClassifierStep {
  const base = { name, model, gated: gate === 'rules' };
  if (kind === 'regressor')
    return { ...base, kind, encoder: null, headFolder: null, device: 'cpu', batch: null };
  return { ...base, kind: 'fasttext', label: '', prepare: 'none', newline: 'space', unit: 'document' };
}

/** The model on this disk; of the Hub's what is needed is fetched. */
async function localModel({ dtype }: ClassifierConfig, model: string): Promise<string> {
  if (!model.startsWith('hf://')) return model;
  const { localClassifier } = await import('./local-classifier.ts');
  return localClassifier(model, dtype);
}

async function settle(
  config: ClassifierConfig,
  model: string,
  options: SettleOptions,
): Promise<ClassifierStep> {
  const { file } = options;
  const where = `${file}: classifiers: ${config.name}: model`;
  const stat = statSync(model, { throwIfNoEntry: false });
  if (stat === undefined) {
    const isId =
      /^[\w.-]+\/[\w.-]+$/.test(model.split('/').slice(-2).join('/')) && !/\.(bin|ftz)$/.test(model);
    throw new UserError(`${where}: there is no file ${model}`, {
      hint: isId
        ? `check the path; a model on the Hub is written hf://${model.split('/').slice(-2).join('/')}`
        : 'check the path',
    });
  }
  const folder = (await isModelFolder(model)) ? await readModelFolder(model) : undefined;
  const kind = folder?.description.kind ?? (stat.isDirectory() ? 'regressor' : 'fasttext');
  if (config.kind !== undefined && config.kind !== kind) {
    throw new UserError(`${where}: ${model} is a ${kind} model, and the pipeline says kind: ${config.kind}`, {
      hint:
        config.kind === 'regressor'
          ? 'give a model folder of a regressor, or a checkpoint in ONNX with one output'
          : 'give a fastText .bin or .ftz file, or a model folder of one',
    });
  }
  if (kind === 'fasttext') return fastTextStep(config, model, folder, options);
  if (folder === undefined && !existsSync(join(model, 'config.json'))) {
    throw new UserError(`${where}: the folder ${model} has neither classifier.json nor config.json`, {
      hint: 'give a model folder of "midtrain classify train", a checkpoint in the Hugging Face layout with onnx/model.onnx, or a fastText file',
    });
  }
  return regressorStep(config, model, options);
}

function fastTextStep(
  config: ClassifierConfig,
  model: string,
  folder: ModelFolder | undefined,
  { file, notes }: SettleOptions,
): FastTextStep {
  const { name, gate } = config;
  const base = { name, kind: 'fasttext', gated: gate === 'rules' } as const;
  if (folder === undefined) {
    const { label, prepare = 'none', newline = 'space', unit = 'document' } = config;
    if (label === undefined) {
      throw new UserError(`${file}: classifiers: ${name}: which label of ${model} is the score?`, {
        hint: 'add label: <name> to the classifier; a model folder says it itself',
      });
    }
    return { ...base, model, label, prepare, newline, unit };
  }
  const { label = '', prepare, newline, unit } = folder.description;
  const said = { label, prepare, newline, unit };
  for (const [key, value] of Object.entries(said)) {
    const asked = config[key as keyof typeof said];
    if (asked !== undefined && asked.replace(/^__label__/, '') !== value.replace(/^__label__/, ''))
      notes.push(`classifier ${name}: ${key} is ${value}, as its model folder says, not ${asked}`);
  }
  return { ...base, model: folder.weights, ...said };
}

/** Tokens of the text that the speed is measured on: the longest that the model reads. */
const sentence = 'the sum of two and two is four and we write it so ';

async function regressorStep(
  config: ClassifierConfig,
  model: string,
  { emit }: SettleOptions,
): Promise<RegressorStep> {
  const { findRegressor, openRegressorFiles } = await import('../../classifiers/regressor/open-regressor.ts');
  const { dtype, maxLength, crop } = config;
  const changes: EncoderChanges = Object.fromEntries(
    Object.entries({ dtype, maxLength, crop }).filter(([, value]) => value !== undefined),
  );
  const { settings, headFolder } = await findRegressor(model, changes);
  const regressor = await openRegressorFiles(settings, headFolder, { device: config.device });
  try {
    const { encoder, head } = regressor;
    const began = performance.now();
    await regressor.score([sentence.repeat(Math.ceil(encoder.maxLength / 10))]);
    const rate = 1000 / (performance.now() - began);
    emit({
      kind: 'message',
      level: 'info',
      text:
        `classifier ${config.name}: ${head === undefined ? `${settings.model}, its own output` : `${head.hidden === 0 ? 'linear head' : `head with ${head.hidden} hidden units`} on ${settings.model}`}; ` +
        `${encoder.device}, ${settings.dtype}, ${encoder.maxLength} tokens, batches of ${encoder.batch.texts}; ` +
        `about ${rate < 10 ? rate.toFixed(1) : rate.toFixed(0)} texts of that length a second in each worker`,
    });
    return {
      name: config.name,
      kind: 'regressor',
      model,
      gated: config.gate === 'rules',
      encoder: { ...settings, maxLength: encoder.maxLength },
      headFolder: headFolder ?? null,
      device: encoder.device,
      batch: encoder.batch,
    };
  } finally {
    await regressor.close();
  }
}
