/** Each rule with a case that fires and a near miss, by default thresholds. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { SignatureDetector, type SignatureFinding } from '../../src/signatures/detector.ts';
import type { Observation } from '../../src/signatures/observation.ts';
import type { SignatureName } from '../../src/signatures/rule.ts';
import { signaturesSchema } from '../../src/signatures/rules.ts';

type Step = Partial<Omit<Observation, 'step'>>;

function findingsOf(steps: readonly Step[], name?: SignatureName): SignatureFinding[] {
  const detector = new SignatureDetector();
  return steps
    .flatMap((step, i) => detector.observe({ evaluations: [], ...step, step: i + 1 }).findings)
    .filter((finding) => name === undefined || finding.signature === name);
}

const firedAt = (steps: readonly Step[], name: SignatureName): number[] =>
  findingsOf(steps, name).map((finding) => finding.step);
const repeat = (n: number, step: Step): Step[] => Array.from({ length: n }, () => step);
const evaluated = (accuracy: number, more: object = {}): Step => ({
  evaluations: [{ name: 'MATH500', accuracy, problems: 500, ...more }],
});

describe('shares of responses', () => {
  const cases: [SignatureName, keyof Step, number, number][] = [
    ['repetition_loop', 'repeating', 0.3, 4],
    ['premature_answer', 'answerFirst', 0.5, 8],
    ['length_explosion', 'truncated', 0.5, 8],
    ['zero_variance_groups', 'flatGroups', 0.8, 8],
  ];
  it.each(cases)(
    '%s fires when the whole window is at the threshold, and not just below',
    (name, key, threshold, window) => {
      const at = (share: number) => repeat(20, { samples: 256, [key]: share });
      expect(firedAt(at(threshold + 1e-9), name)).toEqual([window]);
      expect(firedAt(at(threshold - 0.01), name)).toEqual([]);
      // One bad batch among good ones is no failure.
      const once = at(0.01).map((step, i) => (i === 10 ? { ...step, [key]: 1 } : step));
      expect(firedAt(once, name)).toEqual([]);
      // Steps without the number change nothing.
      expect(firedAt([...repeat(5, {}), ...at(threshold + 0.01)], name)).toEqual([5 + window]);
    },
  );

  it('weight a step by its responses', () => {
    const steps = [
      ...repeat(3, { samples: 1000, repeating: 0 }),
      ...repeat(1, { samples: 10, repeating: 1 }),
    ];
    expect(findingsOf([...steps, ...steps], 'repetition_loop')).toEqual([]);
  });

  it('say which way groups are without a signal, and the last step that looked well', () => {
    const solved = findingsOf([
      ...repeat(3, { flatGroups: 0.2 }),
      ...repeat(20, { flatGroups: 1, accuracy: 0.99 }),
    ]);
    expect(solved[0]).toMatchObject({ signature: 'zero_variance_groups', lastGood: 3 });
    expect(solved[0]!.text).toContain('too easy');
    expect(findingsOf(repeat(8, { flatGroups: 1, accuracy: 0 }))[0]!.text).toContain('too hard');
  });
});

describe('length slope', () => {
  const growing = (from: number, by: number, n = 16, cap = 1000) =>
    Array.from({ length: n }, (_, i) => ({ length: from + by * i + (i % 2 === 0 ? 4 : -4), cap }));
  it('fires when the line reaches the cap within the window, from above half of it', () => {
    expect(firedAt(growing(400, 30), 'length_slope')).toEqual([12]);
  });
  it('does not fire on growth from far below, on slow growth, or on noise', () => {
    expect(firedAt(growing(50, 25), 'length_slope')).toEqual([]);
    expect(firedAt(growing(600, 2), 'length_slope')).toEqual([]);
    const random = new Random(3);
    const noisy = Array.from({ length: 300 }, () => ({ length: 600 + 120 * random.normal(), cap: 1000 }));
    expect(firedAt(noisy, 'length_slope')).toEqual([]);
  });
  it('is silent while more responses become right, and not when they do not', () => {
    const learning = growing(400, 30).map((row, i) => ({ ...row, accuracy: 0.2 + 0.03 * i }));
    expect(firedAt(learning, 'length_slope')).toEqual([]);
    const idle = growing(400, 30).map((row, i) => ({ ...row, accuracy: i % 2 === 0 ? 0.2 : 0.22 }));
    expect(firedAt(idle, 'length_slope')).toEqual([12]);
  });
  it('begins anew when the schedule raises the cap', () => {
    expect(firedAt([...growing(400, 30, 11), ...growing(730, 30, 8, 2000)], 'length_slope')).toEqual([]);
  });
});

describe('length saturation', () => {
  const lengths = (values: readonly number[], cap = 100): Step[] =>
    values.map((length) => ({ cap, evaluations: [{ name: '', length }] }));
  it('fires when the middle of three evaluations is at nine tenths', () => {
    expect(firedAt(lengths([50, 90, 95, 91]), 'length_saturation')).toEqual([3]);
    expect(firedAt(lengths([89.9, 89.9, 89.9, 89.9]), 'length_saturation')).toEqual([]);
  });
  it('is neither made nor hidden by one evaluation that is out of line', () => {
    expect(firedAt(lengths([20, 99, 20, 20, 99, 20]), 'length_saturation')).toEqual([]);
    expect(firedAt(lengths([95, 30, 97]), 'length_saturation')).toEqual([3]);
  });
  it('follows the cap, and skips evaluations in which nothing was right', () => {
    const rising = [64, 64, 128, 128, 128].map((cap) => ({ cap, evaluations: [{ name: '', length: 60 }] }));
    expect(firedAt(rising.slice(1), 'length_saturation')).toEqual([]);
    expect(firedAt([...lengths([95, 95]), { cap: 100 }, ...lengths([95])], 'length_saturation')).toEqual([4]);
  });
  it('wants more than half of several sets', () => {
    const sets = (...of: number[]): Step => ({
      cap: 100,
      evaluations: of.map((length, i) => ({ name: `set ${i}`, length })),
    });
    expect(firedAt(repeat(4, sets(95, 95, 40, 40)), 'length_saturation')).toEqual([]);
    expect(firedAt(repeat(4, sets(95, 95, 95, 40)), 'length_saturation')).toEqual([3]);
  });
  it('takes training lengths where no evaluation has any', () => {
    expect(firedAt(repeat(4, { length: 95, cap: 100 }), 'length_saturation')).toEqual([3]);
    const both = repeat(4, { length: 95, cap: 100, evaluations: [{ name: '', length: 40 }] });
    expect(firedAt(both, 'length_saturation')).toEqual([]);
  });
});

describe('accuracy collapse', () => {
  it('fires a fifth below the best mean of three when chance cannot explain it, and not at a sixth', () => {
    const best = [0.3, 0.5, 0.5, 0.5];
    expect(
      firedAt(
        [...best, 0.39].map((a) => evaluated(a)),
        'accuracy_collapse',
      ),
    ).toEqual([5]);
    expect(
      firedAt(
        [...best, 0.42].map((a) => evaluated(a)),
        'accuracy_collapse',
      ),
    ).toEqual([]);
    const found = findingsOf([...best, 0.35].map((a) => evaluated(a)));
    expect(found[0]).toMatchObject({ lastGood: 4, action: 'warn' });
    expect(found[0]!.value).toBeCloseTo(0.7);
  });

  it('does not judge what was never learnt, nor what one lucky evaluation promised', () => {
    expect(
      firedAt(
        [0.09, 0.09, 0.09, 0.01, 0].map((a) => evaluated(a)),
        'accuracy_collapse',
      ),
    ).toEqual([]);
    expect(
      firedAt(
        [0.3, 0.3, 0.3, 0.5, 0.3, 0.3].map((a) => evaluated(a)),
        'accuracy_collapse',
      ),
    ).toEqual([]);
  });

  it('wants a deeper fall of a smaller set', () => {
    const small = (a: number): Step => ({ evaluations: [{ name: 'AMC23', accuracy: a, problems: 40 }] });
    const fallen = [0.4, 0.4, 0.4, 0.25, 0.25, 0.25];
    expect(firedAt(fallen.map(small), 'accuracy_collapse')).toEqual([]);
    expect(
      firedAt(
        fallen.map((a) => evaluated(a)),
        'accuracy_collapse',
      ),
    ).toEqual([4]);
    expect(firedAt([0.4, 0.4, 0.4, 0.05, 0, 0].map(small), 'accuracy_collapse')).toEqual([5]);
  });

  it('keeps still over long runs of chance alone, at any number of problems', () => {
    let fired = 0;
    let runs = 0;
    for (const problems of [40, 128, 256, 1000]) {
      for (let seed = 0; seed < 25; seed++) {
        const random = new Random(`${problems}/${seed}`);
        const draw = (p: number): number => {
          let k = 0;
          for (let i = 0; i < problems; i++) if (random.float() < p) k++;
          return k / problems;
        };
        const steps = Array.from({ length: 100 }, (_, i) => {
          const accuracy = draw(0.5 - 0.4 * Math.exp(-i / 10));
          return { evaluations: [{ name: '', accuracy, problems }] };
        });
        runs++;
        if (firedAt(steps, 'accuracy_collapse').length > 0) fired++;
      }
    }
    expect(runs).toBe(100);
    // 4 standard errors: some of a hundred such runs; with 3 it is a third of them.
    expect(fired).toBeLessThanOrEqual(6);
  });

  it('wants more than half of several sets, and forgets a best after 32 evaluations', () => {
    const sets = (...of: number[]): Step => ({
      evaluations: of.map((accuracy, i) => ({ name: `set ${i}`, accuracy, problems: 1000 })),
    });
    const before = repeat(4, sets(0.5, 0.5, 0.5));
    expect(firedAt([...before, ...repeat(3, sets(0.2, 0.5, 0.5))], 'accuracy_collapse')).toEqual([]);
    expect(firedAt([...before, ...repeat(3, sets(0.2, 0.2, 0.5))], 'accuracy_collapse')).toEqual([5]);
    const slow = Array.from({ length: 100 }, (_, i) => evaluated(0.6 - 0.002 * i));
    expect(firedAt(slow, 'accuracy_collapse')).toEqual([]);
  });

  it('takes the training responses where nothing is evaluated', () => {
    const steps = [
      ...repeat(10, { accuracy: 0.6, samples: 512 }),
      ...repeat(3, { accuracy: 0.1, samples: 512 }),
    ];
    expect(firedAt(steps, 'accuracy_collapse')).toEqual([11]);
  });
});

describe('entropy', () => {
  const entropies = (values: readonly number[], accuracy = 0.4): Step[] =>
    values.map((entropy) => ({ entropy, accuracy }));
  const flat = (value: number, n = 8) => Array.from({ length: n }, () => value);
  it('has collapsed at a tenth of the start, unless the task is solved or a ninth is left', () => {
    expect(firedAt(entropies([...flat(0.6), ...flat(0.05)]), 'entropy_collapse')).toEqual([16]);
    expect(firedAt(entropies([...flat(0.6), ...flat(0.07, 20)]), 'entropy_collapse')).toEqual([]);
    expect(firedAt(entropies([...flat(0.6), ...flat(0.01, 20)], 0.95), 'entropy_collapse')).toEqual([]);
    // A tenth of a wild start is still alive.
    expect(firedAt(entropies([...flat(4), ...flat(0.3, 20)]), 'entropy_collapse')).toEqual([]);
  });
  it('explodes at three times its lowest level and a nat above it, not before', () => {
    expect(firedAt(entropies([...flat(0.3), ...flat(1.4)]), 'entropy_explosion')).toEqual([12]);
    expect(firedAt(entropies([...flat(0.3), ...flat(1.25, 20)]), 'entropy_explosion')).toEqual([]);
    expect(firedAt(entropies([...flat(2), ...flat(3.5, 20)]), 'entropy_explosion')).toEqual([]);
    expect(firedAt(entropies([...flat(3), ...flat(0.2), ...flat(1.5)]), 'entropy_explosion')).toEqual([20]);
  });
});

describe('the detector', () => {
  const wild = (seed: number): Step[] => {
    const random = new Random(seed);
    return Array.from({ length: 120 }, (_, i) => ({
      samples: 64,
      repeating: random.float() < 0.5 ? 0.9 * random.float() : 0,
      answerFirst: random.float(),
      truncated: random.float(),
      flatGroups: random.float(),
      accuracy: random.float(),
      entropy: Math.exp(3 * Math.sin(i / 9)),
      length: 500 + 400 * Math.sin(i / 7),
      cap: i < 60 ? 1000 : 2000,
      ...(i % 4 === 0 ? evaluated(0.3 + 0.3 * Math.sin(i / 15), { length: 900 }) : {}),
    }));
  };

  it('finds the same after its memory went through JSON at any step', () => {
    const steps = wild(5).map((step, i) => ({ evaluations: [], ...step, step: i }));
    const whole = new SignatureDetector();
    const expected = steps.map((step) => whole.observe(step));
    expect(expected.flatMap(({ findings }) => findings).length).toBeGreaterThan(5);
    let detector = new SignatureDetector();
    const got = steps.map((step) => {
      const next = new SignatureDetector();
      next.restore(JSON.parse(JSON.stringify(detector.state())));
      detector = next;
      return detector.observe(step);
    });
    expect(got).toEqual(expected);
    expect(JSON.stringify(detector.state()).length).toBeLessThan(12_000);
  });

  it('gives a state that later steps do not change', () => {
    const detector = new SignatureDetector();
    detector.observe({ step: 1, evaluations: [], repeating: 0.5 });
    const state = detector.state();
    const before = JSON.stringify(state);
    detector.observe({ step: 2, evaluations: [], repeating: 0.5 });
    expect(JSON.stringify(state)).toBe(before);
  });

  it('tells of a failure once, and again only after it was gone for three steps', () => {
    const bad = { repeating: 1 };
    const good = { repeating: 0 };
    const steps = [...repeat(10, bad), ...repeat(12, good), ...repeat(6, bad)];
    expect(firedAt(steps, 'repetition_loop')).toEqual([4, 24]);
    // At the threshold and back, step by step: one finding.
    const wavering = Array.from({ length: 30 }, (_, i) => ({ repeating: i % 2 === 0 ? 0.31 : 0.28 }));
    expect(firedAt(wavering, 'repetition_loop').length).toBeLessThanOrEqual(1);
  });

  it('has the thresholds and actions of the config, and leaves out what is switched off', () => {
    const config = signaturesSchema.parse({
      repetition_loop: { threshold: 0.9, action: 'stop' },
      length_explosion: { enabled: false },
    });
    const detector = new SignatureDetector(config);
    const out = repeat(9, { repeating: 0.95, truncated: 1 }).map((step, i) =>
      detector.observe({ evaluations: [], ...step, step: i }),
    );
    const findings = out.flatMap((o) => o.findings);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ signature: 'repetition_loop', action: 'stop', step: 3 });
    expect(findings[0]!.rule).toContain('90.0 %');
    expect(out.at(-1)!.values).not.toHaveProperty('length_explosion');
    expect(() => signaturesSchema.parse({ repetition: {} })).toThrow();
    expect(() => signaturesSchema.parse({ repetition_loop: { action: 'panic' } })).toThrow();
  });
});
