/** The index of benchmarks that a job keeps in its folder; apart from what makes it, because every worker loads this and none the other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContaminationIndex } from '../decontaminate/contamination-index.ts';
import { readIndex } from '../decontaminate/index-file.ts';

export function benchmarkIndexPath(folder: string): string {
  return join(folder, 'benchmarks.index');
}

/** Throws an `InputError` when the file is damaged. */
export function openBenchmarkIndex(folder: string): ContaminationIndex {
  const path = benchmarkIndexPath(folder);
  return readIndex(readFileSync(path), path);
}
