/**
 * The colours of the report, for light and dark pages. The eight series colours stay apart for people with protanopia, deuteranopia
 * and tritanopia (a test simulates them, Machado et al. 2009) and keep a contrast of at least 3 : 1 with the page; from the fourth
 * series on a dash pattern tells them apart as well.
 */
export const pageColours = { light: '#ffffff', dark: '#16191d' } as const;

export const seriesColours = {
  light: ['#0b63b5', '#d1570a', '#294d0d', '#a473ee', '#a4277a', '#4e1239', '#00a596', '#111111'],
  dark: ['#5aa9f5', '#f0883e', '#9bea6a', '#f0e7f5', '#a151c2', '#787121', '#f03c78', '#d2b4b4'],
} as const;

/** The CSS value of series `i`; the numbers repeat after eight, dashes then differ. */
export function seriesColour(i: number): string {
  return `var(--s${(i % seriesColours.light.length) + 1})`;
}

const dashes = ['', '7 3', '2 3', '9 3 2 3', '4 2', '1 2'];

/** The dash pattern of series `i` among `count`; up to three series are told apart by colour alone. */
export function seriesDash(i: number, count: number): string {
  if (count <= 3) return '';
  return dashes[(i + Math.floor(i / seriesColours.light.length)) % dashes.length]!;
}

/** Roles of data sources, in the order they are stacked, with the series colour each always has. */
export const roleOrder = ['web', 'qa', 'long-cot', 'instruction', 'code', 'general'] as const;

export function roleColour(role: string): string {
  const i = (roleOrder as readonly string[]).indexOf(role);
  return i < 0 ? 'var(--muted)' : seriesColour(i);
}
