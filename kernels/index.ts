/** The list of kernels that ship. A kernel that is not here is not tested, and one that is not tested does not ship. */
import { adamwKernel } from './adamw/spec.ts';
import {
  attentionBackwardKeyValueKernel,
  attentionBackwardQueryKernel,
  attentionDecodeKernel,
  attentionDeltaKernel,
  attentionForwardKernel,
} from './attention/spec.ts';
import { biasBackwardKernel, biasForwardKernel } from './bias/spec.ts';
import { logitsGradientKernel, logProbabilitiesKernel } from './cross-entropy/spec.ts';
import { embeddingBackwardKernel, embeddingForwardKernel } from './embedding/spec.ts';
import { gatedMlpBackwardKernel, gatedMlpForwardKernel } from './gated-mlp/spec.ts';
import {
  headNormBackwardKernel,
  headNormBackwardWeightKernel,
  headNormForwardKernel,
} from './head-norm/spec.ts';
import type { KernelSpec } from './kernel.ts';
import { appendToCacheKernel, copySlotsKernel } from './kv-cache/spec.ts';
import { matmulBackwardInput, matmulBackwardWeight, matmulForward } from './matmul/spec.ts';
import { policyLossKernel } from './policy-loss/spec.ts';
import { clipScaleKernel, squareSumKernel, sumPartsKernel, weightedSumKernel } from './reduce/spec.ts';
import { rmsNormBackwardKernel, rmsNormBackwardWeightKernel, rmsNormForwardKernel } from './rms-norm/spec.ts';
import { ropeKernel } from './rope/spec.ts';
import { sampleKernel } from './sample/spec.ts';

export const kernels: readonly KernelSpec[] = [
  embeddingForwardKernel,
  embeddingBackwardKernel,
  rmsNormForwardKernel,
  rmsNormBackwardKernel,
  rmsNormBackwardWeightKernel,
  matmulForward,
  matmulBackwardInput,
  matmulBackwardWeight,
  ropeKernel,
  attentionForwardKernel,
  attentionDeltaKernel,
  attentionBackwardQueryKernel,
  attentionBackwardKeyValueKernel,
  attentionDecodeKernel,
  gatedMlpForwardKernel,
  gatedMlpBackwardKernel,
  headNormForwardKernel,
  headNormBackwardKernel,
  headNormBackwardWeightKernel,
  biasForwardKernel,
  biasBackwardKernel,
  logProbabilitiesKernel,
  logitsGradientKernel,
  policyLossKernel,
  sumPartsKernel,
  squareSumKernel,
  clipScaleKernel,
  weightedSumKernel,
  adamwKernel,
  appendToCacheKernel,
  copySlotsKernel,
  sampleKernel,
];
