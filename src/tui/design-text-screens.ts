/** The designer's other screens: text that scrolls under a title, with its keys at the bottom. Pure. */
import type { SampledDocument } from '../stages/sample-request.ts';
import { fitTo, justify, type Line, piece } from './design-line.ts';
import { keyLine, type ScreenSize } from './design-screen.ts';
import { visibleLine, visibleText, wrapText } from './visible-text.ts';

/** Rows that are text: all but title, rule and keys. */
export const textRows = (size: ScreenSize): number => Math.max(1, size.rows - 3);

export function textScreen(
  title: string,
  lines: readonly Line[],
  top: number,
  keys: readonly (readonly [string, string])[],
  { columns, rows }: ScreenSize,
): Line[] {
  const room = textRows({ columns, rows });
  const first = Math.max(0, Math.min(top, lines.length - room));
  const shown = lines.slice(first, first + room);
  const place = lines.length <= room ? '' : `${first + 1}–${first + shown.length} of ${lines.length} `;
  return [
    justify([piece(' midtrain design ', 'bar'), piece(` ${title}`, 'bold')], [piece(place, 'dim')], columns),
    ...Array.from({ length: room }, (_, i) => shown[i] ?? []),
    [piece('─'.repeat(columns), 'dim')],
    keyLine(keys, columns),
  ].map((line) => fitTo(line, columns));
}

/** A document of a sample: where it is from, then its text as the model will see it. */
export function sampleLines(document: SampledDocument, columns: number): Line[] {
  const text = wrapText(visibleText(document.text), columns - 1).map((line): Line => [piece(` ${line}`)]);
  return [
    [
      piece(` ${visibleLine(document.id)}`, 'blue'),
      piece(document.url === '' ? '' : `  ${visibleLine(document.url)}`, 'dim'),
    ],
    [],
    ...text,
    ...(document.truncated ? [[piece(' … the rest of this document is not shown', 'dim')]] : []),
  ];
}

/** Recipes to choose from, with what each is for. */
export function chooseLines(
  recipes: readonly { name: string; description: string }[],
  at: number,
  columns: number,
): Line[] {
  return recipes.flatMap(({ name, description }, i): Line[] => {
    const line: Line = [
      piece(i === at ? ' ▸ ' : '   ', 'key'),
      piece(`${visibleLine(name).padEnd(24)} `, 'bold'),
      piece(visibleLine(description), 'dim'),
    ];
    return [i === at ? fitTo(line, columns).map((part) => ({ ...part, chosen: true })) : line];
  });
}
