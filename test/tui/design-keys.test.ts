/** The designer's keys as a pure machine: what each does, what is refused and why, and that no text or key breaks it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { whole } from '../../mixtures/design/design.ts';
import { type Press, paste, pressKey } from '../../src/tui/design-keys.ts';
import { chosenSource, type DesignUi, type Effect, type Surroundings } from '../../src/tui/design-state.ts';
import { aroundOf, manySources, sessionOf, uiOf } from './design-scene.ts';

const hybrid = () => sessionOf({ name: 'decay-hybrid' });

/** Presses keys one after another; `text:...` types, `ctrl-x` and `shift-x` as they say. */
function press(ui: DesignUi, around: Surroundings, ...keys: string[]): { ui: DesignUi; effects: Effect[] } {
  const effects: Effect[] = [];
  const presses = keys.flatMap((key): Press[] => {
    if (key.startsWith('text:')) return [...key.slice(5)].map((character) => ({ key: character }));
    if (key.startsWith('ctrl-')) return [{ key: key.slice(5), ctrl: true }];
    if (key.startsWith('shift-')) return [{ key: key.slice(6), shift: true }];
    return [{ key }];
  });
  for (const one of presses) {
    const next = pressKey(ui, one, around);
    ui = next.ui;
    if (next.effect !== undefined) effects.push(next.effect);
  }
  return { ui, effects };
}

const shares = (ui: DesignUi): number[] => ui.history.present.sources.map((s) => (s.share / whole) * 100);

describe('shares', () => {
  test('arrows move by 1 and 0.1 percent, digits type a value, undo and redo go back and forth', () => {
    const session = hybrid();
    const around = aroundOf(session);
    let { ui } = press(uiOf(session), around, 'down', 'right', 'right', 'shift-left', '.', ',', ',');
    expect(shares(ui)[1]).toBeCloseTo(11.8);
    ({ ui } = press(ui, around, 'u'));
    expect(shares(ui)[1]).toBe(10);
    expect(ui.message?.text).toContain('undone');
    ({ ui } = press(ui, around, 'ctrl-r', '2', '0', 'enter'));
    expect(shares(ui).slice(0, 3)).toEqual([5, 20, 45]);
    ({ ui } = press(ui, around, 'ctrl-z', 'u', 'u'));
    expect(ui.message?.text).toBe('nothing to undo');
  });

  test('what is no percentage stays in its line with the cure', () => {
    const session = hybrid();
    const { ui } = press(uiOf(session), aroundOf(session), '9', 'text:99', 'enter');
    expect(ui.prompt).toMatchObject({ text: '999', error: expect.stringContaining('0 to 100') });
    const { ui: mended } = press(ui, aroundOf(session), 'backspace', 'backspace', 'enter');
    expect(mended.prompt).toBeUndefined();
    expect(shares(mended)[0]).toBe(9);
  });

  test('a locked or switched-off source says how to change that', () => {
    const session = hybrid();
    const around = aroundOf(session);
    expect(press(uiOf(session), around, 'l', 'right').ui.message?.text).toContain('l unlocks it');
    expect(press(uiOf(session), around, 'l', '5').ui.message?.text).toContain('l unlocks it');
    expect(press(uiOf(session), around, ' ', '5').ui.message?.text).toContain('space switches it on');
  });

  test('shares of a role are typed as with the ratios of mix', () => {
    const session = hybrid();
    const around = aroundOf(session);
    const { ui } = press(uiOf(session), around, 'Q', 'text:40', 'enter', 'I', 'text:5', 'enter');
    expect(session.plan(ui.history.present, session.cardSizes).shares.qa).toBeCloseTo(0.4, 4);
    expect(shares(ui)[1]).toBe(5);
    expect(press(uiOf(session), around, 'l', 'Q', 'text:99', 'enter').ui.prompt?.error).toContain('at most');
  });
});

describe('settings', () => {
  test.each([
    ['b', '30M', 'budget', 30_000_000],
    ['b', '', 'budget', undefined],
    ['s', '4096', 'sequenceLength', 4096],
    ['t', '1M', 'batchTokens', 1_000_000],
    ['e', '17', 'seed', 17],
    ['R', '2.5', 'repeatLimit', 2.5],
    ['k', 'Qwen/Qwen2.5-3B', 'tokenizer', 'Qwen/Qwen2.5-3B'],
  ])('%s takes %s', (key, text, name, value) => {
    const session = hybrid();
    const { ui } = press(uiOf(session), aroundOf(session), key, 'ctrl-u', `text:${text}`, 'enter');
    expect(ui.prompt).toBeUndefined();
    expect(ui.history.present.settings[name as 'budget']).toBe(value);
    expect(ui.history.past.length).toBe(1);
  });

  test.each([
    ['b', '20Q', '20B'],
    ['b', '-3', '20B'],
    ['b', '0', '20B'],
    ['s', '0', '8192'],
    ['s', '1e99', '8192'],
    ['t', 'many', '4M'],
    ['e', '-1', '0'],
    ['e', '1.5', '0'],
    ['R', '0', '4'],
    ['k', './nothing', 'tokenizer.json'],
    ['M', 'Llama-3.2-2B', 'Llama-3.2-3B'],
    ['A', 'fast', 'TFLOP/s'],
  ])('%s refuses %s with what would do', (key, text, cure) => {
    const session = hybrid();
    const { ui } = press(uiOf(session), aroundOf(session), key, 'ctrl-u', `text:${text}`, 'enter');
    expect(ui.prompt?.error).toContain(cure);
    expect(press(ui, aroundOf(session), 'escape').ui.prompt).toBeUndefined();
  });

  test('a speed and a model give a time', () => {
    const session = hybrid();
    const { ui } = press(
      uiOf(session),
      aroundOf(session),
      'A',
      'text:990',
      'enter',
      'M',
      'text:llama-3.2-1b',
      'enter',
    );
    expect(ui.speed?.flopsPerSecond).toBe(990e12);
    const plan = session.plan(ui.history.present, session.cardSizes);
    expect(session.estimate(ui.history.present, plan, ui.model, ui.speed).seconds).toBeGreaterThan(3600);
  });
});

describe('leaving', () => {
  const changed = (ui: DesignUi, around: Surroundings): DesignUi => press(ui, around, 'right').ui;

  test('with nothing unsaved it goes at once', () => {
    const session = hybrid();
    expect(press(uiOf(session), aroundOf(session), 'q').effects).toEqual([{ kind: 'leave', how: 'quit' }]);
    expect(press(uiOf(session), aroundOf(session), 'ctrl-c').effects).toEqual([
      { kind: 'leave', how: 'interrupted' },
    ]);
  });

  test('with unsaved work it asks: stay, discard, or save first', () => {
    const session = hybrid();
    const around = aroundOf(session);
    const asked = press(changed(uiOf(session), around), around, 'q');
    expect(asked.effects).toEqual([]);
    expect(asked.ui.question).toEqual({ kind: 'quit' });
    expect(press(asked.ui, around, 'q', 'x', 'enter', ' ').ui.question).toEqual({ kind: 'quit' });
    expect(press(asked.ui, around, 'escape').ui.question).toBeUndefined();
    expect(press(asked.ui, around, 'd').effects).toEqual([{ kind: 'leave', how: 'quit' }]);
    const saving = press(asked.ui, around, 's');
    expect(saving.ui.prompt).toMatchObject({ field: 'save', text: './mixture.yaml', after: 'quit' });
    expect(press(saving.ui, around, 'enter').effects).toEqual([
      { kind: 'save', path: './mixture.yaml', force: false, after: 'quit' },
    ]);
  });

  test('Ctrl-C asks once and goes the second time', () => {
    const session = hybrid();
    const around = aroundOf(session);
    const asked = press(changed(uiOf(session), around), around, 'b', 'ctrl-c');
    expect(asked.ui.question).toEqual({ kind: 'interrupt' });
    expect(asked.effects).toEqual([]);
    expect(press(asked.ui, around, 'ctrl-c').effects).toEqual([{ kind: 'leave', how: 'interrupted' }]);
  });

  test('mix wants a saved file and a mixture that can be made', () => {
    const session = hybrid();
    const around = aroundOf(session);
    expect(press(changed(uiOf(session), around), around, 'm').ui.question).toEqual({ kind: 'mix-unsaved' });
    expect(press(uiOf(session), around, 'm', 'enter').effects).toEqual([
      { kind: 'mix', output: 'runs/x-mix' },
    ]);
    const never = aroundOf(session, { problem: 'too little data' });
    expect(press(uiOf(session), never, 'm').ui.message?.text).toContain('too little data');
  });
});

test('pasted text goes into a line and nowhere else, without its line ends', () => {
  const session = hybrid();
  const around = aroundOf(session);
  const before = uiOf(session);
  const after = paste(before, 'qdm\n12\r\x1b[A');
  expect(after.history).toBe(before.history);
  expect(after.message?.text).toContain('pasted');
  const { ui } = press(before, around, 'b', 'ctrl-u');
  expect(paste(ui, ' 2\n0B\r\u202e').prompt?.text).toBe(' 20B');
});

test('no sequence of keys breaks it, moves a locked share or loses a part of the whole', () => {
  const session = sessionOf({ text: manySources(7) });
  const around = aroundOf(session);
  const keys = fc.oneof(
    fc.constantFrom(
      ...[
        'up',
        'down',
        'left',
        'right',
        'home',
        'end',
        'enter',
        'escape',
        'backspace',
        'delete',
        'tab',
        'pagedown',
      ],
      ...'0123456789.,%lL upUfrQCIbstekPRMAcv!?wSxmqdog',
    ),
    fc.string({ maxLength: 1 }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: keys, ctrl: fc.boolean(), shift: fc.boolean() }), { maxLength: 80 }),
      (presses) => {
        let ui = uiOf(session);
        for (const one of presses) {
          const before = ui.history.present;
          ({ ui } = pressKey(ui, one, around));
          const { sources } = ui.history.present;
          expect(sources.reduce((n, s) => n + s.share, 0)).toBe(whole);
          expect(chosenSource(ui)).toBeDefined();
          if (!['u', 'U', 'r', 'y', 'z'].includes(one.key))
            sources.forEach((s, i) => {
              if (s.locked && before.sources[i]!.locked) expect(s.share).toBe(before.sources[i]!.share);
            });
        }
      },
    ),
    { numRuns: 150 },
  );
});
