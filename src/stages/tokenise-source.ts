/**
 * Counts, and unless it is a dry run caches, the tokens of one source: every text followed by the end-of-text token. Pages are
 * untrusted: a special token spelled out in a text stays text (tokenizer.ts, `special: false`).
 */
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { InterruptedError } from '../core/errors.ts';
import { emptyLedger, type Ledger } from '../core/ledger.ts';
import { hash32 } from '../core/random.ts';
import { removeLeftovers } from '../io/atomic.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import { type Failure, type PreparedSource, readSourceTexts } from './source-texts.ts';
import { cachePath, TokenCache, TokenCacheWriter } from './token-cache.ts';

export interface TokeniseOptions {
  /** Run folder whose `cache/` is used; left out, nothing is written and `cache` is undefined. */
  output?: string;
  tokenizer: Tokenizer;
  signal?: AbortSignal | undefined;
  /** Told tokens and bytes so far. */
  progress?: (tokens: number, bytes: number) => void;
}

export interface CountedSource {
  /** Changes with the texts and with the tokenizer. */
  key: string;
  cache: TokenCache | undefined;
  lengths: Uint32Array;
  idHashes: Uint32Array;
  ledger: Ledger;
  failures: Failure[];
}

export async function tokeniseSource(
  prepared: PreparedSource,
  options: TokeniseOptions,
): Promise<CountedSource> {
  const { name } = prepared.source;
  const key = fingerprint(['tokens', 1, options.tokenizer.fingerprint, prepared.fingerprint]);
  if (options.output === undefined) return count(prepared, key, options);
  const path = await cachePath(options.output, name, key);
  const cache = (await TokenCache.open(path)) ?? (await fill(prepared, path, options));
  const { ledger, failures } = cache.summary;
  return { key, cache, lengths: cache.lengths, idHashes: cache.idHashes, ledger, failures };
}

async function fill(prepared: PreparedSource, path: string, options: TokeniseOptions): Promise<TokenCache> {
  await removeStale(path, prepared.source.name);
  const writer = await TokenCacheWriter.create(path);
  const ledger = emptyLedger();
  const failures: Failure[] = [];
  try {
    for await (const { id, url, tokens } of tokenised(prepared, ledger, failures, options))
      await writer.add(id, url, tokens);
    await writer.finish(ledger, failures);
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return (await TokenCache.open(path))!;
}

async function count(
  prepared: PreparedSource,
  key: string,
  options: TokeniseOptions,
): Promise<CountedSource> {
  const lengths: number[] = [];
  const hashes: number[] = [];
  const ledger = emptyLedger();
  const failures: Failure[] = [];
  for await (const { id, tokens } of tokenised(prepared, ledger, failures, options)) {
    lengths.push(tokens.length);
    hashes.push(hash32(id));
  }
  return {
    key,
    cache: undefined,
    lengths: Uint32Array.from(lengths),
    idHashes: Uint32Array.from(hashes),
    ledger,
    failures,
  };
}

async function* tokenised(
  prepared: PreparedSource,
  ledger: Ledger,
  failures: Failure[],
  options: TokeniseOptions,
) {
  const { tokenizer } = options;
  let total = 0;
  let bytes = 0;
  let sinceTold = 0;
  for await (const { id, url, text } of readSourceTexts(prepared, ledger, failures, {
    progress: (n) => (bytes = n),
  })) {
    const ids = tokenizer.encode(text, { special: false });
    const tokens = new Uint32Array(ids.length + 1);
    tokens.set(ids);
    tokens[ids.length] = tokenizer.eosId!;
    total += tokens.length;
    ledger.kept++;
    yield { id, url, tokens };
    if ((sinceTold += tokens.length) > 200_000) {
      sinceTold = 0;
      if (options.signal?.aborted) throw new InterruptedError();
      options.progress?.(total, bytes);
    }
  }
  options.progress?.(total, prepared.bytes);
}

/** Caches of this source made from other data or with another tokenizer, and what a killed run left. */
async function removeStale(path: string, source: string): Promise<void> {
  const folder = dirname(path);
  await removeLeftovers(folder);
  for (const file of await readdir(folder)) {
    const match = /^(.*)-[0-9a-f]{16}\.tokens/.exec(file);
    if (match?.[1] === source && !file.startsWith(basename(path)))
      await rm(join(folder, file), { force: true });
  }
}
