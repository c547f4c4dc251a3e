/**
 * Files that others made to break Parquet readers. Each must end in a clear error or in rows that could be read, soon and without harm to
 * the process. The fuzz corpus is apache/arrow-testing's; seven of its files hang, crash or exhaust JavaScript readers.
 */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { batchFromVectors, int64Vector, utf8Vector } from '../../src/core/batch.ts';
import { InputError } from '../../src/core/errors.ts';
import { inspectFile, ParquetInspector } from '../../src/io/inspect-file.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { planRead } from '../../src/io/read-plan.ts';
import { readWhole, tableValues } from './parquet-rows.ts';
import { scratchFolder } from './scratch.ts';
import { describeWith, sharedData } from './shared-data.ts';

const scratch = scratchFolder();
const parquet = join(sharedData, 'parquet');
const limitMs = 5000;

async function outcome(path: string): Promise<{ error?: InputError; problems: string[]; rows: number }> {
  const began = performance.now();
  try {
    const { batches, problems } = await readWhole(path);
    return { problems, rows: batches.reduce((n, b) => n + b.numRows, 0) };
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return { error: error as InputError, problems: [], rows: 0 };
  } finally {
    expect(performance.now() - began).toBeLessThan(limitMs);
  }
}

describeWith('parquet/fuzz', 'fuzzed files', () => {
  for (const name of readdirSync(join(parquet, 'fuzz'))) {
    it(`${name} ends in an error that names it, or in a failed row group`, async () => {
      const { error, problems } = await outcome(join(parquet, 'fuzz', name));
      if (error === undefined) {
        expect(problems.length).toBeGreaterThan(0);
        for (const problem of problems) expect(problem).not.toMatch(/undefined \(reading|is not a function/);
      } else {
        expect(error.message).toContain(name);
        expect(error.place).toBe('footer');
      }
    });
  }
});

describeWith('parquet/apache-bad', 'corrupt files of parquet-testing', () => {
  const expected: Record<string, RegExp> = {
    'ARROW-GH-45185.parquet': /begins in the middle of a row/,
    'ARROW-RS-GH-6229-DICTHEADER.parquet': /declares -26 values/,
    'ARROW-RS-GH-6229-LEVELS.parquet': /ends after 1 of 21 values/,
    'PARQUET-1481.parquet': /the Parquet footer is damaged/,
  };
  for (const [name, pattern] of Object.entries(expected)) {
    it(`${name}: ${pattern.source}`, async () => {
      const { error, problems } = await outcome(join(parquet, 'apache-bad', name));
      expect(error?.message ?? problems.join('\n')).toMatch(pattern);
    });
  }
});

describeWith('parquet/apache-data', 'good files of parquet-testing', () => {
  /** Files that cannot be read, with the reason. */
  const refused: Record<string, RegExp> = {
    // Made with a wrong checksum on purpose.
    'datapage_v1-corrupt-checksum.parquet': /fails its checksum/,
    // Made to need more than 2 GiB offsets: two pages of 1 GiB each.
    'large_string_map.brotli.parquet': /the page declares 1073741828 bytes; the limit is/,
    // Its column chunks point outside the file: only its metadata is of use.
    'column_chunk_key_value_metadata.parquet': /^$/,
  };
  for (const name of readdirSync(join(parquet, 'apache-data')).filter((file) => file.endsWith('.parquet'))) {
    it(`${name} is read${name in refused ? ' as far as it can be' : ', written and read again with equal types and values'}`, async () => {
      const path = join(parquet, 'apache-data', name);
      const whole = await readWhole(path);
      const reason = refused[name];
      if (reason !== undefined) {
        expect(whole.problems.join('\n')).toMatch(reason);
        return;
      }
      expect(whole.problems).toEqual([]);
      const copy = join(scratch, name);
      const output = new ParquetOutput(copy, whole.batches[0]!.schema);
      for (const records of whole.batches) await output.write(records);
      await output.finish();
      const back = await readWhole(copy);
      expect(back.schema).toBe(whole.schema);
      expect(tableValues(back.batches)).toEqual(tableValues(whole.batches));
    });
  }
});

describe('damaged files of our own', () => {
  async function goodFile(name: string): Promise<string> {
    const path = join(scratch, name);
    const texts = Array.from({ length: 400 }, (_, i) => `Theorem ${i}. Let $x_${i}$ be prime. `.repeat(20));
    const records = batchFromVectors({ text: utf8Vector(texts), n: int64Vector(texts.map((_, i) => i)) });
    const output = new ParquetOutput(path, records.schema, { rowGroupBytes: 100_000 });
    await output.write(records);
    await output.finish();
    return path;
  }

  const damages: [string, (bytes: Buffer) => Buffer, RegExp][] = [
    ['empty', () => Buffer.alloc(0), /the file is empty/],
    ['cut short', (bytes) => bytes.subarray(0, bytes.length >> 1), /cut short/],
    ['not Parquet', () => Buffer.from('<!doctype html><title>Not found</title>'), /not a Parquet file/],
    ['too short', () => Buffer.from('PAR1PAR1'), /has 8 bytes/],
    [
      'footer length too large',
      (bytes) => Buffer.concat([bytes.subarray(0, -8), Buffer.from([255, 255, 255, 0]), bytes.subarray(-4)]),
      /the footer declares/,
    ],
    ['encrypted', (bytes) => Buffer.concat([bytes.subarray(0, -4), Buffer.from('PARE')]), /encrypted/],
  ];
  for (const [name, damage, pattern] of damages) {
    it(`${name}: the error says so and names the file`, async () => {
      const path = join(scratch, `${name}.parquet`);
      writeFileSync(path, damage(readFileSync(await goodFile('good.parquet'))));
      const { error } = await outcome(path);
      expect(error?.message).toMatch(pattern);
      expect(error?.message).toContain(path);
    });
  }

  it('one damaged row group is reported with its rows and the others are read', async () => {
    const path = join(scratch, 'flipped.parquet');
    copyFileSync(await goodFile('good.parquet'), path);
    const bytes = readFileSync(path);
    // Somewhere in the compressed text of the second row group.
    const text = bytes.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Math.floor(bytes.length / 3));
    bytes.fill(0, text, text + 12);
    writeFileSync(path, bytes);
    const whole = await readWhole(path);
    expect(whole.problems).toHaveLength(1);
    expect(whole.problems[0]).toMatch(/ZSTD data/);
    const rows = whole.batches.reduce((n, b) => n + b.numRows, 0);
    expect(rows).toBeGreaterThan(0);
    expect(rows + whole.failedRows).toBe(400);
  });

  it('every single flipped byte ends in rows, a failed row group or an InputError, never in another error', async () => {
    const good = readFileSync(await goodFile('good.parquet'));
    const path = join(scratch, 'bit.parquet');
    for (let i = 0; i < 100; i++) {
      const bytes = Buffer.from(good);
      // Half of the flips in the footer, where structure is dense.
      const at = i % 2 === 0 ? Math.floor((i * 7919) % good.length) : good.length - 1 - ((i * 31) % 1500);
      bytes[at]! ^= 1 << (i % 8);
      writeFileSync(path, bytes);
      await outcome(path);
    }
  });
});

describe('the footer worker', () => {
  it('describes a file', async () => {
    const path = join(scratch, 'described.parquet');
    const records = batchFromVectors({ id: utf8Vector(['a', 'b']), n: int64Vector([1, 2]) });
    const output = new ParquetOutput(path, records.schema, { rowGroupBytes: 1 });
    await output.write(records);
    await output.finish();
    const found = await inspectFile(path);
    expect(found.rows).toBe(2);
    expect(found.rowGroups.map((group) => group.rows)).toEqual([1, 1]);
    expect(found.columns).toEqual([
      { name: 'id', type: 'Utf8' },
      { name: 'n', type: 'Int64' },
    ]);
  });

  it('is killed when it takes too long', async () => {
    const inspector = new ParquetInspector({ timeoutMs: 1 });
    const path = join(scratch, 'slow.parquet');
    const fields = Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [`column_${i}`, int64Vector([i])]),
    );
    const output = new ParquetOutput(path, batchFromVectors(fields).schema);
    await output.write(batchFromVectors(fields));
    await output.finish();
    try {
      await expect(inspector.inspect(path)).rejects.toThrow(/could not be read within 0.001 s/);
    } finally {
      await inspector.close();
    }
  });

  it('ends in an InputError when the footer would exhaust its heap', async () => {
    // 700,000 row groups without columns: well formed, six bytes each, and gigabytes as objects.
    const groups = 700_000;
    const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
    // field 1 version i32; field 2 schema: a list of one struct {4: name, 5: num_children}; field 3 num_rows; field 4 row groups.
    const start = Buffer.from([
      0x15,
      0x04,
      0x19,
      0x1c,
      0x48,
      0x01,
      0x72,
      0x15,
      0x00,
      0x00,
      0x16,
      0x00,
      0x19,
      0xfc,
      ...varint(groups),
    ]);
    const group = Buffer.from([0x19, 0x0c, 0x16, 0x00, 0x16, 0x00, 0x00]);
    const footer = Buffer.concat([start, Buffer.alloc(groups * group.length, group), Buffer.from([0x00])]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    const path = join(scratch, 'amplified.parquet');
    writeFileSync(path, Buffer.concat([Buffer.from('PAR1'), footer, length, Buffer.from('PAR1')]));
    await expect(inspectFile(path, { memoryMb: 64 })).rejects.toThrow(
      /footer needs more than 64 MB of memory/,
    );
  });

  it('makes a plan that lists bad files and keeps the good ones', async () => {
    const folder = join(scratch, 'mixed');
    const output = new ParquetOutput(
      join(folder, 'b-good.parquet'),
      batchFromVectors({ text: utf8Vector(['x']) }).schema,
    );
    await output.write(batchFromVectors({ text: utf8Vector(['x']) }));
    await output.finish();
    writeFileSync(join(folder, 'a-bad.parquet'), 'PAR1 this is not it PAR1');
    writeFileSync(join(folder, 'c-empty.parquet'), '');
    const plan = await planRead([{ path: folder }]);
    expect(plan.units.map((unit) => unit.label)).toEqual(['mixed/b-good.parquet']);
    expect(plan.failures.map((failure) => failure.file)).toEqual([
      join(folder, 'a-bad.parquet'),
      join(folder, 'c-empty.parquet'),
    ]);
  });
});
