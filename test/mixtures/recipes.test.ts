/**
 * The built-in recipes against the paper's numbers (recipe.md 2.1 to 2.3), at every point of every sweep, planned with the sizes of the cards;
 * and what a typing mistake in a recipe is answered with.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtInRecipes, loadRecipe } from '../../mixtures/load.ts';
import { planMixture, type SourceSize } from '../../mixtures/plan.ts';
import { parseRecipe } from '../../mixtures/recipe.ts';
import { listRecipes, recipeListText } from '../../mixtures/recipe-list.ts';
import type { Ratios } from '../../mixtures/shares.ts';
import { resolveSources } from '../../mixtures/sources.ts';
import { tokenCountOf } from '../../src/core/card.ts';

const empty = mkdtempSync(join(tmpdir(), 'recipes-'));

function planOf(name: string, ratios: Ratios = {}) {
  const loaded = loadRecipe(name, empty);
  const sizes: Record<string, SourceSize> = Object.fromEntries(
    resolveSources(loaded, empty).map((source) => [
      source.name,
      {
        role: source.role,
        template: source.template,
        templateEvidence: source.card!.project.templateEvidence,
        tokens: tokenCountOf(source.card!.project.size)?.value,
        documents: source.card!.project.size.documents?.value,
        from: 'card',
      },
    ]),
  );
  return { plan: planMixture(loaded.recipe, sizes, ratios), recipe: loaded.recipe };
}

const decay = (web: number, qa: Record<string, number>) => ({
  'dclm-baseline': 0.05,
  instruction: 0.1,
  'megamath-web-pro': web,
  ...qa,
});

/** Recipe, ratios, shares, budget: written down from recipe.md by hand. */
const points: [string, Ratios, Record<string, number>, number][] = [
  ['ablation-finemath-4plus', {}, { 'finemath-4plus': 1 }, 20e9],
  ['ablation-megamath-web-pro', {}, { 'megamath-web-pro': 1 }, 20e9],
  ['ablation-megamath-web-pro-max', {}, { 'megamath-web-pro-max': 1 }, 20e9],
  ['ablation-budget', {}, { 'megamath-web-pro-max': 1 }, 100e9],
  ['ablation-qa-short', {}, { 'megamath-web-pro': 0.9, 'megamath-qa': 0.1 }, 20e9],
  ['ablation-qa-long', {}, { 'megamath-web-pro': 0.9, 'openr1-math-220k': 0.1 }, 20e9],
  ['ablation-instruct-short', {}, { 'megamath-web-pro': 0.89, 'megamath-qa': 0.1, instruction: 0.01 }, 20e9],
  [
    'ablation-instruct-long',
    {},
    { 'megamath-web-pro': 0.89, 'openr1-math-220k': 0.1, instruction: 0.01 },
    20e9,
  ],
  [
    'stable',
    {},
    {
      'dclm-baseline': 0.1,
      'megamath-web-pro-max': 0.725,
      'megamath-code': 0.0125,
      'megamath-qa': 0.05,
      'megamath-translated-code': 0.0125,
      'megamath-text-code-block': 0.1,
    },
    200e9,
  ],
  ['decay-long', {}, decay(0.55, { 'openr1-math-220k': 0.15, 'am-deepseek-distilled': 0.15 }), 20e9],
  [
    'decay-short',
    {},
    decay(0.55, { 'megamath-qa': 0.025, 'openmathinstruct-2': 0.175, 'numinamath-1.5': 0.1 }),
    20e9,
  ],
  [
    'decay-hybrid',
    {},
    decay(0.55, { 'openr1-math-220k': 0.1, 'openmathinstruct-2': 0.1, 'numinamath-1.5': 0.1 }),
    20e9,
  ],
  ...(
    [
      ['decay-qa-megamath-qa', 'megamath-qa'],
      ['decay-qa-openr1', 'openr1-math-220k'],
      ['decay-qa-openmathinstruct-2', 'openmathinstruct-2'],
    ] as const
  ).flatMap(([name, set]) =>
    [undefined, 0.1, 0.2, 0.3, 0.4].map((qa): [string, Ratios, Record<string, number>, number] => [
      name,
      qa === undefined ? {} : { qa },
      decay(0.85 - (qa ?? 0.3), { [set]: qa ?? 0.3 }),
      10e9,
    ]),
  ),
  ...[undefined, 0.1, 0.15, 0.2].map((cot): [string, Ratios, Record<string, number>, number] => [
    'decay-mixed-cot',
    cot === undefined ? {} : { cot },
    decay(0.55, { 'openr1-math-220k': cot ?? 0.15, 'openmathinstruct-2': 0.3 - (cot ?? 0.15) }),
    10e9,
  ]),
];

describe('recipes of the paper', () => {
  test.each(points)('%s %j', (name, ratios, shares, budget) => {
    const { plan } = planOf(name, ratios);
    expect(Object.keys(shares).sort()).toEqual(plan.sources.map((s) => s.name).sort());
    for (const source of plan.sources) {
      expect(source.requestedShare, source.name).toBeCloseTo(shares[source.name]!, 12);
      expect(Math.abs(source.achievedTokens - shares[source.name]! * plan.totalTokens)).toBeLessThanOrEqual(
        plan.windowTokens,
      );
    }
    expect(plan.sources.reduce((n, s) => n + s.requestedShare, 0)).toBeCloseTo(1, 12);
    expect(plan.sources.reduce((n, s) => n + s.sequences, 0)).toBe(plan.sequences);
    expect(plan.budget).toBe(budget);
    expect(plan.sequenceLength).toBe(8192);
    // The paper could build each of them: nothing falls short by the sizes of the cards.
    expect(plan.problems.filter((p) => !/size|not known/.test(p.text))).toEqual([]);
  });

  test('all of them are held to the paper', () => {
    expect([...new Set(points.map(([name]) => name)), 'demo'].sort()).toEqual(builtInRecipes());
  });

  test("a figure never goes without its evidence, and sweeps that a flag moves become the user's own", () => {
    for (const name of builtInRecipes().filter((name) => name !== 'demo')) {
      const { recipe, plan } = planOf(name);
      expect(recipe.budget!.evidence, name).not.toBe('own');
      expect(recipe.sequenceLength.evidence, name).not.toBe('own');
      for (const source of plan.sources) expect(source.evidence, `${name} ${source.name}`).not.toBe('own');
      for (const [key, figure] of Object.entries(recipe.training!)) {
        if (key === 'phase') continue;
        const figures = 'value' in (figure as object) ? [figure] : Object.values(figure as object);
        for (const one of figures)
          expect((one as { evidence: string }).evidence, `${name} ${key}`).not.toBe('own');
      }
    }
    const moved = planOf('decay-qa-openr1', { qa: 0.4 }).plan.sources.find((s) => s.role === 'long-cot')!;
    expect(moved).toMatchObject({ evidence: 'own', note: 'recipe: 0.3 (summary)' });
  });

  test("the ablations train as the paper's section 3 says", () => {
    for (const name of builtInRecipes().filter((name) => name.startsWith('ablation-'))) {
      expect(planOf(name).recipe.training).toMatchObject({
        phase: 'ablation',
        learningRate: { value: 3e-5, evidence: 'summary' },
        schedule: { value: 'cosine', evidence: 'summary' },
        minLearningRateRatio: { value: 0.1, evidence: 'summary' },
        warmupSteps: { value: 0, evidence: 'summary' },
        batchTokens: { value: 512 * 8192, evidence: 'confirmed' },
      });
    }
    const decays = builtInRecipes().filter((name) => name.startsWith('decay-'));
    expect(decays.every((name) => planOf(name).recipe.training!.phase === 'decay')).toBe(true);
  });

  test('the list for the help names every recipe with its description, the demo first', () => {
    const list = listRecipes();
    expect(list.map(({ name }) => name).sort()).toEqual(builtInRecipes());
    expect(list[0]!.name).toBe('demo');
    for (const { name, description } of list) {
      expect(description).not.toBe('');
      expect(loadRecipe(name, empty).recipe.description).toBe(description);
    }
    expect(recipeListText().split('\n')).toHaveLength(list.length + 1);
  });
});

describe('a typing mistake', () => {
  const base: Record<string, unknown> = {
    name: 'mine',
    sequenceLength: 128,
    fill: 'web',
    sources: { web: { card: 'demo-notes' }, qa: { card: 'demo-arithmetic-qa', weight: 0.3 } },
    training: {
      phase: 'decay',
      learningRate: 3e-5,
      schedule: 'cosine',
      minLearningRateRatio: 0.1,
      warmupSteps: 0,
      batchTokens: 4194304,
      weightDecay: 0.1,
      adamBetas: [0.9, 0.95],
      adamEpsilon: 1e-8,
      clipNorm: 1,
    },
  };
  const parse = (value: unknown) => parseRecipe(JSON.stringify(value), 'm.yaml');
  const source = (web: object) => ({ ...base, sources: { ...(base.sources as object), web } });

  test('the recipe it is made from is right', () => expect(() => parse(base)).not.toThrow());

  test.each([
    ['nmae', 'name', { ...base, nmae: 'x' }],
    ['buget', 'budget', { ...base, buget: '20B' }],
    ['sequenceLenght', 'sequenceLength', { ...base, sequenceLenght: 8 }],
    ['sequence_length', 'sequenceLength', { ...base, sequence_length: 8 }],
    ['fil', 'fill', { ...base, fil: 'web' }],
    ['source', 'sources', { ...base, source: {} }],
    ['tokeniser', 'tokenizer', { ...base, tokeniser: 'x' }],
    ['held_out', 'heldout', { ...base, held_out: 0.1 }],
    ['packin', 'packing', { ...base, packin: 'best-fit' }],
    ['uses', 'use', { ...base, uses: 'research' }],
    ['wieght', 'weight', source({ card: 'demo-notes', wieght: 0.5 })],
    ['crad', 'card', source({ crad: 'demo-notes' })],
    ['colums', 'columns', source({ card: 'demo-notes', colums: {} })],
    ['wher', 'where', source({ card: 'demo-notes', wher: {} })],
    ['tempalte', 'template', source({ card: 'demo-notes', tempalte: 'text' })],
    ['repeatlimit', 'repeatLimit', source({ card: 'demo-notes', repeatlimit: 2 })],
    ['mesages', 'messages', source({ card: 'demo-notes', columns: { mesages: 'x' } })],
    [
      'learning_rate',
      'learningRate',
      { ...base, training: { ...(base.training as object), learning_rate: 1 } },
    ],
    ['batchTokns', 'batchTokens', { ...base, training: { ...(base.training as object), batchTokns: 1 } }],
  ])('%s: did you mean %s', (wrong, right, value) => {
    expect(() => parse(value)).toThrow(
      new RegExp(`m\\.yaml: [^]*unknown key "${wrong}"[^]*did you mean "${right}"`),
    );
  });

  test.each([
    ['use', 'commerical', { ...base, use: 'commerical' }, 'commercial'],
    ['packing', 'bestfit', { ...base, packing: 'bestfit' }, 'best-fit'],
    ['sources.web.template', 'chatt', source({ card: 'demo-notes', template: 'chatt' }), 'chat'],
    ['sources.web.role', 'longcot', source({ card: 'demo-notes', role: 'longcot' }), 'long-cot'],
  ])('the value of %s: %s', (place, wrong, value, right) => {
    expect(() => parse(value)).toThrow(
      new RegExp(`${place.replaceAll('.', '\\.')}[^]*${right}[^]*"?${wrong}|${wrong}[^]*${right}`),
    );
  });

  test.each([
    ['an empty test', source({ card: 'demo-notes', where: { a: {} } })],
    ['an unknown test', source({ card: 'demo-notes', where: { a: { above: 3 } } })],
    ['a wrong field', source({ card: 'demo-notes', columns: { text: { column: 'a', fields: 'b' } } })],
    ['a choice without answer', source({ card: 'demo-notes', columns: { text: { choices: 'a' } } })],
    [
      'a broken regular expression',
      source({ card: 'demo-notes', columns: { text: { column: 'a', remove: '(' } } }),
    ],
  ])('%s is refused, with its place', (_what, value) => {
    expect(() => parse(value)).toThrow(/m\.yaml: (.|\n)*sources\.web\.(where|columns)/);
  });
});
