/** What is collected from a grid and its store, what it may claim, and the answer made of that. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { calibrationOf } from '../../src/ablate/calibration.ts';
import { collectAblation } from '../../src/ablate/collect.ts';
import { compactRun, pathless } from '../../src/ablate/compact-run.ts';
import { resultsOf } from '../../src/ablate/results-file.ts';
import { storeSource } from '../../src/ablate/step-source.ts';
import { answerOf } from '../../src/report/ablation-answer.ts';
import { ablationClaims, armValues } from '../../src/report/ablation-claims.ts';
import type { AblationInput } from '../../src/report/ablation-data.ts';
import { type MadeUp, makeUp } from './made-up-grid.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'midtrain-collect-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const collect = ({ grid, store }: MadeUp): AblationInput => collectAblation(grid, storeSource(store));

describe('collecting', () => {
  test('gives each cell its values and its reasons, and each step its users', () => {
    const input = collect(makeUp(folder));
    const cell = input.cells.find(({ arm, seed }) => arm === 'mixed' && seed === '2')!;
    expect(cell.status).toBe('done');
    expect(cell.values.rl_accuracy).toBeCloseTo((0.66 + 0.82 + 0.8) / 3, 12);
    expect(cell.values.base_accuracy).toBe(0.3);
    expect(cell.values.base_few_shot).toBe(0.4);
    expect(cell.values.collapse).toBeCloseTo(0.02, 12);
    expect(cell.values.heldout_loss).toBe(2 - 399 / 1000);
    expect(cell.values.response_length_correct).toBeNull();
    expect(cell.absent.response_length_correct).toContain('logged no eval_completions/mean_correct_length');
    expect(input.cells.find(({ arm }) => arm === 'plain')!.signatures).toEqual([
      { name: 'repetition_loop', step: 4, text: 'Responses repeat.' },
    ]);
    const filter = input.steps.find(({ kind }) => kind === 'filter')!;
    expect(filter.usedBy).toHaveLength(6);
    expect(input.steps).toHaveLength(1 + 6 + 6 + 6 + 2 * 3);
    expect(
      input.measures.filter(({ primary }) => primary).map(({ name, smallest }) => [name, smallest]),
    ).toEqual([['rl_accuracy', 0.02]]);
    expect(input.measures.map(({ name }) => name)).toContain('base_few_shot');
    expect(input.device).toBe('soft');
  });

  test('names runs by who uses them and leads parents back to steps', () => {
    const { runs, steps } = collect(makeUp(folder));
    const names = runs.map(({ record }) => record.name);
    expect(names).toContain('filter');
    expect(names).toContain('mixed, RL, seed 2');
    expect(new Set(names).size).toBe(names.length);
    const ids = new Set(steps.map(({ id }) => id));
    for (const run of runs) for (const parent of run.parents!) expect(ids).toContain(parent);
  });

  test('holds no place, no time and no command line, and no more than it needs of long runs', () => {
    const input = collect(makeUp(folder));
    const text = JSON.stringify(input.runs);
    for (const hidden of [
      folder,
      '/home/',
      'somebody',
      '2026-01-01',
      'commandLine',
      '3600',
      'timing_s',
      'tokens_per_sec',
    ])
      expect(text).not.toContain(hidden);
    const training = input.runs.find(({ record }) => record.command === 'train')!;
    expect(training.metrics.length).toBeLessThanOrEqual(120);
    expect(training.metrics.filter((row) => row.eval_loss !== undefined)).toHaveLength(4);
    expect(Math.max(...training.metrics.map((row) => Number(row.loss)))).toBeGreaterThan(6);
    const rl = input.runs.find(({ record }) => record.command === 'grpo')!;
    expect(rl.metrics).toHaveLength(7);
    expect(rl.rollouts).toHaveLength(5 * 4);
    expect(rl.rollouts![0]!.completion).toHaveLength(2000);
  });

  test('makes a run compact once and for all', () => {
    const { grid, store } = makeUp(folder);
    const step = grid.steps.find(({ kind }) => kind === 'train-decay')!;
    const once = storeSource(store).run(step)!;
    expect(compactRun(once, { id: step.id, kind: step.kind, reads: step.reads })).toEqual(once);
  });

  test('says which cells failed and why, those that were not run, and goes on with the others', () => {
    const made = makeUp(folder, { failing: ['plain 3'] });
    rmSync(made.store.folder(made.grid.cells.find((c) => c.arm === 'mixed' && c.seed === '3')!.steps.grpo!), {
      recursive: true,
    });
    const input = collect(made);
    const of = (arm: string) => input.cells.find((c) => c.arm === arm && c.seed === '3')!;
    expect(of('plain')).toMatchObject({ status: 'failed', reason: 'grpo failed: no memory in x/y' });
    expect(of('plain').values.rl_accuracy).toBeNull();
    expect(of('plain').values.base_few_shot).toBe(0.35);
    expect(of('mixed')).toMatchObject({ status: 'not run', reason: 'grpo was not run' });
    expect(input.steps.filter(({ status }) => status === 'failed')).toHaveLength(1);
    expect(armValues(input, 'plain', input.measures[0]!).values.size).toBe(2);
  });

  test('a cell is done when what is asked of it is done, though steps before are gone', () => {
    const made = makeUp(folder);
    for (const step of made.grid.steps)
      if (step.kind === 'filter' || step.kind === 'mix')
        rmSync(made.store.folder(step.id), { recursive: true });
    const input = collect(made);
    expect(input.cells.map(({ status }) => status)).toEqual(Array(6).fill('done'));
    expect(input.cells[0]!.absent.tokens_kept).toBe('there is no filter run');
    expect(input.cells[0]!.absent.qa_share).toBe('no mixture says its question-answer share');
    expect(input.cells[0]!.values.rl_accuracy).not.toBeNull();
  });

  test('a rerun gives the same data, in whatever order the steps were done and however long they took', () => {
    const first = resultsOf(collect(makeUp(folder)));
    const second = resultsOf(collect(makeUp(mkdtempSync(join(folder, 'other-')))), '../store');
    expect(JSON.stringify(second.data)).toBe(JSON.stringify(first.data));
    expect(JSON.stringify(first.data)).not.toContain('12.5');
    expect(Object.values(first.made.steps)[0]).toEqual({ seconds: 12.5 });
    expect(second.made.store).toBe('../store');
  });
});

describe('the calibration', () => {
  test('is a signal when the end lies above the start for certain', () => {
    const { grid, store } = makeUp(folder);
    const calibration = calibrationOf(grid, storeSource(store))!;
    expect(calibration.outcome).toBe('signal');
    expect(calibration.pairs.map(({ start }) => start)).toEqual([0.31, 0.3, 0.33]);
    expect(calibration.pairs[0]!.end).toBeCloseTo((0.7 + 0.8 + 0.84) / 3, 12);
    expect(calibration.text).toMatch(/^RL accuracy is higher with the end of mixed .*95 % interval/);
  });

  /** Climbs of 20, 60 and 25 points: together over seeds they could be none, and each is more than the choice of problems explains. */
  const uneven = {
    'mixed 1': [0.3, 0.4, 0.5, 0.5],
    'mixed 2': [0.2, 0.6, 0.8, 0.8],
    'mixed 3': [0.3, 0.4, 0.5, 0.55],
  };

  test('is a signal when every seed climbs beyond its own problems, however unevenly, and arms are compared', () => {
    const input = collect(makeUp(folder, { changed: uneven, problems: 256 }));
    expect(input.calibration).toMatchObject({ outcome: 'signal' });
    expect(input.calibration!.pairs[1]!.climb!.value).toBeCloseTo(0.6, 12);
    expect(input.calibration!.text).toMatch(
      /^With mixed accuracy climbed on every seed .*seed 1 \+20\.0 points \(\+11\..* points to .*Over seeds: Whether RL accuracy is higher or lower/,
    );
    const claims = ablationClaims(input);
    expect(claims.signal).toMatchObject({ holds: true, claim: { verdict: 'unclear' } });
    expect(claims.claims[0]!.claim.verdict).not.toBe('no-signal');
  });

  test('is none when one seed does not climb beyond its problems, or they are too few to say', () => {
    const flat = { ...uneven, 'mixed 1': [0.3, 0.4, 0.34, 0.33] };
    for (const [changed, problems] of [
      [flat, 256],
      [uneven, 16],
    ] as const) {
      const input = collect(makeUp(folder, { changed, problems }));
      expect(input.calibration).toMatchObject({ outcome: 'no signal' });
      expect(ablationClaims(input).claims[0]!.claim.verdict).toBe('no-signal');
    }
  });

  test('is no signal for two seeds, which are too few to say, and not run while a seed is open', () => {
    const made = makeUp(folder, { failing: ['mixed 3'] });
    expect(calibrationOf(made.grid, storeSource(made.store))!).toMatchObject({ outcome: 'no signal' });
    const open = made.grid.cells.find((c) => c.arm === 'mixed' && c.seed === '1')!;
    rmSync(made.store.folder(open.steps.grpo!), { recursive: true });
    expect(calibrationOf(made.grid, storeSource(made.store))!).toMatchObject({
      outcome: 'not run',
      text: 'The calibration with mixed has not been run for 1 of 3 seeds.',
    });
  });
});

describe('claims', () => {
  test('are the sentence of each pair, with its interval, after Holm over all primary measures', () => {
    const input = collect(makeUp(folder));
    const two = {
      ...input,
      measures: input.measures.map((m) => ({
        ...m,
        primary: ['rl_accuracy', 'base_accuracy'].includes(m.name),
      })),
    };
    expect(ablationClaims(input).claims).toHaveLength(1);
    const [accuracy, base] = ablationClaims(two).claims.toSorted((a) =>
      a.measure.name === 'rl_accuracy' ? -1 : 1,
    );
    const alone = ablationClaims(input).claims[0]!;
    expect(alone.claim.verdict).toBe('higher');
    expect(alone.claim.text).toContain('95 % interval');
    // Differences of the hand-made evaluations: (0.78 - 0.6), (0.76 - 0.57), (0.8 - 0.62).
    expect(alone.comparison.mean).toBeCloseTo((0.18 + 0.19 + 0.18) / 3, 12);
    expect(accuracy!.comparison.comparisons).toBe(2);
    expect(accuracy!.comparison.adjustedP).toBeCloseTo(2 * alone.comparison.adjustedP, 12);
    expect(base!.claim.verdict).toBe('unclear');
    const [one, , three] = answerOf(two, ablationClaims(two));
    expect(one).toMatch(
      /^Of 2 comparisons .* 1 is told from no difference: RL accuracy is higher with mixed than with plain by \+18\.3 points \(95 % interval/,
    );
    expect(one).toContain('it cannot be told for accuracy before RL with mixed against plain');
    expect(three).toContain('with 3 seeds a difference in RL accuracy below about');
  });

  test('answer in three sentences, the first with its interval', () => {
    const input = collect(makeUp(folder));
    const [one, two, three] = answerOf(input, ablationClaims(input));
    expect(one).toMatch(
      /^RL accuracy is higher with mixed than with plain: \+18\.3 points \(95 % interval .*paired t over 3 seeds/,
    );
    expect(two).toBe(
      'By arm, mean over seeds and in brackets the least and the greatest seed: RL accuracy plain 59.7 % (57.0 % to 62.0 %), mixed 78.0 % (76.0 % to 80.0 %).',
    );
    expect(three).toContain('nothing is measured beyond this world');
    for (const sentence of [one, two, three]) expect(sentence).toMatch(/\.$/);
  });

  test('are none without a signal, and say so', () => {
    const input = collect(makeUp(folder));
    const flat = {
      ...input,
      calibration: {
        ...input.calibration!,
        pairs: input.calibration!.pairs.map((p, i) => ({ ...p, end: p.start + (i - 1) / 10 })),
        outcome: 'no signal' as const,
      },
    };
    const claims = ablationClaims(flat);
    expect(claims.claims.map(({ claim }) => claim.verdict)).toEqual(['no-signal']);
    const [one, two] = answerOf(flat, claims);
    expect(one).toMatch(
      /^No signal: RL accuracy did not climb for certain in the calibration with mixed \(.*95 % interval.*so no arm is compared/,
    );
    expect(two).toContain('seed 1: 31.0 % to 21.0 %');
    const still = {
      ...flat,
      calibration: {
        ...flat.calibration,
        pairs: flat.calibration.pairs.map((p) => ({ ...p, end: p.start })),
      },
    };
    expect(answerOf(still, ablationClaims(still))[0]).toContain(
      '(±0.0 points (the same for every seed, so there is no interval))',
    );
    const open = { ...input, calibration: { ...input.calibration!, outcome: 'not run' as const } };
    expect(ablationClaims(open).claims[0]!.claim).toMatchObject({
      verdict: 'cannot-say',
      text: expect.stringContaining('the calibration (mixed) was not run'),
    });
  });

  test('are none from two seeds, or of checkpoints in unlike states', () => {
    const two = collect(makeUp(folder, { failing: ['plain 3'] }));
    const claims = ablationClaims(two);
    expect(claims.claims[0]!.claim.verdict).toBe('cannot-say');
    const [one, , three] = answerOf(two, claims);
    expect(one).toMatch(/^Cannot say .*2 seeds are too few/);
    expect(three).toContain('failed: plain with seed 3');
    expect(three).toContain('below three seeds nothing can be said');

    const input = collect(makeUp(mkdtempSync(join(folder, 'other-'))));
    const unlike = {
      ...input,
      arms: input.arms.map((arm) => ({
        ...arm,
        state: arm.name === 'plain' ? ('constant rate' as const) : arm.state,
      })),
      measures: input.measures.map((m) => ({
        ...m,
        primary: m.name === 'base_few_shot' || m.name === 'rl_accuracy',
      })),
    };
    const verdicts = ablationClaims(unlike).claims.map(({ measure, claim }) => [measure.name, claim.verdict]);
    expect(verdicts).toEqual([
      ['rl_accuracy', 'higher'],
      ['base_few_shot', 'cannot-say'],
    ]);
    expect(answerOf(unlike, ablationClaims(unlike))[2]).toContain('unlike states');
  });
});

test('only places on the disk are taken out of texts', () => {
  expect(pathless('/tmp/a/b/model')).toBe('model');
  expect(pathless('C:\\data\\runs\\x.json')).toBe('x.json');
  expect(pathless('cannot read /var/x/y.jsonl: no such file')).toBe('cannot read y.jsonl: no such file');
  expect(pathless('/s/store/mix-1/run', '/s/store')).toBe('mix-1/run');
  for (const text of [
    '1/2/3',
    'https://a.org/b/c',
    '</think>/answer',
    'completions/mean_length',
    '../shared/data/x',
    'a / b / c',
  ])
    expect(pathless(text)).toBe(text);
});
