/**
 * Plain loops of the token head: log-probability, log-sum-exp, entropy and argmax of each row, and the gradient of any loss that is a
 * weighted sum of log-probabilities and entropies. logits: (rows, vocab) chunk; targets, stats (4), weights (2): whole batch.
 * With a soft cap (Gemma 2) logits count as softcap * tanh(logit / softcap).
 */
import type { Buffers, Scalars } from '../kernel.ts';

/** A logit after the soft cap, and the derivative of the cap. */
export function capLogit(logit: number, softcap: number): { value: number; slope: number } {
  if (softcap === 0) return { value: logit, slope: 1 };
  const t = Math.tanh(logit / softcap);
  return { value: softcap * t, slope: 1 - t * t };
}

export function logProbabilities(b: Buffers, s: Scalars): void {
  const { logits, targets, stats } = b as Record<string, Float64Array>;
  const { rows, vocab, first, inv_temperature, softcap } = s as {
    rows: number;
    vocab: number;
    first: number;
    inv_temperature: number;
    softcap: number;
  };
  for (let row = 0; row < rows; row++) {
    let max = -Infinity;
    let argmax = 0;
    for (let j = 0; j < vocab; j++) {
      const z = capLogit(logits![row * vocab + j]!, softcap).value * inv_temperature;
      if (z > max) {
        max = z;
        argmax = j;
      }
    }
    let sum = 0;
    let weighted = 0;
    for (let j = 0; j < vocab; j++) {
      const z = capLogit(logits![row * vocab + j]!, softcap).value * inv_temperature - max;
      sum += Math.exp(z);
      weighted += Math.exp(z) * z;
    }
    const lse = max + Math.log(sum);
    const at = (first + row) * 4;
    const picked = capLogit(logits![row * vocab + targets![first + row]!]!, softcap).value;
    stats![at] = picked * inv_temperature - lse;
    stats![at + 1] = lse;
    stats![at + 2] = Math.log(sum) - weighted / sum;
    stats![at + 3] = argmax;
  }
}

export function logitsGradient(b: Buffers, s: Scalars): void {
  const { logits, targets, stats, weights } = b as Record<string, Float64Array>;
  const { rows, vocab, first, inv_temperature, softcap } = s as {
    rows: number;
    vocab: number;
    first: number;
    inv_temperature: number;
    softcap: number;
  };
  for (let r = 0; r < rows; r++) {
    const row = first + r;
    for (let j = 0; j < vocab; j++) {
      const { value, slope } = capLogit(logits![r * vocab + j]!, softcap);
      const logp = value * inv_temperature - stats![row * 4 + 1]!;
      const probability = Math.exp(logp);
      const onehot = j === targets![row]! ? 1 : 0;
      logits![r * vocab + j] =
        (weights![row * 2]! * (onehot - probability) -
          weights![row * 2 + 1]! * probability * (logp + stats![row * 4 + 2]!) -
          2 * s.z_loss! * weights![row * 2]! * stats![row * 4 + 1]! * probability) *
        inv_temperature *
        slope;
    }
  }
}
