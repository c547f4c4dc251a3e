/** Plain loop of AdamW (Loshchilov and Hutter 2019, decoupled decay; torch.optim.AdamW's order of operations). */
import type { Buffers, Scalars } from '../kernel.ts';

/** w, grad, m, v: (size); step: [lr, 1 - beta1^t, 1 - beta2^t]; clip: [norm, factor, skip]. */
export function adamw(b: Buffers, s: Scalars): void {
  const { w, grad, m, v, step, clip } = b as Record<string, Float64Array>;
  if (clip![2] !== 0) return;
  for (let i = 0; i < s.size!; i++) {
    const g = grad![i]! * clip![1]!;
    m![i] = s.beta1! * m![i]! + (1 - s.beta1!) * g;
    v![i] = s.beta2! * v![i]! + (1 - s.beta2!) * g * g;
    const update = m![i]! / step![1]! / (Math.sqrt(v![i]! / step![2]!) + s.eps!);
    w![i] = w![i]! * (1 - step![0]! * s.weight_decay!) - step![0]! * update;
  }
}
