/**
 * Samples of problems on the device, graded. A sample's seed comes from the run's seed, the benchmark, the problem's id and the sample's number, so
 * it does not depend on what is drawn beside it.
 */
import type { Extraction } from '../../src/core/evaluation.ts';
import { hash32 } from '../../src/core/random.ts';
import type { Tokenizer } from '../../src/tokens/tokenizer.ts';
import type { Problem } from '../problem-sets/problems.ts';
import { encodePrompt } from '../prompts/encode-prompt.ts';
import type { PromptTemplate } from '../prompts/templates.ts';
import type { Sampler } from '../sampler/sampler.ts';
import type { SamplingParams } from '../sampler/sampling.ts';
import { cutAtStop, TokenText } from '../sampler/token-text.ts';
import type { Grader } from './evaluate-set.ts';
import { gradeCompletion } from './grade.ts';
import type { GradedProblem } from './graded-problem.ts';

export interface DrawSettings {
  sampler: Sampler;
  tokenizer: Tokenizer;
  template: PromptTemplate;
  prefix: number | undefined;
  stopStrings: readonly string[];
  endTokens: readonly number[];
  sampling: SamplingParams;
  samples: number;
  maxTokens: number;
  extract: Extraction;
  /** Of the benchmark: two benchmarks may both have a problem 0. */
  name: string;
  seed: number;
}

export function sampleSeed(seed: number, name: string, id: string, sample: number): number {
  return hash32(`${seed}/eval/${name}/${id}/${sample}`);
}

export function drawingGrader(settings: DrawSettings): Grader {
  return async (problems, signal, tick) => {
    const drawn = problems.map(async (problem) => {
      const graded = await drawProblem(settings, problem, signal);
      tick?.(graded);
      return graded;
    });
    // All of them, so that none goes on by itself when one has failed.
    const settled = await Promise.allSettled(drawn);
    return settled.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
  };
}

async function drawProblem(
  settings: DrawSettings,
  problem: Problem,
  signal: AbortSignal,
): Promise<GradedProblem> {
  const { sampler, tokenizer, stopStrings, samples, extract } = settings;
  const { text, tokens: prompt } = encodePrompt(settings, problem);
  const seeds = Array.from({ length: samples }, (_, i) =>
    sampleSeed(settings.seed, settings.name, problem.id, i),
  );
  const drawn = await Promise.all(
    seeds.map((seed) =>
      sampler.session.submit({
        prompt,
        seed,
        maxTokens: settings.maxTokens,
        sampling: settings.sampling,
        endTokens: settings.endTokens,
        signal,
        ...(stopStrings.length > 0 && { watch: stopWatch(tokenizer, stopStrings) }),
      }),
    ),
  );
  const completions = drawn.map(({ tokens }) =>
    cutAtStop(tokenizer.decode(tokens, { special: false }), stopStrings),
  );
  const grades = completions.map((completion) => gradeCompletion(completion, problem, extract));
  return {
    ...identityOf(problem, text),
    completions,
    answers: grades.map(({ answer }) => answer),
    correct: grades.map(({ correct }) => correct),
    lengths: drawn.map(({ tokens }) => tokens.length),
    truncated: drawn.map(({ finish }) => finish === 'length'),
    seeds,
    choice_logprobs: [],
  };
}

/** The part of a row that says which problem it is. */
export function identityOf(
  problem: Problem,
  prompt: string,
): Pick<GradedProblem, 'id' | 'question' | 'prompt' | 'expected' | 'level' | 'subject'> {
  return {
    id: problem.id,
    question: problem.question,
    prompt,
    expected: problem.expected,
    level: problem.level ?? null,
    subject: problem.subject ?? null,
  };
}

/** Says true at the token that completes a stop string. */
function stopWatch(tokenizer: Tokenizer, stopStrings: readonly string[]): (token: number) => boolean {
  const text = new TokenText(tokenizer, stopStrings);
  return (token) => {
    text.push(token);
    return text.stop !== undefined;
  };
}
