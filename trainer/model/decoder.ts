/**
 * The decoder's forward pass recorded on a plan; the backward pass by hand is in backward.ts. Legend: R = batch * seq rows, D = dim,
 * H = heads, K = kvHeads, C = headDim, F = hidden, V = vocab. Linear weights are (outputs, inputs). In brackets what options add.
 *
 *   x = E[tokens] [* scale]                                              (R, D)
 *   h = norm(x); qkv = h Wqkv^T [+ b]; [q, k = norm per head]; rope; o = attention(qkv)
 *   x1 = x + o Wo^T                                                      [x1 = x + norm(o Wo^T)]
 *   h2 = norm(x1); gu = h2 Wgu^T; a = act(gate) * up; x2 = x1 + a Wd^T   [x2 = x1 + norm(a Wd^T)]
 *   hidden = norm(x_last)                                                (R, D), the head is in head.ts
 */
import { attentionForwardKernel } from '../../kernels/attention/spec.ts';
import { biasForwardKernel } from '../../kernels/bias/spec.ts';
import { embeddingForwardKernel } from '../../kernels/embedding/spec.ts';
import { gatedMlpForwardKernel } from '../../kernels/gated-mlp/spec.ts';
import { headNormForwardKernel } from '../../kernels/head-norm/spec.ts';
import type { Scalars } from '../../kernels/kernel.ts';
import { rmsNormForwardKernel } from '../../kernels/rms-norm/spec.ts';
import { ropeKernel } from '../../kernels/rope/spec.ts';
import type { PlanBuilder, Tensor } from '../plan/plan.ts';
import { attentionScale, type ModelConfig } from './config.ts';
import { recordLinear } from './linear.ts';
import { vocabularyParts } from './parameters.ts';

/** The parameters (or their gradients) as tensors, by block name of parameters.ts. */
export type ParameterTensors = ReadonlyMap<string, Tensor>;

/** What a batch brings, written from the CPU each step. All (R) u32. */
export interface BatchTensors {
  tokens: Tensor;
  positions: Tensor;
  /** First position of its sequence that a row may attend to. */
  kvStart: Tensor;
}

/** What a norm keeps for its backward pass. */
export interface SavedNorm {
  x: Tensor;
  rstd: Tensor;
}

/** What a layer keeps for its backward pass. */
export interface SavedLayer {
  attentionNorm: SavedNorm;
  /** Input of the qkv projection. */
  h: Tensor;
  /** Heads before their norms, where they have any. */
  heads?: SavedNorm;
  /** After norms and rotation. */
  qkv: Tensor;
  o: Tensor;
  lse?: Tensor;
  attentionOutNorm?: SavedNorm;
  mlpNorm: SavedNorm;
  h1: Tensor;
  gateUp: Tensor;
  activated: Tensor;
  mlpOutNorm?: SavedNorm;
}

export interface SavedForward {
  /** Input of every layer (R, D). */
  inputs: Tensor[];
  /** What each layer kept; empty when activations are recomputed. */
  layers: SavedLayer[];
  /** Of the final norm. */
  last: SavedNorm;
  /** Its output (R, D). */
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

/**
 * Computes o (R, H * C) from a layer's rotated qkv rows. The default is causal attention within the batch, which also gives the
 * log-sum-exp that the backward pass needs; generation attends over its cache instead.
 */
export type Attend = (layer: number, qkv: Tensor, o: Tensor) => Tensor | undefined;

/** The scalars that every attention kernel takes from the model. */
export function attentionScalars(config: ModelConfig, layer: number): Scalars {
  const softcap = config.attentionSoftcap ?? 0;
  return {
    heads: config.heads,
    kv_heads: config.kvHeads,
    head_dim: config.headDim,
    window: config.windows?.[layer] ?? 0,
    scale: attentionScale(config),
    softcap,
    use_softcap: softcap === 0 ? 0 : 1,
  };
}

/** Width of a fused query, key and value row. */
export function qkvWidth(config: ModelConfig): number {
  return (config.heads + 2 * config.kvHeads) * config.headDim;
}

/** What recording any part of the forward pass needs. */
export interface ForwardContext {
  builder: PlanBuilder;
  shape: DecoderShape;
  weights: ParameterTensors;
  batch: Pick<BatchTensors, 'tokens' | 'positions'>;
  constants: DecoderConstants;
  attend: Attend;
  /** `attend` rotates queries and keys itself, as generation does on their way into the cache. */
  attendRotates?: boolean;
}

/** The whole forward pass. With `keepLayers` false only the layers' inputs are kept, and backward.ts records each layer again. */
export function recordForward(context: ForwardContext, keepLayers = true): SavedForward {
  const { builder, shape, weights, batch, constants } = context;
  const { config } = shape;
  const { dim } = config;
  const rows = shape.batch * shape.seq;
  let x = builder.tensor('embedded', rows * dim);
  const scale = config.embeddingScale ?? 1;
  for (const { tensor: table, first, rows: vocab } of vocabularyParts(weights, 'embedding', dim))
    builder.run(
      embeddingForwardKernel,
      { tokens: batch.tokens, table, y: x },
      { rows, dim, first, vocab, scale },
    );
  const inputs: Tensor[] = [];
  const layers: SavedLayer[] = [];
  for (let i = 0; i < config.layers; i++) {
    inputs.push(x);
    const { saved, y } = recordLayer(context, i, x);
    if (keepLayers) layers.push(saved);
    x = y;
  }
  const hidden = builder.tensor('final-norm.y', rows * dim);
  const weight = weights.get('final-norm')!;
  const rstd = recordNorm(builder, config, constants, { name: 'final-norm', x, weight, y: hidden, rows });
  return { inputs, layers, last: { x, rstd }, hidden };
}

/** One layer: its output (R, D) for the input x, and what its backward pass needs. */
export function recordLayer(context: ForwardContext, i: number, x: Tensor): { y: Tensor; saved: SavedLayer } {
  const { builder, shape, weights, batch, constants, attend } = context;
  const { config } = shape;
  const { dim, heads, headDim, hidden } = config;
  const rows = shape.batch * shape.seq;
  const qkvDim = qkvWidth(config);
  const norm = (name: string, x: Tensor, residual?: Tensor): { y: Tensor; saved: SavedNorm } => {
    const y = builder.tensor(`${i}.${name}.y`, rows * dim);
    const rstd = recordNorm(builder, config, constants, {
      name: `${i}.${name}`,
      x,
      weight: weights.get(`${i}.${name}`)!,
      y,
      rows,
      ...(residual && { residual }),
    });
    return { y, saved: { x, rstd } };
  };
  const linear = (name: string, x: Tensor, inputs: number, outputs: number, residual?: Tensor) => {
    const y = builder.tensor(`${i}.${name}.y`, rows * outputs);
    const w = weights.get(`${i}.${name}`)!;
    recordLinear(builder, constants, { x, w, y, rows, inputs, outputs, ...(residual && { residual }) });
    return y;
  };
  /** A projection back into the residual stream, through a norm of its own where the model has one. */
  const intoStream = (name: string, normName: string, x: Tensor, inputs: number, stream: Tensor) =>
    config.outputNorms
      ? norm(normName, linear(name, x, inputs, dim), stream)
      : { y: linear(name, x, inputs, dim, stream), saved: undefined };

  const attentionNorm = norm('attention-norm', x);
  let qkv = linear('qkv', attentionNorm.y, dim, qkvDim);
  if (config.qkvBias)
    builder.run(biasForwardKernel, { bias: weights.get(`${i}.qkv-bias`)!, y: qkv }, { rows, dim: qkvDim });
  let savedHeads: SavedNorm | undefined;
  if (config.headNorms) {
    const y = builder.tensor(`${i}.qkv-normed`, rows * qkvDim);
    const rstd = builder.tensor(`${i}.heads.rstd`, rows * (heads + config.kvHeads));
    const weight = weights.get(`${i}.head-norms`)!;
    builder.run(headNormForwardKernel, { x: qkv, weight, y, rstd }, headNormScalars(config, rows));
    savedHeads = { x: qkv, rstd };
    qkv = y;
  }
  if (!context.attendRotates) {
    builder.run(
      ropeKernel,
      { positions: batch.positions, table: constants.rope, qkv },
      rotationScalars(config, rows, 1),
    );
  }
  const o = builder.tensor(`${i}.o`, rows * heads * headDim);
  const lse = attend(i, qkv, o);
  const x1 = intoStream('attention-out', 'attention-out-norm', o, heads * headDim, x);
  const mlpNorm = norm('mlp-norm', x1.y);
  const gateUp = linear('gate-up', mlpNorm.y, dim, 2 * hidden);
  const activated = builder.tensor(`${i}.activated`, rows * hidden);
  builder.run(gatedMlpForwardKernel, { gateUp, y: activated }, gatedMlpScalars(config, rows));
  const x2 = intoStream('down', 'mlp-out-norm', activated, hidden, x1.y);
  const saved = {
    attentionNorm: attentionNorm.saved,
    h: attentionNorm.y,
    ...(savedHeads && { heads: savedHeads }),
    qkv,
    o,
    ...(lse && { lse }),
    ...(x1.saved && { attentionOutNorm: x1.saved }),
    mlpNorm: mlpNorm.saved,
    h1: mlpNorm.y,
    gateUp,
    activated,
    ...(x2.saved && { mlpOutNorm: x2.saved }),
  };
  return { y: x2.y, saved };
}

/** y = norm(x) [+ residual]; returns the rows' reciprocal standard deviations. */
export function recordNorm(
  builder: PlanBuilder,
  config: ModelConfig,
  constants: { nothing: Tensor },
  given: { name: string; x: Tensor; weight: Tensor; y: Tensor; rows: number; residual?: Tensor },
): Tensor {
  const { name, x, weight, y, rows, residual } = given;
  const rstd = builder.tensor(`${name}.rstd`, rows);
  builder.run(
    rmsNormForwardKernel,
    { x, weight, residual: residual ?? constants.nothing, y, rstd },
    {
      rows,
      dim: config.dim,
      use_residual: residual ? 1 : 0,
      eps: config.normEps,
      offset: config.normOffset ? 1 : 0,
    },
  );
  return rstd;
}

/** Causal attention within a batch of sequences, as training and prefill do it. */
export function attendWithin(
  builder: PlanBuilder,
  shape: DecoderShape,
  batch: Pick<BatchTensors, 'kvStart'>,
): Attend {
  const { config, seq } = shape;
  return (layer, qkv, o) => {
    const lse = builder.tensor(`${layer}.lse`, shape.batch * seq * config.heads);
    builder.run(
      attentionForwardKernel,
      { qkv, kvStart: batch.kvStart, o, lse },
      { batch: shape.batch, seq, ...attentionScalars(config, layer) },
    );
    return lse;
  };
}

export function headNormScalars(config: ModelConfig, rows: number): Scalars {
  return {
    rows,
    heads: config.heads,
    kv_heads: config.kvHeads,
    head_dim: config.headDim,
    eps: config.normEps,
  };
}

export function gatedMlpScalars(config: ModelConfig, rows: number): Scalars {
  return { rows, hidden: config.hidden, gelu: config.activation === 'gelu-tanh' ? 1 : 0 };
}

export function rotationScalars(config: ModelConfig, rows: number, direction: 1 | -1): Scalars {
  return {
    rows,
    heads: config.heads + config.kvHeads,
    half: config.headDim / 2,
    stride: qkvWidth(config),
    direction,
  };
}
