/** The decoder's backward pass recorded on a plan, by hand: the mirror of decoder.ts, whose legend holds here. */
import {
  attentionBackwardKeyValueKernel,
  attentionBackwardQueryKernel,
  attentionDeltaKernel,
} from '../../kernels/attention/spec.ts';
import { biasBackwardKernel } from '../../kernels/bias/spec.ts';
import { embeddingBackwardKernel } from '../../kernels/embedding/spec.ts';
import { gatedMlpBackwardKernel } from '../../kernels/gated-mlp/spec.ts';
import { headNormBackwardKernel, headNormBackwardWeightKernel } from '../../kernels/head-norm/spec.ts';
import { rmsNormBackwardKernel } from '../../kernels/rms-norm/spec.ts';
import { ropeKernel } from '../../kernels/rope/spec.ts';
import { invariant } from '../../src/core/errors.ts';
import type { Tensor } from '../plan/plan.ts';
import {
  attentionScalars,
  type BatchTensors,
  type ForwardContext,
  gatedMlpScalars,
  headNormScalars,
  type ParameterTensors,
  qkvWidth,
  recordLayer,
  rotationScalars,
  type SavedForward,
  type SavedLayer,
  type SavedNorm,
} from './decoder.ts';
import {
  recordLinearInputGradient,
  recordLinearWeightGradient,
  recordNormWeightGradient,
  recordRangeSum,
} from './linear.ts';
import { vocabularyParts } from './parameters.ts';

/** The rows of a batch sorted by token (kernels/embedding/group-rows.ts), for the embedding's gradient. */
export interface GroupedRows {
  ids: Tensor;
  starts: Tensor;
  order: Tensor;
  counts: Tensor;
}

export interface BackwardContext extends ForwardContext {
  batch: BatchTensors & GroupedRows;
  gradients: ParameterTensors;
}

/**
 * From dHidden (R, D), adds the gradient of every parameter but the head's to `gradients`. A layer whose activations were not kept is
 * computed again from its input first, by the same kernels, so the gradients are the same bits (Chen et al. 2016, one segment a layer).
 */
export function recordBackward(context: BackwardContext, saved: SavedForward, dHidden: Tensor): void {
  const { builder, shape, weights, gradients, batch, constants } = context;
  const { config } = shape;
  const { dim, heads, headDim, hidden } = config;
  const rows = shape.batch * shape.seq;

  /** Gradient of a norm's input, plus `residual`; adds the gradient of its weight. */
  const throughNorm = (name: string, dy: Tensor, { x, rstd }: SavedNorm, residual?: Tensor): Tensor => {
    const dx = builder.tensor(`${name}.dx`, rows * dim);
    builder.run(
      rmsNormBackwardKernel,
      { dy, x, weight: weights.get(name)!, rstd, residual: residual ?? constants.nothing, dx },
      { rows, dim, use_residual: residual ? 1 : 0, offset: config.normOffset ? 1 : 0 },
    );
    recordNormWeightGradient(builder, { dy, x, rstd, dWeight: gradients.get(name)!, rows, dim });
    return dx;
  };
  /** Gradient of a linear layer's input; adds the gradient of its weight. */
  const throughLinear = (name: string, dy: Tensor, x: Tensor, inputs: number, outputs: number): Tensor => {
    const sizes = { rows, inputs, outputs };
    const w = weights.get(name)!;
    recordLinearWeightGradient(builder, { dy, x, w, dW: gradients.get(name)!, ...sizes });
    const dx = builder.tensor(`${name}.dx`, rows * inputs);
    recordLinearInputGradient(builder, { dy, w, dx, ...sizes, accumulate: false });
    return dx;
  };

  let dx = throughNorm('final-norm', dHidden, saved.last);
  for (let i = config.layers - 1; i >= 0; i--) {
    const layer = saved.layers[i] ?? recordLayer(context, i, saved.inputs[i]!).saved;
    const dDown = layer.mlpOutNorm ? throughNorm(`${i}.mlp-out-norm`, dx, layer.mlpOutNorm) : dx;
    const dActivated = throughLinear(`${i}.down`, dDown, layer.activated, hidden, dim);
    const dGateUp = builder.tensor(`${i}.dGateUp`, rows * 2 * hidden);
    builder.run(
      gatedMlpBackwardKernel,
      { dy: dActivated, gateUp: layer.gateUp, dGateUp },
      gatedMlpScalars(config, rows),
    );
    const dh1 = throughLinear(`${i}.gate-up`, dGateUp, layer.h1, dim, 2 * hidden);
    const dx1 = throughNorm(`${i}.mlp-norm`, dh1, layer.mlpNorm, dx);

    const dOut = layer.attentionOutNorm
      ? throughNorm(`${i}.attention-out-norm`, dx1, layer.attentionOutNorm)
      : dx1;
    const dO = throughLinear(`${i}.attention-out`, dOut, layer.o, heads * headDim, dim);
    const dQkv = recordAttentionBackward(context, i, layer, dO);
    const dh = throughLinear(`${i}.qkv`, dQkv, layer.h, dim, qkvWidth(config));
    dx = throughNorm(`${i}.attention-norm`, dh, layer.attentionNorm, dx1);
  }
  const { ids, starts, order, counts } = batch;
  const scale = config.embeddingScale ?? 1;
  for (const { tensor: dtable, first, rows: vocab } of vocabularyParts(gradients, 'embedding', dim)) {
    const bound = { ids, starts, order, counts, dy: dx, dtable };
    builder.run(embeddingBackwardKernel, bound, { rows, dim, first, vocab, scale });
  }
}

/** From dO (R, H * C), the gradient of the qkv projection's output; adds those of its bias and of the heads' norms. */
function recordAttentionBackward(context: BackwardContext, i: number, layer: SavedLayer, dO: Tensor): Tensor {
  const { builder, shape, weights, gradients, batch, constants } = context;
  const { config, seq } = shape;
  const { heads, headDim } = config;
  const rows = shape.batch * seq;
  const qkvDim = qkvWidth(config);
  const { qkv, o, lse } = layer;
  invariant(lse, 'the forward pass kept no log-sum-exp');
  const delta = builder.tensor(`${i}.delta`, rows * heads);
  builder.run(attentionDeltaKernel, { dOut: dO, o, delta }, { count: rows * heads, head_dim: headDim });
  const dQkv = builder.tensor(`${i}.dQkv`, rows * qkvDim);
  const pair = { qkv, kvStart: batch.kvStart, lse, dOut: dO, delta, dQkv };
  const attention = { batch: shape.batch, seq, ...attentionScalars(config, i) };
  builder.run(attentionBackwardQueryKernel, pair, attention);
  builder.run(attentionBackwardKeyValueKernel, pair, attention);
  builder.run(
    ropeKernel,
    { positions: batch.positions, table: constants.rope, qkv: dQkv },
    rotationScalars(config, rows, -1),
  );
  if (layer.heads) {
    const scalars = headNormScalars(config, rows);
    const { x, rstd } = layer.heads;
    recordRangeSum(builder, gradients.get(`${i}.head-norms`)!, rows, 2 * headDim, (parts, splits) =>
      builder.run(headNormBackwardWeightKernel, { dy: dQkv, x, rstd, parts }, { ...scalars, splits }),
    );
    const weight = weights.get(`${i}.head-norms`)!;
    builder.run(headNormBackwardKernel, { x, weight, rstd, d: dQkv }, scalars);
  }
  if (config.qkvBias) {
    recordRangeSum(builder, gradients.get(`${i}.qkv-bias`)!, rows, qkvDim, (parts, splits) =>
      builder.run(biasBackwardKernel, { dy: dQkv, parts }, { rows, dim: qkvDim, splits }),
    );
  }
  return dQkv;
}
