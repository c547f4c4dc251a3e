/**
 * The dedup barrier of a job: a stage with units of work, markers and ledgers of its own.
 *
 * For each step: one task per part of the hash range finds edges between documents and leaves a marker, one task makes clusters of all
 * edges, and `dedup/<step>/done.json` says what they were made from. When all steps have clusters one more task chooses the copies that
 * stay (choose-copies.ts) and `dedup/done.json` ends the barrier. A part's result depends on the signature files alone, so any worker, or
 * process on any machine, may do it, and a killed barrier goes on with the parts that have no valid marker.
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InterruptedError } from '../core/errors.ts';
import type { clusterDocuments } from '../dedup/cluster-documents.ts';
import type { findEdges } from '../dedup/find-edges.ts';
import type { ChosenCopies } from '../stages/choose-copies.ts';
import { signaturesPath, signerOf } from '../stages/dedup-signatures.ts';
import { type LocalPool, poolFailure } from '../stages/local-pool.ts';
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { DedupStep } from '../stages/resolved-filter.ts';
import { folders } from '../stages/run-layout.ts';
import { clustersPath } from '../stages/unit-clusters.ts';
import { type BarrierResult, DedupMarkers, type EdgePart } from './dedup-markers.ts';
import type { ClusterMarker, DedupMarker } from './markers.ts';
import type { FilterStep } from './unit-worker.ts';

export class DedupBarrier {
  readonly markers: DedupMarkers;
  private readonly plan: FilterPlan;
  private readonly pool: LocalPool;

  constructor(folder: string, plan: FilterPlan, pool: LocalPool) {
    this.markers = new DedupMarkers(folder, plan);
    this.plan = plan;
    this.pool = pool;
  }

  /** Does what is left of the barrier. `measured`: the first pass of all units, in unit order. */
  async run(measured: readonly MeasuredUnit[]): Promise<BarrierResult> {
    for (const step of this.plan.filter.dedup) {
      if ((await this.markers.clusters(step, measured, 'contents')) !== undefined) continue;
      if ((await this.markers.comparedParts(step, measured, 'contents')) !== undefined) continue;
      const left: EdgePart[] = [];
      for (const part of this.markers.parts(step, measured))
        if (!(await this.markers.isCompared(part, measured, 'contents'))) left.push(part);
      await this.compare(left, measured);
    }
    return this.conclude(measured);
  }

  /** Finds the edges of some parts, which may be of several steps. Answers how many were done: all, unless the pool is drained. */
  async compare(parts: readonly EdgePart[], measured: readonly MeasuredUnit[]): Promise<number> {
    const { folder } = this.markers;
    const documents = measured.map((unit) => unit.documents);
    for (const part of parts)
      await mkdir(dirname(join(folder, this.markers.edgesPath(part))), { recursive: true });
    const tasks = parts.map(({ step, part, id }, i) => {
      const files = this.plan.units.map(({ name }) => join(folder, signaturesPath(step.name, name)));
      const output = join(folder, this.markers.edgesPath(parts[i]!));
      const task = { part, tag: signerOf(step).tag, files, documents, output };
      return { id, payload: { step: 'edges', task } satisfies FilterStep, part: parts[i]! };
    });
    let done = 0;
    await this.pool.run(tasks, async (task, outcome) => {
      if (!outcome.ok) throw poolFailure(`the search for duplicates failed (comparing ${task.id})`, outcome);
      const found = outcome.value as Awaited<ReturnType<typeof findEdges>>;
      await this.markers.setCompared((task as (typeof tasks)[number]).part, measured, found);
      done++;
    });
    return done;
  }

  /** Clusters of every step, whose parts must all be compared, and the choice of copies. */
  async conclude(measured: readonly MeasuredUnit[]): Promise<BarrierResult> {
    const markers: ClusterMarker[] = [];
    for (const step of this.plan.filter.dedup) {
      markers.push(
        (await this.markers.clusters(step, measured, 'contents')) ?? (await this.cluster(step, measured)),
      );
      await this.markers.removeEdges(step);
    }
    const chosen =
      (await this.markers.choice(markers, measured, 'contents')) ?? (await this.choose(markers, measured));
    return this.markers.result(measured, markers, chosen);
  }

  private async cluster(step: DedupStep, measured: readonly MeasuredUnit[]): Promise<ClusterMarker> {
    const { folder } = this.markers;
    const names = this.plan.units.map(({ name }) => name);
    const parts = await this.markers.comparedParts(step, measured, 'sizes');
    if (parts === undefined) throw new Error(`the parts of ${step.name} are not all compared`);
    const task = {
      edgeFiles: parts.map((part) => join(folder, this.markers.edgesPath(part))),
      documents: measured.map((unit) => unit.documents),
      outputs: names.map((name) => join(folder, clustersPath(step.name, name))),
    };
    const found = await this.task({ step: 'cluster', task }, `clustering ${step.name}`);
    const { clusters, members, largest, files } = found as Awaited<ReturnType<typeof clusterDocuments>>;
    return this.markers.setClusters(step, measured, {
      clusters,
      members,
      largest,
      files: files.map(({ bytes, sha256, entries }, i) => ({
        path: clustersPath(step.name, names[i]!),
        rows: entries,
        bytes,
        sha256,
      })),
    });
  }

  private async choose(
    markers: readonly ClusterMarker[],
    measured: readonly MeasuredUnit[],
  ): Promise<DedupMarker> {
    const { dedup } = this.plan.filter;
    let chosen: ChosenCopies = { lists: [], ledgers: [] };
    if (dedup.length > 0) {
      const units = this.plan.units.map(({ name }, i) => ({
        name,
        documents: measured[i]!.documents,
        signals: signalsOf(measured[i]!).map(({ path }) => path),
      }));
      const task = { folder: this.markers.folder, steps: dedup, units };
      chosen = (await this.task({ step: 'choose', task }, 'choosing copies')) as ChosenCopies;
    }
    return this.markers.setChoice(markers, measured, chosen);
  }

  private async task(payload: FilterStep, what: string): Promise<unknown> {
    let value: unknown;
    await this.pool.run([{ id: what, payload }], async (_, outcome) => {
      if (!outcome.ok) throw poolFailure(`the search for duplicates failed (${what})`, outcome);
      value = outcome.value;
    });
    if (value === undefined) throw new InterruptedError(); // drained before it began
    return value;
  }
}

/** The unit's files of `signals/`. */
export function signalsOf({ outputs }: MeasuredUnit): MeasuredUnit['outputs'] {
  return outputs.filter(({ path }) => path.startsWith(folders.signals));
}
