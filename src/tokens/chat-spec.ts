/**
 * The chat template of a tokenizer as plain data: the Jinja text, the special tokens that it may name, and those that must not come about from what
 * a record says. chat-template.ts renders it. (transformers: `chat_template.jinja` goes before `chat_template` in tokenizer_config.json)
 */
import { fingerprint } from '../core/config.ts';
import type { TokenizerFiles } from './tokenizer-files.ts';

/** A chat template as plain data, so that it can be sent to a worker. */
export interface ChatSpec {
  template: string;
  /** File it was read from, for messages. */
  file: string;
  /** `bos_token`, `eos_token` ... by name. */
  variables: Record<string, string>;
  /** The special tokens of tokenizer.json. */
  specials: { content: string; lstrip: boolean; rstrip: boolean }[];
  /** Changes with all of the above. */
  fingerprint: string;
}

const tokenNames = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map((name) => `${name}_token`);

/** The chat template of a tokenizer's files; undefined where it has none. `chat_template.jinja` goes before tokenizer_config.json. */
export function chatSpecOf(files: TokenizerFiles): ChatSpec | undefined {
  const own = files.texts.get('chat_template.jinja');
  const template = own ?? templateIn(files);
  if (template === undefined) return undefined;
  const variables: Record<string, string> = {};
  for (const name of tokenNames) {
    const value = files.config?.[name];
    const content =
      typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    if (typeof content === 'string') variables[name] = content;
  }
  const specials = files.json.added_tokens
    .filter((token) => token.special === true && token.content !== '')
    .map(({ content, lstrip, rstrip }) => ({ content, lstrip: lstrip === true, rstrip: rstrip === true }));
  const spec = { template, variables, specials };
  const folder = files.path.replace(/[^\\/]*$/, '');
  const file = `${folder}${own === undefined ? 'tokenizer_config.json' : 'chat_template.jinja'}`;
  return { ...spec, file, fingerprint: fingerprint(spec) };
}

/** A string, or a list of { name, template } of which `default` is taken. */
function templateIn(files: TokenizerFiles): string | undefined {
  const value = files.config?.chat_template;
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const named = value as { name?: unknown; template?: unknown }[];
  const found = named.find((entry) => entry?.name === 'default')?.template;
  return typeof found === 'string' ? found : undefined;
}
