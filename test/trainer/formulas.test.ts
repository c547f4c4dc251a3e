/** Schedules, accuracy, templates and the order of problems against values worked out by hand. (The objective of GRPO: grpo-objective.test.ts.) */
import { describe, expect, it } from 'vitest';
import { pairedDifference, passAtK, wilsonInterval } from '../../trainer/evaluation/accuracy.ts';
import { learningRateAt } from '../../trainer/learner/schedule.ts';
import { ProblemOrder } from '../../trainer/problem-sets/problems.ts';
import { fillTemplate, findTemplate } from '../../trainer/prompts/templates.ts';

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

describe('templates', () => {
  it('fill the question in as it is, dollar signs and all', () => {
    expect(fillTemplate(findTemplate('simple'), 'cost $& $1?')).toBe('Question:cost $& $1?\nAnswer:');
    expect(fillTemplate(findTemplate('complex'), 'Q')).toMatch(/User:.*\\boxed\{\}.*\nQ\nAssistant:$/s);
    expect(findTemplate('Ask: {question}!').name).toBe('custom');
    expect(() => findTemplate('simpel')).toThrow(/no prompt template/);
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
