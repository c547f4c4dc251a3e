/** Numbers, counts, rates and durations as short text for people. Pure. */

/** A measured figure in at most four significant digits: `2.315`, `0.800`, `3.0e-4`, `1,204`, `12.3k`, `4.56M`. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (Number.isInteger(value) && size < 10_000) return value.toLocaleString('en-US');
  if (size >= 1e18) return value.toExponential(1);
  if (size >= 10_000) return compact(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  // Trailing zeros stay, so that a figure does not jump about while it changes.
  if (size >= 0.01) return value.toPrecision(size >= 1 ? 4 : 3);
  return value.toExponential(1);
}

/** A whole count: in full up to a million, then compact. */
export function countOf(value: number, unit: string): string {
  if (unit === 'bytes') return bytesOf(value);
  return Math.abs(value) < 1_000_000 ? Math.round(value).toLocaleString('en-US') : compact(value);
}

/** `12.3k`, `4.56M`, `1.20G`, `3.40T`: three significant digits. */
export function compact(value: number): string {
  const steps = ['', 'k', 'M', 'G', 'T', 'P'];
  let size = Math.abs(value);
  let step = 0;
  while (size >= 999.5 && step < steps.length - 1) {
    size /= 1000;
    step++;
  }
  return `${value < 0 ? '-' : ''}${size.toPrecision(3)}${steps[step]}`;
}

/** Bytes in powers of 1000: `1.20 GB`. */
export function bytesOf(value: number): string {
  return Math.abs(value) < 1000 ? `${Math.round(value)} B` : compact(value).replace(/([kMGTP]?)$/, ' $1B');
}

/** `0:07`, `12:40`, `3:05:09`, `2d 04:10`. */
export function durationOf(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  const days = Math.floor(s / 86400);
  const hours = Math.floor(s / 3600) % 24;
  const minutes = Math.floor(s / 60) % 60;
  if (days > 0) return `${days}d ${two(hours)}:${two(minutes)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

/** How long something took: tenths below ten seconds, `0.4 s`, then as `durationOf`. */
export function tookOf(seconds: number): string {
  return seconds < 9.95 ? `${Math.max(0, seconds).toFixed(1)} s` : durationOf(seconds);
}

/** `312 documents/s`; slow work the other way round, `4.2 s/step`. */
export function rateOf(perSecond: number, unit: string): string {
  if (unit === 'bytes') return `${bytesOf(perSecond)}/s`;
  if (perSecond > 0 && perSecond < 0.5) return `${short(1 / perSecond)} s/${singular(unit)}`;
  return `${short(perSecond)} ${plural(unit)}/s`;
}

/** `1 document`, `2 documents`, whichever of the two the unit was given in. */
export function amountOf(value: number, unit: string): string {
  return unit === 'bytes'
    ? bytesOf(value)
    : `${countOf(value, unit)} ${value === 1 ? singular(unit) : plural(unit)}`;
}

/** Three digits are plenty for a rate. */
function short(value: number): string {
  return value >= 1 && value < 1000
    ? String(Number(value.toPrecision(3)))
    : figure(Number(value.toPrecision(3)));
}

function singular(unit: string): string {
  if (unit.endsWith('ies')) return `${unit.slice(0, -3)}y`;
  return unit.endsWith('s') && !unit.endsWith('ss') ? unit.slice(0, -1) : unit;
}

function plural(unit: string): string {
  if (unit.endsWith('s') || unit === '') return unit;
  return /[^aeiou]y$/.test(unit) ? `${unit.slice(0, -1)}ies` : `${unit}s`;
}
