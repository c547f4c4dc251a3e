/**
 * The model being trained on a GPU: takes micro-batches, accumulates gradients, steps AdamW. Knows nothing of schedules, data or RL.
 *
 *   learner.begin(); for each micro-batch learner.accumulate(rows); await learner.step(lr)
 */
import { groupRowsByToken } from '../../kernels/embedding/group-rows.ts';
import { invariant, UserError } from '../../src/core/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { Executable } from '../gpu/executable.ts';
import { ropeTableOf } from '../model/rope.ts';
import { type ModelWeights, type PlacedTensor, rangesOf, readPlaces } from '../model/weights.ts';
import type { MemoryPlan } from '../plan/memory-plan.ts';
import type { Tensor } from '../plan/plan.ts';
import { type LearnerShape, type LearnerTensors, planLearner } from './learner-plan.ts';

/** One micro-batch, all arrays of batch * seq rows. */
export interface Rows {
  tokens: Uint32Array;
  targets: Uint32Array;
  /** Position of each row in its sequence (0, 1, ...), the same for every sequence unless documents restart it. */
  positions: Uint32Array;
  kvStart: Uint32Array;
}

/** A micro-batch of a policy loss. */
export interface PolicyRows {
  rows: Rows;
  /** (rows, 4): old logp, advantage, share of the loss, reference logp. */
  inputs: Float32Array;
  /** [sequences, then first row and number of rows that count of each]. */
  spans: Uint32Array;
}

export interface StepResult {
  /** Sum over rows of weight * log-probability: the mean cross-entropy when weights are -1 / targets. */
  loss: number;
  /** Mean entropy of the rows that count, in nats. */
  entropy: number;
  /** Before clipping. */
  gradNorm: number;
  /** Weights were left alone, because the gradient was not finite or because its norm was a spike. */
  skipped: false | 'not finite' | 'spike';
  /** Standard deviations that the norm lies above the last 128; 0 before there are as many. */
  gradNormZ: number;
  /** Mean squared log-sum-exp, before the z-loss coefficient. */
  zLoss: number;
}

/** The name of the gradient norms that spikes are measured against, among the moments of a checkpoint. */
const gradNorms = 'grad_norm_history';

export class Learner {
  readonly shape: LearnerShape;
  readonly weights: ModelWeights;
  /** Optimizer steps taken; AdamW's bias correction counts from here. */
  steps = 0;
  private readonly executable: Executable;
  private readonly tensors: LearnerTensors;
  private readonly gpu: Gpu;

  private constructor(
    gpu: Gpu,
    shape: LearnerShape,
    weights: ModelWeights,
    executable: Executable,
    tensors: LearnerTensors,
  ) {
    this.gpu = gpu;
    this.shape = shape;
    this.weights = weights;
    this.executable = executable;
    this.tensors = tensors;
  }

  static async create(gpu: Gpu, weights: ModelWeights, shape: LearnerShape): Promise<Learner> {
    const buffers = new Map<Tensor, GPUBuffer>();
    const { plan, tensors } = planLearner(shape, weights.slabs, (builder) =>
      weights.declare(builder, buffers),
    );
    const executable = await Executable.create(gpu, plan, buffers);
    executable.write(tensors.constants.rope, ropeTableOf(shape.config, shape.seq));
    return new Learner(gpu, shape, weights, executable, tensors);
  }

  /** Bytes of the buffers that were made for this learner; the weights are not among them. */
  get allocatedBytes(): number {
    return this.executable.allocatedBytes;
  }

  get memory(): MemoryPlan {
    return this.executable.memory;
  }

  /** Clears gradients and totals, before the first micro-batch of a step. */
  begin(): void {
    const encoder = this.gpu.device.createCommandEncoder();
    for (const gradient of this.tensors.gradients) this.executable.clear(encoder, gradient);
    this.executable.clear(encoder, this.tensors.totals);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  private writeRows(rows: Rows): void {
    const { batch, targets } = this.tensors;
    this.executable.write(batch.tokens, rows.tokens);
    this.executable.write(batch.positions, rows.positions);
    this.executable.write(batch.kvStart, rows.kvStart);
    this.executable.write(targets, rows.targets);
  }

  private writeGroups(rows: Rows): void {
    const groups = groupRowsByToken(rows.tokens);
    const { batch } = this.tensors;
    this.executable.write(batch.ids, groups.ids);
    this.executable.write(batch.starts, groups.starts);
    this.executable.write(batch.order, groups.order);
    this.executable.write(batch.counts, groups.counts);
  }

  /** Adds a cross-entropy micro-batch. `weights` (rows): each target's share of the loss, such as 1 / targets in the whole batch. */
  accumulateCrossEntropy(rows: Rows, weights: Float32Array): void {
    invariant(!this.shape.policy, 'this learner was made for policy losses');
    const pairs = new Float32Array(weights.length * 2);
    for (let i = 0; i < weights.length; i++) pairs[i * 2] = -weights[i]!;
    this.writeRows(rows);
    this.writeGroups(rows);
    this.executable.write(this.tensors.weights, pairs);
    this.executable.run('cross-entropy');
  }

  /** Adds a policy micro-batch; `inputs` (rows, 4): old logp, advantage, normaliser (0 where the row does not count), reference logp. */
  accumulatePolicy({ rows, inputs, spans }: PolicyRows, entropyBonus: number): void {
    const { policy } = this.tensors;
    invariant(policy, 'this learner was made for cross-entropy');
    this.writeRows(rows);
    this.writeGroups(rows);
    this.executable.write(policy.inputs, inputs);
    this.executable.write(policy.options, Float32Array.of(entropyBonus));
    if (policy.spans) this.executable.write(policy.spans, spans);
    this.executable.run('policy');
  }

  /** After accumulatePolicy: (rows, 5) of loss share, clip flag (1 low, 2 high, 3 delta), KL, log ratio, entropy. */
  async readPolicyTerms(): Promise<Float32Array> {
    invariant(this.tensors.policy, 'this learner was made for cross-entropy');
    return new Float32Array(await this.executable.read(this.tensors.policy.terms));
  }

  /** The gradient of one parameter block, as accumulated so far. For tests. */
  async readGradient(block: string): Promise<Float32Array> {
    return new Float32Array(await this.executable.read(this.tensors.gradientBlocks.get(block)!));
  }

  /**
   * Clips and applies AdamW at learning rate `lr`. What came of it is read behind the step: the next one may be begun before the promise is
   * waited for, and results come in order. One that is dropped must still be waited for, or its rejection is nobody's.
   */
  async step(lr: number): Promise<StepResult> {
    this.steps++;
    const { beta1, beta2 } = this.shape.optimizer;
    const { optimizer, totals } = this.tensors;
    this.executable.write(
      optimizer.step,
      Float32Array.of(lr, 1 - beta1 ** this.steps, 1 - beta2 ** this.steps),
    );
    const read = new Float32Array(await this.executable.runAndRead(['optimizer'], [totals, optimizer.clip]));
    const [loss, entropy, rows, zLoss] = read;
    const [gradNorm, , skip, gradNormZ] = read.subarray(totals.size);
    return {
      loss: loss!,
      entropy: rows! > 0 ? entropy! / rows! : 0,
      gradNorm: gradNorm!,
      skipped: skip === 0 ? false : skip === 1 ? 'not finite' : 'spike',
      gradNormZ: gradNormZ!,
      zLoss: zLoss!,
    };
  }

  /** Forward only: (rows, 4) of log-probability of the target, log-sum-exp, entropy, argmax. */
  async evaluate(rows: Rows): Promise<Float32Array> {
    this.writeRows(rows);
    this.executable.run('evaluate');
    return new Float32Array(await this.executable.read(this.tensors.stats));
  }

  /** What the optimizer keeps, for a checkpoint: the norms of the last steps, and `exp_avg.<name>` and `exp_avg_sq.<name>` of every parameter, whatever the slabs of this device. */
  moments(): { name: string; shape: readonly number[]; size: number }[] {
    const { size } = this.tensors.optimizer.history;
    return [
      ...this.weights.tensors().flatMap(({ name, shape, size }) => [
        { name: `exp_avg.${name}`, shape, size },
        { name: `exp_avg_sq.${name}`, shape, size },
      ]),
      { name: gradNorms, shape: [size], size },
    ];
  }

  /** `size` values of a moment from element `first` on. */
  async saveMoment(name: string, first: number, size: number): Promise<Float32Array> {
    if (name === gradNorms)
      return new Float32Array(await this.executable.read(this.tensors.optimizer.history, size, first));
    const { slabs, tensor } = this.momentOf(name);
    return readPlaces(tensor, first, size, (slab, offset, length) =>
      this.executable.read(slabs[slab]!, length, offset),
    );
  }

  /** Puts values of a moment in place, from element `first` on. */
  loadMoment(name: string, values: Float32Array, first: number): void {
    if (name === gradNorms) {
      this.executable.write(this.tensors.optimizer.history, values, first);
      return;
    }
    const { slabs, tensor } = this.momentOf(name);
    if (first + values.length > tensor.size)
      throw new UserError(`the checkpoint's moment ${name} does not fit the model`);
    for (const { place, at, size } of rangesOf(tensor, first, values.length)) {
      const part = values.subarray(at - first, at - first + size);
      this.executable.write(slabs[place.slab]!, part, place.offset + at - place.first);
    }
  }

  private momentOf(name: string): { slabs: readonly Tensor[]; tensor: PlacedTensor } {
    const [, kind, parameter] = /^(exp_avg|exp_avg_sq)\.(.+)$/.exec(name) ?? [];
    const tensor = this.weights.tensors().find((t) => t.name === parameter);
    if (!tensor) throw new UserError(`the checkpoint's moment ${name} belongs to no parameter of the model`);
    const { m, v } = this.tensors.optimizer;
    return { slabs: kind === 'exp_avg' ? m : v, tensor };
  }

  destroy(): void {
    this.executable.destroy();
  }
}
