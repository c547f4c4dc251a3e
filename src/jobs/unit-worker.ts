/** The thread of a filter job: serves the steps that touch documents. Started by local-pool.ts from source or from dist. */
import { type DedupTask, writeDropLists } from '../stages/find-duplicates.ts';
import { type FinishTask, finishUnit } from '../stages/finish-unit.ts';
import { type MeasureTask, measureUnit } from '../stages/measure-unit.ts';
import { serveUnits } from './serve-units.ts';

export type FilterStep =
  | { step: 'measure'; task: MeasureTask }
  | { step: 'dedup'; task: DedupTask }
  | { step: 'finish'; task: FinishTask };

serveUnits((payload, progress, skip) => {
  const work = payload as FilterStep;
  switch (work.step) {
    case 'measure':
      return measureUnit(work.task, progress, skip);
    case 'dedup':
      return writeDropLists(work.task, progress);
    case 'finish':
      return finishUnit(work.task, progress);
  }
});
