/**
 * Arrow files and streams: values held to the ones their makers wrote down (Apache's integration files as JSON, pyarrow's tables), every
 * layout and codec, damage, and files made to break readers.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Field, Schema, Table, tableToIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchFromVectors, batchOf, int64Vector, utf8Vector } from '../../src/core/batch.ts';
import { InputError } from '../../src/core/errors.ts';
import { openArrow } from '../../src/io/arrow-file.ts';
import { listArrowBatches, readArrowBatches } from '../../src/io/arrow-read.ts';
import { decompressLz4Frame } from '../../src/io/lz4-frame.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { planRead } from '../../src/io/read-plan.ts';
import { readUnit } from '../../src/io/read-unit.ts';
import { arrowType, columnValues, randomData } from '../core/arrow-values.ts';
import { cell, type JsonColumn, type JsonField, jsonCell } from './arrow-cells.ts';
import { scratchFolder } from './scratch.ts';
import { describeWith, sharedData } from './shared-data.ts';

const scratch = scratchFolder();
const fixtures = join(packageRoot(), 'test', 'fixtures', 'arrow');
const limitMs = 5000;

interface Whole {
  columns: Record<string, unknown[]>;
  rows: number;
  problems: string[];
  failedRows: number;
  error: InputError | undefined;
  batches: number;
}

/** Everything in a file through our reader; with `planned`, what the headers promise must be what came. */
async function readWhole(path: string, batchBytes?: number): Promise<Whole> {
  const whole: Whole = { columns: {}, rows: 0, problems: [], failedRows: 0, error: undefined, batches: 0 };
  const began = performance.now();
  try {
    const file = await openArrow(path);
    try {
      for await (const item of readArrowBatches(
        file,
        [0, Number.POSITIVE_INFINITY],
        batchBytes === undefined ? {} : { batchBytes },
      )) {
        if (item.kind === 'failed') {
          whole.problems.push(item.problem);
          whole.failedRows += item.rows;
          continue;
        }
        whole.batches++;
        whole.rows += item.records.numRows;
        for (const [i, field] of item.records.schema.fields.entries()) {
          const values = Array.from({ length: item.records.numRows }, (_, row) =>
            cell(item.records.data.children[i]!, row),
          );
          whole.columns[field.name] = (whole.columns[field.name] ?? []).concat(values);
        }
      }
    } finally {
      await file.handle.close();
    }
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    whole.error = error as InputError;
  }
  expect(performance.now() - began).toBeLessThan(limitMs);
  return whole;
}

describeWith('arrow/integration-1.0.0-littleendian', 'integration files of Apache Arrow', () => {
  const folder = join(sharedData, 'arrow', 'integration-1.0.0-littleendian');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json.gz'))) {
    const name = file.slice(0, -'.json.gz'.length);
    it(`${name} has the values of its JSON, as file and as stream`, async () => {
      const json = JSON.parse(gunzipSync(readFileSync(join(folder, file))).toString('utf8')) as {
        schema: { fields: JsonField[] };
        batches: { count: number; columns: JsonColumn[] }[];
        dictionaries?: { id: number; data: { columns: JsonColumn[] } }[];
      };
      const dictionaries = new Map((json.dictionaries ?? []).map(({ id, data }) => [id, data.columns[0]!]));
      const { fields } = json.schema;
      const twice = new Set(fields.map((field) => field.name)).size < fields.length;
      const expected = Object.fromEntries(
        (twice ? [] : fields).map((field, i) => [
          field.name,
          json.batches.flatMap(({ count, columns }) =>
            Array.from({ length: count }, (_, row) => jsonCell(field, columns[i]!, row, dictionaries)),
          ),
        ]),
      );
      for (const ending of ['arrow_file', 'stream']) {
        const whole = await readWhole(join(folder, `${name}.${ending}`));
        if (twice) {
          expect(whole.error?.message).toMatch(/two columns are named/);
          continue;
        }
        expect(whole.problems).toEqual([]);
        expect(whole.error).toBeUndefined();
        for (const [column, values] of Object.entries(expected))
          expect(whole.columns[column] ?? []).toEqual(values);
      }
    });
  }
});

describe('files of pyarrow', () => {
  const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as Record<
    string,
    unknown
  >[];
  for (const name of [
    'plain.arrow',
    'plain.arrows',
    'lz4.arrow',
    'lz4.arrows',
    'zstd.arrow',
    'zstd.arrows',
  ]) {
    it(`${name} has the table's values in windows of any size: large strings, views, dictionaries, large lists`, async () => {
      for (const batchBytes of [undefined, 700, 1]) {
        const { columns, problems, error } = await readWhole(join(fixtures, name), batchBytes);
        expect([problems, error]).toEqual([[], undefined]);
        for (const column of Object.keys(expected[0]!))
          expect(columns[column]).toEqual(expected.map((row) => row[column]));
      }
    });
  }

  it('dense and sparse unions', async () => {
    const { columns } = await readWhole(join(fixtures, 'union.arrow'), 1);
    expect(columns).toEqual({ dense: ['1', 'a', '2', 'b'], sparse: ['a', '2', 'c', '4'] });
  });

  it('are cut into units of record batches, in a stream too', async () => {
    for (const name of ['plain.arrow', 'plain.arrows', 'zstd.arrows']) {
      const plan = await planRead([{ path: join(fixtures, name) }], { unitBytes: 1 });
      expect(plan.units.map(({ batches, firstRow, rows }) => [batches, firstRow, rows])).toEqual([
        [[0, 1], 0, 64],
        [[1, 2], 64, 64],
        [[2, 3], 128, 64],
        [[3, 4], 192, 8],
      ]);
      const ids: unknown[] = [];
      for (const unit of [...plan.units].reverse())
        for await (const item of readUnit(unit)) {
          expect(item.kind).toBe('batch');
          if (item.kind === 'batch') ids.unshift(...columnValues(item.batch.records.data.children[0]!));
        }
      expect(ids).toEqual(expected.map((row) => row.id));
    }
  });

  it('a data set saved by Hugging Face datasets is its splits, by the list of each', async () => {
    const folder = join(scratch, 'saved');
    for (const split of ['train', 'test']) {
      mkdirSync(join(folder, split), { recursive: true });
      for (const file of readdirSync(join(fixtures, 'saved', split)))
        copyFileSync(join(fixtures, 'saved', split, file), join(folder, split, file));
    }
    copyFileSync(join(fixtures, 'saved', 'dataset_dict.json'), join(folder, 'dataset_dict.json'));
    copyFileSync(join(fixtures, 'plain.arrow'), join(folder, 'train', 'cache-0123.arrow'));
    const plan = await planRead([{ path: folder }]);
    expect(plan.failures).toEqual([]);
    expect(plan.units.map(({ label, rows }) => [label, rows])).toEqual([
      ['saved/test/data-00000-of-00001.arrow', 5],
      ['saved/train/data-00000-of-00002.arrow', 13],
      ['saved/train/data-00001-of-00002.arrow', 12],
    ]);
    expect(plan.warnings.join('\n')).toMatch(/splits test, train are all read/);
    const texts: unknown[] = [];
    for (const unit of plan.units)
      for await (const item of readUnit(unit))
        if (item.kind === 'batch') texts.push(...columnValues(item.batch.records.getChild('text')!.data[0]!));
    expect(texts.slice(0, 6)).toEqual(['test 0', 'test 1', 'test 2', 'test 3', 'test 4', 'train 0']);
    const train = await planRead([{ path: join(folder, 'train') }]);
    expect(train.units.map(({ rows }) => rows)).toEqual([13, 12]);
  });
});

describe('files of apache-arrow', () => {
  it('with random nested columns have the values that were written', async () => {
    await fc.assert(
      fc.asyncProperty(
        arrowType,
        fc.nat(40),
        fc.integer(),
        fc.integer({ min: 1, max: 500 }),
        async (type, rows, seed, batchBytes) => {
          let state = seed >>> 0;
          const next = (): number => (state = (state * 1664525 + 1013904223) >>> 0) / 2 ** 32;
          const data = randomData(type, rows, next);
          const records = batchFromVectors({ n: int64Vector(Array.from({ length: rows }, (_, i) => i)) });
          const schema = new Schema([records.schema.fields[0]!, new Field('x', type, true)]);
          const both = batchOf(schema, [records.data.children[0]!, data], rows);
          const path = join(scratch, 'random.arrow');
          writeFileSync(path, tableToIPC(new Table([both]), seed % 2 === 0 ? 'file' : 'stream'));
          const { columns, problems, error } = await readWhole(path, batchBytes);
          expect([problems, error]).toEqual([[], undefined]);
          expect(columns.x ?? []).toEqual(Array.from({ length: rows }, (_, row) => cell(data, row)));
        },
      ),
      { numRuns: 30, seed: 5 },
    );
  });
});

describeWith('arrow/fuzz', 'fuzzed Arrow files', () => {
  const folder = join(sharedData, 'arrow', 'fuzz');
  it('all end soon in rows, failed batches or an error that names the file', async () => {
    const before = process.memoryUsage().rss;
    for (const name of readdirSync(folder)) {
      const { error, problems, failedRows } = await readWhole(join(folder, name));
      expect(failedRows).toBeLessThan(1e9);
      for (const problem of problems)
        expect(problem).not.toMatch(
          /undefined \(reading|is not a function|Invalid typed array|allocation failed/,
        );
      if (error !== undefined) {
        expect(error.message).toContain(name);
        expect(error.message).not.toMatch(
          /undefined \(reading|is not a function|RangeError|Invalid typed array/,
        );
      }
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
  });
});

describe('damaged Arrow files', () => {
  const good = (name: string): Buffer => readFileSync(join(fixtures, name));

  it('cut short give the record batches before, a warning in the plan and an error at the end', async () => {
    for (const name of ['plain.arrow', 'plain.arrows', 'lz4.arrow']) {
      const bytes = good(name);
      const path = join(scratch, `cut-${name}`);
      for (let cut = 5; cut < bytes.length - 8; cut += 1511) {
        writeFileSync(path, bytes.subarray(0, cut));
        const { rows, error, columns } = await readWhole(path);
        expect(rows % 64 === 0 || rows === 200).toBe(true);
        if (rows > 0) expect(columns.id).toEqual(Array.from({ length: rows }, (_, i) => `doc-${i}`));
        if (rows < 192) expect(error?.message).toMatch(/cut short|not an Arrow file/);
      }
      writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
      const plan = await planRead([{ path }]);
      expect(plan.warnings.join('\n')).toMatch(/cut short.*its first \d+ rows are read/);
      await expect(async () => {
        for (const unit of plan.units) for await (const _ of readUnit(unit));
      }).rejects.toThrow(/cut short/);
    }
  });

  it('with any byte changed end in rows, failed batches or an InputError', async () => {
    const path = join(scratch, 'flipped.arrow');
    for (const name of ['plain.arrow', 'zstd.arrows', 'lz4.arrow', 'union.arrow']) {
      const bytes = good(name);
      for (let i = 0; i < 40; i++) {
        const changed = Buffer.from(bytes);
        changed[Math.floor((i * 7919 + i * i * 31) % bytes.length)]! ^= 1 << (i % 8);
        writeFileSync(path, changed);
        await readWhole(path);
      }
    }
  });

  it('one damaged batch costs its own rows', async () => {
    const bytes = Buffer.from(good('zstd.arrow'));
    const file = await openArrow(join(fixtures, 'zstd.arrow'));
    const { batches } = await listArrowBatches(file);
    await file.handle.close();
    // The first compressed buffer of the second batch.
    const frame = bytes.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), batches[1]!.start);
    bytes.fill(0xff, frame + 4, frame + 12);
    const path = join(scratch, 'one-batch.arrow');
    writeFileSync(path, bytes);
    const { rows, failedRows, problems } = await readWhole(path);
    expect([rows, failedRows]).toEqual([200 - 64, 64]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/column "/);
  });

  it('of Feather version 1, big-endian files and other content are named', async () => {
    const refused = async (content: string | Buffer): Promise<string | undefined> => {
      const path = join(scratch, 'other.arrow');
      writeFileSync(path, content);
      return (await readWhole(path)).error?.message;
    };
    expect(await refused('FEA1........')).toMatch(/Feather file of version 1/);
    expect(await refused('<!doctype html><title>404</title>')).toMatch(/not an Arrow file or stream/);
    expect(await refused('')).toMatch(/not an Arrow file or stream/);
  });

  it('texts that are not UTF-8 are kept with U+FFFD and counted', async () => {
    const records = batchFromVectors({ text: utf8Vector(['good', 'bXd', 'also good']) });
    const bytes = Buffer.from(tableToIPC(new Table([records]), 'file'));
    bytes[bytes.indexOf('bXd') + 1] = 0xff;
    const path = join(scratch, 'latin.arrow');
    writeFileSync(path, bytes);
    const plan = await planRead([{ path }]);
    const tally = { skipped: {}, repaired: 0 };
    for await (const item of readUnit(plan.units[0]!, { tally }))
      if (item.kind === 'batch')
        expect(columnValues(item.batch.records.getChild('text')!.data[0]!)).toEqual([
          'good',
          'b\uFFFDd',
          'also good',
        ]);
    expect(tally.repaired).toBe(1);
  });
});

describe('decompressLz4Frame', () => {
  it('refuses what would write or read outside', () => {
    const frame = (...block: number[]): Uint8Array =>
      Uint8Array.from([4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, block.length, 0, 0, 0, ...block, 0, 0, 0, 0]);
    expect(Buffer.from(decompressLz4Frame(frame(0x30, 97, 98, 99), 3)).toString()).toBe('abc');
    // Three literals, then ten bytes from three back.
    expect(Buffer.from(decompressLz4Frame(frame(0x36, 97, 98, 99, 3, 0, 0x10, 33), 14)).toString()).toBe(
      'abcabcabcabca!',
    );
    expect(() => decompressLz4Frame(frame(0x36, 97, 98, 99, 4, 0, 0x10, 33), 14)).toThrow(
      /reaches 4 bytes back/,
    );
    expect(() => decompressLz4Frame(frame(0x36, 97, 98, 99, 3, 0, 0x10, 33), 5)).toThrow(
      /more than the 5 bytes/,
    );
    expect(() => decompressLz4Frame(frame(0x30, 97, 98, 99), 4)).toThrow(/has 3 bytes where 4/);
    expect(() => decompressLz4Frame(frame(0xf0, 255, 255), 1000)).toThrow(/cut short/);
  });
});
