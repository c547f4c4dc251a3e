/** The recipes and data cards that come with midtrain. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtInCards, builtInRecipes, loadCard, loadRecipe } from '../../mixtures/load.ts';
import { assertPresent, resolveSources, withData } from '../../mixtures/sources.ts';

const empty = mkdtempSync(join(tmpdir(), 'mixtures-'));
const weightsOf = (name: string) =>
  Object.fromEntries(
    Object.entries(loadRecipe(name, empty).recipe.sources).map(([source, { weight }]) => [
      source,
      [weight!.value, weight!.evidence],
    ]),
  );

describe('built-in recipes', () => {
  test.each(builtInRecipes())('%s reads, names cards that exist, and its weights come to one', (name) => {
    const loaded = loadRecipe(name, empty);
    const sources = resolveSources(loaded, empty);
    expect(sources.every((s) => s.card !== undefined)).toBe(true);
    const total = Object.values(loaded.recipe.sources).reduce((n, s) => n + s.weight!.value, 0);
    expect(total).toBeCloseTo(1, 9);
  });

  test('the stable stage has the recalled weights of the paper, tagged so', () => {
    expect(weightsOf('stable')).toEqual({
      'dclm-baseline': [0.1, 'recalled'],
      'megamath-web-pro-max': [0.725, 'recalled'],
      'megamath-code': [0.0125, 'recalled'],
      'megamath-qa': [0.05, 'recalled'],
      'megamath-translated-code': [0.0125, 'recalled'],
      'megamath-text-code-block': [0.1, 'recalled'],
    });
  });

  test.each([
    ['decay-long', { 'openr1-math-220k': 0.15, 'am-deepseek-distilled': 0.15 }],
    ['decay-short', { 'megamath-qa': 0.025, 'openmathinstruct-2': 0.175, 'numinamath-1.5': 0.1 }],
    ['decay-hybrid', { 'openr1-math-220k': 0.1, 'openmathinstruct-2': 0.1, 'numinamath-1.5': 0.1 }],
  ])('%s has the skeleton of 5 % DCLM, 10 % instruction, 55 % web and 30 %% QA', (name, qa) => {
    expect(weightsOf(name)).toEqual({
      'dclm-baseline': [0.05, 'summary'],
      instruction: [0.1, 'summary'],
      'megamath-web-pro': [0.55, 'summary'],
      ...Object.fromEntries(Object.entries(qa).map(([source, weight]) => [source, [weight, 'recalled']])),
    });
  });

  test('learning rates that nobody could confirm are tagged unknown or recalled', () => {
    const rates = loadRecipe('stable', empty).recipe.training!.learningRate as Record<
      string,
      { value: number; evidence: string }
    >;
    expect(Object.entries(rates).map(([size, r]) => [size, r.value, r.evidence])).toEqual([
      ['1B', 5e-5, 'unknown'],
      ['3B', 3e-5, 'unknown'],
      ['8B', 1.5e-5, 'recalled'],
    ]);
  });

  test('without a recipe ./mixture.yaml is taken, else the demo; a wrong name is answered with the nearest', () => {
    expect(loadRecipe(undefined, empty)).toMatchObject({ chosen: 'demo', recipe: { name: 'demo' } });
    const folder = mkdtempSync(join(tmpdir(), 'mixtures-'));
    writeFileSync(
      join(folder, 'mixture.yaml'),
      'name: mine\nsequenceLength: 8\nfill: w\nsources: { w: { role: web, data: ./x } }\n',
    );
    expect(loadRecipe(undefined, folder)).toMatchObject({ chosen: 'mixture.yaml', recipe: { name: 'mine' } });
    expect(() => loadRecipe('decay-lang', empty)).toThrow(
      'no recipe "decay-lang"; did you mean "decay-long"?',
    );
  });

  test('the demo recipe needs nothing that is not in the package', () => {
    expect(() => assertPresent(resolveSources(loadRecipe('demo', empty), empty))).not.toThrow();
  });
});

describe('built-in cards', () => {
  test.each(builtInCards())(
    '%s has front matter that reads, a licence, and what is unconfirmed said so',
    (name) => {
      const card = loadCard(name, empty);
      expect(card.license).not.toBe('');
      expect(card.body).toContain('#');
      if (card.license === 'unknown') expect(card.project.unconfirmed.join()).toMatch(/licence/);
    },
  );

  test('sizes are those of the papers, with the tokenizer they were counted with', () => {
    expect(loadCard('megamath-web-pro', empty).project.size).toEqual({
      documents: { value: 15_000_000, evidence: 'confirmed' },
      tokens: { value: 15_100_000_000, evidence: 'confirmed' },
      tokenizer: 'meta-llama/Llama-2-7b-hf',
    });
    expect(loadCard('finemath-4plus', empty).project.size.tokens).toMatchObject({
      value: 10_000_000_000,
      evidence: 'confirmed',
    });
  });

  test('a card that is not there is answered with the nearest; a broken one names the key', () => {
    expect(() => loadCard('megamath-web-por', empty)).toThrow('did you mean "megamath-web-pro"?');
    writeFileSync(
      join(empty, 'x.md'),
      '---\nlicense: mit\npretty_name: X\nmidtrain: { role: web, data: { path: ./x }, tmplate: text, contamination: none, template: text }\n---\n',
    );
    expect(() => loadCard('./x.md', empty)).toThrow(
      /unknown key "tmplate" in midtrain; did you mean "template"/,
    );
    writeFileSync(join(empty, 'y.md'), '# no front matter\n');
    expect(() => loadCard('./y.md', empty)).toThrow(/has no YAML front matter/);
  });
});

describe('data that is not on this machine', () => {
  test('is an error that names every source, the path expected, the Hub repository and the cure', () => {
    const loaded = loadRecipe('decay-long', empty);
    expect(() => assertPresent(resolveSources(loaded, empty))).toThrow(
      new RegExp(
        `5 sources are not on this machine.*dclm-baseline: nothing at ${join(empty, 'data', 'dclm-baseline')} \\(its card names mlfoundations/dclm-baseline-1.0`,
        's',
      ),
    );
  });

  test('--data says where it is', () => {
    writeFileSync(join(empty, 'd.jsonl'), '{"text":"x"}\n');
    const loaded = withData(loadRecipe('decay-long', empty), { 'dclm-baseline': ['d.jsonl'] }, empty);
    const source = resolveSources(loaded, empty).find((s) => s.name === 'dclm-baseline')!;
    expect(source.data).toEqual({ kind: 'files', paths: [join(empty, 'd.jsonl')] });
    expect(source.template).toBe('text');
    expect(() => withData(loaded, { 'dclm-baselin': ['x'] }, empty)).toThrow('did you mean "dclm-baseline"?');
  });

  test('a template without its columns is an error that shows what to write', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mixtures-'));
    writeFileSync(
      join(folder, 'm.yaml'),
      'name: m\nsequenceLength: 8\nfill: q\nsources: { q: { role: qa, data: ./x, template: question-answer, columns: { question: q } } }\n',
    );
    expect(() => resolveSources(loadRecipe('m.yaml', folder), folder)).toThrow(
      /template question-answer needs a column for answer/,
    );
  });
});
