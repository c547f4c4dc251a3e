/**
 * Files of the Hub that a filter names beside its inputs and classifiers: benchmarks are pinned to their commit and read from there; lists, word
 * counts, language models and tokenizers are fetched into the cache and become files of this disk.
 */
import type { Emit } from '../core/events.ts';
import type { HubOptions } from '../io/hub.ts';
import { fetchModelFolder, pinnedDataset } from '../io/hub-model.ts';
import { fetchHubPlace } from '../io/hub-place.ts';
import type { ResolvedFilter } from './resolved-filter.ts';

/** The filter with no address of the Hub that a branch could move. Throws an `InputError` for what cannot be had. */
export async function settleHubPaths(
  filter: ResolvedFilter,
  emit: Emit,
  signal: AbortSignal | undefined,
): Promise<ResolvedFilter> {
  const hub: HubOptions = signal === undefined ? {} : { signal };
  const here = async <T extends string | null>(path: T): Promise<T> =>
    path?.startsWith('hf://') === true ? ((await fetchHubPlace(path, hub, emit)).place as T) : path;
  const { decontaminate, badWords, language, tokenizer } = filter;
  const benchmarks: { card: string; path: string }[] = [];
  for (const { card, path } of decontaminate?.benchmarks ?? [])
    benchmarks.push({ card, path: path.startsWith('hf://') ? await pinnedDataset(path, hub) : path });
  return {
    ...filter,
    ...(decontaminate === null ? {} : { decontaminate: { ...decontaminate, benchmarks } }),
    ...(badWords === null ? {} : { badWords: { ...badWords, list: await here(badWords.list) } }),
    urlLists: await here(filter.urlLists),
    unigramCounts: await here(filter.unigramCounts),
    language: { ...language, model: await here(language.model) },
    tokenizer:
      tokenizer?.startsWith('hf://') === true
        ? (await fetchModelFolder(tokenizer, 'tokenizer', hub, emit)).folder
        : tokenizer,
  };
}
