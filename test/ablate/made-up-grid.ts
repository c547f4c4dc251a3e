/**
 * A small experiment that was never run, as a plan and a store: two arms, three seeds, RL runs of four evaluations and six steps with hand-made numbers. Paths,
 * times and a command line stand in the records, as real ones have them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Grid, GridCell, GridStep, StepKind } from '../../src/ablate/grid.ts';
import { makeStep } from '../../src/ablate/step-key.ts';
import { StepStore } from '../../src/ablate/store.ts';
import type { MetricRow } from '../../src/core/record.ts';
import { wilsonInterval } from '../../src/core/wilson-interval.ts';

export const accuracies: Readonly<Record<string, readonly number[]>> = {
  'plain 1': [0.3, 0.5, 0.6, 0.7],
  'plain 2': [0.3, 0.45, 0.6, 0.66],
  'plain 3': [0.29, 0.52, 0.62, 0.72],
  'mixed 1': [0.31, 0.7, 0.8, 0.84],
  'mixed 2': [0.3, 0.66, 0.82, 0.8],
  'mixed 3': [0.33, 0.73, 0.8, 0.87],
};

export interface MadeUp {
  grid: Grid;
  store: StepStore;
}

export interface MakeUpOptions {
  /** `arm seed` whose RL failed. */
  failing?: readonly string[];
  /** In place of `accuracies`, by `arm seed`. */
  changed?: Readonly<Record<string, readonly number[]>>;
  /** Problems of an evaluation: its rows get Wilson's interval. */
  problems?: number;
}

export function makeUp(root: string, { failing = [], changed = {}, problems }: MakeUpOptions = {}): MadeUp {
  const store = new StepStore(root);
  const steps = new Map<string, GridStep>();
  const cells: GridCell[] = [];
  for (const seed of ['1', '2', '3']) {
    for (const arm of ['plain', 'mixed']) {
      const add = (kind: StepKind, settings: Record<string, unknown>, own?: number): GridStep => {
        const made = makeStep(kind, settings, {
          ...(own === undefined ? {} : { seed: own }),
          work: { count: 100, unit: 'tokens' },
          shape: 'small',
        });
        const step = steps.get(made.id) ?? made;
        steps.set(step.id, step);
        step.usedBy.push({ arm, seed });
        return step;
      };
      const filter = add('filter', { input: { file: '/home/somebody/pages.jsonl', content: 'abc' } });
      const mix = add('mix', { arm, data: { read: filter.id } }, Number(seed));
      const decay = add('train-decay', { data: { read: mix.id } }, Number(seed));
      const grpo = add('grpo', { model: { read: decay.id } }, Number(seed));
      const few = add('eval', { model: { read: decay.id }, shots: 2 });
      cells.push({
        arm,
        seed,
        steps: { filter: filter.id, mixDecay: mix.id, decay: decay.id, grpo: grpo.id },
        evals: { 'few-shot base': few.id },
        asked: [grpo.id, few.id],
      });
      write(store, filter, 'filter', { tokens: 900, keptTokens: 400, ledger: { in: 10, kept: 4 } }, []);
      write(store, mix, 'mix', { qaShare: arm === 'mixed' ? 0.3 : 0, instructionShare: 0.1 }, []);
      write(store, decay, 'train', { tokens: 5000, phase: 'decay' }, trainingRows());
      if (failing.includes(`${arm} ${seed}`)) fail(store, grpo);
      else
        write(
          store,
          grpo,
          'grpo',
          { findings: findings(arm) },
          rlRows(changed[`${arm} ${seed}`] ?? accuracies[`${arm} ${seed}`]!, problems),
          true,
        );
      const value = arm === 'mixed' ? 0.4 : 0.35;
      write(store, few, 'eval', { benchmarks: { heldout: { accuracy: { value, low: 0, high: 1 } } } }, []);
    }
  }
  const grid: Grid = {
    version: 1,
    name: 'made-up',
    title: 'Made up',
    question: 'Is mixed better than plain?',
    paper: 'yes, by much',
    size: 'cpu',
    changes: [],
    seeds: ['1', '2', '3'],
    arms: [
      { name: 'plain', differences: [], state: 'decayed' },
      {
        name: 'mixed',
        differences: [{ path: 'mix.decay', value: '/home/somebody/x.jsonl' }],
        state: 'decayed',
      },
    ],
    cells,
    steps: [...steps.values()],
    calibration: { arm: 'mixed', measure: 'rl_accuracy' },
    comparisons: [{ first: 'plain', second: 'mixed' }],
    measures: { primary: ['rl_accuracy'], smallest: { rl_accuracy: 0.02 } },
  };
  return { grid, store };
}

const folders: Partial<Record<StepKind, string>> = { 'train-decay': 'decay' };

function write(
  store: StepStore,
  step: GridStep,
  command: string,
  summary: Record<string, unknown>,
  rows: readonly MetricRow[],
  rollouts = false,
): void {
  const own = store.folder(step.id);
  const folder = join(own, folders[step.kind] ?? 'run');
  mkdirSync(folder, { recursive: true });
  const record = {
    version: 1,
    command,
    name: 'x',
    status: 'done',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T01:00:00.000Z',
    seconds: 3600,
    config: {
      out: folder,
      data: join(store.root, step.reads[0] ?? 'none', 'kept'),
      lengths: { 15: 2, 0: 1 },
    },
    fingerprint: '0123456789abcdef',
    parents: [join(store.root, step.reads[0] ?? 'none')],
    inputs: [{ path: '/home/somebody/pages.jsonl' }],
    versions: { midtrain: '0.1.0' },
    commandLine: ['midtrain', 'ablate', '/home/somebody/x.yaml'],
    device: { name: 'soft', vendor: 'mesa', limits: { maxBufferSize: 1 } },
    summary: { ...summary, runFolder: folder, seconds: 3600 },
    warnings: [`read ${join(store.root, 'a', 'b')} and /home/somebody/y.txt`],
  };
  writeFileSync(join(folder, 'run.json'), JSON.stringify(record));
  writeFileSync(join(folder, 'metrics.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  if (rollouts) writeFileSync(join(folder, 'rollouts.jsonl'), manyRollouts());
  const { usedBy: _, ...rest } = step;
  writeFileSync(
    join(own, 'step.json'),
    JSON.stringify({
      version: 1,
      ...rest,
      midtrain: '0.1.0',
      adapter: 'soft',
      seconds: 12.5,
      resumed: false,
      summary: { folder, seconds: 3 },
    }),
  );
}

function fail(store: StepStore, step: GridStep): void {
  mkdirSync(store.folder(step.id), { recursive: true });
  writeFileSync(
    join(store.folder(step.id), 'failed.json'),
    JSON.stringify({ version: 1, id: step.id, error: `no memory in ${store.root}/x/y` }),
  );
}

function findings(arm: string): Record<string, unknown>[] {
  return arm === 'plain' ? [{ signature: 'repetition_loop', step: 4, text: 'Responses repeat.' }] : [];
}

function rlRows(evaluations: readonly number[], problems?: number): MetricRow[] {
  return evaluations.flatMap((accuracy, i) => {
    const evaluation = {
      step: 2 * i,
      phase: 'grpo',
      eval_accuracy: accuracy,
      ...(problems === undefined ? {} : intervalOf(accuracy, problems)),
      'eval_completions/mean_length': 10 + i,
    };
    if (i === 0) return [evaluation];
    const step = (n: number): MetricRow => ({
      step: n,
      phase: 'grpo',
      reward: n / 10,
      entropy: 1 / n,
      'completions/clipped_ratio': n === 6 ? 0.5 : 0.25,
      'completions/repetition_ratio': n === 3 ? 0.9 : 0.1,
      'timing_s/step': 0.123456 * n,
    });
    return [step(2 * i - 1), { ...step(2 * i), ...evaluation }];
  });
}

function intervalOf(accuracy: number, problems: number): Record<string, number> {
  const [low, high] = wilsonInterval(Math.round(accuracy * problems), problems);
  return { eval_accuracy_low: low, eval_accuracy_high: high };
}

function trainingRows(): MetricRow[] {
  return Array.from(
    { length: 400 },
    (_, i): MetricRow => ({
      step: i + 1,
      phase: 'decay',
      loss: 3 - i / 300 + (i === 217 ? 4 : 0),
      tokens_per_sec: 1000 + i,
      ...(i % 100 === 99 ? { eval_loss: 2 - i / 1000, 'eval_loss/web': 1 / (i + 2) } : {}),
    }),
  );
}

function manyRollouts(): string {
  return Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({
      step: 1 + Math.floor(i / 10),
      prompt: `1+${i}`,
      completion: 'x'.repeat(i === 0 ? 5000 : 3),
      reward: i % 3 === 0 ? 1 : -1,
      answer: null,
      expected: '2',
      truncated: false,
      length: 3,
    }),
  ).join('\n');
}
