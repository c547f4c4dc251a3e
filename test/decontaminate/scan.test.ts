/** Exact and near matches, what the rules leave out, and documents made to be slow. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { BenchmarkItem } from '../../src/decontaminate/benchmark-item.ts';
import { buildIndex } from '../../src/decontaminate/build-index.ts';
import { formulaItem, items, orchard, page, parabola, shortItem } from './items.ts';

const datatroveCases = JSON.parse(
  readFileSync(new URL('../fixtures/decontaminate/datatrove.json', import.meta.url), 'utf8'),
) as {
  items: BenchmarkItem[];
  texts: string[];
  kept: Record<'label' | 'query' | 'overlap' | 'all', number[]>;
};

const index = buildIndex(items);
const found = (text: string) => index.scan(page(text)).exact.map(({ item, part }) => `${item} ${part}`);

describe('exact matches', () => {
  test('problem, solution and both are told apart', () => {
    expect(found(orchard.problem)).toEqual(['orchard problem']);
    expect(found(orchard.solution)).toEqual(['orchard solution']);
    expect(found(`${orchard.problem}\n${orchard.solution}`)).toEqual(['orchard both']);
    expect(found('')).toEqual([]);
  });

  test('an n-gram across problem and solution counts', () => {
    const across = `${orchard.problem.slice(-45)} ${orchard.solution.slice(0, 30)}`;
    expect(found(across)).toEqual(['orchard both']);
  });

  test('shares, place, n-gram and the longest run are those of the document', () => {
    const text = page(orchard.problem.replaceAll(' ', '\n  '));
    const [match] = index.scan(text).exact;
    expect(match).toMatchObject({
      benchmark: 'own',
      item: 'orchard',
      problem: 1,
      solution: 0,
      similarity: 1,
    });
    expect(text.slice(match!.at)).toMatch(/^Mirela’s\n/);
    expect(match!.ngram).toBe('Mirela’s orchard has 14 rows of plum trees with 23 trees in each');
    expect(match!.run).toBe(45);
    expect(match!.matched).toBeGreaterThan(0.3);
    expect(match!.matched).toBeLessThan(0.7);
    expect(index.scan(text).share).toBe(1);
  });

  test('twelve words in common are no 13-gram, thirteen are', () => {
    const words = orchard.problem.split(' ');
    expect(found(words.slice(3, 15).join(' '))).toEqual([]);
    expect(found(words.slice(3, 16).join(' '))).toEqual(['orchard problem']);
  });

  test('TeX written otherwise is the same problem', () => {
    const plain =
      'let p and q be the two real zeros of the quadratic polynomial 3/4 x² − 5x + √7. Evaluate the expression ' +
      '(p − 80,000)·(q + sin π) and give the result as an exact fraction';
    expect(index.scan(plain).exact[0]).toMatchObject({ item: 'parabola', problem: 1 });
    const other = parabola.problem
      .replaceAll('\\frac', '\\dfrac')
      .replaceAll('$', '\\(')
      .replace('^2', '^{2}');
    expect(index.scan(other).exact[0]).toMatchObject({ item: 'parabola', problem: 1 });
  });

  test('a problem of fewer than n words is found as a whole, and only as a whole', () => {
    expect(found('how many odd divisors does the integer 5544 have')).toEqual(['divisors problem']);
    expect(found('how many odd divisors does the integer 5545 have')).toEqual([]);
    expect(found('odd divisors does the integer 5544 have')).toEqual([]);
    expect(index.scan('How many odd divisors does the integer 5544 have?').share).toBe(1);
  });

  test('a problem of hardly more than a formula is not lost to the rule for weak n-grams', () => {
    expect(found(formulaItem.problem)).toEqual(['formula problem']);
    expect(index.data.counts[1]).toMatchObject({ benchmark: 'brief', onlyWeak: 1, unchecked: 0 });
  });

  test('numbers: same lets numbers differ', () => {
    const changed = orchard.problem.replace('14', '19').replace('23', '41').replace('37', '52');
    const same = buildIndex(items, { numbers: 'same' });
    expect(same.scan(changed).exact[0]).toMatchObject({ item: 'orchard', problem: 1 });
    expect(index.scan(changed).exact[0]?.problem ?? 0).toBeLessThan(1);
  });

  test('no punctuation or number n-gram ends the search: what follows is still found', () => {
    const noise = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15. . . . ? ! - - - - - - - - - - - - - - - -';
    expect(found(`${noise} ${orchard.problem}`)).toEqual(['orchard problem']);
  });

  test('the first and the last words of a long text are read', () => {
    const filler = 'nothing of interest is said here again and again '.repeat(3000);
    expect(index.scan(orchard.problem + filler).exactItems).toBe(1);
    expect(index.scan(filler + orchard.problem).exactItems).toBe(1);
  });
});

describe('rules for n-grams', () => {
  const template = 'How many different ways are there to arrange the letters of the following word in a row';
  const variants = Array.from({ length: 12 }, (_, i): BenchmarkItem => {
    const own = 'alder birch cedar elm fir hazel larch maple oak pine rowan willow'.split(' ')[i]!;
    return {
      benchmark: 'ways',
      item: own,
      problem: `${template} when it is ${own} and ${own} grows by the gate of the farm?`,
      solution: '',
    };
  });

  test('an n-gram in more than maxItems items is a template and left out, and counted', () => {
    const common = buildIndex(variants);
    expect(common.scan(`${template} when you are asked`).exact).toEqual([]);
    expect(common.scan(variants[3]!.problem).exact.map(({ item }) => item)).toEqual(['elm']);
    const [counts] = common.data.counts;
    expect(counts!.common).toBeGreaterThan(0);
    expect(counts!.kept + counts!.weak + counts!.common + counts!.repeated + counts!.capped).toBe(
      counts!.ngrams,
    );
    expect(buildIndex(variants, { maxItems: 12 }).scan(template).exactItems).toBe(12);
  });

  test('items that have nothing but common n-grams keep them', () => {
    const copies = variants.map(({ item }) => ({
      benchmark: 'copies',
      item,
      problem: template,
      solution: '',
    }));
    const all = buildIndex(copies);
    expect(all.data.counts[0]).toMatchObject({ onlyCommon: 12, unchecked: 0 });
    expect(all.scan(template).exactItems).toBe(12);
  });

  test('items too short to look for are named', () => {
    const tiny = buildIndex([{ benchmark: 'b', item: 'tiny', problem: 'What is 2 + 2?', solution: '4' }]);
    expect(tiny.data.counts[0]).toMatchObject({ unchecked: 1, uncheckedItems: ['tiny'] });
    expect(tiny.scan('What is 2 + 2? 4').exact).toEqual([]);
  });

  test('settings that cannot be are refused by name', () => {
    expect(() => buildIndex([], { n: 1 })).toThrow(/n is 1/);
    expect(() => buildIndex([], { nearN: 14 })).toThrow(/nearN is 14/);
    expect(() => buildIndex([], { nearSimilarity: 0 })).toThrow(/nearSimilarity is 0/);
    expect(buildIndex([]).scan('anything at all').exact).toEqual([]);
  });
});

describe('near misses', () => {
  const near = (text: string) => index.scan(page(text)).near.map(({ item, part }) => `${item} ${part}`);
  const words = orchard.problem.split(' ');

  test('a word changed in every eight leaves no 13-gram and is listed with its similarity', () => {
    const changed = words.map((word, i) => (i % 8 === 7 ? 'lantern' : word)).join(' ');
    const result = index.scan(page(changed));
    expect(result.exact).toEqual([]);
    expect(result.near[0]).toMatchObject({ benchmark: 'own', item: 'orchard', part: 'problem' });
    expect(result.near[0]!.similarity).toBeCloseTo(1 - 5 / 45, 2);
    expect(result.similarity).toBe(result.near[0]!.similarity);
  });

  test('other numbers and another name', () => {
    const changed = orchard.problem
      .replace('Mirela’s', 'Tom’s')
      .replace('14', 'nine')
      .replace('23', '61')
      .replace('37', '8');
    const strict = buildIndex(items, { n: 26 });
    expect(strict.scan(changed).exact).toEqual([]);
    expect(strict.scan(changed).near[0]).toMatchObject({ item: 'orchard' });
  });

  test('the same phrases scattered over a long page are not one', () => {
    const pieces = [0, 7, 14, 21, 28, 35].map((at) => words.slice(at, at + 7).join(' '));
    const scattered = pieces.join(` ${'the weather was mild and the boats came home early '.repeat(8)} `);
    expect(near(scattered)).toEqual([]);
    expect(near(pieces.join(' meanwhile '))).toEqual(['orchard problem']);
  });

  test('near: false looks for exact matches only', () => {
    const changed = words.map((word, i) => (i % 8 === 7 ? 'lantern' : word)).join(' ');
    const exact = buildIndex(items, { near: false });
    expect(exact.scan(changed).near).toEqual([]);
    expect(exact.scan(shortItem.problem).exactItems).toBe(1);
  });
});

/**
 * datatrove's own test has this shape: query alone, label alone, query and label, wrong completion, one query n-gram, nothing, one word too few.
 * Run on these texts, its NGramsDecontFilter 0.10.1 keeps 0 2 3 4 5 6 (label n-grams only), 2 3 5 6 (with the query's), 0 3 4 5 6 (with those
 * across), and 3 5 6 with all three, which is what an index of whole items looks for. (test/oracles/datatrove_decont.py)
 */
test('what datatrove finds with label, query and overlap n-grams together is found', () => {
  const { items: own, texts, kept } = datatroveCases;
  const index12 = buildIndex(own, { n: 12, shortest: 12, nearN: 12 });
  expect(texts.flatMap((text, i) => (index12.scan(text).exactItems === 0 ? [i] : []))).toEqual(kept.all);
});

describe('documents made to be slow', () => {
  const near32 = Array.from({ length: 40 }, (_, i): BenchmarkItem => {
    return {
      benchmark: 'b',
      item: String(i),
      problem: `${orchard.problem} Variant ${i}`,
      solution: orchard.solution,
    };
  });
  const heavy = buildIndex(near32);
  test.each([
    ['benchmark text again and again', `${orchard.problem} `.repeat(4000)],
    ['drawings never closed', '[asy] '.repeat(200_000)],
    ['calculator marks', '<<1+'.repeat(300_000)],
    ['backslashes', '\\'.repeat(1_000_000)],
    ['environments', '\\begin{'.repeat(150_000)],
    ['one word', 'a'.repeat(2_000_000)],
    ['digits and commas', '111,'.repeat(300_000)],
    ['lone surrogates', '\ud800'.repeat(500_000)],
    ['ligatures', 'ﷺ'.repeat(100_000)],
  ])('%s', (_name, text) => {
    const before = process.cpuUsage();
    heavy.scan(text);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(4);
  });
});
