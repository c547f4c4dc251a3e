/** Measures of an experiment against values worked out by hand, what cannot be had, and names that are none. */
import { describe, expect, test } from 'vitest';
import type { CellRun, CellRuns } from '../../src/ablate/cell-runs.ts';
import { checkMeasures } from '../../src/ablate/check-measures.ts';
import type { Grid } from '../../src/ablate/grid.ts';
import { defaultSecondary, measureNamed, measureNames, startMeasureOf } from '../../src/ablate/measures.ts';
import { UserError } from '../../src/core/errors.ts';
import type { MetricRow, RunRecord } from '../../src/core/record.ts';

function runOf(rows: readonly MetricRow[], summary: Record<string, unknown> = {}): CellRun {
  const record: RunRecord = {
    version: 1,
    command: 'grpo',
    name: 'x',
    status: 'done',
    startedAt: '',
    config: {},
    fingerprint: '',
    evidence: [],
    inputs: [],
    parents: [],
    versions: {},
    summary,
    warnings: [],
  };
  return { record, rows };
}

const evaluations = [0.25, 0.5, 0.75, 0.5, 0.25, 0.625];
const rl = runOf(
  [
    ...evaluations.flatMap((value, i): MetricRow[] => [
      { step: 10 * i, eval_accuracy: value, 'eval_completions/mean_length': 20 + i },
      ...(i === 0
        ? []
        : [
            {
              step: 10 * i + 1,
              reward: i,
              'completions/clipped_ratio': [0, 0.5, 1, 1, 0, 0][i]!,
              entropy: 2 - i / 4,
            },
          ]),
    ]),
  ],
  {
    findings: [
      { signature: 'repetition_loop', step: 30, text: 'a' },
      { signature: 'length_explosion', step: 40, text: 'b' },
      'not a finding',
    ],
  },
);
const cell: CellRuns = {
  grpo: rl,
  stable: runOf([{ step: 5, eval_loss: 3, 'eval_loss/web': 4 }], { tokens: 100 }),
  decay: runOf(
    [
      { step: 1, eval_loss: 2.5, 'eval_loss/web': 3.5 },
      { step: 2, loss: 1 },
      { step: 3, eval_loss: 2.25, 'eval_loss/web': 3.25 },
    ],
    { tokens: 150 },
  ),
  mixStable: runOf([], { qaShare: 0.1 }),
  mixDecay: runOf([], { qaShare: 0.3, instructionShare: 0.05 }),
  chains: runOf([], { chains: { asked: 8, kept: 2 } }),
  filter: runOf([], { keptTokens: 400, ledger: { in: 10, kept: 4 } }),
  evals: {
    'few-shot base': runOf([], {
      benchmarks: { a: { accuracy: { value: 0.25 } }, b: { accuracy: { value: 0.75 } } },
    }),
  },
};
const of = (name: string, runs: CellRuns = cell) => measureNamed(name, ['few-shot']).of(runs);

describe('measures', () => {
  test.each([
    ['base_accuracy', 0.25],
    ['rl_accuracy', (0.5 + 0.25 + 0.625) / 3],
    ['rl_accuracy@5', (0.5 + 0.75 + 0.5 + 0.25 + 0.625) / 5],
    ['rl_accuracy@1', 0.625],
    ['rl_accuracy_max', 0.75],
    ['rl_accuracy_max_step', 20],
    ['rl_gain@1', 0.375],
    ['collapse', 0.5],
    ['steps_to_0.5', 10],
    ['steps_to_.6', 20],
    ['response_length', 24],
    ['reward_end', 3],
    ['reward@2', 4.5],
    ['reward_start@2', 1.5],
    ['truncated_end@2', 0],
    ['truncated_max@2', 1],
    ['truncated_min@2', 0],
    ['entropy', (1.75 + 1.5 + 1.25 + 1 + 0.75) / 5],
    ['signatures_fired', 2],
    ['fired_repetition_loop', 1],
    ['fired_premature_answer', 0],
    ['step_of_length_explosion', 40],
    ['heldout_loss', 2.25],
    ['heldout_loss/web', 3.25],
    ['mid_training_tokens', 150],
    ['qa_share', 0.3],
    ['instruction_share', 0.05],
    ['tokens_kept', 400],
    ['documents_kept', 4],
    ['share_kept', 0.4],
    ['chains_kept', 2],
    ['chains_kept_share', 0.25],
    ['base_few_shot', 0.5],
  ])('%s is %d', (name, expected) => {
    expect(of(name)).toBeCloseTo(expected, 12);
  });

  test('take the stable phase and its mixture where RL starts from them', () => {
    const { decay: _, mixDecay: __, ...stable } = cell;
    expect(of('heldout_loss', stable)).toBe(3);
    expect(of('mid_training_tokens', stable)).toBe(100);
    expect(of('qa_share', stable)).toBe(0.1);
  });

  test.each([
    ['rl_accuracy', { evals: {} }, 'there is no RL run'],
    ['rl_accuracy@7', cell, 'has 6 evaluations, and the mean is over the last 7'],
    ['steps_to_0.9', cell, 'accuracy 0.9 was never reached in 50 steps (at most 0.750)'],
    ['step_of_premature_answer', cell, 'premature answer did not fire'],
    ['repetition', cell, 'the RL run logged no completions/repetition_ratio'],
    ['heldout_loss/books', cell, 'the training run logged no eval_loss/books'],
    ['tokens_kept', { evals: {} }, 'there is no filter run'],
    ['rl_few_shot', cell, 'there is no evaluation few-shot of the checkpoint that RL ends with'],
    ['base_accuracy', { grpo: runOf([{ step: 5, eval_accuracy: 1 }]), evals: {} }, 'not evaluated at step 0'],
  ] as [string, CellRuns, string][])('%s has a reason where it cannot be had', (name, runs, reason) => {
    expect(of(name, runs)).toEqual({ absent: expect.stringContaining(reason) });
  });

  test('have a label, a unit and one sentence each', () => {
    const examples = [
      ...defaultSecondary,
      'steps_to_0.6',
      'reward_max@3',
      'fired_repetition_loop',
      'heldout_loss/web',
      'rl_few_shot',
    ];
    for (const name of examples) {
      const measure = measureNamed(name, ['few-shot']);
      expect(measure.name).toBe(name);
      expect(measure.label).toMatch(/\S/);
      expect(measure.about).toMatch(/^[A-Z0-9].*\.$/);
    }
    expect(measureNamed('rl_accuracy@5').label).toBe('RL accuracy (last 5)');
    expect(measureNamed('steps_to_0.6').label).toBe('RL steps to 60 % accuracy');
  });

  test('of the checkpoint before RL are for like states only', () => {
    expect(
      ['base_accuracy', 'heldout_loss', 'base_few_shot'].map((n) => measureNamed(n, ['few-shot']).likeOnly),
    ).toEqual([true, true, true]);
    expect(
      ['rl_accuracy', 'collapse', 'rl_few_shot'].map((n) => measureNamed(n, ['few-shot']).likeOnly),
    ).toEqual([false, false, false]);
  });

  test.each([
    ['rl_acuracy', 'did you mean rl_accuracy?'],
    ['base_few-shot', 'did you mean base_few_shot?'],
    ['fired_repetition_lop', 'did you mean fired_repetition_loop?'],
    ['toString', 'known:'],
    ['rl_accuracy@0', 'known:'],
    ['steps_to_60', 'known:'],
  ])('%s is refused with what was meant', (name, hint) => {
    const attempt = (): unknown => measureNamed(name, ['few-shot']);
    expect(attempt).toThrow(UserError);
    expect(attempt).toThrow(`there is no measure "${name}"`);
    try {
      attempt();
    } catch (error) {
      expect((error as UserError).hint).toContain(hint);
    }
  });

  test('are listed with their parameters', () => {
    const names = measureNames(['few-shot']);
    expect(names).toEqual(
      expect.arrayContaining([
        'rl_accuracy[@<evaluations>]',
        'steps_to_<accuracy>',
        'base_few_shot',
        'rl_few_shot',
      ]),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  test.each([
    ['rl_accuracy', 'base_accuracy'],
    ['rl_accuracy@5', 'base_accuracy'],
    ['reward_end@3', 'reward_start@3'],
    ['reward', 'reward_start'],
    ['rl_few_shot', 'base_few_shot'],
  ])('the calibration of %s starts from %s', (end, start) => {
    expect(startMeasureOf(end, ['few-shot'])).toBe(start);
  });

  test('a measure without a start is none to calibrate on', () => {
    expect(() => startMeasureOf('collapse')).toThrow(
      'calibration: the measure collapse has no value at the start',
    );
    expect(() => startMeasureOf('collaps')).toThrow('there is no measure');
  });
});

describe('the measures of a plan', () => {
  const plan = (measures: Grid['measures'], calibration?: Grid['calibration']): Grid => ({
    version: 1,
    name: 'x',
    title: 'x',
    question: 'x',
    size: 'cpu',
    changes: [],
    seeds: ['1'],
    arms: [],
    cells: [
      {
        arm: 'a',
        seed: '1',
        steps: {},
        evals: { 'few-shot base': 'eval-1', 'few-shot rl': 'eval-2' },
        asked: [],
      },
    ],
    steps: [],
    comparisons: [],
    measures,
    ...(calibration === undefined ? {} : { calibration }),
  });

  test('are checked before anything runs', () => {
    const grid = plan(
      { primary: ['rl_accuracy', 'rl_few_shot'], smallest: { rl_accuracy: 0.1 } },
      { arm: 'a', measure: 'rl_few_shot' },
    );
    expect(checkMeasures(grid, 'x.yaml')).toBe(grid);
  });

  test.each([
    [
      plan({ primary: ['rl_accuracy', 'rl_acuracy'], smallest: {} }),
      'x.yaml (measures.primary.1): there is no measure "rl_acuracy"',
    ],
    [
      plan({ primary: ['rl_accuracy'], smallest: { collapse: 1 } }),
      'x.yaml (measures.smallest.collapse): collapse is no primary measure',
    ],
    [
      plan({ primary: ['rl_accuracy'], smallest: {} }, { arm: 'a', measure: 'collapse' }),
      'x.yaml (calibration.measure): calibration: the measure collapse',
    ],
  ])('name the place of what is wrong: %#', (grid, message) => {
    expect(() => checkMeasures(grid, 'x.yaml')).toThrow(message);
  });
});
