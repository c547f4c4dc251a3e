/** Stratified sampling: how many of each stratum, which documents, and that order does not matter. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringAt } from '../../src/core/batch.ts';
import { silent } from '../../src/core/events.ts';
import { readJsonLines } from '../../src/io/jsonl.ts';
import { BottomSample } from '../../src/stages/bottom-sample.ts';
import {
  allocateEqually,
  allocateProportionally,
  equalBounds,
} from '../../src/stages/classify-allocation.ts';
import { sampleDocuments } from '../../src/stages/classify-sample.ts';
import { siteOf, stratumBy } from '../../src/stages/classify-stratum.ts';
import { readBack } from '../../src/stages/read-back.ts';

describe('allocation', () => {
  it('gives equal parts, and what small strata lack to the others', () => {
    expect(allocateEqually(10, [100, 100])).toEqual([5, 5]);
    expect(allocateEqually(10, [1, 100, 100])).toEqual([1, 5, 4]);
    expect(allocateEqually(10, [100, 3, 4])).toEqual([4, 3, 3]);
    expect(allocateEqually(10, [2, 3, 1])).toEqual([2, 3, 1]);
    expect(allocateEqually(2, [5, 5, 5])).toEqual([1, 1, 0]);
  });

  it('sums to what is asked for or what there is, within every size', () => {
    for (let seed = 1; seed < 400; seed++) {
      const sizes = Array.from({ length: (seed % 7) + 1 }, (_, i) => (seed * 7919 * (i + 3)) % 40);
      const wanted = (seed * 13) % 90;
      for (const allocate of [allocateEqually, allocateProportionally]) {
        const parts = allocate(wanted, sizes);
        const total = sizes.reduce((a, b) => a + b, 0);
        expect(parts.reduce((a, b) => a + b, 0)).toBe(Math.min(wanted, total));
        for (const [i, part] of parts.entries()) expect(part).toBeLessThanOrEqual(sizes[i]!);
      }
    }
  });

  it('gives parts by size, rounded so that they sum up', () => {
    expect(allocateProportionally(10, [50, 30, 20])).toEqual([5, 3, 2]);
    expect(allocateProportionally(10, [1, 1, 1])).toEqual([1, 1, 1]);
    expect(allocateProportionally(3, [10, 10, 10, 10])).toEqual([1, 1, 1, 0]);
  });

  it('bounds what a stratum can still be given, whatever is seen later', () => {
    const later = [
      [40, 9, 30],
      [60, 9, 90],
      [500, 80, 90],
    ];
    const bounds = equalBounds(30, later[0]!);
    for (const sizes of later) {
      for (const [i, part] of allocateEqually(30, sizes).entries())
        expect(part).toBeLessThanOrEqual(bounds[i]! + 1);
    }
    expect(equalBounds(30, [9])).toEqual([30]);
    expect(equalBounds(30, [1, 100])).toEqual([15, 29]);
  });
});

it('a bottom sample holds the lowest hashes, whatever the order and when its bound fell', () => {
  const entries = Array.from({ length: 500 }, (_, i) => ({
    hash: (i * 7919) % 503,
    tie: `t${i}`,
    at: i,
    length: 1,
  }));
  const lowest = [...entries].sort((a, b) => a.hash - b.hash).slice(0, 20);
  for (const order of [entries, [...entries].reverse()]) {
    const sample = new BottomSample(100);
    for (const [i, entry] of order.entries()) {
      if (sample.admits(entry.hash, entry.tie)) sample.add(entry);
      if (i === 200) sample.shrink(20);
    }
    expect(sample.lowest(50)).toEqual(lowest);
  }
});

describe('the stratum of a document', () => {
  const of = (by: string, cells: Record<string, unknown>, rest: object = {}): string =>
    stratumBy(by)({ read: (name) => cells[name], url: null, source: 'web', file: 'a.parquet', ...rest });

  it('is its year, from a year, a date, or the name of the crawl', () => {
    expect(of('year', { year: 2017 })).toBe('2017');
    expect(of('year', { date: '2014-08-20T06:48:26Z' })).toBe('2014');
    expect(of('year', { dump: 'CC-MAIN-2019-35' })).toBe('2019');
    expect(of('year', { 'metadata.dump': 'CC-MAIN-2021-04' })).toBe('2021');
    expect(of('year', { file_path: 's3://commoncrawl/crawl-data/CC-MAIN-2016-07/x.warc.gz' })).toBe('2016');
    expect(of('year', {}, { file: 'CC-MAIN-2023-50/part-0.parquet' })).toBe('2023');
    expect(of('year', { date: '20190101123000', year: null })).toBe('unknown');
    expect(of('year', { date: 'yesterday' })).toBe('unknown');
  });

  it('is its source, site, crawl or a column', () => {
    expect(of('site', {}, { url: 'https://user@www.example.co.uk:8080/a?b' })).toBe('example.co.uk');
    expect(of('site', {})).toBe('web');
    expect(of('source', {})).toBe('web');
    expect(of('dump', { crawl: 'CC-MAIN-2019-35' })).toBe('CC-MAIN-2019-35');
    expect(of('subject', { subject: 'algebra' })).toBe('algebra');
    expect(of('subject', {})).toBe('unknown');
    expect(siteOf('not an address')).toBeUndefined();
  });
});

describe('classify sample', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'classify-sample-'));
    const line = (i: number): string =>
      JSON.stringify({ id: `d${i}`, text: i % 50 === 7 ? '' : `document ${i} of a kind`, year: yearOf(i) });
    const lines = Array.from({ length: 600 }, (_, i) => line(i));
    writeFileSync(join(folder, 'a.jsonl'), `${lines.slice(0, 350).join('\n')}\nnot json\n`);
    writeFileSync(join(folder, 'b.jsonl'), `${lines.slice(350).join('\n')}\n`);
    writeFileSync(join(folder, 'turned.jsonl'), `${[...lines].reverse().join('\n')}\n`);
    writeFileSync(join(folder, 'plain.jsonl'), `${JSON.stringify({ text: 'no year at all' })}\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const yearOf = (i: number): number => (i < 10 ? 2014 : i % 3 === 0 ? 2015 : 2016);
  const draw = (files: string[], out: string, options: object = {}) =>
    sampleDocuments({
      inputs: files.map((file) => ({ path: join(folder, file), source: 'web' })),
      count: 60,
      stratifyBy: 'year',
      allocation: 'equal',
      minCharacters: 1,
      seed: 3,
      out: join(folder, out),
      emit: silent,
      ...options,
    });

  it('draws as many of each year, says which has too few, and counts every document', async () => {
    const result = await draw(['a.jsonl', 'b.jsonl'], 'one.parquet');
    expect(result.strata).toEqual([
      { stratum: '2014', size: 9, drawn: 9 },
      { stratum: '2015', size: expect.any(Number), drawn: 26 },
      { stratum: '2016', size: expect.any(Number), drawn: 25 },
    ]);
    expect(result.tooSmall).toEqual(['2014']);
    expect(result.warnings.join()).toContain('1 of 3 strata has fewer than 20 documents (2014)');
    expect(result.ledger).toEqual({
      in: 601,
      kept: 60,
      dropped: { not_drawn: 528, too_short: 12 },
      failed: { unreadable: 1 },
    });
    const groups: string[] = [];
    for await (const { records } of readBack(join(folder, 'one.parquet'), () => new Error('broken'))) {
      expect(records.schema.fields.map(({ name }) => name)).toEqual(['id', 'text', 'url', 'source', 'group']);
      for (let row = 0; row < records.numRows; row++) {
        const number = Number(stringAt(records, 'id', row)!.slice(1));
        expect(stringAt(records, 'text', row)).toBe(`document ${number} of a kind`);
        expect(stringAt(records, 'group', row)).toBe(String(yearOf(number)));
        groups.push(stringAt(records, 'group', row)!);
      }
    }
    expect(groups).toEqual([...groups].sort());
  });

  it('writes the same bytes whatever the order of files and rows, others with another seed', async () => {
    const { sha256 } = await draw(['a.jsonl', 'b.jsonl'], 'one.parquet');
    expect((await draw(['b.jsonl', 'a.jsonl'], 'two.parquet')).sha256).toBe(sha256);
    expect((await draw(['turned.jsonl'], 'three.parquet')).sha256).toBe(sha256);
    expect((await draw(['a.jsonl', 'b.jsonl'], 'four.parquet', { seed: 4 })).sha256).not.toBe(sha256);
  });

  it('draws by size, and uniformly: every document about as often as any other', async () => {
    const result = await draw(['turned.jsonl'], 'size.parquet', { allocation: 'proportional', count: 100 });
    const total = result.strata.reduce((sum, { size }) => sum + size, 0);
    for (const { size, drawn } of result.strata)
      expect(Math.abs(drawn - (100 * size) / total)).toBeLessThan(1);
    const often = new Map<string, number>();
    for (let seed = 0; seed < 12; seed++) {
      await draw(['turned.jsonl'], 'often.parquet', { seed, stratifyBy: 'none', count: 294 });
      for await (const { records } of readBack(join(folder, 'often.parquet'), () => new Error('broken')))
        for (let row = 0; row < records.numRows; row++) {
          const id = stringAt(records, 'id', row)!;
          often.set(id, (often.get(id) ?? 0) + 1);
        }
    }
    // Each of 588 is drawn in half of 12 tries: 6, with a variance of 3.
    const counts = [...often.values()];
    expect(often.size).toBe(588);
    const variance = counts.reduce((sum, n) => sum + (n - 6) ** 2, 0) / counts.length;
    expect(variance).toBeGreaterThan(2.2);
    expect(variance).toBeLessThan(4);
  });

  it('says what is missing when no document has a year', async () => {
    await expect(draw(['plain.jsonl'], 'none.parquet')).rejects.toThrow('no document has a year');
    await expect(draw(['plain.jsonl'], 'none.parquet', { minCharacters: 100 })).rejects.toThrow(
      'none of the 1 documents has a text',
    );
    expect((await readJsonLines(join(folder, 'plain.jsonl'))).length).toBe(1);
  });
});
