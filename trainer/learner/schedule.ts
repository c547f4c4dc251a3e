/**
 * The learning rate at a step, as one type for both phases: linear warm-up, a constant stretch, a decay to a share of the peak.
 * The stable phase is warm-up and constant (the WSD shape; OctoThinker's stable stage), the decay phase a cosine from the stable rate to a
 * tenth of it (OctoThinker section 4: more consistent than a constant 10 %).
 */
import { z } from 'zod';

export const decayShapes = ['constant', 'cosine', 'linear', '1-sqrt'] as const;

export const scheduleSchema = z.strictObject({
  learning_rate: z.number().positive(),
  warmup_steps: z.int().min(0).default(0),
  decay: z.enum(decayShapes).default('constant'),
  /** The decay ends at this share of learning_rate. */
  min_lr_ratio: z.number().min(0).max(1).default(0.1),
});

export type Schedule = z.output<typeof scheduleSchema>;

/**
 * Learning rate of optimizer step `step` (0-based) of `steps`. Warm-up reaches the peak at its last step (step 0 is never 0); the decay
 * runs from the end of warm-up and reaches learning_rate * min_lr_ratio at the last step.
 */
export function learningRateAt(schedule: Schedule, step: number, steps: number): number {
  const { learning_rate: peak, warmup_steps: warmup, decay, min_lr_ratio: floor } = schedule;
  if (step < warmup) return (peak * (step + 1)) / warmup;
  if (decay === 'constant') return peak;
  const span = Math.max(1, steps - warmup - 1);
  const done = Math.min(1, (step - warmup) / span);
  const left = {
    cosine: (1 + Math.cos(Math.PI * done)) / 2,
    linear: 1 - done,
    '1-sqrt': 1 - Math.sqrt(done),
  }[decay];
  return peak * (floor + (1 - floor) * left);
}
