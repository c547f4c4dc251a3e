/** The failure signatures as a watcher of a GRPO run: on generated rollouts, over a checkpoint, and against a replay of what was logged. */
import { describe, expect, it } from 'vitest';
import { observationOf } from '../../src/signatures/read-row.ts';
import { replaySignatures } from '../../src/signatures/replay.ts';
import { signaturesSchema } from '../../src/signatures/rules.ts';
import type { Rollout } from '../../trainer/grpo/rollout.ts';
import { signatureWatcher } from '../../trainer/grpo/signature-watcher.ts';
import type { WatchedStep } from '../../trainer/grpo/watch.ts';

const config = signaturesSchema.parse({ repetition_loop: { action: 'rollback' } });

const loop = `\\boxed:{} ${'Solution '.repeat(40)}`;
const early = '\\boxed{12} because 5 + 7 = 12';
const sound = '5 + 7 is 12, so the answer is \\boxed{12}';

/** 32 rollouts of a step: these many loops and early answers, the rest sound. */
function step(
  number: number,
  loops: number,
  earlies: number,
  metrics: Record<string, number> = {},
): WatchedStep {
  const completions = Array.from({ length: 32 }, (_, i) =>
    i < loops ? loop : i < loops + earlies ? early : sound,
  );
  return {
    step: number,
    metrics: {
      entropy: 0.5,
      accuracy: 0.3,
      'completions/clipped_ratio': loops / 32,
      'completions/mean_length': 40,
      'completions/max_allowed_length': 128,
      frac_reward_zero_std: 0.3,
      ...metrics,
    },
    rollouts: completions.map((completion) => ({ completion }) as Rollout),
    allowedLength: 128,
  };
}

const evaluation = (number: number, accuracy: number): WatchedStep => ({
  step: number,
  metrics: {
    eval_accuracy: accuracy,
    eval_accuracy_low: accuracy - 0.04,
    eval_accuracy_high: accuracy + 0.04,
  },
  rollouts: [],
  allowedLength: 128,
});

/** Sound at first, then loops, answers at once, and a fall in accuracy. */
const run: WatchedStep[] = [
  evaluation(0, 0.4),
  ...Array.from({ length: 40 }, (_, i) => [
    step(i + 1, i < 10 ? 1 : i < 20 ? 12 : 4, i < 20 ? 2 : 20),
    ...(i % 4 === 3 ? [evaluation(i + 1, i < 24 ? 0.45 : 0.1)] : []),
  ]).flat(),
];

describe('the watcher of a run', () => {
  it('finds loops, early answers and the fall, with the action of the config and the last good step', () => {
    const watcher = signatureWatcher(config);
    const findings = run.flatMap((seen) => watcher.observe(seen));
    expect(findings.map((f) => [f.signature, f.step, f.action])).toEqual([
      ['repetition_loop', 14, 'rollback'],
      ['premature_answer', 22, 'warn'],
      ['accuracy_collapse', 28, 'warn'],
    ]);
    expect(findings[0]!.lastGood).toBe(10);
  });

  it('stays silent on near misses', () => {
    const watcher = signatureWatcher(config);
    const near = Array.from({ length: 40 }, (_, i) => step(i + 1, 9, 6));
    expect(near.flatMap((seen) => watcher.observe(seen))).toEqual([]);
  });

  it('gives a value of every rule it could measure, and the raw shares of the step', () => {
    const watcher = signatureWatcher(config);
    watcher.observe(step(1, 8, 4));
    expect(watcher.values!()).toMatchObject({
      'completions/repetition_ratio': 0.25,
      // A loop that begins with `\boxed:{}` is an early answer as well.
      'completions/answer_first_ratio': 0.375,
      'signature/repetition_loop': 0.25,
      'signature/premature_answer': 0.375,
      'signature/length_explosion': 0.25,
      'signature/zero_variance_groups': 0.3,
    });
    for (let i = 2; i <= 4; i++) watcher.observe(step(i, 30, 0));
    expect(watcher.values!()['signature/repetition_loop/fired']).toBe(1);
    watcher.observe(evaluation(4, 0.4));
    expect(watcher.values!()).not.toHaveProperty('completions/repetition_ratio');
  });

  it('goes on from any checkpoint as if it had never stopped', () => {
    const whole = signatureWatcher(config);
    const expected = run.map((seen) => [whole.observe(seen), whole.values!()]);
    let watcher = signatureWatcher(config);
    const got = run.map((seen) => {
      const state: unknown = JSON.parse(JSON.stringify(watcher.state()));
      watcher = signatureWatcher(config);
      watcher.restore(state);
      return [watcher.observe(seen), watcher.values!()];
    });
    expect(got).toEqual(expected);
  });

  it('finds what a replay of its metrics.jsonl finds', () => {
    const watcher = signatureWatcher(config);
    const rows = new Map<number, Record<string, number>>();
    const live = run.flatMap((seen) => {
      const findings = watcher.observe(seen);
      rows.set(seen.step, { ...rows.get(seen.step), step: seen.step, ...seen.metrics, ...watcher.values!() });
      return findings;
    });
    const replay = replaySignatures(
      [...rows.values()].map((row) => observationOf(row, { cap: 128 })!),
      config,
    );
    expect(replay.findings).toEqual(live);
  });
});
