/**
 * Model folders on the Hub: `hf://owner/name` or `hf://owner/name@revision`. The few files that are needed are fetched into the cache of
 * Python's huggingface_hub, checked against their hashes, and read from there; a commit that is there already needs no network.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, UserError } from '../../src/core/errors.ts';
import { writeFileAtomic } from '../../src/io/atomic.ts';
import {
  fetchHubFile,
  type HubAddress,
  type HubOptions,
  hubSnapshotFolder,
  listHubFiles,
  rememberRevision,
} from '../../src/io/hub.ts';
import { isEncoderFile } from './encoder-folder.ts';
import type { EncoderDtype } from './encoder-settings.ts';

export interface HubModel {
  /** The folder in the cache. */
  folder: string;
  /** `hf://owner/name@<commit>`. */
  address: string;
}

/** Whether a model setting is an address on the Hub. */
export function isHubModel(model: string): boolean {
  return model.startsWith('hf://');
}

/** Throws a `UserError` for what is no such address. */
export function parseModelAddress(address: string): HubAddress {
  const match = /^hf:\/\/([\w.-]+\/[\w.-]+)(?:@([^/@]+))?$/.exec(address);
  if (
    match === null ||
    match[1]!.startsWith('datasets/') ||
    match[1]!.split('/').some((part) => /^\.+$/.test(part))
  )
    throw new UserError(`${address}: not an address of a model on the Hub`, {
      hint: 'write hf://owner/name, or hf://owner/name@revision',
    });
  const revision = match[2] === undefined ? 'main' : decodeURIComponent(match[2]);
  return { dataset: match[1]!, repository: 'model', revision, path: '' };
}

/** Fetches what of a model is not in the cache. Throws an `InputError` when it cannot be had or is no ONNX model. */
export async function fetchModel(
  address: string,
  dtype: EncoderDtype = 'fp32',
  options: HubOptions = {},
): Promise<HubModel> {
  const wanted = parseModelAddress(address);
  const { dataset, revision } = wanted;
  const isCommit = /^[0-9a-f]{40}$/.test(revision);
  const marker = (folder: string): string => join(folder, `.midtrain-${dtype}`);
  if (isCommit) {
    const folder = hubSnapshotFolder({ dataset, repository: 'model', commit: revision }, options);
    if (existsSync(marker(folder))) return { folder, address: `hf://${dataset}@${revision}` };
  }
  const { commit, files } = await listHubFiles(wanted, options);
  const needed = files.filter(({ path }) => isEncoderFile(path, dtype) || isClassifierFile(path));
  if (
    !needed.some(({ path }) => path.endsWith('.onnx')) &&
    !needed.some(({ path }) => isClassifierFile(path))
  ) {
    throw new InputError(address, `the repository has no ONNX file of the dtype ${dtype}`, {
      hint: `export it (optimum-cli export onnx --model ${dataset} <folder>) and give the folder, or choose another dtype`,
    });
  }
  for (const file of needed) await fetchHubFile(file, options);
  await rememberRevision(wanted, commit, options);
  const folder = hubSnapshotFolder({ dataset, repository: 'model', commit }, options);
  // Written last: all files of this dtype are there.
  await writeFileAtomic(marker(folder), '');
  return { folder, address: `hf://${dataset}@${commit}` };
}

function isClassifierFile(path: string): boolean {
  return path === 'classifier.json' || path === 'head.safetensors' || path === 'model.bin';
}
