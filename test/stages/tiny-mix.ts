/**
 * Mixtures of generated JSONL sources for tests. The tokenizer has one token per byte, so a text of n ASCII characters is n + 1 tokens
 * with its end token, and lengths are what a test says.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LoadedRecipe, loadRecipe } from '../../mixtures/load.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { saveTokenizerFiles, tokenizerFilesOf } from '../../src/tokens/tokenizer-files.ts';

export interface TinySource {
  role: string;
  /** Left out for the fill source. */
  weight?: number;
  /** Tokens of each document, at least 1. */
  lengths: readonly number[];
}

export interface TinyRecipe {
  sources: Record<string, TinySource>;
  fill?: string;
  budget?: number;
  sequenceLength: number;
  repeatLimit?: number;
  seed?: number;
  heldout?: number;
  tokenizer?: string;
}

/** Text of document `number`: what it holds says where every character is from. */
export function tinyText(source: string, number: number, length: number): string {
  const unit = `${source}${number}.`;
  return unit.repeat(Math.ceil(length / unit.length)).slice(0, length - 1);
}

/** Writes data and recipe into `folder` and reads the recipe as the command line would. */
export function writeTinyRecipe(folder: string, recipe: TinyRecipe, file = 'tiny.yaml'): LoadedRecipe {
  mkdirSync(folder, { recursive: true });
  const lines = [
    'name: tiny',
    `tokenizer: ${recipe.tokenizer ?? 'byte-tokens'}`,
    `sequenceLength: ${recipe.sequenceLength}`,
    ...(recipe.budget === undefined ? [] : [`budget: ${recipe.budget}`]),
    ...(recipe.fill === undefined ? [] : [`fill: ${recipe.fill}`]),
    `repeatLimit: ${recipe.repeatLimit ?? 4}`,
    `seed: ${recipe.seed ?? 0}`,
    `heldout: ${recipe.heldout ?? 0}`,
    'sources:',
  ];
  for (const [name, { role, weight, lengths }] of Object.entries(recipe.sources)) {
    writeFileSync(
      join(folder, `${name}.jsonl`),
      lengths
        .map((length, i) =>
          JSON.stringify({
            id: `${name}-${i}`,
            url: `https://${name}.example/${i}`,
            text: tinyText(name, i, length),
          }),
        )
        .join('\n'),
    );
    const share = weight === undefined ? '' : `, weight: ${weight}`;
    lines.push(`  ${name}: { role: ${role}, template: text, data: ./${name}.jsonl${share} }`);
  }
  writeFileSync(join(folder, file), `${lines.join('\n')}\n`);
  return loadRecipe(file, folder);
}

/** `<folder>/<name>`: 256 byte tokens and an end token; `vocabSize` adds tokens that no text uses. */
export async function writeByteTokenizer(
  folder: string,
  vocabSize = 257,
  name = 'byte-tokens',
): Promise<void> {
  const { files } = await trainBpe(['a'], { alphabet: 'bytes' });
  const json = structuredClone(files.json);
  const { vocab } = json.model as { vocab: Record<string, number> };
  for (let id = Object.keys(vocab).length; id < vocabSize; id++) vocab[`unused${id}`] = id;
  await saveTokenizerFiles(tokenizerFilesOf(json, files.config, name), join(folder, name));
}
