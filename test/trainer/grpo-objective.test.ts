/** The objective of GRPO against arrays worked out by hand, and its gradient against finite differences, on a vocabulary of two tokens. */
import { describe, expect, it } from 'vitest';
import type { KlType } from '../../kernels/policy-loss/reference.ts';
import { Random } from '../../src/core/random.ts';
import {
  groupAdvantages,
  isFlat,
  separateAdvantages,
  shareOfFlatGroups,
} from '../../trainer/grpo/advantage.ts';
import { type LossType, lossTypes, tokenShares } from '../../trainer/grpo/normaliser.ts';
import { overlongPenalty } from '../../trainer/grpo/overlong.ts';
import type { PolicyOptions } from '../../trainer/learner/policy-plan.ts';
import { logSoftmax, type PolicySequence, plainPolicy, policyPath } from './policy-path.ts';

describe('advantages', () => {
  it('divide by the sample standard deviation of the group plus epsilon', () => {
    // Rewards 1, 1, -1, -1: mean 0, std sqrt(4 / 3).
    expect(groupAdvantages([1, 1, -1, -1], 4, 'group')[0]).toBeCloseTo(1 / (Math.sqrt(4 / 3) + 1e-4), 12);
    expect(groupAdvantages([1, 1, -1, -1], 4, 'group', 1e-6)[0]).toBeCloseTo(
      1 / (Math.sqrt(4 / 3) + 1e-6),
      12,
    );
  });
  it('can be left unscaled or scaled by the batch', () => {
    expect(groupAdvantages([1, 1, 0, 1], 2, 'none')).toEqual([0, 0, -0.5, 0.5]);
    // All four: mean 3/4, std 1/2.
    expect(groupAdvantages([1, 1, 0, 1], 2, 'batch')[3]).toBeCloseTo(0.5 / (0.5 + 1e-4), 12);
  });
  it('are exactly 0 for a group that agrees, whatever rounding makes of its mean', () => {
    for (const scale of ['group', 'batch', 'none'] as const) {
      expect(groupAdvantages([0.1, 0.1, 0.1, 1, 2, 3], 3, scale).slice(0, 3)).toEqual([0, 0, 0]);
    }
  });
  it('leave out rewards that could not be had, which get 0', () => {
    // Of the first group 1 and 3 count: mean 2, std sqrt(2); of the second one value, which has no deviation.
    const [a, b, c, ...second] = groupAdvantages([1, null, 3, 5, null, null], 3, 'group');
    expect(a).toBeCloseTo(-1 / (Math.SQRT2 + 1e-4), 12);
    expect([b, c]).toEqual([0, -a!]);
    expect(second).toEqual([0, 0, 0]);
  });
  it('can normalise each part of the reward apart', () => {
    // First part +-1/sqrt(2), second part the other way round at half the weight: their sum +-(1 - 1/2)/sqrt(2), normalised by the batch again.
    const found = separateAdvantages(
      [
        { weight: 1, rewards: [1, 0] },
        { weight: 0.5, rewards: [0, 1] },
      ],
      2,
    );
    const each = 0.5 / (Math.SQRT1_2 + 1e-4);
    const sum = 0.5 * each;
    expect(found[0]).toBeCloseTo(sum / (sum * Math.SQRT2 + 1e-4), 10);
    expect(found[1]).toBeCloseTo(-found[0]!, 12);
  });
  it('are none in a flat group: rewards all alike, or fewer than two', () => {
    expect(shareOfFlatGroups([1, 1, 0, 1], 2)).toBe(0.5);
    expect([isFlat([1, null, 1]), isFlat([1, null]), isFlat([null, null]), isFlat([1, 2, null])]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});

describe('normalisers', () => {
  const options = { maxCompletionLength: 10, batchTokensPerUpdate: 16 };
  it('give each token its share', () => {
    expect(tokenShares('grpo', [2, 6], options)).toEqual([1 / 4, 1 / 12]);
    expect(tokenShares('bnpo', [2, 6], options)).toEqual([1 / 8, 1 / 8]);
    expect(tokenShares('dapo', [2, 6], options)).toEqual([1 / 16, 1 / 16]);
    expect(tokenShares('dr_grpo', [2, 6], options)).toEqual([1 / 20, 1 / 20]);
  });
  it('count a sequence without tokens among the sequences, and give it nothing', () => {
    expect(tokenShares('grpo', [0, 6], options)).toEqual([0, 1 / 12]);
    expect(tokenShares('dr_grpo', [0, 6], options)).toEqual([0, 1 / 20]);
    for (const type of lossTypes)
      expect(tokenShares(type, [0, 0], { ...options, batchTokensPerUpdate: 0 })).toEqual([0, 0]);
  });
});

describe('the overlong punishment', () => {
  it('falls in a line from the beginning of the buffer to the longest response allowed', () => {
    const buffer = { len: 20, penalty_factor: 1 };
    expect([79, 80, 90, 100, 120].map((n) => overlongPenalty(n, 100, buffer))).toEqual([0, 0, -0.5, -1, -1]);
    expect(overlongPenalty(95, 100, { len: 20, penalty_factor: 2 })).toBe(-1.5);
  });
});

/** Two sequences whose tokens have the ratios 1.5, 0.5 (advantage 1) and 1.5, 0.5, 1 (advantage -1), and a reference twice as likely. */
function example(loss: LossType, batchTokensPerUpdate = 5): PolicySequence[] {
  const shares = tokenShares(loss, [2, 3], { maxCompletionLength: 10, batchTokensPerUpdate });
  return [
    [1.5, 0.5],
    [1.5, 0.5, 1],
  ].map((ratios, i) => {
    const logits = ratios.map((_, t) => [0.3 * t - 0.2, 0.1]);
    const logps = logits.map((row) => logSoftmax(row, 0).logp);
    return {
      logits,
      ids: ratios.map(() => 0),
      old: ratios.map((ratio, t) => logps[t]! - Math.log(ratio)),
      reference: logps.map((logp) => logp + Math.LN2),
      advantage: i === 0 ? 1 : -1,
      share: shares[i]!,
    };
  });
}

describe('the loss', () => {
  const loss = (type: LossType, change: Partial<PolicyOptions> = {}, tokens = 5) =>
    policyPath(example(type, tokens), { ...plainPolicy, ...change }).loss;

  // Clipped at 0.8 and 1.2 the terms are -1.2, -0.5 and 1.5, 0.8, 1.
  it.each([
    ['grpo', (-1.7 / 2 + 3.3 / 3) / 2],
    ['bnpo', 1.6 / 5],
    ['dapo', 1.6 / 8],
    ['dr_grpo', 1.6 / 20],
  ] as const)('%s', (type, expected) => {
    expect(loss(type, {}, 8)).toBeCloseTo(expected, 12);
  });
  it('clips higher with epsilon_high', () => {
    expect(loss('bnpo', { epsHigh: 0.28 })).toBeCloseTo((1.6 - 0.08) / 5, 12);
  });
  it('caps the ratio of a negative advantage with delta, and then has no gradient', () => {
    const { loss: total, logpGradients, terms } = policyPath(example('bnpo'), { ...plainPolicy, delta: 1.3 });
    expect(total).toBeCloseTo((1.6 - 0.2) / 5, 12);
    expect(logpGradients[1]![0]).toBeCloseTo(0, 15);
    expect([terms[0]![1], terms[0]![6], terms[1]![1], terms[1]![6], terms[1]![11]]).toEqual([2, 0, 3, 1, 0]);
  });
  it('has one ratio a sequence with importance_sampling_level: sequence', () => {
    // Geometric means: sqrt(3 / 4) and the third root of 3 / 4.
    expect(loss('grpo', { ratioOf: 'sequence' })).toBeCloseTo((Math.cbrt(0.75) - Math.sqrt(0.75)) / 2, 12);
  });
  it.each([
    ['k1', -Math.LN2],
    ['k2', Math.LN2 ** 2 / 2],
    ['k3', 1 - Math.LN2],
    ['k1+', -Math.LN2],
    ['k3+', 1 - Math.LN2],
  ] as const)('adds beta times %s', (kl, expected) => {
    const change = { beta: 0.1, kl, biasCorrection: false };
    expect(loss('bnpo', change)).toBeCloseTo(1.6 / 5 + 0.1 * expected, 12);
    // Multiplied by the ratio, which is 5 / 5 on average here.
    expect(loss('bnpo', { ...change, biasCorrection: true })).toBeCloseTo(1.6 / 5 + 0.1 * expected, 12);
    const grpo = (1 + 1) / 2;
    expect(loss('grpo', { ...change, biasCorrection: true })).toBeCloseTo(0.125 + 0.1 * expected * grpo, 12);
  });
});

/** Sequences at random, some ratios clipped on either side. */
function randomSequences(seed: number, type: LossType): PolicySequence[] {
  const random = new Random(seed);
  const lengths = [4, 1, 3];
  const shares = tokenShares(type, lengths, { maxCompletionLength: 7, batchTokensPerUpdate: 6 });
  return lengths.map((length, i) => {
    const logits = Array.from({ length }, () => [random.normal(), random.normal()]);
    const ids = logits.map(() => random.int(2));
    const logps = logits.map((row, t) => logSoftmax(row, ids[t]!).logp);
    const near = (by: number) => logps.map((logp) => logp + by * random.normal());
    return {
      logits,
      ids,
      old: near(0.4),
      reference: near(0.6),
      advantage: random.normal(),
      share: shares[i]!,
    };
  });
}

/** Largest difference between the gradient by logits and finite differences of the whole objective. */
function gradientError(sequences: PolicySequence[], policy: PolicyOptions, bonus: number): number {
  const objective = (changed: PolicySequence[]) =>
    policyPath(changed, policy).loss -
    bonus *
      changed.flatMap((s) => s.logits.map((row) => logSoftmax(row, 0).entropy)).reduce((a, b) => a + b, 0);
  const { logitGradients } = policyPath(sequences, policy, bonus);
  const h = 1e-6;
  let worst = 0;
  sequences.forEach((sequence, s) => {
    sequence.logits.forEach((row, t) => {
      for (const j of [0, 1]) {
        const at = (by: number) =>
          objective(
            sequences.map((other, i) =>
              i !== s
                ? other
                : {
                    ...other,
                    logits: other.logits.map((r, u) =>
                      u === t ? r.map((z, k) => (k === j ? z + by : z)) : r,
                    ),
                  },
            ),
          );
        worst = Math.max(worst, Math.abs((at(h) - at(-h)) / (2 * h) - logitGradients[s]![t]![j]!));
      }
      expect(row).toHaveLength(2);
    });
  });
  return worst;
}

describe('the gradient', () => {
  const kls: KlType[] = ['k1', 'k2', 'k3'];
  const cases = (['token', 'sequence'] as const).flatMap((ratioOf) =>
    [false, true].flatMap((biasCorrection) =>
      kls.map((kl, i) => ({
        ratioOf,
        biasCorrection,
        kl,
        type: lossTypes[(i + (biasCorrection ? 1 : 0)) % 4]!,
      })),
    ),
  );
  it.each(cases)(
    'is that of finite differences: $type, a ratio a $ratioOf, $kl, corrected $biasCorrection',
    (c) => {
      for (const seed of [1, 2, 3]) {
        const policy = { ...plainPolicy, epsHigh: 0.28, delta: 1.5, beta: 0.2, ...c };
        expect(gradientError(randomSequences(seed, c.type), policy, 0.05)).toBeLessThan(1e-8);
      }
    },
  );

  it('of k1+ and k3+ is that of k2', () => {
    const sequences = randomSequences(4, 'bnpo');
    const of = (kl: KlType) =>
      policyPath(sequences, { ...plainPolicy, beta: 0.3, kl, biasCorrection: false }).logpGradients;
    expect(of('k1+')).toEqual(of('k2'));
    expect(of('k3+')).toEqual(of('k2'));
    expect(of('k3')).not.toEqual(of('k2'));
  });

  it('is zero for groups without variance', () => {
    const advantages = groupAdvantages([0.3, 0.3, 0.3], 3, 'group');
    const sequences = randomSequences(5, 'dapo').map((s, i) => ({ ...s, advantage: advantages[i]! }));
    const { logitGradients } = policyPath(sequences, plainPolicy);
    expect(logitGradients.flat(2).every((g) => g === 0)).toBe(true);
  });

  it('is zero for a sequence that is left out, with an entropy bonus too', () => {
    const sequences = randomSequences(6, 'bnpo').map((s, i) => (i === 0 ? { ...s, share: 0 } : s));
    const { logitGradients } = policyPath(sequences, plainPolicy, 0.1);
    expect(logitGradients[0]!.flat().every((g) => g === 0)).toBe(true);
    expect(logitGradients[2]!.flat().some((g) => g !== 0)).toBe(true);
  });
});
