/** The files of a job's units on disk, by the unit they belong to; and sweeping away those that belong to nothing any more. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeLeftovers } from '../io/atomic.ts';
import { edgesFolder, folders, outputFolders } from '../stages/run-layout.ts';

/** A unit's name begins with its number and has no dot; whatever else lies there is not ours to remove. */
const ofUnit = /^\d{4,}-/;

/** `dedup` and the folder of each step in it. */
function dedupFolders(folder: string): string[] {
  return [
    folders.dedup,
    ...listOf(join(folder, folders.dedup), true).map((step) => join(folders.dedup, step)),
  ];
}

/** Removes `.tmp-` files that a killed process or an ended thread left. Only with the job's lock. */
export async function sweepLeftovers(folder: string): Promise<void> {
  const dedup = dedupFolders(folder);
  const edges = dedup.slice(1).map((step) => join(step, edgesFolder));
  for (const sub of ['.', ...outputFolders, folders.units, folders.work, ...dedup, ...edges])
    await removeLeftovers(join(folder, sub));
}

/** Removes what is left of comparisons whose clusters are made. Only with the job's lock. */
export function sweepEdges(folder: string): void {
  for (const step of dedupFolders(folder).slice(1))
    rmSync(join(folder, step, edgesFolder), { recursive: true, force: true });
}

/** Removes outputs that no unit has any more: those of a unit that now keeps nothing, or was given up. `outputs`: all that count, relative to `folder`. */
export function sweepOutputs(folder: string, outputs: ReadonlySet<string>): void {
  for (const sub of outputFolders) {
    for (const name of listOf(join(folder, sub), false)) {
      if (ofUnit.test(name) && !outputs.has(join(sub, name)))
        rmSync(join(folder, sub, name), { force: true });
    }
  }
}

/** Removes every file of units other than `keep`. */
export function sweepUnits(folder: string, keep: ReadonlySet<string>): void {
  for (const sub of [...outputFolders, folders.units, folders.work, ...dedupFolders(folder)]) {
    for (const name of listOf(join(folder, sub), false)) {
      if (ofUnit.test(name) && !keep.has(name.split('.', 1)[0]!))
        rmSync(join(folder, sub, name), { force: true });
    }
  }
}

function listOf(folder: string, folders: boolean): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() === folders)
      .map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
