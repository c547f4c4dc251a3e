/**
 * YAML that PyYAML's SafeLoader reads as it was meant. PyYAML follows YAML 1.1, where `1e-8` is a string and `5` is no float; loaders with
 * strict dataclasses (Nanotron's dacite) refuse both. So floats are marked, and written with a point and an exponent that 1.1 knows; every
 * string is quoted.
 */

/** A number whose Python type is float, whatever its value. */
export class PythonFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export const float = (value: number): PythonFloat => new PythonFloat(value);

export type Yaml =
  | null
  | boolean
  | number
  | string
  | PythonFloat
  | readonly Yaml[]
  | { readonly [key: string]: Yaml };

/** A number as Python writes a float: `5.0`, `1.0e-08`. */
export function floatText(value: number): string {
  const text = String(value);
  const [mantissa, exponent] = text.split('e') as [string, string | undefined];
  const whole = mantissa.includes('.') ? mantissa : `${mantissa}.0`;
  if (exponent === undefined) return whole;
  const digits = exponent.replace(/^[+-]/, '').padStart(2, '0');
  return `${whole}e${exponent.startsWith('-') ? '-' : '+'}${digits}`;
}

/** One document, keys in the order given. */
export function pythonYaml(value: Readonly<Record<string, Yaml>>): string {
  return `${linesOf(value).join('\n')}\n`;
}

function linesOf(value: Yaml): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: Yaml) => {
      const [first, ...rest] = isNested(item) ? linesOf(item) : [scalar(item)];
      return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
    });
  }
  return Object.entries(value as Record<string, Yaml>).flatMap(([key, item]) => {
    if (!isNested(item)) return [`${key}: ${scalar(item)}`];
    const indent = Array.isArray(item) ? '' : '  ';
    return [`${key}:`, ...linesOf(item).map((line) => `${indent}${line}`)];
  });
}

function isNested(value: Yaml): boolean {
  if (value === null || typeof value !== 'object' || value instanceof PythonFloat) return false;
  return Object.keys(value).length > 0;
}

function scalar(value: Yaml): string {
  if (value instanceof PythonFloat) return floatText(value.value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return '[]';
  if (value !== null && typeof value === 'object') return '{}';
  return String(value);
}
