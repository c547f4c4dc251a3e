/** Recall and false alarms on real benchmarks, their variants, training sets and web pages. Test parts are read here to be found elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { BenchmarkItem } from '../../src/decontaminate/benchmark-item.ts';
import { buildIndex } from '../../src/decontaminate/build-index.ts';
import type { ContaminationIndex } from '../../src/decontaminate/contamination-index.ts';
import { describeWith, sharedData } from '../io/shared-data.ts';

const lines = (file: string): Record<string, string>[] =>
  readFileSync(join(sharedData, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
const every = <T>(list: readonly T[], step: number): T[] => list.filter((_, i) => i % step === 0);

describeWith('math-qa', 'real benchmarks', () => {
  let gsm: BenchmarkItem[];
  let math: BenchmarkItem[];
  let index: ContaminationIndex;

  beforeAll(() => {
    gsm = lines('math-qa/gsm8k-test-even.jsonl').map(({ question, answer }, i) => {
      return { benchmark: 'gsm8k', item: String(i), problem: question!, solution: answer! };
    });
    math = lines('math-qa/math-test-without-500.jsonl').map(({ problem, solution }, i) => {
      return { benchmark: 'math', item: String(i), problem: problem!, solution: solution! };
    });
    index = buildIndex([...gsm, ...math]);
  });

  /** Share of the items found in a document made of each: as exact matches, and as exact or near matches. */
  function recall(items: readonly BenchmarkItem[], documentOf: (item: BenchmarkItem) => string) {
    let exact = 0;
    let near = 0;
    for (const item of items) {
      const result = index.scan(documentOf(item));
      const isIt = (m: { benchmark: string; item: string }) =>
        m.benchmark === item.benchmark && m.item === item.item;
      if (result.exact.some(isIt)) exact++;
      else if (result.near.some(isIt)) near++;
    }
    return { exact: exact / items.length, either: (exact + near) / items.length };
  }

  test('nearly every item has something to look for', () => {
    for (const { items, unchecked } of index.data.counts) expect(unchecked / items).toBeLessThan(0.003);
  });

  test('GSM-Hard (numbers replaced) leads to the problem it was made from, and to no other', () => {
    let right = 0;
    let wrong = 0;
    for (const row of lines('math-qa/gsm-hard-even.jsonl')) {
      const origin = String(Number(row.gsm8k_test_row) / 2);
      const { exact, near } = index.scan(row.input!);
      const found = [...exact, ...near].map((m) => m.item);
      if (found.includes(origin)) right++;
      wrong += found.filter((item) => item !== origin).length;
    }
    expect(right).toBeGreaterThanOrEqual(659); // of 660
    expect(wrong).toBeLessThanOrEqual(2);
  });

  test('the two problems of MATH that stand in both parts are found, whole', () => {
    const training = lines('math-qa/math-train-answers.jsonl');
    for (const [row, item] of [
      [1411, '936'],
      [2939, '4193'],
      [1594, '280'], // braces and spaces differ
      [2832, '2189'], // displayed formulas differ
    ] as const) {
      expect(index.scan(training[row]!.problem!).exact[0]).toMatchObject({
        benchmark: 'math',
        item,
        problem: 1,
      });
    }
  });

  test('few training problems of GSM8K share an n-gram with its test part', () => {
    let exact = 0;
    for (const { question } of every(lines('math-qa/gsm8k-train.jsonl'), 3)) {
      if (index.scan(question!).exact.some(({ benchmark }) => benchmark === 'gsm8k')) exact++;
    }
    expect(exact).toBeLessThanOrEqual(5);
  });

  test('web pages and encyclopedia pages about number theory raise no alarm', () => {
    const folder = join(sharedData, 'html-math/planetmath-11');
    const tex = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.tex'),
    );
    const texts = [
      ...lines('web-text/c4-demo-300.jsonl').map(({ text }) => text!),
      ...tex.map((file) => readFileSync(join(folder, file), 'utf8')),
    ];
    expect(texts.length).toBeGreaterThan(400);
    expect(texts.filter((text) => index.scan(text).exactItems > 0)).toEqual([]);
    expect(texts.filter((text) => index.scan(text).nearItems > 0)).toEqual([]);
  });

  test('edits of a page do not hide a problem in it', () => {
    const hosts = lines('web-text/c4-demo-300.jsonl').map(({ text }) => text!);
    const inPage = (problem: string, item: BenchmarkItem) => {
      const host = hosts[Number(item.item) % hosts.length]!;
      const half = host.indexOf(' ', host.length >> 1);
      return `${host.slice(0, half)}\n\n${problem}\n\n${host.slice(half)}`;
    };
    const changedEvery = (n: number) => (s: string) =>
      s.replace(
        /\S+/g,
        (
          (i) => (word: string) =>
            i++ % n === n - 1 ? 'garden' : word
        )(0),
      );
    const edits: [string, (problem: string) => string, number, number, number, number][] = [
      // Least share found in GSM8K as exact, as either; in MATH as exact, as either.
      ['as it is', (s) => s, 1, 1, 0.92, 0.92],
      ['line ends', (s) => s.replaceAll(' ', '\n'), 1, 1, 0.92, 0.92],
      ['typographic marks', (s) => s.replaceAll("'", '’').replaceAll('-', '–'), 1, 1, 0.92, 0.92],
      ['spaced TeX', (s) => s.replace(/([\^_+={}$])/g, ' $1 '), 1, 1, 0.9, 0.92],
      ['other TeX', (s) => s.replaceAll('\\frac', '\\dfrac').replaceAll('(', '\\left('), 1, 1, 0.9, 0.92],
      ['a word in 12', changedEvery(12), 0, 0.99, 0.05, 0.6],
      ['a word in 8', changedEvery(8), 0, 0.99, 0, 0.55],
      ['all numbers', (s) => s.replace(/\d+/g, (d) => String(Number(d) + 137)), 0.75, 0.99, 0.35, 0.7],
    ];
    for (const [name, edit, gsmExact, gsmEither, mathExact, mathEither] of edits) {
      const document = (item: BenchmarkItem) => inPage(edit(item.problem), item);
      const [a, b] = [recall(every(gsm, 6), document), recall(every(math, 30), document)];
      expect([
        name,
        a.exact >= gsmExact,
        a.either >= gsmEither,
        b.exact >= mathExact,
        b.either >= mathEither,
        a,
        b,
      ]).toEqual([name, true, true, true, true, a, b]);
    }
  });
});
