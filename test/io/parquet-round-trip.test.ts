/**
 * Parquet out and in again: random tables of every type come back with equal types and values, whatever the sizes of batches and row
 * groups; the same batches give the same bytes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dictionary, Field, Int32, Schema, Utf8, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import {
  batchFromVectors,
  batchOf,
  bytesOf,
  int32Vector,
  sliceRows,
  utf8Vector,
} from '../../src/core/batch.ts';
import { UserError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { arrowType, randomData } from '../core/arrow-values.ts';
import { readWhole, tableValues } from './parquet-rows.ts';
import { scratchFolder } from './scratch.ts';

const folder = scratchFolder();
let files = 0;
const nextPath = (): string => join(folder, `${files++}.parquet`);

describe('ParquetOutput', () => {
  it('gives back equal types and values for random nested tables', async () => {
    const table = fc.record({
      types: fc.array(fc.tuple(arrowType, fc.boolean()), { minLength: 1, maxLength: 4 }),
      lengths: fc.array(fc.nat(40), { maxLength: 4 }),
      seed: fc.nat(2 ** 31),
      rowGroupBytes: fc.constantFrom(1, 300, 1 << 20),
      batchBytes: fc.constantFrom(1, 500, 1 << 20),
    });
    await fc.assert(
      fc.asyncProperty(table, async ({ types, lengths, seed, rowGroupBytes, batchBytes }) => {
        const random = new Random(seed);
        // Null columns are nullable by nature.
        const fields = types.map(
          ([type, nullable], i) => new Field(`column ${i}`, type, nullable || String(type) === 'Null'),
        );
        const schema = new Schema(fields);
        const batches = lengths.map((n) =>
          batchOf(
            schema,
            fields.map((f) => randomData(f.type, n, () => random.float(), f.nullable)),
            n,
          ),
        );
        const path = nextPath();
        const output = new ParquetOutput(path, schema, { rowGroupBytes });
        for (const records of batches) await output.write(records);
        const { rows } = await output.finish();
        expect(rows).toBe(lengths.reduce((a, b) => a + b, 0));
        const back = await readWhole(path, batchBytes);
        expect(back.problems).toEqual([]);
        expect(back.schema).toBe(String(schema));
        expect(tableValues(back.batches)).toEqual(tableValues(batches.filter((b) => b.numRows > 0)));
      }),
      { numRuns: 30 },
    );
  });

  it('writes the same bytes for the same batches', async () => {
    const texts = Array.from({ length: 500 }, (_, i) =>
      i % 7 === 0 ? null : `document ${i} `.repeat(i % 50),
    );
    const records = batchFromVectors({ text: utf8Vector(texts), n: int32Vector(texts.map((_, i) => i)) });
    const write = async (): Promise<{ path: string; sha256: string }> => {
      const path = nextPath();
      const output = new ParquetOutput(path, records.schema, { rowGroupBytes: 10_000 });
      await output.write(sliceRows(records, 0, 123));
      await output.write(sliceRows(records, 123, 500));
      return { path, sha256: (await output.finish()).sha256 };
    };
    const [a, b] = [await write(), await write()];
    expect(a.sha256).toBe(b.sha256);
    expect(readFileSync(a.path).equals(readFileSync(b.path))).toBe(true);
  });

  it('keeps row groups below the byte limit, except for single rows that are larger', async () => {
    const texts = Array.from({ length: 200 }, (_, i) => 'x'.repeat(i === 100 ? 50_000 : 100));
    const records = batchFromVectors({ text: utf8Vector(texts) });
    const path = nextPath();
    const output = new ParquetOutput(path, records.schema, { rowGroupBytes: 2000 });
    await output.write(records);
    await output.finish();
    const { row_groups } = parquetMetadata(readFileSync(path));
    const sizes = row_groups.map((group) => [Number(group.num_rows), Number(group.total_byte_size)] as const);
    expect(sizes.reduce((n, [rows]) => n + rows, 0)).toBe(200);
    for (const [rows, bytes] of sizes) if (rows > 1) expect(bytes).toBeLessThan(50_000);
    expect(sizes.length).toBeGreaterThan(10);
    expect(tableValues((await readWhole(path)).batches).text).toEqual(texts);
  });

  it('writes dictionaries as the values they stand for', async () => {
    const vector = vectorFromArray(['x', 'y', null, 'x'], new Dictionary(new Utf8(), new Int32()));
    const records = batchFromVectors({ d: vector });
    const path = nextPath();
    const output = new ParquetOutput(path, records.schema);
    await output.write(records);
    await output.finish();
    expect(tableValues((await readWhole(path)).batches)).toEqual({ d: ['x', 'y', null, 'x'] });
  });

  it('leaves nothing under the final name when it is aborted', async () => {
    const records = batchFromVectors({ n: int32Vector([1, 2]) });
    const path = nextPath();
    const output = new ParquetOutput(path, records.schema, { rowGroupBytes: 1 });
    await output.write(records);
    await output.abort();
    await expect(readWhole(path)).rejects.toThrow(/cannot be opened/);
  });

  it('refuses a batch with other columns, and a null where the schema allows none', async () => {
    const schema = new Schema([new Field('text', new Utf8(), false)]);
    const output = new ParquetOutput(nextPath(), schema);
    await expect(output.write(batchFromVectors({ other: utf8Vector(['a']) }))).rejects.toThrow(
      /does not have the columns/,
    );
    await output.write(batchOf(schema, [utf8Vector(['a', null]).data[0]!], 2));
    await expect(output.finish()).rejects.toThrow(UserError);
    await output.abort();
  });
});

describe('reading in batches', () => {
  it('bounds every batch in bytes, however uneven the rows are', async () => {
    const random = new Random(1);
    const texts = Array.from({ length: 3000 }, (_, i) =>
      'y'.repeat(i % 500 === 499 ? 60_000 : random.int(200)),
    );
    const records = batchFromVectors({ text: utf8Vector(texts), n: int32Vector(texts.map((_, i) => i)) });
    const path = nextPath();
    const output = new ParquetOutput(path, records.schema);
    await output.write(records);
    await output.finish();
    const { batches } = await readWhole(path, 20_000);
    for (const batch of batches)
      if (batch.numRows > 1) expect(bytesOf(batch)).toBeLessThanOrEqual(20_000 + 64);
    expect(batches.length).toBeGreaterThan(20);
    expect(tableValues(batches).text).toEqual(texts);
  });
});
