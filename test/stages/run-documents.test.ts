/** The documents of a run as inspect pages through them: texts beside their signals, order by margin, search, copies, and gaps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rule } from '../../src/filters/rule.ts';
import { RunDocuments } from '../../src/stages/run-documents.ts';
import { type MadeDocument, type MadeRun, makeRun } from './make-signals.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-documents-'));
afterAll(() => rmSync(root, { recursive: true }));

const words = 'gopher.word_count';
const rules: Rule[] = [
  { signal: words, side: 'min', bound: 50, reason: 'gopher_short_doc' },
  { signal: 'gopher.hash_ratio', side: 'max', bound: 0.1, reason: 'gopher_too_many_hashes' },
];
const signals = [words, 'gopher.hash_ratio'];

/** 2 units of 40; every seventh text is blank, the count of words says who is dropped. */
const units = [0, 1].map((u) =>
  Array.from({ length: 40 }, (_, i): MadeDocument => {
    const text = i % 7 === 6 ? ' ' : `unit ${u} document ${i} ${'word '.repeat(400)}end of ${u}-${i}`;
    const values = { [words]: 30 + i, 'gopher.hash_ratio': i === 25 ? 0.5 : 0.01 };
    return { id: `${u}-${i}`, url: `https://e.org/${u}/${i}`, text, ...(i % 7 === 6 ? {} : { values }) };
  }),
);
const made: MadeRun = {
  units,
  signals,
  rules,
  families: ['gopher-quality'],
  dedup: [{ name: 'minhash', keep: 'first' }],
  clusters: {
    minhash: [
      [
        [0, 30],
        [0, 5],
        [1, 30],
        [1, 31],
      ],
    ],
  },
  rowGroupBytes: 20_000,
};
/** What dedup drops in this run: of 0-30, 1-30, 1-31 the first stays; 0-5 is too short. */
const drops = { '1-30': 'duplicate_minhash', '1-31': 'duplicate_minhash' };

let documents: RunDocuments;
beforeAll(async () => {
  await makeRun(join(root, 'full'), made, drops);
  await makeRun(join(root, 'bare'), made, drops, { dropped: false });
  documents = await RunDocuments.open(join(root, 'full'));
});
afterAll(() => documents.close());

const idsOf = async (list: Uint32Array): Promise<string[]> => {
  const ids: string[] = [];
  for (const number of list) ids.push((await documents.document(number)).id);
  return ids;
};

describe('the documents of a run', () => {
  it('come with their own text, signals, margins and reason, in any order of asking', async () => {
    const all = units.flat();
    const order = [3, 79, 0, 41, 30, 70, 71, 5, 45, 6, 25, 39, 40];
    // All at once, as somebody who holds a key down: the readers are shared.
    const found = await Promise.all(order.map((number) => documents.document(number)));
    for (const [k, document] of found.entries()) {
      const source = all[order[k]!]!;
      expect(document.id).toBe(source.id);
      expect(document.text).toBe(source.text);
      expect(document.textFrom).toBe(document.reason === 'kept' ? 'kept' : 'dropped');
      const [count] = document.signals;
      expect(count).toMatchObject(
        source.values === undefined
          ? { name: words, value: null }
          : { name: words, value: source.values[words], rule: rules[0], margin: source.values[words]! - 50 },
      );
    }
    const reasons = new Map(found.map(({ id, reason }) => [id, reason]));
    expect([...reasons.entries()].filter(([, reason]) => reason !== 'gopher_short_doc')).toEqual([
      ['1-39', 'kept'],
      ['0-30', 'kept'],
      ['1-30', 'duplicate_minhash'],
      ['1-31', 'duplicate_minhash'],
      ['0-6', 'empty_text'],
      ['0-25', 'gopher_too_many_hashes'],
      ['0-39', 'kept'],
    ]);
  });

  it('are listed by reason, and the counts add up', async () => {
    const total = documents.reasons.reduce((sum, { documents: n }) => sum + n, 0);
    expect(total).toBe(80);
    expect(await idsOf(documents.list('gopher_too_many_hashes'))).toEqual(['0-25', '1-25']);
    expect(documents.list('kept').length + documents.list('dropped').length).toBe(80);
    expect(documents.list('nothing').length).toBe(0);
  });

  it('are ordered by how near they are to the bound of their reason', async () => {
    const nearest = await documents.byMargin('gopher_short_doc');
    expect((await idsOf(nearest)).slice(0, 4)).toEqual(['0-19', '1-19', '0-18', '1-18']);
    expect((await idsOf(await documents.byMargin('kept'))).slice(0, 2)).toEqual(['0-21', '1-21']);
  });

  it('are searched forward and back, in whole texts, whatever the case', async () => {
    const all = documents.list('all');
    expect(await documents.search(all, 0, 1, 'END OF 1-3')).toBe(43);
    expect(await documents.search(all, 44, 1, 'end of 1-3')).toBe(70);
    expect(await documents.search(all, 69, -1, 'end of 1-3')).toBe(43);
    expect(await documents.search(all, 0, 1, 'nowhere')).toBe(-1);
    expect(await documents.search(all, 0, 1, 'end of 1-3', AbortSignal.abort())).toBe(-1);
  });

  it('show the copies of a cluster with what became of each', async () => {
    const { copies } = await documents.document(71);
    expect(copies).toEqual([{ step: 'minhash', cluster: 5, size: 4 }]);
    const members = await documents.members('minhash', 5);
    expect(members.map(({ id, reason }) => [id, reason])).toEqual([
      ['0-5', 'gopher_short_doc'],
      ['0-30', 'kept'],
      ['1-30', 'duplicate_minhash'],
      ['1-31', 'duplicate_minhash'],
    ]);
    expect((await documents.document(3)).copies).toEqual([]);
  });

  it('show the beginning of what was dropped when dropped/ was not written', async () => {
    const bare = await RunDocuments.open(join(root, 'bare'));
    const dropped = await bare.document(3);
    expect(dropped).toMatchObject({ id: '0-3', reason: 'gopher_short_doc', textFrom: 'excerpt' });
    expect(dropped.text).toBe(units[0]![3]!.text.slice(0, 200).trim());
    expect((await bare.document(30)).textFrom).toBe('kept');
    expect(await bare.search(bare.list('all'), 0, 1, 'document 3 ')).toBe(3);
    await bare.close();
  });

  it('are never shown with the text of another: a file that does not fit is left aside', async () => {
    const folder = join(root, 'odd');
    // Two kept documents less than the signals say.
    await makeRun(folder, made, { ...drops, '0-32': 'lost', '0-35': 'lost' });
    const odd = await RunDocuments.open(folder);
    for (const number of odd.list('kept')) {
      const document = await odd.document(number);
      const { text } = units.flat()[number]!;
      expect(text.startsWith(document.text.slice(0, 100).trim())).toBe(true);
    }
    expect((await odd.document(37)).textFrom).toBe('excerpt');
    await odd.close();
  });
});
