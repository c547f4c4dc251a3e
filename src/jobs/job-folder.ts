/**
 * The folder of a filter job: what lies where, when it may be reused, and how a fresh start clears it.
 *
 *   plan.json  pipeline.yaml  run.json  metrics.jsonl  ledger.json  job.lock
 *   kept/  dropped/            the output, one Parquet file per unit that has any
 *   units/                     per unit: <name>.measured.json, <name>.ledger.json, <name>.done.json
 *   dedup/                     signatures and drop lists
 *   work/                      documents between the two passes; removed when the job is done
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import { type FilterPlan, planChanges } from '../stages/plan-filter.ts';

const folders = ['kept', 'dropped', 'units', 'dedup', 'work'];
const files = ['plan.json', 'pipeline.yaml', 'run.json', 'metrics.jsonl', 'ledger.json'];

/** Makes the folder ready for `plan`. A folder of another plan is refused, or cleared when `fresh`. Call with the lock held. */
export async function prepareFolder(
  folder: string,
  plan: FilterPlan,
  pipelineText: string,
  fresh: boolean,
): Promise<void> {
  const before = readPlan(folder);
  if (fresh) clear(folder);
  else if (before !== undefined && before.hash !== plan.hash) throw otherPlan(folder, before, plan);
  for (const name of folders) {
    mkdirSync(join(folder, name), { recursive: true });
    await removeLeftovers(join(folder, name));
  }
  await removeLeftovers(folder);
  await writeFileAtomic(join(folder, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
  await writeFileAtomic(join(folder, 'pipeline.yaml'), pipelineText);
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
    (name) => !folders.includes(name) && !files.includes(name) && !/^job\.lock|\.tmp-/.test(name),
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
    return plan;
  } catch (error) {
    throw new UserError(`${path} is not the plan of a filter job: ${(error as Error).message}`, {
      hint: 'use another --out, or --fresh to start this folder anew',
      cause: error,
    });
  }
}

/** Removes what a job wrote, and nothing else. */
function clear(folder: string): void {
  for (const name of [...folders, ...files]) rmSync(join(folder, name), { recursive: true, force: true });
}

function otherPlan(folder: string, before: FilterPlan, plan: FilterPlan): UserError {
  const changes = planChanges(before, plan);
  const shown = changes.slice(0, 6).map((change) => `\n  - ${change}`);
  const more = changes.length > shown.length ? `\n  - and ${changes.length - shown.length} more` : '';
  return new UserError(`${folder} holds a job with another plan:${shown.join('')}${more}`, {
    hint: 'choose another --out, or --fresh to delete what this folder holds and start anew',
  });
}
