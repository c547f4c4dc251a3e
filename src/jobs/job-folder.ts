/**
 * The folder of a filter job: what lies where, when it may be reused, and how a fresh start clears it.
 *
 *   plan.json  config.json  pipeline.yaml  run.json  metrics.jsonl  ledger.json
 *   job.lock  rank-<i>-of-<n>.lock  share-<stage>-<hash>.lock      who is at work (job-locks.ts)
 *   kept/  dropped/            the output, one Parquet file per unit that has any
 *   signals/                   every document's signals, without its text; what `recut` reads
 *   contamination/             benchmark items found, per unit; contamination.jsonl has all of them
 *   units/                     per unit: <name>.measured.json, <name>.ledger.json, <name>.done.json
 *   dedup/                     survivors and drop lists; per step signatures, edges while they are compared, clusters and done.json
 *   work/                      documents between the two passes; removed when the job is done
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, parseConfig } from '../core/config.ts';
import { messageOf, UserError } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { type FilterConfig, filterConfigSchema } from '../stages/filter-config.ts';
import { type FilterPlan, planChanges } from '../stages/plan-filter.ts';
import { folders } from '../stages/run-layout.ts';
import { adoptPlan, isMended } from './adopt-plan.ts';
import { readMarker } from './markers.ts';
import { sweepLeftovers } from './unit-files.ts';

const ownFolders: readonly string[] = Object.values(folders);
const files = [
  'plan.json',
  'config.json',
  'pipeline.yaml',
  'run.json',
  'metrics.jsonl',
  'ledger.json',
  'contamination.jsonl',
  'contamination.json',
  'benchmarks.index',
  'benchmarks.index.basis',
];

/**
 * Makes the folder ready for `plan`. A folder of another plan is refused, or cleared when `fresh`. Call with the lock held. `shared`:
 * other ranks may be at work in it, so nothing that looks left over is removed.
 */
export async function prepareFolder(
  folder: string,
  plan: FilterPlan,
  config: FilterConfig,
  options: { text?: string; fresh?: boolean },
  shared = false,
): Promise<void> {
  const before = options.fresh === true ? undefined : planBefore(folder, plan);
  if (options.fresh === true) clear(folder);
  else if (before !== undefined && before.hash !== plan.hash) {
    if (shared || !isMended(folder, before, plan)) throw otherPlan(folder, before, plan);
    await adoptPlan(folder, before, plan);
  }
  for (const name of ownFolders) mkdirSync(join(folder, name), { recursive: true });
  if (shared && before !== undefined) return;
  if (!shared) await sweepLeftovers(folder);
  const written = { config, limit: plan.limit };
  await writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify(written, null, 2)}\n`);
  await writeFileAtomic(join(folder, 'pipeline.yaml'), options.text ?? JSON.stringify(config, null, 2));
  await writeFileAtomic(join(folder, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
}

/** The plan that the folder was made for. A damaged one is taken for `plan` when the units done so far are of that, or there are none. */
function planBefore(folder: string, plan: FilterPlan): FilterPlan | undefined {
  try {
    return readPlan(folder);
  } catch (error) {
    const units = join(folder, 'units');
    const markers = existsSync(units) ? readdirSync(units).filter((name) => name.endsWith('.json')) : [];
    const ours = (name: string): boolean => readMarker(join(units, name), plan.hash) !== undefined;
    if (markers.length === 0 || markers.some(ours)) return undefined;
    throw error;
  }
}

/** The config and limit of the job in `folder`, as it was started. Throws a `UserError` when there is none. */
export function readJobConfig(folder: string): { config: FilterConfig; limit: number | null } {
  const path = join(folder, 'config.json');
  if (!existsSync(path)) {
    throw new UserError(`${folder} holds no filter job: there is no config.json`, {
      hint: 'give the folder that midtrain filter wrote to (--out)',
    });
  }
  let value: { config?: unknown; limit?: number | null };
  try {
    value = JSON.parse(readFileSync(path, 'utf8')) as typeof value;
  } catch (error) {
    throw new UserError(`${path} is not JSON: ${messageOf(error)}`, {
      hint: 'run the same midtrain filter command again, which mends it',
      cause: error,
    });
  }
  return { config: parseConfig(filterConfigSchema, value?.config, path), limit: value.limit ?? null };
}

/** Refuses a folder that holds something other than a filter job, so that nothing foreign is overwritten or cleared. */
export function checkFolder(folder: string): void {
  if (!existsSync(folder)) return;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new UserError(`${folder}: ${(error as Error).message}`, {
      hint: 'give --out a folder that is new, empty, or of an earlier run',
      cause: error,
    });
  }
  if (names.length === 0 || names.includes('plan.json')) return;
  const foreign = names.filter(
    (name) =>
      !ownFolders.includes(name) &&
      !files.includes(name) &&
      !/^(job|rank-\d+-of-\d+|share-[a-z0-9-]+)\.lock|\.tmp-/.test(name),
  );
  if (foreign.length === 0) return;
  throw new UserError(`${folder} holds other files (${foreign.slice(0, 3).join(', ')}) and no filter job`, {
    hint: 'give --out a folder that is new, empty, or of an earlier run',
  });
}

export function readPlan(folder: string): FilterPlan | undefined {
  const path = join(folder, 'plan.json');
  if (!existsSync(path)) return undefined;
  try {
    const plan = JSON.parse(readFileSync(path, 'utf8')) as FilterPlan;
    if (plan.command !== 'filter' || typeof plan.hash !== 'string')
      throw new SyntaxError('not a filter plan');
    const { version: _version, command: _command, hash, ...body } = plan;
    if (hash !== fingerprint(body)) throw new SyntaxError('damaged: its contents do not fit its hash');
    return plan;
  } catch (error) {
    throw new UserError(`${path} is not the plan of a filter job: ${messageOf(error)}`, {
      hint: 'run the same midtrain filter command again, which mends it; or --fresh to start this folder anew',
      cause: error,
    });
  }
}

/** Removes what a job wrote, and nothing else. */
function clear(folder: string): void {
  for (const name of [...ownFolders, ...files]) rmSync(join(folder, name), { recursive: true, force: true });
}

function otherPlan(folder: string, before: FilterPlan, plan: FilterPlan): UserError {
  const changes = planChanges(before, plan);
  const shown = changes.slice(0, 6).map((change) => `\n  - ${change}`);
  const more = changes.length > shown.length ? `\n  - and ${changes.length - shown.length} more` : '';
  return new UserError(`${folder} holds a job with another plan:${shown.join('')}${more}`, {
    hint: 'choose another --out, or --fresh to delete what this folder holds and start anew',
  });
}
