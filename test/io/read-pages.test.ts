/**
 * Folders of pages, document columns, and what a plan does with folders: order, links, kinds of files.
 */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DateDay, Field, Int64, Schema, Timestamp, TimeUnit, Utf8, vectorFromArray } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import {
  batchFromVectors,
  batchOf,
  bytesAt,
  int64Vector,
  stringAt,
  utf8Vector,
} from '../../src/core/batch.ts';
import { InputError, UserError } from '../../src/core/errors.ts';
import { declaredCharset, toUtf8 } from '../../src/io/charset.ts';
import { planDocumentColumns, withDocumentColumns } from '../../src/io/document-columns.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { planRead } from '../../src/io/read-plan.ts';
import { readUnit } from '../../src/io/read-unit.ts';
import { walkFolder } from '../../src/io/walk-folder.ts';
import { scratchFolder } from './scratch.ts';
import { describeWith, sharedData } from './shared-data.ts';

const folder = scratchFolder();

async function pagesOf(
  path: string,
  unitBytes?: number,
): Promise<{ ids: string[]; html: string[]; failed: string[]; units: number }> {
  const plan = await planRead([{ path }], unitBytes === undefined ? {} : { unitBytes });
  const out = { ids: [] as string[], html: [] as string[], failed: [] as string[], units: plan.units.length };
  for (const unit of plan.units) {
    for await (const item of readUnit(unit, { batchBytes: 1000 })) {
      if (item.kind === 'failed') {
        out.failed.push(item.place);
        continue;
      }
      const { records } = item.batch;
      for (let row = 0; row < records.numRows; row++) {
        out.ids.push(stringAt(records, 'id', row)!);
        out.html.push(stringAt(records, 'html', row)!);
        expect(stringAt(records, 'url', row)).toBe(stringAt(records, 'id', row));
      }
    }
  }
  return out;
}

describe('folders of pages', () => {
  it('are read in the order of their paths, in units of bounded size, without links that lead out', async () => {
    const root = join(folder, 'site');
    mkdirSync(join(root, 'sub', '.git'), { recursive: true });
    writeFileSync(join(folder, 'secret.html'), 'outside');
    for (const name of [
      'b.html',
      'a.htm',
      'sub/c.HTML',
      'sub/.git/x.html',
      '.hidden.html',
      'note.txt',
      'style.css',
    ]) {
      writeFileSync(join(root, name), `<p>${name}</p>`);
    }
    symlinkSync(join(folder, 'secret.html'), join(root, 'leak.html'));
    symlinkSync(join(root, 'b.html'), join(root, 'same.html'));
    symlinkSync(root, join(root, 'sub', 'loop'));
    const listing = await walkFolder(root);
    expect(listing.links.sort()).toEqual(['leak.html', 'sub/loop']);
    const { ids, html, units } = await pagesOf(root, 20);
    expect(ids).toEqual(['a.htm', 'b.html', 'same.html', 'sub/c.HTML']);
    expect(html).toEqual(['<p>a.htm</p>', '<p>b.html</p>', '<p>b.html</p>', '<p>sub/c.HTML</p>']);
    expect(units).toBe(4);
    const plan = await planRead([{ path: root }]);
    expect(plan.warnings.join('\n')).toMatch(/2 symbolic links were not followed/);
    expect(plan.warnings.join('\n')).toMatch(/2 files of other kinds were left out/);
  });

  it('report pages that vanish or cannot be read, and go on', async () => {
    const root = join(folder, 'fragile');
    mkdirSync(root);
    for (const name of ['a.html', 'b.html', 'c.html']) writeFileSync(join(root, name), name);
    const plan = await planRead([{ path: root }]);
    rmSync(join(root, 'b.html'));
    const seen: string[] = [];
    for await (const item of readUnit(plan.units[0]!)) {
      seen.push(
        item.kind === 'failed'
          ? `failed ${item.place} ${item.count}`
          : `batch ${item.batch.origin.firstRow}+${item.batch.records.numRows}`,
      );
    }
    expect(seen).toEqual(['batch 0+1', 'failed b.html 1', 'batch 2+1']);
  });

  it('of an empty or missing path are the user’s mistake', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    await expect(planRead([{ path: empty }])).rejects.toThrow(UserError);
    await expect(planRead([{ path: join(folder, 'nowhere') }])).rejects.toThrow(
      /there is no such file or folder/,
    );
  });
});

describe('character sets', () => {
  const page = (charset: string, body: Buffer): Buffer =>
    Buffer.concat([Buffer.from(`<html><head><meta charset="${charset}"></head><body>`), body]);
  const text = (bytes: Uint8Array): string => Buffer.from(toUtf8(bytes).utf8).toString('utf8');

  it('are taken from the byte order mark first', () => {
    expect(text(Buffer.from('\ufeffä'))).toBe('ä');
    expect(text(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('∑x', 'utf16le')]))).toBe('∑x');
    expect(text(Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from([0x22, 0x11])]))).toBe('∑');
  });

  it('are UTF-8 when the bytes are, whatever the page says', () => {
    expect(text(page('iso-8859-1', Buffer.from('naïve')))).toContain('naïve');
  });

  it('are the declared ones otherwise', () => {
    expect(text(page('iso-8859-2', Buffer.from([0xb1, 0xe6])))).toContain('ąć');
    expect(text(page('shift_jis', Buffer.from([0x90, 0x94])))).toContain('数');
    expect(
      text(
        Buffer.concat([
          Buffer.from('<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'),
          Buffer.from([0xd0]),
        ]),
      ),
    ).toContain('п');
    expect(declaredCharset(Buffer.from('<?xml version="1.0" encoding="ISO-8859-15"?>'))).toBe('iso-8859-15');
  });

  it('are windows-1252 when nothing is said or what is said does not exist', () => {
    expect(toUtf8(Buffer.from([0x93, 0x94, 0xe9]))).toMatchObject({ charset: 'windows-1252' });
    expect(text(Buffer.from([0x93, 0x61, 0x94]))).toBe('“a”');
    expect(toUtf8(page('no-such-charset', Buffer.from([0xe9])))).toMatchObject({ charset: 'windows-1252' });
  });

  it('do not copy a page that is UTF-8 already', () => {
    const bytes = Buffer.from('<p>ä</p>');
    expect(toUtf8(bytes).utf8).toBe(bytes);
  });
});

describe('document columns', () => {
  const options = {
    file: 'f',
    label: 'f.parquet',
    columns: {},
    source: 'web',
    sourceGiven: false,
    requireText: false,
  };
  const rename = (
    records: Parameters<typeof withDocumentColumns>[0],
    change: object = {},
  ): ReturnType<typeof withDocumentColumns> => {
    const own = { ...options, ...change };
    return withDocumentColumns(records, planDocumentColumns(records.schema, own), own, 40);
  };
  const names = (records: ReturnType<typeof rename>): string[] =>
    records.schema.fields.map((field) => `${field.name}:${field.type}`);

  it('come first, mapped columns take the document name, all others follow untouched', () => {
    const records = batchFromVectors({
      n: int64Vector([1, 2]),
      content: utf8Vector(['a', 'b']),
      page: utf8Vector(['u', null]),
    });
    const out = rename(records, { columns: { text: 'content', url: 'page' } });
    expect(names(out)).toEqual(['id:Utf8', 'text:Utf8', 'url:Utf8', 'source:Utf8', 'date:Utf8', 'n:Int64']);
    expect(out.get(1)?.toJSON()).toEqual({
      id: 'f.parquet#41',
      text: 'b',
      url: null,
      source: 'web',
      date: null,
      n: 2n,
    });
    expect(bytesAt(out, 'text', 0)?.buffer).toBe(bytesAt(records, 'content', 0)?.buffer);
  });

  it('keep an input column of a document name and another type beside its cast', () => {
    const day = vectorFromArray([new Date('2024-02-29')], new DateDay());
    const records = batchFromVectors({
      id: int64Vector([2n ** 60n]),
      date: day,
      text: utf8Vector(['t']),
      source: int64Vector([3]),
    });
    const out = rename(records);
    expect(names(out)).toEqual([
      'id:Utf8',
      'text:Utf8',
      'url:Utf8',
      'source:Utf8',
      'date:Utf8',
      'id_input:Int64',
      'date_input:Date32<DAY>',
      'source_input:Int64',
    ]);
    expect(stringAt(out, 'id', 0)).toBe('1152921504606846976');
    expect(stringAt(out, 'date', 0)).toBe('2024-02-29');
  });

  it('write timestamps with all their digits, before 1970 too', () => {
    const type = new Timestamp(TimeUnit.MICROSECOND, 'UTC');
    const data = int64Vector([1_700_000_000_123_456n, -1n]).data[0]!;
    const records = batchOf(new Schema([new Field('date', type, true)]), [data.clone(type)], 2);
    const out = rename(records);
    expect([stringAt(out, 'date', 0), stringAt(out, 'date', 1)]).toEqual([
      '2023-11-14T22:13:20.123456Z',
      '1969-12-31T23:59:59.999999Z',
    ]);
  });

  it('take the input’s own source unless one was given', () => {
    const records = batchFromVectors({ text: utf8Vector(['a', 'b']), source: utf8Vector(['x', null]) });
    expect([0, 1].map((row) => stringAt(rename(records), 'source', row))).toEqual(['x', 'web']);
    const given = rename(records, { sourceGiven: true });
    expect([0, 1].map((row) => stringAt(given, 'source', row))).toEqual(['web', 'web']);
    expect(names(given).at(-1)).toBe('source_input:Utf8');
  });

  it('fill missing ids with file and row', () => {
    const records = batchFromVectors({ id: utf8Vector(['a', null]), text: utf8Vector(['x', 'y']) });
    expect([0, 1].map((row) => stringAt(rename(records), 'id', row))).toEqual(['a', 'f.parquet#41']);
  });

  it('are refused with the columns there are when they cannot be made', () => {
    const schema = new Schema([new Field('question', new Utf8()), new Field('n', new Int64())]);
    expect(() => planDocumentColumns(schema, { ...options, columns: { text: 'body' } })).toThrow(
      /no column "body" to take as text; the columns are question, n/,
    );
    expect(() => planDocumentColumns(schema, { ...options, columns: { text: 'n' } })).toThrow(
      /holds Int64 and cannot be the text/,
    );
    expect(() => planDocumentColumns(schema, { ...options, requireText: true })).toThrow(InputError);
    expect(() => planDocumentColumns(schema, options)).not.toThrow();
  });
});

describe('Parquet units', () => {
  it('group row groups by size and number rows through the file', async () => {
    const path = join(folder, 'groups.parquet');
    const records = batchFromVectors({
      text: utf8Vector(Array.from({ length: 100 }, (_, i) => `document ${i} `.repeat(30))),
    });
    const output = new ParquetOutput(path, records.schema, { rowGroupBytes: 5000 });
    await output.write(records);
    await output.finish();
    const plan = await planRead([{ path }], { unitBytes: 12_000 });
    expect(plan.units.length).toBeGreaterThan(2);
    expect(plan.units[0]!.id).toBe(`groups.parquet#rg0-${plan.units[0]!.rowGroups![1]}`);
    const ids: string[] = [];
    for (const unit of plan.units) {
      let rows = 0;
      for await (const item of readUnit(unit)) {
        if (item.kind !== 'batch') throw new Error(item.problem);
        rows += item.batch.records.numRows;
        for (let row = 0; row < item.batch.records.numRows; row++)
          ids.push(stringAt(item.batch.records, 'id', row)!);
      }
      expect(rows).toBe(unit.rows);
    }
    expect(ids).toEqual(Array.from({ length: 100 }, (_, i) => `groups.parquet#${i}`));
  });

  it('are told apart when files of different folders bear the same name', async () => {
    for (const name of ['x', 'y']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'data.jsonl'), '{"text":"t"}\n');
    }
    const plan = await planRead([
      { path: join(folder, 'x', 'data.jsonl') },
      { path: join(folder, 'y', 'data.jsonl') },
    ]);
    expect(plan.units.map((unit) => unit.label)).toEqual(['x/data.jsonl', 'y/data.jsonl']);
    for (const { id } of plan.units) expect(id).toMatch(/^[xy]_data\.jsonl-[0-9a-f]{8}#all$/);
  });

  it('have fingerprints that follow content, not name or time', async () => {
    const one = join(folder, 'one.jsonl');
    const two = join(folder, 'two.jsonl');
    writeFileSync(one, '{"text":"same"}\n');
    writeFileSync(two, '{"text":"same"}\n');
    const print = async (path: string): Promise<string> =>
      (await planRead([{ path }])).inputs[0]!.fingerprint;
    const first = await print(one);
    expect(await print(two)).toBe(first);
    writeFileSync(two, '{"text":"sane"}\n');
    expect(await print(two)).not.toBe(first);
  });
});

describeWith('html-math', 'real pages', () => {
  it('of html-math are all read, byte for byte where they are UTF-8', async () => {
    const path = join(sharedData, 'html-math', 'planetmath-11');
    const { ids, html, failed } = await pagesOf(path);
    expect(failed).toEqual([]);
    expect(ids.length).toBeGreaterThan(100);
    expect([...ids].sort()).toEqual(ids);
    for (const i of [0, 50, ids.length - 1]) expect(html[i]).toBe(readFileSync(join(path, ids[i]!), 'utf8'));
  });
});
