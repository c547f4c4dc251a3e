/**
 * Strings of foreign files made valid UTF-8: Parquet and Arrow say that their strings are, and nobody checks when they are written. Bytes
 * that are not become U+FFFD (WHATWG decoding), row by row, so that one bad row does not cost its batch. Valid columns are not copied.
 */
import { isUtf8 } from 'node:buffer';
import type { Data } from 'apache-arrow';
import { Utf8Builder } from '../core/batch.ts';

/** The column with valid strings, and how many rows had to change. */
export function repairUtf8(data: Data): { data: Data; rows: number } {
  const offsets = data.valueOffsets as Int32Array;
  const values = data.values as Uint8Array;
  const n = data.length;
  if (n === 0 || isValid(values, offsets, n)) return { data, rows: 0 };
  const builder = new Utf8Builder(n, offsets[n]! - offsets[0]!);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rows = 0;
  for (let i = 0; i < n; i++) {
    if (!data.getValid(i)) {
      builder.appendBytes(null);
      continue;
    }
    const bytes = values.subarray(offsets[i], offsets[i + 1]);
    if (isUtf8(bytes)) builder.appendBytes(bytes);
    else {
      rows++;
      builder.append(decoder.decode(bytes));
    }
  }
  return { data: builder.finish().data[0]!, rows };
}

/** All bytes together are UTF-8, and no row begins inside a character. */
function isValid(values: Uint8Array, offsets: Int32Array, n: number): boolean {
  const [first, last] = [offsets[0]!, offsets[n]!];
  if (!isUtf8(values.subarray(first, last))) return false;
  for (let i = 0; i < n; i++) {
    const at = offsets[i]!;
    if (at < last && (values[at]! & 0xc0) === 0x80) return false;
  }
  return true;
}
