/** Checkpoint folders of every family with a tokenizer of as many tokens as the fixtures have rows, saved by this project. For tests and for test/oracles/greedy-texts.ts. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';
import type { Gpu } from '../../trainer/gpu/device.ts';
import { loadModel, saveModel } from '../../trainer/model/folder.ts';

const fixtures = path.join(import.meta.dirname, '../fixtures/families');
export const families = readdirSync(fixtures).sort();

export const greedyPrompts: readonly string[] = ['the cat', '2+3=', 'q'];
export const greedyTokens = 20;

/** 38 characters and the special tokens: the 40 rows of the fixtures' embeddings. */
const characters = `abcdefghijklmnopqrstuvwxy0123456789 +=`;

/** Loads a fixture that transformers wrote and saves it as `midtrain train` saves a checkpoint. */
export async function writeGreedyFolder(gpu: Gpu, family: string, folder: string): Promise<void> {
  const { files, vocabSize } = await trainBpe([characters], { alphabet: 'seen' });
  if (vocabSize !== 40) throw new Error(`the tokenizer has ${vocabSize} tokens, the fixtures 40 rows`);
  const start = `${folder}-start`;
  mkdirSync(start, { recursive: true });
  cpSync(path.join(fixtures, family, 'model.safetensors'), path.join(start, 'model.safetensors'));
  // One end token, the tokenizer's, as in a checkpoint of training; the fixtures' own is a character of this tokenizer.
  const config = JSON.parse(readFileSync(path.join(fixtures, family, 'config.json'), 'utf8')) as object;
  writeFileSync(path.join(start, 'config.json'), JSON.stringify({ ...config, eos_token_id: 1 }));
  await saveTokenizerFiles(files, start);
  const weights = await loadModel(gpu, start);
  await saveModel(weights, folder);
  weights.destroy();
  await saveTokenizerFiles(files, folder);
  rmSync(start, { recursive: true });
}
