/** Documents of a source to look at: formatted, from anywhere in it, the same for the same seed, bounded, with reasons where there are none. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import type { Ledger } from '../../src/core/ledger.ts';
import { drawDocuments } from '../../src/stages/draw-documents.ts';
import { sampleSource } from '../../src/stages/sample-source.ts';
import { scratchFolder } from '../io/scratch.ts';

const folder = scratchFolder();
const path = join(folder, 'qa.jsonl');
const rows = Array.from({ length: 4000 }, (_, i) => ({
  id: `d${i}`,
  url: `https://example.org/${i}`,
  question: `What is ${i}?`,
  answer: `${'It is a number. '.repeat(i % 40)}${i}`,
}));
writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

const source = (change: Partial<ResolvedSource> = {}): ResolvedSource => ({
  name: 'qa',
  role: 'qa',
  template: 'question-answer',
  columns: { question: 'question', answer: 'answer' },
  format: 'auto',
  card: undefined,
  data: { kind: 'files', paths: [path] },
  ...change,
});
const asked = { count: 6, seed: 1, maxCharacters: 80 };
/** As `sampleSource` in its thread does. */
const draw = (from: ResolvedSource, change: Partial<typeof asked> = {}) =>
  drawDocuments({ kind: 'sample', source: from, tokenizer: undefined, seconds: 30, ...asked, ...change });

describe('a sample of a source', () => {
  test('shows documents as they will be trained on, from anywhere, the same for the same seed', async () => {
    const documents = await sampleSource(source(), asked);
    expect(documents).toHaveLength(6);
    for (const { id, url, text, truncated } of documents) {
      const row = rows[Number(id.slice(1))]!;
      const whole = `Question:${row.question}\nAnswer:${row.answer}`;
      expect(url).toBe(row.url);
      expect(whole.replaceAll(/\s/g, '')).toContain(text.replaceAll(/\s/g, '').slice(0, 60));
      expect(text.length).toBeLessThanOrEqual(80);
      expect(truncated).toBe(text.length < whole.length - 2);
    }
    expect(new Set(documents.map(({ id }) => id)).size).toBe(6);
    const places = documents.map(({ id }) => Number(id.slice(1)) / 4000);
    expect(Math.max(...places) - Math.min(...places)).toBeGreaterThan(0.3);
    expect((await draw(source())).documents).toEqual(documents);
    expect((await draw(source(), { seed: 2 })).documents).not.toEqual(documents);
  });

  test('has all documents of a source that has few, and generated ones', async () => {
    const few = join(folder, 'few.jsonl');
    writeFileSync(
      few,
      rows
        .slice(0, 3)
        .map((row) => `${JSON.stringify(row)}\n`)
        .join(''),
    );
    const { documents } = await draw(source({ data: { kind: 'files', paths: [few] } }));
    expect(documents.map(({ id }) => id).sort()).toEqual(['d0', 'd1', 'd2']);
    const spec = { generator: 'arithmetic' as const, kind: 'qa' as const, count: 2000, seed: 0 };
    const { documents: made } = await draw(
      source({ data: { kind: 'generated', spec }, columns: { question: 'question', answer: 'response' } }),
    );
    expect(made).toHaveLength(6);
    expect(made[0]!.text).toMatch(/^Question:/);
  });

  test('says why records give no text, and cuts no character in half', async () => {
    let ledger: Ledger | undefined;
    const wrong = source({ columns: { question: 'question', answer: 'nothing' } });
    expect(await sampleSource(wrong, { ...asked, onLedger: (told) => (ledger = told) })).toEqual([]);
    expect(Object.keys(ledger!.failed)).toHaveLength(1);
    expect(ledger!.failed[Object.keys(ledger!.failed)[0]!]).toBe(ledger!.in);
    const smile = join(folder, 'smile.jsonl');
    writeFileSync(smile, `${JSON.stringify({ text: '\u{1f600}'.repeat(100) })}\n`);
    const text = source({
      template: 'text',
      columns: { text: 'text' },
      data: { kind: 'files', paths: [smile] },
    });
    const { documents } = await draw(text, { maxCharacters: 15 });
    expect(documents[0]).toMatchObject({ text: '\u{1f600}'.repeat(7), truncated: true });
  });

  test('refuses what is not here or cannot be read, and stops when told to', async () => {
    const missing = source({ data: { kind: 'missing', expected: '/no/where', hub: undefined } });
    await expect(sampleSource(missing, asked)).rejects.toThrow(/nothing at \/no\/where/);
    const broken = join(folder, 'broken.parquet');
    writeFileSync(broken, 'PAR1 and nothing else');
    await expect(sampleSource(source({ data: { kind: 'files', paths: [broken] } }), asked)).rejects.toThrow(
      /broken\.parquet/,
    );
    await expect(sampleSource(source(), { ...asked, signal: AbortSignal.abort() })).rejects.toThrow(
      /interrupted/i,
    );
  });
});
