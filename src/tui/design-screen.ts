/**
 * The designer's main screen as lines: title, table of sources, what follows from them, what is wrong, and the bottom two lines. Below
 * 130 columns what follows stands under the table, from there on beside it. Every line has exactly the width asked for. Pure.
 */
import { choose, fitTo, justify, type Line, type Piece, piece } from './design-line.ts';
import {
  complaintCount,
  complaints,
  type Fact,
  factLine,
  factRow,
  facts,
  gaugeLines,
  roleLines,
} from './design-summary.ts';
import { barScale, tableColumns, tableHead, tableRow } from './design-table.ts';
import type { DesignView } from './design-view.ts';
import { cutTo, visibleLine, widthOf } from './visible-text.ts';

export interface ScreenSize {
  columns: number;
  rows: number;
}

/** From here on what follows stands beside the table. */
const besideFrom = 130;
const panelWidth = 52;

/** The screen, as many lines as `rows`. `bottom` are the last lines (message, prompt or keys). */
export function mainScreen(
  view: DesignView,
  cursor: number,
  { columns, rows }: ScreenSize,
  bottom: readonly Line[],
): Line[] {
  const title = titleLine(view, columns);
  const room = rows - 1 - bottom.length;
  const body =
    columns >= besideFrom ? wideBody(view, cursor, columns, room) : narrowBody(view, cursor, columns, room);
  return [title, ...body, ...bottom].map((line) => fitTo(line, columns));
}

function titleLine(view: DesignView, columns: number): Line {
  const state: Piece[] = [
    ...(view.counting.size > 0 ? [piece(` counting ${view.counting.size} `, 'dim'), piece(' ')] : []),
    ...(view.unsaved ? [piece('● unsaved', 'warn')] : [piece(view.builtIn ? 'unchanged' : 'saved', 'dim')]),
    piece(' '),
  ];
  return justify(
    [
      piece(' midtrain design ', 'bar'),
      piece(' '),
      piece(visibleLine(view.name), 'bold'),
      piece(`  ${visibleLine(view.file)}`, 'dim'),
    ],
    state,
    columns,
  );
}

function narrowBody(view: DesignView, cursor: number, columns: number, room: number): Line[] {
  const summary =
    room >= 14 ? summaryLines(view, columns) : gaugeLines(view, columns).slice(0, room >= 9 ? 3 : 1);
  const said = complaints(view, columns);
  const sources = view.design.sources.length;
  // The table takes what it needs; complaints get what is left, at least two lines where there are two.
  const least = Math.min(said.length, room >= 16 ? 2 : room >= 12 ? 1 : 0);
  const table = Math.max(2, Math.min(sources + 1, room - summary.length - 2 - least));
  const left = Math.max(0, room - table - summary.length - 2);
  return [
    ...tableLines(view, cursor, columns, table),
    rule('', columns),
    ...summary,
    rule(complaintCount(view), columns, view),
    ...withRoles(view, said, left, columns),
  ];
}

function wideBody(view: DesignView, cursor: number, columns: number, room: number): Line[] {
  const width = columns - panelWidth - 1;
  const table = tableLines(view, cursor, width, Math.min(view.design.sources.length + 1, room));
  const byRole = roleLines(view, width - 4);
  const below = room - table.length >= byRole.length + 2 ? [rule('tokens by role', width), ...byRole] : [];
  const space = Math.max(0, room - table.length - below.length);
  const filled = [...table, ...below, ...Array.from({ length: space }, (): Line => [])];
  const panel: Line[] = [
    heading('shares against the paper'),
    ...gaugeLines(view, panelWidth - 2),
    [],
    heading('the run'),
    ...facts(view).map((fact) => factLine(fact, 9)),
    [],
    heading(complaintCount(view)),
    ...section(complaints(view, panelWidth - 2), Math.max(0, room - 18)),
  ];
  return filled.map((line, i) => [
    ...fitTo(line, width),
    piece('  '),
    ...fitTo(panel[i] ?? [], panelWidth - 1),
  ]);
}

/** Complaints, and below them the shares by role where there is room. */
function withRoles(view: DesignView, said: readonly Line[], room: number, columns: number): Line[] {
  const roles = roleLines(view, columns - 2);
  return said.length + roles.length + 1 <= room
    ? section([...said, rule('tokens by role', columns), ...roles], room)
    : section(said, room);
}

/** The table's head and as many sources as fitTo, scrolled so that the chosen one is seen. */
function tableLines(view: DesignView, cursor: number, width: number, lines: number): Line[] {
  const { sources } = view.design;
  const shown = Math.max(1, lines - 1);
  const top = firstShown(cursor, sources.length, shown);
  const columns = tableColumns(width, Math.max(...sources.map((s) => widthOf(visibleLine(s.name)))));
  const scale = barScale(sources);
  const head = tableHead(columns, scale, width);
  const more =
    sources.length > shown ? ` ${top + 1}–${Math.min(top + shown, sources.length)} of ${sources.length}` : '';
  const named: Line =
    more === '' ? head : [piece(`   source${more}`, 'dim'), ...after(head, 9 + more.length)];
  return [
    named,
    ...sources.slice(top, top + shown).map((_, i) => {
      const at = top + i;
      const line = tableRow(view, at, columns, { chosen: at === cursor, scale, width });
      return at === cursor ? choose(line) : line;
    }),
  ];
}

/** The chosen source stays in the middle, except near the ends. */
function firstShown(cursor: number, count: number, shown: number): number {
  return Math.max(0, Math.min(count - shown, cursor - Math.floor(shown / 2)));
}

/** Gauges left and the main facts right, then the other settings. */
function summaryLines(view: DesignView, columns: number): Line[] {
  const all = facts(view);
  const left = Math.max(38, Math.floor(columns * 0.48));
  const right = columns - left - 3;
  if (columns < 76)
    return [...gaugeLines(view, columns), factRow(all, columns), factRow(all.slice(2), columns)];
  const [budget, sequence, steps, time, model, disk, tokenizer, ...rest] = all;
  const gauges = gaugeLines(view, left);
  const rows: readonly (readonly [Line, Fact])[] = [
    [gauges[0]!, budget!],
    [gauges[1]!, steps!],
    [gauges[2]!, time!],
    [factLine(sequence!, 9), model!],
    [factLine(tokenizer!, 9), disk!],
  ];
  return [
    ...rows.map(
      ([line, fact]): Line => [...fitTo(line, left), piece(' │ ', 'dim'), ...fitTo(factLine(fact, 6), right)],
    ),
    factRow(rest, columns),
  ];
}

/** A rule with a word in it. */
function rule(text: string, columns: number, view?: DesignView): Line {
  if (text === '') return [piece('─'.repeat(columns), 'dim')];
  const bad = view !== undefined && view.plan.problems.length > 0;
  const warned = view !== undefined && !bad && view.plan.warnings.length > 0;
  return [
    piece('── ', 'dim'),
    piece(text, bad ? 'bad' : warned ? 'warn' : 'blue'),
    piece(` ${'─'.repeat(Math.max(0, columns - 4 - widthOf(text)))}`, 'dim'),
  ];
}

const heading = (text: string): Line => [piece(text, 'bold')];

/** As many lines as fit; the last says how many more there are. */
function section(lines: readonly Line[], room: number): Line[] {
  if (lines.length <= room) return [...lines, ...Array.from({ length: room - lines.length }, (): Line => [])];
  if (room === 0) return [];
  return [
    ...lines.slice(0, room - 1),
    [piece('   … ', 'dim'), piece('!', 'key'), piece(` shows ${lines.length - room + 1} more lines`, 'dim')],
  ];
}

/** The line without its first `cells` cells. */
function after(line: Line, cells: number): Line {
  let skip = cells;
  return line.flatMap(({ text, tone }) => {
    if (skip >= widthOf(text)) {
      skip -= widthOf(text);
      return [];
    }
    const rest = [...text].slice(skip).join('');
    skip = 0;
    return [piece(rest, tone)];
  });
}

/** A line of keys with what they do, as many as fit, the last two of them always. */
export function keyLine(keys: readonly (readonly [string, string])[], columns: number): Line {
  const size = ([key, what]: readonly [string, string]): number => widthOf(key) + widthOf(what) + 3;
  const always = keys.slice(-2);
  let left = columns - always.reduce((n, entry) => n + size(entry), 0);
  const shown = keys.slice(0, -2).filter((entry) => {
    if (size(entry) > left) left = 0;
    else left -= size(entry);
    return left > 0;
  });
  return [...shown, ...always].flatMap(([key, what], i) => [
    piece(i === 0 ? '' : '  '),
    piece(key, 'key'),
    piece(` ${what}`, 'plain'),
  ]);
}

export function messageLine(text: string, tone: 'plain' | 'warn' | 'dim', columns: number): Line {
  return [piece(tone === 'warn' ? '! ' : '', 'warn'), piece(cutTo(visibleLine(text), columns - 2), tone)];
}
