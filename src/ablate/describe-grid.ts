/** What a grid would do, in numbers: what is there, what is to do, how long that takes by kind of step and where the figure is from. Pure, given the store. */
import type { Grid, StepKind, WorkUnit } from './grid.ts';
import { stateOf } from './grid-state.ts';
import { type RateSource, rateSources, type StepRates } from './step-rates.ts';
import type { StepStore } from './store.ts';

export interface StepOutlook {
  id: string;
  kind: StepKind;
  /** `not needed`: nothing that is to do reads it, and what it was needed for is there. */
  status: 'done' | 'to do' | 'not needed';
  usedBy: { arm: string; seed: string }[];
  work: { count: number; unit: WorkUnit };
  /** Of steps that are to do, where it is known. */
  seconds?: number;
  source?: RateSource;
}

export interface KindOutlook {
  kind: StepKind;
  planned: number;
  todo: number;
  /** Of the steps to do. */
  work: { count: number; unit: WorkUnit };
  seconds?: number;
  sources: RateSource[];
}

export interface GridOutlook {
  name: string;
  title: string;
  question: string;
  size: string;
  seeds: string[];
  arms: Grid['arms'];
  steps: StepOutlook[];
  kinds: KindOutlook[];
  /** How many steps there would be if nothing were shared. */
  withoutSharing: number;
  /** Tokens trained on and rollouts drawn, of the steps to do. */
  tokens: number;
  rollouts: number;
  /** Of all that is to do; absent where something is unknown. */
  seconds?: number;
  adapter?: string;
}

export function describeGrid(
  grid: Grid,
  store: Pick<StepStore, 'status' | 'output'>,
  rates: StepRates,
  adapter?: string,
): GridOutlook {
  const todo = new Set(stateOf(grid, store).todo.map(({ id }) => id));
  const steps = grid.steps.map((step): StepOutlook => {
    const { id, kind, usedBy, work } = step;
    if (!todo.has(id))
      return { id, kind, status: store.status(id) === 'done' ? 'done' : 'not needed', usedBy, work };
    return { id, kind, status: 'to do', usedBy, work, ...rates.of(step) };
  });
  const open = steps.filter(({ status }) => status === 'to do');
  const kinds = [...new Set(steps.map(({ kind }) => kind))].map((kind): KindOutlook => {
    const own = open.filter((step) => step.kind === kind);
    const seconds = sumOf(own);
    return {
      kind,
      planned: steps.filter((step) => step.kind === kind).length,
      todo: own.length,
      work: {
        count: own.reduce((sum, { work }) => sum + work.count, 0),
        unit: steps.find((step) => step.kind === kind)!.work.unit,
      },
      ...(seconds === undefined ? {} : { seconds }),
      sources: rateSources.filter((source) => own.some((step) => step.source === source)),
    };
  });
  const seconds = sumOf(open);
  const count = (...of: StepKind[]): number =>
    kinds.reduce((sum, { kind, work }) => sum + (of.includes(kind) ? work.count : 0), 0);
  const { name, title, question, size, seeds, arms } = grid;
  return {
    ...{ name, title, question, size, seeds, arms, steps, kinds },
    withoutSharing: grid.steps.reduce((sum, { usedBy }) => sum + usedBy.length, 0),
    tokens: count('train-stable', 'train-decay'),
    rollouts: count('grpo'),
    ...(seconds === undefined ? {} : { seconds }),
    ...(adapter === undefined ? {} : { adapter }),
  };
}

function sumOf(steps: readonly { seconds?: number }[]): number | undefined {
  let sum = 0;
  for (const { seconds } of steps) {
    if (seconds === undefined) return undefined;
    sum += seconds;
  }
  return sum;
}
