/**
 * The dedup barrier of a job: a stage with units of work, markers and ledgers of its own.
 *
 * For each step: one task per part of the hash range finds edges between documents, one task makes clusters of all edges, and
 * `dedup/<step>/done.json` says what they were made from. When all steps have clusters one more task chooses the copies that stay
 * (choose-copies.ts) and `dedup/done.json` ends the barrier. A part's result depends on the signature files alone, so any worker may do it
 * and a killed barrier goes on with the first step that has no valid marker.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import type { Ledger } from '../core/ledger.ts';
import type { clusterDocuments } from '../dedup/cluster-documents.ts';
import { planParts } from '../dedup/plan-parts.ts';
import type { ChosenCopies } from '../stages/choose-copies.ts';
import { signaturesPath, signerOf } from '../stages/dedup-signatures.ts';
import { type LocalPool, poolFailure } from '../stages/local-pool.ts';
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { DedupStep } from '../stages/resolved-filter.ts';
import { folders } from '../stages/run-layout.ts';
import { clustersPath } from '../stages/unit-clusters.ts';
import type { OutputFile } from '../stages/unit-report.ts';
import { type ClusterMarker, type DedupMarker, outputsIntact, readMarker, writeMarker } from './markers.ts';
import type { FilterStep } from './unit-worker.ts';

export interface BarrierResult {
  /** Drop lists, in unit order; none without dedup steps. */
  lists: OutputFile[];
  /** By unit: sha256 of its cluster files, in step order. */
  clusters: Record<string, string[]>;
  steps: { name: DedupStep['name']; ledger: Ledger; clusters: number; members: number; largest: number }[];
}

export class DedupBarrier {
  private readonly folder: string;
  private readonly plan: FilterPlan;
  private readonly pool: LocalPool;

  constructor(folder: string, plan: FilterPlan, pool: LocalPool) {
    this.folder = folder;
    this.plan = plan;
    this.pool = pool;
  }

  /** Does what is left of the barrier. `measured`: the first pass of all units, in unit order. */
  async run(measured: readonly MeasuredUnit[]): Promise<BarrierResult> {
    const markers: ClusterMarker[] = [];
    for (const step of this.plan.filter.dedup) {
      markers.push((await this.validStep(step, measured)) ?? (await this.cluster(step, measured)));
    }
    const chosen = (await this.validChoice(markers, measured)) ?? (await this.choose(markers, measured));
    return this.result(markers, chosen);
  }

  /** The finished barrier, if it was made from exactly these first passes. */
  async existing(measured: readonly MeasuredUnit[]): Promise<BarrierResult | undefined> {
    const markers: ClusterMarker[] = [];
    for (const step of this.plan.filter.dedup) {
      const marker = await this.validStep(step, measured);
      if (marker === undefined) return undefined;
      markers.push(marker);
    }
    const chosen = await this.validChoice(markers, measured);
    return chosen === undefined ? undefined : this.result(markers, chosen);
  }

  private result(markers: readonly ClusterMarker[], chosen: DedupMarker): BarrierResult {
    return {
      lists: chosen.lists,
      clusters: Object.fromEntries(
        this.plan.units.map(({ name }, i) => [name, markers.map(({ files }) => files[i]!.sha256)]),
      ),
      steps: this.plan.filter.dedup.map(({ name }, i) => {
        const { clusters, members, largest } = markers[i]!;
        return { name, ledger: chosen.ledgers[i]!, clusters, members, largest };
      }),
    };
  }

  private async validStep(
    step: DedupStep,
    measured: readonly MeasuredUnit[],
  ): Promise<ClusterMarker | undefined> {
    const marker = readMarker<ClusterMarker>(this.stepMarker(step), this.plan.hash);
    if (marker === undefined || marker.basis !== basisOfStep(step, measured)) return undefined;
    return (await outputsIntact(this.folder, marker.files)) ? marker : undefined;
  }

  private stepMarker(step: DedupStep): string {
    return join(this.folder, folders.dedup, step.name, 'done.json');
  }

  private async cluster(step: DedupStep, measured: readonly MeasuredUnit[]): Promise<ClusterMarker> {
    const names = this.plan.units.map(({ name }) => name);
    const documents = measured.map((unit) => unit.documents);
    const { bands, tag } = signerOf(step);
    const edges = join(this.folder, folders.dedup, step.name, 'edges');
    await mkdir(edges, { recursive: true });
    const files = names.map((name) => join(this.folder, signaturesPath(step.name, name)));
    const parts = planParts(
      documents.reduce((a, b) => a + b, 0),
      bands,
    );
    const edgeFiles = parts.map((_, i) => join(edges, `${String(i).padStart(6, '0')}.edges`));
    await this.tasks(
      parts.map((part, i) => ({
        step: 'edges',
        task: { part, tag, files, documents, output: edgeFiles[i]! },
      })),
      `${step.name}: comparing`,
    );
    const outputs = names.map((name) => join(this.folder, clustersPath(step.name, name)));
    const [found] = await this.tasks(
      [{ step: 'cluster', task: { edgeFiles, documents, outputs } }],
      `${step.name}: clustering`,
    );
    const {
      clusters,
      members,
      largest,
      files: written,
    } = found as Awaited<ReturnType<typeof clusterDocuments>>;
    await rm(edges, { recursive: true, force: true });
    const marker: ClusterMarker = {
      plan: this.plan.hash,
      basis: basisOfStep(step, measured),
      clusters,
      members,
      largest,
      files: written.map(({ bytes, sha256, entries }, i) => ({
        path: clustersPath(step.name, names[i]!),
        rows: entries,
        bytes,
        sha256,
      })),
    };
    await writeMarker(this.stepMarker(step), marker);
    return marker;
  }

  private async validChoice(
    markers: readonly ClusterMarker[],
    measured: readonly MeasuredUnit[],
  ): Promise<DedupMarker | undefined> {
    const marker = readMarker<DedupMarker>(this.choiceMarker(), this.plan.hash);
    if (marker === undefined || marker.basis !== basisOfChoice(markers, measured)) return undefined;
    return (await outputsIntact(this.folder, marker.lists)) ? marker : undefined;
  }

  private choiceMarker(): string {
    return join(this.folder, folders.dedup, 'done.json');
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
        signals: measured[i]!.outputs.map(({ path }) => path).filter((path) =>
          path.startsWith(folders.signals),
        ),
      }));
      const task = { folder: this.folder, steps: dedup, units };
      [chosen] = (await this.tasks([{ step: 'choose', task }], 'choosing copies')) as [ChosenCopies];
    }
    const marker: DedupMarker = {
      plan: this.plan.hash,
      basis: basisOfChoice(markers, measured),
      ...chosen,
    };
    await writeMarker(this.choiceMarker(), marker);
    return marker;
  }

  /** Runs the payloads and answers their values in order. */
  private async tasks(payloads: readonly FilterStep[], what: string): Promise<unknown[]> {
    const values: unknown[] = new Array(payloads.length).fill(undefined);
    const tasks = payloads.map((payload, i) => ({ id: `${what} ${i}`, payload }));
    await this.pool.run(tasks, async (task, outcome) => {
      if (!outcome.ok) throw poolFailure(`the search for duplicates failed (${task.id})`, outcome);
      values[tasks.indexOf(task as (typeof tasks)[number])] = outcome.value;
    });
    return values;
  }
}

function basisOfStep(step: DedupStep, measured: readonly MeasuredUnit[]): string {
  return fingerprint([
    step,
    measured.map((unit) => unit.signatures.find((file) => file.step === step.name)?.file.sha256),
  ]);
}

function basisOfChoice(markers: readonly ClusterMarker[], measured: readonly MeasuredUnit[]): string {
  return fingerprint([
    markers.map(({ files }) => files.map((file) => file.sha256)),
    measured.map((unit) => [unit.survivors.sha256, unit.outputs.map((file) => file.sha256)]),
  ]);
}
