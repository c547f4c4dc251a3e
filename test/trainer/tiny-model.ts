/** A tiny decoder, random rows for it, and a reference run of its plan. For tests. */

import { groupRowsByToken } from '../../kernels/embedding/group-rows.ts';
import { packHalves } from '../../kernels/half/values.ts';
import { Random } from '../../src/core/random.ts';
import type { Rows } from '../../trainer/learner/learner.ts';
import { type LearnerShape, type LearnerTensors, planLearner } from '../../trainer/learner/learner-plan.ts';
import { adamWDefaults } from '../../trainer/learner/optimizer.ts';
import type { ModelConfig } from '../../trainer/model/config.ts';
import type { Precision } from '../../trainer/model/half-weights.ts';
import { initialWeights } from '../../trainer/model/init.ts';
import { layoutSlabs, parameterBlocks } from '../../trainer/model/parameters.ts';
import { ropeTableOf } from '../../trainer/model/rope.ts';
import { declareWeights } from '../../trainer/model/weights.ts';
import type { Tensor } from '../../trainer/plan/plan.ts';
import { ReferenceExecutor } from '../../trainer/plan/reference-executor.ts';

export const tinyConfig: ModelConfig = {
  vocabSize: 19,
  dim: 12,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  hidden: 20,
  maxPositions: 64,
  ropeTheta: 10000,
  normEps: 1e-5,
  tiedHead: true,
};

export function tinyShape(change: Partial<LearnerShape> = {}): LearnerShape {
  return {
    config: tinyConfig,
    batch: 2,
    seq: 9,
    logitsBytes: 1 << 20,
    temperature: 1,
    optimizer: adamWDefaults,
    ...change,
  };
}

/** Random tokens and targets; with `documents`, attention does not cross a boundary every five tokens. */
export function randomRows(shape: LearnerShape, seed: number, documents = false): Rows {
  const random = new Random(seed);
  const rows = shape.batch * shape.seq;
  const token = () => random.int(shape.config.vocabSize);
  return {
    tokens: Uint32Array.from({ length: rows }, token),
    targets: Uint32Array.from({ length: rows }, token),
    positions: Uint32Array.from({ length: rows }, (_, i) => i % shape.seq),
    kvStart: Uint32Array.from({ length: rows }, (_, i) =>
      documents ? Math.floor((i % shape.seq) / 5) * 5 : 0,
    ),
  };
}

/** The same plan on the CPU in double precision, with weights of std 0.3 so that gradients are not tiny. */
export class ReferenceLearner {
  readonly executor: ReferenceExecutor;
  readonly tensors: LearnerTensors;
  readonly blocks: ReadonlyMap<string, Tensor>;
  readonly shape: LearnerShape;

  constructor(shape: LearnerShape, weights: ReadonlyMap<string, Float32Array>, precision: Precision = 'f32') {
    this.shape = shape;
    const blocks = parameterBlocks(shape.config);
    const layout = layoutSlabs(blocks, 1 << 27);
    let declared: ReturnType<typeof declareWeights> | undefined;
    const { plan, tensors } = planLearner(shape, layout, (builder) => {
      declared = declareWeights(builder, layout, precision, 'persistent');
      return declared;
    });
    this.tensors = tensors;
    this.blocks = declared!.blocks;
    this.executor = new ReferenceExecutor(plan);
    for (const block of blocks) {
      let at = 0;
      const values = this.executor.values(this.blocks.get(block.name)!);
      for (const part of block.parts) {
        values.set(weights.get(part.name)!, at);
        at += weights.get(part.name)!.length;
      }
      const { half } = this.blocks.get(block.name)!;
      if (half) this.executor.write(half, packHalves(values));
    }
    this.executor.write(tensors.constants.rope, ropeTableOf(shape.config, shape.seq));
  }

  write(rows: Rows): void {
    const { batch, targets } = this.tensors;
    const groups = groupRowsByToken(rows.tokens);
    this.executor.write(batch.tokens, rows.tokens);
    this.executor.write(batch.positions, rows.positions);
    this.executor.write(batch.kvStart, rows.kvStart);
    this.executor.write(targets, rows.targets);
    this.executor.write(batch.ids, groups.ids);
    this.executor.write(batch.starts, groups.starts);
    this.executor.write(batch.order, groups.order);
    this.executor.write(batch.counts, groups.counts);
  }

  /** Mean cross-entropy plus the z-loss; gradients are left in the gradient tensors. */
  crossEntropy(rows: Rows): number {
    this.write(rows);
    const n = rows.tokens.length;
    this.executor.write(
      this.tensors.weights,
      Float64Array.from({ length: n * 2 }, (_, i) => (i % 2 === 0 ? -1 / n : 0)),
    );
    this.executor.values(this.tensors.totals).fill(0);
    for (const gradient of this.tensors.gradients) this.executor.values(gradient).fill(0);
    this.executor.run('cross-entropy');
    const totals = this.executor.values(this.tensors.totals);
    return totals[0]! + (this.shape.zLoss ?? 0) * totals[3]!;
  }
}

export function tinyWeights(config: ModelConfig, seed = 1): Map<string, Float32Array> {
  const weights = initialWeights(config, seed, 0.3);
  // Biases that are all zero and norms that are all one would hide a mistake.
  const random = new Random(`${seed}/vectors`);
  for (const { name, shape } of parameterBlocks(config).flatMap((block) => block.parts)) {
    if (shape.length === 1)
      weights.set(
        name,
        weights.get(name)!.map((x) => x + 0.3 * random.normal()),
      );
  }
  return weights;
}
