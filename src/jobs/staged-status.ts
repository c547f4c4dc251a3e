/** Where a pipeline with steps stands, read from its folder: which steps are done, what each handed on, what was paid, who works in it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, messageOf } from '../core/errors.ts';
import type { Ledger } from '../core/ledger.ts';
import type { StepPlan } from '../stages/plan-steps.ts';
import { holdersOf } from './job-locks.ts';
import { sumPaid } from './staged-summary.ts';
import { type PaidTokens, peekStepMarker } from './step-marker.ts';

export interface StagedStatus {
  folder: string;
  name: string;
  /** `partial`: all steps are done, but some documents failed and a rerun tries them again. */
  state: 'done' | 'partial' | 'running' | 'unfinished';
  steps: {
    name: string;
    step: string;
    /** `open`: begun or not, there is no marker of it. Whether a done step is still up to date the next run finds out. */
    state: 'done' | 'partial' | 'begun' | 'open';
    ledger: Ledger | null;
    paid: PaidTokens | null;
  }[];
  paid: PaidTokens;
  holders: ReturnType<typeof holdersOf>;
}

/** Undefined when `folder` is not that of a pipeline with steps. Throws an `InputError` for a damaged plan. */
export function stagedStatus(folder: string): StagedStatus | undefined {
  const path = join(folder, 'steps.json');
  if (!existsSync(path)) return undefined;
  let plan: StepPlan;
  try {
    plan = JSON.parse(readFileSync(path, 'utf8')) as StepPlan;
  } catch (error) {
    throw new InputError(path, `not JSON: ${messageOf(error)}`, { cause: error });
  }
  const steps = plan.steps.map(({ name, config }): StagedStatus['steps'][number] => {
    const result = peekStepMarker(join(folder, name));
    const begun = existsSync(join(folder, name)) ? 'begun' : 'open';
    return {
      name,
      step: config.step,
      state: result === undefined ? begun : result.complete ? 'done' : 'partial',
      ledger: result?.ledger ?? null,
      paid: result?.paid ?? null,
    };
  });
  const holders = holdersOf(folder);
  // The ledger is taken away when a run begins and written when it ends.
  const finished = existsSync(join(folder, 'ledger.json')) && steps.every(({ ledger }) => ledger !== null);
  return {
    folder,
    name: plan.name,
    state: holders.some(({ alive }) => alive !== false)
      ? 'running'
      : !finished
        ? 'unfinished'
        : steps.every(({ state }) => state === 'done')
          ? 'done'
          : 'partial',
    steps,
    paid: sumPaid(steps.map(({ paid }) => paid ?? undefined)),
    holders,
  };
}
