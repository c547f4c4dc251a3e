/**
 * JSON with whole 64-bit integers: numbers of 16 digits and more that a double cannot hold arrive as BigInt and are written back digit for
 * digit. Uses the source text that JSON.parse gives its reviver (ECMAScript "JSON.parse source text access"); lines without such a
 * number take the fast path.
 */

/** The value of JSON text in UTF-8. */
export function parseJson(bytes: Buffer): unknown {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (!hasLongNumber(bytes)) return JSON.parse(text);
  return (
    JSON.parse as (
      text: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ) => unknown
  )(text, (_key, value, context) =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    context.source !== undefined &&
    /^-?\d+$/.test(context.source)
      ? BigInt(context.source)
      : value,
  );
}

/** Whether 16 digits follow one another anywhere. A run that long covers a multiple of 16, so only every sixteenth byte is looked at. */
function hasLongNumber(bytes: Uint8Array): boolean {
  const isDigit = (i: number): boolean => bytes[i]! >= 48 && bytes[i]! <= 57;
  for (let i = 15; i < bytes.length; i += 16) {
    if (!isDigit(i)) continue;
    let start = i;
    let end = i + 1;
    while (start > 0 && isDigit(start - 1)) start--;
    while (end < bytes.length && isDigit(end)) end++;
    if (end - start >= 16) return true;
  }
  return false;
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** JSON text of a value that may hold BigInts. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? rawJSON(String(v)) : v));
}
