/**
 * The steps of one arm with one seed. Each is made once however many read it; what names things (sets, corpora, arms) is replaced by the id of what it
 * names, so that a step is known by its content. Pure, given the user's own files by content.
 */
import type { StepRole } from '../report/ablation-data.ts';
import type { GridCell, GridStep } from './grid.ts';
import type { OwnInputs } from './own-inputs.ts';
import { planCorpus, planFilter, planMix, planProblems, planTokenizer } from './plan-data-steps.ts';
import {
  checkpointOf,
  planChains,
  planEvaluation,
  planGrpoStep,
  planTraining,
  sequencesOf,
} from './plan-model-steps.ts';
import { makeStep } from './step-key.ts';
import { section, type Way } from './way.ts';
import type { WayContext } from './way-context.ts';

export interface WayOptions {
  way: Way;
  seed: number;
  inputs: OwnInputs;
  /** All steps of the grid by id, which new ones are added to. */
  steps: Map<string, GridStep>;
  /** The context of another arm with the same seed. `place` names it, for messages. */
  other(arm: string, place: string): WayContext;
}

export function wayContext({ way, seed, inputs, steps, other }: WayOptions): WayContext {
  const made = new Map<string, GridStep>();
  const open = new Set<string>();
  /** Makes a step once; a step that would read itself is refused. */
  const once = (name: string, make: () => GridStep): GridStep => {
    const before = made.get(name);
    if (before !== undefined) return before;
    if (open.has(name))
      throw way.wrong(
        name,
        `reads what is made from it (${[...open, name].join(' <- ')})`,
        'take chains from a checkpoint that is not trained on them: from: stable, or another arm',
      );
    open.add(name);
    const step = make();
    open.delete(name);
    made.set(name, step);
    return step;
  };
  const need = (name: 'filter' | 'chains', place: string): void => {
    if (!way[name])
      throw way.wrong(
        place,
        `reads the step ${name}, and the arm has none`,
        `add ${name}: to the base or the arm`,
      );
  };
  const context: WayContext = {
    way,
    seed,
    inputs,
    step(kind, settings, more) {
      const step = makeStep(kind, settings, more);
      const before = steps.get(step.id);
      if (before === undefined) steps.set(step.id, step);
      return before ?? step;
    },
    problems: (of, place) => planProblems(context, of, place),
    corpus: (name, place) => once(`corpora.${name}`, () => planCorpus(context, name, place)),
    filter(place) {
      need('filter', place);
      return once('filter', () => planFilter(context));
    },
    chains(place) {
      need('chains', place);
      return once('chains', () => planChains(context));
    },
    tokenizer: () => planTokenizer(context),
    mix(phase) {
      const mixture = phase === 'decay' && way.mix.decay ? 'decay' : 'stable';
      if (section(way, 'mix')?.[mixture] === undefined)
        throw way.wrong(`mix.${mixture}`, 'is missing', `add mix: { ${mixture}: { sources: ... } }`);
      return once(`mix.${mixture}`, () => planMix(context, mixture, sequencesOf(way, mixture)));
    },
    train: (phase) => once(`train.${phase}`, () => planTraining(context, phase)),
    grpo: () => once('grpo', () => planGrpoStep(context)),
    checkpoint(name, place, arm) {
      return checkpointOf(arm === undefined ? context : other(arm, `${place}.arm`), name, place);
    },
  };
  return context;
}

/** The steps of a cell by role, and those of them that nothing of the cell reads. */
export function planCell(context: WayContext, arm: string, steps: ReadonlyMap<string, GridStep>): GridCell {
  const { way } = context;
  const found: GridCell['steps'] = {};
  const add = (role: StepRole | 'tokenizer', step: GridStep | undefined): void => {
    if (step !== undefined) found[role] = step.id;
  };
  if (way.filter) add('filter', context.filter('filter'));
  if (way.chains) add('chains', context.chains('chains'));
  if (way.train) {
    const tokenizer = context.tokenizer();
    if ('read' in tokenizer) found.tokenizer = tokenizer.read;
    if (way.train.stable) {
      add('mixStable', context.mix('stable'));
      add('stable', context.train('stable'));
    }
    if (way.train.decay) {
      if (way.mix.decay) add('mixDecay', context.mix('decay'));
      add('decay', context.train('decay'));
    }
  }
  const evaluations = Object.entries(way.evaluate).flatMap(([name, { of }]) =>
    of.map((one) => ({ name, of: one })),
  );
  const evals: GridCell['evals'] = {};
  // What is known before RL comes first.
  for (const { name, of } of evaluations.filter((one) => one.of !== 'rl'))
    evals[`${name} ${of}`] = planEvaluation(context, name, of).id;
  if (way.grpo !== undefined) add('grpo', context.grpo());
  for (const { name, of } of evaluations.filter((one) => one.of === 'rl')) {
    if (way.grpo !== undefined) evals[`${name} ${of}`] = planEvaluation(context, name, of).id;
  }
  const own = [...Object.values(found), ...Object.values(evals)];
  const read = new Set(own.flatMap((id) => reachedFrom(id, steps)));
  return {
    arm,
    seed: String(context.seed),
    steps: found,
    evals,
    asked: [...new Set(own)].filter((id) => !read.has(id)),
  };
}

/** Every step that a step builds on, near or far. */
function reachedFrom(id: string, steps: ReadonlyMap<string, GridStep>): string[] {
  const reached = new Set<string>();
  const visit = (at: string): void => {
    for (const before of steps.get(at)!.reads) {
      if (reached.has(before)) continue;
      reached.add(before);
      visit(before);
    }
  };
  visit(id);
  return [...reached];
}
