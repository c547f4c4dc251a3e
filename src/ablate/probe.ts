/**
 * How fast this machine is at an experiment, measured: one arm with one seed, cut down to some seconds, through the same steps in a store of its own that is
 * thrown away. What a step takes to begin is told from what grows with its work. An untrained model writes to the end of every response, so RL and evaluations
 * come out too slow rather than too fast.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import type { Emit } from '../core/events.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { choose, type Experiment } from './experiment.ts';
import type { Grid, GridStep, StepKind } from './grid.ts';
import { isPlain, overlay, type Plain } from './overlay.ts';
import type { OwnInputs } from './own-inputs.ts';
import { planGrid } from './plan-grid.ts';
import { type GpuHolder, runStep } from './run-step.ts';
import type { Otherwise } from './step-rates.ts';
import { StepStore } from './store.ts';

/** Seconds of a step of a kind: `before` and as many for each unit of effort. */
export type ProbeRates = Partial<Record<StepKind, { before: number; each: number }>>;

/**
 * A small grid with a step of every kind that the whole one has: the calibration's arm (else the first) with one seed, and of others only what it
 * lacks.
 */
export function probeGrid(
  grid: Grid,
  { experiment, file, inputs }: { experiment: Experiment; file: string; inputs: OwnInputs },
): Grid {
  const { arms } = choose(experiment, file, { size: grid.size, changes: grid.changes });
  const asked = new Set([grid.calibration?.arm ?? grid.arms[0]!.name]);
  for (const kind of new Set(grid.steps.map((step) => step.kind))) {
    const users = grid.steps.filter((step) => step.kind === kind).flatMap(({ usedBy }) => usedBy);
    if (!users.some(({ arm }) => asked.has(arm))) asked.add(users[0]!.arm);
  }
  const small: Experiment = {
    ...experiment,
    base: {},
    arms: Object.fromEntries(
      arms.map(({ name, way }) => [name, { set: overlay(smaller(way), wholeMixtures(grid, name)) }]),
    ),
    seeds: [0],
    sizes: {},
    calibration: undefined,
    compare: undefined,
  };
  return planGrid(small, file, inputs, { arms: [...asked] });
}

/** The mixtures at their own size: what they read is cut in large units, so the time of a small one says nothing of a large one. */
function wholeMixtures(grid: Grid, arm: string): Plain {
  const { mixStable, mixDecay } = grid.cells.find((cell) => cell.arm === arm)?.steps ?? {};
  const budgetOf = (id: string | undefined): Plain => {
    const recipe = grid.steps.find((step) => step.id === id)?.settings.recipe;
    return isPlain(recipe) ? { budget: recipe.budget } : {};
  };
  return {
    ...(mixStable === undefined
      ? {}
      : {
          mix: {
            stable: budgetOf(mixStable),
            ...(mixDecay === undefined ? {} : { decay: budgetOf(mixDecay) }),
          },
        }),
  };
}

const atMost = (most: number) => (value: unknown) =>
  typeof value === 'number' ? Math.min(value, most) : value;

/** Counts of a way cut down; what decides the speed of a unit of work stays. */
function smaller(way: Plain): Plain {
  const each = (section: unknown, change: (one: Plain) => Plain): Plain =>
    Object.fromEntries(
      Object.entries(isPlain(section) ? section : {}).map(([key, one]) => [
        key,
        isPlain(one) ? change(one) : one,
      ]),
    );
  const counted = (most: number) => (one: Plain) =>
    'count' in one ? { ...one, count: atMost(most)(one.count) } : one;
  const result: Plain = { ...way };
  if (way.problems !== undefined) result.problems = each(way.problems, counted(256));
  if (way.corpora !== undefined) result.corpora = each(way.corpora, counted(500));
  if (way.evaluate !== undefined)
    result.evaluate = each(way.evaluate, (one) => ({
      ...one,
      // As many as are drawn side by side.
      count: 64,
      samples: atMost(4)(one.samples ?? 1),
    }));
  if (isPlain(way.chains)) result.chains = { ...way.chains, count: 32 };
  if (isPlain(way.train)) {
    const phase = (name: string, steps: number): Plain => {
      const own = (way.train as Plain)[name];
      if (!isPlain(own)) return {};
      const { tokens: _tokens, from_step: _from, ...rest } = own;
      return { [name]: { ...rest, steps, warmup_steps: 1 } };
    };
    result.train = {
      ...way.train,
      ...phase('stable', 40),
      ...phase('decay', 10),
      eval_every: 1000,
      checkpoint_every: 1000,
    };
  }
  if (isPlain(way.grpo))
    result.grpo = overlay(way.grpo, { steps: 2, eval_every: 2, eval_count: 32, checkpoint_every: 100 });
  return result;
}

/** What a step's time grows with: its work, and of RL the evaluations too, which draw and do not train. */
function effortOf({ kind, work, settings }: GridStep): number {
  if (kind !== 'grpo') return work.count;
  const { steps = 1, eval_every = 4, eval_count = 256 } = settings.config as Record<string, number>;
  return work.count + 0.5 * (Math.ceil(steps / eval_every) + 1) * eval_count;
}

export interface ProbeOptions {
  gpu: GpuHolder;
  signal: AbortSignal;
  /** Keeps what was measured; nothing else is written there. */
  cache: string;
}

/** Measures, or takes what was measured before of the same steps on the same adapter. */
export async function probe(grid: Grid, { gpu, signal, cache }: ProbeOptions): Promise<ProbeRates> {
  await gpu.open();
  const key = fingerprint([gpu.adapter(), grid.steps.map(({ id }) => id)]);
  const known = readCache(cache);
  if (known[key] !== undefined) return known[key];
  const root = mkdtempSync(join(tmpdir(), 'midtrain-probe-'));
  try {
    const store = new StepStore(root);
    const sums = new Map<StepKind, { before: number; inside: number; effort: number; steps: number }>();
    for (const step of grid.steps) {
      let inside = 0;
      const emit: Emit = (event) => {
        if (event.kind === 'end') inside += event.seconds;
      };
      const { seconds } = await runStep(step, { store, gpu, emit, signal });
      const sum = sums.get(step.kind) ?? { before: 0, inside: 0, effort: 0, steps: 0 };
      inside = Math.min(inside, seconds);
      sum.before += seconds - inside;
      sum.inside += inside;
      sum.effort += effortOf(step);
      sum.steps++;
      sums.set(step.kind, sum);
    }
    const rates: ProbeRates = {};
    for (const [kind, { before, steps }] of sums) {
      // A token of either phase costs the same, and both together are measured longer.
      const alike = kind.startsWith('train-') ? (['train-stable', 'train-decay'] as const) : [kind];
      const of = alike.flatMap((other) => sums.get(other) ?? []);
      const inside = of.reduce((sum, one) => sum + one.inside, 0);
      const effort = of.reduce((sum, one) => sum + one.effort, 0);
      rates[kind] = { before: before / steps, each: effort > 0 ? inside / effort : 0 };
    }
    await writeFileAtomic(cache, `${JSON.stringify({ ...known, [key]: rates }, null, 2)}\n`);
    return rates;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function readCache(path: string): Record<string, ProbeRates> {
  try {
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, ProbeRates>) : {};
  } catch {
    return {}; // it is measured again
  }
}

/** What a probe says, else what the experiment's file expects. */
export function otherwise(rates: ProbeRates | undefined, expected: Experiment['expected']): Otherwise {
  return (step) => {
    const rate = rates?.[step.kind];
    if (rate !== undefined) return { seconds: rate.before + rate.each * effortOf(step), source: 'probe' };
    const seconds = expected?.seconds[step.kind];
    return seconds === undefined ? undefined : { seconds, source: 'file' };
  };
}
