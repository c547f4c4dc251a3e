/**
 * The tokenizer for looking at a recipe's sources: the one asked for or the recipe's if it is here; one trained on samples of the sources
 * where the recipe trains its own on all of them; else none, and texts are counted by a usual number of bytes a token.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LoadedRecipe } from '../../mixtures/load.ts';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import { emptyLedger } from '../core/ledger.ts';
import { trainBpe } from '../tokens/bpe-train.ts';
import { loadTokenizer, tokenizerOf } from '../tokens/tokenizer.ts';
import { openPieces } from './sample-pieces.ts';
import { type CountTokens, type SizeDetail, tokenCounter } from './size-source.ts';
import { type TokeniseTools, toolsFor } from './tokenise-tools.ts';

export interface SampleTools {
  tools: TokeniseTools | undefined;
  countTokens: CountTokens;
  by: Exclude<SizeDetail['by'], 'card'>;
  /** For people: which tokenizer, or why there is none. */
  note: string;
}

/**
 * Bytes of UTF-8 a token of the usual vocabularies of 50,000 to 150,000 entries takes in mathematics and English: between 3 (formulas,
 * digits by themselves) and 4.6 (prose). With GPT-2's: pages of mathematics 2.96, GSM8K 3.45, instructions 4.04, C4 4.59.
 */
const bytesPerToken = 3.6;
/** Text of one source that a sample tokenizer is trained on. */
const trainingCharacters = 400_000;

export async function sampleTools(
  loaded: LoadedRecipe,
  asked: string | undefined,
  cwd: string,
  sources: readonly ResolvedSource[],
): Promise<SampleTools> {
  const own = loaded.recipe.tokenizer;
  if (asked === undefined && typeof own === 'object') {
    const texts = trainingTexts(sources, Math.ceil((own.train.vocabSize ?? 256) * 200));
    const options = Object.fromEntries(Object.entries(own.train).filter(([, value]) => value !== undefined));
    try {
      const { files, vocabSize } = await trainBpe(texts, options);
      const tools = toolsFor(await tokenizerOf(files, 'sample'));
      const note = `the recipe trains its tokenizer on the sources; counted with one of ${vocabSize} tokens trained on a sample`;
      return { tools, countTokens: tokenCounter(tools), by: 'trained-on-sample', note };
    } catch (error) {
      return byBytes(`a tokenizer could not be trained on a sample: ${(error as Error).message}`);
    }
  }
  const name = asked ?? (own as string | undefined);
  if (name === undefined) return byBytes('the recipe names no tokenizer');
  const places =
    asked === undefined
      ? [resolve(loaded.folder, name), join(cwd, 'tokenizers', name)]
      : [resolve(cwd, asked)];
  const path = places.find((place) => existsSync(place));
  if (path === undefined) return byBytes(`the tokenizer ${name} is not on this machine`);
  try {
    const tools = toolsFor(await loadTokenizer(path));
    return {
      tools,
      countTokens: tokenCounter(tools),
      by: 'tokens',
      note: `counted with ${tools.tokenizer.name}`,
    };
  } catch (error) {
    return byBytes(`the tokenizer ${name} cannot be read: ${(error as Error).message}`);
  }
}

function byBytes(why: string): SampleTools {
  return {
    tools: undefined,
    by: 'bytes',
    countTokens: ({ text }) => Math.round(Buffer.byteLength(text) / bytesPerToken) + 1,
    note: `${why}; tokens are estimated at ${bytesPerToken} bytes each`,
  };
}

/** Some text of each source, up to `characters` in all where that is less. */
async function* trainingTexts(
  sources: readonly ResolvedSource[],
  characters: number,
): AsyncGenerator<string> {
  const readable = sources.filter(({ data }) => data.kind !== 'missing');
  const each = Math.min(
    trainingCharacters,
    Math.max(20_000, Math.ceil(characters / Math.max(1, readable.length))),
  );
  for (const source of readable) {
    let taken = 0;
    try {
      for (const { pieces } of (await openPieces(source)).strata) {
        for (const piece of pieces) {
          const tally = { ledger: emptyLedger(), failures: [], columns: [] };
          for await (const { text } of piece.texts(tally, undefined)) {
            const part = text.slice(0, each - taken);
            taken += part.length;
            yield part;
            if (taken >= each) break;
          }
          if (taken >= each) break;
        }
      }
    } catch {
      // What cannot be read is said where it is sized.
    }
  }
}
