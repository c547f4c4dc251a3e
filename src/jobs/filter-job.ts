/**
 * A filter job in a prepared folder: the two passes over the units and the barrier between them, resumable at every point.
 *
 * 1. measure: each unit without a valid first pass is read, measured and set aside (measure-unit.ts).
 * 2. dedup: when all units are measured, drop lists are made from all signatures (find-duplicates.ts).
 * 3. finish: each unit whose output is not in place is finished (finish-unit.ts); its ledger and then its done marker follow.
 *
 * What is valid is decided by markers alone (markers.ts), so a killed job goes on where it was. A unit whose input was partly
 * lost, or that failed, is tried again by the next run.
 */

import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint, stableJson } from '../core/config.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { dropListPath } from '../stages/find-duplicates.ts';
import type { FinishedUnit } from '../stages/finish-unit.ts';
import { DocumentMeasurer } from '../stages/measure-document.ts';
import { candidatesFolder, type MeasuredUnit, signaturesFolder } from '../stages/measure-unit.ts';
import type { FilterPlan, PlannedUnit } from '../stages/plan-filter.ts';
import { emptyReport, type OutputFile, type UnitReport } from '../stages/unit-report.ts';
import type { LocalPool, PoolOutcome, PoolTask } from './local-pool.ts';
import {
  type DedupMarker,
  type DoneMarker,
  type MeasuredMarker,
  outputsIntact,
  readMarker,
  writeMarker,
} from './markers.ts';
import type { FilterStep } from './unit-worker.ts';

interface UnitState {
  unit: PlannedUnit;
  measured: MeasuredUnit | undefined;
  /** The final report, once the unit's outputs are in place. */
  finished: FinishedUnit | undefined;
}

export interface JobEvents {
  /** A unit is through its first pass; `reused` when an earlier run did it. */
  measured(unit: PlannedUnit, report: UnitReport, reused: boolean): void;
  /** A unit was given up. */
  failed(unit: PlannedUnit, problem: string): void;
}

export class FilterJob {
  private readonly folder: string;
  private readonly plan: FilterPlan;
  private readonly pool: LocalPool;
  private readonly events: JobEvents;
  private readonly states: UnitState[];
  private readonly measurer: DocumentMeasurer;

  constructor(folder: string, plan: FilterPlan, pool: LocalPool, events: JobEvents) {
    this.folder = folder;
    this.plan = plan;
    this.pool = pool;
    this.events = events;
    this.states = plan.units.map((unit) => ({ unit, measured: undefined, finished: undefined }));
    this.measurer = new DocumentMeasurer(plan.filter);
  }

  /** Runs what is left to do and answers the reports of all units, in unit order, and the output files. */
  async run(): Promise<{ reports: UnitReport[]; outputs: OutputFile[] }> {
    await this.takeStock();
    for (;;) {
      await this.measure();
      await this.dropDuplicates();
      // A unit whose finished output no longer fits the drop lists may lack the file that the second pass reads.
      for (const state of this.states) if (state.finished === undefined) await this.requireCandidates(state);
      if (this.states.every((state) => state.measured !== undefined)) break;
    }
    await this.finish();
    await rm(join(this.folder, candidatesFolder), { recursive: true, force: true });
    return {
      reports: this.states.map((state) => state.finished!.report),
      outputs: this.states.flatMap((state) => state.finished!.outputs),
    };
  }

  /** Which units an earlier run measured. */
  private async takeStock(): Promise<void> {
    for (const state of this.states) {
      const marker = readMarker<MeasuredMarker>(this.path(state, 'measured'), this.plan.hash);
      if (marker === undefined || !marker.report.complete) continue;
      if (!(await outputsIntact(this.folder, [marker.signatures]))) continue;
      state.measured = marker;
      if ((await this.doneMarker(state)) === undefined) await this.requireCandidates(state);
      if (state.measured !== undefined) this.events.measured(state.unit, marker.report, true);
    }
  }

  /** Forgets the first pass of a unit whose files for the second are not there. */
  private async requireCandidates(state: UnitState): Promise<void> {
    const { measured } = state;
    if (measured === undefined) return;
    if (!(await outputsIntact(this.folder, [...measured.candidates, ...measured.dropped])))
      state.measured = undefined;
  }

  private async measure(): Promise<void> {
    const todo = this.states.filter((state) => state.measured === undefined);
    if (this.plan.limit !== null) {
      // The limit counts documents in unit order, so each unit must know how many came before it.
      for (const state of this.states) {
        if (state.measured === undefined) await this.measureUnits([state], this.documentsLeft(state));
      }
    } else await this.measureUnits(todo, undefined);
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
    const tasks = states.map(
      ({ unit }): PoolTask => ({
        id: unit.name,
        payload: {
          step: 'measure',
          task: {
            unit: unit.read,
            name: unit.name,
            folder: this.folder,
            filter: this.plan.filter,
            ...(limit === undefined ? {} : { limit }),
          },
        } satisfies FilterStep,
      }),
    );
    await this.pool.run(tasks, async (task, outcome) => {
      const state = byId.get(task.id)!;
      const measured = outcome.ok ? (outcome.value as MeasuredUnit) : await this.giveUp(state, outcome);
      state.measured = measured;
      await writeMarker(this.path(state, 'measured'), { plan: this.plan.hash, ...measured });
      this.events.measured(state.unit, measured.report, false);
    });
  }

  /** A unit that could not be measured counts as all its documents failed; as one where the plan does not know how many. */
  private async giveUp(state: UnitState, outcome: PoolOutcome & { ok: false }): Promise<MeasuredUnit> {
    const { unit } = state;
    this.events.failed(unit, outcome.problem);
    const report = emptyReport(this.measurer.signals, this.measurer.rules.length);
    const documents = Math.min(
      unit.read.rows ?? 1,
      this.plan.limit === null ? Number.POSITIVE_INFINITY : this.documentsLeft(state),
    );
    report.ledger.in = documents;
    report.ledger.failed = { unit_failed: documents };
    report.failures = [{ file: unit.read.file, place: `unit ${unit.name}`, problem: outcome.problem }];
    report.complete = false;
    const path = join(signaturesFolder, `${unit.name}.signatures`);
    await writeFileAtomic(join(this.folder, path), new Uint8Array());
    await rm(join(this.folder, 'dropped', `${unit.name}.parquet`), { force: true });
    const signatures = { path, rows: 0, bytes: 0, sha256: createHash('sha256').digest('hex') };
    return { report, candidates: [], dropped: [], signatures };
  }

  private async dropDuplicates(): Promise<void> {
    const path = join(this.folder, 'dedup', 'done.json');
    const basis = fingerprint(this.states.map((state) => state.measured!.signatures.sha256));
    let marker = readMarker<DedupMarker>(path, this.plan.hash);
    if (marker === undefined || marker.basis !== basis || !(await outputsIntact(this.folder, marker.lists))) {
      const names = this.states.map((state) => state.unit.name);
      const payload: FilterStep = {
        step: 'dedup',
        task: { folder: this.folder, names, dedup: this.plan.filter.dedup },
      };
      let lists: OutputFile[] = [];
      await this.pool.run([{ id: 'dedup', payload }], async (_task, outcome) => {
        if (!outcome.ok) throw new Error(`the search for duplicates failed: ${outcome.problem}`);
        lists = outcome.value as OutputFile[];
      });
      marker = { plan: this.plan.hash, basis, lists };
      await writeMarker(path, marker);
    }
    const lists = new Map(marker.lists.map((list) => [list.path, list.sha256]));
    for (const state of this.states) {
      const done = await this.doneMarker(state);
      if (done === undefined || done.basis !== this.basisOf(state, lists)) continue;
      const report = readMarker<UnitReport & { plan: string }>(this.path(state, 'ledger'), this.plan.hash);
      if (report !== undefined) state.finished = { report, outputs: done.outputs };
    }
  }

  /** What a unit's finished output was made from. */
  private basisOf(state: UnitState, lists: ReadonlyMap<string, string>): string {
    const { candidates, dropped } = state.measured!;
    return fingerprint([candidates, dropped, lists.get(dropListPath(state.unit.name))]);
  }

  private async finish(): Promise<void> {
    const lists = new Map(
      (readMarker<DedupMarker>(join(this.folder, 'dedup', 'done.json'), this.plan.hash)?.lists ?? []).map(
        (list) => [list.path, list.sha256],
      ),
    );
    const todo = this.states.filter((state) => state.finished === undefined);
    const byId = new Map(todo.map((state) => [state.unit.name, state]));
    const tasks = todo.map(
      ({ unit, measured }): PoolTask => ({
        id: unit.name,
        payload: {
          step: 'finish',
          task: { name: unit.name, folder: this.folder, filter: this.plan.filter, measured: measured! },
        } satisfies FilterStep,
      }),
    );
    await this.pool.run(tasks, async (task, outcome) => {
      if (!outcome.ok) throw new Error(`unit ${task.id} could not be finished: ${outcome.problem}`);
      const state = byId.get(task.id)!;
      const finished = outcome.value as FinishedUnit;
      await writeFileAtomic(
        this.path(state, 'ledger'),
        `${stableJson({ plan: this.plan.hash, ...finished.report })}\n`,
      );
      await writeMarker(this.path(state, 'done'), {
        plan: this.plan.hash,
        basis: this.basisOf(state, lists),
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
