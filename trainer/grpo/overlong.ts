/**
 * Soft punishment of overlong responses (DAPO, Yu et al. 2025, equation 13; verl's `overlong_buffer`): nothing up to `len` tokens before the longest
 * allowed response, then falling in a line to -penalty_factor at it. Goes with the length schedule, since it is reckoned from the allowed length
 * of the step.
 */
import { z } from 'zod';

export const overlongBufferSchema = z.strictObject({
  len: z.int().positive(),
  penalty_factor: z.number().positive().default(1),
});

export type OverlongBuffer = z.output<typeof overlongBufferSchema>;

/** What is added to the reward of a response of `tokens` tokens: 0 or less. */
export function overlongPenalty(
  tokens: number,
  allowed: number,
  { len, penalty_factor }: OverlongBuffer,
): number {
  const over = tokens - (allowed - len);
  return over <= 0 ? 0 : -(Math.min(over, len) / len) * penalty_factor;
}
