/** The vocabulary trainer against the trainer of Hugging Face tokenizers (fixture), the library that reads it, and the definition. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { learnMerges } from '../../src/tokens/bpe-merges.ts';
import { type PreTokenizerName, preTokenizerNames, trainBpe } from '../../src/tokens/bpe-train.ts';
import { sortedAlphabet } from '../../src/tokens/byte-alphabet.ts';
import { tokenizerOf } from '../../src/tokens/tokenizer.ts';
import type { BpeModel } from '../../src/tokens/tokenizer-json.ts';

const root = join(import.meta.dirname, '../..');
const notes = readFileSync(join(root, 'mixtures/demo/notes.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as { text: string }).text);
const oracle = JSON.parse(readFileSync(join(root, 'test/fixtures/bpe-train.json'), 'utf8')) as {
  vocab_size: number;
  merges: Record<PreTokenizerName, string[]>;
};

test.each(preTokenizerNames)(
  'learns the merges of Hugging Face tokenizers (PyPI), pre-tokenizer %s',
  async (preTokenizer) => {
    const { files } = await trainBpe(notes, { vocabSize: oracle.vocab_size, preTokenizer });
    expect((files.json.model as BpeModel).merges.map((m) => (m as string[]).join(' '))).toEqual(
      oracle.merges[preTokenizer],
    );
  },
);

test.each(preTokenizerNames)(
  'the Hugging Face library reads the file and gives the same ids, pre-tokenizer %s',
  async (preTokenizer) => {
    const { files, vocabSize } = await trainBpe(notes, { vocabSize: 700, preTokenizer });
    const ours = await tokenizerOf(files, 'trained');
    const library = new Library(
      JSON.parse(files.texts.get('tokenizer.json')!) as object,
      JSON.parse(files.texts.get('tokenizer_config.json')!) as object,
    );
    expect(ours).toMatchObject({ kind: 'byte-level-bpe', vocabSize, eosId: 0 });
    for (const text of [
      ...notes.slice(0, 10),
      'never seen: 数学 \u0000 ½ 123456',
      '<|endoftext|>',
      "we'll  \n\n see 1,000.5%",
    ]) {
      expect([...ours.encode(text)], text.slice(0, 40)).toEqual(
        library.encode(text, { add_special_tokens: false }).ids,
      );
      expect(ours.decode(ours.encode(text))).toBe(text);
    }
  },
);

test('the order of the texts does not matter, and equal texts give equal files', async () => {
  const one = await trainBpe(notes, { vocabSize: 400 });
  const other = await trainBpe([...notes].reverse(), { vocabSize: 400 });
  expect(other.files.texts.get('tokenizer.json')).toBe(one.files.texts.get('tokenizer.json'));
});

test('incremental counts give the merges of counting anew at every step', () => {
  /** Straight from the definition: count all pairs, take the most frequent (ties: smaller ids), merge, repeat. */
  function slow(words: ReadonlyMap<string, number>, size: number): [string, string][] {
    const vocab = new Map(sortedAlphabet.map((c, i) => [c, i]));
    const spelled = [...words].map(([word, n]) => ({ symbols: [...word], n }));
    const merges: [string, string][] = [];
    while (vocab.size < size) {
      const counts = new Map<string, { pair: [string, string]; n: number }>();
      for (const { symbols, n } of spelled) {
        for (let i = 0; i + 1 < symbols.length; i++) {
          const key = `${symbols[i]} ${symbols[i + 1]}`;
          const entry = counts.get(key) ?? { pair: [symbols[i]!, symbols[i + 1]!], n: 0 };
          entry.n += n;
          counts.set(key, entry);
        }
      }
      const best = [...counts.values()].sort(
        (a, b) =>
          b.n - a.n ||
          vocab.get(a.pair[0])! - vocab.get(b.pair[0])! ||
          vocab.get(a.pair[1])! - vocab.get(b.pair[1])!,
      )[0];
      if (best === undefined || best.n < 2) break;
      const token = best.pair.join('');
      if (!vocab.has(token)) vocab.set(token, vocab.size);
      merges.push(best.pair);
      for (const word of spelled) {
        for (let i = 0; i + 1 < word.symbols.length; i++) {
          if (word.symbols[i] === best.pair[0] && word.symbols[i + 1] === best.pair[1])
            word.symbols.splice(i, 2, token);
        }
      }
    }
    return merges;
  }
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.stringMatching(/^[ab]{1,9}$|^[abcd]{1,6}$/), fc.integer({ min: 1, max: 5 })), {
        minLength: 1,
        maxLength: 12,
      }),
      (list) => {
        const words = new Map(list);
        const vocab = new Map(sortedAlphabet.map((c, i) => [c, i]));
        expect(learnMerges(words, vocab, { vocabSize: 275, minFrequency: 2 })).toEqual(slow(words, 275));
      },
    ),
    { numRuns: 150 },
  );
});

test('without a size there are no merges: one token per byte', async () => {
  const { files, vocabSize, merges } = await trainBpe(['47+85=132']);
  expect([vocabSize, merges]).toEqual([257, 0]);
  expect((await tokenizerOf(files, 't')).encode('47+85').length).toBe(5);
});

test('an alphabet of the bytes seen makes an unseen byte the unknown token, and says what it costs', async () => {
  const { files, vocabSize } = await trainBpe(['12+34=46#'], { alphabet: 'seen' });
  const tokenizer = await tokenizerOf(files, 't');
  // <unk>, <|endoftext|>, and the eight characters 1 2 3 4 6 + = #
  expect(vocabSize).toBe(10);
  expect([...tokenizer.encode('12+34=46#')]).not.toContain(0);
  expect([...tokenizer.encode('5')]).toEqual([0]);
  expect([...tokenizer.encode('é')]).toEqual([0, 0]);
  const library = new Library(JSON.parse(files.texts.get('tokenizer.json')!) as object, {});
  expect(library.encode('1é5+', { add_special_tokens: false }).ids).toEqual([...tokenizer.encode('1é5+')]);
  expect(tokenizer.eosId).toBe(1);
});

test('digits stand alone unless Llama 3 or GPT-2 groups them', async () => {
  const text = Array.from({ length: 50 }, () => 'in 1234 and 1234').join(' ');
  const pieces = async (preTokenizer: PreTokenizerName) => {
    const tokenizer = await tokenizerOf(
      (await trainBpe([text], { vocabSize: 300, preTokenizer })).files,
      't',
    );
    return [...tokenizer.encode('1234')].map((id) => tokenizer.tokenOf(id));
  };
  expect(await pieces('digits')).toEqual(['1', '2', '3', '4']);
  expect(await pieces('qwen2')).toEqual(['1', '2', '3', '4']);
  expect(await pieces('llama3')).toEqual(['123', '4']);
  expect((await pieces('gpt2')).length).toBeLessThan(4);
});

test('what cannot be trained is an error with the cure', async () => {
  await expect(trainBpe(['x'], { vocabSize: 100 })).rejects.toThrow(
    'vocabulary size 100 is too small: 1 special tokens and 256 bytes need 257',
  );
  await expect(trainBpe([])).rejects.toThrow('there is no text to train a vocabulary on');
  await expect(trainBpe(['x'], { specialTokens: ['<s>', '<s>'] })).rejects.toThrow(
    'special token "<s>" is given twice',
  );
});

test('says so when the pairs run out before the vocabulary is full', async () => {
  expect(await trainBpe(['abab abab'], { vocabSize: 1000 })).toMatchObject({ ranOut: true });
  expect(await trainBpe(notes, { vocabSize: 300 })).toMatchObject({
    ranOut: false,
    vocabSize: 300,
    merges: 43,
    documents: notes.length,
  });
});
