/**
 * Box-drawing, block and braille characters (Unicode 2500-259F, 2800-28FF) as SVG paths that fill their cell exactly, so that lines
 * join whatever font the reader has. Gives up: dashed lines are drawn whole, diagonals as text.
 */

/** Arms of a box character: left, right, up, down, each 0 none, 1 light, 2 heavy, 3 double. One string of four digits a character. */
const arms = new Map<number, string>();
const light = '1100 0011 0101 1001 0110 1010 0111 1011 1101 1110 1111'.split(' ');
// In the order ─ │ ┌ ┐ └ ┘ ├ ┤ ┬ ┴ ┼ of each weight.
const boxes: readonly [string, string][] = [
  ['─│┌┐└┘├┤┬┴┼', '1'],
  ['━┃┏┓┗┛┣┫┳┻╋', '2'],
  ['═║╔╗╚╝╠╣╦╩╬', '3'],
];
for (const [characters, weight] of boxes) {
  [...characters].forEach((character, i) => {
    arms.set(character.codePointAt(0)!, light[i]!.replaceAll('1', weight));
  });
}
// Dashed lines, half lines.
for (const c of '┄┈╌') arms.set(c.codePointAt(0)!, '1100');
for (const c of '┆┊╎') arms.set(c.codePointAt(0)!, '0011');
for (const [c, a] of [
  ['╴', '1000'],
  ['╵', '0010'],
  ['╶', '0100'],
  ['╷', '0001'],
  ['╸', '2000'],
  ['╹', '0020'],
  ['╺', '0200'],
  ['╻', '0002'],
] as const) {
  arms.set(c.codePointAt(0)!, a);
}
const rounded: Readonly<Record<string, readonly [number, number]>> = {
  '╭': [1, 1],
  '╮': [-1, 1],
  '╰': [1, -1],
  '╯': [-1, -1],
};

export interface Shape {
  /** An SVG path. */
  d: string;
  /** Width of the line; left out: the path is filled. */
  stroke?: number;
  /** For the shades. */
  opacity?: number;
}

/** The shapes of `character` in a cell of `width` x `height` at (x, y); `undefined` for what is drawn as text. */
export function cellShapes(
  character: string,
  x: number,
  y: number,
  width: number,
  height: number,
): Shape[] | undefined {
  const code = character.codePointAt(0) ?? 0;
  const box = arms.get(code);
  if (box !== undefined) return boxShapes([...box].map(Number), x, y, width, height);
  const corner = rounded[character];
  if (corner !== undefined) {
    const [cx, cy] = [x + width / 2, y + height / 2];
    const [toX, toY] = [cx + (corner[0] * width) / 2, cy + (corner[1] * height) / 2];
    const r = (width / 2) * 0.9;
    return [
      {
        d: `M${n(cx)} ${n(toY)}V${n(cy + corner[1] * r)}Q${n(cx)} ${n(cy)} ${n(cx + corner[0] * r)} ${n(cy)}H${n(toX)}`,
        stroke: 1.2,
      },
    ];
  }
  if (code >= 0x2580 && code <= 0x259f) return blockShapes(code, x, y, width, height);
  if (code >= 0x2800 && code <= 0x28ff) return [{ d: braille(code - 0x2800, x, y, width, height) }];
  return undefined;
}

function boxShapes(
  [left, right, up, down]: number[],
  x: number,
  y: number,
  width: number,
  height: number,
): Shape[] {
  const [cx, cy] = [x + width / 2, y + height / 2];
  const shapes: Shape[] = [];
  const line = (weight: number, x0: number, y0: number, x1: number, y1: number): void => {
    if (weight === 0) return;
    if (weight < 3) {
      shapes.push({ d: `M${n(x0)} ${n(y0)}L${n(x1)} ${n(y1)}`, stroke: weight === 2 ? 2.4 : 1.2 });
      return;
    }
    for (const off of [-1.5, 1.5]) {
      const [dx, dy] = y0 === y1 ? [0, off] : [off, 0];
      shapes.push({ d: `M${n(x0 + dx)} ${n(y0 + dy)}L${n(x1 + dx)} ${n(y1 + dy)}`, stroke: 1 });
    }
  };
  if (left === right) line(left!, x, cy, x + width, cy);
  else {
    line(left!, x, cy, cx, cy);
    line(right!, cx, cy, x + width, cy);
  }
  if (up === down) line(up!, cx, y, cx, y + height);
  else {
    line(up!, cx, y, cx, cy);
    line(down!, cx, cy, cx, y + height);
  }
  return shapes;
}

function blockShapes(code: number, x: number, y: number, width: number, height: number): Shape[] {
  const rectangle = (fx: number, fy: number, fw: number, fh: number): string =>
    `M${n(x + fx * width)} ${n(y + fy * height)}h${n(fw * width)}v${n(fh * height)}h${n(-fw * width)}z`;
  if (code === 0x2580) return [{ d: rectangle(0, 0, 1, 0.5) }];
  if (code <= 0x2588) {
    const eighths = (code - 0x2580) / 8;
    return [{ d: rectangle(0, 1 - eighths, 1, eighths) }];
  }
  if (code <= 0x258f) return [{ d: rectangle(0, 0, (0x2590 - code) / 8, 1) }];
  if (code === 0x2590) return [{ d: rectangle(0.5, 0, 0.5, 1) }];
  if (code <= 0x2593) return [{ d: rectangle(0, 0, 1, 1), opacity: (code - 0x2590) / 4 }];
  if (code === 0x2594) return [{ d: rectangle(0, 0, 1, 0.125) }];
  if (code === 0x2595) return [{ d: rectangle(0.875, 0, 0.125, 1) }];
  // Quadrants: upper left 1, upper right 2, lower left 4, lower right 8.
  const quadrants = [4, 8, 1, 13, 9, 7, 11, 2, 6, 14][code - 0x2596]!;
  const parts = [
    [0, 0],
    [0.5, 0],
    [0, 0.5],
    [0.5, 0.5],
  ].filter((_, bit) => (quadrants >> bit) & 1);
  return [{ d: parts.map(([fx, fy]) => rectangle(fx!, fy!, 0.5, 0.5)).join('') }];
}

function braille(bits: number, x: number, y: number, width: number, height: number): string {
  const radius = width * 0.13;
  let d = '';
  for (let bit = 0; bit < 8; bit++) {
    if (((bits >> bit) & 1) === 0) continue;
    const column = bit < 6 ? Math.floor(bit / 3) : bit - 6;
    const row = bit < 6 ? bit % 3 : 3;
    const cx = x + (0.25 + column * 0.5) * width;
    const cy = y + (0.125 + row * 0.25) * height;
    d += `M${n(cx - radius)} ${n(cy)}a${n(radius)} ${n(radius)} 0 1 0 ${n(2 * radius)} 0a${n(radius)} ${n(radius)} 0 1 0 ${n(-2 * radius)} 0`;
  }
  return d;
}

function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}
