/** Where an OpenAI-compatible endpoint is, and the key it wants: from what a user gave, checked before anything is sent. */
import { UserError } from '../../src/core/errors.ts';

export interface EndpointAddress {
  /** `POST` goes here. */
  chat: URL;
  /** `GET` lists the models here. */
  models: URL;
  /** Host and port, for records and messages; nothing secret is in it. */
  host: string;
}

/**
 * The address from a base URL with or without `/v1`, or from the whole path of chat completions; a query stays (Azure's `api-version`).
 * Throws a `UserError` for what is no such URL, and for one that carries a password or a key: it would end up in records.
 */
export function endpointAddress(given: string): EndpointAddress {
  const text = given.trim();
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    throw new UserError(`the endpoint "${given}" is not a URL`, {
      hint: 'give the base URL, for example http://localhost:8000/v1',
    });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new UserError(`the endpoint ${url.protocol}//${url.host} is not an http or https URL`, {
      hint: 'give the base URL, for example http://localhost:8000/v1',
    });
  const secret = [...url.searchParams.keys()].find((name) => /key|token|secret|sig(nature)?$/i.test(name));
  if (url.username !== '' || url.password !== '' || secret !== undefined) {
    throw new UserError(`the endpoint URL of ${url.host} carries a password or key`, {
      hint: 'put the key into an environment variable and name it with --api-key-env; keys in URLs end up in records and logs',
    });
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(chat\/)?completions$/, '');
  // A version is part of the path already (v1, v1beta, v4), or an own path leads to the API (Azure's deployments).
  const base = path === '' ? '/v1' : path;
  const at = (end: string): URL => {
    const own = new URL(url);
    own.pathname = `${base}${end}`;
    own.hash = '';
    return own;
  };
  return { chat: at('/chat/completions'), models: at('/models'), host: url.host };
}

/** OpenAI's own name, which its clients and most servers' examples use. */
export const defaultKeyVariable = 'OPENAI_API_KEY';

/**
 * The key in an environment variable. A variable that was named has to be there; without the usual one no key is sent, as local servers
 * want none. The value is in no error.
 */
export function readApiKey(
  variable: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const name = variable ?? defaultKeyVariable;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new UserError('--api-key-env takes the name of an environment variable, not the key itself', {
      hint: `put the key into a variable and name that, for example --api-key-env ${defaultKeyVariable}`,
    });
  }
  const value = environment[name]?.trim();
  if (value === undefined || value === '') {
    if (variable === undefined) return undefined;
    throw new UserError(`the environment variable ${name} is not set`, {
      hint: `set it to the key of the endpoint: export ${name}=...`,
    });
  }
  if (/[^\x21-\x7e]/.test(value))
    throw new UserError(`the environment variable ${name} holds characters that a key cannot have`, {
      hint: 'keys are printable ASCII without spaces; set the variable again',
    });
  return value;
}

/** Shorter ones ("none", "EMPTY", as local servers are given) are words, not secrets, and stay where they occur in texts. */
const leastSecret = 12;

/** Takes the key out of what an endpoint says, before anything sees it. */
export function keyRemover(key: string | undefined): (text: string) => string {
  if (key === undefined || key.length < leastSecret) return (text) => text;
  return (text) => text.replaceAll(key, '[api key]');
}
