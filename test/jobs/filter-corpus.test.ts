/** The filter job as a whole: a ledger that agrees with the files, a stop, a limit. Same bytes for any number of workers: same-bytes.test.ts. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringAt } from '../../src/core/batch.ts';
import { InterruptedError } from '../../src/core/errors.ts';
import { imbalance, type Ledger } from '../../src/core/ledger.ts';
import { normaliseForExact } from '../../src/dedup/normalise-for-exact.ts';
import { openParquet } from '../../src/io/parquet-footer.ts';
import { readRowGroups } from '../../src/io/parquet-read.ts';
import { readRecord } from '../../src/io/run-record.ts';
import { filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { planCorpus } from '../../src/jobs/plan-corpus.ts';
import { corpusConfig, outputHashes, writeCorpus } from './corpus.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-filter-'));
const corpus = join(root, 'corpus');
let expected: Record<string, string>;
const out = (name: string): string => join(root, name);

beforeAll(async () => {
  await writeCorpus(corpus);
  await filterCorpus(corpusConfig(corpus), { out: out('one'), workers: 1 });
  expected = outputHashes(out('one'));
}, 120_000);
afterAll(() => rmSync(root, { recursive: true }));

/** Units that are through their first pass. */
function unitsStarted(folder: string): number {
  return readdirSync(join(folder, 'units')).filter((name) => name.endsWith('.measured.json')).length;
}

interface KeptRow {
  id: string;
  text: string;
  big: bigint | null;
  reason: string | null;
  cluster: number;
}

async function rowsOf(folder: string, sub: 'kept' | 'dropped'): Promise<KeptRow[]> {
  const rows: KeptRow[] = [];
  for (const name of readdirSync(join(folder, sub)).sort()) {
    const file = await openParquet(join(folder, sub, name));
    for await (const item of readRowGroups(file, [0, file.metadata.row_groups.length])) {
      if (item.kind === 'failed') throw new Error(item.problem);
      const has = (column: string): boolean =>
        item.records.schema.fields.some((field) => field.name === column);
      for (let row = 0; row < item.records.numRows; row++) {
        rows.push({
          id: stringAt(item.records, 'id', row)!,
          text: stringAt(item.records, 'text', row) ?? '',
          big: has('big') ? (item.records.getChild('big')!.get(row) as bigint) : null,
          reason: has('verdict.reason') ? stringAt(item.records, 'verdict.reason', row) : null,
          cluster: has('dedup.exact.cluster')
            ? Number(item.records.getChild('dedup.exact.cluster')!.get(row))
            : -1,
        });
      }
    }
    await file.handle.close();
  }
  return rows;
}

describe('filterCorpus', { timeout: 120_000 }, () => {
  it('balances, keeps each text once, and puts every other document aside with its reason', async () => {
    const ledger = JSON.parse(readFileSync(join(out('one'), 'ledger.json'), 'utf8')) as Ledger;
    expect(ledger.in).toBe(90);
    expect(imbalance(ledger)).toBe(0);
    const kept = await rowsOf(out('one'), 'kept');
    const dropped = await rowsOf(out('one'), 'dropped');
    expect(kept).toHaveLength(ledger.kept);
    expect(dropped).toHaveLength(90 - ledger.kept);
    const counts: Record<string, number> = {};
    for (const { reason } of dropped) counts[reason!] = (counts[reason!] ?? 0) + 1;
    expect(counts).toEqual(ledger.dropped);
    expect(Object.keys(counts).sort()).toEqual(['duplicate_exact', 'empty_text', 'gopher_short_doc']);
    expect(new Set(kept.map((row) => normaliseForExact(row.text))).size).toBe(kept.length);
    const clusters = new Set(kept.map((row) => row.cluster));
    for (const row of dropped)
      if (row.reason === 'duplicate_exact') expect(clusters.has(row.cluster)).toBe(true);
  });

  it('keeps 64-bit columns of the input exactly', async () => {
    const rows = [...(await rowsOf(out('one'), 'kept')), ...(await rowsOf(out('one'), 'dropped'))].filter(
      (row) => row.big !== null,
    );
    expect(rows).toHaveLength(40);
    for (const { id, big } of rows) expect(big).toBe(2n ** 60n + BigInt(id.split('#')[1]!));
  });

  it('records histograms, rules and examples that agree with the ledger', () => {
    const { summary, status } = readRecord(out('one')) as unknown as {
      status: string;
      summary: Record<string, never>;
    };
    expect(status).toBe('done');
    const { ledger, signals, reasons, examples, rules } = summary as unknown as {
      ledger: Ledger;
      signals: Record<
        string,
        { histogram: { edges: number[]; counts: number[]; keptCounts: number[] }; threshold?: object }
      >;
      reasons: Record<string, number>;
      examples: Record<string, { id: string; excerpt: string; signal?: string }[]>;
      rules: { reason: string; failing: number; alone: number }[];
    };
    const { histogram, threshold } = signals['gopher.word_count']!;
    const sum = (counts: number[]): number => counts.reduce((a, b) => a + b, 0);
    expect(threshold).toEqual({ min: 50, max: 100_000 });
    expect(sum(histogram.keptCounts)).toBe(ledger.kept);
    expect(sum(histogram.counts)).toBe(ledger.in - ledger.dropped.empty_text!);
    expect(reasons).toMatchObject(ledger.dropped);
    expect(rules.find((rule) => rule.reason === 'gopher_short_doc')!.failing).toBe(
      ledger.dropped.gopher_short_doc,
    );
    expect(examples.gopher_short_doc![0]).toMatchObject({ signal: 'gopher.word_count' });
    expect(examples.kept!.length).toBe(5);
  });

  it('makes only a damaged output again when it is run once more', async () => {
    cpSync(out('one'), out('mended'), { recursive: true });
    const kept = readdirSync(join(out('mended'), 'kept')).sort();
    expect(kept.length).toBeGreaterThanOrEqual(5);
    const victim = join(out('mended'), 'kept', kept[1]!);
    const others = kept.filter((_, i) => i !== 1).map((name) => join(out('mended'), 'kept', name));
    const before = others.map((path) => statSync(path).ino);
    writeFileSync(victim, 'x'.repeat(readFileSync(victim).length));
    const result = await filterCorpus(corpusConfig(corpus), { out: out('mended'), workers: 1 });
    expect(result.complete).toBe(true);
    expect(outputHashes(out('mended'))).toEqual(expected);
    expect(others.map((path) => statSync(path).ino)).toEqual(before);
    expect(existsSync(join(out('mended'), 'work'))).toBe(false);
  });

  it('goes on after an abort and ends with the same bytes', async () => {
    const controller = new AbortController();
    const run = filterCorpus(corpusConfig(corpus), {
      out: out('stopped'),
      workers: 1,
      signal: controller.signal,
      emit: (event) => {
        if (event.kind === 'progress' && event.task === 'filter' && unitsStarted(out('stopped')) > 0)
          controller.abort();
      },
    });
    await expect(run).rejects.toBeInstanceOf(InterruptedError);
    expect(readRecord(out('stopped')).status).toBe('interrupted');
    expect(unitsStarted(out('stopped'))).toBeLessThan(9);
    await filterCorpus(corpusConfig(corpus), { out: out('stopped'), workers: 1 });
    expect(outputHashes(out('stopped'))).toEqual(expected);
  });
  it('stops at the limit, in unit order, for any number of workers', async () => {
    const result = await filterCorpus(corpusConfig(corpus), { out: out('limit'), workers: 3, limit: 25 });
    expect(result.summary.ledger.in).toBe(25);
    const ids = [...(await rowsOf(out('limit'), 'kept')), ...(await rowsOf(out('limit'), 'dropped'))].map(
      (row) => row.id,
    );
    expect(ids.filter((id) => id.startsWith('p'))).toHaveLength(10);
    expect(ids.filter((id) => id.startsWith('j')).sort()).toEqual(
      Array.from({ length: 15 }, (_, i) => `j${i}`).sort(),
    );
  });
});

describe('planCorpus', () => {
  it('writes nothing and does not depend on the folder of the run', async () => {
    const plan = await planCorpus(corpusConfig(corpus));
    expect(plan).toEqual(await planCorpus(corpusConfig(corpus)));
    expect(plan.units.length).toBeGreaterThan(5);
    expect(plan.units.map((unit) => unit.name)).toEqual(plan.units.map((unit) => unit.name).sort());
    expect(plan.hash).toBe(
      (JSON.parse(readFileSync(join(out('one'), 'plan.json'), 'utf8')) as { hash: string }).hash,
    );
  });
});
