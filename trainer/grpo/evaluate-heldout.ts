/** Accuracy and lengths on the held-out problems of a GRPO run, one draw a problem, always with the same seeds (so changes are paired). */
import { wilsonInterval } from '../accuracy.ts';
import type { Problem } from '../problems.ts';
import { type RolloutSettings, rollOut } from '../rollout.ts';
import { meanAndStd } from './advantage.ts';

export interface HeldoutEvaluation {
  /** 1 or 0 for each problem. */
  correct: number[];
  metrics: Record<string, number>;
}

export async function evaluateHeldout(
  settings: RolloutSettings,
  problems: readonly Problem[],
  maxTokens: number,
  signal: AbortSignal,
): Promise<HeldoutEvaluation> {
  const drawn = await rollOut(settings, problems, 1, maxTokens, 'eval', signal);
  const correct = drawn.map((r) => (r.correct ? 1 : 0));
  const hits = correct.reduce<number>((a, b) => a + b, 0);
  const [low, high] = wilsonInterval(hits, correct.length);
  const right = drawn.filter((r) => r.correct).map((r) => r.tokens.length);
  return {
    correct,
    metrics: {
      eval_accuracy: hits / correct.length,
      eval_accuracy_low: low,
      eval_accuracy_high: high,
      'eval_completions/mean_length': meanAndStd(drawn.map((r) => r.tokens.length)).mean,
      ...(right.length > 0 ? { 'eval_completions/mean_correct_length': meanAndStd(right).mean } : {}),
      'eval_completions/clipped_ratio': drawn.filter((r) => r.truncated).length / drawn.length,
    },
  };
}
