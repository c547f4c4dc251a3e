/**
 * The plan of everything a training process runs on its weights: `cross-entropy` and `policy` micro-batches (forward, loss, backward),
 * `evaluate` (forward and log-probabilities), `optimizer`. Pure: learner.ts binds it to a GPU, tests run it by references.
 */
import { weightedSumKernel } from '../../kernels/reduce/spec.ts';
import { type GroupedRows, recordBackward } from '../model/backward.ts';
import type { ModelConfig } from '../model/config.ts';
import { attendWithin, type BatchTensors, type DecoderConstants, recordForward } from '../model/decoder.ts';
import { recordHalves } from '../model/half-weights.ts';
import { type HeadOptions, type HeadTensors, recordHeadForward, recordHeadTraining } from '../model/head.ts';
import { type Slab, vocabularyParts } from '../model/parameters.ts';
import { declareSlabs } from '../model/weights.ts';
import { type Plan, PlanBuilder, type Tensor } from '../plan/plan.ts';
import { type AdamWOptions, type OptimizerTensors, recordOptimizer } from './optimizer.ts';
import { declarePolicy, type PolicyOptions, type PolicyTensors, recordPolicyLoss } from './policy-plan.ts';

export interface LearnerShape {
  config: ModelConfig;
  /** Sequences of a micro-batch, and positions of each. */
  batch: number;
  seq: number;
  /** Bytes that logits may take at a time. */
  logitsBytes: number;
  /** Log-probabilities are taken at this temperature (1 in pre-training; the sampling temperature in RL, as TRL does). */
  temperature: number;
  optimizer: AdamWOptions;
  /** Coefficient of the auxiliary loss on the square of the log-sum-exp (PaLM, section 5: 1e-4). Default 0. */
  zLoss?: number;
  /** `block`: keep only the input of every layer and compute the layer again in the backward pass. Default off. */
  checkpointing?: 'off' | 'block';
  /** With it the plan has a `policy` program, without it a `cross-entropy` program. */
  policy?: PolicyOptions;
}

export interface LearnerTensors {
  batch: BatchTensors & GroupedRows;
  targets: Tensor;
  /** (R, 2): share of each row's log-probability (and entropy) in the loss. Written by the CPU, or by the policy loss. */
  weights: Tensor;
  stats: Tensor;
  /** [loss, entropy sum, rows, z-loss before its coefficient], added up over micro-batches. */
  totals: Tensor;
  policy?: PolicyTensors;
  constants: DecoderConstants;
  gradients: Tensor[];
  gradientBlocks: ReadonlyMap<string, Tensor>;
  optimizer: OptimizerTensors;
}

/** Records the plan. `declareWeights` gives the weight tensors: external on the GPU, persistent in a reference run. */
export function planLearner(
  shape: LearnerShape,
  layout: readonly Slab[],
  declareWeights: (builder: PlanBuilder) => { slabs: Tensor[]; blocks: ReadonlyMap<string, Tensor> },
): { plan: Plan; tensors: LearnerTensors } {
  const { config, batch, seq } = shape;
  const rows = batch * seq;
  const builder = new PlanBuilder();
  const weights = declareWeights(builder);
  const gradients = declareSlabs(builder, 'gradient', layout, 'persistent');
  const input = (name: string, size: number) => builder.tensor(name, size, 'persistent', 'u32');
  const tensors: Omit<LearnerTensors, 'optimizer'> = {
    batch: {
      tokens: input('tokens', rows),
      positions: input('positions', rows),
      kvStart: input('kvStart', rows),
      ids: input('ids', rows),
      starts: input('starts', rows + 1),
      order: input('order', rows),
      counts: input('counts', 1),
    },
    targets: input('targets', rows),
    weights: builder.tensor('loss weights', rows * 2, 'persistent'),
    stats: builder.tensor('stats', rows * 4, 'persistent'),
    totals: builder.tensor('totals', 4, 'persistent'),
    constants: {
      rope: builder.tensor('rope', seq * config.headDim, 'persistent'),
      nothing: builder.tensor('nothing', 4, 'persistent'),
    },
    gradients: gradients.slabs,
    gradientBlocks: gradients.blocks,
    ...(shape.policy ? { policy: declarePolicy(builder, rows, shape.policy) } : {}),
  };
  const headName = config.tiedHead ? 'embedding' : 'head';
  const options: HeadOptions = {
    rows,
    config,
    logitsBytes: shape.logitsBytes,
    inverseTemperature: 1 / shape.temperature,
    zLoss: shape.zLoss ?? 0,
  };
  const head = (hidden: Tensor): HeadTensors => ({
    hidden,
    w: vocabularyParts(weights.blocks, headName, config.dim),
    targets: tensors.targets,
    stats: tensors.stats,
    nothing: tensors.constants.nothing,
  });

  builder.program(shape.policy ? 'policy' : 'cross-entropy');
  const attend = attendWithin(builder, shape, tensors.batch);
  const context = {
    builder,
    shape,
    weights: weights.blocks,
    gradients: gradients.blocks,
    batch: tensors.batch,
    constants: tensors.constants,
    attend,
  };
  const saved = recordForward(context, shape.checkpointing !== 'block');
  const { policy } = tensors;
  const betweenPasses =
    policy &&
    (() =>
      recordPolicyLoss(builder, shape.policy!, policy, {
        stats: tensors.stats,
        weights: tensors.weights,
        nothing: tensors.constants.nothing,
        rows,
      }));
  const dHidden = recordHeadTraining(builder, head(saved.hidden), options, {
    weights: tensors.weights,
    dW: vocabularyParts(gradients.blocks, headName, config.dim),
    ...(betweenPasses ? { betweenPasses } : {}),
  });
  builder.run(
    weightedSumKernel,
    { stats: tensors.stats, weights: tensors.weights, out: tensors.totals },
    { rows },
  );
  recordBackward(context, saved, dHidden);

  builder.program('evaluate');
  recordHeadForward(builder, head(recordForward(context, false).hidden), options);

  builder.program('optimizer');
  const optimizer = recordOptimizer(builder, layout, weights.slabs, gradients.slabs, shape.optimizer);
  recordHalves(builder, weights.blocks);
  return { plan: builder.finish(), tensors: { ...tensors, optimizer } };
}
