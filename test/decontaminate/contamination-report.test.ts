/** Columns, report lines and the summary by benchmark. */
import { describe, expect, test } from 'vitest';
import { benchmarkItem } from '../../src/decontaminate/benchmark-item.ts';
import { buildIndex } from '../../src/decontaminate/build-index.ts';
import { ContaminationTally, contaminationRows } from '../../src/decontaminate/contamination-report.ts';
import { contaminationSpec, measureContamination } from '../../src/decontaminate/contamination-signals.ts';
import { items, orchard, page, shortItem } from './items.ts';

const index = buildIndex(items);

describe('columns', () => {
  test('values and labels are in the order of the spec', () => {
    const { values, labels, matches } = measureContamination(
      index,
      page(`${orchard.problem} ${shortItem.problem}`),
    );
    expect(contaminationSpec.signals.map(({ name }) => name)).toEqual([
      'contamination.exact',
      'contamination.near',
      'contamination.share',
      'contamination.similarity',
    ]);
    expect([...values]).toEqual([2, 0, 1, 1]);
    expect(labels).toEqual(['own/orchard']);
    expect(matches.map(({ kind, item, share }) => [kind, item, share])).toEqual([
      ['exact', 'orchard', 1],
      ['exact', 'divisors', 1],
    ]);
    expect(matches[1]!.similarity).toBeNull();
  });

  test('a clean document has zeros and no label', () => {
    expect(measureContamination(index, page('Nothing.'))).toEqual({
      values: Float64Array.of(0, 0, 0, 0),
      labels: [null],
      matches: [],
    });
  });
});

test('the summary counts items and documents by benchmark, and what could not be looked for', () => {
  const changed = orchard.problem
    .split(' ')
    .map((word, i) => (i % 8 === 7 ? 'lantern' : word))
    .join(' ');
  const texts = [
    page(orchard.problem),
    page(`${orchard.solution} ${shortItem.problem}`),
    page(''),
    page(changed),
  ];
  const { counts, options } = index.data;
  const tally = new ContaminationTally(counts, options.n);
  const rows = texts.flatMap((text, i) =>
    contaminationRows({ id: `d${i}`, unit: 'u0', index: i }, measureContamination(index, text).matches),
  );
  for (const row of rows) tally.add(row);
  expect(rows[0]).toMatchObject({
    id: 'd0',
    unit: 'u0',
    index: 0,
    benchmark: 'own',
    item: 'orchard',
    kind: 'exact',
  });
  const summary = tally.summary();
  expect(summary.documents).toEqual({ exact: 2, near: 1 });
  expect(summary.n).toBe(13);
  expect(
    summary.benchmarks.map(({ benchmark, items: all, exact, near }) => [benchmark, all, exact, near]),
  ).toEqual([
    ['own', 2, { items: 1, documents: 2 }, { items: 1, documents: 1 }],
    ['brief', 2, { items: 1, documents: 1 }, { items: 0, documents: 0 }],
  ]);
});

test('a record becomes an item: id or row, problem, reasoning and answer', () => {
  expect(benchmarkItem('b', { question: 'Q', reasoning: 'R', answer: 'A' }, 7)).toEqual({
    benchmark: 'b',
    item: '7',
    problem: 'Q',
    solution: 'R\nA',
  });
  expect(benchmarkItem('b', { text: 'T' }, 'id-1')).toMatchObject({
    item: 'id-1',
    problem: 'T',
    solution: '',
  });
  expect(benchmarkItem('b', { answer: 'A', question: ' ' }, 0)).toBeUndefined();
});
