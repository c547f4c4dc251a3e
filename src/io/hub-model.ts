/**
 * Model folders of the Hub: `hf://owner/name[@revision][/folder]`. The files that a model needs are fetched into the cache that Python shares,
 * checked, and read there. And the way back: what address a folder in that cache stands for, which is what records name.
 */
import { join } from 'node:path';
import pLimit from 'p-limit';
import { InputError, UserError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { hubCommit, listHubFiles } from './hub.ts';
import { hubSnapshotFolder, rememberedCommit, rememberRevision } from './hub-cache.ts';
import { fetchHubFile, isHubFileCached } from './hub-download.ts';
import { hubName, isCommit, parseHubAddress, parseHubRepository } from './hub-file.ts';
import { type HubOptions, isHubOffline } from './hub-settings.ts';

/** `shape`: configs and tokenizer, to plan with; `tokenizer`: that alone. */
export type ModelParts = 'weights' | 'shape' | 'tokenizer';

const tokenizerFile =
  /^(tokenizer.*|special_tokens_map\.json|vocab\.(json|txt|bpe)|merges\.txt|encoder\.json|added_tokens\.json|chat_template\.(jinja|json))$/;
const configFile = /^(config|generation_config|model\.safetensors\.index)\.json$/;
const weightsFile = /^model(-\d+-of-\d+)?\.safetensors$/;

export function isHubAddress(path: string): boolean {
  return path.startsWith('hf://');
}

/** Fetches what is missing of a model. Throws an `InputError` when it cannot be had or is not one that midtrain reads. */
export async function fetchModelFolder(
  address: string,
  parts: ModelParts = 'weights',
  options: HubOptions = {},
  emit: Emit = silent,
): Promise<{ folder: string; address: string }> {
  const wanted = parseHubRepository(address);
  if (wanted.repository !== 'model')
    throw new UserError(`${address} is a data set, and a model is wanted here`, {
      hint: 'a model is written hf://owner/name',
    });
  const { commit, files } = await listHubFiles(wanted, options);
  const prefix = wanted.path === '' ? '' : `${wanted.path}/`;
  const inside = files.filter(
    ({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'),
  );
  const needed = inside.filter(({ path }) => {
    const name = path.slice(prefix.length);
    if (tokenizerFile.test(name)) return true;
    return (
      parts !== 'tokenizer' && (configFile.test(name) || (parts === 'weights' && weightsFile.test(name)))
    );
  });
  const has = (test: RegExp): boolean => needed.some(({ path }) => test.test(path.slice(prefix.length)));
  if (parts === 'tokenizer' ? !has(tokenizerFile) : !has(/^config\.json$/))
    throw new InputError(address, `has no ${parts === 'tokenizer' ? 'tokenizer' : 'config.json'}`, {
      hint: `its files are ${files
        .slice(0, 5)
        .map(({ path }) => path)
        .join(', ')}`,
    });
  if (parts === 'weights' && !has(weightsFile))
    throw new InputError(address, 'has no safetensors weights', {
      hint: 'pickled weights (.bin, .pt) are not read; convert them first',
    });
  let done = 0;
  const missing: typeof needed = [];
  for (const file of needed) if (!(await isHubFileCached(file, options))) missing.push(file);
  const total = missing.reduce((sum, { bytes }) => sum + bytes, 0);
  const step = (bytes: number): void => {
    done += bytes;
    emit({ kind: 'progress', task: 'download', done, total, unit: 'bytes' });
  };
  const began = performance.now();
  const limit = pLimit(4);
  const queue = needed.map((file) => limit(() => fetchHubFile(file, options, step)));
  for (const result of await Promise.allSettled(queue)) if (result.status === 'rejected') throw result.reason;
  if (total > 0)
    emit({ kind: 'end', task: 'download', done, unit: 'bytes', seconds: (performance.now() - began) / 1000 });
  await rememberRevision(wanted, commit, options);
  const { dataset } = wanted;
  const folder = join(hubSnapshotFolder({ dataset, repository: 'model', commit }, options), wanted.path);
  return { folder, address: `${hubName(wanted)}@${commit}${wanted.path === '' ? '' : `/${wanted.path}`}` };
}

/** `hf://datasets/...` with the commit that its revision stands for now. */
export async function pinnedDataset(address: string, options: HubOptions = {}): Promise<string> {
  const wanted = parseHubAddress(address);
  if (isCommit(wanted.revision)) return address;
  const offline = isHubOffline(options) ? await rememberedCommit(wanted, options) : undefined;
  const commit = offline ?? (await hubCommit(wanted, options));
  return `${hubName(wanted)}@${commit}${wanted.path === '' ? '' : `/${wanted.path}`}`;
}

/** What a path inside a snapshot of the cache stands for: `hf://owner/name@commit/path`; any other path comes back as it is. */
export function addressOfCached(path: string): string {
  if (!path.includes('snapshots')) return path;
  const match =
    /^.*[\\/](dataset|model)s--([^\\/]+?)--([^\\/]+)[\\/]snapshots[\\/]([0-9a-f]{40})([\\/].*)?$/.exec(path);
  if (match === null) return path;
  const [, type, owner, name, commit, rest = ''] = match;
  const within = rest.replaceAll('\\', '/').replace(/\/+$/, '');
  return `hf://${type === 'dataset' ? 'datasets/' : ''}${owner}/${name}@${commit}${within}`;
}

/** The repository's name for a folder in the cache, such as `owner/name`; undefined for other folders. */
export function hubNameOfCached(path: string): string | undefined {
  return /^hf:\/\/(?:datasets\/)?([^@]+)@/.exec(addressOfCached(path))?.[1];
}

/** A value with every path inside the cache as the address it stands for. */
export function withAddresses<T>(value: T): T {
  if (typeof value === 'string') return addressOfCached(value) as T;
  if (Array.isArray(value)) return value.map(withAddresses) as T;
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withAddresses(part)])) as T;
}
