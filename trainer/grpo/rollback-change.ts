/** What a rollback may change in a run: keys of `rollback:` in a GRPO config, one entry a rollback. */
import { z } from 'zod';

export const rollbackChangeSchema = z
  .strictObject({
    /** Another prompt. */
    template: z.string().optional(),
    /** Responses are no longer than this from then on. */
    max_completion_length: z.int().positive().optional(),
    learning_rate: z.number().positive().optional(),
  })
  .refine(
    (change) => Object.keys(change).length > 0,
    'names no change: give template, max_completion_length or learning_rate',
  );

export type RollbackChange = z.output<typeof rollbackChangeSchema>;

export function changeInWords(change: RollbackChange): string {
  return [
    ...(change.template === undefined ? [] : [`template ${change.template}`]),
    ...(change.max_completion_length === undefined
      ? []
      : [`responses of at most ${change.max_completion_length} tokens`]),
    ...(change.learning_rate === undefined ? [] : [`learning rate ${change.learning_rate}`]),
  ].join(', ');
}
