/** A tiny random model with a tokenizer of its own, and problems for it. For tests of evaluations. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokens/tokenizer.ts';
import { saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';
import type { Gpu } from '../../trainer/gpu/device.ts';
import { saveModel } from '../../trainer/model/folder.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { tinyConfig, tinyWeights } from './tiny-model.ts';

/** Writes the model folder. ` A` ... ` D` are tokens, so that letters are scored in one pass; words of choices are several tokens. */
export async function writeEvalModel(gpu: Gpu, folder: string, seed = 1): Promise<Tokenizer> {
  const texts = Array.from(
    { length: 40 },
    (_, i) => `Question: Sum ${i}\n(A) four (B) five (C) two (D) one\nAnswer: A B C D`,
  );
  mkdirSync(folder, { recursive: true });
  await saveTokenizerFiles((await trainBpe(texts, { vocabSize: 330 })).files, folder);
  const tokenizer = await loadTokenizer(folder);
  const shape = { ...tinyConfig, vocabSize: tokenizer.vocabSize, maxPositions: 256, eosId: tokenizer.eosId! };
  const weights = new ModelWeights(gpu, shape);
  for (const [name, values] of tinyWeights(shape, seed)) weights.load(name, values);
  await saveModel(weights, folder);
  weights.destroy();
  return tokenizer;
}

/** JSONL with these records. */
export function writeRecords(file: string, records: readonly object[]): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return file;
}

/** Sums whose answers are single digits: whatever a model writes, some of it is right. */
export const sums = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `p${i}`,
    question: `${i} + 1`,
    answer: String(i % 3),
    level: i % 2,
  }));
