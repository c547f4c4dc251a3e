/**
 * The tokenizer of a mixture: the one asked for, the recipe's, or one trained on the recipe's sources (without their held-out
 * documents, and on at most 50 million characters of each).
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { LoadedRecipe } from '../../mixtures/load.ts';
import type { TokenizerTraining } from '../../mixtures/recipe.ts';
import { fingerprint } from '../core/config.ts';
import { InterruptedError, UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { emptyLedger } from '../core/ledger.ts';
import { hash32 } from '../core/random.ts';
import { removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import { fetchModelFolder, hubNameOfCached, isHubAddress } from '../io/hub-model.ts';
import { trainBpe } from '../tokens/bpe-train.ts';
import { loadTokenizer, type Tokenizer, tokenizerOf } from '../tokens/tokenizer.ts';
import { saveTokenizerFiles, type TokenizerFiles } from '../tokens/tokenizer-files.ts';
import { heldoutDraw } from './document-order.ts';
import { type PreparedSource, readSourceTexts } from './source-texts.ts';

const charactersPerSource = 50_000_000;

export interface TokenizerRequest {
  loaded: LoadedRecipe;
  cwd: string;
  asked: string | undefined;
  /** Run folder whose `cache/` keeps a trained tokenizer; left out, nothing is written. */
  output: string | undefined;
  sources: readonly PreparedSource[];
  heldout: { share: number; seed: number };
  emit: Emit;
  signal: AbortSignal | undefined;
}

/** Throws a `UserError` naming the cure if there is none, or if it has no end-of-text token. */
export async function mixTokenizer(request: TokenizerRequest): Promise<Tokenizer> {
  const tokenizer = await findOrTrain(request);
  if (tokenizer.eosId === undefined) {
    throw new UserError(
      `tokenizer ${tokenizer.name} names no end-of-text token, which must stand between documents`,
      {
        hint: 'name one as eos_token in tokenizer_config.json beside its tokenizer.json',
      },
    );
  }
  return tokenizer;
}

async function findOrTrain(request: TokenizerRequest): Promise<Tokenizer> {
  const { loaded, asked, cwd } = request;
  if (asked !== undefined)
    return isHubAddress(asked) ? fromHub(request, asked) : loadTokenizer(resolve(cwd, asked));
  const own = loaded.recipe.tokenizer;
  if (own === undefined) {
    throw new UserError(`${loaded.file} names no tokenizer`, {
      hint: 'write tokenizer: <folder with tokenizer.json>, or tokenizer: { train: { vocabSize: 4096 } }, or give --tokenizer',
    });
  }
  if (typeof own === 'object') return train(request, own.train);
  if (isHubAddress(own)) return fromHub(request, own);
  const places = [...new Set([resolve(loaded.folder, own), resolve(cwd, 'tokenizers', own)])];
  for (const path of places) {
    // Shards carry the tokenizer's name: a Hub name as it is, of a path only the last part, which is the same on every machine.
    if (existsSync(path))
      return loadTokenizer(path, /^[\w-][\w.-]*\/[\w.-]+$/.test(own) ? { name: own } : {});
  }
  throw new UserError(
    `the recipe's tokenizer ${own} is not on this machine (looked at ${places.join(' and ')})`,
    {
      hint: 'put its tokenizer.json there or give --tokenizer <folder>; from the Hub: tokenizer: hf://owner/name',
    },
  );
}

/** A tokenizer of the Hub; shards carry the repository's name. */
async function fromHub({ emit, signal }: TokenizerRequest, address: string): Promise<Tokenizer> {
  const hub = signal === undefined ? {} : { signal };
  const { folder, address: pinned } = await fetchModelFolder(address, 'tokenizer', hub, emit);
  emit({ kind: 'message', level: 'info', text: `the tokenizer is ${pinned}` });
  return loadTokenizer(folder, { name: hubNameOfCached(folder)! });
}

async function train(request: TokenizerRequest, settings: TokenizerTraining): Promise<Tokenizer> {
  const started = Date.now();
  const chat = request.sources.find(({ source }) => source.template === 'chat');
  if (chat !== undefined)
    throw new UserError(
      `source ${chat.source.name}: template chat needs the chat template of a tokenizer, and one that is trained has none`,
      { hint: 'name a tokenizer with a chat template, or take template: user-assistant for this source' },
    );
  const key = fingerprint([
    settings,
    request.heldout,
    charactersPerSource,
    request.sources.map((source) => source.fingerprint),
  ]);
  const name = `midtrain-${key.slice(0, 8)}`;
  const kept = request.output === undefined ? undefined : join(request.output, 'cache', `tokenizer-${key}`);
  const earlier = kept === undefined ? undefined : await keptTokenizer(kept, name);
  if (earlier !== undefined) return earlier;
  request.emit({ kind: 'start', task: 'train tokenizer', unit: 'documents' });
  const options = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const trained = await trainBpe(trainingTexts(request), {
    ...options,
    ...(request.signal && { signal: request.signal }),
  }).catch((error: unknown) => {
    throw request.signal?.aborted ? new InterruptedError() : error;
  });
  request.emit({
    kind: 'end',
    task: 'train tokenizer',
    done: trained.documents,
    unit: 'documents',
    seconds: (Date.now() - started) / 1000,
    numbers: { vocabulary: trained.vocabSize, merges: trained.merges },
  });
  if (trained.ranOut) {
    request.emit({
      kind: 'message',
      level: 'warn',
      text: `the vocabulary has ${trained.vocabSize} tokens and not the ${settings.vocabSize} asked for: the texts have no more pairs that repeat`,
    });
  }
  if (kept !== undefined) {
    await removeLeftovers(kept);
    await saveTokenizerFiles(trained.files, kept);
    await writeFileAtomic(join(kept, checkFile), checkOf(trained.files));
    // As the next run finds it.
    return tokenizerOf({ ...trained.files, path: join(kept, 'tokenizer.json') }, name);
  }
  return tokenizerOf(trained.files, name);
}

/** Written last: the checksum of the files that a training left. */
const checkFile = 'check';

function checkOf({ texts }: TokenizerFiles): string {
  return `${fingerprint([...texts].sort())}\n`;
}

/** What an earlier run trained; undefined where it is not there, not whole or damaged. */
async function keptTokenizer(folder: string, name: string): Promise<Tokenizer | undefined> {
  try {
    const tokenizer = await loadTokenizer(folder, { name });
    return (await readFile(join(folder, checkFile), 'utf8')) === checkOf(tokenizer.files)
      ? tokenizer
      : undefined;
  } catch {
    return undefined;
  }
}

async function* trainingTexts(request: TokenizerRequest): AsyncGenerator<string> {
  const { share, seed } = request.heldout;
  for (const source of request.sources) {
    let characters = 0;
    for await (const { id, text } of readSourceTexts(source, emptyLedger(), [])) {
      if (share > 0 && heldoutDraw(hash32(id), seed) < share) continue;
      yield text;
      characters += text.length;
      if (characters > charactersPerSource) break;
    }
  }
}
