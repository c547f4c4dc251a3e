/** docs/cluster-planning.md says what the tool says, and what it says in words is so; every formula of that plan comes out at its number. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { explainPlan, figuresOf } from '../../src/cluster-plan/explain-plan.ts';
import type { ClusterPlan } from '../../src/cluster-plan/plan-cluster.ts';
import { pageFile, planOfPage, withPlan } from './page.ts';

let plan: ClusterPlan;
beforeAll(async () => {
  plan = await planOfPage();
});

test('the page has the output of the tool with the bundled rates (renew it: npm run bench:rates -- --page)', async () => {
  const page = readFileSync(pageFile, 'utf8');
  expect(page).toBe(await withPlan(page, plan));
});

describe('what the page says in words', () => {
  const wall = (names: RegExp) =>
    plan.stages
      .filter(({ name }) => names.test(name))
      .reduce((sum, { wallHours }) => sum + wallHours.value, 0);

  test('nearly all core hours go into the first pass', () => {
    const measure = plan.stages.find(({ name }) => name === 'measure')!;
    expect(measure.coreHours.value / plan.total!.coreHours.value).toBeGreaterThan(0.8);
    expect(measure.bound).toBe('cores');
  });

  test('the longest stretch of wall clock is the first pass, and writing four mixtures takes minutes', () => {
    const longest = [...plan.stages].sort((a, b) => b.wallHours.value - a.wallHours.value)[0]!;
    expect(longest.name).toBe('measure');
    expect(wall(/^shards/)).toBeLessThan(0.25);
    expect(wall(/^shards/)).toBeGreaterThan(0);
    for (const { name, bound } of plan.stages)
      if (name.startsWith('shards')) expect(bound).not.toBe('one process');
  });

  test('comparing is mostly opening files', () => {
    const compare = figuresOf(plan).find(({ section }) => section === 'stages: compare')!.figures;
    const named = (name: string) => compare.find((figure) => figure.name === name)!.value;
    const [opening, keys] = [named('core seconds of opening'), named('core seconds of keys')];
    expect((10 * opening + keys) / (opening + keys)).toBeGreaterThan(8);
  });

  test('training decides the cost, and fits undivided', () => {
    expect(plan.total!.cost!.value / plan.training!.total.cost!.value).toBeLessThan(0.01);
    expect(plan.training!.layout).toMatchObject({ tp: 1, pp: 1, microBatch: 1 });
    expect(plan.training!.fits).toBe(true);
    expect(plan.training!.phases.map(({ steps }) => steps.value)).toEqual([47_684, 4769, 4769, 4769]);
    expect(plan.problems).toEqual([]);
  });

  test('hours of rewriting and RL are left open, and the sample has 278 pages', () => {
    expect([plan.refine!.gpuHours, plan.rl!.gpuHours]).toEqual([undefined, undefined]);
    expect(plan.assumptions.find(({ id }) => id === 'corpus.bytesPerDocument')!.text).toMatch(
      /278 documents/,
    );
  });
});

describe('every formula of the plan', () => {
  const all = () => figuresOf(plan).flatMap(({ figures }) => figures);

  test('comes out at its number', () => {
    const inWords: string[] = [];
    const made = all().filter(({ formula }) => formula !== '');
    expect(made.length).toBeGreaterThan(200);
    for (const { name, formula, value } of made) {
      const again = evaluated(formula);
      if (again === undefined) inWords.push(name);
      else
        expect([name, formula, Math.abs(again - value) <= 1e-5 * Math.abs(value)]).toEqual([
          name,
          formula,
          true,
        ]);
    }
    // Functions of the project say these.
    expect([...new Set(inWords)]).toEqual([
      'parts',
      ...['stable', 'decay-short', 'decay-long', 'decay-hybrid'].flatMap((phase) => [
        `cache of ${phase}`,
        `shards of ${phase}`,
      ]),
    ]);
  });

  test('rests on assumptions that are listed with a source, and none is listed for nothing', () => {
    const ids = plan.assumptions.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const used = new Set(all().flatMap(({ because }) => because));
    expect([...used].filter((id) => !ids.includes(id))).toEqual([]);
    expect(ids.filter((id) => !used.has(id))).toEqual([]);
    for (const { source } of plan.assumptions) expect(source).toMatch(/\w/);
  });

  test('is in the explanation with the numbers of its assumptions', () => {
    const text = explainPlan(plan);
    for (const { formula } of all().filter((figure) => figure.formula !== ''))
      expect(text).toContain(formula);
    expect(text).toMatch(/\n {2}hours of measure = .* h {3}\[\d+( \d+)*\]\n/);
    expect(text).toMatch(
      /\n\[1\] confirmed: documents: 106500000\n {4}docs\/cluster\.yaml, corpus\.documents: /,
    );
  });
});

/**
 * `a (2) x b (3) / c (4)`, `6 x a (1) + b (2)`, `2 x (a (1) + b (2))`, `1 - a (2)`, `a (2) rounded up`, `largest of a (1), b (2)`;
 * undefined for what is said in words.
 */
function evaluated(formula: string): number | undefined {
  const nested = /^(\d+) x \((.*)\)$/.exec(formula);
  if (nested !== null) return Number(nested[1]) * evaluated(nested[2]!)!;
  if (formula.startsWith('largest of '))
    return Math.max(
      ...formula
        .slice('largest of '.length)
        .split(/(?<=\)), /)
        .map((term) => numberOf(term)!),
    );
  if (formula.startsWith('1 - ')) return 1 - numberOf(formula.slice(4))!;
  if (formula.endsWith(' rounded up'))
    return Math.ceil(numberOf(formula.replace(/ rounded up$/, ''))! - 1e-9);
  const products = formula.split(' + ').map((part) => {
    const [first, ...rest] = part.split(/ (?=[x/] )/);
    return rest.reduce<number | undefined>((so, step) => {
      const number = numberOf(step.slice(2));
      if (so === undefined || number === undefined) return undefined;
      return step.startsWith('x') ? so * number : so / number;
    }, numberOf(first!));
  });
  return products.includes(undefined) ? undefined : products.reduce((a, b) => a! + b!);
}

/** `6`, or the number of `name (6)`. */
function numberOf(term: string): number | undefined {
  const match = /^(?:[^()]*\()?(-?[\d.]+(?:e[+-]?\d+)?)\)?$/.exec(term);
  return match === null ? undefined : Number(match[1]);
}
