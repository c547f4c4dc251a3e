/** Recut against a plain restatement of what it counts, on random runs; the cases a person would ask about; and its errors. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { fails, type Rule } from '../../src/filters/rule.ts';
import { recut } from '../../src/stages/recut.ts';
import type { BoundChange } from '../../src/stages/recut-rules.ts';
import { type MadeDocument, type MadeRun, makeRun, reasonOf } from './make-signals.ts';

const root = mkdtempSync(join(tmpdir(), 'midtrain-recut-'));
afterAll(() => rmSync(root, { recursive: true }));
let runs = 0;
const newFolder = (): string => join(root, String(runs++));

const words = 'gopher.word_count';
const punctuation = 'fineweb.line_punct_ratio';
const score = 'math.score';
const signals = [words, punctuation, score];
const rules: Rule[] = [
  { signal: words, side: 'min', bound: 50, reason: 'gopher_short_doc' },
  { signal: words, side: 'max', bound: 500, reason: 'gopher_long_doc' },
  { signal: punctuation, side: 'min', bound: 0.12, reason: 'line_punct_ratio' },
];
const families = ['gopher-quality', 'fineweb-quality', 'math'];

function document(id: string, values: (number | null)[], text = `text of ${id}`): MadeDocument {
  return { id, text, values: Object.fromEntries(signals.map((name, i) => [name, values[i] ?? null])) };
}

/** A run in which `keep` is what the job kept, so that the ledger and the signals agree. */
async function run(made: Partial<MadeRun> & Pick<MadeRun, 'units'>): Promise<string> {
  const folder = newFolder();
  await makeRun(folder, { signals, rules, families, ...made });
  return folder;
}

/** What a person would do by hand: who is kept under these rules, with dedup in order. */
function keptBy(made: MadeRun, by: readonly Rule[]): Set<string> {
  const passes = (document: MadeDocument): boolean =>
    reasonOf(document, by) === undefined &&
    by.every((rule) => typeof document.values?.[rule.signal] === 'number');
  const left = new Set(
    made.units
      .flat()
      .filter(passes)
      .map(({ id }) => id),
  );
  for (const { name, keep } of made.dedup ?? []) {
    for (const members of made.clusters?.[name] ?? []) {
      const rivals = members
        .map(([unit, index]) => made.units[unit]![index]!)
        .filter(({ id }) => left.has(id));
      const value = ({ text, values }: MadeDocument): number => {
        if (keep === 'first') return 0;
        const found = keep === 'longest' ? Buffer.byteLength(text) : (values?.[keep.signal] ?? Number.NaN);
        return Number.isNaN(found)
          ? Number.NEGATIVE_INFINITY
          : typeof keep === 'object' && keep.prefer === 'low'
            ? -found
            : found;
      };
      const best = rivals.reduce<MadeDocument | undefined>(
        (a, b) => (a === undefined || value(b) > value(a) ? b : a),
        undefined,
      );
      for (const rival of rivals) if (rival !== best) left.delete(rival.id);
    }
  }
  return left;
}

const tokensOf = (made: MadeRun, ids: Iterable<string>): number => {
  const byId = new Map(made.units.flat().map((d) => [d.id, Buffer.byteLength(d.text) / 4]));
  return [...ids].reduce((sum, id) => sum + byId.get(id)!, 0);
};

describe('recut', () => {
  it('agrees with the plain restatement on random runs, in every count', async () => {
    const value = fc.option(fc.constantFrom(0, 40, 49, 50, 51, 499, 500, 501, 900), { nil: Number.NaN });
    const ratio = fc.constantFrom(0, 0.09, 0.1, 0.11, 0.12, 0.13, 0.9, Number.NaN);
    const made = fc
      .array(fc.array(fc.tuple(value, ratio, fc.option(ratio), fc.nat(12)), { maxLength: 8 }), {
        minLength: 1,
        maxLength: 4,
      })
      .chain((units) => {
        const places = units.flatMap((unit, u) => unit.map((_, i) => [u, i] as [number, number]));
        const clusters = fc
          .array(fc.nat(4), { minLength: places.length, maxLength: places.length })
          .map((of) =>
            [0, 1, 2, 3]
              .map((k) => places.filter((_, i) => of[i] === k))
              .filter((members) => members.length > 1),
          );
        return fc.tuple(fc.constant(units), clusters, clusters);
      });
    const change = fc.constantFrom<BoundChange[]>(
      [{ name: `${words}.min`, bound: 41 }],
      [{ name: 'line_punct_ratio', bound: 0.1 }],
      [{ name: 'gopher_long_doc', bound: null }],
      [{ name: `${score}.min`, bound: 0.11 }],
      [
        { name: `${words}.min`, bound: 51 },
        { name: `${punctuation}.min`, bound: 0.09 },
        { name: `${score}.max`, bound: 0.5 },
      ],
    );
    await fc.assert(
      fc.asyncProperty(made, change, async ([units, exact, minhash], set) => {
        const run: MadeRun = {
          units: units.map((unit, u) =>
            unit.map(([count, punct, maths, length], i) =>
              document(`${u}-${i}`, [count, punct, maths], 'x'.repeat(length)),
            ),
          ),
          signals,
          rules,
          families,
          dedup: [
            { name: 'exact', keep: 'first' },
            { name: 'minhash', keep: { signal: score, prefer: 'low' } },
          ],
          clusters: { exact, minhash },
          rowGroupBytes: 600,
        };
        const folder = newFolder();
        await makeRun(folder, run);
        const { report, rules: after } = await recut(folder, { set }, { examples: 1 });
        const before = keptBy(run, rules);
        const now = keptBy(run, after);
        const gained = [...now].filter((id) => !before.has(id));
        const lost = [...before].filter((id) => !now.has(id));
        const sizes = (ids: Iterable<string>) => ({ documents: [...ids].length, tokens: tokensOf(run, ids) });
        expect(report.before).toEqual(sizes(before));
        expect(report.after).toEqual(sizes(now));
        expect(report.gained).toEqual(sizes(gained));
        expect(report.lost).toEqual(sizes(lost));
        const sum = (of: 'gained' | 'lost' | 'droppedBefore' | 'droppedAfter') =>
          report.reasons.reduce((n, line) => n + line[of].documents, 0);
        expect([sum('gained'), sum('lost')]).toEqual([gained.length, lost.length]);
        expect(sum('droppedBefore')).toBe(report.documents - before.size);
        expect(sum('droppedAfter')).toBe(report.documents - now.size);
        // Every change on its own, made to the rules of the run.
        expect(report.changes.length).toBe(set.length);
        for (const [i, line] of report.changes.entries()) {
          const single = rules.flatMap((rule) => {
            const hit = rule.signal === line.signal && rule.side === line.side;
            return hit ? (line.to === null ? [] : [{ ...rule, bound: line.to }]) : [rule];
          });
          if (line.from === null)
            single.push({ signal: line.signal, side: line.side, bound: line.to!, reason: 'new' });
          const alone = keptBy(run, single);
          expect([i, line.documents]).toEqual([i, alone.size - before.size]);
          expect(line.tokens).toBe(tokensOf(run, alone) - tokensOf(run, before));
        }
        // Dropped by one rule and no other.
        for (const rule of after) {
          const only = run.units
            .flat()
            .filter(({ text }) => text.trim() !== '')
            .filter((d) => after.every((r) => typeof d.values?.[r.signal] === 'number'))
            .filter((d) => after.every((r) => fails(r, d.values![r.signal]!) === (r === rule)));
          const line = report.reasons.find((l) => l.signal === rule.signal && l.side === rule.side);
          expect(line?.alone?.documents).toBe(only.length);
        }
        for (const example of report.examples.gained) expect(gained).toContain(example.id);
        for (const example of report.examples.lost) expect(lost).toContain(example.id);
      }),
      { numRuns: 40 },
    );
  });

  it('books a gain on the rule that dropped it and a loss on the rule that drops it now, with examples', async () => {
    const folder = await run({
      units: [
        [document('short', [40, 0.5]), document('fine', [100, 0.5]), document('bare', [100, 0.05])],
        [document('long', [600, 0.5])],
      ],
    });
    const { report } = await recut(folder, {
      set: [
        { name: 'gopher_short_doc', bound: 30 },
        { name: 'line_punct_ratio', bound: 0.6 },
        { name: 'gopher_long_doc', bound: null },
      ],
    });
    expect(report.before).toEqual({ documents: 1, tokens: 3 });
    expect(report.after).toEqual({ documents: 0, tokens: 0 });
    expect(report.changes.map(({ reason, from, to, documents }) => [reason, from, to, documents])).toEqual([
      ['gopher_short_doc', 50, 30, 1],
      ['line_punct_ratio', 0.12, 0.6, -1],
      ['gopher_long_doc', 500, null, 1],
    ]);
    expect(report.examples.lost).toEqual([
      {
        reason: 'line_punct_ratio',
        unit: '0000-unit',
        index: 1,
        id: 'fine',
        url: null,
        excerpt: 'text of fine',
        signal: punctuation,
        value: 0.5,
        side: 'min',
        boundBefore: 0.12,
        boundAfter: 0.6,
      },
    ]);
  });

  it('keeps another copy of a cluster when the kept one is dropped now, and says so', async () => {
    const folder = await run({
      units: [[document('first', [60, 0.5]), document('second', [90, 0.5])], [document('third', [90, 0.5])]],
      dedup: [{ name: 'minhash', keep: 'first' }],
      clusters: {
        minhash: [
          [
            [0, 0],
            [0, 1],
            [1, 0],
          ],
        ],
      },
    });
    const { report } = await recut(folder, { set: [{ name: 'gopher_short_doc', bound: 80 }] });
    expect(report.before.documents).toBe(1);
    expect(report.after.documents).toBe(1);
    expect(report.replaced.documents).toBe(1);
    expect(report.examples.gained.map(({ id, reason }) => [id, reason])).toEqual([
      ['second', 'duplicate_minhash'],
    ]);
    expect(report.changes[0]!.documents).toBe(0);
  });

  it('counts documents that a looser rule lets through to a signal that was never measured, and keeps none of them', async () => {
    const gated: Rule = { signal: score, side: 'min', bound: 0.3, reason: 'math_low_score' };
    const folder = await run({
      rules: [...rules, gated],
      units: [
        [
          document('scored', [100, 0.5, 0.9]),
          document('behind', [40, 0.5, null]),
          document('blank', [], ' '),
        ],
      ],
    });
    const { report } = await recut(folder, { set: [{ name: 'gopher_short_doc', bound: 30 }] });
    expect(report.after.documents).toBe(1);
    expect(report.unscored).toEqual([
      {
        reason: 'math_low_score',
        signal: score,
        documents: 1,
        tokens: Buffer.byteLength('text of behind') / 4,
      },
    ]);
    expect(report.reasons.find(({ reason }) => reason === 'empty_text')?.droppedAfter.documents).toBe(1);
  });

  it('gives the same report on one thread, on two and in place', async () => {
    const many = Array.from({ length: 3 }, (_, u) =>
      Array.from({ length: 300 }, (_, i) =>
        document(`${u}-${i}`, [(i * 7) % 120, ((i * 13) % 100) / 100, null]),
      ),
    );
    const folder = await run({ units: many, rowGroupBytes: 4096 });
    const request = { set: [{ name: 'gopher_short_doc', bound: 20 }] };
    const inPlace = (await recut(folder, request, { workers: 1 })).report;
    const threads = (await recut(folder, request, { workers: 2, threadsFrom: 1 })).report;
    expect(threads).toEqual(inPlace);
    expect(inPlace.gained.documents).toBeGreaterThan(50);
  });

  it('refuses what matches nothing or changes nothing, with the nearest name', async () => {
    const folder = await run({ units: [[document('a', [100, 0.5])]] });
    const fail = async (set: BoundChange[]) =>
      recut(folder, { set }).catch((error: Error & { hint?: string }) => error);
    expect(await fail([{ name: 'gopher.word_cuont.min', bound: 3 }])).toMatchObject({
      message: expect.stringContaining('gopher.word_cuont.min'),
      hint: 'did you mean "gopher.word_count.min"?',
    });
    expect(await fail([{ name: 'gopher_shortdoc', bound: 3 }])).toMatchObject({
      hint: 'did you mean "gopher_short_doc"?',
    });
    expect(await fail([{ name: words, bound: 3 }])).toMatchObject({
      hint: `write ${words}.min or ${words}.max`,
    });
    expect(await fail([{ name: `${words}.min`, bound: 50 }])).toMatchObject({
      message: expect.stringContaining('changes nothing'),
    });
    expect(await fail([{ name: `${punctuation}.max`, bound: null }])).toMatchObject({
      message: expect.stringContaining('there is none to take away'),
    });
    expect(await fail([])).toMatchObject({ message: expect.stringContaining('nothing would change') });
    const unknownSet = { thresholds: { value: { use: ['gopher-qualty'], set: {} }, file: '--use' } };
    await expect(recut(folder, unknownSet)).rejects.toMatchObject({ hint: 'did you mean "gopher-quality"?' });
  });

  it('refuses a folder that is no finished run with signals', async () => {
    await expect(recut(join(root, 'nowhere'), {})).rejects.toThrow('has no plan.json');
    const folder = await run({ units: [[document('a', [100, 0.5])]] });
    rmSync(join(folder, 'signals'), { recursive: true });
    await expect(recut(folder, { set: [{ name: 'gopher_short_doc', bound: 3 }] })).rejects.toThrow(
      'no stored signals',
    );
  });
});
