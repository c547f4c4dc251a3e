/** The plan of a grid: what is shared and what is not, ids by content alone, order, and what is refused before anything runs. */
import { describe, expect, test } from 'vitest';
import type { Experiment } from '../../src/ablate/experiment.ts';
import type { Grid, GridCell } from '../../src/ablate/grid.ts';
import { stateOf } from '../../src/ablate/grid-state.ts';
import { changeAt, differencesOf, overlay } from '../../src/ablate/overlay.ts';
import { planGrid } from '../../src/ablate/plan-grid.ts';
import { experimentOf, noInputs } from './grid-experiment.ts';

const plan = (experiment: Experiment, choice = {}): Grid =>
  planGrid(experiment, 'tiny.yaml', noInputs, choice);

function cell(grid: Grid, arm: string, seed = '1'): GridCell {
  return grid.cells.find((one) => one.arm === arm && one.seed === seed)!;
}

const kinds = (grid: Grid): string[] => grid.steps.map(({ kind }) => kind);

describe('overlays', () => {
  test('merge keys, replace lists, take away with null, and leave the base alone', () => {
    const base = { a: { b: 1, list: [1, 2], gone: 1 }, c: 2 };
    expect(overlay(base, { a: { b: 2, list: [3], gone: null, new: { d: 4 } } })).toEqual({
      a: { b: 2, list: [3], new: { d: 4 } },
      c: 2,
    });
    expect(base).toEqual({ a: { b: 1, list: [1, 2], gone: 1 }, c: 2 });
  });

  test('list what they change, whole where only one side has it', () => {
    expect(differencesOf({ a: { b: 1, c: { d: 1 } }, x: 1 }, { a: { b: 2 }, x: 1, y: [1] })).toEqual([
      { path: 'a.b', base: 1, value: 2 },
      { path: 'a.c', base: { d: 1 } },
      { path: 'y', value: [1] },
    ]);
  });

  test('find a key with dots in its name before they cut at the dots', () => {
    expect(changeAt({ sources: { 'a.b': { weight: 1 } } }, 'sources.a.b.weight', 2)).toEqual({
      sources: { 'a.b': { weight: 2 } },
    });
    expect(changeAt({}, 'grpo.steps', 2)).toEqual({ grpo: { steps: 2 } });
  });
});

describe('a plan', () => {
  test('has each step once: arms share all that lies before their difference, seeds share what has no seed', () => {
    const grid = plan(experimentOf(), { seeds: [1, 2] });
    expect(grid.cells.map(({ arm, seed }) => `${arm} ${seed}`)).toEqual([
      'qa-30 1',
      'qa-0 1',
      'qa-30 2',
      'qa-0 2',
    ]);
    expect(cell(grid, 'qa-30').steps.stable).toBe(cell(grid, 'qa-0').steps.stable);
    expect(cell(grid, 'qa-30').steps.decay).not.toBe(cell(grid, 'qa-0').steps.decay);
    expect(cell(grid, 'qa-30', '1').steps.stable).not.toBe(cell(grid, 'qa-30', '2').steps.stable);
    expect(cell(grid, 'qa-30', '1').steps.tokenizer).toBe(cell(grid, 'qa-0', '2').steps.tokenizer);
    expect(new Set(grid.steps.map(({ id }) => id)).size).toBe(grid.steps.length);
    const count = (kind: string): number => kinds(grid).filter((one) => one === kind).length;
    expect([
      count('tokenizer'),
      count('problems'),
      count('mix'),
      count('train-stable'),
      count('train-decay'),
      count('grpo'),
    ]).toEqual([1, 2, 6, 2, 4, 4]);
    const stable = grid.steps.find(({ id }) => id === cell(grid, 'qa-0').steps.stable)!;
    expect(stable.usedBy).toEqual([
      { arm: 'qa-30', seed: '1' },
      { arm: 'qa-0', seed: '1' },
    ]);
  });

  test('has every step behind what it reads', () => {
    const grid = plan(experimentOf(), { seeds: [1, 2] });
    const before = new Set<string>();
    for (const step of grid.steps) {
      for (const id of step.reads) expect(before).toContain(id);
      before.add(step.id);
    }
  });

  test('names steps by content: names of arms, experiments and sets, their order and where files lie do not matter', () => {
    const grid = plan(experimentOf());
    const other = experimentOf({
      name: 'another',
      title: 'x',
      base: {
        problems: { train: null, drill: { generator: 'mini-math', count: 64, split: 'train' } },
        grpo: { problems: 'drill' },
      },
      arms: { 'qa-30': null, control: {} },
    });
    const { grpo } = cell(plan(other), 'control').steps;
    expect(grpo).toBe(cell(grid, 'qa-30').steps.grpo);
    const elsewhere = { ...noInputs, resolve: (path: string) => `/elsewhere/${path}` };
    const own = experimentOf({
      base: { tokenizer: { folder: 'vocabulary', vocabSize: null, specialTokens: null, sources: null } },
    });
    const [here, there] = [noInputs, elsewhere].map((inputs) =>
      planGrid(own, 'tiny.yaml', inputs).steps.map(({ id }) => id),
    );
    expect(there).toEqual(here);
    const changed = { ...noInputs, contentOf: () => 'another content' };
    expect(planGrid(own, 'tiny.yaml', changed).steps.map(({ id }) => id)).not.toEqual(here);
  });

  test('takes a budget that no sequence is read twice', () => {
    const grid = plan(experimentOf());
    const budget = (id: string | undefined): unknown =>
      (grid.steps.find((step) => step.id === id)!.settings.recipe as { budget: unknown }).budget;
    expect(budget(cell(grid, 'qa-30').steps.mixStable)).toBe(8 * 4 * 49);
    expect(budget(cell(grid, 'qa-30').steps.mixDecay)).toBe(4 * 4 * 49);
    const one = plan(experimentOf({ base: { mix: { decay: null } }, arms: { 'qa-0': null } }));
    expect(
      (one.steps.find(({ kind }) => kind === 'mix')!.settings.recipe as { budget: unknown }).budget,
    ).toBe((8 + 4) * 4 * 49);
    expect(kinds(one).filter((kind) => kind === 'mix')).toHaveLength(1);
  });

  test('starts a decay phase from the step it is told, RL from the stable phase where there is no decay, and says what state each is in', () => {
    const grid = plan(
      experimentOf({
        base: { train: { keep_every: 4 } },
        arms: {
          'qa-0': null,
          early: { set: { train: { decay: { from_step: 4 } } } },
          undecayed: { set: { train: { decay: null } } },
          constant: { set: { train: { decay: { decay: 'constant' } } } },
        },
      }),
    );
    const of = (id: string | undefined) => grid.steps.find((step) => step.id === id)!.settings;
    const { stable } = cell(grid, 'qa-30').steps;
    expect(of(cell(grid, 'early').steps.decay).from).toEqual({ read: stable, step: 4 });
    expect(of(cell(grid, 'undecayed').steps.grpo).model).toEqual({ read: stable });
    expect(cell(grid, 'early').steps.stable).toBe(stable);
    expect(Object.fromEntries(grid.arms.map(({ name, state }) => [name, state]))).toEqual({
      'qa-30': 'decayed',
      early: 'decayed',
      undecayed: 'constant rate',
      constant: 'constant rate',
    });
  });

  test('puts the calibration first over all seeds, and asks for the ends of each way', () => {
    const grid = plan(
      experimentOf({
        base: { evaluate: { few: { of: ['base', 'rl'], problems: 'heldout', count: 4, max_tokens: 8 } } },
        calibration: { arm: 'qa-0' },
      }),
      { seeds: [1, 2] },
    );
    expect(grid.cells.map(({ arm, seed }) => `${arm} ${seed}`)).toEqual([
      'qa-0 1',
      'qa-0 2',
      'qa-30 1',
      'qa-30 2',
    ]);
    expect(grid.calibration).toEqual({ arm: 'qa-0', measure: 'rl_accuracy' });
    const { asked, evals } = cell(grid, 'qa-0');
    expect(Object.keys(evals)).toEqual(['few base', 'few rl']);
    expect(asked).toEqual(Object.values(evals)); // GRPO is read by the evaluation behind it
    expect(
      plan(experimentOf({ calibration: { arm: 'qa-0' } }), { arms: ['qa-30'] }).calibration,
    ).toBeUndefined();
  });

  test('takes chains from another arm of the same seed, and refuses a way that would read itself', () => {
    const chains = { from: 'decay', problems: 'train', max_tokens: 12, samples: 2 };
    const own = {
      mix: {
        decay: {
          sources: {
            qa: {
              data: { step: 'chains' },
              columns: { question: 'question', answer: 'response' },
              template: 'question-answer',
            },
          },
        },
      },
    };
    const withArm = experimentOf({ arms: { own: { set: { ...own, chains: { ...chains, arm: 'qa-30' } } } } });
    const grid = plan(withArm, { arms: ['own'] });
    expect(grid.cells.map(({ arm }) => arm)).toEqual(['own']);
    const drawn = grid.steps.find(({ id }) => id === cell(grid, 'own').steps.chains)!;
    expect(drawn.settings.model).toEqual({ read: cell(plan(withArm), 'qa-30').steps.decay });
    expect(() => plan(experimentOf({ arms: { own: { set: { ...own, chains } } } }))).toThrow(
      /reads what is made from it \(.*chains <- train\.decay <- mix\.decay <- chains/,
    );
  });

  test('lays a size and --set under the arms, and keeps both in the plan', () => {
    const experiment = experimentOf({ sizes: { gpu: { base: { grpo: { steps: 50 } }, seeds: [7] } } });
    const grid = plan(experiment, { size: 'gpu', changes: ['grpo.schedule.learning_rate=0.5'] });
    const step = grid.steps.find(({ kind }) => kind === 'grpo')!;
    expect(step.settings.config).toMatchObject({ steps: 50, schedule: { learning_rate: 0.5 } });
    expect([grid.size, grid.seeds, grid.changes]).toEqual([
      'gpu',
      ['7'],
      ['grpo.schedule.learning_rate=0.5'],
    ]);
    expect(plan(experiment).steps.find(({ kind }) => kind === 'grpo')!.id).not.toBe(step.id);
  });
});

describe('refused before anything runs', () => {
  const wrong: [name: string, changes: Parameters<typeof experimentOf>[0], message: RegExp][] = [
    ['a wrong key of the file', { calibraton: {} }, /unknown key "calibraton"; did you mean "calibration"/],
    [
      'a wrong section of a way',
      { base: { trian: {} } },
      /arm qa-30: unknown key "trian"; did you mean "train"/,
    ],
    [
      'a wrong key that an arm sets',
      { arms: { bad: { set: { train: { stable: { step: 4 } } } } } },
      /arm bad.*unknown key "step" in train\.stable; did you mean "steps"/,
    ],
    [
      'a wrong key of GRPO',
      { base: { grpo: { num_generation: 4 } } },
      /grpo: unknown key "num_generation"; did you mean "num_generations"/,
    ],
    [
      'a wrong key of a mixture',
      { base: { mix: { decay: { repeatLimt: 4 } } } },
      /mix\.decay: unknown key "repeatLimt"; did you mean "repeatLimit"/,
    ],
    [
      'a wrong key of a generator',
      { base: { mix: { stable: { sources: { web: { data: { styl: 'x' } } } } } } },
      /mix\.stable\.sources\.web\.data: unknown key "styl"; did you mean "style"/,
    ],
    ['what the grid decides', { base: { grpo: { seed: 1 } } }, /grpo\.seed\): is decided by the grid/],
    [
      'a problem set that is none',
      { base: { grpo: { problems: 'trian' } } },
      /no "trian" under problems; did you mean "train"/,
    ],
    ['an arm that is none', { compare: { against: 'qa-1' } }, /no arm "qa-1"; did you mean/],
    [
      'a checkpoint that is not kept',
      { base: { train: { keep_checkpoints: 1, decay: { from_step: 4 } } } },
      /keeps no checkpoint of step 4/,
    ],
    [
      'a step that is missing',
      {
        base: {
          mix: {
            decay: {
              sources: { web: { data: { step: 'filter', generator: null, kind: null, count: null } } },
            },
          },
        },
      },
      /reads the step filter, and the arm has none/,
    ],
    [
      'lengths that do not fit the model',
      { base: { grpo: { max_completion_length: { 0: 100 }, pack_length: 160 } } },
      /more than the 128/,
    ],
  ];
  test.each(wrong)('%s', (_, changes, message) => {
    expect(() => plan(experimentOf(changes))).toThrow(message);
  });

  test('sizes, arms and changes that are none', () => {
    expect(() => plan(experimentOf({ sizes: { gpu: {} } }), { size: 'gpo' })).toThrow(
      /no such size; did you mean "gpu"/,
    );
    expect(() => plan(experimentOf(), { arms: ['qa-3'] })).toThrow(/no such arm; did you mean/);
    expect(() => plan(experimentOf(), { changes: ['grpo.steps'] })).toThrow(/expected path=value/);
    expect(() => plan(experimentOf(), { changes: ['grpo.stesp=4'] })).toThrow(
      /unknown key "stesp"; did you mean "steps"/,
    );
  });
});

describe('what is left to do', () => {
  const grid = plan(experimentOf());
  const { steps } = cell(grid, 'qa-0');
  /** A store where these are done, those without weights imported. */
  const storeOf = (done: readonly string[], imported: readonly string[] = []) => ({
    status: (id: string) =>
      done.includes(id) || imported.includes(id) ? ('done' as const) : ('not run' as const),
    output: ({ id }: { id: string }) => (done.includes(id) ? `/store/${id}` : undefined),
  });
  const todo = (...args: Parameters<typeof storeOf>) =>
    stateOf(grid, storeOf(...args)).todo.map(({ id }) => id);

  test('is everything at first, and only what reads nothing undone is ready', () => {
    const state = stateOf(grid, storeOf([]));
    expect(state.todo).toEqual(grid.steps);
    expect(new Set(state.ready.map(({ kind }) => kind))).toEqual(new Set(['tokenizer', 'problems']));
  });

  test('is nothing where the ends are done, though nothing before them is there', () => {
    const ends = grid.cells.flatMap(({ asked }) => asked);
    expect(todo([], ends)).toEqual([]);
  });

  test('is a step that was imported again where another needs its weights, and what that reads', () => {
    const others = grid.steps.map(({ id }) => id).filter((id) => id !== steps.grpo && id !== steps.decay);
    expect(todo(others, [steps.decay!])).toEqual([steps.decay, steps.grpo]);
  });

  test('leaves out what waits for a failed step, and nothing else', () => {
    const state = stateOf(grid, storeOf([]), { failed: new Set([steps.mixDecay!]) });
    const ids = state.todo.map(({ id }) => id);
    expect([...state.blocked]).toEqual([
      [steps.mixDecay, steps.mixDecay],
      [steps.decay, steps.mixDecay],
      [steps.grpo, steps.mixDecay],
    ]);
    expect(ids).toHaveLength(grid.steps.length - 3);
    expect(ids).toContain(cell(grid, 'qa-30').steps.grpo);
  });
});
