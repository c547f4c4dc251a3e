/**
 * Chooses the kept copy of every duplicate cluster again, for any set of documents that the rules let through.
 *
 * Clusters were found over all documents of the run, dropped ones too, so other thresholds need no new search: step by step, of the
 * surviving members of a cluster the one of highest priority stays (then the first in unit and index order) and the others are dropped.
 * Memory: 32 bytes per step and document that has a copy.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, UserError } from '../core/errors.ts';
import { readClusterFile } from '../dedup/cluster-file.ts';
import { keepBest } from '../dedup/keep-best.ts';
import { prioritySign } from './copy-priority.ts';
import type { DedupStep } from './resolved-filter.ts';
import type { SignalRun } from './run-signals.ts';
import { clustersPath } from './unit-clusters.ts';

/** The members of all clusters of one dedup step, in document order. */
export interface StepClusters {
  name: DedupStep['name'];
  cluster: Float64Array;
  unit: Uint32Array;
  index: Uint32Array;
  /** Numbers of the documents, through all units. */
  document: Float64Array;
}

/** Reads the clusters of every dedup step of the run, in step order. Needs `initHash64` awaited. */
export function readRunClusters(run: SignalRun): StepClusters[] {
  const steps: StepClusters[] = [];
  for (const { name } of run.plan.filter.dedup) {
    const parts: { unit: number; index: Uint32Array; cluster: Float64Array }[] = [];
    let members = 0;
    for (const [u, unit] of run.units.entries()) {
      const path = join(run.folder, clustersPath(name, unit.name));
      if (!existsSync(path)) {
        if (unit.rows === 0) continue;
        throw new UserError(`${path} is missing`, {
          hint: 'run the same midtrain filter command again; it makes what is missing',
        });
      }
      const { documents, index, cluster } = readClusterFile(path);
      if (documents !== unit.rows) {
        throw new InputError(path, `is about ${documents} documents; the unit has ${unit.rows}`, {
          hint: 'the folder holds files of two runs; run midtrain filter again with --fresh',
        });
      }
      members += index.length;
      if (index.length > 0) parts.push({ unit: u, index, cluster });
    }
    const step: StepClusters = {
      name,
      cluster: new Float64Array(members),
      unit: new Uint32Array(members),
      index: new Uint32Array(members),
      document: new Float64Array(members),
    };
    let at = 0;
    for (const { unit, index, cluster } of parts) {
      step.cluster.set(cluster, at);
      step.unit.fill(unit, at, at + index.length);
      step.index.set(index, at);
      const { first } = run.units[unit]!;
      for (let i = 0; i < index.length; i++) step.document[at + i] = first + index[i]!;
      at += index.length;
    }
    steps.push(step);
  }
  return steps;
}

export class CopyChooser {
  readonly steps: readonly StepClusters[];
  private readonly priorities: (Float64Array | undefined)[];

  /** `priorities`: per step and document of the run, the column that decides; undefined where the first copy stays. */
  constructor(
    run: SignalRun,
    steps: readonly StepClusters[],
    priorities: readonly (Float64Array | undefined)[],
  ) {
    this.steps = steps;
    this.priorities = steps.map((step, s) => {
      const values = priorities[s];
      const keep = run.plan.filter.dedup[s]?.keep;
      if (values === undefined || keep === undefined) return undefined;
      const sign = prioritySign(keep);
      const ranks = new Float64Array(step.document.length);
      for (let i = 0; i < ranks.length; i++) ranks[i] = sign * values[step.document[i]!]!;
      return ranks;
    });
  }

  /** Takes the copies that do not stay out of `survives` (1 per document that is left so far) and says which step dropped each. */
  drop(survives: Uint8Array, dropped?: (document: number, step: number) => void): void {
    for (const [s, { cluster, unit, index, document }] of this.steps.entries()) {
      // Only survivors compete, so only they are handed on.
      let left = 0;
      for (let i = 0; i < document.length; i++) left += survives[document[i]!]!;
      const rivals = {
        cluster: new Float64Array(left),
        unit: new Uint32Array(left),
        index: new Uint32Array(left),
      };
      const numbers = new Float64Array(left);
      const priority = this.priorities[s];
      const ranks = priority === undefined ? undefined : new Float64Array(left);
      let at = 0;
      for (let i = 0; i < document.length; i++) {
        const number = document[i]!;
        if (survives[number] === 0) continue;
        rivals.cluster[at] = cluster[i]!;
        rivals.unit[at] = unit[i]!;
        rivals.index[at] = index[i]!;
        if (ranks !== undefined) ranks[at] = priority![i]!;
        numbers[at++] = number;
      }
      const competitors = ranks === undefined ? rivals : { ...rivals, priority: ranks };
      const drops = keepBest(competitors, new Uint8Array(left).fill(1));
      for (let i = 0; i < left; i++) {
        if (drops[i] === 0) continue;
        survives[numbers[i]!] = 0;
        dropped?.(numbers[i]!, s);
      }
    }
  }
}
