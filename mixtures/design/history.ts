/**
 * Undo and redo over designs. Presses of the same key on the same source are one step, and each is reckoned from where the series began:
 * ten to the right and ten to the left end exactly where they started, whoever gave way in between.
 */
import { act, type DesignAction, type Outcome, sourceOf } from './actions.ts';
import { type Design, sameDesign, sameRecipe } from './design.ts';

export interface History {
  readonly past: readonly Design[];
  readonly present: Design;
  readonly future: readonly Design[];
  /** What the file holds. */
  readonly saved: Design;
  /** The series of presses under way: what they act on, where they began and what was undoable before. */
  readonly series:
    | { readonly key: string; readonly from: Design; readonly past: readonly Design[] }
    | undefined;
}

/** Steps that can be undone; the oldest is forgotten beyond. */
const mostSteps = 10_000;

export function startHistory(design: Design, saved: Design = design): History {
  return { past: [], present: design, future: [], saved, series: undefined };
}

/** Does `action`. Presses with the same `series` in a row are one step. */
export function perform(
  history: History,
  action: DesignAction,
  series?: string,
): { history: History } & Omit<Outcome, 'design'> {
  const running = series !== undefined && history.series?.key === series ? history.series : undefined;
  const from = running?.from ?? history.present;
  const past = running?.past ?? history.past;
  const { design, ...said } = act(from, action);
  if (said.refused === true) return { history, ...said };
  if (sameDesign(design, history.present)) return { history, ...said };
  const begun = series === undefined ? undefined : { key: series, from, past };
  // Back where the series began: there is nothing to undo.
  if (sameDesign(design, from))
    return { history: { ...history, past, present: from, future: [], series: begun }, ...said };
  return {
    history: {
      ...history,
      past: [...past.slice(-(mostSteps - 1)), from],
      present: design,
      future: [],
      series: begun,
    },
    ...said,
  };
}

/** Moves a share by `by` billionths as one press of a series. */
export function nudge(history: History, source: string, by: number): ReturnType<typeof perform> {
  const now = sourceOf(history.present, source)?.share ?? 0;
  return perform(history, { kind: 'share', source, share: now + by, nearest: true }, `share of ${source}`);
}

export function undo(history: History): History {
  const before = history.past.at(-1);
  if (before === undefined) return history;
  return {
    ...history,
    past: history.past.slice(0, -1),
    present: before,
    future: [history.present, ...history.future],
    series: undefined,
  };
}

export function redo(history: History): History {
  const next = history.future[0];
  if (next === undefined) return history;
  return {
    ...history,
    past: [...history.past, history.present],
    present: next,
    future: history.future.slice(1),
    series: undefined,
  };
}

/** The next press begins a new step. */
export function endSeries(history: History): History {
  return history.series === undefined ? history : { ...history, series: undefined };
}

/** What is on disk now is the present. */
export function markSaved(history: History): History {
  return { ...history, saved: history.present, series: undefined };
}

export function isDirty(history: History): boolean {
  return !sameRecipe(history.present, history.saved);
}
