/**
 * A curve that fits in memory and in a few terminal cells: points are kept up to a bound by averaging neighbours (equal weight
 * per point, so early and late parts are equally coarse), and drawn in braille, 2 x 4 dots a cell.
 */

const maxPoints = 512;

export interface Curve {
  /** Mean of each bucket, oldest first. */
  values: number[];
  /** Raw values per bucket, and the one being filled. */
  bucketSize: number;
  pending: number[];
}

export function emptyCurve(): Curve {
  return { values: [], bucketSize: 1, pending: [] };
}

/** Adds a value; what is not finite leaves no dot. */
export function addPoint(curve: Curve, value: number): void {
  if (!Number.isFinite(value)) return;
  curve.pending.push(value);
  if (curve.pending.length < curve.bucketSize) return;
  curve.values.push(mean(curve.pending));
  curve.pending = [];
  if (curve.values.length < maxPoints) return;
  curve.values = pairs(curve.values);
  curve.bucketSize *= 2;
}

/** The values to draw, with the unfinished bucket last so that the newest value always shows. */
export function valuesOf(curve: Curve): number[] {
  return curve.pending.length === 0 ? curve.values : [...curve.values, mean(curve.pending)];
}

export interface Drawing {
  /** Rows of braille text, top first, each `width` cells. */
  rows: string[];
  low: number;
  high: number;
}

/** Draws `values` as a connected line in `width` x `height` cells, scaled to its own range; a flat curve lies in the middle. */
export function drawBraille(values: readonly number[], width: number, height: number): Drawing {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const columns = width * 2;
  const dots = height * 4;
  const samples = resample(values, Math.min(columns, Math.max(values.length, 2)));
  const cells = new Uint8Array(width * height);
  const level = (v: number): number =>
    high === low ? Math.floor(dots / 2) : Math.round(((v - low) / (high - low)) * (dots - 1));
  const set = (x: number, y: number): void => {
    const row = height - 1 - Math.floor(y / 4);
    const cell = row * width + Math.floor(x / 2);
    cells[cell]! |= brailleDot(x % 2, 3 - (y % 4));
  };
  const xOf = (i: number): number => Math.round((i * (columns - 1)) / Math.max(1, samples.length - 1));
  for (let i = 0; i + 1 < samples.length; i++) {
    const [x0, x1] = [xOf(i), xOf(i + 1)];
    const [y0, y1] = [level(samples[i]!), level(samples[i + 1]!)];
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
    for (let k = 0; k <= steps; k++) {
      set(Math.round(x0 + ((x1 - x0) * k) / steps), Math.round(y0 + ((y1 - y0) * k) / steps));
    }
  }
  const rows = Array.from({ length: height }, (_, row) =>
    String.fromCodePoint(
      ...Array.from(cells.subarray(row * width, (row + 1) * width), (bits) => 0x2800 + bits),
    ),
  );
  return { rows, low, high };
}

/** Bit of the dot in column 0-1, row 0-3 (top first) of a braille cell (Unicode block 2800). */
function brailleDot(column: number, row: number): number {
  return row < 3 ? 1 << (row + column * 3) : 0x40 << column;
}

/** `count` values: means of equal spans when there are more, linear interpolation when there are fewer. */
function resample(values: readonly number[], count: number): number[] {
  if (values.length === 1) return [values[0]!, values[0]!];
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * values.length) / count);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / count));
    return mean(values.slice(from, to));
  });
}

function pairs(values: readonly number[]): number[] {
  return Array.from({ length: values.length / 2 }, (_, i) => (values[2 * i]! + values[2 * i + 1]!) / 2);
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
