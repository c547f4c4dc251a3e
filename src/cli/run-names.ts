/**
 * What people call the runs of a log, in a YAML file. wandb's names are long and say when a run was started, not what it is:
 *
 *   runs:
 *     - match: grpo_llama.3b_math      # text in the logged name; the first entry that fits counts
 *       name: Llama-3.2-3B
 *       group: Base models             # drawn in one picture; default: the folder of a wandb export
 *       cap: 4096                      # allowed response length, where the log does not say
 */
import { z } from 'zod';

export const runNamesSchema = z.strictObject({
  runs: z
    .array(
      z.strictObject({
        match: z.string().min(1),
        name: z.string().min(1).optional(),
        group: z.string().min(1).optional(),
        cap: z.int().min(1).optional(),
      }),
    )
    .default([]),
});

export type RunName = z.output<typeof runNamesSchema>['runs'][number];
