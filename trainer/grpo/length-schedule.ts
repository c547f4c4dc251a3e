/**
 * The progressive response length: a table from step to the most tokens a response may have. By steps, the value of the greatest step not above
 * the current one holds (OctoThinker's stair scheduler; 3B-Long used {0: 2048, 100: 4096, 160: 8192}). With `length_advance` the run goes on to
 * the next value when, over the last `window` steps at the present one, the share of truncated responses is below `clipped_ratio`: it has learned
 * to end within this length. The steps of the table are then the earliest at which their values may begin.
 *
 * What such a run remembers is a small state that belongs in its checkpoints; without `length_advance` the length depends on the step alone.
 */
import { z } from 'zod';
import { UserError } from '../../src/core/errors.ts';

export type LengthTable = readonly { readonly step: number; readonly tokens: number }[];

export const lengthAdvanceSchema = z.strictObject({
  /** Go on when the truncated share is below this. */
  clipped_ratio: z.number().gt(0).max(1),
  /** Steps that it is the mean of. */
  window: z.int().positive().default(4),
});
export type LengthAdvance = z.output<typeof lengthAdvanceSchema>;

export const lengthStateSchema = z.strictObject({
  /** Place in the table. */
  stage: z.int().min(0),
  /** Truncated shares of the last steps at this stage, `window` at most. */
  clipped: z.array(z.number()),
});
export type LengthState = z.output<typeof lengthStateSchema>;

/** Reads `{0: 2048, 100: 4096}`. Throws when step 0 is missing or a value is not a positive whole number. */
export function parseLengthTable(table: Readonly<Record<string, number>>, where: string): LengthTable {
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

export function longest(table: LengthTable): number {
  return Math.max(...table.map((entry) => entry.tokens));
}

/** Most tokens of a response of each step. `length()` is asked before a step, `observe` told of it after. */
export class LengthSchedule {
  private readonly table: LengthTable;
  private readonly advance: LengthAdvance | undefined;
  private stage = 0;
  private clipped: number[] = [];

  constructor(table: LengthTable, advance?: LengthAdvance, state?: LengthState) {
    this.table = table;
    this.advance = advance;
    if (state) {
      this.stage = Math.min(state.stage, table.length - 1);
      this.clipped = [...state.clipped];
    }
  }

  /** For step `step` (0-based). */
  length(step: number): number {
    if (this.advance) return this.table[this.stage]!.tokens;
    return this.table.findLast((entry) => entry.step <= step)!.tokens;
  }

  /** `clippedRatio`: share of responses of step `step` that were cut short. True when the next step has another length. */
  observe(step: number, clippedRatio: number): boolean {
    if (!this.advance) return this.length(step + 1) !== this.length(step);
    const { clipped_ratio: bound, window } = this.advance;
    this.clipped = [...this.clipped, clippedRatio].slice(-window);
    const mean = this.clipped.reduce((a, b) => a + b, 0) / this.clipped.length;
    const next = this.table[this.stage + 1];
    if (!next || next.step > step + 1 || this.clipped.length < window || mean >= bound) return false;
    this.stage++;
    this.clipped = [];
    return true;
  }

  state(): LengthState {
    return { stage: this.stage, clipped: [...this.clipped] };
  }
}
