/**
 * A curve that fits in memory and in a few terminal cells: points are kept up to a bound by averaging neighbours (equal weight
 * per point, so early and late parts are equally coarse), and drawn in braille, 2 x 4 dots a cell: the points as dots, and through them the
 * line of a moving mean.
 */

const maxPoints = 512;

export interface Curve {
  /** Mean of each bucket, oldest first. */
  values: number[];
  /** Raw values per bucket, and the one being filled. */
  bucketSize: number;
  pending: number[];
  /** Where the first and the latest value stand, on the axis of what is done. */
  first: number;
  last: number;
}

export function emptyCurve(): Curve {
  return { values: [], bucketSize: 1, pending: [], first: 0, last: 0 };
}

/** Adds a value that stands at `at`; what is not finite leaves no dot. */
export function addPoint(curve: Curve, value: number, at = 0): void {
  if (!Number.isFinite(value)) return;
  if (curve.values.length === 0 && curve.pending.length === 0) curve.first = at;
  curve.last = at;
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

/** A stretch of a drawn row; `line` where the line goes through, else dots alone. */
export interface Stroke {
  text: string;
  line: boolean;
}

export interface Drawing {
  /** Rows of braille, top first, each `width` cells in stretches. */
  rows: Stroke[][];
  /** Ends of the axis. */
  low: number;
  high: number;
}

/** Fewer points than this are their own moving mean. */
const fewestSmoothed = 24;

/**
 * Draws `values` in `width` x `height` cells. The axis spans them; a start that lies far above what follows (a loss falls from ln V within a
 * few steps) is cut off at the top edge, so that the rest can be seen. A flat curve lies in the middle.
 */
export function drawBraille(values: readonly number[], width: number, height: number): Drawing {
  const columns = width * 2;
  const dots = height * 4;
  const samples = resample(values, Math.min(columns, Math.max(values.length, 2)));
  const smooth = movingMean(samples);
  const { low, high } = axisOf(samples);
  const lineCells = new Uint8Array(width * height);
  const dotCells = new Uint8Array(width * height);
  const level = (v: number): number =>
    high === low
      ? Math.floor(dots / 2)
      : Math.min(dots - 1, Math.max(0, Math.round(((v - low) / (high - low)) * (dots - 1))));
  const set = (cells: Uint8Array, x: number, y: number): void => {
    const row = height - 1 - Math.floor(y / 4);
    cells[row * width + Math.floor(x / 2)]! |= brailleDot(x % 2, 3 - (y % 4));
  };
  const xOf = (i: number): number => Math.round((i * (columns - 1)) / Math.max(1, samples.length - 1));
  for (let i = 0; i + 1 < samples.length; i++) {
    const [x0, x1] = [xOf(i), xOf(i + 1)];
    const [y0, y1] = [level(smooth[i]!), level(smooth[i + 1]!)];
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
    for (let k = 0; k <= steps; k++) {
      set(lineCells, Math.round(x0 + ((x1 - x0) * k) / steps), Math.round(y0 + ((y1 - y0) * k) / steps));
    }
  }
  if (smooth !== samples) for (const [i, v] of samples.entries()) set(dotCells, xOf(i), level(v));
  const rows = Array.from({ length: height }, (_, row) => {
    const strokes: Stroke[] = [];
    for (let cell = row * width; cell < (row + 1) * width; cell++) {
      const line = lineCells[cell] !== 0;
      const text = String.fromCodePoint(0x2800 + (lineCells[cell]! | dotCells[cell]!));
      const last = strokes.at(-1);
      // A cell without dots has no colour: it goes with what is before it.
      const empty = lineCells[cell] === 0 && dotCells[cell] === 0;
      if (last && (empty || last.line === line)) last.text += text;
      else strokes.push({ text, line });
    }
    return strokes;
  });
  return { rows, low, high };
}

/** The mean of what lies around each value, a sixteenth of the curve in all; less at the ends, so that it stays in the middle. */
function movingMean(values: readonly number[]): readonly number[] {
  if (values.length < fewestSmoothed) return values;
  const reach = Math.ceil(values.length / 32);
  return values.map((_, i) => {
    const side = Math.min(reach, i, values.length - 1 - i);
    return mean(values.slice(i - side, i + side + 1));
  });
}

/** Smallest and largest value; of long curves without the first tenth where that more than halves the span. */
function axisOf(values: readonly number[]): { low: number; high: number } {
  const span = (from: number) => {
    const part = values.slice(from);
    return { low: Math.min(...part), high: Math.max(...part) };
  };
  const all = span(0);
  if (values.length < fewestSmoothed) return all;
  const rest = span(Math.ceil(values.length / 10));
  const cut = rest.low <= all.low && rest.high - rest.low < (all.high - all.low) / 2;
  // A little of what is cut stays in sight.
  return cut ? { low: rest.low, high: rest.high + (rest.high - rest.low) * 0.15 } : all;
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
