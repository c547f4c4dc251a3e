/**
 * `midtrain plan --cluster` as a function: a description, measured rates and what the description names in files, to documents, bytes, hours and cost
 * of every stage. Pure; every number is a Figure with its formula and the assumptions under it.
 */
import { type Assumption, Assumptions } from './assumption.ts';
import type { ClusterDescription } from './cluster-config.ts';
import type { PlanContext, Resolved } from './context.ts';
import type { DataPlan } from './data-plan.ts';
import { type Figure, sum } from './figure.ts';
import { planData } from './plan-data.ts';
import { planMixtures } from './plan-mixtures.ts';
import { planRefine, type RefinePlan } from './plan-refine.ts';
import { planRl, type RlPlan } from './plan-rl.ts';
import { planTraining, type TrainingPlan } from './plan-training.ts';
import type { Rates } from './rates.ts';
import type { StagePlan } from './stage.ts';

export interface ClusterPlan {
  name: string;
  currency: string;
  rates: Pick<Rates, 'command' | 'date' | 'commit' | 'machine'>;
  corpus: DataPlan['corpus'] | undefined;
  kept: DataPlan['kept'] | undefined;
  /** In the order they run. */
  stages: StagePlan[];
  /** Of the stages: temporary bytes as if none were deleted before the end. */
  total:
    | {
        read: Figure;
        temporary: Figure;
        written: Figure;
        coreHours: Figure;
        wallHours: Figure;
        cost: Figure | undefined;
      }
    | undefined;
  refine: RefinePlan | undefined;
  training: TrainingPlan | undefined;
  rl: RlPlan | undefined;
  /** Why it cannot be carried out as described; empty if it can. */
  problems: string[];
  warnings: string[];
  assumptions: Assumption[];
}

export function planCluster(description: ClusterDescription, rates: Rates, resolved: Resolved): ClusterPlan {
  const assumptions = new Assumptions();
  const context: PlanContext = { description, rates, resolved, assumptions, problems: [] };
  const data = description.corpus === undefined ? undefined : planData(context);
  const refine = data === undefined ? undefined : planRefine(context, data.kept);
  const stages = [...(data?.stages ?? []), ...planMixtures(context)];
  const training = description.training === undefined ? undefined : planTraining(context);
  const rl = planRl(context);
  const { command, date, commit, machine } = rates;
  return {
    name: description.name,
    currency: description.currency,
    rates: { command, date, commit, machine },
    corpus: data?.corpus,
    kept: data?.kept,
    stages,
    total: stages.length === 0 ? undefined : totalOf(stages, description.currency),
    refine,
    training,
    rl,
    problems: context.problems,
    warnings: [
      ...warningsOfRates(rates),
      ...(description.corpus === undefined ? [] : warningsOfRuns(rates, description.corpus.pages)),
      ...warningsOfMixtures(resolved),
    ],
    assumptions: assumptions.list,
  };
}

function totalOf(stages: readonly StagePlan[], currency: string): NonNullable<ClusterPlan['total']> {
  const costs = stages.flatMap(({ cost }) => cost ?? []);
  const all = (
    key: 'read' | 'temporary' | 'written' | 'coreHours' | 'wallHours',
    name: string,
    unit: string,
  ): Figure =>
    sum(
      `${name} of all stages`,
      unit,
      stages.map((stage) => stage[key]),
    );
  return {
    read: all('read', 'bytes read', 'bytes'),
    temporary: all('temporary', 'temporary bytes', 'bytes'),
    written: all('written', 'bytes written', 'bytes'),
    coreHours: all('coreHours', 'core hours', 'core h'),
    wallHours: all('wallHours', 'hours', 'h'),
    cost: costs.length === 0 ? undefined : sum('cost of all stages', currency, costs),
  };
}

/** A machine with other work on it measures too slow. */
function warningsOfRates({ machine, command, date }: Rates): string[] {
  const load = Math.max(...machine.load);
  if (load <= machine.cores * 0.75) return [];
  return [
    `the rates (${command}, ${date}) were measured under a load of ${load} on ${machine.cores} cores, so they are likely too slow; measure again on a quiet machine`,
  ];
}

/** A run that is short was mostly starting up when it was timed. */
const shortSeconds = 600;

/** Of runs given with `--rates`: what they are not used for, and how far their wall clock can be believed. */
function warningsOfRuns({ filter }: Rates, pages: 'html' | 'text'): string[] {
  return filter
    .filter(({ measureIsWall }) => measureIsWall === true)
    .flatMap(({ pages: own, source, measureSeconds }) => {
      if (own !== pages)
        return [
          `the run ${source}, read ${own === 'html' ? 'pages of HTML' : 'texts'} and is not used: corpus.pages is ${pages}`,
        ];
      if (measureSeconds >= shortSeconds) return [];
      return [
        `the run ${source}, took ${Math.round(measureSeconds)} s (wall clock x workers), much of it spent on starting and on waiting for a busy machine: the first pass is likely much faster than planned; give a run of ${shortSeconds / 60} minutes or more on a quiet machine`,
      ];
    });
}

/** Of a mixture its repeats and what cannot be had; the rest `mix --dry-run` says. */
function warningsOfMixtures({ mixtures }: Resolved): string[] {
  return [...mixtures].flatMap(([phase, { plan }]) => [
    ...plan.problems.map(({ text }) => `${phase}: ${text}`),
    ...plan.sources
      .filter(({ repeats }) => repeats !== undefined && repeats > 1)
      .map(({ name, repeats }) => `${phase}: ${name} is read ${repeats!.toFixed(2)} times`),
  ]);
}
