/** A made-up filter run of any size: signals of 60 columns of which 17 have rules, and clusters of two dedup steps. No texts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Vector } from 'apache-arrow';
import { batchFromVectors, float64Vector, utf8Vector } from '../../src/core/batch.ts';
import { initHash64 } from '../../src/core/hash64.ts';
import { Random } from '../../src/core/random.ts';
import { clusterFile } from '../../src/dedup/cluster-file.ts';
import { RecordWriter } from '../../src/dedup/record-file.ts';
import type { Rule } from '../../src/filters/rule.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { unitName, writeFrame } from '../stages/make-signals.ts';

const words =
  'the of and to that with have be number prime proof sum line point value about where every'.split(' ');

/** Each rule drops some 4 % of the documents; values near the bound are common; counts are whole. */
function drawValue(rules: readonly Rule[], signal: string, random: Random): number {
  const [rule] = rules.filter((candidate) => candidate.signal === signal);
  const draw = random.float();
  if (rule === undefined) return Math.floor(draw * 5000) / 5000;
  const { bound, side } = rule;
  if (signal.endsWith('count')) return Math.floor(bound * (draw < 0.04 ? draw * 25 : 1 + 20 * draw));
  const outside = draw < 0.04;
  const value =
    side === 'min' ? bound * (outside ? draw * 25 : 1 + 3 * draw) : bound * (outside ? 1 + 10 * draw : draw);
  return Math.round(value * 997) / 997;
}

/** Writes the run; `documents` must be a multiple of `units`. */
export async function writeBigRun(folder: string, documents: number, units: number): Promise<void> {
  await initHash64();
  const rules = ['gopher-quality', 'fineweb-quality', 'math'].flatMap((name) => thresholdSets[name] ?? []);
  const used = [...new Set(rules.map((rule) => rule.signal))];
  const signals = [...used, ...Array.from({ length: 60 - used.length }, (_, i) => `other.s${i}`)];
  writeFrame(folder, {
    units: Array.from({ length: units }, () => []),
    signals,
    rules,
    families: ['gopher-quality', 'fineweb-quality', 'math'],
    dedup: [
      { name: 'exact', keep: 'first' },
      { name: 'minhash', keep: 'longest' },
    ],
  });
  const random = new Random(1);
  const per = documents / units;
  let document = 0;
  for (let unit = 0; unit < units; unit++) {
    let output: ParquetOutput | undefined;
    for (let at = 0; at < per; at += 8192) {
      const rows = Math.min(8192, per - at);
      const list = <T>(make: (i: number) => T): T[] => Array.from({ length: rows }, (_, i) => make(i));
      const bytes = list(() => Math.floor(200 + 20_000 * random.float() ** 3));
      const columns: Record<string, Vector> = {
        id: utf8Vector(list(() => `doc-${document++}`)),
        url: utf8Vector(list((i) => `https://example.org/${random.int(1e6)}/page-${i}.html`)),
        row: float64Vector(list((i) => at + i)),
        'text.bytes': float64Vector(bytes),
        'text.tokens': float64Vector(bytes.map((n) => n / 4)),
        excerpt: utf8Vector(list(() => Array.from({ length: 30 }, () => random.pick(words)).join(' '))),
      };
      for (const signal of signals)
        columns[signal] = float64Vector(list(() => drawValue(rules, signal, random)));
      const batch = batchFromVectors(columns);
      const path = join(folder, 'signals', `${unitName(unit)}.parquet`);
      output ??= new ParquetOutput(path, batch.schema, { rowGroupBytes: 32 << 20 });
      await output.write(batch);
    }
    await output?.finish();
  }
  await writeClusters(folder, documents, 'exact', 0.1);
  await writeClusters(folder, documents, 'minhash', 0.3);
}

async function writeClusters(folder: string, documents: number, step: string, share: number): Promise<void> {
  const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as { units: { name: string }[] };
  const per = documents / plan.units.length;
  const random = new Random(step);
  const open: number[] = [];
  const clusters = new Float64Array(documents).fill(-1);
  const sizes = new Map<number, number>();
  for (let i = 0; i < documents; i++) {
    if (random.float() > share) continue;
    const joins = open.length > 5000 && random.float() < 0.6;
    const cluster = joins ? random.pick(open) : i;
    if (!joins) open.push(i);
    clusters[i] = cluster;
    sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
  }
  for (const [unit, { name }] of plan.units.entries()) {
    const writer = await RecordWriter.create(
      join(folder, 'dedup', step, `${name}.clusters`),
      clusterFile,
      per,
    );
    for (let index = 0; index < per; index++) {
      const cluster = clusters[unit * per + index]!;
      const size = sizes.get(cluster) ?? 0;
      if (size < 2) continue;
      writer.addTriple(index, size, cluster);
      if (writer.full) await writer.flush();
    }
    await writer.commit();
  }
}
