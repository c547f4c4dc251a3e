/** Damage to the files of a job's folder, and whether the job notices: for tests of what a rerun does about it. */
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { jobStatus } from '../../src/jobs/job-status.ts';

/** What kind of file a path of the run folder is: its folder and what follows the unit's name. */
function kindOf(path: string): string {
  return path.replace(/\d{4}-[^/.]*\./, '');
}

/** One file of each kind, the largest, by kind. */
export function oneOfEach(folder: string): Map<string, string> {
  const found = new Map<string, { path: string; bytes: number }>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = relative(folder, join(entry.parentPath, entry.name));
    const bytes = statSync(join(folder, path)).size;
    if (bytes > (found.get(kindOf(path))?.bytes ?? 0)) found.set(kindOf(path), { path, bytes });
  }
  return new Map([...found].map(([kind, { path }]): [string, string] => [kind, path]).sort());
}

export const damages = {
  'cut short': (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2)),
  'with a flipped bit': (path: string) => {
    const bytes = readFileSync(path);
    bytes[Math.floor(bytes.length * 0.6)]! ^= 1;
    writeFileSync(path, bytes);
  },
  missing: (path: string) => rmSync(path),
};

/** Written anew by every run, or no output: `jobs status` does not look at them. */
const notOutputs = /^(config\.json|pipeline\.yaml|benchmarks\.index(\.basis)?)$/;

/**
 * Whether `jobs status --verify` sees that the file `path`, which was just damaged, is not what it was. `whole`: the same of the undamaged
 * folder.
 */
export async function isNoticed(folder: string, path: string, whole: string): Promise<boolean> {
  if (notOutputs.test(path)) return true;
  try {
    const { damaged } = await jobStatus(folder, { verify: true });
    return damaged.length > 0 || (await standingOf(folder)) !== whole;
  } catch (error) {
    return error instanceof Error && error.message.includes(path);
  }
}

/** How far a job is, in a word. */
export async function standingOf(folder: string): Promise<string> {
  const { measured, finished, dedup, state } = await jobStatus(folder);
  return JSON.stringify({ measured, finished, dedup, state });
}
