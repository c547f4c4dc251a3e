/**
 * Thousands of damaged Parquet files: real samples with bytes flipped, runs overwritten, parts cut out or doubled. Each must end in rows,
 * failed row groups or an InputError within the time limit, without exhausting memory. Anything else is printed and the exit code is 1.
 * Usage: node test/crash/parquet-mutations.ts [runs, default 3000] [seed, default 1]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { InputError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { readWhole } from '../io/parquet-rows.ts';

const runs = Number(process.argv[2] ?? 3000);
const random = new Random(Number(process.argv[3] ?? 1));
const limitMs = 5000;
const samples = resolve(import.meta.dirname, '../../../shared/data/parquet');
const folder = mkdtempSync(join(tmpdir(), 'parquet-mutations-'));
const path = join(folder, 'mutated.parquet');

const sources = ['hyparquet', 'apache-data', 'apache-bad', 'fuzz'].flatMap((name) =>
  readdirSync(join(samples, name))
    .filter((file) => !/\.(json|md|csv)$/.test(file))
    .map((file) => ({ file, bytes: readFileSync(join(samples, name, file)) })),
);

function mutate(bytes: Buffer): Buffer {
  let out = Buffer.from(bytes);
  for (let n = 1 + random.int(4); n > 0; n--) {
    // Half of the damage goes to the last two kilobytes, where the footer is.
    const at = random.int(2) === 0 ? random.int(out.length) : Math.max(0, out.length - 1 - random.int(2000));
    const kind = random.int(5);
    if (kind === 0) out[at]! ^= 1 << random.int(8);
    else if (kind === 1) out[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
    else if (kind === 2) out.fill(random.pick([0, 0xff]), at, Math.min(out.length, at + random.int(12)));
    else if (kind === 3)
      out = Buffer.concat([out.subarray(0, at), out.subarray(Math.min(out.length, at + random.int(8)))]);
    else out = Buffer.concat([out.subarray(0, at), out.subarray(at, at + random.int(16)), out.subarray(at)]);
    if (out.length === 0) out = Buffer.alloc(1);
  }
  return out;
}

const counts = { read: 0, failed: 0, refused: 0, bad: 0 };
let slowest = 0;
try {
  for (let run = 0; run < runs; run++) {
    const { file, bytes } = random.pick(sources);
    if (bytes.length === 0) continue;
    writeFileSync(path, mutate(bytes));
    const began = performance.now();
    let problem = '';
    try {
      const { problems } = await readWhole(path);
      if (problems.length > 0) counts.failed++;
      else counts.read++;
    } catch (error) {
      if (error instanceof InputError) counts.refused++;
      else problem = String((error as Error).stack);
    }
    const ms = performance.now() - began;
    slowest = Math.max(slowest, ms);
    if (ms > limitMs) problem += ` took ${Math.round(ms)} ms`;
    if (problem !== '') {
      counts.bad++;
      const kept = join(tmpdir(), `parquet-mutation-${run}`);
      writeFileSync(kept, readFileSync(path));
      process.stdout.write(`run ${run} of ${file} (kept as ${kept}): ${problem}\n`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(
  `${JSON.stringify(counts)}, slowest ${Math.round(slowest)} ms, peak memory ${peak} MB\n`,
);
process.exitCode = counts.bad > 0 ? 1 : 0;
