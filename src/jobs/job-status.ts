/** Where a filter job stands, read from its folder: units through each pass, what failed and why, who works in it. Changes nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { type Ledger, mergeLedgers } from '../core/ledger.ts';
import type { Failure } from '../stages/unit-report.ts';
import { readPlan } from './job-folder.ts';
import { holdersOf, type LockHolder } from './job-locks.ts';
import {
  type ClusterMarker,
  type DedupMarker,
  type DoneMarker,
  type LedgerMarker,
  type MeasuredMarker,
  outputsIntact,
  readMarker,
} from './markers.ts';

export interface JobStatus {
  folder: string;
  name: string;
  plan: string;
  /** `done`, `running` (somebody holds a lock), `partial` (done, but some input failed) or `unfinished`. */
  state: 'done' | 'partial' | 'running' | 'unfinished';
  units: number;
  measured: number;
  finished: number;
  /** Dedup steps whose clusters are made, of all. */
  dedup: { done: number; steps: number; chosen: boolean };
  /** Units to be tried again: part of their input was lost, or they were given up; and files that could not be opened, under their path. */
  failing: { unit: string; failures: Failure[] }[];
  /** Units, and dedup steps (`dedup exact`), whose files are missing or damaged; only looked for when asked. */
  damaged: string[];
  /** Of the units measured so far. */
  ledger: Ledger;
  /** Runs, ranks and shares. */
  holders: LockHolder[];
}

/** `verify` also reads every output and compares its sha256. */
export async function jobStatus(folder: string, options: { verify?: boolean } = {}): Promise<JobStatus> {
  const plan = readPlan(folder);
  if (plan === undefined) {
    throw new UserError(`${folder} holds no filter job: there is no plan.json`, {
      hint: 'give the folder that midtrain filter wrote to (--out)',
    });
  }
  const ledgers: Ledger[] = [];
  const failing: JobStatus['failing'] = plan.unreadable.map((failure) => ({
    unit: failure.file,
    failures: [failure],
  }));
  const damaged: string[] = [];
  let measured = 0;
  let finished = 0;
  for (const { name } of plan.units) {
    const path = (what: string): string => join(folder, 'units', `${name}.${what}.json`);
    const first = readMarker<MeasuredMarker>(path('measured'), plan.hash);
    const done = readMarker<DoneMarker>(path('done'), plan.hash);
    if (first === undefined) continue;
    measured++;
    const final = done && readMarker<LedgerMarker>(path('ledger'), plan.hash);
    if (final !== undefined) finished++;
    ledgers.push((final ?? first.report).ledger);
    if (!first.report.complete) failing.push({ unit: name, failures: first.report.failures });
    if (options.verify !== true) continue;
    const files = [
      first.survivors,
      ...first.signatures.map(({ file }) => file),
      ...(done === undefined ? [...first.candidates, ...first.outputs] : done.outputs),
    ];
    if (!(await outputsIntact(folder, files))) damaged.push(name);
  }
  const { dedup } = plan.filter;
  let steps = 0;
  for (const { name } of dedup) {
    const marker = readMarker<ClusterMarker>(join(folder, 'dedup', name, 'done.json'), plan.hash);
    if (marker === undefined) continue;
    steps++;
    if (options.verify === true && !(await outputsIntact(folder, marker.files)))
      damaged.push(`dedup ${name}`);
  }
  const choice = readMarker<DedupMarker>(join(folder, 'dedup', 'done.json'), plan.hash);
  const chosen = choice !== undefined;
  if (options.verify === true && choice !== undefined && !(await outputsIntact(folder, choice.lists)))
    damaged.push('dedup: chosen copies');
  const holders = holdersOf(folder);
  const complete = finished === plan.units.length && existsSync(join(folder, 'ledger.json'));
  const troubled = failing.length + damaged.length > 0;
  return {
    folder,
    name: plan.name,
    plan: plan.hash,
    state: holders.some(({ alive }) => alive !== false)
      ? 'running'
      : complete
        ? troubled
          ? 'partial'
          : 'done'
        : 'unfinished',
    units: plan.units.length,
    measured,
    finished,
    dedup: { done: steps, steps: dedup.length, chosen },
    failing,
    damaged,
    ledger: mergeLedgers(ledgers),
    holders,
  };
}
