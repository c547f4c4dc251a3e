/**
 * The table of sources: left what a person sets (share, lock, switch), right what follows (tokens, what there is, passes). One line a
 * source, from 50 cells on; columns come as the width allows. Pure.
 */

import type { DesignSource } from '../../mixtures/design/design.ts';
import { whole } from '../../mixtures/design/design.ts';
import type { PlannedSource } from '../../mixtures/plan.ts';
import { formatAmount } from '../core/amount.ts';
import { cell, fitTo, type Line, type Piece, piece, type Tone } from './design-line.ts';
import type { DesignView } from './design-view.ts';
import { visibleLine } from './visible-text.ts';

/** Up to about four passes cost little against fresh text; beyond, less and less is learned (Muennighoff et al. 2023). */
const cheapPasses = 4;

interface TableColumns {
  name: number;
  role: number;
  change: number;
  bar: number;
  known: number;
  has: number;
  /** `×` column: always. */
  passes: number;
}

/** Widths for a table of `width` cells. */
export function tableColumns(width: number, longestName: number): TableColumns {
  const role = width >= 60 ? 8 : 0;
  const has = width >= 68 ? 8 : 0;
  const known = width >= 118 ? 10 : 0;
  const change = width >= 96 ? 7 : 0;
  const passes = 8;
  // Chosen and fill marks, share, state, divider, tokens, passes, and the spaces between.
  const fixed = 3 + 7 + 5 + 2 + 7 + passes + 1;
  const gap = (cells: number): number => (cells === 0 ? 0 : cells + 1);
  const left = width - fixed - gap(role) - has - gap(known) - change;
  // Names that cannot be told apart are worth less than no bar.
  const bar = left - Math.min(longestName, Math.max(20, Math.floor(left * 0.6))) - 1;
  const name = Math.max(8, Math.min(longestName, bar >= 6 ? left - 7 : left));
  const widths = { name, role, change, known, has, passes };
  return { ...widths, bar: bar >= 6 ? Math.min(60, left - name - 1) : 0 };
}

export function tableHead(columns: TableColumns, scale: number, width: number): Line {
  const { name, role, change, bar, known, has, passes } = columns;
  const left = [
    `   ${cell('source', name)}`,
    role > 0 ? ` ${cell('role', role)}` : '',
    cell('share %', 8, 'right'),
    change > 0 ? cell('change', change, 'right') : '',
    cell('', 5),
    bar > 0 ? ` ${cell(`0${cell(`${scale} %`, bar - 1, 'right')}`, bar)}` : '',
    known > 0 ? ` ${cell('evidence', known)}` : '',
  ].join('');
  const right = `${cell('tokens', 7, 'right')}${has > 0 ? cell('of', has, 'right') : ''}${cell('passes', passes, 'right')} `;
  return fitTo([piece(left, 'dim'), piece('│', 'dim'), piece(right, 'dim')], width);
}

/** The largest share that a bar shows, in percent. */
export function barScale(sources: readonly DesignSource[]): number {
  const most = (Math.max(...sources.map((s) => Math.max(s.share, s.opened))) / whole) * 100;
  return [5, 10, 20, 30, 40, 60, 80, 100].find((scale) => most <= scale) ?? 100;
}

export function tableRow(
  view: DesignView,
  at: number,
  columns: TableColumns,
  { chosen, scale, width }: { chosen: boolean; scale: number; width: number },
): Line {
  const source = view.design.sources[at]!;
  const planned = view.plan.sources[at]!;
  const { name, role, change, bar, known, has, passes } = columns;
  const off = !source.enabled;
  const ink: Tone = off ? 'dim' : 'plain';
  const moved = source.share !== source.opened;
  const line: Piece[] = [
    piece(chosen ? '▸' : ' ', 'key'),
    piece(view.design.fill === source.name ? '◇' : ' ', 'blue'),
    piece(' '),
    piece(cell(visibleLine(source.name), name), off ? 'dim' : chosen ? 'bold' : 'plain'),
  ];
  if (role > 0) line.push(piece(` ${cell(roleText(source.role), role)}`, 'dim'));
  line.push(piece(cell(off ? 'off' : shareText(source.share), 8, 'right'), off ? 'dim' : 'bold'));
  if (change > 0) line.push(piece(cell(moved && !off ? changeText(source) : '', change, 'right'), 'blue'));
  line.push(piece(cell(source.locked ? ' lock' : '', 5), 'warn'));
  if (bar > 0) line.push(piece(' '), ...barOf(source, bar, scale));
  if (known > 0) line.push(piece(` ${cell(planned.evidence, known)}`, 'dim'));
  line.push(piece('│', 'dim'), piece(cell(off ? '' : formatAmount(planned.achievedTokens), 7, 'right'), ink));
  if (has > 0) line.push(piece(cell(sizeText(view, planned), has, 'right'), 'dim'));
  line.push(passesPiece(planned, off, passes), piece(' '));
  return fitTo(line, width);
}

/** Shares as percent: one digit behind the point, more where there are more. */
function shareText(share: number): string {
  const percent = (share / whole) * 100;
  if (share > 0 && percent < 0.001) return '<0.001';
  const digits = [1, 2].find((n) => Math.abs(percent - Number(percent.toFixed(n))) < 1e-7) ?? 3;
  return percent.toFixed(digits);
}

function changeText({ share, opened }: DesignSource): string {
  const by = ((share - opened) / whole) * 100;
  const size = Math.abs(by);
  const text = size < 0.05 ? '<0.05' : size.toFixed(1);
  return `${by > 0 ? '+' : '−'}${text}`;
}

export function roleText(role: string): string {
  return role === 'instruction' ? 'instruct' : role;
}

/** What there is of a source: `~` before an estimate, `…` while it is counted, `card` figures marked as such by `~`. */
function sizeText(view: DesignView, { name }: PlannedSource): string {
  const size = view.sizes[name]!;
  const busy = view.counting.has(name) ? '…' : '';
  if (size.tokens === undefined) return busy === '' ? '?' : busy;
  return `${size.from === 'counted' ? '' : '~'}${formatAmount(size.tokens)}${busy}`;
}

/** How often a source is read: `!` beyond four passes, `!!` beyond the limit. */
function passesPiece({ repeats, repeatLimit }: PlannedSource, off: boolean, width: number): Piece {
  if (off) return piece(cell('', width));
  if (repeats === undefined) return piece(cell('?  ', width, 'right'), 'dim');
  const number =
    repeats >= 1000 ? '>999' : repeats >= 100 ? repeats.toFixed(0) : repeats.toFixed(repeats >= 10 ? 1 : 2);
  if (repeats > repeatLimit + 1e-9) return piece(cell(`${number}×!!`, width, 'right'), 'bad');
  if (repeats > cheapPasses + 1e-9) return piece(cell(`${number}×! `, width, 'right'), 'warn');
  return piece(cell(`${number}×  `, width, 'right'), 'blue');
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar in eighths of a cell, with a mark where the share stood when the recipe was opened. */
function barOf(source: DesignSource, cells: number, scale: number): Piece[] {
  const length = Math.min(cells, ((source.share / whole) * 100 * cells) / scale);
  const full = Math.floor(length);
  const part = eighths[Math.floor((length - full) * 8)]!;
  const drawn = '█'.repeat(full) + (full < cells ? part : '');
  const bar = drawn === '' && source.share > 0 ? '▏' : drawn;
  const space = '·'.repeat(Math.max(0, cells - [...bar].length));
  const mark = Math.min(cells - 1, Math.floor(((source.opened / whole) * 100 * cells) / scale));
  const tone: Tone = source.locked ? 'warn' : 'blue';
  if (source.share === source.opened || mark < [...bar].length)
    return [piece(bar, tone), piece(space, 'dim')];
  const before = mark - [...bar].length;
  return [
    piece(bar, tone),
    piece(space.slice(0, before), 'dim'),
    piece('┃', 'plain'),
    piece(space.slice(before + 1), 'dim'),
  ];
}
