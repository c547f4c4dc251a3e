/** Which log an element wrote last, and how it ends. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SlurmFolder } from './slurm-folder.ts';
import { logName, reconcileLogName, type Submission } from './submission.ts';

/** Of the newest submission (`submissions`: of one stage, in order) in which the element wrote one. */
export function elementLog(
  folder: SlurmFolder,
  submissions: readonly Submission[],
  element: number,
): { path: string; attempt: number } | undefined {
  for (const submission of submissions.toReversed()) {
    const at = submission.arrays.findIndex(({ offset, indexes }) => indexes.includes(element - offset));
    const array = submission.arrays[at];
    if (array === undefined) continue;
    const path = join(folder.logs, logName(submission, at, element - array.offset));
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true)
      return { path, attempt: submission.attempt };
  }
  return undefined;
}

/** The reconcile log that was written last; ids do not tell, since Slurm may give one again after a loss. */
export function newestReconcileLog(folder: SlurmFolder, submissions: readonly Submission[]): string | null {
  const logs = submissions.flatMap((submission) =>
    submission.reconciles.flatMap(({ id }) => {
      const path = id === null ? undefined : join(folder.logs, reconcileLogName(submission, id));
      const written = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      return written === undefined ? [] : [{ path: path!, written }];
    }),
  );
  return logs.sort((a, b) => b.written - a.written)[0]?.path ?? null;
}

/** The last `lines` lines of a file, of its last 256 KiB. */
export function lastLines(path: string, lines: number): string[] {
  const most = 256 * 1024;
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, most));
    const read = readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    const text = bytes.toString('utf8', 0, read).replace(/\n$/, '');
    return text === '' ? [] : text.split('\n').slice(-lines);
  } finally {
    closeSync(fd);
  }
}
