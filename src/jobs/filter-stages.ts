/** The stages of a filter job that many machines share: which items each has, and what they weigh. Pure, from the plan and the first passes. */
import type { MeasuredUnit } from '../stages/measure-unit.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { BatchStage } from './batch-job.ts';
import type { DedupMarkers } from './dedup-markers.ts';

export const stageNames = ['measure', 'compare', 'dedup', 'finish', 'conclude'] as const;
export type FilterStage = (typeof stageNames)[number];

/** Weight of what is small whatever the corpus: opening files, writing markers; in bytes to read. */
const overheadBytes = 1 << 16;
/** Bytes of a signature, to compare one document. */
const bytesPerDocument = 16;

export function measureStage(plan: FilterPlan): BatchStage {
  const items = plan.units.map(({ name, read }) => ({ id: name, weight: read.bytes + overheadBytes }));
  return { name: 'measure', kind: 'measure', items, alone: false };
}

/** Parts of every dedup step. */
export function compareStage(markers: DedupMarkers, measured: readonly MeasuredUnit[]): BatchStage {
  const documents = measured.reduce((sum, unit) => sum + unit.documents, 0);
  const items = markers.plan.filter.dedup.flatMap((step) =>
    markers.parts(step, measured).map(({ id, part }) => {
      const share = (part.to - part.from) / 2 ** 32;
      // A part opens the signatures of every unit.
      const weight = Math.ceil(documents * share * bytesPerDocument) + measured.length + overheadBytes;
      return { id, weight };
    }),
  );
  return { name: 'compare', kind: 'compare', items, alone: false };
}

export function finishStage(plan: FilterPlan, measured: readonly MeasuredUnit[]): BatchStage {
  const items = plan.units.map(({ name }, i) => {
    const bytes = measured[i]!.candidates.reduce((sum, file) => sum + file.bytes, 0);
    return { id: name, weight: bytes + overheadBytes };
  });
  return { name: 'finish', kind: 'finish', items, alone: false };
}

/** A stage that one process does alone. */
export function aloneStage(name: 'dedup' | 'conclude'): BatchStage {
  return { name, kind: name, items: [{ id: name, weight: 1 }], alone: true };
}
