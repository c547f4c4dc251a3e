/** Grids carried out with tiny models: results by step, a failing arm, a stop, what was imported, chains, the calibration, two processes at one store. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { chooseChains } from '../../src/ablate/choose-chains.ts';
import type { Experiment } from '../../src/ablate/experiment.ts';
import type { Grid, GridStep } from '../../src/ablate/grid.ts';
import { planGrid } from '../../src/ablate/plan-grid.ts';
import { type GridResult, runGrid } from '../../src/ablate/run-grid.ts';
import type { GpuHolder } from '../../src/ablate/run-step.ts';
import { StepStore } from '../../src/ablate/store.ts';
import { InterruptedError } from '../../src/core/errors.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { readRecord } from '../../src/io/run-record.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { experimentOf, noInputs } from './grid-experiment.ts';

// Some seconds of work, but the machine may be busy.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let gpu: Gpu;
let root: string;
const holder: GpuHolder = { open: () => Promise.resolve(gpu), adapter: () => 'the adapter' };

beforeAll(async () => {
  gpu = await openDevice();
  root = mkdtempSync(join(tmpdir(), 'midtrain-grid-'));
});

afterAll(async () => {
  await gpu.close();
  rmSync(root, { recursive: true, force: true });
});

const plan = (experiment: Experiment, choice = {}): Grid =>
  planGrid(experiment, 'tiny.yaml', noInputs, choice);

interface Ran extends GridResult {
  messages: string[];
  /** Kinds of the steps that were done, in order. */
  steps: string[];
}

async function carryOut(
  grid: Grid,
  store: StepStore,
  options: { signal?: AbortSignal; withoutSignal?: boolean; listen?: (event: ProgressEvent) => void } = {},
): Promise<Ran> {
  const messages: string[] = [];
  const steps: string[] = [];
  const result = await runGrid(grid, {
    store,
    gpu: holder,
    signal: options.signal ?? new AbortController().signal,
    ...(options.withoutSignal === undefined ? {} : { withoutSignal: options.withoutSignal }),
    emit: (event) => {
      if (event.kind === 'message') messages.push(event.text);
      options.listen?.(event);
    },
    onStep: ({ kind }) => steps.push(kind),
  });
  return { ...result, messages, steps };
}

const storeIn = (name: string): StepStore => new StepStore(join(root, name));

function stepOf(grid: Grid, kind: string, arm: string): GridStep {
  return grid.steps.find((step) => step.kind === kind && step.usedBy.some((one) => one.arm === arm))!;
}

/** Of the weights that a step left, by their bytes. */
function weightsOf(store: StepStore, step: GridStep): string {
  const file = join(store.output(step)!, 'model.safetensors');
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

describe('a grid', () => {
  const experiment = experimentOf();
  const grid = plan(experiment);
  let store: StepStore;

  beforeAll(async () => {
    store = storeIn('whole');
    const { done, found, failed, messages, steps } = await carryOut(grid, store);
    expect({ done, found, failed }).toEqual({ done: grid.steps.length, found: 0, failed: [] });
    expect(steps).toEqual(grid.steps.map(({ kind }) => kind));
    expect(messages[0]).toBe(
      `2 runs of ${grid.steps.length} steps, 5 of them shared: 0 done before, ${grid.steps.length} to do`,
    );
    expect(messages[1]).toMatch(/^step 1 of 11: tokenizer qa-30 seed 1 and 1 more \(done 0, failed 0\)$/);
  });

  test('leaves a record of each step, with what its speed is told from', () => {
    const step = stepOf(grid, 'train-stable', 'qa-0');
    expect(store.record(step.id)).toMatchObject({
      id: step.id,
      seed: 1,
      adapter: 'the adapter',
      resumed: false,
      work: { count: 8 * 4 * 48, unit: 'tokens' },
      summary: { steps: 8 },
    });
    expect(readRecord(store.runFolder(step)!)).toMatchObject({
      name: `${step.id}-stable`,
      status: 'done',
      config: { seed: 1 },
    });
    expect(store.record(stepOf(grid, 'mix', 'qa-0').id)!.summary).toMatchObject({ sequences: 8 * 4 });
  });

  test('does nothing when it is run again, nor what a larger one shares with it', async () => {
    expect(await carryOut(grid, store)).toMatchObject({ done: 0, found: grid.steps.length });
    const more = plan(
      experimentOf({ arms: { 'qa-10': { set: { mix: { decay: { sources: { qa: { weight: 0.1 } } } } } } } }),
    );
    expect((await carryOut(more, store)).steps).toEqual(['mix', 'train-decay', 'grpo']);
  });

  test('gives the same weights in another store, after a stop within a phase of training and one within RL', async () => {
    const other = storeIn('stopped');
    for (const task of ['train stable, qa-30 1', 'grpo, qa-30 1']) {
      const stop = new AbortController();
      const listen = (event: ProgressEvent): void => {
        if (event.kind === 'progress' && event.task === task && event.done >= 1) stop.abort();
      };
      await expect(carryOut(grid, other, { signal: stop.signal, listen })).rejects.toThrow(InterruptedError);
    }
    const { done, found } = await carryOut(grid, other);
    expect(done + found).toBe(grid.steps.length);
    expect(found).toBeGreaterThan(3);
    for (const arm of ['qa-30', 'qa-0']) {
      const step = stepOf(grid, 'grpo', arm);
      expect(weightsOf(other, step)).toBe(weightsOf(store, step));
    }
    expect(other.record(stepOf(grid, 'grpo', 'qa-30').id)!.resumed).toBe(true);
  });

  test('does an imported step again where another needs its weights', async () => {
    const step = stepOf(grid, 'train-decay', 'qa-0');
    const last = stepOf(grid, 'grpo', 'qa-0');
    const before = weightsOf(store, last);
    const record = store.record(step.id)!;
    rmSync(store.folder(step.id), { recursive: true });
    rmSync(store.folder(last.id), { recursive: true });
    const placed = store.folder(step.id);
    mkdirSync(placed);
    writeFileSync(join(placed, 'step.json'), JSON.stringify({ ...record, imported: true }));
    expect((await carryOut(grid, store)).steps).toEqual(['train-decay', 'grpo']);
    expect(weightsOf(store, last)).toBe(before);
    expect(store.record(step.id)!.imported).toBeUndefined();
  });
});

test('an arm that fails is recorded, what builds on it is skipped, the others go on, and a rerun tries it again', async () => {
  const store = storeIn('failing');
  // Two records of which a mixture needs more than the repeats allow: told when they are counted.
  const broken = { set: { mix: { decay: { repeatLimit: 1, sources: { web: { data: { count: 2 } } } } } } };
  const grid = plan(experimentOf({ arms: { 'qa-30': null, broken } }), { arms: ['qa-0', 'broken'] });
  const failing = stepOf(grid, 'mix', 'broken');
  const { failed, skipped, steps, messages } = await carryOut(grid, store);
  const mix = grid.steps.find(
    ({ id }) => id === grid.cells.find(({ arm }) => arm === 'broken')!.steps.mixDecay,
  )!;
  expect(failed.map(({ step }) => step.id)).toEqual([mix.id]);
  expect(failing.id).not.toBe(mix.id); // the stable one is shared and well
  expect(skipped).toBe(2);
  expect(steps.filter((kind) => kind === 'grpo')).toHaveLength(1);
  expect(messages.filter((text) => text.includes('failed:'))).toHaveLength(1);
  expect(store.status(mix.id)).toBe('failed');
  expect(store.failure(mix.id)!.error).toContain('web');
  const again = await carryOut(grid, store);
  expect([again.steps, again.failed.length]).toEqual([[], 1]);
});

test('chains that a model wrote are kept by the rules, counted whole, and read by a mixture', async () => {
  const store = storeIn('chains');
  const chains = {
    from: 'stable',
    problems: 'train',
    count: 6,
    samples: 3,
    max_tokens: 40,
    // An untrained model seldom draws the one token that ends a text: here many end it.
    stop_strings: ['1', '2', '3', 'a', 'e', 'i'],
    keep: 'all',
    per_problem: 2,
  };
  const source = {
    data: { step: 'chains' },
    role: 'long-cot',
    template: 'question-answer',
    columns: { question: 'question', answer: 'response' },
    weight: 0.2,
    repeatLimit: 1000,
  };
  const grid = plan(
    experimentOf({
      base: { grpo: null },
      arms: {
        'qa-0': null,
        'qa-30': null,
        own: { set: { grpo: null, chains, mix: { decay: { sources: { own: source } } } } },
      },
    }),
  );
  const { failed, steps } = await carryOut(grid, store);
  expect(failed).toEqual([]);
  expect(steps.indexOf('chains')).toBeLessThan(steps.lastIndexOf('mix'));
  const step = stepOf(grid, 'chains', 'own');
  const { chains: ledger } = readRecord(store.runFolder(step)!).summary as {
    chains: { asked: number; kept: number; dropped: Record<string, number> };
  };
  const dropped = Object.values(ledger.dropped).reduce((sum, n) => sum + n, 0);
  expect(ledger.asked).toBe(18);
  expect(ledger.kept + dropped).toBe(18);
  expect(ledger.kept).toBeGreaterThan(0);
  const lines = readFileSync(store.output(step)!, 'utf8').trim().split('\n').filter(Boolean);
  expect(lines).toHaveLength(ledger.kept);
});

describe('the calibration', () => {
  const few = {
    base: { grpo: { steps: 1 } },
    seeds: [1, 2, 3],
    calibration: { arm: 'qa-30', measure: 'rl_accuracy' },
  };

  test('without a signal ends the experiment, unless it is told to go on', async () => {
    const store = storeIn('calibration');
    const grid = plan(experimentOf({ ...few, base: { grpo: { steps: 3 } } }));
    const first = await carryOut(grid, store);
    expect(first).toMatchObject({ stopped: true, calibration: { arm: 'qa-30', outcome: 'no signal' } });
    expect(first.calibration!.pairs).toHaveLength(3);
    expect(
      grid.cells.filter(({ arm }) => arm === 'qa-0').map(({ steps }) => store.status(steps.grpo!)),
    ).toEqual(['not run', 'not run', 'not run']);
    const second = await carryOut(plan(experimentOf({ ...few, base: { grpo: { steps: 3 } } })), store, {
      withoutSignal: true,
    });
    expect(second).toMatchObject({ stopped: false, failed: [] });
    expect(second.steps.filter((kind) => kind === 'grpo')).toHaveLength(3);
  });
});

test('chains are right, ended by themselves, and each response of a problem once, so many of them', () => {
  const problem = (
    id: string,
    drawn: [completion: string, correct: boolean, truncated: boolean, tokens: number][],
  ) => ({
    ...{
      id,
      question: `${id}?`,
      prompt: '',
      expected: '7',
      level: null,
      subject: null,
      answers: [],
      seeds: [],
      choice_logprobs: [],
    },
    completions: drawn.map(([completion]) => completion),
    correct: drawn.map(([, correct]) => correct),
    truncated: drawn.map(([, , truncated]) => truncated),
    lengths: drawn.map(([, , , tokens]) => tokens),
  });
  const problems = [
    problem('a', [
      [' wrong', false, false, 9],
      [' one', true, false, 9],
      [' one ', true, false, 9],
      [' cut', true, true, 9],
      [' x', true, false, 2],
      [' two', true, false, 9],
      [' three', true, false, 9],
    ]),
    problem('b', [[' ', true, false, 9]]),
  ];
  const { chains, ledger } = chooseChains(problems, { keep: 'verified', perProblem: 2, minTokens: 3 });
  expect(chains).toEqual([
    { id: 'a#1', question: 'a?', response: ' one', answer: '7' },
    { id: 'a#5', question: 'a?', response: ' two', answer: '7' },
  ]);
  expect(ledger).toEqual({
    asked: 8,
    kept: 2,
    dropped: { truncated: 1, wrong: 1, short: 2, duplicate: 1, surplus: 1 },
    problems: 2,
    solved: 1,
  });
});

test('two runs at one store do no step twice', async () => {
  const store = storeIn('both');
  const data = experimentOf({
    base: {
      ...Object.fromEntries(['grpo', 'train', 'mix', 'tokenizer'].map((key) => [key, null])),
      corpora: Object.fromEntries(
        ['a', 'b'].map((name) => [
          name,
          { generator: 'mini-math', kind: 'pages', count: 20, seed: name === 'a' ? 1 : 2 },
        ]),
      ),
      filter: { pipeline: { signals: ['gopher-quality'] }, input: { corpus: 'a' } },
    },
    arms: { 'qa-0': null, 'qa-30': {}, second: { set: { filter: { input: { corpus: 'b' } } } } },
  });
  const grid = plan(data);
  expect(grid.steps.map(({ kind }) => kind)).toEqual(['corpus', 'filter', 'corpus', 'filter']);
  const both = await Promise.all([carryOut(grid, store), carryOut(grid, store)]);
  expect(both.flatMap(({ steps }) => steps).sort()).toEqual(['corpus', 'corpus', 'filter', 'filter']);
  expect(both.map(({ failed }) => failed)).toEqual([[], []]);
});
