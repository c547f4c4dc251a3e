/**
 * The reference model of a KL term: a second copy of the weights, frozen at the start model, or following the policy with `sync_ref_model`. It gives
 * log-probabilities of tokens by the forward pass that training runs, in the same packed rows, with logits in chunks of rows: [batch, length,
 * vocabulary] never exists. A plan, and what binds it to a device.
 */
import { interpolateKernel } from '../../kernels/interpolate/spec.ts';
import type { Gpu } from '../gpu/device.ts';
import { Executable } from '../gpu/executable.ts';
import type { ModelConfig } from '../model/config.ts';
import { attendWithin, recordForward } from '../model/decoder.ts';
import { type Precision, recordHalves } from '../model/half-weights.ts';
import { recordHeadForward } from '../model/head.ts';
import { type Slab, vocabularyParts } from '../model/parameters.ts';
import { ropeTableOf } from '../model/rope.ts';
import { declareSlabs, declareWeights, type ModelWeights } from '../model/weights.ts';
import { type Plan, PlanBuilder, type Tensor } from '../plan/plan.ts';
import { packRollouts } from './pack-rollouts.ts';
import type { Rollout } from './rollout.ts';

export interface ReferenceShape {
  config: ModelConfig;
  /** Rows of a micro-batch and positions of each, as the learner's. */
  batch: number;
  seq: number;
  logitsBytes: number;
  temperature: number;
  /** How far a synchronisation moves the reference towards the policy. */
  mixupAlpha: number;
}

interface ReferenceTensors {
  tokens: Tensor;
  targets: Tensor;
  positions: Tensor;
  kvStart: Tensor;
  rope: Tensor;
  stats: Tensor;
}

/** Programs `score` (log-probabilities) and `sync`. `declare` gives the slabs of the reference and of the policy. */
export function planReference(
  shape: ReferenceShape,
  declare: (builder: PlanBuilder) => {
    reference: { slabs: readonly Tensor[]; blocks: ReadonlyMap<string, Tensor> };
    policy: readonly Tensor[];
  },
): { plan: Plan; tensors: ReferenceTensors } {
  const { config, batch, seq } = shape;
  const rows = batch * seq;
  const builder = new PlanBuilder();
  const { reference, policy } = declare(builder);
  const input = (name: string) => builder.tensor(name, rows, 'persistent', 'u32');
  const tensors: ReferenceTensors = {
    tokens: input('tokens'),
    targets: input('targets'),
    positions: input('positions'),
    kvStart: input('kvStart'),
    rope: builder.tensor('rope', seq * config.headDim, 'persistent'),
    stats: builder.tensor('stats', rows * 4, 'persistent'),
  };
  const nothing = builder.tensor('nothing', 4, 'persistent');
  builder.program('score');
  const attend = attendWithin(builder, shape, tensors);
  const constants = { rope: tensors.rope, nothing };
  const context = { builder, shape, weights: reference.blocks, batch: tensors, constants, attend };
  recordHeadForward(
    builder,
    {
      hidden: recordForward(context, false).hidden,
      w: vocabularyParts(reference.blocks, config.tiedHead ? 'embedding' : 'head', config.dim),
      targets: tensors.targets,
      stats: tensors.stats,
      nothing,
    },
    {
      rows,
      config,
      logitsBytes: shape.logitsBytes,
      inverseTemperature: 1 / shape.temperature,
      zLoss: 0,
    },
  );
  builder.program('sync');
  reference.slabs.forEach((slab, i) => {
    builder.run(interpolateKernel, { x: policy[i]!, y: slab }, { size: slab.size, share: shape.mixupAlpha });
  });
  recordHalves(builder, reference.blocks);
  return { plan: builder.finish(), tensors };
}

/** The plan as it would be on a device with these slabs, for the memory plan of a dry run. */
export function planReferenceMemory(
  shape: ReferenceShape,
  layout: readonly Slab[],
  precision: Precision,
): Plan {
  return planReference(shape, (builder) => ({
    reference: declareWeights(builder, layout, precision, 'external'),
    policy: declareSlabs(builder, 'policy', layout, 'external').slabs,
  })).plan;
}

export class ReferenceModel {
  readonly weights: ModelWeights;
  private readonly executable: Executable;
  private readonly tensors: ReferenceTensors;
  private readonly shape: ReferenceShape;

  private constructor(
    weights: ModelWeights,
    executable: Executable,
    tensors: ReferenceTensors,
    shape: ReferenceShape,
  ) {
    this.weights = weights;
    this.executable = executable;
    this.tensors = tensors;
    this.shape = shape;
  }

  /** `weights` become this object's: they are freed with it. */
  static async create(
    gpu: Gpu,
    weights: ModelWeights,
    policy: ModelWeights,
    shape: ReferenceShape,
  ): Promise<ReferenceModel> {
    const buffers = new Map<Tensor, GPUBuffer>();
    const { plan, tensors } = planReference(shape, (builder) => ({
      reference: weights.declare(builder, buffers),
      policy: policy.declare(builder, buffers).slabs,
    }));
    const executable = await Executable.create(gpu, plan, buffers);
    executable.write(tensors.rope, ropeTableOf(shape.config, shape.seq));
    return new ReferenceModel(weights, executable, tensors, shape);
  }

  get allocatedBytes(): number {
    return this.executable.allocatedBytes;
  }

  /** Log-probability of every completion token of each rollout. */
  async logProbabilities(rollouts: readonly Rollout[]): Promise<number[][]> {
    const items = rollouts.map(({ promptTokens, tokens, logps }) => ({
      promptTokens,
      tokens,
      logps,
      advantage: 0,
      share: 1,
    }));
    const found: number[][] = rollouts.map(() => []);
    for (const { rows, placed } of packRollouts(items, this.shape.batch, this.shape.seq)) {
      this.executable.write(this.tensors.tokens, rows.tokens);
      this.executable.write(this.tensors.targets, rows.targets);
      this.executable.write(this.tensors.positions, rows.positions);
      this.executable.write(this.tensors.kvStart, rows.kvStart);
      this.executable.run('score');
      const stats = new Float32Array(await this.executable.read(this.tensors.stats));
      for (const { item, first, length } of placed)
        found[item] = Array.from({ length }, (_, t) => stats[(first + t) * 4]!);
    }
    return found;
  }

  /** Moves the reference towards the policy, by mixupAlpha of the way. */
  sync(): void {
    this.executable.run('sync');
  }

  destroy(): void {
    this.executable.destroy();
    this.weights.destroy();
  }
}
