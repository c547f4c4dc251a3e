/** `train --dry-run`: steps, tokens, parameters and memory of a phase, in words and numbers, from the config alone. No GPU is opened. */

import { planLearner } from '../learner/learner-plan.ts';
import { learningRateAt } from '../learner/schedule.ts';
import { readModelConfig } from '../model/folder.ts';
import { bytesOfHalves } from '../model/half-weights.ts';
import { countParameters, layoutSlabs, parameterBlocks, vocabularyRows } from '../model/parameters.ts';
import { declareWeights } from '../model/weights.ts';
import { type MemoryPlan, planMemory } from '../plan/memory-plan.ts';
import type { PlanBuilder } from '../plan/plan.ts';
import { freshModelConfig } from './fresh-model.ts';
import { planTraining } from './plan-training.ts';
import type { Phase, TrainConfig } from './train-config.ts';

export interface TrainingDescription {
  phase: Phase;
  steps: number;
  tokens: number;
  parameters: number;
  from: string | null;
  data: string;
  learningRates: { step: number; learningRate: number }[];
  /** Bytes. */
  memory: {
    weights: number;
    gradientsAndMoments: number;
    activations: number;
    /** With activation_checkpointing off and block; `activations` is the one that the config chose. */
    activationsOff: number;
    activationsBlock: number;
    activationsUnshared: number;
    largestBuffer: number;
    total: number;
  };
  lines: string[];
}

/**
 * Slabs are laid out for WebGPU's default binding limit here, or for the largest matrix of the model where that is more; a device with
 * another limit may pad a little differently.
 */
const assumedBindingLimit = 128 * 1024 * 1024;

export async function describeTraining(
  config: TrainConfig,
  phase: Phase,
  from?: string,
  branch?: string,
): Promise<TrainingDescription> {
  const plan = planTraining(config, phase, from, branch);
  const model =
    plan.from === undefined
      ? await freshModelConfig(config, plan.tokenizerFolder)
      : await readModelConfig(plan.from);
  const parameters = countParameters(model);
  const blocks = parameterBlocks(model, vocabularyRows(model, assumedBindingLimit));
  const bound = Math.max(assumedBindingLimit, ...blocks.map((block) => block.size * 4));
  const layout = layoutSlabs(blocks, bound);
  // What `auto` comes to only the adapter knows; the larger of the two is planned.
  const precision = config.precision === 'f32' ? 'f32' : 'f16';
  const memoryWith = (checkpointing: 'off' | 'block'): MemoryPlan => {
    const shape = {
      config: model,
      batch: config.micro_batch_size,
      seq: config.sequence_length,
      logitsBytes: config.logits_bytes,
      temperature: 1,
      optimizer: plan.optimizer,
      checkpointing,
    };
    const weightsOf = (builder: PlanBuilder) => declareWeights(builder, layout, precision, 'external');
    return planMemory(planLearner(shape, layout, weightsOf).plan);
  };
  const plans = { off: memoryWith('off'), block: memoryWith('block') };
  const memory = plans[config.activation_checkpointing];
  const largestBuffer = Math.max(memory.largestBuffer, ...layout.map((slab) => slab.size * 4));
  const halves = precision === 'f16' ? bytesOfHalves(layout) : 0;
  const weights = layout.reduce((total, slab) => total + slab.size * 4, 0) + halves;
  const warmup = plan.phaseConfig.warmup_steps;
  const learningRates = [0, warmup, Math.floor((warmup + plan.steps) / 2), plan.steps - 1]
    .filter((step, i, all) => step < plan.steps && all.indexOf(step) === i)
    .map((step) => ({ step, learningRate: learningRateAt(plan.phaseConfig, step, plan.steps) }));
  const tokens = plan.steps * plan.tokensPerStep;
  const total = weights + memory.persistentBytes + memory.activationBytes;
  return {
    phase,
    steps: plan.steps,
    tokens,
    parameters,
    from: plan.from ?? null,
    data: plan.dataFolder,
    learningRates,
    memory: {
      weights,
      gradientsAndMoments: memory.persistentBytes,
      activations: memory.activationBytes,
      activationsOff: plans.off.activationBytes,
      activationsBlock: plans.block.activationBytes,
      activationsUnshared: memory.unsharedBytes,
      largestBuffer,
      total,
    },
    lines: [
      `phase            ${phase}${branch === undefined ? '' : `, branch ${branch}`}, ${plan.steps} steps of ${plan.tokensPerStep} tokens = ${tokens} tokens`,
      `model            ${parameters} parameters, ${model.layers} layers, width ${model.dim}, vocabulary ${model.vocabSize}`,
      `starts from      ${plan.from ?? `random weights, seed ${config.seed}`}`,
      `data             ${plan.dataFolder}`,
      `learning rate    ${learningRates.map(({ step, learningRate }) => `${learningRate.toPrecision(3)} at step ${step}`).join(', ')} (evidence: ${plan.phaseConfig.evidence})`,
      `memory           ${mib(total)}: weights ${mib(weights)}${halves > 0 ? ` (of it ${mib(halves)} in f16, for products)` : ''}, gradients, moments and inputs ${mib(memory.persistentBytes)}, activations ${mib(memory.activationBytes)} (${mib(memory.unsharedBytes)} if none were shared)`,
      `checkpointing    ${config.activation_checkpointing}; activations take ${mib(plans.off.activationBytes)} with off, ${mib(plans.block.activationBytes)} with block`,
      `largest buffer   ${mib(largestBuffer)}${largestBuffer > assumedBindingLimit ? `, so a device that binds more than WebGPU's default of ${mib(assumedBindingLimit)} (midtrain devices)` : ''}`,
      `run folder       ${plan.runFolder}`,
    ],
  };
}

export function mib(bytes: number): string {
  return `${(bytes / 1048576).toFixed(1)} MiB`;
}
