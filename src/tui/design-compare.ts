/** Two mixtures side by side as lines: sources that are the same data in one row, differences marked, shares by role below. Pure. */
import type { ComparedSource, Comparison } from '../../mixtures/design/compare.ts';
import { cell, type Line, type Piece, piece, type Tone } from './design-line.ts';
import { roleText } from './design-table.ts';
import { visibleLine, widthOf } from './visible-text.ts';

/** What stands beside the shares. */
export interface ComparedFacts {
  name: string;
  /** Name and value, in the same order on both sides. */
  facts: readonly (readonly [string, string])[];
}

/** Shares nearer than this are equal: 0.005 %. */
const equal = 0.00005;

export function compareLines(
  comparison: Comparison,
  left: ComparedFacts,
  right: ComparedFacts,
  columns: number,
): Line[] {
  const names = comparison.rows
    .flatMap((row) => [row.left, row.right])
    .map((s) => widthOf(visibleLine(s?.name ?? '')));
  const name = Math.min(Math.max(12, ...names), Math.max(12, Math.floor((columns - 46) * 0.6)));
  const bar = Math.max(0, Math.floor((columns - name - 46) / 2));
  const most = Math.max(
    0.01,
    ...comparison.rows.flatMap((row) => [row.left?.share ?? 0, row.right?.share ?? 0]),
  );
  const row = (
    title: string,
    role: string,
    a: number | undefined,
    b: number | undefined,
    scale: number,
    strong: boolean,
  ): Line => {
    const by = (b ?? 0) - (a ?? 0);
    const same = Math.abs(by) < equal;
    return [
      piece(` ${cell(title, name)} `, strong ? 'bold' : 'plain'),
      piece(cell(role, 9), 'dim'),
      ...side(a, bar, scale),
      piece(' │ ', 'dim'),
      ...side(b, bar, scale),
      piece(
        cell(same ? '=' : `${by > 0 ? '+' : '−'}${(Math.abs(by) * 100).toFixed(2)}`, 9, 'right'),
        same ? 'dim' : 'warn',
      ),
    ];
  };
  const roleMost = Math.max(0.01, ...comparison.roles.flatMap((sum) => [sum.left, sum.right]));
  const width = bar + 9;
  const head = (title: string): Line => [
    piece(` ${cell(title, name)} ${cell('', 9)}`, 'dim'),
    piece(cell(visibleLine(left.name), width), 'bold'),
    piece('   '),
    piece(cell(visibleLine(right.name), width), 'bold'),
    piece(cell('difference', 11, 'right'), 'dim'),
  ];
  return [
    head('source'),
    ...comparison.rows.map(({ left: a, right: b }) =>
      row(titleOf(a, b), roleText((a ?? b)!.role), a?.share, b?.share, most, false),
    ),
    [],
    head('by role'),
    ...comparison.roles.map((sum) => row(roleText(sum.role), '', sum.left, sum.right, roleMost, true)),
    [],
    ...left.facts.map(([title, value], i): Line => {
      const other = right.facts[i]![1];
      const tone: Tone = other === value ? 'dim' : 'plain';
      return [
        piece(` ${cell(title, name)} ${cell('', 9)}`, 'dim'),
        piece(cell(visibleLine(value), width), tone),
        piece(' │ ', 'dim'),
        piece(cell(visibleLine(other), width), tone),
        piece(cell(other === value ? '=' : 'differs', 11, 'right'), other === value ? 'dim' : 'warn'),
      ];
    }),
    [],
    [
      piece(' '),
      piece(`${(comparison.distance * 100).toFixed(2)} %`, 'bold'),
      piece(
        comparison.distance < equal
          ? ' of the tokens differ: the same shares'
          : ' of the tokens would have to come from other sources to make one of the other',
      ),
    ],
  ];
}

function titleOf(a: ComparedSource | undefined, b: ComparedSource | undefined): string {
  if (a !== undefined && b !== undefined && a.name !== b.name) return visibleLine(`${a.name} / ${b.name}`);
  return visibleLine((a ?? b)!.name);
}

function side(share: number | undefined, bar: number, most: number): Piece[] {
  if (share === undefined) return [piece(cell('–', 8, 'right'), 'dim'), piece(' '.repeat(bar + 1))];
  const cells = Math.min(bar, Math.round((share / most) * bar));
  const drawn = bar === 0 ? '' : share > 0 && cells === 0 ? '▏' : '█'.repeat(cells);
  return [
    piece(cell(`${(share * 100).toFixed(2)} %`, 8, 'right')),
    piece(' '),
    piece(drawn, 'blue'),
    piece(' '.repeat(bar - [...drawn].length)),
  ];
}
