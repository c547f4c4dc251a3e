/**
 * Throughput of our Parquet reader and writer beside plain hyparquet and hyparquet-writer, on real text in one run.
 * Usage: node --expose-gc test/oracles/measure-io.ts [MB of text, default 200]
 * Prints CPU seconds (user + system, all threads) and MB of text per CPU second; wall time depends on what else the machine does.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { asyncBufferFromFile, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parquetWriteFile } from 'hyparquet-writer';
import {
  type Utf8Builder as Builder,
  batchFromVectors,
  bytesOf,
  columnData,
  float64Vector,
  gatherRows,
  int64Vector,
  Utf8Builder,
} from '../../src/core/batch.ts';
import { openParquet } from '../../src/io/parquet-footer.ts';
import { readRowGroups } from '../../src/io/parquet-read.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { planRead } from '../../src/io/read-plan.ts';
import { readUnit } from '../../src/io/read-unit.ts';

const megabytes = Number(process.argv[2] ?? 200);
const folder = mkdtempSync(join(tmpdir(), 'measure-io-'));
const path = join(folder, 'text.parquet');
const shared = resolve(import.meta.dirname, '../../../shared/data');

function realTexts(): string[] {
  const texts: string[] = [];
  const pages = join(shared, 'html-math', 'planetmath-11');
  for (const name of readdirSync(pages)) texts.push(readFileSync(join(pages, name), 'utf8'));
  for (const file of ['math-qa/math-test-without-500.jsonl', 'web-text/c4-demo-300.jsonl']) {
    for (const line of readFileSync(join(shared, file), 'utf8').split('\n'))
      if (line !== '') texts.push(line);
  }
  return texts;
}

async function measure(name: string, work: () => Promise<number>): Promise<void> {
  (globalThis as { gc?: () => void }).gc?.();
  const cpu = process.cpuUsage();
  const began = performance.now();
  const bytes = await work();
  const used = process.cpuUsage(cpu);
  const seconds = (used.user + used.system) / 1e6;
  const wall = (performance.now() - began) / 1000;
  const rss = Math.round(process.memoryUsage().rss / 1e6);
  process.stdout.write(
    `${name.padEnd(58)} ${seconds.toFixed(2)} CPU s  ${wall.toFixed(2)} wall s  ${(bytes / 1e6 / seconds).toFixed(0)} MB/CPU s  RSS ${rss} MB\n`,
  );
}

try {
  const texts = realTexts();
  const batches: ReturnType<typeof batchFromVectors>[] = [];
  const strings: string[] = [];
  let total = 0;
  for (let i = 0, seed = 1; total < megabytes * 1e6; ) {
    const text: Builder = new Utf8Builder(1000, 16 << 20);
    const ids = new Utf8Builder(1000);
    const start = i;
    while (text.byteLength < 16e6 && total + text.byteLength < megabytes * 1e6) {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      const one = texts[seed % texts.length]!;
      strings.push(one);
      text.append(one);
      ids.append(`document-${i++}`);
    }
    total += text.byteLength;
    const numbers = Array.from({ length: i - start }, (_, k) => start + k);
    batches.push(
      batchFromVectors({
        id: ids.finish(),
        text: text.finish(),
        n: int64Vector(numbers),
        score: float64Vector(numbers.map(Math.sqrt)),
      }),
    );
  }
  process.stdout.write(`${strings.length} documents, ${(total / 1e6).toFixed(0)} MB of text\n`);

  await measure('write: ParquetOutput, Arrow batches, zstd 3', async () => {
    const output = new ParquetOutput(path, batches[0]!.schema);
    for (const records of batches) await output.write(records);
    await output.finish();
    return total;
  });
  process.stdout.write(`  ${(statSync(path).size / 1e6).toFixed(0)} MB on disk\n`);
  await measure('write: hyparquet-writer, arrays of strings, zstd 3', async () => {
    const params = { [constants.ZSTD_c_compressionLevel]: 3 };
    parquetWriteFile({
      filename: join(folder, 'peer.parquet'),
      codec: 'ZSTD',
      compressors: { ZSTD: (input: Uint8Array) => zstdCompressSync(input, { params }) },
      rowGroupSize: Math.ceil(strings.length / Math.max(1, total / 64e6)),
      columnData: [
        { name: 'id', data: strings.map((_, i) => `document-${i}`), type: 'STRING' },
        { name: 'text', data: strings, type: 'STRING' },
        { name: 'n', data: BigInt64Array.from(strings.map((_, i) => BigInt(i))), type: 'INT64' },
        { name: 'score', data: Float64Array.from(strings.map((_, i) => Math.sqrt(i))), type: 'DOUBLE' },
      ],
    });
    return total;
  });
  for (let round = 0; round < 2; round++) {
    await measure('read text: ours, pages to Arrow, 16 MiB batches', async () => {
      const file = await openParquet(path);
      let bytes = 0;
      for await (const item of readRowGroups(file, [0, file.metadata.row_groups.length], {
        only: ['text'],
      })) {
        if (item.kind === 'failed') throw new Error(item.problem);
        bytes += columnData(item.records, 'text').values.length;
      }
      await file.handle.close();
      if (bytes !== total) throw new Error(`${bytes} bytes instead of ${total}`);
      return bytes;
    });
    const zstd = { ...compressors, ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };
    await measure('read text: hyparquet, JavaScript strings, zstd of node:zlib', async () => {
      let characters = 0;
      await parquetRead({
        file: await asyncBufferFromFile(path),
        columns: ['text'],
        compressors: zstd,
        onChunk: ({ columnData: data }) => {
          for (const text of data) characters += (text as string).length;
        },
      });
      return characters > 0 ? total : 0;
    });
    await measure('read text: hyparquet as installed (fzstd)', async () => {
      let characters = 0;
      await parquetRead({
        file: await asyncBufferFromFile(path),
        columns: ['text'],
        compressors,
        onChunk: ({ columnData: data }) => {
          for (const text of data) characters += (text as string).length;
        },
      });
      return characters > 0 ? total : 0;
    });
    await measure('read all: planRead + readUnit, document columns', async () => {
      const plan = await planRead([{ path }]);
      let bytes = 0;
      for (const unit of plan.units)
        for await (const item of readUnit(unit))
          if (item.kind === 'batch') bytes += columnData(item.batch.records, 'text').values.length;
      return bytes;
    });
  }
  await measure('gather every third row', async () => {
    let bytes = 0;
    for (const records of batches)
      bytes += bytesOf(
        gatherRows(
          records,
          Array.from({ length: Math.floor(records.numRows / 3) }, (_, i) => i * 3),
        ),
      );
    return bytes;
  });
  await measure('Utf8Builder.append of strings', async () => {
    let bytes = 0;
    for (let i = 0; i < strings.length; i += 2000) {
      const builder = new Utf8Builder(2000, 1 << 20);
      for (const text of strings.slice(i, i + 2000)) builder.append(text);
      bytes += builder.finish().data[0]!.values.length;
    }
    return bytes;
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
