/** A folder with a tiny random decoder and a byte-level tokenizer, as `midtrain train` leaves one. For tests. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';
import type { Gpu } from '../../trainer/gpu/device.ts';
import type { ModelConfig } from '../../trainer/model/config.ts';
import { saveModel } from '../../trainer/model/folder.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { tinyConfig, tinyWeights } from './tiny-model.ts';

/** The chat template writes `role: content` lines. */
export const chatTemplate =
  '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}';

export async function writeTextModel(
  gpu: Gpu,
  folder: string,
  options: { chat?: boolean } = {},
): Promise<ModelConfig> {
  const { files, vocabSize } = await trainBpe(['the cat sat on the mat and the dog ran after it'], {
    vocabSize: 280,
  });
  await saveTokenizerFiles(files, folder);
  if (options.chat) {
    const file = path.join(folder, 'tokenizer_config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...config, chat_template: chatTemplate }));
  }
  const config = { ...tinyConfig, vocabSize, maxPositions: 128, eosId: 0 };
  const weights = new ModelWeights(gpu, config);
  for (const [name, values] of tinyWeights(config)) weights.load(name, values);
  await saveModel(weights, folder);
  weights.destroy();
  return config;
}
