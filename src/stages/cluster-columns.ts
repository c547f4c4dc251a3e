/**
 * The columns that the dedup steps add to written rows: `dedup.<step>.cluster` (number of the cluster's first document in the whole job; its own
 * for a document that is alone) and `dedup.<step>.size`.
 */
import type { RecordBatch } from 'apache-arrow';
import { int32Vector, int64Vector, withColumns } from '../core/batch.ts';
import type { ResolvedFilter } from './resolved-filter.ts';
import { UnitClusters } from './unit-clusters.ts';

export class ClusterColumns {
  private readonly steps: readonly UnitClusters[];

  private constructor(steps: readonly UnitClusters[]) {
    this.steps = steps;
  }

  /** `firstDocument`: number, through all units, of the unit's first document. */
  static async open(unit: {
    folder: string;
    name: string;
    filter: Pick<ResolvedFilter, 'dedup'>;
    firstDocument: number;
  }): Promise<ClusterColumns> {
    const { folder, name, filter, firstDocument } = unit;
    return new ClusterColumns(
      await Promise.all(
        filter.dedup.map((step) => UnitClusters.open(folder, step.name, name, firstDocument)),
      ),
    );
  }

  /** `indices`: of the rows among the unit's documents; ascending, over all calls. */
  add(records: RecordBatch, indices: readonly number[]): RecordBatch {
    return withColumns(
      records,
      this.steps.flatMap((step) => {
        const found = indices.map((index) => step.of(index));
        return [
          { name: `dedup.${step.step}.cluster`, vector: int64Vector(found.map(({ cluster }) => cluster)) },
          { name: `dedup.${step.step}.size`, vector: int32Vector(found.map(({ size }) => size)) },
        ];
      }),
    );
  }
}
