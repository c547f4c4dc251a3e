/**
 * A filter job in a prepared folder: two passes over the units and the barrier between them, resumable at every point.
 *
 * 1. measure: each unit without a valid first pass is read, measured and set aside (measure-unit.ts).
 * 2. dedup: when all units are measured, the barrier compares all signatures and chooses the copies that stay (dedup-barrier.ts).
 * 3. finish: each unit whose output is not in place is finished (finish-unit.ts); its ledger and then its done marker follow.
 *
 * What is valid is decided by markers alone (unit-states.ts, dedup-markers.ts), so a killed job goes on where it was; a marker that is out
 * of date goes before the work that replaces it begins, and so does ledger.json, which says that the job is done. A unit whose input was
 * partly lost, or that failed, is tried again by the next run. A job may be shared by ranks: each measures the units that its number falls
 * to, and finishes them once somebody has done the barrier; a run without a rank does all that is left. Shares that a scheduler gives out
 * are filter-share.ts, on the same passes (unit-passes.ts).
 */
import type { LocalPool } from '../stages/local-pool.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import { DedupBarrier } from './dedup-barrier.ts';
import type { BarrierResult } from './dedup-markers.ts';
import { type JobResult, sweepJob } from './job-result.ts';
import { isOfRank, type Rank } from './rank.ts';
import { type JobEvents, UnitPasses } from './unit-passes.ts';
import { type UnitState, UnitStates } from './unit-states.ts';

export class FilterJob {
  private readonly plan: FilterPlan;
  private readonly units: UnitStates;
  private readonly passes: UnitPasses;
  private readonly barrier: DedupBarrier;
  private readonly events: JobEvents;

  constructor(folder: string, plan: FilterPlan, pool: LocalPool, events: JobEvents) {
    this.plan = plan;
    this.events = events;
    this.units = new UnitStates(folder, plan);
    this.passes = new UnitPasses(this.units, pool, events);
    this.barrier = new DedupBarrier(folder, plan, pool);
  }

  /** Runs what is left to do. */
  async run(): Promise<JobResult> {
    const { all } = this.units;
    await this.takeStock(all);
    let barrier: BarrierResult;
    do {
      await this.measure(all);
      barrier = await this.barrier.run(this.units.allMeasured!);
      await this.recogniseFinished(all, barrier);
    } while (this.units.allMeasured === undefined);
    await this.passes.finish(all, barrier);
    return sweepJob(this.units, barrier);
  }

  /** One rank's part: its units measured and, when the barrier is done, finished. Answers how many units of the job are measured and finished. */
  async runRank(rank: Rank): Promise<{ units: number; measured: number; finished: number; own: number }> {
    const { all } = this.units;
    const own = all.filter(({ unit }) => isOfRank(unit.name, rank));
    await this.takeStock(own);
    await this.measure(own);
    const others = all.filter((state) => !own.includes(state));
    await this.takeStock(others);
    const measured = all.filter((state) => state.measured !== undefined).length;
    const firstPasses = this.units.allMeasured;
    if (firstPasses !== undefined) {
      const barrier = await this.barrier.markers.existing(firstPasses, 'contents');
      if (barrier !== undefined) {
        await this.units.recogniseFinished(others, barrier, 'contents');
        await this.recogniseFinished(own, barrier);
        await this.passes.finish(
          own.filter((state) => state.measured !== undefined),
          barrier,
        );
      }
    }
    const finished = all.filter((state) => state.finished !== undefined).length;
    return { units: all.length, measured, finished, own: own.length };
  }

  /** Which units an earlier run, or another rank, measured. */
  private async takeStock(states: readonly UnitState[]): Promise<void> {
    await this.units.takeStock(states, 'contents');
    for (const { unit, measured } of states)
      if (measured !== undefined) this.events.measured(unit, measured.report, true);
  }

  /**
   * Units that are finished; of the others the markers go. One whose finished output no longer fits the drop lists may lack the file that the
   * second pass reads, and is then measured no more.
   */
  private async recogniseFinished(states: readonly UnitState[], barrier: BarrierResult): Promise<void> {
    await this.units.recogniseFinished(states, barrier, 'contents');
    for (const state of states) {
      if (state.finished !== undefined) continue;
      await this.units.forgetFinished(state);
      await this.units.requireCandidates(state, 'contents');
    }
  }

  private async measure(states: readonly UnitState[]): Promise<void> {
    const todo = states.filter((state) => state.measured === undefined);
    if (this.plan.limit === null) {
      await this.passes.measure(todo);
      return;
    }
    // The limit counts documents in unit order, so each unit must know how many came before it.
    let left = this.plan.limit;
    for (const state of this.units.all) {
      const { measured } = state;
      const isEnough =
        measured !== undefined &&
        (measured.limit === left || measured.report.ledger.in < Math.min(measured.limit!, left));
      if (!isEnough) await this.passes.measure([state], left);
      left = Math.max(0, left - state.measured!.report.ledger.in);
    }
  }
}
