/** The designer's model: what moves when a share moves, held by examples and by random walks. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { act, groupShare, mostOf, sourceOf } from '../../mixtures/design/actions.ts';
import { mixArguments, shellLine } from '../../mixtures/design/command-line.ts';
import { compareMixtures } from '../../mixtures/design/compare.ts';
import { type Design, openDesign, recipeOf, shareOfText, whole } from '../../mixtures/design/design.ts';
import { giveTo, portion, takeFrom } from '../../mixtures/design/give-way.ts';
import {
  endSeries,
  type History,
  isDirty,
  markSaved,
  nudge,
  perform,
  redo,
  startHistory,
  undo,
} from '../../mixtures/design/history.ts';
import { loadRecipe } from '../../mixtures/load.ts';
import { planMixture } from '../../mixtures/plan.ts';
import { resolveShares } from '../../mixtures/shares.ts';
import { resolveSources } from '../../mixtures/sources.ts';
import { type Step, scenes, steps } from './design-arbitrary.ts';

const percent = whole / 100;

function opened(name: string): Design {
  const loaded = loadRecipe(name, '/nowhere');
  const roles = Object.fromEntries(resolveSources(loaded, '/nowhere').map((s) => [s.name, s.role]));
  return openDesign(loaded.recipe, roles).design;
}

const sharesOf = (design: Design): Record<string, number> =>
  Object.fromEntries(design.sources.map(({ name, share }) => [name, share / percent]));
const total = (design: Design): number => design.sources.reduce((n, s) => n + s.share, 0);

function walk(history: History, step: Step): History {
  if (step.kind === 'undo') return undo(history);
  if (step.kind === 'redo') return redo(history);
  const { sources } = history.present;
  if (step.kind === 'nudge')
    return nudge(history, sources[step.source % sources.length]!.name, step.by).history;
  return perform(history, step.make(history.present)).history;
}

describe('a share that moves', () => {
  test('takes the difference from the fill source, then from the others in proportion', () => {
    const design = opened('decay-hybrid');
    const more = act(design, { kind: 'share', source: 'instruction', share: 15 * percent }).design;
    expect(sharesOf(more)).toMatchObject({ instruction: 15, 'megamath-web-pro': 50, 'dclm-baseline': 5 });
    const most = act(design, { kind: 'share', source: 'instruction', share: 82.5 * percent }).design;
    expect(sharesOf(most)).toMatchObject({ instruction: 82.5, 'megamath-web-pro': 0, 'dclm-baseline': 2.5 });
    expect(sharesOf(most)).toMatchObject({ 'openr1-math-220k': 5, 'openmathinstruct-2': 5 });
  });

  test('takes it from all in proportion when asked to', () => {
    let design = act(opened('decay-hybrid'), { kind: 'give-way', giveWay: 'in-proportion' }).design;
    design = act(design, { kind: 'share', source: 'dclm-baseline', share: 24 * percent }).design;
    expect(sharesOf(design)).toMatchObject({ 'dclm-baseline': 24, 'megamath-web-pro': 44, instruction: 8 });
  });

  test('leaves locked sources alone, and says what it can have at most', () => {
    let design = act(opened('decay-hybrid'), { kind: 'lock', source: 'megamath-web-pro' }).design;
    expect(mostOf(design, 'instruction')).toBe(45 * percent);
    const refused = act(design, { kind: 'share', source: 'instruction', share: 50 * percent });
    expect(refused).toMatchObject({ refused: true, design });
    expect(refused.message).toContain('at most 45 %');
    const nearest = act(design, { kind: 'share', source: 'instruction', share: 50 * percent, nearest: true });
    expect(sharesOf(nearest.design)).toMatchObject({
      instruction: 45,
      'megamath-web-pro': 55,
      'dclm-baseline': 0,
    });
    for (const name of Object.keys(sharesOf(design)))
      if (name !== 'instruction' && name !== 'megamath-web-pro')
        design = act(design, { kind: 'lock', source: name }).design;
    expect(act(design, { kind: 'share', source: 'instruction', share: 0 }).message).toContain(
      'nothing can give way',
    );
    expect(act(design, { kind: 'share', source: 'megamath-web-pro', share: 0 }).message).toContain('locked');
  });

  test('a source switched off gives its share away and gets it back', () => {
    const design = opened('decay-hybrid');
    const off = act(design, { kind: 'toggle', source: 'openmathinstruct-2' }).design;
    expect(sharesOf(off)).toMatchObject({ 'openmathinstruct-2': 0, 'megamath-web-pro': 65 });
    expect(act(off, { kind: 'share', source: 'openmathinstruct-2', share: percent }).message).toContain(
      'off',
    );
    expect(sharesOf(act(off, { kind: 'toggle', source: 'openmathinstruct-2' }).design)).toEqual(
      sharesOf(design),
    );
  });

  test('the last source that is on stays on', () => {
    let design = opened('decay-long');
    for (const { name } of design.sources.slice(1))
      design = act(design, { kind: 'toggle', source: name }).design;
    expect(sharesOf(design)['dclm-baseline']).toBe(100);
    expect(act(design, { kind: 'toggle', source: 'dclm-baseline' })).toMatchObject({ refused: true, design });
  });

  test('the shares of a role move as --qa-ratio, --cot-ratio and --instruct-ratio move them', () => {
    const design = opened('decay-hybrid');
    const inputs = design.sources.map(({ name, role, share }) => ({ name, role, weight: share / whole }));
    for (const [group, flag, value] of [
      ['qa', 'qa', 0.4],
      ['qa', 'qa', 0.123],
      ['long-cot', 'cot', 0.2],
      ['long-cot', 'cot', 0.05],
      ['instruction', 'instruct', 0.02],
    ] as const) {
      const ours = act(design, { kind: 'group', group, share: value * whole }).design;
      const flags = resolveShares(inputs, design.fill, { [flag]: value });
      // Proportions are cut to a thousandth of a percent here.
      ours.sources.forEach(({ share }, i) => {
        expect(share / whole).toBeCloseTo(flags[i]!.share, 4);
      });
      expect(groupShare(ours, group)).toBe(value * whole);
    }
  });
});

describe('undo', () => {
  test('takes presses of one key back in one step, and there and back is no step', () => {
    let history = startHistory(
      act(opened('decay-hybrid'), { kind: 'give-way', giveWay: 'in-proportion' }).design,
    );
    const start = history.present;
    for (let i = 0; i < 10; i++) history = nudge(history, 'instruction', percent).history;
    expect(sharesOf(history.present).instruction).toBe(20);
    expect(history.past.length).toBe(1);
    for (let i = 0; i < 10; i++) history = nudge(history, 'instruction', -percent).history;
    expect(history.present).toBe(start);
    expect(history.past.length).toBe(0);
    history = nudge(history, 'instruction', percent).history;
    history = nudge(endSeries(history), 'instruction', percent).history;
    expect(history.past.length).toBe(2);
    expect(undo(undo(history)).present).toBe(start);
  });

  test('unsaved means that a file of it would differ', () => {
    let history = startHistory(opened('stable'));
    history = perform(history, { kind: 'lock', source: 'megamath-qa' }).history;
    expect(isDirty(history)).toBe(false);
    history = nudge(history, 'megamath-code', percent).history;
    expect(isDirty(history)).toBe(true);
    expect(isDirty(undo(history))).toBe(false);
    history = markSaved(history);
    expect(isDirty(history)).toBe(false);
    expect(isDirty(undo(history))).toBe(true);
  });
});

test('after any actions the shares come to exactly one, locks hold, undo and redo are exact and the plan is made', () => {
  fc.assert(
    fc.property(scenes, steps, ({ design, recipe, sizes }, walked) => {
      let history = startHistory(design);
      for (const step of walked) {
        const before = history;
        history = walk(history, step);
        const { present } = history;
        expect(total(present)).toBe(whole);
        for (const source of present.sources) {
          expect(Number.isInteger(source.share) && source.share >= 0).toBe(true);
          if (!source.enabled) expect(source.share).toBe(0);
          const earlier = sourceOf(before.present, source.name)!;
          if (step.kind !== 'undo' && step.kind !== 'redo' && earlier.locked && source.locked)
            expect(source).toEqual(earlier);
        }
        if (step.kind !== 'undo' && step.kind !== 'redo' && history.past.length > before.past.length) {
          expect(undo(history).present).toBe(before.present);
          expect(redo(undo(history)).present).toBe(present);
        }
        const plan = planMixture(recipeOf(present, recipe), sizes);
        plan.sources.forEach((source, i) => {
          expect(source.requestedShare).toBe(present.sources[i]!.share / whole);
        });
      }
      // All the way back and forth again.
      const end = history.present;
      let steps = 0;
      while (history.past.length > 0) {
        history = undo(history);
        steps++;
      }
      expect(history.present).toEqual(design);
      for (; steps > 0; steps--) history = redo(history);
      expect(history.present).toBe(end);
    }),
    { numRuns: 300 },
  );
}, 30_000);

test('units moved between shares are neither lost nor made, and nobody gives more than it has', () => {
  const shares = fc.array(fc.integer({ min: 0, max: whole }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(shares, fc.double({ min: 0, max: 1, noNaN: true }), (given, part) => {
      const sum = given.reduce((a, b) => a + b, 0);
      const amount = Math.floor(sum * part);
      const taken = takeFrom(amount, given);
      expect(taken.reduce((a, b) => a + b, 0)).toBe(amount);
      expect(taken.every((t, i) => t >= 0 && t <= given[i]!)).toBe(true);
      const got = giveTo(amount, given);
      expect(got.reduce((a, b) => a + b, 0)).toBe(amount);
      expect(got.every((t) => t >= 0)).toBe(true);
      if (sum > 0) expect(portion(whole, given).reduce((a, b) => a + b, 0)).toBe(whole);
    }),
  );
});

test('the exported command line makes the same plan', () => {
  fc.assert(
    fc.property(scenes, steps, ({ design, recipe, sizes }, walked) => {
      let history = startHistory(design);
      for (const step of walked) history = walk(history, step);
      const args = mixArguments(history.present, recipe, 'made.yaml');
      const set: Record<string, number> = {};
      let budget: number | undefined;
      let sequenceLength: number | undefined;
      for (let i = 2; i < args.length; i += 2) {
        const value = args[i + 1]!;
        if (args[i] === '--set') set[value.split('=')[0]!] = Number(value.split('=')[1]);
        if (args[i] === '--budget') budget = Number(value);
        if (args[i] === '--sequence-length') sequenceLength = Number(value);
      }
      const theirs = planMixture(recipe, sizes, Object.keys(set).length === 0 ? {} : { set }, {
        ...(budget === undefined ? {} : { budget }),
        ...(sequenceLength === undefined ? {} : { sequenceLength }),
      });
      const ours = planMixture(recipeOf(history.present, recipe), sizes);
      expect(theirs.sources.map((s) => s.sequences)).toEqual(ours.sources.map((s) => s.sequences));
    }),
    { numRuns: 200 },
  );
});

test('a command line is quoted for a shell', () => {
  expect(shellLine(['mix', "it's here.yaml", '--set', 'a.b=0.1'])).toBe(
    "mix 'it'\\''s here.yaml' --set a.b=0.1",
  );
});

test('what people type as a share', () => {
  expect(shareOfText('12.5')).toBe(12.5 * percent);
  expect(shareOfText(' 12,5 % ')).toBe(12.5 * percent);
  expect(shareOfText('.5')).toBe(0.5 * percent);
  expect(shareOfText('100')).toBe(whole);
  for (const wrong of ['', '101', '-3', '1e1', '12.5.1', 'x', '%', '1 2'])
    expect(shareOfText(wrong)).toBeUndefined();
});

test('weights that do not come to one are scaled, which is said', () => {
  const { recipe } = loadRecipe('decay-long', '/nowhere');
  const doubled = structuredClone(recipe);
  for (const source of Object.values(doubled.sources)) source.weight!.value *= 0.5;
  const roles = Object.fromEntries(Object.keys(recipe.sources).map((name) => [name, 'web' as const]));
  const { design, scaledFrom } = openDesign(doubled, roles);
  expect(scaledFrom).toBeCloseTo(0.5);
  expect(sharesOf(design)).toMatchObject({ 'megamath-web-pro': 55, 'am-deepseek-distilled': 15 });
});

test('two mixtures side by side: the same data in one row, the distance half of all differences', () => {
  const source = (name: string, share: number, card = name) => ({ name, card, role: 'qa' as const, share });
  const { rows, roles, distance } = compareMixtures(
    [source('a', 0.5), source('mine', 0.5, 'shared-card')],
    [source('theirs', 0.25, 'shared-card'), source('b', 0.75)],
  );
  expect(rows.map(({ left, right }) => [left?.name, right?.name])).toEqual([
    ['a', undefined],
    ['mine', 'theirs'],
    [undefined, 'b'],
  ]);
  expect(roles).toEqual([{ role: 'qa', left: 1, right: 1 }]);
  expect(distance).toBeCloseTo(0.75);
});
