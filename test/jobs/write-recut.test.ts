/** A written recut against a filter job run afresh with the same thresholds: the same bytes, wherever the texts come from. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filterCorpus } from '../../src/jobs/filter-corpus.ts';
import { writeRecut } from '../../src/jobs/write-recut.ts';
import { recut } from '../../src/stages/recut.ts';
import { RunDocuments } from '../../src/stages/run-documents.ts';
import { corpusConfig, writeCorpus } from './corpus.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-write-recut-'));
afterAll(() => rmSync(root, { recursive: true }));

const loose = { use: ['gopher-quality'] };
const strict = {
  use: ['gopher-quality'],
  set: { 'gopher.word_count': { min: 65 }, 'math.score': { max: 0.9 } },
};
const corpus = join(root, 'corpus');
const folder = (name: string): string => join(root, name);

/** A filter job with dropped/, and the same folder without. */
async function filter(name: string, thresholds: object): Promise<void> {
  const dedup = [{ step: 'exact' }, { step: 'minhash', keep: 'longest' }];
  const limits = { unitBytes: 16_384 };
  const config = corpusConfig(corpus, { thresholds, dedup, transform: ['mask-pii'], limits });
  await filterCorpus(config, { out: folder(name), workers: 1 });
  cpSync(folder(name), folder(`${name}-kept`), { recursive: true });
  rmSync(join(folder(`${name}-kept`), 'dropped'), { recursive: true });
}

function hashes(name: string, sub: string): Record<string, string> {
  const at = join(folder(name), sub);
  if (!existsSync(at)) return {};
  const hash = (file: string): string =>
    createHash('sha256')
      .update(readFileSync(join(at, file)))
      .digest('hex');
  return Object.fromEntries(
    readdirSync(at)
      .sort()
      .map((file) => [file, hash(file)]),
  );
}

const ledger = (name: string): unknown => JSON.parse(readFileSync(join(folder(name), 'ledger.json'), 'utf8'));
const asThresholds = (value: object) => ({
  thresholds: { value: { use: [], set: {}, ...value }, file: 'test' },
});

describe('a written recut', () => {
  beforeAll(async () => {
    mkdirSync(corpus);
    await writeCorpus(corpus, 24);
    await filter('loose', loose);
    await filter('strict', strict);
  });

  it('of stricter thresholds takes its texts from kept/, inputs or not, and is what a filter job writes', async () => {
    renameSync(corpus, `${corpus}.away`);
    const made = await recut(folder('loose-kept'), asThresholds(strict));
    const written = await writeRecut(made, { out: folder('a') });
    renameSync(`${corpus}.away`, corpus);
    expect(written.readAgain).toBe(0);
    expect(written.documents).toBeGreaterThan(3);
    expect(hashes('a', 'kept')).toEqual(hashes('strict-kept', 'kept'));
    expect(ledger('a')).toEqual(ledger('strict-kept'));
  });

  it('of looser thresholds reads the inputs again where dropped/ was not written', async () => {
    const made = await recut(folder('strict-kept'), asThresholds(loose));
    const written = await writeRecut(made, { out: folder('b') });
    expect(written.readAgain).toBeGreaterThan(3);
    expect(hashes('b', 'kept')).toEqual(hashes('loose-kept', 'kept'));
    expect(ledger('b')).toEqual(ledger('loose-kept'));
  });

  it('of looser thresholds takes what it gains from dropped/ where that was written', async () => {
    renameSync(corpus, `${corpus}.away`);
    const made = await recut(folder('strict'), asThresholds(loose));
    const written = await writeRecut(made, { out: folder('c'), dropped: true });
    renameSync(`${corpus}.away`, corpus);
    expect(written.readAgain).toBe(0);
    expect(hashes('c', 'kept')).toEqual(hashes('loose', 'kept'));
    expect(hashes('c', 'dropped')).toEqual(hashes('loose', 'dropped'));
  });

  it('can be recut again, and back', async () => {
    const made = await recut(folder('a'), asThresholds(loose));
    await writeRecut(made, { out: folder('back') });
    expect(hashes('back', 'kept')).toEqual(hashes('loose-kept', 'kept'));
  });

  it('can be inspected', async () => {
    const documents = await RunDocuments.open(folder('c'));
    try {
      const reasons = new Map(documents.reasons.map(({ reason, documents: n }) => [reason, n]));
      const { kept, dropped } = ledger('c') as { kept: number; dropped: Record<string, number> };
      expect(reasons).toEqual(new Map([['kept', kept], ...Object.entries(dropped)]));
      for (const number of documents.list('all')) {
        const { textFrom, reason, bytes, text } = await documents.document(number);
        expect(textFrom).toBe(reason === 'kept' ? 'kept' : 'dropped');
        if (reason === 'empty_text') expect(text.trim()).toBe('');
        else expect(Buffer.byteLength(text)).toBe(bytes);
      }
    } finally {
      await documents.close();
    }
  });

  it('refuses an input that has changed, names it, and leaves nothing behind', async () => {
    const path = join(corpus, 'a.jsonl');
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, before.replaceAll('number', 'nunber!'));
    const made = await recut(folder('strict-kept'), asThresholds(loose));
    const writing = writeRecut(made, { out: folder('changed') });
    await expect(writing).rejects.toThrow(/a\.jsonl.*not the text that was measured/s);
    writeFileSync(path, before);
    expect(existsSync(folder('changed'))).toBe(false);
    expect(existsSync(`${folder('changed')}.partial`)).toBe(false);
  });

  it('overwrites nothing, and clears only what a killed recut left', async () => {
    const made = await recut(folder('strict-kept'), asThresholds(loose));
    await expect(writeRecut(made, { out: folder('loose') })).rejects.toThrow('not empty');
    await expect(writeRecut(made, { out: folder('strict-kept') })).rejects.toThrow('the run itself');
    mkdirSync(folder('d.partial'));
    writeFileSync(join(folder('d.partial'), 'mine.txt'), 'mine');
    await expect(writeRecut(made, { out: folder('d') })).rejects.toThrow('in the way');
    expect(existsSync(join(folder('d.partial'), 'mine.txt'))).toBe(true);
    mkdirSync(folder('e.partial'));
    writeFileSync(join(folder('e.partial'), '.midtrain-recut'), '');
    await writeRecut(made, { out: folder('e') });
    expect(existsSync(join(folder('e'), 'run.json'))).toBe(true);
    expect(existsSync(join(folder('e'), '.midtrain-recut'))).toBe(false);
  });
});
