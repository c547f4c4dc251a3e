/** The scanner against the regular expressions it stands for: real pages, and random strings of all that its rules look at. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compilePreTokenizer,
  gpt2Pattern,
  llama3Pattern,
  qwen2Pattern,
} from '../../src/tokens/pre-tokenizer.ts';
import type { Component } from '../../src/tokens/tokenizer-json.ts';
import { wordScannerOf } from '../../src/tokens/word-scanner.ts';
import { WordTable } from '../../src/tokens/word-table.ts';
import { sharedData } from '../io/shared-data.ts';

const bytes: Component = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
const split = (pattern: string): Component => ({
  type: 'Sequence',
  pretokenizers: [{ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }, bytes],
});
const components: Record<string, Component> = {
  'GPT-2': { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  'digits alone': split(gpt2Pattern.replace(' ?\\p{N}+', '\\p{N}')),
  'Llama 3': split(llama3Pattern),
  'Qwen 2': split(qwen2Pattern),
};

function scanned(component: Component, text: string): string[] {
  const next = wordScannerOf(component)!;
  const words: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = next(text, at);
    if (end <= at) throw new Error(`no progress at ${at} of ${JSON.stringify(text)}`);
    words.push(text.slice(at, end));
    at = end;
  }
  return words;
}

describe.each(Object.entries(components))('%s', (_, component) => {
  const words = compilePreTokenizer(component)!;

  test('cuts random strings of letters, digits, marks, white space and characters beyond ASCII as the expression does', () => {
    const piece = fc.constantFrom(
      ..."abSTMDrREvVeElL019'.,!?-_ \t\n\r\v\f\u0085\u00a0\u2003\u3000éſK\u0301٣½中😀",
      "'s",
      "'LL",
      "'ve",
      "'ſ",
      '  ',
      '\r\n',
      '\n\n',
      ' \n ',
    );
    const text = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join('').toWellFormed());
    fc.assert(
      fc.property(text, (sample) => {
        expect(scanned(component, sample)).toEqual(words(sample));
      }),
      { numRuns: 2500 },
    );
  });

  test.skipIf(!existsSync(sharedData))('cuts real pages as the expression does', () => {
    const pages = join(sharedData, 'html-math/planetmath-11');
    const texts = [
      readFileSync(join(sharedData, 'web-text/c4-demo-300.jsonl'), 'utf8'),
      readFileSync(join(sharedData, 'math-qa/gsm8k-train.jsonl'), 'utf8').slice(0, 150_000),
      ...readdirSync(pages)
        .filter((name) => name.endsWith('.html'))
        .slice(0, 5)
        .map((name) => readFileSync(join(pages, name), 'utf8')),
    ];
    for (const text of texts) {
      const [ours, theirs] = [scanned(component, text), words(text)];
      expect(ours.length).toBe(theirs.length);
      expect(ours.findIndex((word, i) => word !== theirs[i])).toBe(-1);
    }
  });
});

test('other pre-tokenizers have no scanner', () => {
  expect(wordScannerOf(null)).toBeUndefined();
  expect(wordScannerOf({ type: 'ByteLevel', add_prefix_space: true, use_regex: true })).toBeUndefined();
  expect(wordScannerOf(split('\\p{L}+|.'))).toBeUndefined();
  expect(
    wordScannerOf({ ...split(llama3Pattern), pretokenizers: [split(llama3Pattern), { type: 'Digits' }] }),
  ).toBeUndefined();
});

test('the table of words finds what was added, also after it was full and emptied', () => {
  const table = new WordTable();
  const ids = new Int32Array(64);
  const wordOf = (i: number): string => `w${(i * 2654435761) >>> 0}é${i % 7}`;
  const total = 160_000;
  for (let i = 0; i < total; i++) {
    const text = `<${wordOf(i)}>`;
    if (table.find(text, 1, text.length - 1) >= 0) throw new Error(`${text} was never added`);
    const n = 1 + (i % 3);
    for (let k = 0; k < n; k++) ids[k] = i + k;
    table.add(text, 1, text.length - 1, ids, n);
  }
  let found = 0;
  for (let i = 0; i < total; i++) {
    const word = table.find(wordOf(i), 0, wordOf(i).length);
    if (word < 0) continue;
    found++;
    const kept = table.ids.subarray(table.start(word), table.start(word + 1));
    if (kept.length !== 1 + (i % 3) || kept.some((id, k) => id !== i + k))
      throw new Error(`ids of word ${i}`);
  }
  expect(found).toBe(total % (1 << 17));
});
