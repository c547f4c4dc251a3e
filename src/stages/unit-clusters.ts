/** The cluster of each document of one unit, for one dedup step. Documents that are alone are their own cluster of one. */
import { join } from 'node:path';
import { readClusterFile } from '../dedup/cluster-file.ts';
import type { DedupStep } from './resolved-filter.ts';

export function clustersPath(step: DedupStep['name'], unit: string): string {
  return join('dedup', step, `${unit}.clusters`);
}

export class UnitClusters {
  readonly step: DedupStep['name'];
  private readonly firstDocument: number;
  private readonly index: Uint32Array;
  private readonly cluster: Float64Array;
  private readonly size: Uint32Array;
  /** Place of the first entry not below the last index asked for: indices come in ascending order. */
  private at = 0;

  private constructor(
    step: DedupStep['name'],
    firstDocument: number,
    file: { index: Uint32Array; cluster: Float64Array; size: Uint32Array },
  ) {
    this.step = step;
    this.firstDocument = firstDocument;
    this.index = file.index;
    this.cluster = file.cluster;
    this.size = file.size;
  }

  /** `firstDocument`: number in the job of the unit's document 0. */
  static async open(
    folder: string,
    step: DedupStep['name'],
    unit: string,
    firstDocument: number,
  ): Promise<UnitClusters> {
    return new UnitClusters(
      step,
      firstDocument,
      await readClusterFile(join(folder, clustersPath(step, unit))),
    );
  }

  /** Call with ascending indices. */
  of(index: number): { cluster: number; size: number } {
    while (this.at < this.index.length && this.index[this.at]! < index) this.at++;
    if (this.index[this.at] !== index) return { cluster: this.firstDocument + index, size: 1 };
    return { cluster: this.cluster[this.at]!, size: this.size[this.at]! };
  }
}
