/** kill -9 of a filter job and a rerun give the same bytes as a run that was left alone. More kills: npm run test:crash. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { corpusConfig, outputHashes, writeCorpus } from './corpus.ts';
import { runAndKill } from './kill-job.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-kill-'));
const corpus = join(root, 'corpus');
beforeAll(() => writeCorpus(corpus, 60));
afterAll(() => rmSync(root, { recursive: true }));

describe('a filter job that is killed', () => {
  it('goes on where it was and ends with the same bytes, whatever the number of workers', {
    timeout: 180_000,
  }, async () => {
    await filterCorpus(corpusConfig(corpus), { out: join(root, 'whole'), workers: 1 });
    const out = join(root, 'killed');
    let kills = 0;
    for (const afterMs of [300, 1500])
      if (await runAndKill({ kind: 'small', corpus, out, workers: 2 }, { afterMs })) kills++;
    expect(kills).toBeGreaterThan(0);
    await filterCorpus(corpusConfig(corpus), { out, workers: 3 });
    expect(outputHashes(out)).toEqual(outputHashes(join(root, 'whole')));
    const leftovers = readdirSync(out, { recursive: true }).filter((name) =>
      /\.tmp-|job\.lock|^work/.test(String(name)),
    );
    expect(leftovers).toEqual([]);
  });
});
