/**
 * The duplicate clusters of a filter run, the largest first, to look at before their copies are thrown away for good: every member with
 * what became of it, which copy stays and why. The copies themselves are still in the inputs and, with output.dropped, in dropped/.
 *
 * Which clusters are largest is found in two streaming passes over the cluster files (src/dedup/view-clusters.ts); ids and excerpts are
 * read once per unit. Memory: the documents of the run (run-documents.ts) and the members shown.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nearest } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import { type ClusterPage, type ClusterView, viewClusters } from '../dedup/view-clusters.ts';
import { prioritySignal } from './copy-priority.ts';
import type { DedupStep } from './resolved-filter.ts';
import type { ClusterMember, RunDocuments } from './run-documents.ts';
import { readDocumentRows } from './run-signals.ts';
import { clustersPath } from './unit-clusters.ts';

export interface RunCluster {
  step: DedupStep['name'];
  /** Number of its first document. */
  cluster: number;
  /** Documents in it, whatever became of them. */
  size: number;
  /** Number of the one that is kept; null when none is. */
  stays: number | null;
  /** The first of them, and the one that stays, in document order. */
  members: ClusterMember[];
}

/** The dedup steps to look at: `name`, or all of the run. Throws a `UserError` when there are none. */
export function clusterSteps(documents: RunDocuments, name?: string): DedupStep[] {
  const { dedup } = documents.run.plan.filter;
  const known = dedup.map((step) => step.name);
  if (known.length === 0) {
    throw new UserError(`${documents.run.folder}: the run has no dedup step, so there are no clusters`, {
      hint: 'add dedup: exact or dedup: minhash to the pipeline and run it again',
    });
  }
  if (name === undefined) return dedup;
  const step = dedup.find((one) => one.name === name);
  if (step !== undefined) return [step];
  const near = nearest(name, known);
  throw new UserError(`the run has no dedup step "${name}"`, {
    hint: near === undefined ? `its steps are ${known.join(', ')}` : `did you mean ${near}?`,
  });
}

/** A page of one step's clusters. Throws an InputError on a damaged file. */
export async function runClusters(
  documents: RunDocuments,
  step: DedupStep,
  page: ClusterPage = {},
): Promise<RunCluster[]> {
  const { units, folder } = documents.run;
  // A unit without documents has no file; the others keep their order, so cluster numbers stay right.
  const withFile = units
    .map((unit) => ({ unit, path: join(folder, clustersPath(step.name, unit.name)) }))
    .filter(({ path }) => existsSync(path));
  const views = viewClusters(
    withFile.map(({ path }) => path),
    page,
  );
  const kept = documents.keptCopies(
    step.name,
    views.map(({ cluster }) => cluster),
  );
  const found = views.map(
    ({ cluster, size }): RunCluster => ({
      step: step.name,
      cluster,
      size,
      stays: kept.get(cluster) ?? null,
      members: [],
    }),
  );
  const signal = prioritySignal(step.keep);
  for (const [u, { unit }] of withFile.entries()) {
    const wanted = membersIn(views, u);
    for (const [view, { stays, size, members }] of found.entries()) {
      // The copy that stays is shown even where it is not among the first.
      const index = stays === null ? -1 : stays - unit.first;
      const listed = size <= (page.members ?? size) || members.some(({ number }) => number === stays);
      if (index < 0 || index >= unit.rows || listed) continue;
      if (!wanted.some((one) => one.view === view && one.index === index)) wanted.push({ index, view });
    }
    if (wanted.length === 0) continue;
    wanted.sort((a, b) => a.index - b.index);
    const rows = await readDocumentRows(
      unit,
      wanted.map(({ index }) => index),
      signal === null ? [] : [signal],
    );
    const clusterAt = new Map(wanted.map(({ index, view }) => [index, view]));
    for (const { index, id, url, excerpt, values } of rows) {
      const number = unit.first + index;
      const priority = signal === null ? null : (values[signal] ?? null);
      const reason = documents.reasonAt(number);
      found[clusterAt.get(index)!]!.members.push({ number, id, url, excerpt, reason, priority });
    }
  }
  return found;
}

/** The members in one unit of all clusters shown, each with the place of its cluster. */
function membersIn(views: readonly ClusterView[], unit: number): { index: number; view: number }[] {
  return views.flatMap(({ members }, view) =>
    members.filter((member) => member.unit === unit).map(({ index }) => ({ index, view })),
  );
}
