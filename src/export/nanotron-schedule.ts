/**
 * Our learning rates as Nanotron's scheduler takes them. Its traps (recipe 7.5, read in its helpers.py): a warm-up style must be given; linear with
 * no warm-up makes step 0's rate 0; no warm-up and no decay multiplies the rate with itself; `lr_decay_steps` left out is counted from the
 * warm-up even where the decay starts later. So every key is written, nothing is 0 / 0, and a constant rate is a decay to the rate itself.
 *
 * The decay is the same at every step: ours reaches its floor at the last step, so Nanotron's has one step fewer. The warm-up is one step late:
 * its step 0 has rate 0 where ours has 1 / warmup.
 */

import type { Schedule } from '../../trainer/learner/schedule.ts';
import { UserError } from '../core/errors.ts';
import { float, type Yaml } from './python-yaml.ts';

export interface NanotronRates {
  learning_rate: number;
  lr_warmup_steps: number;
  lr_warmup_style: 'linear' | 'constant';
  lr_decay_starting_step: number;
  lr_decay_steps: number;
  lr_decay_style: 'linear' | 'cosine' | '1-sqrt';
  min_decay_lr: number;
}

/** A phase of `steps` steps that begins at step `start` of the run. */
export function nanotronRates(schedule: Schedule, steps: number, start = 0): NanotronRates {
  const { learning_rate, warmup_steps, decay, min_lr_ratio } = schedule;
  const warmup = {
    learning_rate,
    lr_warmup_steps: warmup_steps,
    lr_warmup_style: warmup_steps === 0 ? ('constant' as const) : ('linear' as const),
  };
  if (decay === 'constant') {
    return {
      ...warmup,
      lr_decay_starting_step: Math.max(1, start + steps),
      lr_decay_steps: 1,
      lr_decay_style: 'linear',
      min_decay_lr: learning_rate,
    };
  }
  const span = steps - warmup_steps - 1;
  if (span < 1)
    throw new UserError(
      `a ${decay} decay over ${steps} steps with ${warmup_steps} of warm-up leaves nothing to decay over`,
      {
        hint: 'give the phase more steps, or a constant rate',
      },
    );
  return {
    ...warmup,
    lr_decay_starting_step: start + warmup_steps,
    lr_decay_steps: span,
    lr_decay_style: decay,
    min_decay_lr: learning_rate * min_lr_ratio,
  };
}

export function ratesYaml(rates: NanotronRates): Yaml {
  return { ...rates, learning_rate: float(rates.learning_rate), min_decay_lr: float(rates.min_decay_lr) };
}
