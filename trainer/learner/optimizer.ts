/**
 * Global-norm clipping and AdamW on a plan: square sums of every gradient slab, the clip factor (and the skip of a step whose
 * gradient is not finite) decided on the device, then one AdamW dispatch a slab. Decay only on matrices.
 */
import { adamwKernel } from '../../kernels/adamw/spec.ts';
import { spikeWindow } from '../../kernels/reduce/reference.ts';
import { clipScaleKernel, squareSumKernel, squareSumSpan } from '../../kernels/reduce/spec.ts';
import type { Slab } from '../model/parameters.ts';
import type { PlanBuilder, Tensor } from '../plan/plan.ts';

/** Defaults are FineMath's public continued-pretraining values (recipe: section 6.2), decay MegaMath's. */
export interface AdamWOptions {
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Global gradient norm is scaled down to this; Infinity turns clipping off. */
  maxGradNorm: number;
  /** A step is skipped when its norm lies more standard deviations than this above the last 128. Default 0: never. (llm.c `-sg`) */
  maxGradNormZ?: number;
}

export const adamWDefaults: AdamWOptions = {
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
};

export interface OptimizerTensors {
  m: Tensor[];
  v: Tensor[];
  /** [lr, 1 - beta1^t, 1 - beta2^t], written each step. */
  step: Tensor;
  /** [gradient norm before clipping, factor, 1 (not finite) or 2 (spike) when the step was skipped, z of the norm]. */
  clip: Tensor;
  /** Number of norms so far and the last 128 of them; part of a checkpoint. */
  history: Tensor;
}

export function recordOptimizer(
  builder: PlanBuilder,
  layout: readonly Slab[],
  weights: readonly Tensor[],
  gradients: readonly Tensor[],
  options: AdamWOptions,
): OptimizerTensors {
  const moments = (name: string) =>
    layout.map((slab, i) => builder.tensor(`${name} ${i}`, slab.size, 'persistent'));
  const m = moments('first moment');
  const v = moments('second moment');
  const step = builder.tensor('optimizer step', 3, 'persistent');
  const clip = builder.tensor('gradient clip', 4, 'persistent');
  const history = builder.tensor('gradient norms', 1 + spikeWindow, 'persistent');
  const groups = layout.map((slab) => Math.ceil(slab.size / squareSumSpan));
  const total = groups.reduce((a, b) => a + b, 0);
  const partial = builder.tensor('square sums', total);
  let first = 0;
  layout.forEach((slab, i) => {
    builder.run(
      squareSumKernel,
      { x: gradients[i]!, partial },
      { size: slab.size, span: squareSumSpan, first },
    );
    first += groups[i]!;
  });
  // Infinity has no f32 uniform that all drivers treat alike; this is beyond any norm.
  const maxNorm = Math.min(options.maxGradNorm, 3e38);
  builder.run(
    clipScaleKernel,
    { partial, history, state: clip },
    { count: total, max_norm: maxNorm, max_z: options.maxGradNormZ ?? 0 },
  );
  layout.forEach((slab, i) => {
    builder.run(
      adamwKernel,
      { w: weights[i]!, grad: gradients[i]!, m: m[i]!, v: v[i]!, step, clip },
      {
        size: slab.size,
        beta1: options.beta1,
        beta2: options.beta2,
        eps: options.eps,
        weight_decay: slab.decay ? options.weightDecay : 0,
      },
    );
  });
  return { m, v, step, clip, history };
}
