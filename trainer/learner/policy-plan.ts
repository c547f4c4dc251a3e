/**
 * The part of a training plan that turns log-probabilities into a policy loss and its derivative: buffers and dispatches. learner-plan.ts
 * puts it between the forward and the backward pass of the head.
 */
import { type KlType, klTypes } from '../../kernels/policy-loss/reference.ts';
import { policyLossKernel, sequenceMeansKernel } from '../../kernels/policy-loss/spec.ts';
import type { PlanBuilder, Tensor } from '../plan/plan.ts';

export interface PolicyOptions {
  epsLow: number;
  epsHigh: number;
  /** Cap on a ratio before the minimum is taken (TRL's delta, verl's dual clip); 0: none. */
  delta: number;
  /** Coefficient of the KL estimate that is added to the loss. */
  beta: number;
  kl: KlType;
  /** Multiply the KL by the ratio. */
  biasCorrection: boolean;
  /** One ratio a token, or one a sequence: the exponential of the mean log ratio (GSPO). */
  ratioOf: 'token' | 'sequence';
}

export interface PolicyTensors {
  /** (R, 4): old logp, advantage, normaliser, reference logp. */
  inputs: Tensor;
  /** (R, 5): loss share, clip flag, KL, log ratio, entropy. */
  terms: Tensor;
  /** [entropy bonus of a token]. */
  options: Tensor;
  /** Ratios of sequences only: [sequences, first row and length of each]. */
  spans?: Tensor;
  /** Ratios of sequences only, (R, 2): mean log ratio, mean KL. */
  sequence?: Tensor;
}

export const policyTermsPerRow = 5;

export function declarePolicy(builder: PlanBuilder, rows: number, options: PolicyOptions): PolicyTensors {
  return {
    inputs: builder.tensor('policy inputs', rows * 4, 'persistent'),
    terms: builder.tensor('policy terms', rows * policyTermsPerRow, 'persistent'),
    options: builder.tensor('policy options', 4, 'persistent'),
    ...(options.ratioOf === 'sequence'
      ? {
          spans: builder.tensor('sequences', 1 + rows * 2, 'persistent', 'u32'),
          sequence: builder.tensor('sequence means', rows * 2, 'persistent'),
        }
      : {}),
  };
}

/** Records stats (R, 4) -> weights (R, 2) and the terms. */
export function recordPolicyLoss(
  builder: PlanBuilder,
  options: PolicyOptions,
  policy: PolicyTensors,
  head: { stats: Tensor; weights: Tensor; nothing: Tensor; rows: number },
): void {
  const { rows, stats, weights } = head;
  const kl = options.beta === 0 ? klTypes.none : klTypes[options.kl];
  const { inputs, terms } = policy;
  if (policy.spans && policy.sequence) {
    const { spans, sequence } = policy;
    builder.run(sequenceMeansKernel, { stats, inputs, spans, sequence }, { rows, kl });
  }
  builder.run(
    policyLossKernel,
    { stats, inputs, sequence: policy.sequence ?? head.nothing, options: policy.options, weights, terms },
    {
      rows,
      eps_low: options.epsLow,
      eps_high: options.epsHigh,
      delta: options.delta,
      beta: options.beta,
      kl,
      bias_correction: options.biasCorrection ? 1 : 0,
      sequence: policy.sequence ? 1 : 0,
    },
  );
}
