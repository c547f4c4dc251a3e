/** Accuracy of a model folder on a problem set: pass@1 with Wilson's interval, and pass@k from several samples a problem. */
import type { Emit } from '../src/core/events.ts';
import { loadTokenizer } from '../src/tokens/tokenizer.ts';
import { passAtK, wilsonInterval } from './accuracy.ts';
import type { Gpu } from './device.ts';
import { endTokenOf } from './end-token.ts';
import { prefixToken } from './grpo/prefix-token.ts';
import { findTemplate } from './grpo/templates.ts';
import { loadModel } from './model/folder.ts';
import { readProblems } from './problems.ts';
import { findReward } from './rewards/index.ts';
import { promptTokens, type Rollout, rollOut } from './rollout.ts';
import { Sampler } from './sampler.ts';

export interface EvaluationRequest {
  problems: string;
  template: string;
  reward: string;
  promptPrefix: 'auto' | 'bos' | 'eos' | 'none';
  stopStrings: readonly string[];
  /** 0 is greedy. */
  temperature: number;
  samples: number;
  count: number;
  maxTokens: number;
  batch: number;
  seed: number;
}

export interface EvaluationResult {
  problems: number;
  samples: number;
  /** Share of all samples that are right, with its interval (over problems when there is one sample each). */
  accuracy: number;
  interval: [number, number];
  /** pass@k for k = 1, 2, 4, ... up to `samples` (unbiased estimator, Chen et al. 2021). */
  passAt: Record<string, number>;
  meanLength: number;
  truncated: number;
  rollouts: Rollout[];
}

export async function evaluateProblems(
  gpu: Gpu,
  folder: string,
  request: EvaluationRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<EvaluationResult> {
  const tokenizer = await loadTokenizer(folder);
  const weights = await loadModel(gpu, folder);
  const eosId = endTokenOf(folder, weights.config, tokenizer);
  const problems = (await readProblems(request.problems)).slice(0, request.count);
  const template = findTemplate(request.template);
  const prefix = prefixToken(request.promptPrefix, weights.config, tokenizer);
  const longest = Math.max(
    ...problems.map((problem) => promptTokens({ tokenizer, template, prefix }, problem).length),
  );
  const prompts = Math.min(problems.length, request.batch);
  const sampler = await Sampler.create(gpu, weights, {
    config: weights.config,
    prompts,
    promptLength: longest,
    slots: prompts * request.samples,
    responseLength: request.maxTokens,
    temperature: request.temperature,
    eosId,
  });
  const settings = {
    sampler,
    tokenizer,
    template,
    reward: findReward(request.reward),
    stopStrings: request.stopStrings,
    prefix,
    seed: request.seed,
  };
  const rollouts: Rollout[] = [];
  const began = performance.now();
  emit({ kind: 'start', task: 'eval', total: problems.length, unit: 'problem' });
  for (let first = 0; first < problems.length; first += prompts) {
    rollouts.push(
      ...(await rollOut(
        settings,
        problems.slice(first, first + prompts),
        request.samples,
        request.maxTokens,
        'eval',
        signal,
      )),
    );
    emit({
      kind: 'progress',
      task: 'eval',
      done: Math.min(problems.length, first + prompts),
      total: problems.length,
      unit: 'problem',
    });
  }
  emit({
    kind: 'end',
    task: 'eval',
    done: problems.length,
    unit: 'problem',
    seconds: (performance.now() - began) / 1000,
  });
  sampler.destroy();
  weights.destroy();
  const hits = rollouts.filter((r) => r.correct).length;
  const perProblem = problems.map(
    (_, i) => rollouts.slice(i * request.samples, (i + 1) * request.samples).filter((r) => r.correct).length,
  );
  const passAt: Record<string, number> = {};
  for (let k = 1; k <= request.samples; k *= 2)
    passAt[k] = perProblem.reduce((total, c) => total + passAtK(request.samples, c, k), 0) / problems.length;
  return {
    problems: problems.length,
    samples: request.samples,
    accuracy: hits / rollouts.length,
    interval: wilsonInterval(Math.round((hits / rollouts.length) * problems.length), problems.length),
    passAt,
    meanLength: rollouts.reduce((total, r) => total + r.tokens.length, 0) / rollouts.length,
    truncated: rollouts.filter((r) => r.truncated).length / rollouts.length,
    rollouts,
  };
}
