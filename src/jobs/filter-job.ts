/**
 * A filter job in a prepared folder: two passes over the units and the barrier between them, resumable at every point.
 *
 * 1. measure: each unit without a valid first pass is read, measured and set aside (measure-unit.ts).
 * 2. dedup: when all units are measured, the barrier compares all signatures and chooses the copies that stay (dedup-barrier.ts).
 * 3. finish: each unit whose output is not in place is finished (finish-unit.ts); its ledger and then its done marker follow.
 *
 * What is valid is decided by markers alone (markers.ts), so a killed job goes on where it was; a marker that is out of date goes before the
 * work that replaces it begins, and so does ledger.json, which says that the job is done. A unit whose input was partly
 * lost, or that failed, is tried again by the next run. A job may be shared by ranks: each measures the units that its number falls to,
 * and finishes them once somebody has done the barrier; a run without a rank does all that is left.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { dropListPath } from '../stages/drop-list.ts';
import type { FinishedUnit } from '../stages/finish-unit.ts';
import { type LocalPool, type PoolOutcome, type PoolTask, poolFailure } from '../stages/local-pool.ts';
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { FilterPlan, PlannedUnit } from '../stages/plan-filter.ts';
import { folders } from '../stages/run-layout.ts';
import type { OutputFile, UnitReport } from '../stages/unit-report.ts';
import { type BarrierResult, DedupBarrier } from './dedup-barrier.ts';
import { failedUnit } from './failed-unit.ts';
import {
  type DoneMarker,
  type LedgerMarker,
  type MeasuredMarker,
  outputsIntact,
  readMarker,
  writeMarker,
} from './markers.ts';
import { isOfRank, type Rank } from './rank.ts';
import { sweepLeftovers, sweepOutputs } from './unit-files.ts';
import type { FilterStep } from './unit-worker.ts';

interface UnitState {
  unit: PlannedUnit;
  measured: (MeasuredUnit & { limit: number | null }) | undefined;
  /** The final report, once the unit's outputs are in place. */
  finished: FinishedUnit | undefined;
}

export interface JobEvents {
  /** A unit is through its first pass; `reused` when an earlier run did it. */
  measured(unit: PlannedUnit, report: UnitReport, reused: boolean): void;
  /** A unit was given up. */
  failed(unit: PlannedUnit, problem: string): void;
}

export interface JobResult {
  /** Of all units, in unit order. */
  reports: UnitReport[];
  outputs: OutputFile[];
  barrier: BarrierResult;
}

export class FilterJob {
  private readonly folder: string;
  private readonly plan: FilterPlan;
  private readonly pool: LocalPool;
  private readonly events: JobEvents;
  private readonly states: UnitState[];
  private readonly barrier: DedupBarrier;

  constructor(folder: string, plan: FilterPlan, pool: LocalPool, events: JobEvents) {
    this.folder = folder;
    this.plan = plan;
    this.pool = pool;
    this.events = events;
    this.states = plan.units.map((unit) => ({ unit, measured: undefined, finished: undefined }));
    this.barrier = new DedupBarrier(folder, plan, pool);
  }

  /** Runs what is left to do. */
  async run(): Promise<JobResult> {
    await this.takeStock(this.states);
    let barrier: BarrierResult;
    for (;;) {
      await this.measure(this.states);
      barrier = await this.barrier.run(this.states.map(({ measured }) => measured!));
      await this.recogniseFinished(barrier, this.states);
      // A unit whose finished output no longer fits the drop lists may lack the file that the second pass reads.
      for (const state of this.states) if (state.finished === undefined) await this.requireCandidates(state);
      if (this.states.every((state) => state.measured !== undefined)) break;
    }
    await this.finish(this.states, barrier);
    await rm(join(this.folder, folders.work), { recursive: true, force: true });
    const outputs = this.states.flatMap((state) => state.finished!.outputs);
    sweepOutputs(this.folder, new Set(outputs.map(({ path }) => path)));
    await sweepLeftovers(this.folder);
    return { reports: this.states.map((state) => state.finished!.report), outputs, barrier };
  }

  /** One rank's part: its units measured and, when the barrier is done, finished. Answers how many units of the job are measured and finished. */
  async runRank(rank: Rank): Promise<{ units: number; measured: number; finished: number; own: number }> {
    const own = this.states.filter(({ unit }) => isOfRank(unit.name, rank));
    await this.takeStock(own);
    await this.measure(own);
    await this.takeStock(this.states.filter((state) => !own.includes(state)));
    const measured = this.states.filter((state) => state.measured !== undefined);
    if (measured.length === this.states.length) {
      const barrier = await this.barrier.existing(measured.map((state) => state.measured!));
      if (barrier !== undefined) {
        await this.recogniseFinished(barrier, own);
        for (const state of own) if (state.finished === undefined) await this.requireCandidates(state);
        await this.finish(
          own.filter((state) => state.measured !== undefined),
          barrier,
        );
      }
    }
    return {
      units: this.states.length,
      measured: measured.length,
      finished: this.states.filter((state) => state.finished !== undefined).length,
      own: own.length,
    };
  }

  /** Which units an earlier run, or another rank, measured. */
  private async takeStock(states: readonly UnitState[]): Promise<void> {
    for (const state of states) {
      const marker = readMarker<MeasuredMarker>(this.path(state, 'measured'), this.plan.hash);
      if (marker === undefined || !marker.report.complete) continue;
      const { signatures, survivors } = marker;
      if (!(await outputsIntact(this.folder, [survivors, ...signatures.map(({ file }) => file)]))) continue;
      state.measured = marker;
      if ((await this.doneMarker(state)) === undefined) await this.requireCandidates(state);
      if (state.measured !== undefined) this.events.measured(state.unit, marker.report, true);
    }
  }

  /** Forgets the first pass of a unit whose files for the second are not there. */
  private async requireCandidates(state: UnitState): Promise<void> {
    const { measured } = state;
    if (measured === undefined) return;
    if (!(await outputsIntact(this.folder, [...measured.candidates, ...measured.outputs])))
      state.measured = undefined;
  }

  private async measure(states: readonly UnitState[]): Promise<void> {
    const todo = states.filter((state) => state.measured === undefined);
    if (this.plan.limit === null) {
      await this.measureUnits(todo, undefined);
      return;
    }
    // The limit counts documents in unit order, so each unit must know how many came before it.
    for (const state of this.states) {
      const left = this.documentsLeft(state);
      const { measured } = state;
      const isEnough =
        measured !== undefined &&
        (measured.limit === left || measured.report.ledger.in < Math.min(measured.limit!, left));
      if (!isEnough) await this.measureUnits([state], left);
    }
  }

  private documentsLeft(until: UnitState): number {
    let left = this.plan.limit!;
    for (const state of this.states) {
      if (state === until) break;
      left -= state.measured?.report.ledger.in ?? 0;
    }
    return Math.max(0, left);
  }

  private async measureUnits(states: readonly UnitState[], limit: number | undefined): Promise<void> {
    const byId = new Map(states.map((state) => [state.unit.name, state]));
    const tasks = states.map(({ unit }): PoolTask => {
      const task = { unit: unit.read, name: unit.name, folder: this.folder, filter: this.plan.filter };
      const payload: FilterStep = { step: 'measure', task: limit === undefined ? task : { ...task, limit } };
      return { id: unit.name, payload };
    });
    for (const state of states) await this.forgetFinished(state);
    await this.pool.run(tasks, async (task, outcome) => {
      const state = byId.get(task.id)!;
      const measured = outcome.ok ? (outcome.value as MeasuredUnit) : await this.giveUp(state, outcome);
      state.measured = { ...measured, limit: limit ?? null };
      await writeMarker(this.path(state, 'measured'), { plan: this.plan.hash, ...state.measured });
      this.events.measured(state.unit, measured.report, false);
    });
  }

  private async giveUp(state: UnitState, outcome: PoolOutcome & { ok: false }): Promise<MeasuredUnit> {
    this.events.failed(state.unit, outcome.problem);
    const most = this.plan.limit === null ? Number.POSITIVE_INFINITY : this.documentsLeft(state);
    return failedUnit(this.folder, state.unit, this.plan.filter, outcome.problem, most);
  }

  /** Before a unit is worked on again: its output, and the job's, no longer count. */
  private async forgetFinished(state: UnitState): Promise<void> {
    state.finished = undefined;
    await rm(join(this.folder, 'ledger.json'), { force: true });
    await rm(this.path(state, 'done'), { force: true });
  }

  /** Units whose output is in place and was made from this first pass and these drop lists. Of `own` units the others' markers go. */
  private async recogniseFinished(barrier: BarrierResult, own: readonly UnitState[]): Promise<void> {
    const first = this.firstDocuments();
    for (const [i, state] of this.states.entries()) {
      state.finished = undefined;
      const done = await this.doneMarker(state);
      if (done !== undefined && done.basis === this.basisOf(state, barrier, first[i]!)) {
        const report = readMarker<LedgerMarker>(this.path(state, 'ledger'), this.plan.hash);
        if (report !== undefined) state.finished = { report, outputs: done.outputs };
      }
      if (state.finished === undefined && own.includes(state)) await this.forgetFinished(state);
    }
  }

  /** Number in the job of each unit's first document; all units must be measured. */
  private firstDocuments(): number[] {
    let next = 0;
    return this.states.map((state) => {
      const first = next;
      next += state.measured!.documents;
      return first;
    });
  }

  /** What a unit's finished output was made from. */
  private basisOf(state: UnitState, barrier: BarrierResult, firstDocument: number): string {
    const { candidates, outputs } = state.measured!;
    const { name } = state.unit;
    const list = barrier.lists.find(({ path }) => path === dropListPath(name));
    const clusters = barrier.clusters[name] ?? [];
    return fingerprint([candidates, outputs, list?.sha256 ?? null, clusters, firstDocument]);
  }

  private async finish(states: readonly UnitState[], barrier: BarrierResult): Promise<void> {
    const tasks: PoolTask[] = [];
    const byId = new Map<string, { state: UnitState; firstDocument: number }>();
    const first = this.firstDocuments();
    for (const [i, state] of this.states.entries()) {
      if (state.finished !== undefined || !states.includes(state)) continue;
      const { name } = state.unit;
      const firstDocument = first[i]!;
      const measured = state.measured!;
      const task = { name, folder: this.folder, filter: this.plan.filter, measured, firstDocument };
      tasks.push({ id: name, payload: { step: 'finish', task } satisfies FilterStep });
      byId.set(name, { state, firstDocument });
    }
    await this.pool.run(tasks, async (task, outcome) => {
      if (!outcome.ok) throw poolFailure(`unit ${task.id} could not be finished`, outcome);
      const { state, firstDocument } = byId.get(task.id)!;
      const finished = outcome.value as FinishedUnit;
      await writeMarker(this.path(state, 'ledger'), { plan: this.plan.hash, ...finished.report });
      await writeMarker(this.path(state, 'done'), {
        plan: this.plan.hash,
        basis: this.basisOf(state, barrier, firstDocument),
        complete: finished.report.complete,
        outputs: finished.outputs,
      });
      state.finished = finished;
    });
  }

  /** The unit's done marker, if its outputs are all in place. */
  private async doneMarker(state: UnitState): Promise<DoneMarker | undefined> {
    const marker = readMarker<DoneMarker>(this.path(state, 'done'), this.plan.hash);
    if (marker === undefined || !marker.complete) return undefined;
    return (await outputsIntact(this.folder, marker.outputs)) ? marker : undefined;
  }

  private path(state: UnitState, what: 'measured' | 'ledger' | 'done'): string {
    return join(this.folder, 'units', `${state.unit.name}.${what}.json`);
  }
}
