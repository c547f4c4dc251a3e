/** The stages of the data side, against cases that were worked out by hand, and what must hold for any corpus. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planParts } from '../../src/dedup/plan-parts.ts';
import { madeUpRates, planned, stageOf } from './made-up.ts';

describe('a million pages of HTML', () => {
  const plan = planned();

  test('have the sizes of the sample: 10 kB of HTML, a fifth of it stored, 4 kB of text', () => {
    expect(plan.corpus!.bytes.value).toBe(1e10);
    expect(plan.corpus!.stored.value).toBe(2e9);
    expect(plan.corpus!.textBytes.value).toBe(4e9);
    // 2e9 / 2^27 is 14.9.
    expect(plan.corpus!.units.value).toBe(15);
  });

  test('are measured at 2 microseconds a byte: 20,000 s of a measured core', () => {
    const measure = stageOf(plan, 'measure');
    // Cores of the nodes are twice as fast and half as efficient together: nothing changes per core.
    expect(measure.coreHours.value).toBeCloseTo(20_000 / 3600, 9);
    expect(measure.wallHours.value).toBeCloseTo(20_000 / 8 / 3600, 9);
    expect(measure.bound).toBe('cores');
    expect(measure.cost!.value).toBeCloseTo((20_000 / 8 / 3600) * 2 * 3, 9);
    expect(measure.read.value).toBe(2e9);
    // work/ is half the text of half the documents; a signature has 14 bands of 16 bytes.
    expect(measure.temporary.value).toBe(1e9 + 1e6 * 14 * 16);
    expect(measure.written.value).toBe(1e8);
  });

  test('are compared key by key, and every part opens every signature file', () => {
    const opens = planParts(1_000_000, 14).length * 15;
    // (2 - 1) s / (1100 - 100) files; (1 - 0.1) s / 90,000 keys.
    const seconds = 14e6 * 1e-5 + opens * 1e-3;
    expect(stageOf(plan, 'compare').coreHours.value).toBeCloseTo(seconds / 3600, 9);
    expect(stageOf(plan, 'compare').temporary.value).toBe(200_000 * 14 * 8);
  });

  test('are clustered by one process on one node', () => {
    const dedup = stageOf(plan, 'dedup');
    // 0.2 ms a document, on a core of twice the speed.
    expect(dedup.wallHours.value).toBeCloseTo(100 / 3600, 9);
    expect(dedup.bound).toBe('one process');
    expect(dedup.nodes).toBe(1);
    expect(dedup.cost!.value).toBeCloseTo((100 / 3600) * 3, 9);
    // A bit a document, 71 bytes for each of 200,000, 48 for each of 50,000 copies: more than 8 bytes a document.
    expect(dedup.peakMemory!.value).toBe(125_000 + 200_000 * 71 + 50_000 * 48);
  });

  test('leave 450,000 documents, which the second pass writes', () => {
    const finish = stageOf(plan, 'finish');
    expect(plan.kept!.documents.value).toBe(450_000);
    expect(finish.coreHours.value).toBeCloseTo(1000 / 3600, 9);
    expect(finish.written.value).toBeCloseTo(1.8e9 * 0.4, 3);
  });

  test('are all in the total', () => {
    const hours = plan.stages.reduce((sum, stage) => sum + stage.wallHours.value, 0);
    expect(plan.total!.wallHours.value).toBeCloseTo(hours, 12);
    expect(plan.total!.cost!.value).toBeCloseTo(
      plan.stages.reduce((sum, stage) => sum + stage.cost!.value, 0),
      12,
    );
  });
});

test('a mixture reads 4 bytes a token, caches and writes 4, and has no more hands than shards', () => {
  const plan = planned();
  const tokenise = stageOf(plan, 'tokenise stable');
  expect(tokenise.read.value).toBeCloseTo(4e9 * 0.4, 3);
  expect(tokenise.temporary.value).toBe(4e9);
  expect(tokenise.coreHours.value).toBeCloseTo(400 / 3600, 9);
  // 50 s of a measured core, 4 shards, cores twice as fast and half as efficient together; 8 GB at 1 GB/s would be 8 s.
  const shards = stageOf(plan, 'shards stable');
  expect(shards.bound).toBe('units');
  expect(shards.wallHours.value).toBeCloseTo(12.5 / 3600, 9);
  expect(shards.read.value).toBe(4e9);
  expect(shards.written.value).toBe(4e9);
  // A million documents of 1.4 us, twice.
  const arrange = stageOf(plan, 'arrange stable');
  expect(arrange.bound).toBe('one process');
  expect(arrange.wallHours.value).toBeCloseTo(1.4 / 3600, 9);
});

test('without dedup there are no signatures, no comparison, and every survivor is kept', () => {
  const plan = planned({ 'filter.dedup': 'none' });
  expect(plan.stages.map(({ name }) => name)).toEqual([
    'measure',
    'finish',
    'tokenise stable',
    'arrange stable',
    'shards stable',
  ]);
  expect(stageOf(plan, 'measure').temporary.value).toBe(1e9);
  expect(plan.kept!.documents.value).toBe(500_000);
});

test('scoring is a row of its own, over all text', () => {
  const score = stageOf(planned({ score: true }), 'score');
  expect(score.coreHours.value).toBeCloseTo((4e9 * 1e-7) / 3600, 9);
});

test('figures of the description go before those of the sample', () => {
  const plan = planned({
    'corpus.bytesPerDocument': 20_000,
    'corpus.compression': 0.5,
    'corpus.textBytesPerDocument': { value: 1000, evidence: 'recalled' },
    'filter.survivingShare': 0.25,
  });
  expect(plan.corpus!.stored.value).toBe(1e10);
  expect(plan.corpus!.textBytes.value).toBe(1e9);
  expect(plan.kept!.documents.value).toBe(225_000);
  expect(plan.assumptions.find(({ id }) => id === 'corpus.textBytesPerDocument')!.evidence).toBe('recalled');
});

describe('what bounds a stage', () => {
  test.each([
    ['disk', { 'nodes.data.disk': '100 kB/s' }],
    ['network', { 'nodes.data.network': '100 kB/s' }],
    ['shared storage', { 'storage.bandwidth': '100 kB/s' }],
    ['memory', { 'nodes.data.memory': '3 GB' }],
    ['cores', {}],
  ])('%s', (bound, changes) => {
    expect(stageOf(planned(changes), 'measure').bound).toBe(bound);
  });

  test('at a bandwidth where disks take just as long as cores both give the same hours', () => {
    // 3.324e9 bytes in 2,500 s on two nodes.
    const at = (perSecond: number) => stageOf(planned({ 'nodes.data.disk': `${perSecond} B/s` }), 'measure');
    const even = 3.324e9 / 2 / 2500;
    expect(at(even * 1.001).bound).toBe('cores');
    expect(at(even * 0.999).bound).toBe('disk');
    expect(at(even / 2).wallHours.value).toBeCloseTo((2 * 2500) / 3600, 6);
  });

  test('memory for 3 workers makes 3 of the 4 cores work', () => {
    const stage = stageOf(planned({ 'nodes.data.memory': '3 GB' }), 'measure');
    expect(stage.wallHours.value).toBeCloseTo(20_000 / 6 / 3600, 9);
  });
});

test('twice the corpus takes twice the core hours of every pass over documents, and no stage takes less', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 2_000_000_000 }), (documents) => {
      const [one, two] = [1, 2].map((times) => planned({ 'corpus.documents': documents * times }));
      for (const name of ['measure', 'dedup', 'finish'])
        expect(stageOf(two!, name).coreHours.value / stageOf(one!, name).coreHours.value).toBeCloseTo(2, 9);
      // Parts and files grow both, so comparing grows faster than the corpus.
      for (const stage of one!.stages)
        expect(stageOf(two!, stage.name).wallHours.value).toBeGreaterThanOrEqual(stage.wallHours.value);
    }),
    { numRuns: 40 },
  );
});

test('more of anything never makes a stage slower', () => {
  const more: [string, unknown][] = [
    ['nodes.data.count', 3],
    ['nodes.data.cores', 8],
    ['nodes.data.memory', '64 GiB'],
    ['nodes.data.disk', '2 GB/s'],
    ['nodes.data.network', '4 GB/s'],
    ['nodes.data.coreSpeed', 3],
    ['efficiency', 0.9],
  ];
  const before = planned();
  for (const [key, value] of more) {
    const after = planned({ [key]: value });
    for (const stage of before.stages)
      expect([
        key,
        stageOf(after, stage.name).wallHours.value <= stage.wallHours.value * (1 + 1e-12),
      ]).toEqual([key, true]);
  }
});

describe('what will not work', () => {
  test('more documents than cluster numbers', () => {
    expect(planned({ 'corpus.documents': 4_294_967_296 }).problems.join()).toMatch(/32 bits/);
    expect(planned({ 'corpus.documents': 4_294_967_295 }).problems.join()).not.toMatch(/32 bits/);
  });

  test('a process that needs more memory than a node has', () => {
    const problems = planned({ 'corpus.documents': 2_000_000_000 }).problems.join();
    expect(problems).toMatch(/dedup needs 33 GB in one process and a node has 16 GB/);
  });

  test('more copies than a heap lists', () => {
    const problems = planned({ 'corpus.documents': 1_000_000_000 }).problems.join();
    expect(problems).toMatch(/50M copies on the JavaScript heap.*raise it in the pipeline/);
  });
});

test('rates of a loaded machine are warned about', () => {
  const machine = { ...madeUpRates.machine, load: [5, 1] as [number, number] };
  expect(planned({}, { ...madeUpRates, machine }).warnings.join()).toMatch(/load of 5 on 2 cores/);
  expect(planned().warnings).toEqual([]);
});

describe('a corpus of text', () => {
  const textRates = {
    ...madeUpRates,
    filter: madeUpRates.filter.map((sample) => ({ ...sample, pages: 'text' as const })),
  };

  test('is as large as its text: who states one size means both', () => {
    for (const key of ['textBytesPerDocument', 'bytesPerDocument']) {
      const { corpus } = planned({ 'corpus.pages': 'text', [`corpus.${key}`]: 700 }, textRates);
      expect(corpus!.bytes.value).toBe(7e8);
      expect(corpus!.textBytes.value).toBe(7e8);
    }
    const both = {
      'corpus.pages': 'text',
      'corpus.textBytesPerDocument': 700,
      'corpus.bytesPerDocument': 900,
    };
    expect(planned(both, textRates).corpus!.bytes.value).toBe(9e8);
    expect(planned({ 'corpus.textBytesPerDocument': 700 }).corpus!.bytes.value).toBe(1e10);
  });
});
