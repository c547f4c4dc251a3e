/** How values of an ablation's measures and their differences are written: one way for each unit, the same in claims, tables, charts and Markdown. */
import type { MeasureUnit } from './ablation-data.ts';
import { decimal, percent, points, whole } from './number-format.ts';

/** `71.2 %`, `25.3 points` (of a difference of shares), `1,204 tokens`, `40 steps`, `1.03 nats`, `0.25`; a dash for what is not there. */
export function showValue(unit: MeasureUnit, value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (unit === 'share') return percent(value);
  if (unit === 'points') return points(value).replace(/^[+±]/, '');
  if (unit === 'number') return decimal(value);
  return `${unit === 'nats' ? decimal(value) : amount(value)} ${unit}`;
}

/** With its sign: `+1.2 points`, `−12 tokens`, `±0 steps`. */
export function showDifference(unit: MeasureUnit, difference: number): string {
  if (!Number.isFinite(difference)) return '–';
  if (unit === 'share' || unit === 'points') return points(difference);
  const small = unit === 'nats' || unit === 'number';
  const text = small ? decimal(Math.abs(difference)) : amount(Math.abs(difference));
  const sign = Number(text) === 0 ? '±' : difference > 0 ? '+' : '−';
  return `${sign}${text}${unit === 'number' ? '' : ` ${unit}`}`;
}

/** Under an axis of differences: `difference in RL accuracy, points`. */
export function differenceAxis(label: string, unit: MeasureUnit): string {
  return `difference in ${label}${unit === 'number' ? '' : `, ${unit === 'share' ? 'points' : unit}`}`;
}

/** Means of token and step counts need a decimal only while they are small. */
function amount(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? whole(value) : String(Number(value.toFixed(1)));
}
