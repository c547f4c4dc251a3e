/**
 * Batches: builders, gathering rows, adding columns, counting bytes. Properties hold for random columns of every type.
 */
import { Dictionary, Field, Int32, List, Schema, Utf8, type Vector, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  batchFromVectors,
  batchOf,
  boolVector,
  bytesAt,
  bytesOf,
  constantUtf8Vector,
  float64Vector,
  gatherRows,
  int32Vector,
  int64Vector,
  selectColumns,
  sliceRows,
  stringAt,
  Utf8Builder,
  utf8Vector,
  withColumns,
} from '../../src/core/batch.ts';
import { UserError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { arrowType, columnValues, randomData } from './arrow-values.ts';

describe('Utf8Builder', () => {
  it('takes a character of several bytes when not even its first byte fits', () => {
    // One byte is left and the text has one unit of three bytes: nothing can be written before the buffer grows.
    const builder = new Utf8Builder(1, 64);
    builder.append('a'.repeat(63));
    builder.append('€');
    expect(stringAt(batchFromVectors({ text: builder.finish() }), 'text', 1)).toBe('€');
  });

  it('holds any strings and nulls as given', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.string({ unit: 'grapheme', maxLength: 40 })), { maxLength: 200 }),
        (texts) => {
          const builder = new Utf8Builder(1, 1);
          for (const text of texts) builder.append(text);
          const vector = builder.finish();
          expect(vector.length).toBe(texts.length);
          expect(vector.nullCount).toBe(texts.filter((t) => t === null).length);
          expect([...vector]).toEqual(texts);
        },
      ),
    );
  });

  it('takes bytes and slices of bytes as they are', () => {
    const builder = new Utf8Builder();
    const source = Buffer.from('häßlich '.repeat(10));
    builder.appendBytes(source);
    builder.appendBytes(null);
    builder.appendSlice(source, 0, 9);
    builder.appendSlice(source, 0, source.length);
    builder.appendBytes(new Uint8Array(0));
    expect([...builder.finish()]).toEqual([
      'häßlich '.repeat(10),
      null,
      'häßlich',
      'häßlich '.repeat(10),
      '',
    ]);
  });

  it('writes a lone surrogate as U+FFFD and keeps the next row apart', () => {
    const builder = new Utf8Builder();
    builder.append('a\ud800');
    builder.append('b');
    expect([...builder.finish()]).toEqual(['a\ufffd', 'b']);
  });

  it('marks nulls that come after hundreds of values', () => {
    const builder = new Utf8Builder(1, 1);
    for (let i = 0; i < 1000; i++) builder.append(i === 777 ? null : String(i));
    const vector = builder.finish();
    expect(vector.get(776)).toBe('776');
    expect(vector.get(777)).toBeNull();
    expect(vector.get(999)).toBe('999');
  });
});

describe('vectors', () => {
  it('carry the values they are given', () => {
    expect([...float64Vector([1.5, Number.NaN, -0])]).toEqual([1.5, Number.NaN, -0]);
    expect([...int32Vector([1, -2])]).toEqual([1, -2]);
    expect([...int64Vector([1, 2n ** 62n])]).toEqual([1n, 2n ** 62n]);
    expect([...boolVector([true, false, true, true, false, false, true, false, true])]).toEqual([
      true,
      false,
      true,
      true,
      false,
      false,
      true,
      false,
      true,
    ]);
    expect([...constantUtf8Vector('web', 3)]).toEqual(['web', 'web', 'web']);
    expect([...constantUtf8Vector(null, 2)]).toEqual([null, null]);
  });
});

describe('gatherRows', () => {
  it('gives exactly the chosen rows for columns of any type, from whole batches and from slices', () => {
    fc.assert(
      fc.property(
        arrowType,
        fc.nat(60),
        fc.nat(2 ** 31),
        fc.array(fc.nat(59), { maxLength: 40 }),
        (type, length, seed, picks) => {
          const random = new Random(seed);
          const data = randomData(type, length, () => random.float());
          const whole = batchOf(new Schema([new Field('c', type, true)]), [data], length);
          const start = length === 0 ? 0 : random.int(length);
          for (const records of [whole, sliceRows(whole, start, length)]) {
            const rows = picks.filter((row) => row < records.numRows);
            const source = columnValues(records.data.children[0]!);
            const gathered = gatherRows(records, rows);
            expect(gathered.numRows).toBe(rows.length);
            expect(columnValues(gathered.data.children[0]!)).toEqual(rows.map((row) => source[row]));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('agrees with what apache-arrow itself reads', () => {
    const records = batchFromVectors({
      text: utf8Vector(['a', null, 'ccc', 'dd']),
      list: vectorFromArray([[1, 2], null, [], [3]], new List(new Field('element', new Int32(), true))),
      big: int64Vector([1n, 2n ** 60n, 3n, 4n]),
    });
    const out = gatherRows(records, [3, 1, 1]);
    expect(
      out
        .toArray()
        .map((row) => JSON.stringify(row, (_k, v: unknown) => (typeof v === 'bigint' ? String(v) : v))),
    ).toEqual([
      '{"text":"dd","list":[3],"big":"4"}',
      '{"text":null,"list":null,"big":"1152921504606846976"}',
      '{"text":null,"list":null,"big":"1152921504606846976"}',
    ]);
  });

  it('copies: the source can change afterwards', () => {
    const text = utf8Vector(['one', 'two']);
    const out = gatherRows(batchFromVectors({ text }), [1]);
    (text.data[0]!.values as Uint8Array).fill(0);
    expect(stringAt(out, 'text', 0)).toBe('two');
  });

  it('keeps dictionaries', () => {
    const type = new Dictionary(new Utf8(), new Int32());
    const vector = vectorFromArray(['x', 'y', null, 'x'], type);
    const out = gatherRows(batchFromVectors({ d: vector as Vector }), [3, 2, 1]);
    expect([0, 1, 2].map((row) => stringAt(out, 'd', row))).toEqual(['x', null, 'y']);
  });

  it('refuses rows that are not there', () => {
    expect(() => gatherRows(batchFromVectors({ a: int32Vector([1]) }), [1])).toThrow(/row 1 of a batch of 1/);
  });
});

describe('columns', () => {
  const records = batchFromVectors({ id: utf8Vector(['a', 'b']), n: int32Vector([1, 2]) });

  it('are appended, and replaced in place by name', () => {
    const out = withColumns(records, [
      { name: 'n', vector: float64Vector([0.5, 1.5]) },
      { name: 'score', vector: float64Vector([9, 8]) },
    ]);
    expect(out.schema.fields.map((f) => `${f.name}:${f.type}`)).toEqual([
      'id:Utf8',
      'n:Float64',
      'score:Float64',
    ]);
    expect(out.get(1)?.toJSON()).toEqual({ id: 'b', n: 1.5, score: 8 });
    expect(records.schema.fields).toHaveLength(2);
  });

  it('must have a row for each row of the batch', () => {
    expect(() => withColumns(records, [{ name: 'x', vector: int32Vector([1]) }])).toThrow(
      /column x has 1 rows, the batch has 2/,
    );
  });

  it('can be chosen by name', () => {
    expect(selectColumns(records, ['n']).schema.fields.map((f) => f.name)).toEqual(['n']);
    expect(() => selectColumns(records, ['m'])).toThrow(UserError);
  });

  it('are named in the error when one is missing', () => {
    expect(() => stringAt(records, 'text', 0)).toThrow('there is no column "text"; the columns are id, n');
    expect(() => stringAt(records, 'n', 0)).toThrow(/holds Int32, not text/);
  });
});

describe('bytesOf', () => {
  it('counts what the rows use and not the buffers behind them', () => {
    const text = 'x'.repeat(1000);
    const records = batchFromVectors({ text: utf8Vector(Array.from({ length: 100 }, () => text)) });
    expect(bytesOf(records)).toBe(100 * 1000 + 101 * 4);
    expect(bytesOf(sliceRows(records, 10, 11))).toBe(1000 + 2 * 4);
    expect(bytesAt(records, 'text', 5)?.length).toBe(1000);
  });

  it('does not grow when all rows are gathered', () => {
    fc.assert(
      fc.property(arrowType, fc.integer({ min: 1, max: 40 }), fc.nat(2 ** 31), (type, length, seed) => {
        const random = new Random(seed);
        const records = batchOf(
          new Schema([new Field('c', type, true)]),
          [randomData(type, length, () => random.float(), false)],
          length,
        );
        const rows = Array.from({ length }, (_, i) => i);
        expect(bytesOf(gatherRows(records, rows))).toBeLessThanOrEqual(bytesOf(records));
      }),
    );
  });
});
