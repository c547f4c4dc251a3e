/**
 * Multiple choice without generation: the choice whose continuation of the prompt is likeliest, as lm-eval's `multiple_choice` tasks do.
 *
 * `letter` scores the letters (MMLU, AGIEval): the continuation is ` A`, ` B` ..., a letter after the space that follows "Answer:". `text` scores the
 * choices' own texts by log-probability per byte (lm-eval's `acc_norm`), for models too small to know the letters. Ties go to the earlier choice.
 * Nothing is drawn. Choices of one token (letters) are read from one pass over the prompt where they are among the likeliest tokens after it; any
 * other costs a pass over prompt and choice together.
 */
import type { Tokenizer } from '../../src/tokens/tokenizer.ts';
import { letterOf } from '../problem-sets/choices.ts';
import type { Problem } from '../problem-sets/problems.ts';
import { encodePrompt } from '../prompts/encode-prompt.ts';
import type { PromptTemplate } from '../prompts/templates.ts';
import type { Sampler } from '../sampler/sampler.ts';
import { mostRanked } from '../sampler/sampler-plan.ts';
import { identityOf } from './draw-samples.ts';
import type { Grader } from './evaluate-set.ts';
import type { GradedProblem } from './graded-problem.ts';

export const choiceScores = ['letter', 'text'] as const;
export type ChoiceScore = (typeof choiceScores)[number];

export interface ScoreSettings {
  /** Made with `ranking`. */
  sampler: Sampler;
  tokenizer: Tokenizer;
  template: PromptTemplate;
  prefix: number | undefined;
  score: ChoiceScore;
}

export function choiceGrader(settings: ScoreSettings): Grader {
  return async (problems, signal, tick) => {
    const settled = await Promise.allSettled(
      problems.map(async (problem) => {
        const graded = await scoreProblem(settings, problem, signal);
        tick?.(graded);
        return graded;
      }),
    );
    return settled.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
  };
}

/** What follows the prompt for each choice. */
export function continuationsOf(problem: Problem, score: ChoiceScore): string[] {
  return (problem.choices ?? []).map((choice, i) => ` ${score === 'letter' ? letterOf(i) : choice}`);
}

async function scoreProblem(
  settings: ScoreSettings,
  problem: Problem,
  signal: AbortSignal,
): Promise<GradedProblem> {
  const { tokenizer, score } = settings;
  const { text, tokens: prompt } = encodePrompt(settings, problem);
  const continuations = continuationsOf(problem, score);
  // Encoded apart from the prompt: the boundary is where lm-eval puts it for a continuation that begins with a space.
  const added = continuations.map((continuation) => [...tokenizer.encode(continuation, { special: false })]);
  const ranked = added.every(({ length }) => length === 1)
    ? await likeliestNext(settings.sampler, prompt, signal)
    : new Map<number, number>();
  const sums = await Promise.all(
    added.map((tokens) => ranked.get(tokens[0]!) ?? logProbability(settings.sampler, prompt, tokens, signal)),
  );
  const scores = score === 'letter' ? sums : sums.map((sum, i) => sum / Buffer.byteLength(continuations[i]!));
  const best = scores.indexOf(Math.max(...scores));
  const answer = letterOf(best);
  return {
    ...identityOf(problem, text),
    completions: [continuations[best]!],
    answers: [answer],
    correct: [answer === problem.expected],
    lengths: [0],
    truncated: [false],
    seeds: [0],
    choice_logprobs: scores,
  };
}

const plain = { temperature: 1, top_k: 0, top_p: 1, min_p: 0 };

/** Log-probabilities of the likeliest tokens after a prompt: the letters are nearly always among them, so one pass does for all. */
async function likeliestNext(
  sampler: Sampler,
  prompt: readonly number[],
  signal: AbortSignal,
): Promise<Map<number, number>> {
  const { ranked } = await sampler.session.submit({
    prompt,
    seed: 0,
    maxTokens: 1,
    sampling: { ...plain, temperature: 0 },
    endTokens: [],
    top: mostRanked,
    signal,
  });
  return new Map(ranked[0]!.top.map(({ token, logp }) => [token, logp]));
}

/** Of these tokens after the prompt; the model reads both together. */
async function logProbability(
  sampler: Sampler,
  prompt: readonly number[],
  tokens: readonly number[],
  signal: AbortSignal,
): Promise<number> {
  const { promptRanked } = await sampler.session.submit({
    prompt: [...prompt, ...tokens],
    seed: 0,
    maxTokens: 0,
    sampling: plain,
    endTokens: [],
    rankPrompt: 0,
    signal,
  });
  return promptRanked.slice(prompt.length - 1).reduce((total, { logp }) => total + logp, 0);
}
