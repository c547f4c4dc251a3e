/**
 * The updates of one rollout batch: mini-batches of prompts, packed micro-batches, one optimizer step each. Old log-probabilities are the
 * sampler's own: it runs the trainer's kernels, and their difference is measured in the first mini-batch, where weights have not changed yet and
 * every ratio should be 1. Micro-batches are queued two deep, so the device does not wait for what the CPU reads.
 */
import type { Learner, StepResult } from '../learner/learner.ts';
import { policyTermsPerRow } from '../learner/policy-plan.ts';
import type { GrpoConfig } from './config.ts';
import { tokenShares } from './normaliser.ts';
import { type PackedBatch, packRollouts } from './pack-rollouts.ts';
import type { Rollout } from './rollout.ts';
import { type UpdateStats, UpdateTally } from './update-tally.ts';

export interface LearningItem {
  rollout: Rollout;
  advantage: number;
  /** Log-probabilities of its tokens under the reference model, where the loss has a KL term. */
  reference?: readonly number[] | undefined;
}

/** Tokens of a rollout that count in the loss. */
export function countedTokens(config: GrpoConfig, rollout: Rollout): number {
  return config.mask_truncated_completions && rollout.truncated ? 0 : rollout.tokens.length;
}

export async function updatePolicy(
  learner: Learner,
  config: GrpoConfig,
  items: readonly LearningItem[],
  maxCompletionLength: number,
  learningRate: number,
): Promise<UpdateStats> {
  const perUpdate = (config.mini_batch_prompts ?? config.prompts_per_step) * config.num_generations;
  const updates = Math.ceil(items.length / perUpdate);
  const counted = items.map(({ rollout }) => countedTokens(config, rollout));
  const total = counted.reduce((a, b) => a + b, 0);
  const tally = new UpdateTally(config);
  const results: Promise<StepResult>[] = [];
  const reads = new TermReads(learner, tally);
  for (let iteration = 0; iteration < config.num_iterations; iteration++) {
    for (let first = 0; first < items.length; first += perUpdate) {
      const lengths = counted.slice(first, first + perUpdate);
      const tokens = lengths.reduce((a, b) => a + b, 0);
      const shares = tokenShares(config.loss_type, lengths, {
        maxCompletionLength,
        batchTokensPerUpdate: total / updates,
      });
      const packed = items.slice(first, first + perUpdate).map(({ rollout, advantage, reference }, i) => ({
        promptTokens: rollout.promptTokens,
        tokens: rollout.tokens,
        logps: rollout.logps,
        advantage,
        share: shares[i]!,
        reference,
      }));
      learner.begin();
      const update = tally.beginUpdate(iteration === 0 && first === 0);
      for (const batch of packRollouts(packed, learner.shape.batch, learner.shape.seq)) {
        // The bonus is the mean entropy of a token, whatever the loss type makes of its policy term (TRL).
        learner.accumulatePolicy(batch, config.entropy_coef / Math.max(1, tokens));
        await reads.queue(update, batch);
      }
      const result = learner.step(learningRate);
      result.catch(() => {}); // waited for below; until then its failure is nobody's
      results.push(result);
    }
  }
  await reads.finish();
  return tally.stats(await Promise.all(results));
}

/** Reads the terms of micro-batches behind the device: one is read while the next is computed. */
class TermReads {
  private readonly learner: Learner;
  private readonly tally: UpdateTally;
  private pending: { update: number; batch: PackedBatch; terms: Promise<Float32Array> } | undefined;

  constructor(learner: Learner, tally: UpdateTally) {
    this.learner = learner;
    this.tally = tally;
  }

  async queue(update: number, batch: PackedBatch): Promise<void> {
    const terms = this.learner.readPolicyTerms();
    terms.catch(() => {});
    await this.finish();
    this.pending = { update, batch, terms };
  }

  async finish(): Promise<void> {
    const { pending } = this;
    this.pending = undefined;
    if (!pending) return;
    const terms = await pending.terms;
    for (const { first, length } of pending.batch.placed) {
      this.tally.addSequence(
        pending.update,
        terms.subarray(first * policyTermsPerRow, (first + length) * policyTermsPerRow),
      );
    }
  }
}
