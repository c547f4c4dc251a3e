/**
 * What of a job's dedup barrier is done, by its markers: parts of the comparison, clusters of each step, the chosen copies. Nothing is
 * worked on here (dedup-barrier.ts). Every marker says from which first passes it was made, so it counts only as long as those do.
 *
 * A part is a band of a step's signatures and a range of its keys. Its name tells the number of ranges, because what the clusters are
 * does not depend on it: a comparison begun under one cut may be ended under it after a unit got more documents.
 */
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import type { Ledger } from '../core/ledger.ts';
import { cutParts, type DedupPart, planRanges } from '../dedup/plan-parts.ts';
import { signerOf } from '../stages/dedup-signatures.ts';
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { DedupStep } from '../stages/resolved-filter.ts';
import { edgesFolder, folders } from '../stages/run-layout.ts';
import type { OutputFile } from '../stages/unit-report.ts';
import {
  type ClusterMarker,
  type DedupMarker,
  type EdgeMarker,
  type OutputCheck,
  outputsIntact,
  readMarker,
  writeMarker,
} from './markers.ts';

export interface BarrierResult {
  /** By unit: number in the job of its first document. */
  first: Record<string, number>;
  /** By unit: its drop list; empty without dedup steps. */
  drops: Record<string, OutputFile>;
  /** By unit: its cluster files, in step order. */
  clusters: Record<string, OutputFile[]>;
  steps: { name: DedupStep['name']; ledger: Ledger; clusters: number; members: number; largest: number }[];
}

/** One part of a step's comparison. */
export interface EdgePart {
  /** `<step>/<band>-<range>-of-<ranges>`. */
  id: string;
  step: DedupStep;
  part: DedupPart;
}

const partName = /^\d+-\d+-of-(\d+)\.json$/;

export class DedupMarkers {
  readonly folder: string;
  readonly plan: FilterPlan;
  /** Of the first passes last asked about: a fingerprint over all units is not made anew for each part. */
  private readonly bases = new WeakMap<readonly MeasuredUnit[], Map<string, string>>();

  constructor(folder: string, plan: FilterPlan) {
    this.folder = folder;
    this.plan = plan;
  }

  /** The finished barrier, if it was made from exactly these first passes (of all units, in unit order). */
  async existing(measured: readonly MeasuredUnit[], check: OutputCheck): Promise<BarrierResult | undefined> {
    const markers: ClusterMarker[] = [];
    for (const step of this.plan.filter.dedup) {
      const marker = await this.clusters(step, measured, check);
      if (marker === undefined) return undefined;
      markers.push(marker);
    }
    // Without steps there is nothing to wait for; whoever ends the barrier leaves the marker.
    if (markers.length === 0) return this.result(measured, [], { lists: [], ledgers: [] });
    const chosen = await this.choice(markers, measured, check);
    return chosen === undefined ? undefined : this.result(measured, markers, chosen);
  }

  /** `markers`: of all steps. */
  result(
    measured: readonly MeasuredUnit[],
    markers: readonly ClusterMarker[],
    chosen: Pick<DedupMarker, 'lists' | 'ledgers'>,
  ): BarrierResult {
    const names = this.plan.units.map(({ name }) => name);
    const first: Record<string, number> = {};
    let next = 0;
    for (const [i, name] of names.entries()) {
      first[name] = next;
      next += measured[i]!.documents;
    }
    return {
      first,
      drops: Object.fromEntries(chosen.lists.map((list, i) => [names[i]!, list])),
      clusters: Object.fromEntries(names.map((name, i) => [name, markers.map(({ files }) => files[i]!)])),
      steps: this.plan.filter.dedup.map(({ name }, i) => {
        const { clusters, members, largest } = markers[i]!;
        return { name, ledger: chosen.ledgers[i]!, clusters, members, largest };
      }),
    };
  }

  async clusters(
    step: DedupStep,
    measured: readonly MeasuredUnit[],
    check: OutputCheck,
  ): Promise<ClusterMarker | undefined> {
    const marker = readMarker<ClusterMarker>(this.clustersPath(step), this.plan.hash);
    if (marker === undefined || marker.basis !== this.basisOf(step, measured)) return undefined;
    return (await outputsIntact(this.folder, marker.files, check)) ? marker : undefined;
  }

  async choice(
    markers: readonly ClusterMarker[],
    measured: readonly MeasuredUnit[],
    check: OutputCheck,
  ): Promise<DedupMarker | undefined> {
    const marker = readMarker<DedupMarker>(this.choicePath(), this.plan.hash);
    if (marker === undefined || marker.basis !== basisOfChoice(markers, measured)) return undefined;
    return (await outputsIntact(this.folder, marker.lists, check)) ? marker : undefined;
  }

  async setClusters(
    step: DedupStep,
    measured: readonly MeasuredUnit[],
    found: Omit<ClusterMarker, 'plan' | 'basis'>,
  ): Promise<ClusterMarker> {
    const marker = { plan: this.plan.hash, basis: this.basisOf(step, measured), ...found };
    await writeMarker(this.clustersPath(step), marker);
    return marker;
  }

  async setChoice(
    markers: readonly ClusterMarker[],
    measured: readonly MeasuredUnit[],
    chosen: Pick<DedupMarker, 'lists' | 'ledgers'>,
  ): Promise<DedupMarker> {
    const marker = { plan: this.plan.hash, basis: basisOfChoice(markers, measured), ...chosen };
    await writeMarker(this.choicePath(), marker);
    return marker;
  }

  /** So that the step's clusters are made again by whoever does the barrier next; without their edges from the comparison on. */
  async forgetClusters(step: DedupStep): Promise<void> {
    await rm(this.clustersPath(step), { force: true });
  }

  async forgetChoice(): Promise<void> {
    await rm(this.choicePath(), { force: true });
  }

  /** The parts of a step: as they would be cut now, or in `ranges`. */
  parts(step: DedupStep, measured: readonly MeasuredUnit[], ranges?: number): EdgePart[] {
    const { bands } = signerOf(step);
    const cut = ranges ?? planRanges(measured.reduce((sum, { documents }) => sum + documents, 0));
    return cutParts(bands, cut).map((part, i) => {
      const range = String(i % cut).padStart(String(cut).length, '0');
      return { id: `${step.name}/${String(part.band).padStart(2, '0')}-${range}-of-${cut}`, step, part };
    });
  }

  /** The part of that id. Undefined when the plan has no such step, or the id is none. */
  partOf(id: string): EdgePart | undefined {
    const [name, rest] = id.split('/', 2);
    const step = this.plan.filter.dedup.find((one) => one.name === name);
    const ranges = Number(/^\d+-\d+-of-([1-9]\d{0,5})$/.exec(rest ?? '')?.[1]);
    if (step === undefined || Number.isNaN(ranges)) return undefined;
    return this.parts(step, [], ranges).find((part) => part.id === id);
  }

  /** All parts of a step, in a cut of which every part is compared; undefined when there is none. */
  async comparedParts(
    step: DedupStep,
    measured: readonly MeasuredUnit[],
    check: OutputCheck,
  ): Promise<EdgePart[] | undefined> {
    for (const ranges of [undefined, ...this.rangesSeen(step)]) {
      const parts = this.parts(step, measured, ranges);
      let whole = true;
      for (const part of parts) {
        whole &&= await this.isCompared(part, measured, check);
        if (!whole) break;
      }
      if (whole) return parts;
    }
    return undefined;
  }

  async isCompared(part: EdgePart, measured: readonly MeasuredUnit[], check: OutputCheck): Promise<boolean> {
    const marker = readMarker<EdgeMarker>(this.partMarker(part), this.plan.hash);
    if (marker === undefined || marker.basis !== this.basisOf(part.step, measured)) return false;
    return outputsIntact(this.folder, [marker.file], check);
  }

  async setCompared(
    part: EdgePart,
    measured: readonly MeasuredUnit[],
    { edges, bytes, sha256 }: { edges: number; bytes: number; sha256: string },
  ): Promise<void> {
    await writeMarker(this.partMarker(part), {
      plan: this.plan.hash,
      basis: this.basisOf(part.step, measured),
      file: { path: this.edgesPath(part), rows: edges, bytes, sha256 },
    });
  }

  /** Relative to the run folder. */
  edgesPath({ id, step }: EdgePart): string {
    return join(folders.dedup, step.name, edgesFolder, `${id.slice(step.name.length + 1)}.edges`);
  }

  /** The edges have done their work when the step has its clusters. */
  async removeEdges(step: DedupStep): Promise<void> {
    await rm(join(this.folder, folders.dedup, step.name, edgesFolder), { recursive: true, force: true });
  }

  async forgetPart(part: EdgePart): Promise<void> {
    await rm(this.partMarker(part), { force: true });
  }

  /** What clusters and edges of a step are made from; changes when any unit's first pass does. */
  private basisOf(step: DedupStep, measured: readonly MeasuredUnit[]): string {
    const known = this.bases.get(measured) ?? new Map<string, string>();
    this.bases.set(measured, known);
    const basis =
      known.get(step.name) ??
      fingerprint([
        step,
        measured.map(({ documents, signatures }) => [
          signatures.find((file) => file.step === step.name)?.file.sha256,
          documents,
        ]),
      ]);
    known.set(step.name, basis);
    return basis;
  }

  private rangesSeen(step: DedupStep): number[] {
    let names: string[];
    try {
      names = readdirSync(join(this.folder, folders.dedup, step.name, edgesFolder));
    } catch {
      return []; // no part is compared yet
    }
    const seen = names.flatMap((name) => partName.exec(name)?.[1] ?? []).map(Number);
    return [...new Set(seen)].sort((a, b) => a - b);
  }

  private partMarker(part: EdgePart): string {
    return join(this.folder, this.edgesPath(part).replace(/\.edges$/, '.json'));
  }

  private clustersPath(step: DedupStep): string {
    return join(this.folder, folders.dedup, step.name, 'done.json');
  }

  private choicePath(): string {
    return join(this.folder, folders.dedup, 'done.json');
  }
}

function basisOfChoice(markers: readonly ClusterMarker[], measured: readonly MeasuredUnit[]): string {
  return fingerprint([
    markers.map(({ files }) => files.map((file) => file.sha256)),
    measured.map((unit) => [unit.survivors.sha256, unit.outputs.map((file) => file.sha256)]),
  ]);
}
