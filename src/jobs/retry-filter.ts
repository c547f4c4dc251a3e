/**
 * Opens a shared filter job again for what it lost: units whose input was partly unreadable, or that were given up, lose the markers of
 * their passes, and so does, when asked, everything whose files are damaged. The next survey gives them out. A local run needs none of it:
 * it tries lost units again by itself (filter-job.ts).
 */
import { DedupMarkers } from './dedup-markers.ts';
import { readPlan } from './job-folder.ts';
import { takeJobLock } from './job-locks.ts';
import { UnitStates } from './unit-states.ts';

/**
 * Answers the units that are to be done again. `verify`: also reads every file and compares its checksum. Throws a `UserError` while
 * anybody is at work in the folder.
 */
export async function reopenFilter(folder: string, { verify = false } = {}): Promise<string[]> {
  const plan = readPlan(folder);
  if (plan === undefined) return [];
  const lock = takeJobLock(folder);
  try {
    const check = verify ? 'contents' : 'sizes';
    const told = new UnitStates(folder, plan, { keepLost: true });
    told.believe(told.all);
    const units = new UnitStates(folder, plan);
    await units.takeStock(units.all, check);
    const again = units.all.filter(
      (state, i) => state.measured === undefined && told.all[i]!.measured !== undefined,
    );
    for (const state of again) {
      const isLost = told.of(state.unit.name).measured!.report.complete === false;
      await (isLost ? units.retryLoss(state) : units.forgetMeasured(state));
    }
    const names = new Set(again.map(({ unit }) => unit.name));
    const measured = told.allMeasured;
    const markers = new DedupMarkers(folder, plan);
    const barrier = measured && (await markers.existing(measured, 'trust'));
    if (measured === undefined || barrier === undefined) return [...names];
    for (const step of plan.filter.dedup)
      if ((await markers.clusters(step, measured, check)) === undefined) await markers.forgetClusters(step);
    if ((await markers.existing(measured, check)) === undefined) await markers.forgetChoice();
    await told.recogniseFinished(told.all, barrier, 'trust');
    const finished = told.all.filter((state) => state.finished !== undefined);
    await told.recogniseFinished(finished, barrier, check);
    for (const state of finished) {
      if (state.finished !== undefined) continue;
      await told.forgetFinished(state);
      names.add(state.unit.name);
    }
    return [...names];
  } finally {
    lock.release();
  }
}
