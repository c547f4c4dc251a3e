/**
 * Kills at random moments (50; KILLS=n for another number): after up to four kills of one job it is run to its end and must hold
 * the same bytes as a run that was left alone. The corpus is made by test/jobs/corpus.ts: pages, JSONL and Parquet with copies.
 * Run with: npm run test:crash
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { corpusConfig, outputHashes, writeCorpus } from '../jobs/corpus.ts';
import { runAndKill } from '../jobs/kill-job.ts';

const kills = Number(process.env.KILLS ?? 50);
const root = mkdtempSync(join(tmpdir(), 'midtrain-crash-'));
const corpus = join(root, 'corpus');
afterAll(() => rmSync(root, { recursive: true }));
beforeAll(() => writeCorpus(corpus, 200));

describe('a filter job killed again and again', () => {
  it(`leaves the same bytes after each of ${kills} kills`, { timeout: 3_600_000 }, async () => {
    const started = performance.now();
    await filterCorpus(corpusConfig(corpus), { out: join(root, 'whole'), workers: 2 });
    const duration = performance.now() - started;
    const expected = outputHashes(join(root, 'whole'));
    const random = new Random('kill-filter');
    let killed = 0;
    for (let round = 0; killed < kills; round++) {
      const out = join(root, `round-${round}`);
      // Up to four kills of the same job before it may end.
      for (let i = 0; i < 4 && killed < kills; i++) {
        if (!(await runAndKill(corpus, out, 1 + random.int(3), random.float() * duration))) break;
        killed++;
      }
      await filterCorpus(corpusConfig(corpus), { out, workers: 1 + random.int(3) });
      expect(outputHashes(out), `round ${round}, ${killed} kills so far`).toEqual(expected);
      rmSync(out, { recursive: true });
    }
    expect(killed).toBe(kills);
  });
});
