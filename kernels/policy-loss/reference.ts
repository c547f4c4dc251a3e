/**
 * Plain loop of the clipped policy loss per token and its derivative (GRPO: Shao et al. 2024; names as in TRL's GRPOTrainer).
 * inputs: (rows, 4) [old logp, advantage, normaliser, reference logp]; stats: (rows, 4) of the log-probability kernel;
 * weights: (rows, 2) [dL/dlogp, dL/dentropy]; terms: (rows, 4) [loss share, clip flag, k3, ratio].
 */
import type { Buffers, Scalars } from '../kernel.ts';

const clamp = (x: number, lo: number, hi: number) => Math.min(Math.max(x, lo), hi);

export function policyLoss(b: Buffers, s: Scalars): void {
  const { stats, inputs, weights, terms } = b as Record<string, Float64Array>;
  for (let row = 0; row < s.rows!; row++) {
    const [old, advantage, normaliser, reference] = inputs!.subarray(row * 4, row * 4 + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    if (normaliser === 0) {
      weights!.set([0, 0], row * 2);
      terms!.set([0, 0, 0, 1], row * 4);
      continue;
    }
    const logp = stats![row * 4]!;
    const ratio = Math.exp(clamp(logp - old, -20, 20));
    const plain = ratio * advantage;
    const clipped = clamp(ratio, 1 - s.eps_low!, 1 + s.eps_high!) * advantage;
    const inside = plain <= clipped;
    const gap = clamp(reference - logp, -20, 20);
    const k3 = Math.exp(gap) - gap - 1;
    const loss = -Math.min(plain, clipped) + s.beta! * k3;
    const slope = (inside ? -plain : 0) + s.beta! * (1 - Math.exp(gap));
    weights!.set([slope * normaliser, -s.entropy_coef! * normaliser], row * 2);
    terms!.set([loss * normaliser, inside ? 0 : ratio < 1 ? 1 : 2, k3, ratio], row * 4);
  }
}
