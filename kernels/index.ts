/** The list of kernels that ship. A kernel that is not here is not tested, and one that is not tested does not ship. */
import { adamwKernel } from './adamw/spec.ts';
import {
  attentionBackwardKeyValueKernel,
  attentionBackwardQueryKernel,
  attentionDeltaKernel,
  attentionForwardKernel,
} from './attention/spec.ts';
import { biasBackwardKernel, biasForwardKernel } from './bias/spec.ts';
import { logitsGradientKernel, logProbabilitiesKernel } from './cross-entropy/spec.ts';
import { embeddingBackwardKernel, embeddingForwardKernel } from './embedding/spec.ts';
import { gatedMlpBackwardKernel, gatedMlpForwardKernel } from './gated-mlp/spec.ts';
import { largestKernel, packHalvesKernel, packScaledHalvesKernel } from './half/spec.ts';
import {
  headNormBackwardKernel,
  headNormBackwardWeightKernel,
  headNormForwardKernel,
} from './head-norm/spec.ts';
import { interpolateKernel } from './interpolate/spec.ts';
import type { KernelSpec } from './kernel.ts';
import { appendToCacheKernel, attendCacheKernel, copySlotsKernel } from './kv-cache/spec.ts';
import {
  matmulBackwardInput,
  matmulBackwardInputHalf,
  matmulBackwardWeight,
  matmulBackwardWeightHalf,
  matmulForward,
  matmulForwardHalf,
} from './matmul/spec.ts';
import { policyLossKernel, sequenceMeansKernel } from './policy-loss/spec.ts';
import { clipScaleKernel, squareSumKernel, sumPartsKernel, weightedSumKernel } from './reduce/spec.ts';
import { rmsNormBackwardKernel, rmsNormBackwardWeightKernel, rmsNormForwardKernel } from './rms-norm/spec.ts';
import { ropeKernel } from './rope/spec.ts';
import { sampleKernel, topLogprobsKernel } from './sample/spec.ts';
import { triadKernel } from './triad/spec.ts';

export const kernels: readonly KernelSpec[] = [
  embeddingForwardKernel,
  embeddingBackwardKernel,
  rmsNormForwardKernel,
  rmsNormBackwardKernel,
  rmsNormBackwardWeightKernel,
  matmulForward,
  matmulBackwardInput,
  matmulBackwardWeight,
  matmulForwardHalf,
  matmulBackwardInputHalf,
  matmulBackwardWeightHalf,
  packHalvesKernel,
  largestKernel,
  packScaledHalvesKernel,
  ropeKernel,
  attentionForwardKernel,
  attentionDeltaKernel,
  attentionBackwardQueryKernel,
  attentionBackwardKeyValueKernel,
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
  sequenceMeansKernel,
  sumPartsKernel,
  squareSumKernel,
  clipScaleKernel,
  weightedSumKernel,
  adamwKernel,
  interpolateKernel,
  appendToCacheKernel,
  attendCacheKernel,
  copySlotsKernel,
  sampleKernel,
  topLogprobsKernel,
  triadKernel,
];
