/**
 * What the updates of a rollout batch amount to, from the terms of the policy loss of every token. Means are over the tokens (with a sequence's
 * ratio: over the sequences) of an update and then over updates, minima and maxima over the sequences of an update: TRL's metrics with the update as
 * the batch.
 */
import type { StepResult } from '../learner/learner.ts';
import { policyTermsPerRow } from '../learner/policy-plan.ts';
import { meanAndStd } from './advantage.ts';
import type { GrpoConfig } from './config.ts';

export interface UpdateStats {
  /** With the entropy bonus, and without. */
  loss: number;
  policyLoss: number;
  /** Of a token, in nats. */
  entropy: number;
  /** Of a token; 0 without a KL term. */
  kl: number;
  gradNorm: number;
  /** Share clipped because the ratio fell too low with a negative advantage, rose too high with a positive one, passed `delta` with a negative one. */
  clipLow: number;
  clipHigh: number;
  clipDelta: number;
  /** Share of the sequence that has the fewest tokens clipped low; that has the most clipped high. */
  clipLowMin: number;
  clipHighMax: number;
  /** |log ratio| in the first update, where weights are those that the tokens were drawn with: sampler against trainer. */
  logpDifferenceMax: number;
  logpDifferenceMean: number;
  /** Updates that were left out because the gradient was not finite. */
  skippedUpdates: number;
  updates: number;
}

interface Tally {
  onPolicy: boolean;
  loss: number;
  tokens: number;
  entropy: number;
  kl: number;
  differenceMax: number;
  difference: number;
  /** Per sequence: tokens, then how many have each flag. */
  sequences: { tokens: number; low: number; high: number; delta: number }[];
}

export class UpdateTally {
  private readonly config: GrpoConfig;
  private readonly updates: Tally[] = [];

  constructor(config: GrpoConfig) {
    this.config = config;
  }

  /** Begins an update and gives its number. `onPolicy`: no update has changed the weights since the tokens were drawn. */
  beginUpdate(onPolicy: boolean): number {
    const zero = { loss: 0, tokens: 0, entropy: 0, kl: 0, differenceMax: 0, difference: 0 };
    return this.updates.push({ onPolicy, ...zero, sequences: [] }) - 1;
  }

  /** Terms of the tokens of one sequence: (tokens, 5), see learner.ts. */
  addSequence(update: number, terms: Float32Array): void {
    const tally = this.updates[update]!;
    const flags = [0, 0, 0, 0];
    const tokens = terms.length / policyTermsPerRow;
    for (let at = 0; at < terms.length; at += policyTermsPerRow) {
      tally.loss += terms[at]!;
      flags[terms[at + 1]!]!++;
      tally.kl += terms[at + 2]!;
      const difference = Math.abs(terms[at + 3]!);
      tally.difference += difference;
      tally.differenceMax = Math.max(tally.differenceMax, difference);
      tally.entropy += terms[at + 4]!;
    }
    tally.tokens += tokens;
    tally.sequences.push({ tokens, low: flags[1]!, high: flags[2]!, delta: flags[3]! });
  }

  /** `results` of the optimizer steps, one an update, in order. */
  stats(results: readonly StepResult[]): UpdateStats {
    const mean = (of: (tally: Tally) => number) => meanAndStd(this.updates.map(of)).mean;
    const bySequence = this.config.importance_sampling_level === 'sequence';
    const share = (flag: 'low' | 'high' | 'delta') => (tally: Tally) => {
      const { sequences } = tally;
      if (bySequence) return sequences.filter((s) => s[flag] > 0).length / Math.max(1, sequences.length);
      return sequences.reduce((total, s) => total + s[flag], 0) / Math.max(1, tally.tokens);
    };
    const shares = (tally: Tally, flag: 'low' | 'high') => tally.sequences.map((s) => s[flag] / s.tokens);
    const fewest = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), 1);
    const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), 0);
    const entropyOf = (tally: Tally) => tally.entropy / Math.max(1, tally.tokens);
    const policyLoss = mean((tally) => tally.loss);
    const entropy = mean(entropyOf);
    const first = this.updates.find((tally) => tally.onPolicy);
    return {
      loss: policyLoss - this.config.entropy_coef * entropy,
      policyLoss,
      entropy,
      kl: mean((tally) => tally.kl / Math.max(1, tally.tokens)),
      gradNorm: meanAndStd(results.map((result) => result.gradNorm)).mean,
      clipLow: mean(share('low')),
      clipHigh: mean(share('high')),
      clipDelta: mean(share('delta')),
      clipLowMin: mean((tally) => (tally.sequences.length === 0 ? 0 : fewest(shares(tally, 'low')))),
      clipHighMax: mean((tally) => most(shares(tally, 'high'))),
      logpDifferenceMax: first?.differenceMax ?? 0,
      logpDifferenceMean: first ? first.difference / Math.max(1, first.tokens) : 0,
      skippedUpdates: results.filter((result) => result.skipped).length,
      updates: results.length,
    };
  }
}
