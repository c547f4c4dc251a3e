/**
 * The progressive response length: a table from step to the most tokens a response may have; the value of the greatest step not above the
 * current one holds (OctoThinker's stair scheduler; 3B-Long used {0: 2048, 100: 4096, 160: 8192}). Depends on the step alone, so a resumed run
 * has the same lengths.
 */
import { UserError } from '../../src/core/errors.ts';

export type LengthSchedule = readonly { readonly step: number; readonly tokens: number }[];

/** Reads `{0: 2048, 100: 4096}`. Throws when step 0 is missing or a value is not a positive whole number. */
export function parseLengthSchedule(table: Readonly<Record<string, number>>, where: string): LengthSchedule {
  const schedule = Object.entries(table)
    .map(([step, tokens]) => ({ step: Number(step), tokens }))
    .sort((a, b) => a.step - b.step);
  for (const { step, tokens } of schedule) {
    if (!Number.isInteger(step) || step < 0 || !Number.isInteger(tokens) || tokens <= 0) {
      throw new UserError(`${where}: "${step}: ${tokens}" is not a step and a length`, {
        hint: 'write it like {0: 2048, 100: 4096}',
      });
    }
  }
  if (schedule[0]?.step !== 0)
    throw new UserError(`${where}: the table has no step 0`, { hint: 'write it like {0: 2048, 100: 4096}' });
  return schedule;
}

export function lengthAt(schedule: LengthSchedule, step: number): number {
  return schedule.findLast((entry) => entry.step <= step)!.tokens;
}

export function longest(schedule: LengthSchedule): number {
  return Math.max(...schedule.map((entry) => entry.tokens));
}
