import { describe, expect, test } from 'vitest';
import type { Choice } from '../../src/ablate/experiment.ts';
import { builtInExperiments, findExperiment } from '../../src/ablate/find-experiment.ts';
import type { Grid } from '../../src/ablate/grid.ts';
import { measureNamed, startMeasureOf } from '../../src/ablate/measures.ts';
import { ownInputs } from '../../src/ablate/own-inputs.ts';
import { planGrid } from '../../src/ablate/plan-grid.ts';

/** Issue 8's list, in its order. */
const names = [
  'data-quality',
  'stability',
  'branches',
  'qa-ratio',
  'decay',
  'format-or-content',
  'family',
  'budget',
  'no-scheduler',
  'self-chains',
];

const find = (name: string) => findExperiment(name, '/');
const plan = (name: string, choice: Choice = {}): Grid => {
  const { experiment, file, folder } = find(name);
  return planGrid(experiment, file, ownInputs(folder, file), choice);
};
const idsOf = (grid: Grid, kind: string): string[] =>
  grid.steps.filter((step) => step.kind === kind).map((step) => step.id);
const stepOf = (grid: Grid, arm: string, role: 'stable' | 'decay' | 'grpo'): string | undefined =>
  grid.cells.find((cell) => cell.arm === arm && cell.seed === '1')!.steps[role];

test('the paper in miniature is ten experiments', () => {
  expect(builtInExperiments()).toEqual([...names].sort());
});

describe.each(names)('%s', (name) => {
  const { experiment } = find(name);

  test('says what it asks, what the paper found, and what every arm is', () => {
    expect(experiment.name).toBe(name);
    expect(experiment.question).toMatch(/\?/);
    expect(experiment.paper).toMatch(/section|question|next check/);
    expect(experiment.seeds).toHaveLength(3);
    for (const { describe: said } of Object.values(experiment.arms)) expect(said).toBeTruthy();
  });

  test('measures what there is, calibrates an arm, and compares arms', () => {
    const evaluations = Object.keys((experiment.base.evaluate ?? {}) as object);
    for (const measure of [...experiment.measures.primary, ...Object.keys(experiment.measures.smallest)])
      expect(measureNamed(measure, evaluations).label).toBeTruthy();
    expect(startMeasureOf(experiment.calibration!.measure, evaluations)).toBe('base_accuracy');
    expect(experiment.compare).toBeDefined();
  });

  test('plans at both sizes: every arm ends in RL, and the larger one is larger', () => {
    const small = plan(name);
    const large = plan(name, { size: 'gpu' });
    for (const grid of [small, large]) {
      expect(grid.cells).toHaveLength(3 * Object.keys(experiment.arms).length);
      expect(grid.cells.every((cell) => cell.steps.grpo !== undefined)).toBe(true);
    }
    const tokens = (grid: Grid): number =>
      grid.steps.filter((s) => s.kind.startsWith('train')).reduce((sum, s) => sum + s.work.count, 0);
    expect(tokens(large)).toBeGreaterThan(20 * tokens(small));
    expect(idsOf(large, 'problems').some((id) => idsOf(small, 'problems').includes(id))).toBe(false);
  });
});

test('experiments share the stable phase, its vocabulary, and arms that are alike', () => {
  const shared = names.filter((name) => name !== 'data-quality' && name !== 'family');
  const stable = idsOf(plan('qa-ratio'), 'train-stable');
  expect(stable).toHaveLength(3);
  for (const name of shared) expect(idsOf(plan(name), 'train-stable')).toEqual(stable);
  for (const name of names)
    expect(idsOf(plan(name), 'tokenizer')).toEqual(idsOf(plan('qa-ratio'), 'tokenizer'));
  const qa30 = stepOf(plan('qa-ratio'), 'qa-30', 'grpo');
  expect(stepOf(plan('decay'), 'decay-qa', 'grpo')).toBe(qa30);
  expect(stepOf(plan('family'), 'llama', 'grpo')).toBe(qa30);
  expect(stepOf(plan('budget'), 'budget-4x', 'grpo')).toBe(qa30);
  expect(stepOf(plan('no-scheduler'), 'control', 'grpo')).toBe(
    stepOf(plan('stability'), 'simple-fixed-no-instruction', 'grpo'),
  );
  expect(stepOf(plan('self-chains'), 'given', 'grpo')).toBe(stepOf(plan('branches'), 'long', 'grpo'));
});
