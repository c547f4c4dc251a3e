/**
 * Copies every readable Parquet sample through our reader and writer into a folder, for parquet.py to compare.
 * Usage: node test/oracles/parquet-copies.ts <folder>
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { readWhole } from '../io/parquet-rows.ts';

const target = resolve(process.argv[2] ?? 'copies');
const samples = resolve(import.meta.dirname, '../../../shared/data');
mkdirSync(target, { recursive: true });
const pairs: [string, string][] = [];
for (const folder of ['parquet/hyparquet', 'parquet/apache-data', 'models/verl-arithmetic']) {
  for (const name of readdirSync(join(samples, folder)).filter((file) => file.endsWith('.parquet'))) {
    const original = join(samples, folder, name);
    const whole = await readWhole(original);
    if (whole.problems.length > 0 || whole.batches.length === 0) continue;
    const copy = join(target, `${folder.replaceAll('/', '-')}-${name}`);
    const output = new ParquetOutput(copy, whole.batches[0]!.schema);
    for (const records of whole.batches) await output.write(records);
    await output.finish();
    pairs.push([original, copy]);
  }
}
writeFileSync(join(target, 'pairs.json'), JSON.stringify(pairs, null, 1));
