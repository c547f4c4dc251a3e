/** Other kinds of tokenizer through the library: sentencepiece-style BPE with byte fallback (stories260K), WordPiece. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadTokenizer, tokenizerOf } from '../../src/tokens/tokenizer.ts';
import { tokenizerFilesOf } from '../../src/tokens/tokenizer-files.ts';
import type { TokenizerJson } from '../../src/tokens/tokenizer-json.ts';
import { readLlama2cTokenizer } from '../../trainer/convert/convert-llama2c.ts';

const stories = join(import.meta.dirname, '../../../shared/data/models/stories260K');
const here = existsSync(stories);
if (!here) console.warn('skipped: ../shared/data/models/stories260K is not there');

describe.skipIf(!here)('the 512-piece sentencepiece vocabulary of stories260K', () => {
  const config = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' };
  const load = async () =>
    tokenizerOf(
      tokenizerFilesOf(
        (await readLlama2cTokenizer(join(stories, 'tok512.bin'), 512)) as unknown as TokenizerJson,
        config,
        'stories',
      ),
      'stories',
    );

  test('loads through the fallback and gives the token ids of the golden file', async () => {
    const tokenizer = await load();
    expect(tokenizer).toMatchObject({ kind: 'huggingface', vocabSize: 512, bosId: 1, eosId: 2 });
    const golden = JSON.parse(await readFile(join(stories, 'golden.json'), 'utf8')) as {
      cases: { text: string; tokens: number[] }[];
    };
    let checked = 0;
    for (const { text, tokens } of golden.cases) {
      if (text === undefined) continue;
      expect([1, ...tokenizer.encode(text)], text).toEqual(tokens);
      checked++;
    }
    expect(checked).toBeGreaterThan(0);
  });

  test('text comes back from its ids, characters without a piece through bytes', async () => {
    const tokenizer = await load();
    for (const text of [
      'Once upon a time, there was a little girl.',
      'x² + y² = 数',
      'Tab\tand\nline',
      '👩 é',
    ]) {
      expect(tokenizer.decode(tokenizer.encode(text)), text).toBe(text);
    }
    expect([...tokenizer.encode('')]).toEqual([]);
    expect(tokenizer.decode([])).toBe('');
  });

  test('the end token spelled out in an untrusted text stays text', async () => {
    const tokenizer = await load();
    expect([...tokenizer.encode('a</s>b')]).toContain(2);
    expect([...tokenizer.encode('a</s>b', { special: false })]).not.toContain(2);
  });
});

test('a WordPiece vocabulary loads through the fallback', async () => {
  const words = ['[UNK]', 'the', 'cat', '##s', 'sat', '.'];
  const json: TokenizerJson = {
    added_tokens: [{ id: 0, content: '[UNK]', special: true }],
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  };
  const tokenizer = await tokenizerOf(tokenizerFilesOf(json, undefined, 'wordpiece'), 'wordpiece');
  expect(tokenizer.kind).toBe('huggingface');
  expect([...tokenizer.encode('The cats sat.')]).toEqual([1, 2, 3, 4, 5]);
  expect(() => tokenizer.decode([99])).toThrow('token id 99 is not in the vocabulary');
});

test('a model that neither reads is an error that says why', async () => {
  const json = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: { type: 'Sorcery' },
  } as TokenizerJson;
  await expect(tokenizerOf(tokenizerFilesOf(json, undefined, 'x.json'), 'x')).rejects.toThrow(
    /x.json: cannot load this tokenizer.*model is Sorcery/,
  );
});

test('GPT-2 keeps its ids when saved and loaded again', async ({ skip }) => {
  const gpt2 = join(stories, '../../tokenizers/gpt2');
  if (!existsSync(gpt2)) skip('../shared/data/tokenizers/gpt2 is not there');
  const { mkdtemp, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  const first = await loadTokenizer(gpt2);
  await first.saveTo(folder);
  const second = await loadTokenizer(folder);
  expect([...second.encode('Natalia sold 48/2 = 24 clips.')]).toEqual([
    ...first.encode('Natalia sold 48/2 = 24 clips.'),
  ]);
  expect(second.fingerprint).toBe(first.fingerprint);
  await rm(folder, { recursive: true });
});
