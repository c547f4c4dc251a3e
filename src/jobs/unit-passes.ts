/** The two passes of a filter job over some of its units, on a pool: each result becomes a marker as soon as it is there. */
import type { FinishedUnit } from '../stages/finish-unit.ts';
import { type LocalPool, type PoolOutcome, type PoolTask, poolFailure } from '../stages/local-pool.ts';
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { PlannedUnit } from '../stages/plan-filter.ts';
import type { UnitReport } from '../stages/unit-report.ts';
import type { BarrierResult } from './dedup-markers.ts';
import { failedUnit } from './failed-unit.ts';
import type { UnitState, UnitStates } from './unit-states.ts';
import type { FilterStep } from './unit-worker.ts';

export interface JobEvents {
  /** A unit is through its first pass; `reused` when an earlier run did it. */
  measured(unit: PlannedUnit, report: UnitReport, reused: boolean): void;
  /** A unit was given up. */
  failed(unit: PlannedUnit, problem: string): void;
}

export class UnitPasses {
  private readonly units: UnitStates;
  private readonly pool: LocalPool;
  private readonly events: JobEvents;

  constructor(units: UnitStates, pool: LocalPool, events: JobEvents) {
    this.units = units;
    this.pool = pool;
    this.events = events;
  }

  /** The first pass over `states`, of each `limit` documents at most. One that cannot be done is given up; a drained pool leaves some. */
  async measure(states: readonly UnitState[], limit?: number): Promise<void> {
    const { folder, plan } = this.units;
    const tasks = states.map(({ unit }): PoolTask => {
      const task = { unit: unit.read, name: unit.name, folder, filter: plan.filter };
      const payload: FilterStep = { step: 'measure', task: limit === undefined ? task : { ...task, limit } };
      return { id: unit.name, payload };
    });
    for (const state of states) await this.units.forgetFinished(state);
    await this.pool.run(tasks, async (task, outcome) => {
      const state = this.units.of(task.id);
      const measured = outcome.ok
        ? (outcome.value as MeasuredUnit)
        : await this.giveUp(state, outcome, limit ?? Number.POSITIVE_INFINITY);
      await this.units.setMeasured(state, measured, limit ?? null);
      this.events.measured(state.unit, measured.report, false);
    });
  }

  /** The second pass over those of `states` that are not finished; all must be measured. */
  async finish(states: readonly UnitState[], barrier: BarrierResult): Promise<void> {
    const { folder, plan } = this.units;
    const tasks = states
      .filter(({ finished }) => finished === undefined)
      .map((state): PoolTask => {
        const { name } = state.unit;
        const measured = state.measured!;
        const task = { name, folder, filter: plan.filter, measured, firstDocument: barrier.first[name]! };
        return { id: name, payload: { step: 'finish', task } satisfies FilterStep };
      });
    await this.pool.run(tasks, async (task, outcome) => {
      if (!outcome.ok) throw poolFailure(`unit ${task.id} could not be finished`, outcome);
      const state = this.units.of(task.id);
      await this.units.setFinished(state, outcome.value as FinishedUnit, barrier);
    });
  }

  private giveUp(
    { unit }: UnitState,
    { problem }: PoolOutcome & { ok: false },
    most: number,
  ): Promise<MeasuredUnit> {
    this.events.failed(unit, problem);
    return failedUnit(this.units.folder, unit, this.units.plan.filter, problem, most);
  }
}
