/**
 * JSON in all its forms, planned and read: types found by looking at every record, bad records stepped over with their line, compressed
 * and damaged files, arrays, units cut at lines.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringAt } from '../../src/core/batch.ts';
import { InputError } from '../../src/core/errors.ts';
import { type InputSpec, type PlanReadOptions, planRead, type ReadPlan } from '../../src/io/read-plan.ts';
import { type ReadItem, type ReadUnitOptions, readUnit } from '../../src/io/read-unit.ts';
import { columnValues } from '../core/arrow-values.ts';
import { scratchFolder } from './scratch.ts';
import { describeWith, sharedData } from './shared-data.ts';

const folder = scratchFolder();
let files = 0;

interface Result {
  plan: ReadPlan;
  rows: Record<string, unknown>[];
  failed: Extract<ReadItem, { kind: 'failed' }>[];
  error: unknown;
  batches: number;
}

async function readAll(plan: ReadPlan, options?: ReadUnitOptions): Promise<Result> {
  const result: Result = { plan, rows: [], failed: [], error: undefined, batches: 0 };
  for (const unit of plan.units) {
    try {
      for await (const item of readUnit(unit, options)) {
        if (item.kind === 'failed') {
          result.failed.push(item);
          continue;
        }
        result.batches++;
        const { records } = item.batch;
        const columns = records.schema.fields.map(
          (field, i) => [field.name, columnValues(records.data.children[i]!)] as const,
        );
        for (let row = 0; row < records.numRows; row++) {
          result.rows.push(Object.fromEntries(columns.map(([name, values]) => [name, values[row]])));
        }
      }
    } catch (error) {
      result.error = error;
    }
  }
  return result;
}

/** Writes a file, plans and reads it. */
async function read(
  content: string | Uint8Array,
  { name = 'data.jsonl', ...spec }: Partial<InputSpec> & { name?: string } = {},
  planOptions: PlanReadOptions = {},
  options?: ReadUnitOptions,
): Promise<Result> {
  const path = join(folder, `${files++}-${name}`);
  writeFileSync(path, content);
  return readAll(await planRead([{ path, ...spec }], planOptions), options);
}

const lines = (...rows: unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n');

describe('JSON lines', () => {
  it('find the type of a column that is null for ten thousand rows and then a string', async () => {
    const rows = Array.from({ length: 10_001 }, (_, i) => ({
      text: 'x',
      note: i < 10_000 ? null : 'at last',
    }));
    const { rows: out, plan } = await read(lines(...rows));
    expect(plan.units[0]!.schema).toEqual([
      ['text', 'text'],
      ['note', 'text'],
    ]);
    expect(out[9_999]).toMatchObject({ note: null });
    expect(out[10_000]).toMatchObject({ note: 'at last' });
  });

  it('widen integers to fractions and keep 64-bit integers exact', async () => {
    const { rows, plan } = await read(
      '{"a": 1, "b": 9007199254740993}\n{"a": 2.5, "b": -9223372036854775808}',
    );
    expect(plan.units[0]!.schema).toEqual([
      ['a', 'float'],
      ['b', 'int'],
    ]);
    expect(rows.map((row) => [row.a, row.b])).toEqual([
      [1, '9007199254740993n'],
      [2.5, '-9223372036854775808n'],
    ]);
  });

  it('keep columns whose types disagree as text and warn', async () => {
    const { rows, plan } = await read(lines({ a: 'x', b: true }, { a: 7, b: 3 }, { a: { k: [1] }, b: null }));
    expect(rows.map((row) => [row.a, row.b])).toEqual([
      ['x', 'true'],
      ['7', '3'],
      ['{"k":[1]}', null],
    ]);
    expect(plan.warnings.join('\n')).toMatch(/a \(strings and integers and objects\)/);
    expect(plan.warnings.join('\n')).toMatch(/b \(integers and booleans\)/);
  });

  it('give the same types whatever the order of the records', async () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string(),
      fc.array(fc.integer(), { maxLength: 2 }),
      fc.record({ k: fc.integer() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ a: value }), { minLength: 1, maxLength: 6 }), async (rows) => {
        const forward = await read(lines(...rows));
        const backward = await read(lines(...[...rows].reverse()));
        expect(backward.plan.units[0]!.schema).toEqual(forward.plan.units[0]!.schema);
        expect(forward.failed).toEqual([]);
        expect(backward.rows.map((row) => row.a).reverse()).toEqual(forward.rows.map((row) => row.a));
      }),
      { numRuns: 25 },
    );
  });

  it('keep nested records as lists and structs', async () => {
    const messages = [
      { role: 'user', content: 'What is 2+2?' },
      { role: 'assistant', content: '4', tokens: 1 },
    ];
    const { rows } = await read(lines({ messages, tags: ['math', null], empty: {} }, { messages: null }));
    expect(rows[0]).toMatchObject({
      messages: [
        { role: 'user', content: 'What is 2+2?', tokens: null },
        { role: 'assistant', content: '4', tokens: '1n' },
      ],
      tags: ['math', null],
      empty: '{}',
    });
    expect(rows[1]).toMatchObject({ messages: null, tags: null, empty: null });
  });

  it('step over lines that are no records, each with its number', async () => {
    const bad = Buffer.concat([Buffer.from('{"text": "ab'), Buffer.from([0xff]), Buffer.from('"}')]);
    const content = Buffer.concat([
      Buffer.from('{"text":"one"}\n\n{"text": oops}\n'),
      bad,
      Buffer.from('\r\n[1,2]\nnull\n{"text":"two"}\r\n'),
    ]);
    const { rows, failed, error } = await read(content);
    expect(error).toBeUndefined();
    expect(rows.map((row) => [row.id, row.text])).toEqual([
      [`${files - 1}-data.jsonl#0`, 'one'],
      [`${files - 1}-data.jsonl#5`, 'two'],
    ]);
    expect(failed.map(({ place, count }) => [place, count])).toEqual([
      ['line 3', 1],
      ['line 4', 1],
      ['line 5', 1],
      ['line 6', 1],
    ]);
    expect(failed[1]!.problem).toBe('not UTF-8 (byte 12 of the record)');
    expect(failed[2]!.problem).toBe('expected an object, found an array');
  });

  it('skip a line beyond the limit and read on behind it', async () => {
    const content = lines({ text: 'a' }, { text: 'x'.repeat(600_000) }, { text: 'b' });
    const { rows, failed } = await read(
      content,
      {},
      { maxRecordBytes: 100_000 },
      { maxRecordBytes: 100_000 },
    );
    expect(rows.map((row) => row.text)).toEqual(['a', 'b']);
    expect(failed).toMatchObject([
      { place: 'line 2', problem: expect.stringMatching(/600011 bytes/) as string },
    ]);
  });

  it('accept a byte order mark and a last line without a newline', async () => {
    expect((await read('\ufeff{"text":"a"}\n{"text":"b"}')).rows.map((row) => row.text)).toEqual(['a', 'b']);
  });

  it('cut into units at lines, which together give every row once with its number', async () => {
    const rows = Array.from({ length: 997 }, (_, i) => ({ text: `row ${i} `.repeat(i % 40) }));
    const content = lines(...rows).replaceAll('\n', '\n\n');
    const one = await read(content);
    const many = await read(content, {}, { unitBytes: 5000 });
    expect(many.plan.units.length).toBeGreaterThan(10);
    expect(new Set(many.plan.units.map((unit) => unit.id)).size).toBe(many.plan.units.length);
    expect(many.rows.map((row) => row.text)).toEqual(rows.map((row) => row.text));
    const numbers = (result: Result): unknown[] => result.rows.map((row) => String(row.id).split('#')[1]);
    expect(numbers(many)).toEqual(numbers(one));
    expect(many.plan.units.reduce((n, unit) => n + unit.bytes, 0)).toBe(content.length);
  });

  it('report the right line from the middle of a file', async () => {
    const content = `${lines(...Array.from({ length: 300 }, (_, i) => ({ text: `row ${i}` })))}\nbroken\n`;
    const { failed, plan } = await read(content, {}, { unitBytes: 1000 });
    expect(plan.units.length).toBeGreaterThan(3);
    expect(failed).toMatchObject([{ place: 'line 301' }]);
  });

  it('bound batches in bytes', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({ text: 'z'.repeat(1000 + i) }));
    const { batches, rows: out } = await read(lines(...rows), {}, {}, { batchBytes: 20_000 });
    expect(batches).toBeGreaterThan(10);
    expect(out).toHaveLength(200);
  });

  it('with a declared schema are not scanned, and records that do not fit it fail alone', async () => {
    const { rows, failed } = await read(
      lines({ text: 'a', n: 1 }, { text: 'b', n: 'two' }, { text: 'c', n: 3, more: 1 }, { text: 'd' }),
      {
        schema: { text: 'text', n: 'int' },
      },
    );
    expect(rows.map((row) => row.text)).toEqual(['a', 'd']);
    expect(failed.map((item) => item.place)).toEqual(['line 2', 'line 3']);
    expect(failed[0]!.problem).toBe('the column "n" holds Int64, and this value is "two"');
  });
});

describe('compressed JSON lines', () => {
  const rows = Array.from({ length: 5000 }, (_, i) => ({
    text: `row ${i} ${((i * 2654435761) >>> 0).toString(36).repeat(3)}`,
  }));
  const content = Buffer.from(`${lines(...rows)}\n`);

  it('are recognised by their bytes, in one frame or many', async () => {
    const half = content.lastIndexOf(10, content.length / 2) + 1;
    const parts = [content.subarray(0, half), content.subarray(half)];
    for (const bytes of [
      gzipSync(content),
      zstdCompressSync(content),
      Buffer.concat(parts.map((p) => gzipSync(p))),
      Buffer.concat(parts.map((p) => zstdCompressSync(p))),
    ]) {
      const { rows: out, error } = await read(bytes, { name: 'data.jsonl.gz' });
      expect(error).toBeUndefined();
      expect(out.map((row) => row.text)).toEqual(rows.map((row) => row.text));
    }
  });

  it('cut short give every whole line and then the byte where they end', async () => {
    for (const [compress, name] of [
      [gzipSync, 'gzip'],
      [zstdCompressSync, 'zstd'],
    ] as const) {
      const whole = compress(content);
      const cut = whole.subarray(0, Math.floor(whole.length * 0.7));
      const { rows: out, error, plan } = await read(cut, { name: `cut.jsonl` });
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).message).toContain(`the ${name} data is cut short`);
      expect((error as InputError).place).toMatch(new RegExp(`^byte ${cut.length}, line \\d+$`));
      // Deflate blocks and zstd blocks end in different places; most of the seventy percent must be there.
      expect(out.length).toBeGreaterThan(name === 'gzip' ? 3300 : 2000);
      expect(out.map((row) => row.text)).toEqual(rows.slice(0, out.length).map((row) => row.text));
      expect(plan.warnings.join()).toMatch(/cut short; its first \d+ records are read/);
    }
  });

  it('cut short in a later frame give the frames before', async () => {
    const frame = zstdCompressSync(content);
    const { rows: out, error } = await read(Buffer.concat([frame, frame.subarray(0, 100)]), {
      name: 'two.jsonl.zst',
    });
    expect(out).toHaveLength(5000);
    expect((error as InputError).message).toMatch(/cut short/);
  });

  it('damaged in the middle give what comes before', async () => {
    const bytes = gzipSync(content);
    bytes.fill(0xff, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 20);
    const { rows: out, error } = await read(bytes, { name: 'damaged.jsonl.gz' });
    expect(out.length).toBeGreaterThan(1000);
    expect((error as InputError).message).toMatch(/gzip data is damaged/);
  });

  it('do not fill memory when they expand a thousandfold', async () => {
    // 40 MB in one record, ten times the limit, from 4 kB.
    const bomb = zstdCompressSync(
      Buffer.concat([
        Buffer.from('{"text":"'),
        Buffer.alloc(40e6, 0x20),
        Buffer.from('"}\n{"text":"after"}\n'),
      ]),
    );
    expect(bomb.length).toBeLessThan(10_000);
    const limit = { maxRecordBytes: 4e6 };
    const before = process.memoryUsage().rss;
    const { rows: out, failed } = await read(bomb, { name: 'bomb.jsonl.zst' }, limit, limit);
    expect(out.map((row) => row.text)).toEqual(['after']);
    expect(failed).toHaveLength(1);
    expect(process.memoryUsage().rss - before).toBeLessThan(40e6);
  });
});

describe('JSON files', () => {
  it('that are one array give its elements, wherever pieces are cut', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => ({
      text: `"quoted" \\ {braces} [${i}] \u{1f600}`,
      n: i,
    }));
    const { rows: out, plan } = await read(JSON.stringify(rows, null, 1), { name: 'array.json' });
    expect(plan.units[0]!.format).toBe('json');
    expect(out.map((row) => row.text)).toEqual(rows.map((row) => row.text));
  });

  it('that hold lines, or values one after the other, are read too', async () => {
    expect(
      (await read(lines({ text: 'a' }, { text: 'b' }), { name: 'lines.json' })).plan.units[0]!.format,
    ).toBe('jsonl');
    const values = await read('{\n "text": "a"\n}\n{\n "text": "b"\n}', { name: 'values.json' });
    expect(values.rows.map((row) => row.text)).toEqual(['a', 'b']);
    expect((await read('{\n "text": "a"\n}', { name: 'one.json' })).rows).toHaveLength(1);
  });

  it('with elements that are no records fail those alone', async () => {
    const { rows, failed } = await read('[{"text":"a"}, 7, "s", [1], {"text": b}, {"text":"c"}]', {
      name: 'mixed.json',
    });
    expect(rows.map((row) => row.text)).toEqual(['a', 'c']);
    expect(failed.map((item) => item.place)).toEqual(['element 1', 'element 2', 'element 3', 'element 4']);
  });

  it('cut short give the whole elements and then an error', async () => {
    const { rows, error } = await read('[{"text":"a"},{"text":"b"},{"te', { name: 'cut.json' });
    expect(rows.map((row) => row.text)).toEqual(['a', 'b']);
    expect((error as InputError).message).toMatch(/ends before it is closed, after 2 whole values/);
  });

  it('without any record are a failure of the plan', async () => {
    for (const content of ['', '\n\n', '[]']) {
      const { plan } = await read(content, { name: 'none.json' });
      expect(plan.units).toEqual([]);
      expect(plan.failures).toHaveLength(1);
    }
  });
});

describe('several files of one input', () => {
  it('get one schema', async () => {
    const sub = join(folder, 'shards');
    mkdirSync(sub);
    writeFileSync(join(sub, 'a.jsonl'), lines({ text: 'a', n: 1 }));
    writeFileSync(join(sub, 'b.jsonl.gz'), gzipSync(lines({ text: 'b', n: 1.5, extra: 'e' })));
    const { plan, rows } = await readAll(await planRead([{ path: sub }]));
    expect(plan.units.map((unit) => unit.schema)).toEqual(
      Array(2).fill([
        ['text', 'text'],
        ['n', 'float'],
        ['extra', 'text'],
      ]),
    );
    expect(rows.map((row) => [row.id, row.n, row.extra, row.source])).toEqual([
      ['shards/a.jsonl#0', 1, null, 'shards'],
      ['shards/b.jsonl.gz#0', 1.5, 'e', 'shards'],
    ]);
  });
});

describeWith('math-qa', 'real JSON data', () => {
  it.each([
    ['math-qa/gsm8k-train.jsonl', 7473],
    ['math-qa/svamp.json', 1000],
    ['math-qa/aqua-dev.json', 254],
    ['long-cot/marco-o1-cot-demo.json', 125],
    ['instruct/instruction-data-1100.json', 1100],
    ['instruct/ifeval-input.jsonl', 541],
    ['web-text/c4-demo-300.jsonl', 300],
  ])('%s gives its %i records', async (path, count) => {
    const plan = await planRead([{ path: join(sharedData, path) }]);
    let rows = 0;
    for (const unit of plan.units) {
      for await (const item of readUnit(unit)) {
        expect(item.kind).toBe('batch');
        if (item.kind !== 'batch') continue;
        rows += item.batch.records.numRows;
        expect(stringAt(item.batch.records, 'id', 0)).toMatch(/#0$/);
      }
    }
    expect(plan.failures).toEqual([]);
    expect(rows).toBe(count);
  });
});
