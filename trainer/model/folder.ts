/**
 * Hugging Face model folders in and out: config.json, safetensors (single or sharded), tokenizer files carried along.
 * Weights go to the GPU one tensor at a time.
 */
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { InputError, messageOf, UserError } from '../../src/core/errors.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import type { Gpu } from '../device.ts';
import { listTensors, readTensor, writeSafetensors } from '../safetensors.ts';
import type { ModelConfig } from './config.ts';
import { modelConfigFromHf, modelConfigToHf } from './hf-config.ts';
import { ModelWeights } from './weights.ts';

/** Tensors that some exporters write and the model does not need. */
const ignorable = /rotary_emb\.inv_freq$/;

const tokenizerFiles =
  /^(tokenizer.*|special_tokens_map\.json|vocab\.(json|txt)|merges\.txt|added_tokens\.json|chat_template\.jinja|generation_config\.json)$/;

export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const file = path.join(folder, 'config.json');
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new InputError(file, `cannot be read as JSON: ${messageOf(cause)}`, {
      cause,
      hint: 'give a Hugging Face model folder or a checkpoint of midtrain train',
    });
  }
  return modelConfigFromHf(json, file);
}

/** Loads a model folder onto the GPU. Every parameter must be there, and nothing unknown. */
export async function loadModel(gpu: Gpu, folder: string): Promise<ModelWeights> {
  const config = await readModelConfig(folder);
  const weights = new ModelWeights(gpu, config);
  const missing = new Set(weights.names().map(({ name }) => name));
  for (const info of await listTensors(folder)) {
    if (ignorable.test(info.name)) continue;
    // A tied head that was written out all the same.
    if (info.name === 'lm_head.weight' && config.tiedHead) continue;
    weights.load(info.name, await readTensor(info));
    missing.delete(info.name);
  }
  if (missing.size > 0) {
    throw new InputError(
      folder,
      `has no tensor ${[...missing].slice(0, 3).join(', ')}${missing.size > 3 ? ` and ${missing.size - 3} more` : ''}`,
      {
        hint: 'config.json and the weights do not belong together',
      },
    );
  }
  return weights;
}

/** Writes config.json and model.safetensors (f32), and copies tokenizer files from `tokenizerFrom`. */
export async function saveModel(
  weights: ModelWeights,
  folder: string,
  tokenizerFrom?: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeSafetensors(path.join(folder, 'model.safetensors'), weights.names(), (name) =>
    weights.save(name),
  );
  if (tokenizerFrom !== undefined) await copyTokenizer(tokenizerFrom, folder);
  await writeFileAtomic(
    path.join(folder, 'config.json'),
    `${JSON.stringify(modelConfigToHf(weights.config), null, 2)}\n`,
  );
}

/** Copies the tokenizer files of one folder to another. */
export async function copyTokenizer(from: string, to: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(from);
  } catch (cause) {
    throw new UserError(`cannot read the tokenizer folder ${from}: ${messageOf(cause)}`, { cause });
  }
  for (const name of names.filter((n) => tokenizerFiles.test(n)))
    await copyFile(path.join(from, name), path.join(to, name));
}
