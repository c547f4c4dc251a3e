/** How figures are written in reports: one way for each kind of number, the same in HTML, charts and Markdown. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 1234567 -> "1,234,567". */
export function whole(n: number | undefined): string {
  return n === undefined || !Number.isFinite(n) ? '–' : grouped.format(Math.round(n));
}

/** 1234567 -> "1.23 M"; below ten thousand in full. */
export function compact(n: number | undefined): string {
  if (n === undefined || !Number.isFinite(n)) return '–';
  const size = Math.abs(n);
  if (size < 10_000) return Number.isInteger(n) ? whole(n) : decimal(n);
  for (const [unit, scale] of [
    ['T', 1e12],
    ['B', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    // 999,950 would round to "1000 k"; the unit above takes over there.
    if (size >= scale * 0.9995) return `${trim((n / scale).toPrecision(3))} ${unit}`;
  }
  return whole(n);
}

/** Three or four significant digits, no trailing zeros: loss, reward, entropy. */
export function decimal(n: number | undefined): string {
  if (n === undefined || !Number.isFinite(n)) return '–';
  if (n === 0) return '0';
  const size = Math.abs(n);
  if (size >= 1000) return whole(n);
  if (size < 0.001) return exponent(n);
  return trim(n.toPrecision(size >= 1 ? 4 : 3));
}

/** 0.0003 -> "3e-4". */
export function exponent(n: number | undefined): string {
  if (n === undefined || !Number.isFinite(n)) return '–';
  if (n === 0) return '0';
  const [mantissa, power] = n.toExponential(2).split('e') as [string, string];
  return `${trim(mantissa)}e${Number(power)}`;
}

/** 0.3125 -> "31.3 %"; only nothing and all are written without decimals. */
export function percent(share: number | undefined, digits = 1): string {
  if (share === undefined || !Number.isFinite(share)) return '–';
  const value = share * 100;
  // A share that is not nothing must not read as nothing, nor one that is not all as all.
  if (value !== 0 && Math.abs(value) < 0.5 * 10 ** -digits)
    return `${value < 0 ? '>-' : '<'}${trim((10 ** -digits).toFixed(digits))} %`;
  if (value < 100 && value >= 100 - 0.5 * 10 ** -digits) return `>${(100 - 10 ** -digits).toFixed(digits)} %`;
  return `${value === 0 || value === 100 ? value : value.toFixed(digits)} %`;
}

/** A difference of two shares: "+18.4 points". */
export function points(difference: number | undefined): string {
  if (difference === undefined || !Number.isFinite(difference)) return '–';
  const value = difference * 100;
  const text = Math.abs(value).toFixed(1);
  return `${text === '0.0' ? '±' : value > 0 ? '+' : '−'}${text} points`;
}

/** "+33.7 to +45.7 points". */
export function pointsRange(low: number, high: number): string {
  return `${points(low).replace(' points', '')} to ${points(high)}`;
}

export function bytes(n: number | undefined): string {
  if (n === undefined || !Number.isFinite(n)) return '–';
  for (const [unit, scale] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (n >= scale) return `${trim((n / scale).toPrecision(3))} ${unit}`;
  }
  return `${whole(n)} bytes`;
}

/** 3725 -> "1 h 2 min". */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return '–';
  if (seconds < 10) return `${trim(seconds.toFixed(1))} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const s = Math.round(seconds);
  if (s < 3600) return s % 60 === 0 ? `${s / 60} min` : `${Math.floor(s / 60)} min ${s % 60} s`;
  const minutes = Math.round(s / 60);
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** One value, or the range of several: "12 % to 14 %". */
export function span(values: readonly number[], format: (n: number) => string): string {
  if (values.length === 0) return '–';
  const low = format(values.reduce((a, b) => Math.min(a, b)));
  const high = format(values.reduce((a, b) => Math.max(a, b)));
  return low === high ? low : `${low} to ${high}`;
}

/** Removes trailing zeros after a decimal point; toPrecision may also give an exponent, which is left alone. */
function trim(text: string): string {
  if (text.includes('e')) return String(Number(text));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
