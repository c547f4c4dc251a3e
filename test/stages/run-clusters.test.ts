/** Duplicate clusters of a run to look at: largest first, the copy that stays always shown, each member with what became of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterSteps, runClusters } from '../../src/stages/run-clusters.ts';
import { RunDocuments } from '../../src/stages/run-documents.ts';
import { clusterText } from '../../src/tui/inspect-clusters.ts';
import { type MadeDocument, type MadeRun, makeRun } from './make-signals.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-clusters-'));
const words = 'gopher.word_count';
const document = (id: string, count: number): MadeDocument => ({
  id,
  text: `${id} ${'word '.repeat(count)}`,
  values: { [words]: count },
});
/** Two units of 30 documents and one of none between them; the last of the large cluster has most words. */
const unit = (u: number): MadeDocument[] =>
  Array.from({ length: 30 }, (_, i) => document(`${u}-${i}`, i < 3 && u === 0 ? 10 : 60 + i + 40 * u));
const large: [number, number][] = [
  ...Array.from({ length: 20 }, (_, i): [number, number] => [0, i + 5]),
  [2, 29],
];
const made: MadeRun = {
  units: [unit(0), [], unit(1)],
  signals: [words],
  rules: [{ signal: words, side: 'min', bound: 50, reason: 'gopher_short_doc' }],
  dedup: [{ name: 'minhash', keep: { signal: words, prefer: 'high' } }],
  clusters: {
    minhash: [
      [
        [0, 0],
        [0, 1],
      ],
      [
        [0, 2],
        [2, 3],
        [2, 4],
      ],
      large,
    ],
  },
};
const drops = {
  ...Object.fromEntries(large.slice(0, -1).map(([u, i]) => [`${u}-${i}`, 'duplicate_minhash'])),
  '1-3': 'duplicate_minhash',
};

let documents: RunDocuments;
beforeAll(async () => {
  await makeRun(join(root, 'run'), made, drops);
  documents = await RunDocuments.open(join(root, 'run'));
});
afterAll(async () => {
  await documents.close();
  rmSync(root, { recursive: true });
});

describe('the clusters of a run', () => {
  it('come largest first, cut to a few members, with the copy that stays among them', async () => {
    const [step] = clusterSteps(documents);
    const found = await runClusters(documents, step!, { limit: 2, members: 4 });
    expect(found.map(({ size, stays }) => [size, stays])).toEqual([
      [21, 59],
      [3, 34],
    ]);
    expect(found[0]!.members.map(({ id, reason, priority }) => [id, reason, priority])).toEqual([
      ['0-5', 'duplicate_minhash', 65],
      ['0-6', 'duplicate_minhash', 66],
      ['0-7', 'duplicate_minhash', 67],
      ['0-8', 'duplicate_minhash', 68],
      ['1-29', 'kept', 129],
    ]);
    expect(found[1]!.members.map(({ id, reason }) => [id, reason])).toEqual([
      ['0-2', 'gopher_short_doc'],
      ['1-3', 'duplicate_minhash'],
      ['1-4', 'kept'],
    ]);
    expect(documents.clusterCounts('minhash')).toEqual({ clusters: 3, members: 26, largest: 21 });
  });

  it('are told with the reason why one stays, or that none does', async () => {
    const [step] = clusterSteps(documents);
    const [first, , last] = await runClusters(documents, step!, { members: 2 });
    const text = clusterText(first!, step!.keep);
    expect(text).toContain(
      '21 documents; the one with the highest gopher.word_count stays, of equals the first',
    );
    expect(text).toMatch(/\n {2}stays +1-29 +129 /);
    expect(text).toContain('\n  and 18 more\n');
    expect(clusterText(last!, step!.keep)).toContain('none stays: the rules drop every copy');
  });

  it('list their documents in the same order for paging', () => {
    const { list, starts } = documents.clustered(['minhash']);
    expect([...starts]).toEqual([0, 21, 24]);
    expect([...list.slice(19)]).toEqual([24, 59, 2, 33, 34, 0, 1]);
  });

  it('are refused by a step that is not there', () => {
    expect(() => clusterSteps(documents, 'minhsh')).toThrow(/no dedup step "minhsh"/);
  });
});
