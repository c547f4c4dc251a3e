/** The designer's screens as lines: always exactly the width and height, whatever the names, sizes and colours are. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawScreen } from '../../src/tui/design-draw.ts';
import { pressKey } from '../../src/tui/design-keys.ts';
import { coloursOf, lineWidth, paint } from '../../src/tui/design-line.ts';
import type { DesignSession } from '../../src/tui/design-session.ts';
import type { DesignUi, Screen } from '../../src/tui/design-state.ts';
import { durationText } from '../../src/tui/design-summary.ts';
import type { DesignView } from '../../src/tui/design-view.ts';
import { aroundOf, manySources, sessionOf, uiOf, viewOf } from './design-scene.ts';

const recipes = [{ name: 'stable', description: 'the stable stage' }];

function draw(
  session: DesignSession,
  ui: DesignUi,
  columns: number,
  rows: number,
  change: Partial<DesignView> = {},
) {
  const { screen } = drawScreen({
    ui,
    view: viewOf(session, ui, change),
    session,
    samples: undefined,
    recipes,
    size: { columns, rows },
  });
  return { screen, text: screen.map((line) => line.map((part) => part.text).join('')).join('\n') };
}

describe('every screen', () => {
  const screens: Screen[] = [
    { kind: 'table' },
    { kind: 'help', top: 3 },
    { kind: 'complaints', top: 0 },
    { kind: 'choose', at: 0 },
    { kind: 'compare', name: 'stable', top: 0 },
    { kind: 'compare', name: 'no-such-recipe', top: 0 },
    { kind: 'samples', source: 'x', at: 0, top: 0 },
  ];
  const sessions = [
    sessionOf({ name: 'decay-hybrid' }),
    sessionOf({ text: manySources(40) }),
    sessionOf({ text: manySources(1) }),
    sessionOf({ text: manySources(3, (i) => `${'very-long-name-'.repeat(8)}${i}`) }),
  ];

  test.each(screens.map((screen) => [screen.kind, screen] as const))(
    '%s fills the terminal exactly',
    (_, screen) => {
      for (const session of sessions) {
        for (const [columns, rows] of [
          [80, 23],
          [100, 29],
          [160, 49],
          [60, 19],
          [40, 11],
          [20, 8],
          [240, 60],
          [129, 30],
          [130, 30],
        ] as const) {
          const ui = { ...uiOf(session), screen, cursor: session.opened.sources.length - 1 };
          const drawn = draw(session, ui, columns, rows);
          expect(drawn.screen.length, `${columns} x ${rows}`).toBe(rows);
          for (const line of drawn.screen) expect(lineWidth(line)).toBe(columns);
        }
      }
    },
  );
});

test('names that attack a terminal are shown, not acted on', () => {
  const session = sessionOf({ name: 'decay-hybrid' });
  const ui = uiOf(session);
  const hostile = '\x1b[2J\u202eevil\u200b\n名前名前名前名前';
  const design = {
    ...ui.history.present,
    sources: ui.history.present.sources.map((s) => ({ ...s, name: hostile })),
  };
  const drawn = draw(session, ui, 80, 23, {
    design,
    name: hostile,
    file: hostile,
    notices: [hostile],
    model: 'm',
  });
  const painted = drawn.screen.map((line) => paint(line, 'none')).join('');
  expect(painted.replace(/\x1b\[[\d;]*m/g, '')).not.toMatch(/[\x00-\x1f\u200b\u202e]/);
  expect(drawn.text).toContain('\\x1b');
  for (const line of drawn.screen) expect(lineWidth(line)).toBe(80);
});

describe('signs', () => {
  test('passes are marked beyond four and beyond the limit, without colour too', () => {
    const session = sessionOf({ name: 'decay-hybrid' });
    const around = aroundOf(session);
    let ui = uiOf(session);
    for (const key of ['R', '6', 'enter', 'down', '1', '8', 'enter'])
      ({ ui } = pressKey(ui, { key }, around));
    expect(draw(session, ui, 80, 23).text).toMatch(/4\.50×! /);
    for (const key of ['3', '0', 'enter']) ({ ui } = pressKey(ui, { key }, around));
    const { text, screen } = draw(session, ui, 80, 23);
    expect(text).toMatch(/7\.50×!!/);
    expect(text).toContain('cannot be made');
    expect(text).toContain('the budget (b) to');
    expect(screen.map((line) => paint(line, 'none')).join('')).not.toMatch(/\x1b\[[\d;]*(3|4)[0-9]/);
  });

  test('the QA share is held against its band', () => {
    const session = sessionOf({ name: 'decay-hybrid' });
    const around = aroundOf(session);
    let ui = uiOf(session);
    expect(draw(session, ui, 100, 29).text).toMatch(/QA +30\.0 %.*30–40 %/);
    for (const key of ['Q', '2', '0', 'enter']) ({ ui } = pressKey(ui, { key }, around));
    expect(draw(session, ui, 100, 29).text).toMatch(/QA +20\.0 %.*!<30–40 %/);
    expect(draw(session, ui, 160, 49).text).toContain("below the paper's band");
  });

  test('with forty sources the chosen one is in sight', () => {
    const session = sessionOf({ text: manySources(40) });
    for (const cursor of [0, 7, 20, 39]) {
      const { text } = draw(session, { ...uiOf(session), cursor }, 80, 23);
      expect(text).toMatch(new RegExp(`▸.? ?.*source-${String(cursor).padStart(2, '0')}`));
      expect(text).toMatch(/source \d+–\d+ of 40/);
    }
  });
});

test('colours follow the environment, and NO_COLOR', () => {
  expect(coloursOf({ TERM: 'xterm-256color' })).toBe('256');
  expect(coloursOf({ TERM: 'xterm' })).toBe('16');
  expect(coloursOf({ TERM: 'xterm', COLORTERM: 'truecolor' })).toBe('256');
  expect(coloursOf({ TERM: 'xterm-256color', NO_COLOR: '1' })).toBe('none');
  expect(coloursOf({ TERM: 'xterm-256color', NO_COLOR: '' })).toBe('256');
  expect(coloursOf({ TERM: 'dumb' })).toBe('none');
});

test('any size of terminal is filled exactly after any keys', () => {
  const session = sessionOf({ text: manySources(12) });
  const around = aroundOf(session);
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 220 }),
      fc.integer({ min: 8, max: 70 }),
      fc.array(
        fc.constantFrom('down', 'right', 'l', ' ', 'b', '9', '?', 'escape', 'c', 'enter', 'm', 'q', '!', 'w'),
        { maxLength: 12 },
      ),
      (columns, rows, keys) => {
        let ui = uiOf(session);
        for (const key of keys) ({ ui } = pressKey(ui, { key }, around));
        const { screen } = draw(session, ui, columns, rows);
        expect(screen.length).toBe(rows);
        for (const line of screen) expect(lineWidth(line)).toBe(columns);
      },
    ),
    { numRuns: 60 },
  );
});

test('durations in the unit people plan in', () => {
  expect([0.2, 42, 600, 7200, 86_400 * 10, 86_400 * 800].map(durationText)).toEqual([
    '<1 s',
    '42 s',
    '10 min',
    '2 h',
    '10 days',
    '2.2 years',
  ]);
});
