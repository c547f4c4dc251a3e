/**
 * A number of tokens for people, exactly as datatrove writes it: Python's `humanize.metric(n, unit="T")`.
 */

/** Three significant digits with a metric prefix, as Python's `humanize.metric(n, "T")` writes them: "800 T", "1.50 kT", "20.0 GT". */
export function metricTokens(n: number): string {
  let exponent = n === 0 ? 0 : Math.floor(Math.log10(n));
  const rounded = (): string => roundHalfEven(n / 10 ** (exponent - (exponent % 3)), 2 - (exponent % 3));
  // 999,999 rounds to a thousand thousands, which is one million.
  if (Number(rounded()) >= 10 ** ((exponent % 3) + 1)) exponent++;
  const prefix = exponent < 3 ? '' : 'kMGTPEZYRQ'[Math.floor(exponent / 3) - 1]!;
  return `${rounded()} ${prefix}T`;
}

/** Python rounds exact ties to the even digit, toFixed away from zero. */
function roundHalfEven(value: number, digits: number): string {
  const exact = value.toFixed(60);
  const tail = exact.slice(exact.indexOf('.') + 1 + digits);
  const rounded = value.toFixed(digits);
  if (!/^50*$/.test(tail)) return rounded;
  const down =
    digits === 0 ? exact.slice(0, exact.indexOf('.')) : exact.slice(0, exact.indexOf('.') + 1 + digits);
  return Number(down.at(-1)) % 2 === 0 ? down : rounded;
}
