/**
 * Which runs belong together. A way is one path through the work: pages -> filter -> mix -> train stable -> train decay -> grpo,
 * found by following parents back from every run that no other run was made from. Arms and seeds share the front of their ways,
 * so ways with the same data are put into one group, which is drawn as one flow with several curves at its end.
 */
import type { PreparedRun } from './report-run.ts';

export interface Way {
  filters: PreparedRun[];
  mixes: PreparedRun[];
  /** In order: a run comes after the one it continues. */
  train: PreparedRun[];
  grpo: PreparedRun | undefined;
  /** True when the runs do not name each other as parents and were put together because there is one of each kind. */
  assumed: boolean;
}

export interface WayGroup {
  filters: PreparedRun[];
  mixes: PreparedRun[];
  ways: Way[];
  assumed: boolean;
}

export function findWays(runs: readonly PreparedRun[]): Way[] {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const isParent = new Set(runs.flatMap((run) => run.parents));
  const leaves = runs.filter((run) => !isParent.has(run.id) && run.kind !== 'other');
  const ways = leaves.map((leaf) => wayTo(leaf, byId));
  return joinUnlinked(ways) ?? ways;
}

function wayTo(leaf: PreparedRun, byId: ReadonlyMap<string, PreparedRun>): Way {
  const order: PreparedRun[] = [];
  const seen = new Set<string>();
  // Depth first, parents before children: the result is in the order of the work. A cycle (a damaged record) ends at `seen`.
  const visit = (run: PreparedRun): void => {
    if (seen.has(run.id)) return;
    seen.add(run.id);
    for (const parent of run.parents) {
      const found = byId.get(parent);
      if (found !== undefined) visit(found);
    }
    order.push(run);
  };
  visit(leaf);
  const of = (kind: PreparedRun['kind']): PreparedRun[] => order.filter((run) => run.kind === kind);
  return {
    filters: of('filter'),
    mixes: of('mix'),
    train: of('train'),
    grpo: of('grpo').at(-1),
    assumed: false,
  };
}

/**
 * When no run names another (folders were moved), and there is at most one filter run and one training run of each phase, they
 * can only be meant as one way; RL runs then all follow it.
 */
function joinUnlinked(ways: readonly Way[]): Way[] | undefined {
  const size = (w: Way): number =>
    w.filters.length + w.mixes.length + w.train.length + (w.grpo === undefined ? 0 : 1);
  if (ways.length < 2 || ways.some((w) => size(w) !== 1)) return undefined;
  const filters = ways.flatMap((w) => w.filters);
  const mixes = ways.flatMap((w) => w.mixes);
  const train = ways.flatMap((w) => w.train);
  const grpos = ways.flatMap((w) => w.grpo ?? []);
  const phases = train.map((run) => String(run.record.summary.phase ?? ''));
  const kinds = [filters, mixes, train, grpos].filter((list) => list.length > 0).length;
  if (kinds < 2 || filters.length > 1 || mixes.length > 2 || new Set(phases).size !== phases.length)
    return undefined;
  train.sort((a, b) => phaseRank(a) - phaseRank(b));
  const front = { filters, mixes, train, assumed: true };
  return grpos.length === 0 ? [{ ...front, grpo: undefined }] : grpos.map((grpo) => ({ ...front, grpo }));
}

function phaseRank(run: PreparedRun): number {
  return run.record.summary.phase === 'decay' ? 1 : 0;
}

/** Ways with the same filter and mix runs, together. */
export function groupWays(ways: readonly Way[]): WayGroup[] {
  const groups = new Map<string, WayGroup>();
  for (const way of ways) {
    const key = [...way.filters, ...way.mixes].map((run) => run.id).join('\n');
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { filters: way.filters, mixes: way.mixes, ways: [way], assumed: way.assumed });
    } else {
      group.ways.push(way);
    }
  }
  return [...groups.values()];
}
