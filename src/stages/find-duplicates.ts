/**
 * The barrier between the two passes: all signatures of all units against each other, then one drop list per unit.
 *
 * A drop list, `dedup/<unit>.drops`, holds the rows of the unit's `work/` file to leave out, as unsigned little-endian words,
 * ascending. Without dedup the lists are empty.
 */
import { join } from 'node:path';
import { findDuplicates } from '../dedup/first-wins.ts';
import { AtomicFile } from '../io/atomic.ts';
import { signaturesFolder } from './measure-unit.ts';
import type { UnitProgress } from './unit-progress.ts';
import type { OutputFile } from './unit-report.ts';

export interface DedupTask {
  folder: string;
  /** Unit names in unit order. */
  names: string[];
  dedup: 'exact' | 'none';
}

/** Writes the drop lists; answers them in unit order. */
export async function writeDropLists(task: DedupTask, progress: UnitProgress): Promise<OutputFile[]> {
  const lists =
    task.dedup === 'exact'
      ? findDuplicates(
          task.names.map((name) => join(task.folder, signaturesFolder, `${name}.signatures`)),
          { onPart: () => progress.beat() },
        )
      : task.names.map(() => new Uint32Array());
  const written: OutputFile[] = [];
  for (const [i, name] of task.names.entries()) {
    const rows = lists[i]!;
    const bytes = new Uint8Array(rows.length * 4);
    const view = new DataView(bytes.buffer);
    rows.forEach((row, k) => {
      view.setUint32(4 * k, row, true);
    });
    const path = dropListPath(name);
    const file = await AtomicFile.create(join(task.folder, path));
    await file.write(bytes);
    written.push({ path, rows: rows.length, ...(await file.commit()) });
    progress.beat();
  }
  return written;
}

export function dropListPath(name: string): string {
  return join(signaturesFolder, `${name}.drops`);
}

/** The rows of a drop list file's bytes. */
export function decodeDropList(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Uint32Array(bytes.byteLength / 4).map((_, i) => view.getUint32(4 * i, true));
}
