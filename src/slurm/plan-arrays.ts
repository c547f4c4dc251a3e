/**
 * Items to ranks, ranks to array elements, elements to arrays that a cluster accepts. Pure: same items, same plan.
 *
 * Ranks are balanced by the longest-processing-time rule (Graham 1969): the largest item goes to the rank with the least so far, ties by
 * name and by rank, so the heaviest rank weighs at most 4/3 of the best possible (or one item). An index of an array must be below
 * MaxArraySize; beyond that a stage is cut into windows, each an array of its own with an offset that is added to its indexes.
 * (data-engine.md 6.1: datatrove's MaxArraySize and RUN_OFFSET)
 */
import { invariant } from '../core/errors.ts';
import type { BatchItem, BatchStage } from '../jobs/batch-job.ts';

/** Which rank does which items of a stage; decided once. */
export interface StageArrays {
  stage: BatchStage;
  /** Ids of items by rank, in the stage's order; none is empty. */
  ranks: string[][];
  /** Ranks that an element does, one after the other. */
  tasksPerJob: number;
}

/** Elements of a stage that are one job array. */
export interface ArrayWindow {
  /** Added to an index to get the element. */
  offset: number;
  /** Ascending; each below MaxArraySize. */
  indexes: number[];
}

/** Longest `--array` that is handed to sbatch: it reads an option into a buffer of 8 KiB. */
const longestExpression = 4000;

/** A stage that wants the folder for itself is one rank. */
export function planStageArrays(stage: BatchStage, ranks: number, tasksPerJob: number): StageArrays {
  return {
    stage,
    ranks: planRanks(stage.items, stage.alone ? 1 : ranks),
    tasksPerJob: stage.alone ? 1 : tasksPerJob,
  };
}

/** At most `limit` ranks, at least one item each; within a rank the items keep their order. */
export function planRanks(items: readonly BatchItem[], limit: number): string[][] {
  invariant(limit >= 1, 'at least one rank');
  const ranks = Math.min(limit, items.length);
  const place = new Map(items.map(({ id }, i) => [id, i]));
  invariant(place.size === items.length, 'ids of items are unique in a stage');
  const byWeight = [...items].sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1));
  const load = new Float64Array(ranks);
  const members: string[][] = Array.from({ length: ranks }, () => []);
  // A heap of ranks by (load, members, rank): with items of no weight, as with any, no rank stays empty.
  const before = (a: number, b: number): boolean =>
    load[a] !== load[b]
      ? load[a]! < load[b]!
      : members[a]!.length !== members[b]!.length
        ? members[a]!.length < members[b]!.length
        : a < b;
  const heap = Array.from({ length: ranks }, (_, rank) => rank);
  for (const { id, weight } of byWeight) {
    const rank = heap[0]!;
    load[rank]! += weight;
    members[rank]!.push(id);
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < ranks && before(heap[child]!, heap[least]!)) least = child;
      if (least === at) break;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }
  return members.map((ids) => ids.sort((a, b) => place.get(a)! - place.get(b)!));
}

export function elementCount({ ranks, tasksPerJob }: Pick<StageArrays, 'ranks' | 'tasksPerJob'>): number {
  return Math.ceil(ranks.length / tasksPerJob);
}

/** Ranks that `element` does, in order. */
export function ranksOf(
  { ranks, tasksPerJob }: Pick<StageArrays, 'ranks' | 'tasksPerJob'>,
  element: number,
): number[] {
  const first = element * tasksPerJob;
  const last = Math.min(first + tasksPerJob, ranks.length);
  return Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
}

/** Items that are left, by the element that does them, ascending. Throws for an item that no rank has. */
export function leftByElement(arrays: StageArrays, left: readonly string[]): Map<number, string[]> {
  const rankOf = new Map(arrays.ranks.flatMap((ids, rank) => ids.map((id) => [id, rank] as const)));
  const found = new Map<number, string[]>();
  for (const id of left) {
    const rank = rankOf.get(id);
    invariant(rank !== undefined, `item ${id} of stage ${arrays.stage.name} belongs to no rank`);
    const element = Math.floor(rank / arrays.tasksPerJob);
    const ids = found.get(element);
    if (ids === undefined) found.set(element, [id]);
    else ids.push(id);
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

/** Arrays for `elements` (ascending) where an index must be below `maxArraySize`. */
export function planWindows(elements: readonly number[], maxArraySize: number): ArrayWindow[] {
  invariant(maxArraySize >= 1, 'an array holds at least one index');
  const windows: ArrayWindow[] = [];
  for (const element of elements) {
    const offset = Math.floor(element / maxArraySize) * maxArraySize;
    const last = windows.at(-1);
    if (last?.offset === offset) last.indexes.push(element - offset);
    else windows.push({ offset, indexes: [element - offset] });
  }
  return windows.flatMap(shortened);
}

/** Halves a window until its expression is short enough to be handed over. */
function shortened(window: ArrayWindow): ArrayWindow[] {
  if (arrayExpression(window.indexes).length <= longestExpression) return [window];
  const middle = Math.ceil(window.indexes.length / 2);
  return [window.indexes.slice(0, middle), window.indexes.slice(middle)].flatMap((indexes) =>
    shortened({ offset: window.offset, indexes }),
  );
}

/** `0-3,7,9-10`, with `%c` when at most `concurrency` of them may run at once. `indexes` ascend. */
export function arrayExpression(indexes: readonly number[], concurrency?: number): string {
  const runs: [number, number][] = [];
  for (const index of indexes) {
    const last = runs.at(-1);
    if (last?.[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  const parts = runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return `${parts.join(',')}${concurrency === undefined ? '' : `%${concurrency}`}`;
}
