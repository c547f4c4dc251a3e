/**
 * What looks at a GRPO run while it goes: after every step and every evaluation a watcher sees its metrics and rollouts and says what it found. The loop
 * (grpo.ts) writes findings down and does what they ask: go on with a warning, stop, or go back to the last good checkpoint with the next of the
 * changes that the user named (rollback.ts). The rules are in trainer/signatures; here is only what they and the loop agree on.
 */
import { z } from 'zod';
import type { Rollout } from './rollout.ts';

export const findingActions = ['warn', 'stop', 'rollback'] as const;
export type FindingAction = (typeof findingActions)[number];

export const findingSchema = z.strictObject({
  /** Name of the signature, such as `repetition-loop`. */
  signature: z.string(),
  step: z.int().min(0),
  /** The measured value, and the rule it broke, in words. */
  value: z.number(),
  rule: z.string(),
  action: z.enum(findingActions),
  /** One sentence for people. */
  text: z.string(),
  /** Last step that still looked well, where the rule knows it; a rollback goes to a checkpoint not after it. Default: the step before. */
  lastGood: z.int().min(0).optional(),
});
export type Finding = Readonly<z.output<typeof findingSchema>>;

export interface WatchedStep {
  /** Steps done; 0 is the evaluation before the first. */
  readonly step: number;
  /** Of the step (`reward`, `entropy`, `completions/clipped_ratio`, ...), or of the evaluation after it (`eval_accuracy`, ...): names as in metrics.jsonl. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The rollouts the step learned from; none in the call for an evaluation. */
  readonly rollouts: readonly Rollout[];
  /** Most tokens that a response of this step could have. */
  readonly allowedLength: number;
}

/**
 * `observe` is called after every step, and once more after an evaluation (every `eval_every` steps and before step 0), with the metrics of that alone.
 * Must be a function of what it has seen, so that a resumed run finds what an uninterrupted one does: `state` goes into every checkpoint, and a
 * new watcher is given it by `restore` before the first `observe`. State is plain JSON.
 */
export interface RunWatcher {
  observe(step: WatchedStep): readonly Finding[];
  /** What was measured at the last `observe`, by the names that metrics.jsonl gets (`signature/...`). */
  values?(): Readonly<Record<string, number>>;
  state(): unknown;
  restore(state: unknown): void;
}
