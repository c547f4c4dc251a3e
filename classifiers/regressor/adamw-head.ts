/**
 * A regression head trained by AdamW on frozen embeddings: mean squared error, batches in an order that a seed decides, a learning rate that
 * falls linearly to zero. The numbers are FineWeb-Edu's: lr 3e-4, 20 epochs, batch 256, no weight decay.
 *
 * Double precision throughout; PyTorch trains in f32 (a fixture holds both within 1e-4). One thread: a linear head on 100,000 embeddings of
 * 384 values takes about a second an epoch, one with a hidden layer as wide as the embedding hundreds of times as long.
 * Source: huggingface/smollm text/fineweb-edu/train_edu_bert.py; torch.optim.AdamW; transformers' `Trainer` (linear schedule).
 */
import { invariant } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import type { RegressionHead } from './regression-head.ts';

export interface AdamWOptions {
  lr: number;
  epochs: number;
  batchSize: number;
  weightDecay: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** Width of the hidden layer; 0: linear. */
  hidden: number;
  seed: number;
}

export const usualAdamW: AdamWOptions = {
  lr: 3e-4,
  epochs: 20,
  batchSize: 256,
  weightDecay: 0,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  hidden: 0,
  seed: 0,
};

/** Weights in training: one vector in the order dense weight, dense bias, weight, bias. */
export class TrainableHead {
  readonly dimensions: number;
  readonly hidden: number;
  readonly values: Float64Array;
  private readonly m: Float64Array;
  private readonly v: Float64Array;
  private readonly gradient: Float64Array;
  private readonly units: Float64Array;
  private steps = 0;

  constructor(dimensions: number, hidden: number, values?: ArrayLike<number>) {
    this.dimensions = dimensions;
    this.hidden = hidden;
    const size = hidden === 0 ? dimensions + 1 : hidden * dimensions + 2 * hidden + 1;
    invariant(values === undefined || values.length === size, 'one value for each weight');
    this.values = values === undefined ? new Float64Array(size) : Float64Array.from(values);
    this.m = new Float64Array(size);
    this.v = new Float64Array(size);
    this.gradient = new Float64Array(size);
    this.units = new Float64Array(hidden);
  }

  /** The start that PyTorch's `Linear` has in distribution: uniform within 1 / sqrt(inputs); the last bias is the mean target. */
  static random(dimensions: number, hidden: number, random: Random, targetMean: number): TrainableHead {
    const head = new TrainableHead(dimensions, hidden);
    const uniform = (from: number, to: number, inputs: number): void => {
      for (let i = from; i < to; i++) head.values[i] = (2 * random.float() - 1) / Math.sqrt(inputs);
    };
    const dense = hidden * dimensions + hidden;
    uniform(0, dense, dimensions);
    uniform(dense, head.values.length - 1, hidden === 0 ? dimensions : hidden);
    head.values[head.values.length - 1] = targetMean;
    return head;
  }

  /** The score of the embedding at `at`; leaves the hidden units for `backward`. */
  private forward(embeddings: Float32Array, at: number): number {
    const { dimensions, hidden, values, units } = this;
    let sum = values[values.length - 1]!;
    if (hidden === 0) {
      for (let d = 0; d < dimensions; d++) sum += values[d]! * embeddings[at + d]!;
      return sum;
    }
    const bias = hidden * dimensions;
    for (let h = 0; h < hidden; h++) {
      let unit = values[bias + h]!;
      for (let d = 0, row = h * dimensions; d < dimensions; d++)
        unit += values[row + d]! * embeddings[at + d]!;
      units[h] = Math.tanh(unit);
      sum += values[bias + hidden + h]! * units[h]!;
    }
    return sum;
  }

  private backward(embeddings: Float32Array, at: number, slope: number): void {
    const { dimensions, hidden, values, units, gradient } = this;
    gradient[gradient.length - 1]! += slope;
    if (hidden === 0) {
      for (let d = 0; d < dimensions; d++) gradient[d]! += slope * embeddings[at + d]!;
      return;
    }
    const bias = hidden * dimensions;
    for (let h = 0; h < hidden; h++) {
      const unit = units[h]!;
      gradient[bias + hidden + h]! += slope * unit;
      const inner = slope * values[bias + hidden + h]! * (1 - unit * unit);
      gradient[bias + h]! += inner;
      for (let d = 0, row = h * dimensions; d < dimensions; d++)
        gradient[row + d]! += inner * embeddings[at + d]!;
    }
  }

  /** One AdamW step on the mean squared error of the rows `batch`; returns that error before the step. */
  step(
    embeddings: Float32Array,
    targets: ArrayLike<number>,
    batch: readonly number[],
    lr: number,
    { beta1, beta2, eps, weightDecay }: Pick<AdamWOptions, 'beta1' | 'beta2' | 'eps' | 'weightDecay'>,
  ): number {
    const { values, gradient, m, v, dimensions } = this;
    gradient.fill(0);
    let loss = 0;
    for (const row of batch) {
      const error = this.forward(embeddings, row * dimensions) - targets[row]!;
      loss += (error * error) / batch.length;
      this.backward(embeddings, row * dimensions, (2 * error) / batch.length);
    }
    this.steps++;
    const correction1 = 1 - beta1 ** this.steps;
    const correction2 = Math.sqrt(1 - beta2 ** this.steps);
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i]!;
      m[i] = beta1 * m[i]! + (1 - beta1) * g;
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      const denominator = Math.sqrt(v[i]!) / correction2 + eps;
      values[i] = values[i]! * (1 - lr * weightDecay) - ((lr / correction1) * m[i]!) / denominator;
    }
    return loss;
  }

  /** The head as it is now, rounded to f32. */
  toHead(): RegressionHead {
    const { dimensions, hidden, values } = this;
    const dense = hidden * dimensions;
    const part = (from: number, to: number): Float32Array => Float32Array.from(values.subarray(from, to));
    return {
      dimensions,
      hidden,
      denseWeight: part(0, dense),
      denseBias: part(dense, dense + hidden),
      weight: part(dense + hidden, values.length - 1),
      bias: part(values.length - 1, values.length),
    };
  }
}

export interface TrainedEpoch {
  epoch: number;
  /** Mean of the batches' losses. */
  loss: number;
  head: RegressionHead;
}

/** Trains on `rows` of `embeddings` and yields the head after every epoch. */
export function* trainHeadByAdamW(
  embeddings: Float32Array,
  dimensions: number,
  targets: ArrayLike<number>,
  rows: readonly number[],
  options: AdamWOptions,
): Generator<TrainedEpoch> {
  const random = new Random(`regression-head ${options.seed}`);
  const mean = rows.reduce((sum, row) => sum + targets[row]!, 0) / rows.length;
  const head = TrainableHead.random(dimensions, options.hidden, random, mean);
  const order = [...rows];
  const batches = Math.ceil(rows.length / options.batchSize);
  const total = batches * options.epochs;
  let step = 0;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    random.shuffle(order);
    let loss = 0;
    for (let from = 0; from < order.length; from += options.batchSize) {
      const batch = order.slice(from, from + options.batchSize);
      loss += head.step(embeddings, targets, batch, options.lr * (1 - step++ / total), options) / batches;
    }
    yield { epoch, loss, head: head.toHead() };
  }
}
