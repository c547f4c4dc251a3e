/** A plan of reading that holds something to read. */
import { UserError } from '../core/errors.ts';
import type { ReadPlan } from '../io/read-plan.ts';

/** Throws `UserError` where the inputs hold nothing, with the first reason why; `hint`: what to give instead, where that reason has no cure. */
export function assertReadable(plan: ReadPlan, hint: string): void {
  if (plan.units.length > 0) return;
  const why = plan.failures[0];
  throw new UserError(
    why === undefined ? 'the inputs hold no documents' : `nothing can be read: ${why.file}: ${why.problem}`,
    { hint: why?.hint ?? hint },
  );
}
