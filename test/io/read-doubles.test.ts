/** Columns of numbers read directly: the same values and nulls as through Arrow, whatever the nulls, pages and row groups. */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchFromVectors, nullableFloat64Vector, utf8Vector } from '../../src/core/batch.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { readDoubles } from '../../src/io/read-doubles.ts';
import { scratchFolder } from './scratch.ts';

const folder = scratchFolder();
let files = 0;

async function write(columns: Record<string, (number | null)[]>, rowGroupBytes: number): Promise<string> {
  const path = join(folder, `${files++}.parquet`);
  const vectors = Object.entries(columns).map(([name, values]) => [
    name,
    nullableFloat64Vector(
      values.map((value) => value ?? 7),
      (k) => values[k] !== null,
    ),
  ]);
  const rows = Object.values(columns)[0]!.length;
  const batch = batchFromVectors({ id: utf8Vector(Array(rows).fill('x')), ...Object.fromEntries(vectors) });
  const output = new ParquetOutput(path, batch.schema, { rowGroupBytes });
  await output.write(batch);
  await output.finish();
  return path;
}

describe('numbers of Parquet columns', () => {
  it('come back exactly, nulls apart from NaN, from any row groups', async () => {
    const value = fc.oneof(fc.double(), fc.constant(null), fc.constant(Number.NaN), fc.constant(-0));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(64, 1000, 1 << 20),
        async (rows, rowGroupBytes) => {
          const [a, b] = [rows.map(([x]) => x), rows.map(([, x]) => x)];
          const path = await write({ a, b }, rowGroupBytes);
          const found = await readDoubles(path, [0, 1 << 20], ['b', 'a']);
          expect(found.rows).toBe(rows.length);
          for (const [i, column] of [b, a].entries()) {
            expect([...found.values[i]!]).toEqual(column.map((x) => x ?? Number.NaN));
            expect([...(found.missing[i] ?? new Uint8Array(rows.length))]).toEqual(
              column.map((x) => (x === null ? 1 : 0)),
            );
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('come from the row groups asked for, over many pages', async () => {
    const values = Array.from({ length: 400_000 }, (_, i) => (i % 1000 === 3 ? null : i));
    const path = await write({ a: values }, 1_600_000);
    const all = await readDoubles(path, [0, 100], ['a']);
    const first = await readDoubles(path, [0, 1], ['a']);
    const rest = await readDoubles(path, [1, 100], ['a']);
    expect(first.rows).toBeGreaterThan(0);
    expect(first.rows + rest.rows).toBe(400_000);
    expect(
      Buffer.compare(
        Buffer.from(all.values[0]!.slice(first.rows).buffer),
        Buffer.from(rest.values[0]!.buffer),
      ),
    ).toBe(0);
    expect(all.missing[0]!.reduce((n, x) => n + x, 0)).toBe(400);
    expect(all.values[0]![399_999]).toBe(399_999);
  });

  it('refuse a column that is not there, holds no numbers, or is damaged, with file and column', async () => {
    const path = await write({ a: [1, 2, 3] }, 1000);
    await expect(readDoubles(path, [0, 1], ['c'])).rejects.toThrow(/parquet.*no column "c"/);
    await expect(readDoubles(path, [0, 1], ['id'])).rejects.toThrow(/"id" holds Utf8, not numbers/);
    truncateSync(path, 40);
    await expect(readDoubles(path, [0, 1], ['a'])).rejects.toThrow(/cut short/);
  });
});
