/** One step of GRPO: draw, score, normalise within groups, ask the reference, update. A function of the setup's weights, the step and its place in the problems. */
import { Random } from '../../src/core/random.ts';
import { learningRateAt } from '../learner/schedule.ts';
import { groupAdvantages, separateAdvantages } from './advantage.ts';
import type { GrpoConfig } from './config.ts';
import { drawBatch } from './draw-batch.ts';
import { overlongPenalty } from './overlong.ts';
import { type Rollout, rollOut } from './rollout.ts';
import type { GrpoSetup } from './setup.ts';
import { stepMetrics } from './step-metrics.ts';
import { updatePolicy } from './update.ts';

export interface StepOutcome {
  rollouts: Rollout[];
  promptsDrawn: number;
  /** Prompt and completion tokens learned from (TRL's num_tokens). */
  tokens: number;
  metrics: Record<string, number>;
  /** True when no update had a finite gradient. */
  stuck: boolean;
}

/** `rollbacks`: how often the run went back, so that a step that comes again draws other samples. */
export async function grpoStep(
  setup: GrpoSetup,
  place: { step: number; sequence: number; allowed: number; rollbacks: number },
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { config, learner, settings, reference } = setup;
  const { step, allowed, rollbacks } = place;
  const began = performance.now();
  const again = rollbacks > 0 ? ` again ${rollbacks}` : '';
  const batch = await drawBatch(
    config,
    (i) => setup.problemAt(place.sequence + i),
    async (problems, round) => {
      const purpose = `step ${step}${again}${round > 0 ? ` round ${round}` : ''}`;
      const drawn = await rollOut(settings, problems, config.num_generations, allowed, purpose, signal);
      return drawn.map((rollout) => shaped(config, rollout, allowed));
    },
  );
  const { rollouts } = batch;
  const drawnAt = performance.now();
  const advantages = advantagesOf(config, rollouts, step);
  const references = await reference?.logProbabilities(rollouts);
  const referredAt = performance.now();
  const learningRate = learningRateAt(config.schedule, step, config.steps);
  const items = rollouts.map((rollout, i) => ({
    rollout,
    advantage: advantages[i]!,
    reference: references?.[i],
  }));
  const update = await updatePolicy(learner, config, items, allowed, learningRate);
  if (reference && config.sync_ref_model && (step + 1) % config.ref_model_sync_steps === 0) reference.sync();
  const endedAt = performance.now();
  const tokens = rollouts.reduce((total, r) => total + r.promptTokens.length + r.tokens.length, 0);
  return {
    rollouts,
    promptsDrawn: batch.promptsDrawn,
    tokens,
    stuck: update.skippedUpdates === update.updates,
    metrics: {
      ...stepMetrics(config, batch, update, allowed),
      learning_rate: learningRate,
      'timing_s/gen': (drawnAt - began) / 1000,
      ...(reference ? { 'timing_s/ref': (referredAt - drawnAt) / 1000 } : {}),
      'timing_s/update_actor': (endedAt - referredAt) / 1000,
      'perf/throughput': tokens / ((endedAt - began) / 1000),
    },
  };
}

/** The rollout with the punishment of its length in its reward. */
function shaped(config: GrpoConfig, rollout: Rollout, allowed: number): Rollout {
  const { overlong_buffer: buffer } = config;
  if (!buffer || rollout.reward === null) return rollout;
  const overlong = overlongPenalty(rollout.tokens.length, allowed, buffer);
  return {
    ...rollout,
    reward: rollout.reward + overlong,
    components: { ...rollout.components, overlong },
  };
}

function advantagesOf(config: GrpoConfig, rollouts: readonly Rollout[], step: number): number[] {
  const { num_generations: size, advantage_epsilon: epsilon } = config;
  // The same permutation for every part of the reward.
  const permuted = <T>(values: T[]): T[] =>
    config.shuffle_rewards ? new Random(`${config.seed}/shuffle/${step}`).shuffle(values) : values;
  if (config.multi_objective_aggregation === 'normalize_then_sum') {
    // In the order of reward_funcs; the punishment of length, which has no weight, comes last.
    const names = Object.keys(rollouts[0]!.components);
    const parts = names.map((name, i) => ({
      weight: config.reward_weights?.[i] ?? 1,
      rewards: permuted(rollouts.map((r) => r.components[name] ?? null)),
    }));
    return separateAdvantages(parts, size, epsilon);
  }
  return groupAdvantages(permuted(rollouts.map((r) => r.reward)), size, config.scale_rewards, epsilon);
}
