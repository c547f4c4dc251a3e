/** The formulas of training and GRPO against values worked out by hand or from TRL's definitions. */
import { describe, expect, it } from 'vitest';
import { policyLoss } from '../../kernels/policy-loss/reference.ts';
import { UserError } from '../../src/core/errors.ts';
import { pairedDifference, passAtK, wilsonInterval } from '../../trainer/accuracy.ts';
import { groupAdvantages, shareOfFlatGroups } from '../../trainer/grpo/advantage.ts';
import { lengthAt, parseLengthSchedule } from '../../trainer/grpo/length-schedule.ts';
import { tokenShares } from '../../trainer/grpo/normaliser.ts';
import { packRollouts } from '../../trainer/grpo/pack-rollouts.ts';
import { fillTemplate, findTemplate } from '../../trainer/grpo/templates.ts';
import { ProblemOrder } from '../../trainer/problems.ts';
import { boxedReward } from '../../trainer/rewards/boxed.ts';
import { learningRateAt } from '../../trainer/schedule.ts';

describe('the learning rate', () => {
  const base = { learning_rate: 1, min_lr_ratio: 0.1 };
  it('warms up linearly, never from 0, and then stays', () => {
    const stable = { ...base, warmup_steps: 4, decay: 'constant' as const };
    expect([0, 1, 2, 3, 4, 99].map((step) => learningRateAt(stable, step, 100))).toEqual([
      0.25, 0.5, 0.75, 1, 1, 1,
    ]);
  });
  it('decays along a cosine from the peak at the first step to a tenth at the last', () => {
    const decay = { ...base, warmup_steps: 0, decay: 'cosine' as const };
    expect(learningRateAt(decay, 0, 101)).toBe(1);
    expect(learningRateAt(decay, 50, 101)).toBeCloseTo(0.55, 12);
    expect(learningRateAt(decay, 100, 101)).toBeCloseTo(0.1, 12);
  });
  it('knows linear and 1-sqrt decays', () => {
    expect(learningRateAt({ ...base, warmup_steps: 0, decay: 'linear' }, 5, 11)).toBeCloseTo(0.55, 12);
    expect(
      learningRateAt({ ...base, min_lr_ratio: 0, warmup_steps: 0, decay: '1-sqrt' }, 25, 101),
    ).toBeCloseTo(0.5, 12);
  });
});

describe('advantages', () => {
  it('divide by the sample standard deviation of the group plus 1e-4', () => {
    // Rewards 1, 1, -1, -1: mean 0, std sqrt(4 / 3).
    const [first] = groupAdvantages([1, 1, -1, -1], 4, 'group');
    expect(first).toBeCloseTo(1 / (Math.sqrt(4 / 3) + 1e-4), 12);
  });
  it('are 0 for a group that agrees, and can be left unscaled or scaled by the batch', () => {
    expect(groupAdvantages([1, 1, 0, 1], 2, 'group').slice(0, 2)).toEqual([0, 0]);
    expect(groupAdvantages([1, 1, 0, 1], 2, 'none')).toEqual([0, 0, -0.5, 0.5]);
    expect(groupAdvantages([1, 1, 0, 1], 2, 'batch')[3]).toBeCloseTo(0.5 / (0.5 + 1e-4), 12);
    expect(shareOfFlatGroups([1, 1, 0, 1], 2)).toBe(0.5);
  });
});

describe('normalisers', () => {
  const lengths = [2, 6];
  it('are those of TRL', () => {
    expect(tokenShares('grpo', lengths, 10)).toEqual([1 / 4, 1 / 12]);
    expect(tokenShares('dapo', lengths, 10)).toEqual([1 / 8, 1 / 8]);
    expect(tokenShares('bnpo', lengths, 10)).toEqual([1 / 8, 1 / 8]);
    expect(tokenShares('dr_grpo', lengths, 10)).toEqual([1 / 20, 1 / 20]);
    expect(tokenShares('grpo', [0, 6], 10)[0]).toBe(0);
  });
});

describe('the policy loss', () => {
  const scalars = { rows: 1, eps_low: 0.2, eps_high: 0.28, beta: 0.04, entropy_coef: 0.01 };
  const run = (logp: number, old: number, advantage: number, reference: number) => {
    const b = {
      stats: Float64Array.of(logp, 0, 0, 0),
      inputs: Float64Array.of(old, advantage, 1, reference),
      weights: new Float64Array(2),
      terms: new Float64Array(4),
    };
    policyLoss(b, scalars);
    return { loss: b.terms[0]!, slope: b.weights[0]!, flag: b.terms[1]! };
  };
  it.each([
    [-1, -1, 1, -1.2],
    [-0.9, -1, -1, -1],
    [-0.7, -1, 1, -0.8],
    [-0.7, -1, -1, -0.8],
    [-1.4, -1, 1, -1],
    [-1.4, -1, -1, -1],
  ])(
    'has the derivative that finite differences give (logp %d, old %d, advantage %d, reference %d)',
    (logp, old, advantage, reference) => {
      const h = 1e-6;
      const numeric =
        (run(logp + h, old, advantage, reference).loss - run(logp - h, old, advantage, reference).loss) /
        (2 * h);
      expect(run(logp, old, advantage, reference).slope).toBeCloseTo(numeric, 6);
    },
  );
  it('clips a ratio that went too far in the direction of its advantage, and no other', () => {
    expect(run(-0.7, -1, 1, -0.7).flag).toBe(2);
    expect(run(-0.7, -1, -1, -0.7).flag).toBe(0);
    expect(run(-1.4, -1, -1, -1.4).flag).toBe(1);
    expect(run(-1.4, -1, 1, -1.4).flag).toBe(0);
  });
});

describe('accuracy', () => {
  it("has Wilson's interval", () => {
    // Agresti and Coull 1998: 0 of 10 gives (0, 0.278).
    expect(wilsonInterval(0, 10)[1]).toBeCloseTo(0.2775, 3);
    expect(wilsonInterval(5, 10)[0]).toBeCloseTo(0.2366, 3);
  });
  it('compares the same problems before and after', () => {
    const { mean, interval } = pairedDifference([0, 0, 1, 0], [1, 1, 1, 0]);
    expect(mean).toBe(0.5);
    expect(interval[0]).toBeCloseTo(0.5 - 1.959964 * Math.sqrt(1 / 3 / 4), 9);
  });
  it('estimates pass@k without bias', () => {
    expect(passAtK(4, 1, 1)).toBeCloseTo(0.25, 12);
    expect(passAtK(4, 1, 2)).toBeCloseTo(0.5, 12);
    expect(passAtK(4, 3, 2)).toBe(1);
    expect(passAtK(4, 0, 4)).toBe(0);
  });
});

describe('the length schedule', () => {
  const schedule = parseLengthSchedule({ 100: 4096, 0: 2048, 160: 8192 }, 'here');
  it('holds the value of the greatest step not above the current one', () => {
    expect([0, 99, 100, 159, 160, 900].map((step) => lengthAt(schedule, step))).toEqual([
      2048, 2048, 4096, 4096, 8192, 8192,
    ]);
  });
  it('needs a step 0 and whole numbers', () => {
    expect(() => parseLengthSchedule({ 5: 10 }, 'here')).toThrow(/no step 0/);
    expect(() => parseLengthSchedule({ 0: 1.5 }, 'here')).toThrow(UserError);
  });
});

describe('templates', () => {
  it('fill the question in as it is, dollar signs and all', () => {
    expect(fillTemplate(findTemplate('simple'), 'cost $& $1?')).toBe('Question:cost $& $1?\nAnswer:');
    expect(fillTemplate(findTemplate('complex'), 'Q')).toMatch(/User:.*\\boxed\{\}.*\nQ\nAssistant:$/s);
    expect(findTemplate('Ask: {question}!').name).toBe('custom');
    expect(() => findTemplate('simpel')).toThrow(/no prompt template/);
  });
});

describe('the boxed reward', () => {
  const score = (completion: string, expected: string) =>
    boxedReward.score({ question: '', completion, expected, truncated: false });
  it('takes the last box, pays +1 for an equal answer and -1 for anything else', () => {
    expect(score('\\boxed{3} no, \\boxed{\\frac{1}{2}}', '0.5')).toEqual({
      reward: 1,
      answer: '\\frac{1}{2}',
      correct: true,
    });
    expect(score('\\boxed{4}', '3')).toMatchObject({ reward: -1, correct: false });
    expect(score('the answer is 3', '3')).toEqual({ reward: -1, answer: undefined, correct: false });
  });
});

describe('packing rollouts', () => {
  const item = (prompt: number[], tokens: number[], advantage: number) => ({
    promptTokens: prompt,
    tokens,
    logps: tokens.map((t) => -t / 10),
    advantage,
    share: 0.5,
  });
  it('puts several sequences in a row, masked from each other, and counts completion tokens only', () => {
    const items = [item([1, 2, 3], [4, 5], 1), item([6], [7, 8, 9], -1), item([1], [2], 2)];
    const [batch, ...more] = packRollouts(items, 2, 8);
    expect(more).toHaveLength(0);
    const { rows, inputs } = batch!;
    // Lengths 4, 3 and 1 fill one row of 8; the second row is padding.
    expect([...rows.tokens.slice(0, 8)]).toEqual([1, 2, 3, 4, 6, 7, 8, 1]);
    expect([...rows.targets.slice(0, 8)]).toEqual([2, 3, 4, 5, 7, 8, 9, 2]);
    expect([...rows.positions.slice(0, 8)]).toEqual([0, 1, 2, 3, 0, 1, 2, 0]);
    expect([...rows.kvStart.slice(0, 8)]).toEqual([0, 0, 0, 0, 4, 4, 4, 7]);
    const shares = Array.from({ length: 16 }, (_, row) => inputs[row * 4 + 2]);
    expect(shares).toEqual([0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(inputs[2 * 4]).toBeCloseTo(-0.4, 6);
    expect(inputs[4 * 4 + 1]).toBe(-1);
  });
  it('leaves out sequences without a share, and refuses one that does not fit', () => {
    expect(packRollouts([{ ...item([1], [2], 1), share: 0 }], 2, 8)).toEqual([]);
    expect(() => packRollouts([item([1, 2, 3, 4], [5, 6], 1)], 1, 4)).toThrow(/does not fit/);
  });
});

describe('the order of problems', () => {
  it('visits every problem once an epoch, in an order that depends on the seed and the epoch alone', () => {
    const order = new ProblemOrder(10, 3);
    const epochs = [0, 1].map((e) => Array.from({ length: 10 }, (_, i) => order.at(e * 10 + i)));
    for (const epoch of epochs)
      expect([...epoch].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    const again = new ProblemOrder(10, 3);
    expect(again.at(13)).toBe(epochs[1]![3]);
  });
});
