/**
 * Where the units of a filter job stand, by their markers (markers.ts): measured, finished, or to be done. Nothing is worked on here; the
 * passes are filter-job.ts for a whole job and filter-share.ts for a share of one.
 *
 * Files are looked at as the caller asks: their contents by whoever is about to rely on them, their sizes by whoever only surveys. A
 * unit that lost part of its input, or was given up, is to be done again, unless `keepLost` says that its loss stands.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { invariant } from '../core/errors.ts';
import type { FinishedUnit } from '../stages/finish-unit.ts';
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { FilterPlan, PlannedUnit } from '../stages/plan-filter.ts';
import type { BarrierResult } from './dedup-markers.ts';
import {
  type DoneMarker,
  type LedgerMarker,
  type MeasuredMarker,
  type OutputCheck,
  outputsIntact,
  readMarker,
  writeMarker,
} from './markers.ts';

export interface UnitState {
  unit: PlannedUnit;
  /** The first pass, if it counts and its files are there. */
  measured: (MeasuredUnit & { limit: number | null }) | undefined;
  /** The final report, once the unit's outputs are in place and made from what holds now. */
  finished: FinishedUnit | undefined;
}

export class UnitStates {
  readonly folder: string;
  readonly plan: FilterPlan;
  /** In unit order. */
  readonly all: readonly UnitState[];
  private readonly keepLost: boolean;
  private readonly byName: ReadonlyMap<string, UnitState>;

  constructor(folder: string, plan: FilterPlan, { keepLost = false } = {}) {
    this.folder = folder;
    this.plan = plan;
    this.keepLost = keepLost;
    this.all = plan.units.map((unit) => ({ unit, measured: undefined, finished: undefined }));
    this.byName = new Map(this.all.map((state) => [state.unit.name, state]));
  }

  of(name: string): UnitState {
    const state = this.byName.get(name);
    invariant(state !== undefined, `the plan has no unit ${name}`);
    return state;
  }

  /** The first passes of all units, in unit order; undefined while one is missing. */
  get allMeasured(): MeasuredUnit[] | undefined {
    const measured = this.all.flatMap((state) => state.measured ?? []);
    return measured.length === this.all.length ? measured : undefined;
  }

  /** Which units are measured, whoever did it. */
  async takeStock(states: readonly UnitState[], check: OutputCheck): Promise<void> {
    for (const state of states) {
      const marker = this.measuredMarker(state);
      if (marker === undefined) continue;
      const { signatures, survivors } = marker;
      const files = [survivors, ...signatures.map(({ file }) => file)];
      if (!(await outputsIntact(this.folder, files, check))) continue;
      state.measured = marker;
      if ((await this.doneMarker(state, check)) === undefined) await this.requireCandidates(state, check);
    }
  }

  /** Takes the first passes as their markers tell them; none of their files is looked at. */
  believe(states: readonly UnitState[]): void {
    for (const state of states) state.measured = this.measuredMarker(state);
  }

  /** Forgets the first pass of a unit whose files for the second are not there. */
  async requireCandidates(state: UnitState, check: OutputCheck): Promise<void> {
    const { measured } = state;
    if (measured === undefined) return;
    if (!(await outputsIntact(this.folder, [...measured.candidates, ...measured.outputs], check)))
      state.measured = undefined;
  }

  /** Which of `states` have an output in place that was made from this first pass and these drop lists. */
  async recogniseFinished(
    states: readonly UnitState[],
    barrier: BarrierResult,
    check: OutputCheck,
  ): Promise<void> {
    for (const state of states) {
      state.finished = undefined;
      const done = await this.doneMarker(state, check);
      if (done === undefined || done.basis !== this.basisOf(state, barrier)) continue;
      const report = readMarker<LedgerMarker>(this.path(state, 'ledger'), this.plan.hash);
      if (report !== undefined) state.finished = { report, outputs: done.outputs };
    }
  }

  async setMeasured(state: UnitState, measured: MeasuredUnit, limit: number | null): Promise<void> {
    state.measured = { ...measured, limit };
    await writeMarker(this.path(state, 'measured'), { plan: this.plan.hash, ...state.measured });
  }

  async setFinished(state: UnitState, finished: FinishedUnit, barrier: BarrierResult): Promise<void> {
    await writeMarker(this.path(state, 'ledger'), { plan: this.plan.hash, ...finished.report });
    await writeMarker(this.path(state, 'done'), {
      plan: this.plan.hash,
      basis: this.basisOf(state, barrier),
      complete: finished.report.complete,
      outputs: finished.outputs,
    });
    state.finished = finished;
  }

  /** Before a unit is worked on again: its output, and the job's, no longer count. */
  async forgetFinished(state: UnitState): Promise<void> {
    state.finished = undefined;
    await rm(join(this.folder, 'ledger.json'), { force: true });
    await rm(this.path(state, 'done'), { force: true });
  }

  /** So that the unit is measured again, by whoever measures next. */
  async forgetMeasured(state: UnitState): Promise<void> {
    await this.forgetFinished(state);
    state.measured = undefined;
    await rm(this.path(state, 'measured'), { force: true });
  }

  /** So that a unit that lost part of its input is measured again; its marker goes on telling of the loss, which a mended file ends. */
  async retryLoss(state: UnitState): Promise<void> {
    const path = this.path(state, 'measured');
    const marker = readMarker<MeasuredMarker>(path, this.plan.hash);
    await this.forgetFinished(state);
    state.measured = undefined;
    if (marker !== undefined) await writeMarker(path, { ...marker, again: true });
  }

  /** What a unit's finished output was made from. Without dedup steps the place of its documents in the job is no part of it. */
  private basisOf(state: UnitState, barrier: BarrierResult): string {
    const { candidates, outputs } = state.measured!;
    const { name } = state.unit;
    const { drops, clusters, first } = barrier;
    const place = this.plan.filter.dedup.length > 0 ? first[name]! : null;
    const copies = [drops[name]?.sha256 ?? null, (clusters[name] ?? []).map(({ sha256 }) => sha256)];
    return fingerprint([candidates, outputs, ...copies, place]);
  }

  private measuredMarker(state: UnitState): MeasuredMarker | undefined {
    const marker = readMarker<MeasuredMarker>(this.path(state, 'measured'), this.plan.hash);
    if (marker?.again === true || (marker?.report.complete === false && !this.keepLost)) return undefined;
    return marker;
  }

  /** The unit's done marker, if its outputs are all in place. */
  private async doneMarker(state: UnitState, check: OutputCheck): Promise<DoneMarker | undefined> {
    const marker = readMarker<DoneMarker>(this.path(state, 'done'), this.plan.hash);
    if (marker === undefined || (!marker.complete && !this.keepLost)) return undefined;
    return (await outputsIntact(this.folder, marker.outputs, check)) ? marker : undefined;
  }

  private path(state: UnitState, what: 'measured' | 'ledger' | 'done'): string {
    return join(this.folder, 'units', `${state.unit.name}.${what}.json`);
  }
}
