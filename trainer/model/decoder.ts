/**
 * The decoder recorded on a plan: forward, and the backward pass by hand. Legend: R = batch * seq rows, D = dim, H = heads, K = kvHeads,
 * C = headDim, F = hidden, V = vocab. Linear weights are (outputs, inputs).
 *
 *   x = E[tokens]                                       (R, D)
 *   h = norm(x); qkv = rope(h Wqkv^T); o = attention(qkv); x1 = x + o Wo^T
 *   h2 = norm(x1); gu = h2 Wgu^T; a = silu(gate) * up; x2 = x1 + a Wd^T
 *   hidden = norm(x_last)                               (R, D), the head is in head.ts
 */
import {
  attentionBackwardKeyValueKernel,
  attentionBackwardQueryKernel,
  attentionDeltaKernel,
  attentionForwardKernel,
} from '../../kernels/attention/spec.ts';
import { embeddingBackwardKernel, embeddingForwardKernel } from '../../kernels/embedding/spec.ts';
import { swigluBackwardKernel, swigluForwardKernel } from '../../kernels/gated-mlp/spec.ts';
import { rmsNormBackwardKernel, rmsNormForwardKernel } from '../../kernels/rms-norm/spec.ts';
import { ropeKernel } from '../../kernels/rope/spec.ts';
import type { PlanBuilder, Tensor } from '../plan.ts';
import type { ModelConfig } from './config.ts';
import {
  recordLinear,
  recordLinearInputGradient,
  recordLinearWeightGradient,
  recordNormWeightGradient,
} from './linear.ts';

/** The parameters (or their gradients) as tensors, by block name of parameters.ts. */
export type ParameterTensors = ReadonlyMap<string, Tensor>;

/** What a batch brings, written from the CPU each step. All (R) u32. */
export interface BatchTensors {
  tokens: Tensor;
  positions: Tensor;
  /** First position of its sequence that a row may attend to. */
  kvStart: Tensor;
}

/** The rows of a batch sorted by token (kernels/embedding/group-rows.ts), for the embedding's gradient. */
export interface GroupedRows {
  ids: Tensor;
  starts: Tensor;
  order: Tensor;
  counts: Tensor;
}

/** What a layer keeps for its backward pass. */
interface SavedLayer {
  x: Tensor;
  rstd: Tensor;
  h: Tensor;
  qkv: Tensor;
  o: Tensor;
  lse: Tensor;
  x1: Tensor;
  rstd1: Tensor;
  h1: Tensor;
  gateUp: Tensor;
  activated: Tensor;
}

export interface SavedForward {
  layers: SavedLayer[];
  /** Input of the final norm, its rstd, and its output (R, D). */
  last: Tensor;
  lastRstd: Tensor;
  hidden: Tensor;
}

export interface DecoderShape {
  config: ModelConfig;
  batch: number;
  seq: number;
}

/** Shared, constant inputs: the rope table (positions, C/2, 2), and something to bind where a kernel's option is off. */
export interface DecoderConstants {
  rope: Tensor;
  nothing: Tensor;
}

/** Hook on every layer's fused qkv rows, after rotation: prefill copies keys and values into the cache here. */
export type OnKeysAndValues = (layer: number, qkv: Tensor) => void;

export function recordForward(
  builder: PlanBuilder,
  shape: DecoderShape,
  weights: ParameterTensors,
  batch: BatchTensors,
  constants: DecoderConstants,
  onKeysAndValues?: OnKeysAndValues,
): SavedForward {
  const { config, seq } = shape;
  const { dim, heads, kvHeads, headDim, hidden, vocabSize } = config;
  const rows = shape.batch * seq;
  const qkvDim = (heads + 2 * kvHeads) * headDim;
  const attention = {
    batch: shape.batch,
    seq,
    heads,
    kv_heads: kvHeads,
    head_dim: headDim,
    scale: 1 / Math.sqrt(headDim),
  };
  const norm = (name: string, x: Tensor, weight: Tensor) => {
    const y = builder.tensor(`${name}.y`, rows * dim);
    const rstd = builder.tensor(`${name}.rstd`, rows);
    builder.run(rmsNormForwardKernel, { x, weight, y, rstd }, { rows, dim, eps: config.normEps });
    return { y, rstd };
  };
  let x = builder.tensor('embedded', rows * dim);
  builder.run(
    embeddingForwardKernel,
    { tokens: batch.tokens, table: weights.get('embedding')!, y: x },
    { rows, dim, vocab: vocabSize },
  );
  const layers: SavedLayer[] = [];
  for (let i = 0; i < config.layers; i++) {
    const w = (name: string) => weights.get(`${i}.${name}`)!;
    const normed = norm(`${i}.attention-norm`, x, w('attention-norm'));
    const qkv = builder.tensor(`${i}.qkv`, rows * qkvDim);
    recordLinear(builder, constants, {
      x: normed.y,
      w: w('qkv'),
      y: qkv,
      rows,
      inputs: dim,
      outputs: qkvDim,
    });
    builder.run(
      ropeKernel,
      { positions: batch.positions, table: constants.rope, qkv },
      rotation(config, rows, 1),
    );
    onKeysAndValues?.(i, qkv);
    const o = builder.tensor(`${i}.o`, rows * heads * headDim);
    const lse = builder.tensor(`${i}.lse`, rows * heads);
    builder.run(attentionForwardKernel, { qkv, kvStart: batch.kvStart, o, lse }, attention);
    const x1 = builder.tensor(`${i}.x1`, rows * dim);
    recordLinear(builder, constants, {
      x: o,
      w: w('attention-out'),
      y: x1,
      residual: x,
      rows,
      inputs: heads * headDim,
      outputs: dim,
    });
    const normed1 = norm(`${i}.mlp-norm`, x1, w('mlp-norm'));
    const gateUp = builder.tensor(`${i}.gate-up`, rows * 2 * hidden);
    recordLinear(builder, constants, {
      x: normed1.y,
      w: w('gate-up'),
      y: gateUp,
      rows,
      inputs: dim,
      outputs: 2 * hidden,
    });
    const activated = builder.tensor(`${i}.activated`, rows * hidden);
    builder.run(swigluForwardKernel, { gateUp, y: activated }, { rows, hidden });
    const x2 = builder.tensor(`${i}.x2`, rows * dim);
    recordLinear(builder, constants, {
      x: activated,
      w: w('down'),
      y: x2,
      residual: x1,
      rows,
      inputs: hidden,
      outputs: dim,
    });
    layers.push({
      x,
      rstd: normed.rstd,
      h: normed.y,
      qkv,
      o,
      lse,
      x1,
      rstd1: normed1.rstd,
      h1: normed1.y,
      gateUp,
      activated,
    });
    x = x2;
  }
  const final = norm('final-norm', x, weights.get('final-norm')!);
  return { layers, last: x, lastRstd: final.rstd, hidden: final.y };
}

function rotation(config: ModelConfig, rows: number, direction: 1 | -1) {
  return {
    rows,
    heads: config.heads + config.kvHeads,
    half: config.headDim / 2,
    stride: (config.heads + 2 * config.kvHeads) * config.headDim,
    direction,
  };
}

/** From dHidden (R, D), adds the gradient of every parameter but the head's to `gradients`. */
export function recordBackward(
  builder: PlanBuilder,
  shape: DecoderShape,
  weights: ParameterTensors,
  gradients: ParameterTensors,
  batch: BatchTensors & GroupedRows,
  constants: DecoderConstants,
  saved: SavedForward,
  dHidden: Tensor,
): void {
  const { config, seq } = shape;
  const { dim, heads, kvHeads, headDim, hidden, vocabSize } = config;
  const rows = shape.batch * seq;
  const qkvDim = (heads + 2 * kvHeads) * headDim;
  const attention = {
    batch: shape.batch,
    seq,
    heads,
    kv_heads: kvHeads,
    head_dim: headDim,
    scale: 1 / Math.sqrt(headDim),
  };

  const normBackward = (name: string, dy: Tensor, x: Tensor, rstd: Tensor, residual?: Tensor): Tensor => {
    const dx = builder.tensor(`${name}.dx`, rows * dim);
    builder.run(
      rmsNormBackwardKernel,
      { dy, x, weight: weights.get(name)!, rstd, residual: residual ?? constants.nothing, dx },
      { rows, dim, use_residual: residual ? 1 : 0 },
    );
    recordNormWeightGradient(builder, { dy, x, rstd, dWeight: gradients.get(name)!, rows, dim });
    return dx;
  };
  const inputGradient = (name: string, dy: Tensor, w: Tensor, inputs: number, outputs: number): Tensor => {
    const dx = builder.tensor(`${name}.dx`, rows * inputs);
    recordLinearInputGradient(builder, { dy, w, dx, rows, inputs, outputs, accumulate: false });
    return dx;
  };

  let dx = normBackward('final-norm', dHidden, saved.last, saved.lastRstd);
  for (let i = config.layers - 1; i >= 0; i--) {
    const layer = saved.layers[i]!;
    const w = (name: string) => weights.get(`${i}.${name}`)!;
    const weightGradient = (name: string, dy: Tensor, x: Tensor, inputs: number, outputs: number) =>
      recordLinearWeightGradient(builder, {
        dy,
        x,
        dW: gradients.get(`${i}.${name}`)!,
        rows,
        inputs,
        outputs,
      });

    weightGradient('down', dx, layer.activated, hidden, dim);
    const dActivated = inputGradient(`${i}.down`, dx, w('down'), hidden, dim);
    const dGateUp = builder.tensor(`${i}.dGateUp`, rows * 2 * hidden);
    builder.run(swigluBackwardKernel, { dy: dActivated, gateUp: layer.gateUp, dGateUp }, { rows, hidden });
    weightGradient('gate-up', dGateUp, layer.h1, dim, 2 * hidden);
    const dh1 = inputGradient(`${i}.gate-up`, dGateUp, w('gate-up'), dim, 2 * hidden);
    const dx1 = normBackward(`${i}.mlp-norm`, dh1, layer.x1, layer.rstd1, dx);

    weightGradient('attention-out', dx1, layer.o, heads * headDim, dim);
    const dOut = inputGradient(`${i}.attention-out`, dx1, w('attention-out'), heads * headDim, dim);
    const delta = builder.tensor(`${i}.delta`, rows * heads);
    builder.run(
      attentionDeltaKernel,
      { dOut, o: layer.o, delta },
      { count: rows * heads, head_dim: headDim },
    );
    const dQkv = builder.tensor(`${i}.dQkv`, rows * qkvDim);
    const pair = { qkv: layer.qkv, kvStart: batch.kvStart, lse: layer.lse, dOut, delta, dQkv };
    builder.run(attentionBackwardQueryKernel, pair, attention);
    builder.run(attentionBackwardKeyValueKernel, pair, attention);
    builder.run(
      ropeKernel,
      { positions: batch.positions, table: constants.rope, qkv: dQkv },
      rotation(config, rows, -1),
    );
    weightGradient('qkv', dQkv, layer.h, dim, qkvDim);
    const dh = inputGradient(`${i}.qkv`, dQkv, w('qkv'), dim, qkvDim);
    dx = normBackward(`${i}.attention-norm`, dh, layer.x, layer.rstd, dx1);
  }
  const { ids, starts, order, counts } = batch;
  builder.run(
    embeddingBackwardKernel,
    { ids, starts, order, counts, dy: dx, dtable: gradients.get('embedding')! },
    { rows, dim, vocab: vocabSize },
  );
}
