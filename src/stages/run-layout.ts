/** What lies where in the folder of a filter run. */
import { join } from 'node:path';

export const folders = {
  kept: 'kept',
  dropped: 'dropped',
  signals: 'signals',
  contamination: 'contamination',
  units: 'units',
  dedup: 'dedup',
  work: 'work',
} as const;

/** In the folder of a dedup step: what its comparison has found so far. */
export const edgesFolder = 'edges';

/** Folders of results, whose files are named for their unit. */
export const outputFolders = [folders.kept, folders.dropped, folders.signals, folders.contamination] as const;

/** A bit per document of a unit: whether no rule dropped it. */
export function survivorsPath(unit: string): string {
  return join(folders.dedup, `${unit}.survivors`);
}
