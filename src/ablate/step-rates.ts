/**
 * How long steps take on this machine: from finished steps of the same shape in the store, else of the same kind, else from what a probe measured. Steps that
 * went on after a kill or were imported say nothing about speed.
 */
import { existsSync, readdirSync } from 'node:fs';
import type { GridStep, StepKind } from './grid.ts';
import type { StepRecord, StepStore } from './store.ts';

/** Where a figure is from: the best first. */
export const rateSources = ['same shape', 'same kind', 'probe', 'file'] as const;
export type RateSource = (typeof rateSources)[number];

interface Sum {
  seconds: number;
  count: number;
  steps: number;
}

export interface Expected {
  seconds: number;
  source: RateSource;
}

export interface RateOptions {
  /** Only steps of this adapter count. */
  adapter?: string | undefined;
}

/** What is known where the store knows nothing: seconds of a step of a kind. */
export type Otherwise = (step: GridStep) => Expected | undefined;

export class StepRates {
  private readonly shapes = new Map<string, Sum>();
  private readonly kinds = new Map<StepKind, Sum>();
  private readonly otherwise: Otherwise | undefined;

  constructor(store: StepStore, { adapter }: RateOptions = {}, otherwise?: Otherwise) {
    this.otherwise = otherwise;
    for (const record of finishedSteps(store)) {
      if (adapter === undefined || record.adapter === undefined || record.adapter === adapter)
        this.add(record);
    }
  }

  add(record: StepRecord): void {
    if (record.resumed || record.imported === true) return;
    const add = <K>(sums: Map<K, Sum>, key: K): void => {
      const sum = sums.get(key) ?? { seconds: 0, count: 0, steps: 0 };
      sum.seconds += record.seconds;
      sum.count += record.work.count;
      sum.steps++;
      sums.set(key, sum);
    };
    add(this.shapes, record.shape);
    add(this.kinds, record.kind);
  }

  /** Undefined where nothing is known. */
  of(step: GridStep): Expected | undefined {
    const shape = this.shapes.get(step.shape);
    if (shape !== undefined) return { seconds: secondsOf(shape, step), source: 'same shape' };
    const known = this.otherwise?.(step);
    if (known?.source === 'probe') return known;
    const kind = this.kinds.get(step.kind);
    if (kind !== undefined) return { seconds: secondsOf(kind, step), source: 'same kind' };
    return known;
  }

  /** Of all the steps; undefined where one is unknown. */
  seconds(steps: readonly GridStep[]): number | undefined {
    let sum = 0;
    for (const step of steps) {
      const expected = this.of(step);
      if (expected === undefined) return undefined;
      sum += expected.seconds;
    }
    return sum;
  }
}

function secondsOf({ seconds, count, steps }: Sum, step: GridStep): number {
  return count > 0 && step.work.count > 0 ? (seconds * step.work.count) / count : seconds / steps;
}

function finishedSteps(store: StepStore): StepRecord[] {
  if (!existsSync(store.root)) return [];
  return readdirSync(store.root)
    .sort()
    .flatMap((id) => {
      try {
        return store.record(id) ?? [];
      } catch {
        return []; // a damaged record is told where its step is needed
      }
    });
}

/** `about 14 min`, `about 40 s`, `about 2.5 h`. */
export function minutesText(seconds: number): string {
  if (seconds < 90) return `about ${Math.ceil(seconds)} s`;
  if (seconds < 90 * 60) return `about ${Math.round(seconds / 60)} min`;
  return `about ${(seconds / 3600).toFixed(1)} h`;
}
