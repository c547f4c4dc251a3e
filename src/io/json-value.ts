/**
 * JSON with whole 64-bit integers: numbers of 16 digits and more that a double cannot hold arrive as BigInt and are written back digit for
 * digit. Uses the source text that JSON.parse gives its reviver (ECMAScript "JSON.parse source text access"); lines without such a
 * number take the fast path.
 */

const manyDigits = /\d{16}/;

export function parseJson(text: string): unknown {
  if (!manyDigits.test(text)) return JSON.parse(text);
  return (JSON.parse as (text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown) => unknown)(
    text,
    (_key, value, context) =>
      typeof value === 'number' && !Number.isSafeInteger(value) && context.source !== undefined && /^-?\d+$/.test(context.source)
        ? BigInt(context.source)
        : value,
  );
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** JSON text of a value that may hold BigInts. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? rawJSON(String(v)) : v));
}
