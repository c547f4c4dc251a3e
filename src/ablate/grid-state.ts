/**
 * Where a grid stands: which of its steps are still to do, and why one cannot be. Planned backwards from what is asked, so what lies before a finished step
 * need not be there; a finished step is done again only where another reads what it lacks (an imported one has no weights). Pure, given the store.
 */
import type { Grid, GridCell, GridStep, StepOutput } from './grid.ts';
import { mapReferences } from './step-key.ts';
import type { StepStore } from './store.ts';

export interface GridState {
  /** To do, in order. */
  todo: GridStep[];
  /** Those of them whose inputs are all there. */
  ready: GridStep[];
  /** Step -> the failed step that it waits for, near or far; or itself. */
  blocked: Map<string, string>;
}

export interface StateOptions {
  /** Cells whose steps are wanted; default all. */
  cells?: readonly GridCell[];
  /** Steps that failed in this run. */
  failed?: ReadonlySet<string>;
}

export function stateOf(
  grid: Pick<Grid, 'steps' | 'cells'>,
  store: Pick<StepStore, 'status' | 'output'>,
  { cells = grid.cells, failed = new Set() }: StateOptions = {},
): GridState {
  const steps = new Map(grid.steps.map((step) => [step.id, step]));
  const missing = new Set<string>();
  const visited = new Set<string>();
  const want = (reference: StepOutput, output: boolean): void => {
    const key = `${reference.read} ${output ? (reference.step ?? 'last') : ''}`;
    if (visited.has(key)) return;
    visited.add(key);
    const step = steps.get(reference.read)!;
    if (store.status(step.id) === 'done' && (!output || store.output(step, reference.step) !== undefined))
      return;
    missing.add(step.id);
    for (const before of outputsRead(step)) want(before, true);
  };
  for (const cell of cells) for (const id of cell.asked) want({ read: id }, false);
  const blocked = new Map<string, string>();
  const todo: GridStep[] = [];
  const ready: GridStep[] = [];
  for (const step of grid.steps) {
    if (!missing.has(step.id)) continue;
    const cause = failed.has(step.id)
      ? step.id
      : step.reads.map((id) => blocked.get(id)).find((id) => id !== undefined);
    if (cause !== undefined) {
      blocked.set(step.id, cause);
      continue;
    }
    todo.push(step);
    if (!step.reads.some((id) => missing.has(id))) ready.push(step);
  }
  return { todo, ready, blocked };
}

/** The outputs that a step's settings name. */
function outputsRead(step: GridStep): StepOutput[] {
  const found: StepOutput[] = [];
  mapReferences(step.settings, (reference) => {
    if ('read' in reference) found.push(reference);
    return reference;
  });
  return found;
}
