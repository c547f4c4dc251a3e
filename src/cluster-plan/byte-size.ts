/**
 * Amounts of bytes as people write them in a description of machines: `80 GB`, `256 GiB`, `2 GB/s`. The unit must be written: GB and GiB differ by
 * 7 %, and a bare number would be read either way.
 */
import { z } from 'zod';

const decimal = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const binary = ['', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes, or undefined if the text is not such an amount. */
export function parseBytes(text: string): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  if (match === null) return undefined;
  const [thousands, powers] = [decimal.indexOf(match[2]!), binary.indexOf(match[2]!)];
  if (thousands >= 0) return Number(match[1]) * 1000 ** thousands;
  return powers > 0 ? Number(match[1]) * 1024 ** powers : undefined;
}

/** `80 GB`, `256 GiB`. */
export const bytesSchema = amountOf('', 'bytes with their unit, such as "80 GB" (10^9) or "256 GiB" (2^30)');

/** `2 GB/s`. */
export const bytesPerSecondSchema = amountOf('/s', 'bytes a second with their unit, such as "2 GB/s"');

function amountOf(suffix: string, expected: string) {
  return z.preprocess(
    (value) =>
      typeof value === 'string' && value.trim().endsWith(suffix)
        ? (parseBytes(value.trim().slice(0, value.trim().length - suffix.length)) ?? Number.NaN)
        : Number.NaN,
    z.number({ error: `must be ${expected}` }).positive({ error: `must be ${expected}, above 0` }),
  );
}

/** Bytes for people in powers of a thousand, as disks are sold: `3.40 GB`. */
export function showBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit + 1 < decimal.length) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : Number(value.toPrecision(3))} ${decimal[unit]}`;
}

/** In powers of 1,024, as memory is: `12.3 GiB`. */
export function showMemory(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit + 1 < binary.length) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : Number(value.toPrecision(3))} ${unit === 0 ? 'B' : binary[unit]}`;
}
