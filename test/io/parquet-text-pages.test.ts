/**
 * Columns of long texts, which have their own way to the file: equal texts come back through our reader and through hyparquet's, over
 * many pages, required and nullable, and the footer says what it says of other columns.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Field, Schema, Utf8 } from 'apache-arrow';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describe, expect, it } from 'vitest';
import { batchOf, utf8Vector } from '../../src/core/batch.ts';
import { Random } from '../../src/core/random.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { readWhole, tableValues } from './parquet-rows.ts';
import { scratchFolder } from './scratch.ts';

const folder = scratchFolder();
let files = 0;

/** Texts of 1 to 40 kB that compress badly, some of several MB, with characters of all lengths. */
function longTexts(count: number): string[] {
  const random = new Random('long texts');
  return Array.from({ length: count }, (_, i) => {
    const length = i === 7 ? 2_500_000 : 1200 + random.int(40_000);
    let text = i % 3 === 0 ? 'é数😀' : '';
    while (text.length < length) text += random.uint32().toString(36);
    return text;
  });
}

async function write(values: readonly (string | null)[], nullable: boolean): Promise<string> {
  const path = join(folder, `${files++}.parquet`);
  const schema = new Schema([new Field('text', new Utf8(), nullable)]);
  const output = new ParquetOutput(path, schema, { rowGroupBytes: 4_000_000 });
  for (let from = 0; from < values.length; from += 50) {
    const part = values.slice(from, from + 50);
    await output.write(batchOf(schema, [utf8Vector(part).data[0]!], part.length));
  }
  await output.finish();
  return path;
}

describe('columns of long texts', () => {
  it.each([
    ['required', false, false],
    ['nullable', true, false],
    ['nullable, with nulls', true, true],
  ])('come back equal when %s', async (_, nullable, nulls) => {
    const texts: (string | null)[] = longTexts(180);
    if (nulls) for (const i of [0, 3, 60, 61, 179]) texts[i] = null;
    const path = await write(texts, nullable);
    const back = await readWhole(path, 1_000_000);
    expect(back.problems).toEqual([]);
    expect(tableValues(back.batches).text).toEqual(texts);
    const bytes = readFileSync(path);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    const rows = await parquetReadObjects({ file, compressors });
    expect(rows.map((row) => row.text ?? null)).toEqual(texts);
    // The same rows, the same bytes.
    expect(readFileSync(await write(texts, nullable)).equals(bytes)).toBe(true);
  });

  it('have bounds, counts and page offsets in the footer', async () => {
    const texts = longTexts(180);
    const bytes = readFileSync(await write(texts, true));
    const metadata = parquetMetadata(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
    );
    expect(metadata.row_groups.length).toBeGreaterThan(1);
    let row = 0;
    for (const group of metadata.row_groups) {
      const { meta_data: meta, offset_index_offset } = group.columns[0]!;
      const own = texts.slice(row, row + Number(group.num_rows)).sort();
      row += own.length;
      expect(Number(meta!.num_values)).toBe(own.length);
      expect(meta!.encodings).toEqual(['PLAIN']);
      expect(meta!.statistics?.null_count).toBe(0n);
      expect(String(meta!.statistics?.min_value) <= own[0]!).toBe(true);
      expect(String(meta!.statistics?.max_value) >= own.at(-1)!).toBe(true);
      if (own.length > 60) expect(offset_index_offset).toBeGreaterThan(0n);
    }
    expect(row).toBe(texts.length);
  });
});
