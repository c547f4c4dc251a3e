/**
 * `results.json` of a grid: the data of its report, less the runs, which lie in the store. What a rerun must give again is under `data`; seconds, adapter,
 * versions and commands are under `made`, since they say how it was made this time.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../core/config.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { readJsonFile } from '../io/json-file.ts';
import type { AblationInput, AblationStep } from '../report/ablation-data.ts';

export const resultsName = 'results.json';

export interface AblationResults {
  version: 1;
  data: Omit<AblationInput, 'runs' | 'rerun' | 'versions' | 'device' | 'commit' | 'steps'> & {
    steps: Omit<AblationStep, 'seconds' | 'imported'>[];
  };
  made: Pick<AblationInput, 'rerun' | 'versions' | 'device' | 'commit'> & {
    /** From the grid's folder to the store, with `/` between. */
    store?: string;
    steps: Record<string, { seconds?: number; imported?: boolean }>;
  };
}

export function resultsOf(input: AblationInput, store?: string): AblationResults {
  const { runs: _, rerun, versions, device, commit, steps, ...data } = input;
  return {
    version: 1,
    data: { ...data, steps: steps.map(({ seconds: _s, imported: _i, ...step }) => step) },
    made: {
      rerun,
      versions,
      ...(device === undefined ? {} : { device }),
      ...(commit === undefined ? {} : { commit }),
      ...(store === undefined ? {} : { store }),
      steps: Object.fromEntries(
        steps.flatMap(({ id, seconds, imported }) =>
          seconds === undefined && imported === undefined
            ? []
            : [
                [
                  id,
                  {
                    ...(seconds === undefined ? {} : { seconds }),
                    ...(imported === undefined ? {} : { imported }),
                  },
                ],
              ],
        ),
      ),
    },
  };
}

/** Writes `results.json` into the grid's folder. */
export async function writeResults(folder: string, results: AblationResults): Promise<string> {
  const path = join(folder, resultsName);
  await writeFileAtomic(path, `${JSON.stringify(results, undefined, 1)}\n`);
  return path;
}

const madeSchema = z.object({
  made: z.object({
    rerun: z.array(z.string()).default([]),
    commit: z.string().optional(),
    store: z.string().optional(),
  }),
});

/** How a grid's results were made last; empty where none were written yet. */
export async function readMade(folder: string): Promise<z.output<typeof madeSchema>['made']> {
  const path = join(folder, resultsName);
  return existsSync(path) ? parseConfig(madeSchema, await readJsonFile(path), path).made : { rerun: [] };
}
