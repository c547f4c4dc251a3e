/** How far a source is and which units come next, from made-up summaries. */
import { describe, expect, test } from 'vitest';
import type { ReadUnit } from '../../src/io/read-plan.ts';
import { nextWave, type SourceStand, standOf } from '../../src/stages/source-stand.ts';
import type { UnitSummary } from '../../src/stages/unit-summary.ts';
import type { SourceUnit } from '../../src/stages/unit-texts.ts';

const text = { name: 'web', template: 'text' as const, columns: { text: 'text' } };
const bytes = 1000;

const unit = (i: number, more: Partial<ReadUnit> = {}): SourceUnit => ({
  id: `u${i}`,
  key: `${i}`,
  bytes,
  read: more as ReadUnit,
});
const units = (n: number, more: Partial<ReadUnit> = {}): SourceUnit[] =>
  Array.from({ length: n }, (_, i) => unit(i, more));

function summary(tokens: number, more: Partial<UnitSummary> = {}): UnitSummary {
  return {
    documents: 1,
    tokens,
    heldout: { documents: 0, tokens: 0 },
    lowest: { number: 0, draw: 0.5, tokens },
    ledger: { in: 1, kept: 1, dropped: {}, failed: {} },
    failures: [],
    columns: [],
    ...more,
  };
}

/** `tokens`: of the units that are done, by place. */
function stand(all: SourceUnit[], need: number | undefined, tokens: Record<number, number>): SourceStand {
  return standOf(text, all, need, 0, ({ key }) =>
    tokens[Number(key)] === undefined ? undefined : summary(tokens[Number(key)]!),
  );
}

describe('a source', () => {
  test('ends with the run of units from the first on that is enough, whatever else is done', () => {
    const all = units(6);
    expect(stand(all, 250, { 0: 100, 1: 100, 3: 100, 4: 100 })).toMatchObject({ ended: false, used: 2 });
    const ended = stand(all, 250, { 0: 100, 1: 100, 2: 100, 4: 100 });
    expect(ended).toMatchObject({
      ended: true,
      used: 3,
      totals: { tokens: 300 },
      ledger: { in: 3, kept: 3 },
    });
    expect(nextWave(all, 250, ended)).toEqual([]);
  });

  test('with all of its units done has ended, enough or not; of share 0 it has from the start', () => {
    expect(stand(units(2), 250, { 0: 100, 1: 100 })).toMatchObject({ ended: true, used: 2 });
    expect(stand(units(2), undefined, { 0: 100, 1: 100 })).toMatchObject({ ended: true, used: 2 });
    expect(stand(units(2), undefined, { 0: 100 })).toMatchObject({ ended: false, used: 1 });
    expect(stand(units(2), 0, {})).toMatchObject({ ended: true, used: 0 });
  });

  test('counts the document that is held out for want of others, and reads no summary behind its end', () => {
    const read: string[] = [];
    const got = standOf(text, units(4), 150, 0.001, ({ id }) => {
      read.push(id);
      return summary(100, { lowest: { number: 0, draw: id === 'u1' ? 0.1 : 0.2, tokens: 100 } });
    });
    // Two units have 200 tokens, of which the document of the lowest draw is held out.
    expect(got).toMatchObject({ ended: true, used: 3, totals: { tokens: 200, heldout: { documents: 1 } } });
    expect(got.ledger).toEqual({ in: 3, kept: 2, dropped: { heldout: 1 }, failed: {} });
    expect(read).toEqual(['u0', 'u1', 'u2']);
  });

  test('whose first thousand records have no text is refused', () => {
    const empty = summary(0, {
      documents: 0,
      lowest: undefined,
      ledger: { in: 1000, kept: 0, dropped: {}, failed: { missing_field: 1000 } },
      columns: ['body'],
    });
    expect(() => standOf(text, units(3), 100, 0, () => empty)).toThrow(
      /none of its 1000 records gives a text/,
    );
  });
});

describe('the next wave', () => {
  test('of a source that nothing is known of: by usual texts, more tokens a byte where it is compressed', () => {
    // 0.2 tokens a byte as stored, 0.5 compressed, 5 % less to be safe.
    expect(nextWave(units(20), 900, stand(units(20), 900, {}))).toEqual([0, 1, 2, 3, 4]);
    const zipped = units(20, { compression: 'gzip' });
    expect(nextWave(zipped, 900, stand(zipped, 900, {}))).toEqual([0, 1]);
  });

  test('is all of a source that is needed whole, or smaller than its need', () => {
    expect(nextWave(units(4), undefined, stand(units(4), undefined, {}))).toEqual([0, 1, 2, 3]);
    expect(nextWave(units(4), 1e9, stand(units(4), 1e9, {}))).toEqual([0, 1, 2, 3]);
    expect(nextWave(units(4), undefined, stand(units(4), undefined, { 0: 1, 2: 1 }))).toEqual([1, 3]);
  });

  test('goes by the own rate of the source, leaves out what is done and counts it', () => {
    const done = { 0: 100, 1: 100, 4: 100 };
    // 200 of 500 are there, 100 more in unit 4; units 2 and 3 are likely to have 95 each, so one more is needed.
    expect(nextWave(units(20), 500, stand(units(20), 500, done))).toEqual([2, 3, 5]);
    // What is done behind a gap counts when the gap is closed.
    expect(nextWave(units(20), 480, stand(units(20), 480, done))).toEqual([2, 3]);
    expect(nextWave(units(20), 290, stand(units(20), 290, done))).toEqual([2]);
  });

  test('of a source that looks poor is no more than some times what was done, or what usual texts would take', () => {
    const poor = { 0: 0, 1: 0 };
    expect(nextWave(units(100), 500, stand(units(100), 500, poor)).length).toBe(16);
    expect(nextWave(units(100), 10_000, stand(units(100), 10_000, poor)).length).toBe(50);
  });

  test('after wave comes to an end with the units that one machine would use', () => {
    const all = units(200);
    const tokensOf = (i: number): number => (i < 20 ? 1 : 80 + (i % 7) * 30);
    const need = 12_345;
    let sum = 0;
    const last = all.findIndex((_, i) => (sum += tokensOf(i)) >= need);
    const done: Record<number, number> = {};
    let waves = 0;
    for (;;) {
      const now = stand(all, need, done);
      const wave = nextWave(all, need, now);
      if (wave.length === 0) {
        expect(now).toMatchObject({ ended: true, used: last + 1 });
        break;
      }
      waves++;
      for (const i of wave) done[i] = tokensOf(i);
    }
    expect(waves).toBeLessThan(5);
  });
});
