/** Units of pages in parts. */
import { describe, expect, it } from 'vitest';
import type { ReadUnit } from '../../src/io/read-plan.ts';
import { partOf, splitPages } from '../../src/stages/split-pages.ts';

const unit = {
  id: 'pages#html5-12',
  file: '/pages',
  label: 'pages',
  format: 'html',
  files: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
  firstRow: 5,
  rows: 7,
  bytes: 1000,
  source: 'pages',
  sourceGiven: false,
  columns: {},
  requireText: true,
} satisfies ReadUnit;

describe('splitPages', () => {
  it('keeps all pages, in order, with their row numbers', () => {
    const parts = splitPages(unit, 300);
    expect(parts).toHaveLength(4);
    expect(parts.flatMap((part) => part.files)).toEqual(unit.files);
    expect(parts.map((part) => part.firstRow)).toEqual([5, 6, 8, 10]);
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(1000);
    expect(parts.reduce((sum, part) => sum + part.rows!, 0)).toBe(7);
    expect(new Set(parts.map((part) => part.id)).size).toBe(4);
  });

  it('tells parts by their ids, and units that were not cut', () => {
    for (const id of ['pages#html5-12', 'pages#html5-12~2', 'a.1#html0-3'])
      expect(splitPages({ ...unit, id }, 300).map((part) => partOf(part.id))).toEqual([0, 1, 2, 3]);
    expect(partOf('a.7#html5-12')).toBe(0);
    expect(partOf('b.parquet#rows3-9')).toBe(0);
  });

  it('leaves small units and other formats as they are', () => {
    expect(splitPages(unit, 1000)).toEqual([unit]);
    const rows = { ...unit, format: 'parquet' as const };
    expect(splitPages(rows, 10)).toEqual([rows]);
  });
});
