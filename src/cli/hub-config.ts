/**
 * Addresses of the Hub where a command takes models and problems: models and tokenizers are fetched into the cache and read there, data sets
 * are pinned to the commit that their revision stands for now, so that one run reads one state and its record says which.
 */
import type { ModelParts } from '../io/hub-model.ts';
import type { CommandContext } from './command.ts';

/** A model's folder: the path, or where `hf://owner/name` lies once it is fetched. */
export async function modelFolder(
  context: CommandContext,
  given: string,
  parts: ModelParts = 'weights',
): Promise<string> {
  const { resolve } = await import('node:path');
  if (!given.startsWith('hf://')) return resolve(context.cwd, given);
  const { fetchModelFolder } = await import('../io/hub-model.ts');
  const { folder, address } = await fetchModelFolder(given, parts, { signal: context.signal }, context.emit);
  context.emit({ kind: 'message', level: 'info', text: `${given} is ${address}` });
  return folder;
}

/** A path of this disk: the given one, or where a file or folder of the Hub (of a data set or a model) lies once it is fetched. */
export async function localPlace(context: CommandContext, given: string): Promise<string> {
  const { resolve } = await import('node:path');
  if (!given.startsWith('hf://')) return resolve(context.cwd, given);
  const { fetchHubPlace } = await import('../io/hub-place.ts');
  const { place, address } = await fetchHubPlace(given, { signal: context.signal }, context.emit);
  context.emit({ kind: 'message', level: 'info', text: `${given} is ${address}` });
  return place;
}

/** For commands that work on a folder of this disk and write into it, or read what is never pushed. */
export async function refuseHub(given: string, what: string, hint: string): Promise<void> {
  if (!given.startsWith('hf://')) return;
  const { UserError } = await import('../core/errors.ts');
  throw new UserError(`${given}: ${what}`, { hint });
}

/**
 * A config in which every `hf://` model is the folder it was fetched to, every mixture (`data`) too, and every other data set has its commit, also
 * behind a card's name (`gsm8k=hf://datasets/...`).
 */
export async function withHub<T>(
  context: CommandContext,
  config: T,
  parts: ModelParts = 'weights',
): Promise<T> {
  const settle = async (value: unknown, key: string): Promise<unknown> => {
    if (typeof value === 'string') {
      if (key === 'data' && value.startsWith('hf://')) return localPlace(context, value);
      const [, card, data] = /^((?!hf:)[^\s=:]+=)?(hf:\/\/datasets\/.+)$/.exec(value) ?? [];
      if (data !== undefined) {
        const { pinnedDataset } = await import('../io/hub-model.ts');
        return `${card ?? ''}${await pinnedDataset(data, { signal: context.signal })}`;
      }
      if (value.startsWith('hf://'))
        return modelFolder(context, value, key === 'tokenizer' ? 'tokenizer' : parts);
      return value;
    }
    if (Array.isArray(value)) {
      const parts: unknown[] = [];
      for (const part of value) parts.push(await settle(part, key));
      return parts;
    }
    if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
      return value;
    const settled: Record<string, unknown> = {};
    for (const [name, part] of Object.entries(value)) settled[name] = await settle(part, name);
    return settled;
  };
  return (await settle(config, '')) as T;
}
