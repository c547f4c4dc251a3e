/**
 * A Hugging Face model folder in another type of numbers or another number of files: every tensor is streamed through in pieces, the
 * tokenizer's files are copied (one that is no tokenizer.json yet becomes one), config.json stays as it is but for its dtype. No GPU is needed.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { InputError, UserError } from '../../src/core/errors.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import { type Dtype, listTensors, readRange } from '../../src/io/safetensors.ts';
import { writeModelFiles } from '../../src/io/write-safetensors.ts';
import { readTokenizerFiles, saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';
import { copyTokenizer, readModelConfig } from '../model/folder.ts';
import { hfConfigJson } from '../model/hf-config.ts';

export interface ConvertedFolder {
  tensors: number;
  parameters: number;
  bytes: number;
}

const names = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** Throws what reading the folder throws, and a `UserError` when both folders are one. */
export async function convertFolder(
  from: string,
  to: string,
  dtype: Dtype,
  maxShardBytes?: number,
): Promise<ConvertedFolder> {
  if (path.resolve(from) === path.resolve(to))
    throw new UserError(`${to}: is the folder that is converted`, { hint: 'give another folder to write' });
  // A folder that training would refuse is refused here too.
  await readModelConfig(from);
  const tensors = await listTensors(from);
  const byName = new Map(tensors.map((info) => [info.name, info]));
  await mkdir(to, { recursive: true });
  await writeModelFiles(to, tensors, (name, first, size) => readRange(byName.get(name)!, first, size), {
    dtype,
    ...(maxShardBytes !== undefined && { maxShardBytes }),
  });
  await copyTokenizer(from, to);
  if (!existsSync(path.join(to, 'tokenizer.json'))) await writeTokenizerJson(from, to);
  const { dtype: _, ...config } = JSON.parse(
    await readFile(path.join(from, 'config.json'), 'utf8'),
  ) as Record<string, unknown>;
  const text = hfConfigJson({ ...config, torch_dtype: names[dtype] });
  await writeFileAtomic(path.join(to, 'config.json'), text);
  const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return { tensors: tensors.length, parameters, bytes: parameters * (dtype === 'F32' ? 4 : 2) };
}

/** Tokenizers known by other files than tokenizer.json (GPT-2's pair, a list of characters) get one; a folder without any stays so. */
async function writeTokenizerJson(from: string, to: string): Promise<void> {
  const settings = path.join(from, 'tokenizer_config.json');
  const known = [settings, path.join(from, 'encoder.json'), path.join(from, 'vocab.bpe')].some(existsSync);
  if (!known) return;
  const files = await readTokenizerFiles(from).catch((error: unknown) => {
    // A slow tokenizer of another kind is not ours to turn into anything; a broken list of characters is worth an error.
    if (error instanceof InputError && error.file === from) return undefined;
    throw error;
  });
  if (files !== undefined) await saveTokenizerFiles(files, to);
}
