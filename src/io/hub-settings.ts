/**
 * Where the Hub is, which token goes to it and from where, and where the cache lies: options first, then the environment as Python's
 * `huggingface_hub` reads it, so that both see the same.
 *
 * The token is handed on in memory only; what may be said about it is where it came from.
 * Source: huggingface_hub 2.4 `constants.py`, `utils/_auth.py`.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';

/**
 * Read in parts a file costs two requests for its footer and two for each part of 16 MiB, whole two in all; and of a file of one or two parts
 * there is little to be saved.
 */
const partsFromBytes = 32 * 1024 * 1024;

export interface HubOptions {
  /** Default: HF_ENDPOINT, else https://huggingface.co. */
  endpoint?: string;
  /** Default: HF_TOKEN, HUGGING_FACE_HUB_TOKEN, the file HF_TOKEN_PATH, the file token in HF_HOME. An empty one sends none. */
  token?: string;
  /** Default: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, ~/.cache/huggingface/hub. */
  cacheFolder?: string;
  /** Only the cache; default: HF_HUB_OFFLINE. */
  offline?: boolean;
  /** Parquet files of so many bytes are read in parts, by range requests; default: MIDTRAIN_HUB_PARTS_FROM, 32 MiB. */
  rangedFrom?: number;
  /** Attempts after the first; default 5. */
  retries?: number;
  /** Wait before the first retry, doubled each time; default 1000. */
  backoffMs?: number;
  /** A connection that gives nothing for so long is broken; default 60,000. */
  stallMs?: number;
  /** Called at least every few seconds while something comes or is waited for, so that a watcher of the reader knows that it lives. */
  beat?: () => void;
  signal?: AbortSignal;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function hubEndpoint({ endpoint }: HubOptions, env: Environment = process.env): string {
  return (endpoint ?? given(env.HF_ENDPOINT) ?? 'https://huggingface.co').replace(/\/+$/, '');
}

/** The token and where it came from; undefined where there is none. */
export function hubToken(
  { token }: HubOptions,
  env: Environment = process.env,
): { value: string; from: string } | undefined {
  if (token !== undefined) return token === '' ? undefined : { value: token, from: 'the options' };
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const value = clean(env[name]);
    if (value !== undefined) return { value, from: name };
  }
  const path = expanded(given(env.HF_TOKEN_PATH)) ?? join(home(env), 'token');
  try {
    const value = clean(readFileSync(path, 'utf8'));
    return value === undefined ? undefined : { value, from: path };
  } catch {
    return undefined;
  }
}

export function hubCacheFolder({ cacheFolder }: HubOptions, env: Environment = process.env): string {
  return (
    cacheFolder ??
    expanded(given(env.HF_HUB_CACHE) ?? given(env.HUGGINGFACE_HUB_CACHE)) ??
    join(home(env), 'hub')
  );
}

export function isHubOffline({ offline }: HubOptions, env: Environment = process.env): boolean {
  return offline ?? /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE || '');
}

/** The size in bytes from which on a Parquet file is read in parts. Throws a `UserError` for what is no size. */
export function hubPartsFrom({ rangedFrom }: HubOptions, env: Environment = process.env): number {
  const value = given(env.MIDTRAIN_HUB_PARTS_FROM);
  if (rangedFrom !== undefined || value === undefined) return rangedFrom ?? partsFromBytes;
  if (!/^\d{1,15}$/.test(value))
    throw new UserError(`MIDTRAIN_HUB_PARTS_FROM=${value}: not a number of bytes`, {
      hint: `for example ${partsFromBytes}`,
    });
  return Number(value);
}

function home(env: Environment): string {
  return (
    expanded(given(env.HF_HOME)) ??
    join(expanded(given(env.XDG_CACHE_HOME)) ?? join(homedir(), '.cache'), 'huggingface')
  );
}

/** An empty variable is one that is not set. */
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function expanded(path: string | undefined): string | undefined {
  return path?.replace(/^~(?=[\\/]|$)/, homedir());
}

/** Editors and shells leave line ends in tokens, and a header takes none. */
function clean(token: string | undefined): string | undefined {
  return given(token?.replace(/[\r\n]/g, '').trim());
}
