import { describe, expect, it } from 'vitest';
import { mergeRows, prepareRuns } from '../../src/report/report-run.ts';
import { segmentPoints, trainFacts } from '../../src/report/train-facts.ts';
import { findWays, groupWays } from '../../src/report/ways.ts';
import { filterRun, grpoRun, mixRun, severalArms, trainRun, wholeWay } from './make-run-records.ts';

describe('ways', () => {
  it('follow parents from pages to reward, also through checkpoints inside a run', () => {
    const [way, ...rest] = findWays(prepareRuns(wholeWay()));
    expect(rest).toEqual([]);
    expect([...way!.filters, ...way!.mixes, ...way!.train, way!.grpo!].map((r) => r.id)).toEqual([
      '/runs/filter',
      '/runs/mix',
      '/runs/stable',
      '/runs/decay',
      '/runs/grpo',
    ]);
    expect(way!.assumed).toBe(false);
  });

  it('do not depend on the order in which the runs are given', () => {
    const runs = prepareRuns(wholeWay().reverse());
    expect(runs.map((r) => r.kind)).toEqual(['filter', 'mix', 'train', 'train', 'grpo']);
    expect(findWays(runs)[0]!.train.map((r) => r.id)).toEqual(['/runs/stable', '/runs/decay']);
  });

  it('of arms and seeds share their front and form one group', () => {
    const ways = findWays(prepareRuns(severalArms()));
    expect(ways).toHaveLength(4);
    const groups = groupWays(ways);
    expect(groups).toHaveLength(1);
    expect(groups[0]!.ways.map((w) => w.grpo?.label)).toEqual([
      'hybrid seed 1',
      'hybrid seed 2',
      'hybrid seed 3',
      'long, simple template',
    ]);
  });

  it('are put together, and said to be, when moved runs no longer name each other', () => {
    const moved = wholeWay().map((run, i) => ({ ...run, id: `/moved/${i}` }));
    const ways = findWays(prepareRuns(moved));
    expect(ways).toHaveLength(1);
    expect(ways[0]!.assumed).toBe(true);
    expect(ways[0]!.train.map((r) => r.record.summary.phase)).toEqual(['stable', 'decay']);
  });

  it('stay apart when two filter runs could each be the beginning', () => {
    const ways = findWays(prepareRuns([filterRun('/a'), filterRun('/b'), mixRun('/c', [])]));
    expect(ways).toHaveLength(3);
  });

  it('end when records name each other in a circle', () => {
    const a = { ...trainRun('stable', { id: '/a' }), parents: ['/b'] };
    const b = { ...trainRun('decay', { id: '/b' }), parents: ['/a'] };
    const g = { ...grpoRun({ id: '/g' }), parents: ['/b'] };
    expect(findWays(prepareRuns([a, b, g]))[0]!.train).toHaveLength(2);
  });
});

describe('prepared runs', () => {
  it('have unique labels', () => {
    const runs = prepareRuns([
      grpoRun({ id: '/1', seed: 1 }),
      grpoRun({ id: '/2', seed: 1 }),
      grpoRun({ id: '/3', seed: 2 }),
    ]);
    expect(runs.map((r) => r.label)).toEqual(['addition seed 1', 'addition seed 1 (2)', 'addition seed 2']);
  });

  it('name parents that are not in the report', () => {
    expect(prepareRuns([grpoRun()])[0]!.absentParents).toEqual(['/runs/decay/checkpoint-1600']);
  });

  it('have one row per step: evaluation lines are joined and a resumed step counts once, with its later values', () => {
    const rows = mergeRows([
      { step: 1, loss: 3 },
      { step: 2, loss: 2.5 },
      { step: 2, eval_loss: 2.6 },
      { step: 3, loss: 9 },
      { step: 3, loss: 2.2 },
    ]);
    expect(rows).toEqual([
      { step: 1, loss: 3 },
      { step: 2, loss: 2.5, eval_loss: 2.6 },
      { step: 3, loss: 2.2 },
    ]);
  });
});

describe('training on one axis', () => {
  const facts = (restart: boolean) => {
    const runs = prepareRuns([trainRun('stable', { steps: 100 }), trainRun('decay', { steps: 40, restart })]);
    return trainFacts(findWays(runs))!;
  };

  it('moves a decay that counts from one behind the stable phase', () => {
    const train = facts(true);
    const decay = segmentPoints(train.segments[1]!, 'loss', 'step');
    expect([decay[0]!.x, decay.at(-1)!.x]).toEqual([101, 140]);
    expect(segmentPoints(train.segments[1]!, 'loss', 'tokens')[0]!.x).toBe(101 * 4096);
    expect(train.boundaries).toEqual([{ at: 100 * 4096, label: 'decay' }]);
  });

  it('leaves a decay that counts on where it is', () => {
    const train = facts(false);
    expect(segmentPoints(train.segments[1]!, 'loss', 'step')[0]!.x).toBe(1201);
  });

  it('uses steps when a run logs no tokens', () => {
    const bare = trainRun('stable', { steps: 20 });
    const metrics = bare.metrics.map(({ num_tokens: _, ...row }) => row as typeof row & { step: number });
    expect(trainFacts(findWays(prepareRuns([{ ...bare, metrics }])))!.axis).toBe('step');
  });

  it('draws a stable run that two decays share once', () => {
    const train = trainFacts(findWays(prepareRuns(severalArms())))!;
    expect(train.segments).toHaveLength(3);
    expect(train.segments.filter((s) => s.chain === undefined).map((s) => s.run.id)).toEqual([
      '/runs/stable',
    ]);
    expect(train.chains.map((c) => c.label)).toEqual(['decay hybrid', 'decay long']);
  });

  it('says when a loss was not a number', () => {
    const run = trainRun('stable', { steps: 20 });
    const metrics = run.metrics.map((row) => (row.step === 13 ? { ...row, loss: Number.NaN } : row));
    expect(trainFacts(findWays(prepareRuns([{ ...run, metrics }])))!.notes).toEqual([
      'tiny stable: the loss was not a finite number in 1 of its steps, first at step 13',
    ]);
  });
});
