/**
 * The plan of an experiment: every arm with every seed, the steps they need, each once, in the order in which they are done. Pure, given the content of
 * the user's own files: the same experiment is the same plan on every machine.
 */
import { InputError } from '../core/errors.ts';
import { checkMeasures } from './check-measures.ts';
import { type Choice, type Chosen, choose, type Experiment, meant } from './experiment.ts';
import type { Grid, GridArm, GridCell, GridStep } from './grid.ts';
import { differencesOf } from './overlay.ts';
import type { OwnInputs } from './own-inputs.ts';
import { stateOf } from './plan-model-steps.ts';
import { planCell, wayContext } from './plan-way.ts';
import { parseWay, type Way } from './way.ts';
import type { WayContext } from './way-context.ts';

export type * from './grid.ts';

/** Throws a `UserError` for an arm whose way is wrong, a size, seed or arm that is none. */
export function planGrid(experiment: Experiment, file: string, inputs: OwnInputs, choice: Choice = {}): Grid {
  const chosen = choose(experiment, file, choice);
  const ways = new Map<string, Way>();
  for (const { name, way } of chosen.arms) ways.set(name, parseWay(way, `${file}, arm ${name}`));
  const steps = new Map<string, GridStep>();
  const cells = cellsOf(chosen, ways, inputs, steps);
  const ordered = inOrder(cells, steps);
  for (const cell of cells) {
    for (const id of everyStep(cell, steps)) steps.get(id)!.usedBy.push({ arm: cell.arm, seed: cell.seed });
  }
  const { name, title, question, paper, calibration, measures } = experiment;
  const asked = chosen.arms.filter((arm) => arm.asked).map((arm) => arm.name);
  return checkMeasures(
    {
      version: 1,
      name,
      title,
      question,
      ...(paper === undefined ? {} : { paper }),
      size: chosen.size,
      changes: chosen.changes,
      seeds: chosen.seeds.map(String),
      arms: chosen.arms
        .filter((arm) => arm.asked)
        .map(
          (arm): GridArm => ({
            name: arm.name,
            ...(arm.describe === undefined ? {} : { describe: arm.describe }),
            differences: differencesOf(chosen.base, arm.way),
            state: stateOf(ways.get(arm.name)!),
          }),
        ),
      cells,
      steps: ordered,
      ...(calibration === undefined || !asked.includes(calibration.arm) ? {} : { calibration }),
      comparisons: comparisonsOf(experiment, asked),
      measures,
    },
    file,
  );
}

function cellsOf(
  { arms, seeds, experiment, file }: Chosen,
  ways: ReadonlyMap<string, Way>,
  inputs: OwnInputs,
  steps: Map<string, GridStep>,
): GridCell[] {
  const contexts = new Map<string, WayContext>();
  const contextOf = (arm: string, seed: number, place: string): WayContext => {
    const key = `${arm} ${seed}`;
    const known = contexts.get(key);
    if (known !== undefined) return known;
    const way = ways.get(arm);
    if (way === undefined)
      throw new InputError(file, `there is no arm "${arm}"${meant(arm, [...ways.keys()])}`, {
        place,
        hint: `the arms are ${[...ways.keys()].join(', ')}`,
      });
    const other = (name: string, at: string): WayContext => contextOf(name, seed, at);
    const made = wayContext({ way, seed, inputs, steps, other });
    contexts.set(key, made);
    return made;
  };
  const first = experiment.calibration?.arm;
  const asked = arms.filter((arm) => arm.asked).map(({ name }) => name);
  const pairs = [
    ...seeds.flatMap((seed) => (first !== undefined && asked.includes(first) ? [{ arm: first, seed }] : [])),
    ...seeds.flatMap((seed) => asked.filter((arm) => arm !== first).map((arm) => ({ arm, seed }))),
  ];
  return pairs.map(({ arm, seed }) => planCell(contextOf(arm, seed, 'arms'), arm, steps));
}

/** What a cell's steps build on comes before them, and no step before it is needed. */
function inOrder(cells: readonly GridCell[], steps: ReadonlyMap<string, GridStep>): GridStep[] {
  const ordered = new Set<string>();
  for (const cell of cells) for (const id of everyStep(cell, steps)) ordered.add(id);
  return [...ordered].map((id) => steps.get(id)!);
}

/** Ids of a cell's steps and all they build on, each behind what it reads. */
function everyStep(cell: GridCell, steps: ReadonlyMap<string, GridStep>): string[] {
  const found = new Set<string>();
  const visit = (id: string): void => {
    if (found.has(id)) return;
    for (const before of steps.get(id)!.reads) visit(before);
    found.add(id);
  };
  for (const id of [...Object.values(cell.steps), ...Object.values(cell.evals)]) visit(id);
  return [...found];
}

/** As the file says; by default every arm against the first. */
function comparisonsOf({ compare, arms }: Experiment, asked: readonly string[]): Grid['comparisons'] {
  const all =
    compare !== undefined && 'pairs' in compare
      ? compare.pairs.map(([first, second]) => ({ first, second }))
      : Object.keys(arms).map((second) => ({ first: compare?.against ?? Object.keys(arms)[0]!, second }));
  return all.filter(
    ({ first, second }) => first !== second && asked.includes(first) && asked.includes(second),
  );
}
