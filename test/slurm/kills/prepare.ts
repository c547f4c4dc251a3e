/** Once for all files of `npm run test:slurm`: Slurm is fetched, the program built, the corpora written, and each job run on this machine alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { ensureBuilt } from '../../run-cli.ts';
import { runMidtrain } from '../slurm-run.ts';
import { type Slurm, unpackSlurm } from '../unpack-slurm.ts';
import { filterWords, mixWords, pagesAreHere, writeMixture, writePages } from './real-jobs.ts';

export interface Prepared {
  slurm: Slurm;
  /** Holds the jobs' inputs and, in `local-filter` and `local-mix`, what they give without Slurm. */
  folder: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Undefined where ../shared/data is absent. */
    prepared: Prepared | undefined;
  }
}

export default async function prepare(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'midtrain-slurm-jobs-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    if (!pagesAreHere) {
      process.stderr.write('test:slurm: skipped, the real pages of ../shared/data are not here\n');
      project.provide('prepared', undefined);
      return remove;
    }
    const slurm = unpackSlurm();
    await ensureBuilt();
    writePages(folder);
    writeMixture(folder);
    for (const words of [filterWords(folder, 'local-filter'), mixWords(folder, 'local-mix')]) {
      const { code, stderr } = await runMidtrain(words).ended;
      if (code !== 0) throw new Error(`midtrain ${words.join(' ')} ended with ${code}: ${stderr}`);
    }
    project.provide('prepared', { slurm, folder });
    return remove;
  } catch (error) {
    remove();
    throw error;
  }
}
