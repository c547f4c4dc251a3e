/**
 * Which files an input means: patterns, data cards, and gzip files cut at their members.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseCard } from '../../src/core/card.ts';
import { inputsOfCard } from '../../src/io/card-input.ts';
import { patternMatcher } from '../../src/io/path-pattern.ts';
import { planRead } from '../../src/io/read-plan.ts';
import { readUnit } from '../../src/io/read-unit.ts';
import { columnValues } from '../core/arrow-values.ts';
import { scratchFolder } from './scratch.ts';

const scratch = scratchFolder();
const line = (i: number): string => `${JSON.stringify({ text: `document ${i}` })}\n`;

describe('patterns', () => {
  const cases: [string, string[], string[]][] = [
    ['*.parquet', ['a.parquet'], ['x/a.parquet', 'a.parquet.gz']],
    ['**/*.jsonl', ['a.jsonl', 'x/y/a.jsonl'], ['a.json']],
    ['data/**', ['data/a', 'data/b/c'], ['other/a']],
    ['train-0000[0-2].p?', ['train-00001.pq'], ['train-00003.pq', 'train-00001.parquet']],
    ['[!a]*.{gz,zst}', ['b.gz', 'b.zst'], ['a.gz', 'b.br']],
    ['a+b(1)*', ['a+b(1).txt'], ['aab1.txt']],
    ['run-*', ['run-1', 'run-1/part/x.parquet'], ['walk-1/x']],
  ];
  for (const [pattern, yes, no] of cases)
    it(pattern, () => {
      const matches = patternMatcher(pattern);
      expect(yes.filter((path) => !matches(path))).toEqual([]);
      expect(no.filter(matches)).toEqual([]);
    });

  it('take files in the order of their paths, and are an error when they match none', async () => {
    const folder = join(scratch, 'shards');
    mkdirSync(join(folder, 'deep'), { recursive: true });
    for (const [i, name] of ['b.jsonl', 'a.jsonl', 'deep/c.jsonl', 'notes.txt'].entries())
      writeFileSync(join(folder, name), line(i));
    writeFileSync(join(folder, 'odd[1].jsonl'), line(9));
    const labels = async (path: string): Promise<string[]> =>
      (await planRead([{ path }])).units.map((unit) => unit.label);
    expect(await labels(join(folder, '[a-b].jsonl'))).toEqual(['shards/a.jsonl', 'shards/b.jsonl']);
    expect(await labels(join(folder, '**', '{a,c}.jsonl'))).toEqual([
      'shards/a.jsonl',
      'shards/deep/c.jsonl',
    ]);
    // A file that is really called so is itself.
    expect(await labels(join(folder, 'odd[1].jsonl'))).toEqual(['odd[1].jsonl']);
    await expect(planRead([{ path: join(folder, '*.parquet') }])).rejects.toThrow(
      /no file matches this pattern/,
    );
    await expect(planRead([{ path: join(folder, 'none', '*.parquet') }])).rejects.toThrow(
      /no file matches this pattern/,
    );
    await expect(planRead([{ path: join(folder, '[a.jsonl') }])).rejects.toThrow(/has a \[ without a \]/);
  });
});

describe('gzip JSON lines in several members', () => {
  const read = async (
    path: string,
    unitBytes: number,
  ): Promise<{ texts: unknown[]; units: number; notes: string[]; rows: unknown[] }> => {
    const plan = await planRead([{ path }], { unitBytes });
    const texts: unknown[] = [];
    const rows: unknown[] = [];
    for (const unit of plan.units)
      for await (const item of readUnit(unit)) {
        expect(item.kind).toBe('batch');
        if (item.kind !== 'batch') continue;
        rows.push(item.batch.origin.firstRow);
        texts.push(...columnValues(item.batch.records.getChild('text')!.data[0]!));
      }
    return { texts, units: plan.units.length, notes: plan.notes, rows };
  };
  const all = Array.from({ length: 400 }, (_, i) => line(i));
  const expected = Array.from({ length: 400 }, (_, i) => `document ${i}`);

  it('are cut where a member and a line end together, and nowhere else', async () => {
    const members: Buffer[] = [];
    for (let i = 0; i < 400; i += 40) {
      const text = all.slice(i, i + 40).join('');
      // Every third member ends in the middle of a line.
      const cut = i % 120 === 0 ? 300 : text.length;
      members.push(gzipSync(text.slice(0, cut)));
      if (cut < text.length) members.push(gzipSync(text.slice(cut)));
    }
    const path = join(scratch, 'members.jsonl.gz');
    writeFileSync(path, Buffer.concat(members));
    const { texts, units, rows } = await read(path, 1);
    expect(texts).toEqual(expected);
    expect(units).toBe(10);
    expect(rows).toEqual(Array.from({ length: 10 }, (_, i) => i * 40));
    expect((await read(path, 1e9)).units).toBe(1);
  });

  it('in one member or zstd frame are one unit, and the plan says so', async () => {
    for (const [name, content] of [
      ['one.jsonl.gz', gzipSync(all.join(''))],
      ['one.jsonl.zst', zstdCompressSync(all.join(''))],
    ] as const) {
      const path = join(scratch, name);
      writeFileSync(path, content);
      const { texts, units, notes } = await read(path, 100);
      expect([texts, units]).toEqual([expected, 1]);
      expect(notes).toEqual([expect.stringMatching(/stream, so its .* are one unit of work/)]);
    }
  });
});

describe('inputsOfCard', () => {
  const card = (project: string): ReturnType<typeof parseCard> =>
    parseCard(
      `---\nlicense: mit\npretty_name: X\nmidtrain:\n  role: web\n  contamination: none\n${project.replace(/^/gm, '  ')}\n---\n`,
      '/cards/x.md',
      'x',
    );

  it('maps columns and finds files beside the card or on the Hub', () => {
    expect(
      inputsOfCard(
        card(
          'data: { path: [a.jsonl, /b.jsonl] }\ntemplate: text\ncolumns: { text: content, id: key, url: link }\nformat: jsonl',
        ),
      ),
    ).toEqual(
      ['/cards/a.jsonl', '/b.jsonl'].map((path) => ({
        path,
        format: 'jsonl',
        source: 'x',
        columns: { text: 'content', id: 'key', url: 'link' },
      })),
    );
    expect(
      inputsOfCard(card('data: { hub: a/b, folder: data, split: train, revision: v1 }\ntemplate: text')),
    ).toMatchObject([{ path: 'hf://datasets/a/b@v1/data/**/{train,train[-._0-9]*}', columns: {} }]);
    expect(
      inputsOfCard(card('data: { hub: a/b }\ntemplate: text'), { path: 'mine.parquet', source: 'y' }),
    ).toMatchObject([{ path: 'mine.parquet', source: 'y' }]);
  });

  it('says what to name where there is no one column of text', () => {
    const qa = card(
      'data: { path: a.jsonl }\ntemplate: question-answer\ncolumns: { question: q, answer: a }',
    );
    expect(() => inputsOfCard(qa)).toThrow(
      /made from several columns \(template question-answer: question, answer\)/,
    );
    expect(inputsOfCard(qa, { columns: { text: 'a' } })).toMatchObject([{ columns: { text: 'a' } }]);
    expect(() => inputsOfCard(card('data: { hub: a/b, config: c }\ntemplate: text'))).toThrow(
      /not the folder it lies in/,
    );
  });
});
