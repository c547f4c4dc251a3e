/**
 * Plain loops of the clipped policy loss per token and its derivative (GRPO: Shao et al. 2024; names as in TRL's GRPOTrainer), and of the
 * means over a sequence that a sequence's ratio needs (GSPO: Zheng et al. 2025).
 * inputs: (rows, 4) [old logp, advantage, normaliser, reference logp]; stats: (rows, 4) of the log-probability kernel;
 * sequence: (rows, 2) [mean log ratio, mean KL]; options: [entropy bonus of a token];
 * weights: (rows, 2) [dL/dlogp, dL/dentropy]; terms: (rows, 5) [loss share, clip flag, KL, log ratio of the token, entropy].
 */
import type { Buffers, Scalars } from '../kernel.ts';

/** Numbers that the kernels know the estimators of the KL divergence by; `+` takes the gradient of k2 (verl's names). */
export const klTypes = { none: 0, k1: 1, k2: 2, k3: 3, 'k1+': 4, 'k3+': 5 } as const;
export type KlType = keyof typeof klTypes;

const clamp = (x: number, lo: number, hi: number) => Math.min(Math.max(x, lo), hi);

/** An estimate of KL(policy, reference) from one token, and its derivative with respect to the policy's log-probability. */
export function klEstimate(kind: number, logp: number, reference: number): { kl: number; slope: number } {
  if (kind === klTypes.none) return { kl: 0, slope: 0 };
  const gap = clamp(reference - logp, -20, 20);
  const k3 = Math.exp(gap) - gap - 1;
  if (kind === klTypes.k1) return { kl: -gap, slope: 1 };
  if (kind === klTypes.k2) return { kl: 0.5 * gap * gap, slope: -gap };
  if (kind === klTypes.k3) return { kl: k3, slope: 1 - Math.exp(gap) };
  return { kl: kind === klTypes['k1+'] ? -gap : k3, slope: -gap };
}

export function policyLoss(b: Buffers, s: Scalars): void {
  const { stats, inputs, sequence, options, weights, terms } = b as Record<string, Float64Array>;
  for (let row = 0; row < s.rows!; row++) {
    const [old, advantage, normaliser, reference] = [...inputs!.subarray(row * 4, row * 4 + 4)] as [
      number,
      number,
      number,
      number,
    ];
    if (normaliser === 0) {
      weights!.set([0, 0], row * 2);
      terms!.set([0, 0, 0, 0, 0], row * 5);
      continue;
    }
    const logp = stats![row * 4]!;
    const ratio = Math.exp(clamp(s.sequence === 1 ? sequence![row * 2]! : logp - old, -20, 20));
    const capped = s.delta! > 0 && ratio > s.delta!;
    const plain = (capped ? s.delta! : ratio) * advantage;
    const clipped = clamp(ratio, 1 - s.eps_low!, 1 + s.eps_high!) * advantage;
    const inside = plain <= clipped;
    const { kl, slope: klSlope } = klEstimate(s.kl!, logp, reference);
    const factor = s.bias_correction === 1 ? ratio : 1;
    const meanKl = s.sequence === 1 ? sequence![row * 2 + 1]! : kl;
    const slope =
      (inside && !capped ? -plain : 0) +
      s.beta! * factor * (klSlope + (s.bias_correction === 1 && s.kl !== klTypes.none ? meanKl : 0));
    const loss = -Math.min(plain, clipped) + s.beta! * kl * factor;
    const flag = inside ? (capped ? 3 : 0) : ratio < 1 ? 1 : 2;
    weights!.set([slope * normaliser, -options![0]!], row * 2);
    terms!.set([loss * normaliser, flag, kl * factor, logp - old, stats![row * 4 + 2]!], row * 5);
  }
}

/** sequence (rows, 2) of every row of each span = [mean of logp - old, mean KL] over the span. spans: [sequences, first, length, ...]. */
export function sequenceMeans(b: Buffers, s: Scalars): void {
  const { stats, inputs, spans, sequence } = b as Record<string, Float64Array>;
  for (let n = 0; n < spans![0]!; n++) {
    const [first, length] = [spans![1 + n * 2]!, spans![2 + n * 2]!];
    let logRatio = 0;
    let kl = 0;
    for (let row = first; row < first + length; row++) {
      const logp = stats![row * 4]!;
      logRatio += logp - inputs![row * 4]!;
      kl += klEstimate(s.kl!, logp, inputs![row * 4 + 3]!).kl;
    }
    const mean = [logRatio / Math.max(1, length), kl / Math.max(1, length)];
    for (let row = first; row < first + length; row++) sequence!.set(mean, row * 2);
  }
}
