/** The thread of a filter job: serves the steps that touch documents. Started by local-pool.ts from source or from dist. */
import { InterruptedError } from '../core/errors.ts';
import { initHash64 } from '../core/hash64.ts';
import { clusterDocuments } from '../dedup/cluster-documents.ts';
import { findEdges } from '../dedup/find-edges.ts';
import { type ChooseTask, chooseCopies } from '../stages/choose-copies.ts';
import { type FinishTask, finishUnit } from '../stages/finish-unit.ts';
import { type MeasureTask, measureUnit } from '../stages/measure-unit.ts';
import { serveUnits } from '../stages/serve-units.ts';

export type FilterStep =
  | { step: 'measure'; task: MeasureTask }
  | { step: 'edges'; task: Parameters<typeof findEdges>[0] }
  | { step: 'cluster'; task: Parameters<typeof clusterDocuments>[0] }
  | { step: 'choose'; task: ChooseTask }
  | { step: 'finish'; task: FinishTask };

serveUnits(async (payload, progress, skip) => {
  await initHash64();
  const work = payload as FilterStep;
  const betweenFiles = (): void => {
    progress.beat();
    if (progress.stopRequested) throw new InterruptedError();
  };
  switch (work.step) {
    case 'measure':
      return measureUnit(work.task, progress, skip);
    case 'edges':
      return findEdges(work.task, betweenFiles);
    case 'cluster':
      return clusterDocuments(work.task, betweenFiles);
    case 'choose':
      return chooseCopies(work.task, progress);
    case 'finish':
      return finishUnit(work.task, progress);
  }
});
