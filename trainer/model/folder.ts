/**
 * Hugging Face model folders in and out: config.json, safetensors (single or sharded), tokenizer files carried along.
 * Weights go to the GPU and come back in pieces of a tensor, so a model of any size passes through little memory.
 */
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { InputError, messageOf, UserError } from '../../src/core/errors.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import { type Dtype, listTensors, readPieces } from '../../src/io/safetensors.ts';
import { writeModelFiles } from '../../src/io/write-safetensors.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ModelConfig } from './config.ts';
import { hfConfigText, modelConfigFromHf } from './hf-config.ts';
import { ModelWeights, type WeightOptions } from './weights.ts';

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
    const gone = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new InputError(
      file,
      gone ? 'there is no such file' : `cannot be read as JSON: ${messageOf(cause)}`,
      {
        cause,
        hint: 'give a Hugging Face model folder or a checkpoint of midtrain train',
      },
    );
  }
  return modelConfigFromHf(json, file);
}

/** Loads a model folder onto the GPU. Every parameter must be there, and nothing unknown. */
export async function loadModel(
  gpu: Gpu,
  folder: string,
  options: WeightOptions = {},
): Promise<ModelWeights> {
  const config = await readModelConfig(folder);
  const weights = new ModelWeights(gpu, config, options);
  const missing = new Set(weights.tensors().map(({ name }) => name));
  for (const info of await listTensors(folder)) {
    if (ignorable.test(info.name)) continue;
    // A tied head that was written out all the same.
    if (info.name === 'lm_head.weight' && config.tiedHead) continue;
    weights.tensor(info.name, info.shape);
    let sinceWaiting = 0;
    for await (const { first, values } of readPieces(info)) {
      weights.load(info.name, values, first);
      sinceWaiting += values.byteLength;
      // The queue holds a copy of what is written until the device has taken it.
      if (sinceWaiting >= 64 << 20) {
        await gpu.sync();
        sinceWaiting = 0;
      }
    }
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

export interface SaveOptions {
  /** Folder whose tokenizer files are copied. */
  tokenizerFrom?: string | undefined;
  /** Default F32, which is exact. */
  dtype?: Dtype;
  /** Weights beyond this go into several files; default one file. */
  maxShardBytes?: number;
}

/** Writes config.json, the weights, and tokenizer files. */
export async function saveModel(
  weights: ModelWeights,
  folder: string,
  { tokenizerFrom, dtype = 'F32', maxShardBytes }: SaveOptions = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeModelFiles(folder, weights.tensors(), (name, first, size) => weights.save(name, first, size), {
    dtype,
    ...(maxShardBytes !== undefined && { maxShardBytes }),
  });
  if (tokenizerFrom !== undefined) await copyTokenizer(tokenizerFrom, folder);
  await writeFileAtomic(path.join(folder, 'config.json'), hfConfigText(weights.config, dtype));
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
