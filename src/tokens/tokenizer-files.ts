/**
 * A tokenizer's files: read from a folder or a tokenizer.json, and written again byte for byte. GPT-2's original pair
 * (`encoder.json`, `vocab.bpe`) is turned into the tokenizer.json that Hugging Face publishes for it, and so is a list of characters
 * (character-tokenizer.ts).
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError, messageOf } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { characterTokenizer, isCharacterTokenizer } from './character-tokenizer.ts';
import { checkTokenizerJson, type TokenizerConfig, type TokenizerJson } from './tokenizer-json.ts';

export interface TokenizerFiles {
  /** Where it was read from, for messages. */
  path: string;
  json: TokenizerJson;
  config: TokenizerConfig | undefined;
  /** sha256 of the text of tokenizer.json. */
  fingerprint: string;
  /** File name -> text, as `saveTokenizerFiles` writes them. */
  texts: Map<string, string>;
}

/** Files that travel with a tokenizer.json where they exist. */
const companions = [
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'generation_config.json',
];

export async function readTokenizerFiles(path: string): Promise<TokenizerFiles> {
  const isFolder = await stat(path).then(
    (s) => s.isDirectory(),
    () => {
      throw new InputError(path, 'no such tokenizer', {
        hint: 'give a folder with tokenizer.json (download it once with your own tools; nothing is fetched here), or train one with: midtrain tokenizer train',
      });
    },
  );
  const folder = isFolder ? path : dirname(path);
  const main = isFolder ? join(path, 'tokenizer.json') : path;
  const text = await readIfThere(main);
  if (text === undefined) {
    const encoder = await readIfThere(join(folder, 'encoder.json'));
    const merges = await readIfThere(join(folder, 'vocab.bpe'));
    if (encoder !== undefined && merges !== undefined)
      return tokenizerFilesOf(gpt2Json(encoder, merges, folder), undefined, folder);
    const settingsFile = join(folder, 'tokenizer_config.json');
    const settings = await readIfThere(settingsFile);
    const parsed = settings === undefined ? undefined : parse(settings, settingsFile);
    if (isCharacterTokenizer(parsed)) {
      const { json, config } = characterTokenizer(parsed, settingsFile);
      return tokenizerFilesOf(json, config, folder);
    }
    throw new InputError(folder, 'holds no tokenizer.json', {
      hint: 'a Hugging Face model folder has one; GPT-2 is also read from encoder.json and vocab.bpe',
    });
  }
  const texts = new Map([['tokenizer.json', text]]);
  // Beside a tokenizer.json of another name its companions would be another tokenizer's.
  if (basename(main) === 'tokenizer.json') {
    for (const name of companions) {
      const companion = await readIfThere(join(folder, name));
      if (companion !== undefined) texts.set(name, companion);
    }
  }
  const json = checkTokenizerJson(parse(text, main), main);
  const configText = texts.get('tokenizer_config.json');
  const config =
    configText === undefined
      ? undefined
      : (parse(configText, join(folder, 'tokenizer_config.json')) as TokenizerConfig);
  return { path: main, json, config, fingerprint: sha256(text), texts };
}

/** Files for a tokenizer made in memory (trained or converted). */
export function tokenizerFilesOf(
  json: TokenizerJson,
  config: TokenizerConfig | undefined,
  path: string,
): TokenizerFiles {
  const text = `${JSON.stringify(json, null, 1)}\n`;
  const texts = new Map([['tokenizer.json', text]]);
  if (config !== undefined) texts.set('tokenizer_config.json', `${JSON.stringify(config, null, 2)}\n`);
  return { path, json, config, fingerprint: sha256(text), texts };
}

export async function saveTokenizerFiles(files: TokenizerFiles, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  // tokenizer.json last: where it is, its companions are.
  for (const [name, text] of [...files.texts].reverse()) await writeFileAtomic(join(folder, name), text);
}

function gpt2Json(encoder: string, merges: string, folder: string): TokenizerJson {
  const vocab = parse(encoder, join(folder, 'encoder.json')) as Record<string, number>;
  const endOfText = vocab['<|endoftext|>'];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens:
      endOfText === undefined
        ? []
        : [
            {
              id: endOfText,
              content: '<|endoftext|>',
              single_word: false,
              lstrip: false,
              rstrip: false,
              normalized: false,
              special: true,
            },
          ],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      // The first line is "#version: 0.2".
      merges: merges
        .split('\n')
        .filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version'))),
    },
  };
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(file, `is not JSON: ${messageOf(error)}`, {
      hint: 'the file may be cut off; fetch it again',
      cause: error,
    });
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new InputError(file, `cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
