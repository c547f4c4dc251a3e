/** Names on the Hub: a repository, one file of one commit, and how both are written in messages and records. */
import { UserError } from '../core/errors.ts';

/** One file of one commit. Plain data: it stands in plan.json. */
export interface HubFile {
  /** `owner/name`. */
  dataset: string;
  /** What the repository is; a data set where it is left out. */
  repository?: 'model';
  commit: string;
  path: string;
  bytes: number;
  /** sha256 of a large file, git blob sha1 of a small one. */
  oid: string;
  large: boolean;
  /** Of a Parquet file only the row groups that are read are fetched. */
  ranged?: true;
}

export interface HubAddress {
  dataset: string;
  repository?: 'model';
  revision: string;
  /** Below the repository; '' is all of it. */
  path: string;
}

export type HubRepository = Pick<HubFile, 'dataset' | 'repository'>;

/** How a repository is called in messages: `hf://datasets/owner/name`, `hf://owner/name` for a model. */
export function hubName({ dataset, repository }: HubRepository): string {
  return `hf://${repository === 'model' ? '' : 'datasets/'}${dataset}`;
}

/** `/api/datasets/owner/name`, `/api/models/owner/name`. */
export function hubApi({ dataset, repository }: HubRepository): string {
  return `/api/${repository ?? 'dataset'}s/${dataset}`;
}

/** The page of a repository for people, below the endpoint: `/datasets/owner/name`, `/owner/name`. */
export function hubPage({ dataset, repository }: HubRepository): string {
  return `${repository === 'model' ? '' : '/datasets'}/${dataset}`;
}

export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** `hf://datasets/owner/name@commit/path`: what records name. */
export function pinnedAddress(file: Pick<HubFile, 'dataset' | 'repository' | 'commit' | 'path'>): string {
  return `${hubName(file)}@${file.commit}/${file.path}`;
}

/** The parts of `hf://datasets/owner/name[@revision][/path]`. A revision with a slash is written with %2F. */
export function parseHubAddress(address: string): HubAddress {
  const parsed = partsOf(address);
  if (parsed === undefined || parsed.repository === 'model')
    throw new UserError(`${address}: not an address of a data set on the Hub`, {
      hint: 'write hf://datasets/owner/name/path, or hf://datasets/owner/name@revision/path',
    });
  return parsed;
}

/**
 * A repository as people name it: `hf://datasets/owner/name`, `datasets/owner/name`, or for a model `hf://owner/name`, `owner/name`, each with
 * `@revision` and a path behind it; with `type` also `owner/name` of a data set.
 */
export function parseHubRepository(text: string, type?: 'dataset' | 'model'): HubAddress {
  const bare = text.replace(/^hf:\/\//, '').replace(/^models\//, '');
  const own = type === 'dataset' && !bare.startsWith('datasets/') ? `datasets/${bare}` : bare;
  const parsed = partsOf(`hf://${own}`);
  if (parsed === undefined)
    throw new UserError(`${text}: not a repository on the Hub`, {
      hint: 'write owner/name for a model, datasets/owner/name for a data set; @revision may follow',
    });
  if (type === 'model' && parsed.repository !== 'model')
    throw new UserError(`${text} is a data set, and --type says model`, { hint: 'leave one of them out' });
  return parsed;
}

function partsOf(address: string): HubAddress | undefined {
  const match = /^hf:\/\/(datasets\/)?([\w.-]+\/[\w.-]+)(?:@([^/]+))?(?:\/(.*))?$/.exec(address);
  if (match === null || match[2]!.split('/').some((part) => /^\.+$/.test(part))) return undefined;
  // `hf://datasets/name` is a data set without its owner.
  if (match[1] === undefined && /^(datasets|models|spaces)\//.test(match[2]!)) return undefined;
  let revision = 'main';
  try {
    if (match[3] !== undefined) revision = decodeURIComponent(match[3]);
  } catch {
    return undefined;
  }
  const path = (match[4] ?? '').replace(/\/+$/, '');
  if (path.split('/').includes('..')) return undefined;
  return { dataset: match[2]!, ...(match[1] === undefined ? { repository: 'model' } : {}), revision, path };
}
