/**
 * Peak memory of a filter job against the size of its input: the same pipeline with two workers over about 200 MB and about 2 GB of text (`--quick`: 20 and 100 MB).
 * The two must be within 15 % of each other and below 1 GB. Prints a table and, last, a line of JSON. Run with: npm run bench:memory
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { batchFromVectors, utf8Vector } from '../../src/core/batch.ts';
import { Random } from '../../src/core/random.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { peakMemory } from './peak-memory.ts';

const quick = process.argv.includes('--quick');
const sizes = quick ? [20, 100] : [200, 2000];
const megabyte = 1e6;
const root = mkdtempSync(join(tmpdir(), 'midtrain-memory-'));

const words =
  'the of and to that with have be number prime proof sum line point value about where every between under theorem integer'.split(
    ' ',
  );

function document(random: Random): string {
  const lines: string[] = [];
  for (let i = 20 + random.int(40); i > 0; i--) {
    const line = Array.from({ length: 6 + random.int(12) }, () =>
      random.int(9) === 0
        ? `$x_{${random.int(1000)}} + ${random.int(1000)}$`
        : `${random.pick(words)}${random.int(4) === 0 ? random.int(5000) : ''}`,
    );
    lines.push(`${line.join(' ')}.`);
  }
  return lines.join('\n');
}

/** Two files, so that two workers have work from the first moment. */
async function writeInput(folder: string, bytes: number): Promise<number> {
  mkdirSync(folder);
  const random = new Random(1);
  let total = 0;
  for (const name of ['a', 'b']) {
    let output: ParquetOutput | undefined;
    let written = 0;
    let id = 0;
    while (written < bytes / 2) {
      const texts = Array.from({ length: 500 }, () => document(random));
      const records = batchFromVectors({
        id: utf8Vector(texts.map(() => `${name}${id++}`)),
        text: utf8Vector(texts),
      });
      output ??= new ParquetOutput(join(folder, `${name}.parquet`), records.schema, {
        rowGroupBytes: 32 * megabyte,
      });
      await output.write(records);
      for (const text of texts) written += Buffer.byteLength(text);
    }
    await output!.finish();
    total += written;
  }
  return total;
}

function run(input: string, out: string): Promise<{ peak: number; seconds: number }> {
  const cli = new URL('../../src/bin/midtrain.js', import.meta.url).pathname;
  const pipeline = join(root, 'pipeline.yaml');
  return peakMemory(cli, ['filter', pipeline, '--input', input, '--out', out, '--workers', '2']);
}

writeFileSync(
  join(root, 'pipeline.yaml'),
  `name: memory
signals: [gopher-repetition, gopher-quality, c4, fineweb-quality, math, pii]
math: masked
thresholds: { use: [gopher-quality] }
dedup: [exact, { step: minhash, preset: datatrove }]
`,
);
try {
  const rows: { name: string; unit: string; ours: number; peer: null; peerName: string; ratio: null }[] = [];
  for (const size of sizes) {
    const input = join(root, `in${size}`);
    const bytes = await writeInput(input, size * megabyte);
    const { peak, seconds } = await run(input, join(root, `out${size}`));
    rmSync(input, { recursive: true });
    rmSync(join(root, `out${size}`), { recursive: true });
    process.stdout.write(
      `${(bytes / megabyte).toFixed(0).padStart(6)} MB of text: peak ${(peak / megabyte).toFixed(0)} MB, ${seconds.toFixed(0)} s, ${(bytes / megabyte / seconds).toFixed(1)} MB/s\n`,
    );
    rows.push({
      name: `${size} MB`,
      unit: 'MB peak RSS',
      ours: Math.round(peak / megabyte),
      peer: null,
      peerName: 'none',
      ratio: null,
    });
  }
  const [small, large] = rows.map((row) => row.ours) as [number, number];
  process.stdout.write(`the larger input takes ${((large / small - 1) * 100).toFixed(1)} % more memory\n`);
  process.stdout.write(`${JSON.stringify({ bench: 'memory', rows })}\n`);
  process.exitCode = large < 1.15 * small && large < 1000 ? 0 : 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}
