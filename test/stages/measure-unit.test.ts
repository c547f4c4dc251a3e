/** The first pass over a unit: balances for any documents, sets bad pages aside, survives empty and odd text. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { imbalance } from '../../src/core/ledger.ts';
import { planRead } from '../../src/io/read-plan.ts';
import { filterConfigSchema } from '../../src/stages/filter-config.ts';
import { measureUnit } from '../../src/stages/measure-unit.ts';
import { resolveFilter } from '../../src/stages/resolve-filter.ts';
import { UnitProgress } from '../../src/stages/unit-progress.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-measure-'));
afterAll(() => rmSync(root, { recursive: true }));

const filter = resolveFilter(
  filterConfigSchema.parse({
    name: 'p',
    signals: ['gopher-quality', 'fineweb-quality', 'math'],
    math: 'masked',
    thresholds: { use: ['gopher-quality', 'fineweb-quality', 'math'] },
    dedup: 'exact',
    output: { dropped: true },
  }),
  'p.yaml',
);

let runs = 0;
async function measure(lines: readonly string[], skip: Record<number, string> = {}) {
  const folder = join(root, String(runs++));
  mkdirSync(folder);
  const path = join(folder, 'in.jsonl');
  writeFileSync(path, `${lines.join('\n')}\n`);
  const { units } = await planRead([{ path }]);
  return measureUnit({ unit: units[0]!, name: 'u', folder, filter }, new UnitProgress(), skip);
}

const words = 'the of and to that with have be point value about where every between under over'.split(' ');
const text = fc.oneof(
  fc.constant(''),
  fc.constant('   \n'),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(fc.constantFrom(...words, '$x^2$', '.', '\n', '...', '#', '- ', '| a |'), { maxLength: 90 })
    .map((w) => w.join(' ')),
);

describe('measureUnit', () => {
  it('balances: in = kept + dropped + failed, whatever the documents are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            { weight: 6, arbitrary: text.map((t) => JSON.stringify({ text: t })) },
            { weight: 1, arbitrary: fc.constant('{broken') },
          ),
          {
            minLength: 1,
            maxLength: 12,
          },
        ),
        async (lines) => {
          fc.pre(lines.some((line) => line !== '{broken'));
          const { report, candidates, outputs, signatures, documents } = await measure(lines);
          const dropped = outputs.filter(({ path }) => path.startsWith('dropped'));
          const signals = outputs.filter(({ path }) => path.startsWith('signals'));
          const rows = (files: { rows: number }[]): number => files.reduce((sum, file) => sum + file.rows, 0);
          expect(report.ledger.in).toBe(lines.length);
          expect(imbalance(report.ledger)).toBe(0);
          expect(report.ledger.failed.unreadable ?? 0).toBe(
            lines.filter((line) => line === '{broken').length,
          );
          expect(rows(candidates)).toBe(report.ledger.kept);
          expect(rows(signals)).toBe(documents);
          expect(documents).toBe(lines.filter((line) => line !== '{broken').length);
          expect(signatures[0]!.file.rows).toBe(documents - (report.ledger.dropped.empty_text ?? 0));
          expect(rows(candidates) + rows(dropped)).toBe(lines.filter((line) => line !== '{broken').length);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('drops text that is null or blank as empty_text, before any rule', async () => {
    const { report } = await measure(['{"text":null}', '{"text":" \\n"}', '{"text":"few words"}']);
    expect(report.ledger.dropped).toEqual({ empty_text: 2, gopher_short_doc: 1 });
  });

  it('does not touch a document that killed a worker before, and says so', async () => {
    const { report } = await measure(['{"text":"one"}', '{"text":"two"}', '{"text":"three"}'], {
      1: 'no progress for 60 s',
    });
    expect(report.ledger).toEqual({
      in: 3,
      kept: 0,
      dropped: { gopher_short_doc: 2 },
      failed: { worker_died: 1 },
    });
    expect(report.failures).toEqual([
      expect.objectContaining({ place: expect.stringContaining('row 1'), problem: 'no progress for 60 s' }),
    ]);
  });

  it('counts what each rule would drop by itself', async () => {
    const { report } = await measure(['{"text":"few words"}']);
    const failing = filter.rules
      .filter((_, i) => report.ruleFailures[i]!.failing > 0)
      .map((rule) => rule.reason);
    expect(failing).toContain('gopher_short_doc');
    expect(failing).toContain('line_punct_ratio');
    expect(report.ruleFailures.every(({ alone }) => alone === 0)).toBe(true);
  });
});
