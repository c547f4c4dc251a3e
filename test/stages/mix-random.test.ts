/**
 * Random mixtures through the real `mix`, held against independent oracles: the recount from the files alone (test/oracles/recount-mix.ts)
 * and, for refusals, the arithmetic of the recipe done here in whole numbers.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Packing } from '../../mixtures/recipe.ts';
import { mix } from '../../src/stages/mix.ts';
import { planMix } from '../../src/stages/prepare-mix.ts';
import { scratchFolder } from '../io/scratch.ts';
import { recountMix } from '../oracles/recount-mix.ts';
import { type TinyRecipe, type TinySource, writeByteTokenizer, writeTinyRecipe } from './tiny-mix.ts';

const folder = scratchFolder();
beforeAll(() => writeByteTokenizer(folder));

interface Case {
  recipe: TinyRecipe;
  /** Weights in hundredths, by source. */
  hundredths: Record<string, number>;
  packing: Packing;
}

const roles = ['web', 'qa', 'long-cot', 'instruction', 'code', 'general'] as const;

const cases: fc.Arbitrary<Case> = fc
  .record({
    sources: fc.array(
      fc.record({
        role: fc.constantFrom(...roles),
        part: fc.integer({ min: 0, max: 20 }),
        lengths: fc.array(fc.integer({ min: 2, max: 150 }), { minLength: 1, maxLength: 25 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    sequenceLength: fc.integer({ min: 4, max: 70 }),
    budget: fc.integer({ min: 1, max: 5000 }),
    repeatLimit: fc.integer({ min: 1, max: 12 }),
    seed: fc.nat(99),
    packing: fc.constantFrom<Packing>('concatenate', 'best-fit'),
  })
  .filter(({ sources }) => sources.some((s) => s.part > 0))
  .map(({ sources, packing, ...rest }) => {
    // Parts become hundredths that sum to exactly 100; the first source that has any takes what rounding leaves.
    const total = sources.reduce((n, s) => n + s.part, 0);
    const hundredths = sources.map((s) => Math.floor((100 * s.part) / total));
    hundredths[sources.findIndex((s) => s.part > 0)]! += 100 - hundredths.reduce((a, b) => a + b, 0);
    const named = sources.map(({ role, lengths }, i): [string, TinySource] => [
      `s${i}`,
      { role, lengths, weight: hundredths[i]! / 100 },
    ]);
    return {
      recipe: { ...rest, sources: Object.fromEntries(named) },
      hundredths: Object.fromEntries(named.map(([name], i) => [name, hundredths[i]!])),
      packing,
    };
  });

const tokensOf = (source: TinySource) => source.lengths.reduce((a, b) => a + b, 0);
const shardHashes = (output: string) =>
  readdirSync(output, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile() && /shards|per-source/.test(f.parentPath) && !f.parentPath.includes('cache'))
    .map((f) => join(f.parentPath, f.name))
    .sort()
    .map(
      (path) =>
        `${path.slice(output.length)} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`,
    );

test('every mixture that can be made has its shares, exact totals and a manifest that a recount agrees with; every other is refused by the names that fall short', async () => {
  let made = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(cases, async ({ recipe, hundredths, packing }) => {
      const own = mkdtempSync(join(folder, 'case-'));
      const loaded = writeTinyRecipe(own, { ...recipe, tokenizer: join(folder, 'byte-tokens') });
      const output = join(own, 'out');
      const request = { loaded, cwd: own, output, packing, perSource: true, workers: 1 };
      const { plan } = await planMix(request);
      const window = recipe.sequenceLength + 1;

      // What was asked for, in whole numbers: hundredths of the budget (or of its whole sequences) within one sequence.
      expect(plan.totalTokens + plan.paddingTokens).toBe(plan.sequences * window);
      expect(Math.abs(plan.totalTokens - recipe.budget!)).toBeLessThan(window);
      const short: string[] = [];
      for (const s of plan.sources) {
        expect(s.achievedTokens + s.paddingTokens).toBe(s.sequences * window);
        const off = 100 * s.achievedTokens - hundredths[s.name]! * plan.totalTokens;
        expect(Math.abs(off)).toBeLessThanOrEqual(100 * window);
        if (hundredths[s.name] === 0) expect(s.sequences).toBe(0);
        const source = recipe.sources[s.name]!;
        if (s.achievedTokens > tokensOf(source) * recipe.repeatLimit!) short.push(s.name);
      }
      if (packing === 'concatenate') expect(plan.sequences).toBe(Math.floor(recipe.budget! / window));
      const wanted = plan.sequences === 0 ? [undefined, ...short] : short;
      expect(plan.problems.map((p) => p.source)).toEqual(wanted);

      if (wanted.length > 0) {
        refused++;
        const error = await mix(request).then(
          () => undefined,
          (e: Error) => e,
        );
        expect(error?.message).toMatch(/cannot be made/);
        for (const name of Object.keys(recipe.sources))
          expect(error!.message.includes(`${name}: needs`)).toBe(short.includes(name));
        expect(existsSync(join(output, 'shards'))).toBe(false);
        return;
      }
      made++;
      const { manifest } = await mix(request);
      const counted = await recountMix(output);
      expect(counted.problems).toEqual([]);
      expect(counted.prefixDeviation).toBeLessThan(1);
      expect(counted.tokens).toBe(plan.totalTokens);
      // A source that gives nothing is not read.
      for (const s of manifest.sources.filter((one) => one.sequences > 0))
        expect(s.ledger).toMatchObject({ in: recipe.sources[s.name]!.lengths.length, kept: s.documents });
    }),
    { numRuns: 20, seed: 7, endOnFailure: true },
  );
  expect(Math.min(made, refused)).toBeGreaterThan(3);
});

/** Of equal shares nothing but the order of names decides which sequence comes first. */
const equalShares: Case = {
  recipe: {
    sequenceLength: 9,
    budget: 2000,
    seed: 1,
    sources: Object.fromEntries(
      ['c', 'a', 'd', 'b'].map((name) => [name, { role: 'web', weight: 0.25, lengths: [30, 7, 55] }]),
    ),
  },
  hundredths: {},
  packing: 'concatenate',
};

test('the shards are the same for any order of the sources in the recipe and for any number of workers', async () => {
  await fc.assert(
    fc.asyncProperty(cases, fc.integer({ min: 0, max: 4 }), async ({ recipe, packing }, turn) => {
      const named = Object.entries(recipe.sources);
      const turned = Object.fromEntries(
        [...named.slice(turn % named.length), ...named.slice(0, turn % named.length)].reverse(),
      );
      const own = mkdtempSync(join(folder, 'order-'));
      const how = {
        ...recipe,
        repeatLimit: 1e6,
        budget: recipe.budget! + 71,
        tokenizer: join(folder, 'byte-tokens'),
      };
      const outputs: string[][] = [];
      for (const [i, sources] of [recipe.sources, turned].entries()) {
        const loaded = writeTinyRecipe(own, { ...how, sources }, `order${i}.yaml`);
        const output = join(own, `out${i}`);
        await mix({ loaded, cwd: own, output, packing, perSource: true, workers: 1 + i });
        outputs.push(shardHashes(output).filter((line) => !/weights|nanotron/.test(line)));
      }
      expect(outputs[1]).toEqual(outputs[0]);
      expect(outputs[0]!.length).toBeGreaterThan(4);
    }),
    { numRuns: 4, seed: 3, examples: [[equalShares, 1]] },
  );
});
