/** A worker's side of shared models: those that the thread which started it has read (shared-models.ts), by their path. */
import { workerData } from 'node:worker_threads';
import type { FastTextData } from '../../classifiers/fasttext/model-data.ts';

/** What the pool hands to each worker as `workerData`. */
export interface SharedModels {
  fastText: Record<string, FastTextData>;
}

/** The shared model of that path where there is one, else the path, which is then read by this thread. */
export function sharedModel(path: string): FastTextData | string {
  return (workerData as SharedModels | null)?.fastText?.[path] ?? path;
}
