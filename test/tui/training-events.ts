/** What a training run tells while it runs: loss with noise and a fall at the start, held-out loss, a mixture. For tests and pictures. */
import type { ProgressEvent } from '../../src/core/events.ts';
import { Random } from '../../src/core/random.ts';

/** Recipe shares and what the held-out loss of each source tends to. */
export const mixture: readonly [name: string, share: number, loss: number][] = [
  ['megamath-web-pro', 0.6, 2.2],
  ['openmathinstruct-2', 0.15, 1.1],
  ['openr1-math-220k', 0.15, 1.6],
  ['instruction', 0.1, 1.9],
];

/** The event after `step` of `total` steps. */
export function trainingEvent(step: number, total: number, sources = mixture): ProgressEvent {
  const random = new Random(`step ${step}`);
  const loss = 1.9 + 0.6 * (1 - step / total) + 8.5 * Math.exp(-step / (total / 40)) + 0.08 * random.normal();
  const evaluated = Math.floor(step / 50) * 50;
  const falls = 0.6 * (1 - evaluated / total) + 8 * Math.exp(-evaluated / (total / 40));
  return {
    kind: 'progress',
    task: 'train stable',
    done: step,
    total,
    unit: 'step',
    numbers: {
      loss,
      lr: 3e-3,
      'grad norm': 0.7 + 0.1 * random.normal(),
      'eval loss': 1.95 + falls,
      'tokens/s': 12_480 + 100 * random.normal(),
      MFU: 0.412,
    },
    parts: sources.map(([name, target, level]) => ({
      name,
      amount: Math.round(step * 65_536 * target),
      target,
      numbers: { 'eval loss': level + falls },
    })),
  };
}
