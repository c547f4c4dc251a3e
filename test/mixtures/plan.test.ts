/** Planning a mixture: exact shares, repeats, refusals and warnings; and the order of sequences. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { largestRemainder } from '../../mixtures/allocate.ts';
import { interleave } from '../../mixtures/interleave.ts';
import { assertFeasible, planMixture, type SourceSize } from '../../mixtures/plan.ts';
import { planTable } from '../../mixtures/plan-table.ts';
import { parseRecipe, type Recipe } from '../../mixtures/recipe.ts';
import type { Role } from '../../src/core/card.ts';

function recipe(
  weights: Record<string, [Role, number, number]>,
  extra: Partial<Recipe> = {},
): { recipe: Recipe; sizes: Record<string, SourceSize> } {
  const sources = Object.fromEntries(
    Object.entries(weights).map(([name, [role, weight]]) => [
      name,
      { role, data: './x', weight: { value: weight, evidence: 'recalled' as const, note: 'a note' } },
    ]),
  );
  const sizes = Object.fromEntries(
    Object.entries(weights).map(([name, [role, , tokens]]) => [
      name,
      {
        role,
        template: 'text' as const,
        templateEvidence: 'own' as const,
        tokens,
        documents: 10,
        from: 'counted' as const,
      },
    ]),
  );
  return {
    recipe: {
      name: 'r',
      sequenceLength: { value: 99, evidence: 'own' },
      budget: { value: 100_000, evidence: 'own' },
      seed: 0,
      heldout: 0,
      heldoutSeed: 0,
      repeatLimit: 2,
      packing: 'concatenate',
      fill: 'web',
      sources,
      ...extra,
    },
    sizes,
  };
}

const usual = recipe({
  web: ['web', 0.6, 80_000],
  qa: ['qa', 0.2, 15_000],
  cot: ['long-cot', 0.1, 9_000],
  ins: ['instruction', 0.1, 5_001],
});

describe('planMixture', () => {
  test('gives whole sequences, exact totals and repeats', () => {
    const plan = planMixture(usual.recipe, usual.sizes);
    expect(plan).toMatchObject({
      windowTokens: 100,
      sequences: 1000,
      totalTokens: 100_000,
      problems: [],
      warnings: [],
    });
    expect(plan.sources.map((s) => [s.name, s.sequences, s.achievedTokens, s.requestedTokens])).toEqual([
      ['web', 600, 60_000, 60_000],
      ['qa', 200, 20_000, 20_000],
      ['cot', 100, 10_000, 10_000],
      ['ins', 100, 10_000, 10_000],
    ]);
    expect(plan.sources.map((s) => s.repeats!.toFixed(3))).toEqual(['0.750', '1.333', '1.111', '2.000']);
    expect(plan.shares.qa).toBeCloseTo(0.3, 12);
    expect(plan.shares).toMatchObject({ longCot: 0.1, instruction: 0.1 });
    expect(plan.sources[1]).toMatchObject({ evidence: 'recalled', note: 'a note' });
  });

  test("a share that a flag moved is no longer the paper's, and the plan says what the recipe had", () => {
    const plan = planMixture(usual.recipe, usual.sizes, { qa: 0.36 });
    expect(plan.sources.find((s) => s.name === 'qa')).toMatchObject({
      evidence: 'own',
      note: 'recipe: 0.2 (recalled)',
      requestedShare: 0.24,
    });
    expect(plan.sources.find((s) => s.name === 'ins')).toMatchObject({ evidence: 'recalled' });
  });

  test('refuses repeats beyond the limit and names every source that falls short, with numbers', () => {
    const plan = planMixture(usual.recipe, usual.sizes, {}, { repeatLimit: 1.2 });
    expect(plan.problems.map((p) => p.source)).toEqual(['qa', 'ins']);
    expect(() => assertFeasible(plan)).toThrow(
      /qa: needs 20k tokens and has 15k, so it would be read 1.33 times; the limit is 1.2\n.*ins: needs 10k tokens and has 5k/s,
    );
    try {
      assertFeasible(plan);
    } catch (error) {
      expect((error as { hint: string }).hint).toMatch(/lower --budget to 60k or less/);
    }
  });

  test('a source may have a limit of its own', () => {
    const own = structuredClone(usual.recipe);
    own.sources.ins!.repeatLimit = 1;
    expect(planMixture(own, usual.sizes).problems.map((p) => p.source)).toEqual(['ins']);
  });

  test('without a budget it takes what fits with nothing read twice', () => {
    const { budget: _, ...open } = usual.recipe;
    const plan = planMixture(open, usual.sizes);
    expect(Math.max(...plan.sources.map((s) => s.repeats!))).toBeLessThanOrEqual(1);
    expect(plan.sources.find((s) => s.name === 'ins')!.repeats).toBeGreaterThan(0.95);
  });

  test('warns outside the 30 to 40 % band and says why', () => {
    const at = (qa: number) =>
      planMixture(usual.recipe, usual.sizes, { qa }, { repeatLimit: 10 }).warnings.join('\n');
    expect(at(0.2)).toMatch(/QA share is 20 %, below the paper's band of 30 to 40 %.*gained from every step/);
    expect(at(0.5)).toMatch(/QA share is 50 %, above the paper's band.*nothing above 40 % was tried/);
    expect(at(0.3)).toBe('');
    expect(at(0.4)).toBe('');
  });

  test('warns when a share is less than one sequence', () => {
    const tiny = recipe({ web: ['web', 0.9999, 200_000], speck: ['code', 0.0001, 1000] });
    expect(planMixture(tiny.recipe, tiny.sizes).warnings.join()).toMatch(
      /speck: its share 0.01 % is less than one sequence/,
    );
  });

  test('a budget below one sequence cannot be met', () => {
    expect(planMixture(usual.recipe, usual.sizes, {}, { budget: 99 }).problems[0]!.text).toMatch(
      /not one sequence/,
    );
  });

  test('a size nobody knows is said to be unchecked', () => {
    const sizes = structuredClone(usual.sizes);
    sizes.cot = { ...sizes.cot!, tokens: undefined, documents: undefined, from: 'card' };
    const plan = planMixture(usual.recipe, sizes);
    expect(plan.sources[2]!.repeats).toBeUndefined();
    expect(plan.warnings.join()).toMatch(/repeats could not be checked: cot/);
    expect(planTable(plan)).toMatch(/cot .* unknown +unknown/);
  });
});

test('random mixtures: every share within one sequence, totals exact, refused exactly when a source would be read too often', () => {
  const weights = fc
    .array(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 12 })
    .filter((w) => w.some((x) => x > 0));
  fc.assert(
    fc.property(
      weights,
      fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 12, maxLength: 12 }),
      fc.integer({ min: 100, max: 500_000 }),
      (raw, tokens, budget) => {
        const total = raw.reduce((a, b) => a + b, 0);
        const made = recipe(
          Object.fromEntries(raw.map((w, i) => [`s${i}`, ['web' as Role, w / total, tokens[i]!]])),
          {},
        );
        delete (made.recipe as { fill?: string }).fill;
        const plan = planMixture(made.recipe, made.sizes, {}, { budget });
        expect(plan.sequences).toBe(Math.floor(budget / 100));
        expect(plan.sources.reduce((n, s) => n + s.sequences, 0)).toBe(plan.sequences);
        let short = false;
        for (const s of plan.sources) {
          expect(Math.abs(s.sequences - s.requestedShare * plan.sequences)).toBeLessThan(1 + 1e-6);
          if (s.achievedTokens > s.available.tokens! * 2 + 1e-6) short = true;
        }
        expect(plan.problems.some((p) => p.source !== undefined)).toBe(short);
      },
    ),
  );
});

describe('largestRemainder', () => {
  test('gives the left-over units to the largest remainders', () => {
    expect(largestRemainder([0.5, 0.3, 0.2], 7)).toEqual([4, 2, 1]);
    expect(largestRemainder([0.1, 0.2, 0.7], 10)).toEqual([1, 2, 7]);
    expect(largestRemainder([1 / 3, 1 / 3, 1 / 3], 10)).toEqual([4, 3, 3]);
    expect(largestRemainder([0, 1], 5)).toEqual([0, 5]);
  });
});

describe('interleave', () => {
  test('every prefix has each share within one sequence, and the whole has it exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 10 }), (counts) => {
        const total = counts.reduce((a, b) => a + b, 0);
        const given = counts.map(() => 0);
        let t = 0;
        let most = 0;
        for (const i of interleave(counts)) {
          given[i]!++;
          t++;
          for (const [j, count] of counts.entries())
            most = Math.max(most, Math.abs(given[j]! - (t * count) / total));
        }
        expect(most).toBeLessThan(1);
        expect(given).toEqual(counts);
      }),
    );
  });
});

describe('a recipe file', () => {
  const good = 'name: a\nsequenceLength: 8\nfill: web\nsources:\n  web: { role: web, data: ./x }\n';

  test("reads plain figures as the writer's own and tagged ones with their tag", () => {
    const read = parseRecipe(
      `${good}  qa: { card: gsm8k, weight: { value: 0.3, evidence: summary, note: n } }\nbudget: 20M\n`,
      'm.yaml',
    );
    expect(read.budget).toEqual({ value: 20_000_000, evidence: 'own' });
    expect(read.sources.qa!.weight).toEqual({ value: 0.3, evidence: 'summary', note: 'n' });
  });

  test.each([
    [`${good}repeatlimit: 3\n`, /m.yaml: unknown key "repeatlimit"; did you mean "repeatLimit"/],
    [good.replace('role: web', 'rôle: web'), /unknown key "rôle" in sources.web; did you mean "role"/],
    [good.replace('role: web', 'role: wab'), /sources.web.role/],
    [`${good}budget: lots\n`, /budget.*must be a count such as 20000000 or 20M.*lots/],
    [`${good}  qa: { card: gsm8k }\n`, /sources.qa\): has no weight/],
    [`${good}  qa: { weight: 0.1 }\n`, /sources.qa\): has no card, so it must say role and data itself/],
    [
      `${good}budget: { value: 20M, evidense: own }\n`,
      /unknown key "evidense" in budget; did you mean "evidence"/,
    ],
    [good.replace('fill: web', 'fill: wev'), /fill: "wev" is not one of its sources/],
    [
      `${good}  qa: { card: gsm8k, weight: { value: 2, evidence: summary } }\n`,
      /sources.qa.weight.value.*between 0 and 1.*found 2/,
    ],
    ['name: [', /m.yaml: is not YAML/],
  ])('%s', (text, message) => {
    expect(() => parseRecipe(text, 'm.yaml')).toThrow(message);
  });
});
