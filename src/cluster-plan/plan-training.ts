/**
 * Training with Nanotron: steps, operations, GPU hours and cost of every phase, its speed, and whether it fits. Operations are those of
 * src/core/model-flops.ts, as in `mix --dry-run`; time is operations over what the GPUs reach (a data sheet's figure times an MFU) or tokens over
 * tokens a second; checkpoints are written in between and the share of time in which nothing trains is added.
 */
import { flopsPerToken } from '../core/model-flops.ts';
import { chooseLayout, type GpuPool, usable, usableShare } from './choose-parallelism.ts';
import type { Training } from './cluster-config.ts';
import { type PlanContext, stated } from './context.ts';
import { computed, type Figure, given, product, roundedUp, secondsAnHour, sum } from './figure.ts';
import { gpuCost } from './gpu-cost.ts';
import { gpuKinds } from './gpu-kinds.ts';
import { type GpuMemory, gpuMemory, type Layout } from './gpu-memory.ts';
import { smolLm3 } from './published-throughput.ts';

interface PhasePlan {
  name: string;
  tokens: Figure;
  steps: Figure;
  flops: Figure;
  checkpoints: Figure;
  checkpointBytes: Figure;
  gpuHours: Figure;
  wallHours: Figure;
  cost: Figure | undefined;
}

export interface TrainingPlan {
  model: string;
  parameters: Figure;
  gpus: Figure;
  mfu: Figure;
  tokensPerSecond: Figure;
  tokensPerSecondPerGpu: Figure;
  phases: PhasePlan[];
  total: { gpuHours: Figure; wallHours: Figure; cost: Figure | undefined; checkpointBytes: Figure };
  layout: Layout;
  proposed: boolean;
  memory: GpuMemory;
  usableMemory: Figure;
  fits: boolean;
}

/** bf16 weights, fp32 master weights and two moments. */
const checkpointBytesPerParameter = 14;

export function planTraining(context: PlanContext): TrainingPlan {
  const { description, resolved, problems } = context;
  const training = description.training!;
  const { shape, config } = resolved.model!;
  const pool = poolOf(context);
  const gpus = given('GPUs', pool.nodes * pool.gpus, '', 'nodes.gpu');
  const peak = peakOf(context);
  const parameters = given('parameters', shape.parameters, '', modelAssumption(context));
  const perToken = computed(
    'operations a token',
    'FLOP',
    flopsPerToken(shape, training.sequenceLength),
    `6 x parameters in products (${shape.parameters - shape.embeddingParameters}) + 12 x layers (${shape.layers}) x width (${shape.attentionWidth ?? shape.hidden}) x sequence (${training.sequenceLength})`,
    [parameters],
  );
  const { speed, mfu } = speedOf(context, peak, perToken);
  const tokensPerSecond = product('tokens a second', 'tokens/s', [speed, gpus]);
  const checkpoint = product('bytes of a checkpoint', 'bytes', [
    parameters,
    given('bytes a parameter', checkpointBytesPerParameter, 'bytes', checkpointAssumption(context)),
  ]);
  const shared = { context, training, perToken, tokensPerSecond, gpus, checkpoint };
  const phases = training.phases.map((_, i) => planPhase(shared, i));
  const { layout, fits, proposed } = chooseLayout(training, config, pool, resolved.file);
  const memory = gpuMemory(layout, training, config);
  const room = computed(
    'memory to plan with',
    'bytes',
    usable(pool),
    `memory of a GPU (${pool.memoryBytes}) x share (${usableShare})`,
    [],
    memoryAssumption(context),
  );
  if (!fits)
    problems.push(
      `training does not fit: ${(memory.total.value / 2 ** 30).toFixed(1)} GiB a GPU at dp ${layout.dp}, tp ${layout.tp}, pp ${layout.pp}, micro-batch ${layout.microBatch}, and ${(room.value / 2 ** 30).toFixed(1)} GiB can be used: recompute: true, a larger tp or pp, or GPUs with more memory`,
    );
  return {
    model: shape.name,
    parameters,
    gpus,
    mfu,
    tokensPerSecond,
    tokensPerSecondPerGpu: speed,
    phases,
    total: {
      gpuHours: sum(
        'GPU hours of training',
        'GPU h',
        phases.map(({ gpuHours }) => gpuHours),
      ),
      wallHours: sum(
        'hours of training',
        'h',
        phases.map(({ wallHours }) => wallHours),
      ),
      cost: totalCost(description.currency, phases),
      checkpointBytes: sum(
        'bytes of checkpoints',
        'bytes',
        phases.map(({ checkpointBytes }) => checkpointBytes),
      ),
    },
    layout,
    proposed,
    memory,
    usableMemory: room,
    fits,
  };
}

function totalCost(currency: string, phases: readonly PhasePlan[]): Figure | undefined {
  const costs = phases.flatMap(({ cost }) => cost ?? []);
  return costs.length === 0 ? undefined : sum('cost of training', currency, costs);
}

function planPhase(
  shared: {
    context: PlanContext;
    training: Training;
    perToken: Figure;
    tokensPerSecond: Figure;
    gpus: Figure;
    checkpoint: Figure;
  },
  index: number,
): PhasePlan {
  const { context, training, perToken, tokensPerSecond, gpus, checkpoint } = shared;
  const { description } = context;
  const { name, tokens: stating } = training.phases[index]!;
  const asked = stated(context, `training.phases.${index}.tokens`, `tokens of ${name}`, 'tokens', stating);
  const batch = stated(context, 'training.batchTokens', 'tokens of a step', 'tokens', training.batchTokens);
  const steps = roundedUp(`steps of ${name}`, '', product(`steps of ${name}`, '', [asked], [batch]));
  const tokens = product(`tokens trained in ${name}`, 'tokens', [steps, batch]);
  const checkpoints = roundedUp(
    `checkpoints of ${name}`,
    '',
    product('checkpoints', '', [steps], [given('steps between', training.checkpointEvery, '')]),
  );
  const trains = product(`seconds that ${name} trains`, 's', [tokens], [tokensPerSecond]);
  const bandwidth = description.storage.bandwidth;
  const busy =
    bandwidth === undefined
      ? trains
      : sum(`seconds of ${name}`, 's', [
          trains,
          product(
            'seconds of checkpoints',
            's',
            [checkpoints, checkpoint],
            [given('bandwidth', bandwidth, 'bytes/s', storageAssumption(context))],
          ),
        ]);
  const availability = stated(
    context,
    'training.availability',
    'share of the time that trains',
    '',
    training.availability,
  );
  const wallHours = product(`hours of ${name}`, 'h', [busy], [availability, secondsAnHour]);
  return {
    name,
    tokens,
    steps,
    flops: product(`operations of ${name}`, 'FLOP', [tokens, perToken]),
    checkpoints,
    checkpointBytes: product(`bytes of checkpoints of ${name}`, 'bytes', [checkpoints, checkpoint]),
    gpuHours: product(`GPU hours of ${name}`, 'GPU h', [wallHours, gpus]),
    wallHours,
    cost: gpuCost(context, `cost of ${name}`, wallHours),
  };
}

/** Tokens a second of one GPU and the MFU: the description gives one, or a published MFU stands in. */
function speedOf(context: PlanContext, peak: Figure, perToken: Figure): { speed: Figure; mfu: Figure } {
  const { description } = context;
  const training = description.training!;
  const name = 'tokens a second of a GPU';
  if (training.tokensPerSecondPerGpu !== undefined) {
    const key = 'training.tokensPerSecondPerGpu';
    const speed = stated(context, key, name, 'tokens/s', training.tokensPerSecondPerGpu);
    return { speed, mfu: product('MFU', '', [speed, perToken], [peak]) };
  }
  const mfu =
    training.mfu === undefined
      ? given('MFU', smolLm3.mfu, '', publishedMfu(context))
      : stated(context, 'training.mfu', 'MFU', '', training.mfu);
  return { speed: product(name, 'tokens/s', [peak, mfu], [perToken]), mfu };
}

/** A published figure is a summary of what somebody saw for its own GPU and size, and a guess for others. */
function publishedMfu({ description, resolved, assumptions }: PlanContext): string {
  const { kind } = description.nodes.gpu!;
  const times = resolved.model!.shape.parameters / smolLm3.parameters;
  const near = kind === smolLm3.gpu && times > 0.5 && times < 2;
  return assumptions.add({
    id: 'training.mfu',
    text: near
      ? smolLm3.text
      : `${smolLm3.text}; taken for this model on ${kind} too, which nobody has shown`,
    source: smolLm3.source,
    evidence: near ? smolLm3.evidence : 'unknown',
  });
}

export function peakOf({ description, assumptions, resolved }: PlanContext): Figure {
  const { kind, peakTflops, count, gpus, pricePerHour } = description.nodes.gpu!;
  const known = gpuKinds.find(({ name }) => name === kind);
  const price = pricePerHour === undefined ? '' : ` at ${pricePerHour} ${description.currency} an hour`;
  assumptions.add({
    id: 'nodes.gpu',
    text: `${count} nodes of ${gpus} ${kind}${price}, held for as long as a phase takes`,
    source: `${resolved.file}, nodes.gpu`,
    evidence: 'own',
  });
  const id = assumptions.add({
    id: 'peak',
    text: `${kind}: ${peakTflops ?? known!.peakTflops} TFLOP/s in bf16, dense`,
    source: peakTflops === undefined ? known!.source : `${resolved.file}, nodes.gpu.peakTflops`,
    evidence: peakTflops === undefined ? 'summary' : 'own',
  });
  return given('peak of a GPU', (peakTflops ?? known!.peakTflops) * 1e12, 'FLOP/s', id);
}

function poolOf({ description }: PlanContext): GpuPool {
  const { count, gpus, kind, memory } = description.nodes.gpu!;
  return {
    nodes: count,
    gpus,
    memoryBytes: memory ?? gpuKinds.find(({ name }) => name === kind)!.memoryBytes,
  };
}

function modelAssumption({ assumptions, resolved }: PlanContext): string {
  const { name, parameters } = resolved.model!.shape;
  return assumptions.add({
    id: 'model',
    text: `${name}: ${parameters} parameters; 6 operations a parameter in a product, 12 x layers x width x sequence for attention, which is counted whole`,
    source:
      'trainer/model/model-shapes.ts; Kaplan et al. 2020, PaLM appendix B, and what nanotron reports its MFU by (src/core/model-flops.ts)',
    evidence: 'confirmed',
  });
}

function checkpointAssumption({ assumptions }: PlanContext): string {
  return assumptions.add({
    id: 'checkpoints',
    text: `a checkpoint is ${checkpointBytesPerParameter} bytes a parameter (2 weights, 4 master weights, 8 moments); training waits while it is written; none is deleted`,
    source: "from Nanotron's settings (bf16, fp32 sums, AdamW); no checkpoint of it was seen here",
    evidence: 'own',
  });
}

function storageAssumption({ assumptions, resolved }: PlanContext): string {
  return assumptions.add({
    id: 'storage.bandwidth',
    text: 'the bandwidth of the shared file system is for all nodes together, reading and writing alike',
    source: `${resolved.file}, storage.bandwidth`,
    evidence: 'own',
  });
}

function memoryAssumption({ assumptions }: PlanContext): string {
  assumptions.add({
    id: 'gpu memory',
    text: 'weights 2, gradients 2 + 4, optimizer 12 bytes a parameter (ZeRO-1), activations in bf16 with flash attention, logits 10 bytes',
    source:
      'Ultra-Scale Playbook (through a third party), ZeRO, Korthikanti et al. 2022; counted, not measured (src/cluster-plan/gpu-memory.ts)',
    evidence: 'summary',
  });
  return assumptions.add({
    id: 'usable memory',
    text: `${usableShare} of a GPU's memory can be planned with; the rest is for the driver, NCCL and fragmentation`,
    source: 'a rule of thumb',
    evidence: 'own',
  });
}
