/**
 * Losses, gradients with respect to log-probabilities and logits, logged shares and advantages equal those of TRL's GRPOTrainer on the same tensors
 * (test/oracles/trl-losses.py made the fixture by calling TRL).
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { groupAdvantages, separateAdvantages } from '../../trainer/grpo/advantage.ts';
import { grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { type LossType, tokenShares } from '../../trainer/grpo/normaliser.ts';
import { UpdateTally } from '../../trainer/grpo/update-tally.ts';
import { plainPolicy, policyPath } from './policy-path.ts';

interface LossCase {
  loss_type: LossType;
  importance_sampling_level: 'token' | 'sequence';
  epsilon: number;
  epsilon_high: number;
  delta: number | null;
  beta: number;
  use_bias_correction_kl: boolean;
  entropy_coef: number;
  max_completion_length: number;
  updates: number;
  items_in_batch: number;
  masked: boolean;
  expected: {
    loss: number;
    logp_gradient: number[][];
    logit_gradient: number[][][];
    metrics: Record<string, number>;
  };
}

interface AdvantageCase {
  scale_rewards: 'group' | 'batch' | 'none';
  multi_objective_aggregation: string;
  weights: number[];
  num_generations: number;
  rewards: (number | null)[][];
  expected: number[];
}

const fixture = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '..', 'fixtures', 'trl-losses.json'), 'utf8'),
) as {
  trl: string;
  tensors: {
    logits: number[][][];
    ids: number[][];
    old: number[][];
    reference: number[][];
    mask: number[][];
    advantages: number[];
  };
  losses: LossCase[];
  advantages: AdvantageCase[];
};
const { tensors } = fixture;
/** The sequence that cases with `masked` leave out. */
const left = 1;

const named = fixture.losses.map((c, i) => ({
  ...c,
  title: `${i} ${c.loss_type} ${c.importance_sampling_level}`,
}));

function compute(c: LossCase) {
  const sizes = tensors.mask.map((mask) => mask.reduce((a, b) => a + b, 0));
  const counted = sizes.map((size, i) => (c.masked && i === left ? 0 : size));
  const tokens = counted.reduce((a, b) => a + b, 0);
  const shares = tokenShares(c.loss_type, counted, {
    maxCompletionLength: c.max_completion_length,
    batchTokensPerUpdate: c.items_in_batch / c.updates,
  });
  const sequences = sizes.map((size, i) => ({
    logits: tensors.logits[i]!.slice(0, size),
    ids: tensors.ids[i]!.slice(0, size),
    old: tensors.old[i]!,
    reference: tensors.reference[i]!,
    advantage: tensors.advantages[i]!,
    share: shares[i]!,
  }));
  const policy = {
    ...plainPolicy,
    epsLow: c.epsilon,
    epsHigh: c.epsilon_high,
    delta: c.delta ?? 0,
    beta: c.beta,
    biasCorrection: c.use_bias_correction_kl,
    ratioOf: c.importance_sampling_level,
  };
  const config = grpoConfigSchema.parse({
    name: 'a',
    out: 'a',
    model: 'a',
    problems: 'a',
    eval_problems: 'a',
    steps: 1,
    entropy_coef: c.entropy_coef,
    importance_sampling_level: c.importance_sampling_level,
  });
  const found = policyPath(sequences, policy, c.entropy_coef / tokens);
  const tally = new UpdateTally(config);
  const update = tally.beginUpdate(true);
  found.terms.forEach((terms, i) => {
    if (counted[i]! > 0) tally.addSequence(update, terms);
  });
  return { found, stats: tally.stats([]), shares };
}

const near = (actual: number, expected: number, what: string) =>
  expect(Math.abs(actual - expected), `${what}: ${actual} and ${expected}`).toBeLessThan(1e-6);

describe(`losses of TRL ${fixture.trl}`, () => {
  it.each(named)('$title: loss, gradients and logged shares', (c) => {
    const { found, stats } = compute(c);
    const { expected } = c;
    near(stats.loss, expected.loss, 'loss');
    tensors.mask.forEach((mask, i) => {
      mask.forEach((counts, t) => {
        // TRL's gradient of the log-probability has no entropy term: that flows through the logits.
        near(found.logpGradients[i]?.[t] ?? 0, expected.logp_gradient[i]![t]!, `dL/dlogp of ${i}, ${t}`);
        for (let j = 0; j < 3; j++)
          near(
            counts === 0 ? 0 : found.logitGradients[i]![t]![j]!,
            expected.logit_gradient[i]![t]![j]!,
            `dL/dlogit of ${i}, ${t}, ${j}`,
          );
      });
    });
    const { metrics } = expected;
    near(stats.clipLow, metrics['clip_ratio/low_mean']!, 'clip_ratio/low_mean');
    near(stats.clipHigh, metrics['clip_ratio/high_mean']!, 'clip_ratio/high_mean');
    near(stats.clipLow + stats.clipHigh, metrics['clip_ratio/region_mean']!, 'clip_ratio/region_mean');
    near(stats.clipLowMin, metrics['clip_ratio/low_min']!, 'clip_ratio/low_min');
    near(stats.clipHighMax, metrics['clip_ratio/high_max']!, 'clip_ratio/high_max');
    if (c.importance_sampling_level === 'token') near(stats.entropy, metrics.entropy!, 'entropy');
    if (c.beta > 0) near(stats.kl, metrics.kl!, 'kl');
    if (c.entropy_coef > 0) near(stats.policyLoss, metrics.policy_loss!, 'policy_loss');
  });

  it('covers clipping on both sides and by delta', () => {
    const flags = fixture.losses.flatMap((c) =>
      compute(c).found.terms.flatMap((terms) => [...terms].filter((_, i) => i % 5 === 1)),
    );
    expect(new Set(flags)).toEqual(new Set([0, 1, 2, 3]));
  });
});

describe(`advantages of TRL ${fixture.trl}`, () => {
  it.each(fixture.advantages)('$multi_objective_aggregation, scaled by $scale_rewards', (c) => {
    const found =
      c.multi_objective_aggregation === 'normalize_then_sum'
        ? separateAdvantages(
            c.weights.map((weight, k) => ({ weight, rewards: c.rewards.map((row) => row[k]!) })),
            c.num_generations,
          )
        : groupAdvantages(
            c.rewards.map((row) => row[0]!),
            c.num_generations,
            c.scale_rewards,
          );
    expect(found).toHaveLength(c.expected.length);
    found.forEach((advantage, i) => {
      near(advantage, c.expected[i]!, `advantage ${i}`);
    });
  });
});
