/**
 * RL with verl (GRPO): rollouts, tokens and operations. A sampled token costs 2 operations a parameter; training on it 2 for the old log-probabilities
 * and 6 for forward and backward (no reference model: the KL coefficient is 0, recipe.md 4). Attention is left out: it depends on every
 * response's length. Hours only where the description says both how fast a GPU samples and at what MFU it trains; the two take turns, as verl has them.
 */
import type { PlanContext } from './context.ts';
import { stated } from './context.ts';
import { type Figure, given, product, secondsAnHour, sum } from './figure.ts';
import { gpuCost } from './gpu-cost.ts';
import { peakOf } from './plan-training.ts';

export interface RlPlan {
  rollouts: Figure;
  sampled: Figure;
  trained: Figure;
  flops: Figure;
  gpuHours: Figure | undefined;
  wallHours: Figure | undefined;
  cost: Figure | undefined;
}

export function planRl(context: PlanContext): RlPlan | undefined {
  const { description, resolved, assumptions } = context;
  const { rl } = description;
  if (rl === undefined) return undefined;
  const state = (key: Exclude<keyof typeof rl, 'mfu'>, name: string, unit: string): Figure =>
    stated(context, `rl.${key}`, name, unit, rl[key]!);
  const rollouts = product('rollouts', '', [
    state('steps', 'steps', ''),
    state('prompts', 'prompts a step', ''),
    state('rollouts', 'rollouts a prompt', ''),
  ]);
  const response = state('responseTokens', 'tokens of a response, mean', 'tokens');
  const prompt = state('promptTokens', 'tokens of a prompt, mean', 'tokens');
  const sampled = product('tokens sampled', 'tokens', [rollouts, response]);
  const trained = product('tokens trained on', 'tokens', [
    rollouts,
    sum('tokens of a rollout', 'tokens', [response, prompt]),
  ]);
  const id = assumptions.add({
    id: 'rl operations',
    text: '2 operations a parameter to sample a token, 2 + 6 to train on one (old log-probabilities, forward, backward); attention and the reference model left out',
    source: 'Kaplan et al. 2020; KL coefficient 0 (recipe.md 4.1)',
    evidence: 'own',
  });
  const { shape } = resolved.model!;
  const parameters = given(
    'parameters in products',
    shape.parameters - shape.embeddingParameters,
    '',
    'model',
  );
  const training = product('operations to train', 'FLOP', [
    trained,
    given('operations a parameter', 8, '', id),
    parameters,
  ]);
  const flops = sum('operations of RL', 'FLOP', [
    product('operations to sample', 'FLOP', [
      sampled,
      given('operations a parameter', 2, '', id),
      parameters,
    ]),
    training,
  ]);
  const plan = { rollouts, sampled, trained, flops };
  if (rl.tokensPerSecondPerGpu === undefined || rl.mfu === undefined)
    return { ...plan, gpuHours: undefined, wallHours: undefined, cost: undefined };
  const speed = state('tokensPerSecondPerGpu', 'tokens a GPU samples a second', 'tokens/s');
  const mfu = stated(context, 'rl.mfu', 'MFU of RL training', '', rl.mfu);
  const gpuHours = sum('GPU hours of RL', 'GPU h', [
    product('GPU hours to sample', 'GPU h', [sampled], [speed, secondsAnHour]),
    product('GPU hours to train', 'GPU h', [training], [peakOf(context), mfu, secondsAnHour]),
  ]);
  const { count, gpus } = description.nodes.gpu!;
  const wallHours = product('hours of RL', 'h', [gpuHours], [given('GPUs', count * gpus, '', 'nodes.gpu')]);
  return {
    ...plan,
    gpuHours,
    wallHours,
    cost: gpuCost(context, 'cost of RL', wallHours),
  };
}
