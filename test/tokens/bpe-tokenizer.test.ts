/** Byte-level BPE: published vectors, and the ids of `@huggingface/tokenizers` on real text. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { BpeMerger } from '../../src/tokens/bpe-merge.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { MergeTable, noMerge } from '../../src/tokens/merge-table.ts';
import { loadTokenizer, type Tokenizer, tokenizerOf } from '../../src/tokens/tokenizer.ts';
import { readTokenizerFiles, tokenizerFilesOf } from '../../src/tokens/tokenizer-files.ts';
import type { TokenizerJson } from '../../src/tokens/tokenizer-json.ts';

const data = join(import.meta.dirname, '../../../shared/data');
const gpt2 = join(data, 'tokenizers/gpt2');
const here = existsSync(gpt2);
if (!here) console.warn('skipped: ../shared/data/tokenizers/gpt2 is not there');

/** Strings on which tokenizers have differed. */
const tricky = [
  '',
  ' ',
  '   ',
  ' \n\n\t x',
  '\ufeffbom \u0085nel \u00a0nbsp\u2028line',
  '½ ² Ⅷ ٣٤٥ 12345678 1,234.5',
  "it's IT'S we'Ve y'all 'take o'clock",
  'İstanbul ſtraße',
  '👩‍👩‍👧 日本語テキスト 한국어 e\u0301 \u212b ﬁ',
  'a'.repeat(300),
  ' '.repeat(200),
  '.'.repeat(99),
  '\r\n\r\n x\r\n',
  '$$\\frac{a}{b}$$ and \\(x^2\\)\n\n\n1. $y=4x-7$',
];

function realTexts(): string[] {
  const lines = (file: string) => readFileSync(join(data, file), 'utf8').trim().split('\n');
  const pages = join(data, 'html-math/planetmath-11');
  return [
    ...lines('math-qa/gsm8k-train.jsonl').slice(0, 200),
    ...lines('math-qa/math-test-without-500.jsonl').slice(0, 100),
    ...lines('web-text/c4-demo-300.jsonl')
      .slice(0, 60)
      .map((line) => (JSON.parse(line) as { text: string }).text),
    ...readdirSync(pages, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.html'))
      .slice(0, 4)
      .map((file) => readFileSync(join(pages, file), 'utf8')),
  ];
}

function libraryIds(library: Library, text: string): number[] {
  return text === '' ? [] : library.encode(text, { add_special_tokens: false }).ids;
}

describe.skipIf(!here)('GPT-2, read from encoder.json and vocab.bpe', () => {
  let tokenizer: Tokenizer;
  let library: Library;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(gpt2);
    library = new Library(structuredClone((await readTokenizerFiles(gpt2)).json), {});
  });

  test('gives the ids of the published vectors and decodes them back', () => {
    const one = JSON.parse(
      readFileSync(join(data, 'tokenizers/vectors/gpt2_encoded_tokens.json'), 'utf8'),
    ) as { text: string; token_ids: number[] };
    expect([...tokenizer.encode(one.text)]).toEqual(one.token_ids);
    const all = JSON.parse(
      readFileSync(join(data, 'tokenizers/vectors/tokenizer_tests.json'), 'utf8'),
    ) as Record<string, { input: string; encoded: { input_ids: number[] } }[]>;
    expect(all.distilgpt2!.length).toBeGreaterThan(10);
    for (const { input, encoded } of all.distilgpt2!) {
      expect([...tokenizer.encode(input)], input).toEqual(encoded.input_ids);
      expect(tokenizer.decode(encoded.input_ids)).toBe(input);
    }
  });

  test('is read by our own code, knows its size and its end token', () => {
    expect(tokenizer).toMatchObject({ kind: 'byte-level-bpe', vocabSize: 50257, eosId: 50256, name: 'gpt2' });
    expect(tokenizer.bosId).toBeUndefined();
    expect(tokenizer.tokenOf(262)).toBe('Ġthe');
    expect(tokenizer.idOf('Ġthe')).toBe(262);
  });

  test('has the ids of the Hugging Face library on real pages, and decodes to the same text', () => {
    let tokens = 0;
    for (const text of realTexts()) {
      const ids = tokenizer.encode(text);
      expect([...ids], text.slice(0, 60)).toEqual(libraryIds(library, text));
      expect(tokenizer.decode(ids)).toBe(text);
      tokens += ids.length;
    }
    expect(tokens).toBeGreaterThan(50_000);
  });

  test('reads a special token in the text as the library does, or as plain characters when the text is not trusted', () => {
    const text = 'a<|endoftext|>b <|endoftext';
    expect([...tokenizer.encode(text)]).toEqual(libraryIds(library, text));
    expect([...tokenizer.encode(text)]).toContain(50256);
    const plain = tokenizer.encode(text, { special: false });
    expect([...plain]).not.toContain(50256);
    expect(tokenizer.decode(plain)).toBe(text);
    expect(tokenizer.decode(tokenizer.encode(text), { special: false })).toBe('ab <|endoftext');
  });

  test('a page with a word of 100,000 letters, spaces or dots takes well under a minute in all', () => {
    const started = Date.now();
    for (const unit of ['a', ' ', '.', '数', 'ab']) {
      const text = unit.repeat(100_000);
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
    // Quadratic merging needs minutes for this; the heap needs a second or two.
    expect(Date.now() - started).toBeLessThan(30_000);
  }, 60_000);

  test('an id outside the vocabulary is an error that names it', () => {
    expect(() => tokenizer.decode([50257])).toThrow(
      'token id 50257 is not in the vocabulary of gpt2 (0 to 50256)',
    );
  });
});

describe('merging one word', () => {
  /** Replays the definition: lowest rank first, leftmost first. */
  function naive(table: MergeTable, ids: number[]): number[] {
    for (;;) {
      let at = -1;
      let best = noMerge;
      for (let i = 0; i + 1 < ids.length; i++) {
        const rank = table.rank(ids[i]!, ids[i + 1]!);
        if (rank < best) [best, at] = [rank, i];
      }
      if (at === -1) return ids;
      ids = [...ids.slice(0, at), table.mergedId(ids[at]!, ids[at + 1]!), ...ids.slice(at + 2)];
    }
  }

  test('the scan for short words and the heap for long ones both do what the definition says', () => {
    const table = new MergeTable(64);
    const pairs: [number, number][] = [];
    for (let rank = 0; rank < 40; rank++) {
      const pair: [number, number] = [(rank * 7) % (4 + rank), (rank * 5) % (4 + rank)];
      if (pairs.some(([a, b]) => a === pair[0] && b === pair[1])) continue;
      pairs.push(pair);
      table.set(...pair, rank, 4 + rank);
    }
    const merger = new BpeMerger(table);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 200 }), (ids) => {
        const buffer = Int32Array.from(ids);
        const n = merger.merge(buffer, ids.length);
        expect([...buffer.subarray(0, n)]).toEqual(naive(table, ids));
      }),
      { numRuns: 200 },
    );
  });
});

describe('a tokenizer.json with its own parts', () => {
  async function both(change: (json: TokenizerJson) => void): Promise<[Tokenizer, Library]> {
    const { files } = await trainBpe(['the cat sat on the mat, the hat 123 456', 'é è ü Å 数学 naïve'], {
      vocabSize: 300,
      minFrequency: 1,
    });
    const json = structuredClone(files.json);
    change(json);
    return [
      await tokenizerOf(tokenizerFilesOf(json, undefined, 'test'), 'test'),
      new Library(structuredClone(json), {}),
    ];
  }

  test('a normalizer, added tokens that are not special, and whitespace they swallow are as in the library', async () => {
    const [tokenizer, library] = await both((json) => {
      json.normalizer = { type: 'NFC' };
      json.added_tokens.push(
        {
          id: 300,
          content: '<think>',
          normalized: false,
          special: false,
          lstrip: false,
          rstrip: false,
          single_word: false,
        },
        {
          id: 301,
          content: '<mask>',
          normalized: false,
          special: true,
          lstrip: true,
          rstrip: true,
          single_word: false,
        },
        {
          id: 302,
          content: 'e\u0301t\u00e9',
          normalized: true,
          special: false,
          lstrip: false,
          rstrip: false,
          single_word: false,
        },
      );
    });
    expect(tokenizer.kind).toBe('byte-level-bpe');
    for (const text of [
      ...tricky,
      'a <think>b</think>',
      'x  <mask>  y<mask>',
      'l\u2019\u00e9t\u00e9 e\u0301te\u0301',
      '<think><think',
    ]) {
      expect([...tokenizer.encode(text)], JSON.stringify(text)).toEqual(libraryIds(library, text));
    }
    // Not special, so it is read in untrusted text as well; <mask> is not.
    expect([...tokenizer.encode('<think><mask>', { special: false })].filter((id) => id >= 300)).toEqual([
      300,
    ]);
  });

  test('merges written as strings and as pairs are the same', async () => {
    const [pairs] = await both(() => {});
    const [strings] = await both((json) => {
      const model = json.model as { merges: unknown[] };
      model.merges = model.merges.map((m) => (m as string[]).join(' '));
    });
    expect([...strings.encode('the mat sat 数学')]).toEqual([...pairs.encode('the mat sat 数学')]);
  });

  test('ignore_merges takes a word that is in the vocabulary whole, though no merge makes it', async () => {
    const [tokenizer, library] = await both((json) => {
      const model = json.model as { vocab: Record<string, number>; ignore_merges: boolean };
      model.ignore_merges = true;
      model.vocab.Ġzyx = 300;
    });
    expect([...tokenizer.encode('a zyx')]).toEqual(libraryIds(library, 'a zyx'));
    expect([...tokenizer.encode('a zyx')]).toContain(300);
  });

  test('a merge that is not in the vocabulary is an error that names it', async () => {
    await expect(
      both((json) => void (json.model as { merges: unknown[] }).merges.push(['the', 'zz'])),
    ).rejects.toThrow(/merge \d+ .*"zz", which is not in the vocabulary/);
  });

  test('a file that is no tokenizer is an error that says what is missing', async () => {
    await expect(loadTokenizer(join(import.meta.dirname, '../../package.json'))).rejects.toThrow(
      'has no "model"',
    );
    await expect(loadTokenizer('/nowhere/at/all')).rejects.toThrow('no such tokenizer');
  });
});
