/**
 * Accuracy of a model folder on problem sets: greedy or several samples a problem, or choices scored by log-probability. With `out` every problem's
 * texts and verdicts are kept as Parquet in parts (trainer/evaluation), with run.json and metrics.jsonl beside them, and an evaluation that was
 * stopped goes on where it was.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InterruptedError } from '../../src/core/errors.ts';
import type { Emit } from '../../src/core/events.ts';
import { removeLeftovers, writeFileAtomic } from '../../src/io/atomic.ts';
import { type Run, runFolderOf, startRun } from '../../src/io/run-record.ts';
import type { Gpu } from '../gpu/device.ts';
import { loadModel } from '../model/folder.ts';
import { endOfTurn } from '../prompts/load-template.ts';
import { stopStringsOf } from '../prompts/templates.ts';
import { Sampler } from '../sampler/sampler.ts';
import { drawingGrader } from './draw-samples.ts';
import { evaluateSet, type Grader } from './evaluate-set.ts';
import { sameAnswer } from './grade.ts';
import type { GradedProblem } from './graded-problem.ts';
import { macroAverageOf } from './macro-average.ts';
import {
  type EvaluationPlan,
  type EvaluationRequest,
  type PlannedSet,
  planEvaluation,
} from './plan-evaluation.ts';
import { decidedBefore } from './resume.ts';
import { choiceGrader } from './score-choices.ts';
import { rightSamples, type Summary, summarise } from './summarise.ts';

export type { EvaluationRequest } from './plan-evaluation.ts';

export interface EvaluationOutput {
  /** Run folder; without it nothing is written. */
  out?: string | undefined;
  /** Samples drawn side by side; changes no result. */
  batch: number;
  /** The ks of pass@k and maj@k; 1, 2, 4 ... by default. */
  ks?: readonly number[] | undefined;
  resamples?: number | undefined;
}

export interface BenchmarkResult extends Summary {
  name: string;
  /** What was read. */
  paths: string[];
  template: string;
  fewShot: number;
  extract: string;
}

export interface EvaluationResult {
  model: string;
  out?: string;
  benchmarks: BenchmarkResult[];
  /** Mean of the benchmarks' accuracies, where there are several (as the paper's tables do), and its 95 % interval. */
  macroAverage?: number;
  macroAverageInterval?: [low: number, high: number];
  /** All problems by benchmark, in their order. */
  graded: Record<string, GradedProblem[]>;
  warnings: string[];
}

/** Plans, then carries out. Throws `InterruptedError` when the signal stopped it; what was finished is in `out`. */
export async function evaluateProblems(
  gpu: Gpu,
  model: string,
  request: EvaluationRequest,
  output: EvaluationOutput,
  emit: Emit,
  signal: AbortSignal,
): Promise<EvaluationResult> {
  return carryOut(gpu, await planEvaluation(model, request), output, emit, signal);
}

export async function carryOut(
  gpu: Gpu,
  plan: EvaluationPlan,
  output: EvaluationOutput,
  emit: Emit,
  signal: AbortSignal,
): Promise<EvaluationResult> {
  const { out } = output;
  const run = out === undefined ? undefined : await beginRun(out, plan, gpu);
  for (const text of plan.warnings) emit({ kind: 'message', level: 'warn', text });
  const result: EvaluationResult = {
    model: plan.model,
    ...(out === undefined ? {} : { out }),
    benchmarks: [],
    graded: {},
    warnings: plan.warnings,
  };
  try {
    const weights = await loadModel(gpu, plan.model);
    const sampler = await samplerOf(gpu, weights, plan, output.batch);
    try {
      for (const [i, set] of plan.sets.entries()) {
        const graded = await evaluateOne(set, graderOf(plan, set, sampler), out, emit, signal);
        const { seed, samples } = plan.request;
        const summary = summarise(graded, {
          seed,
          equal: sameAnswer,
          ...(output.ks === undefined ? {} : { ks: output.ks.filter((k) => k <= samples) }),
          ...(output.resamples === undefined ? {} : { resamples: output.resamples }),
        });
        const benchmark = { ...describeSet(set), ...summary };
        result.benchmarks.push(benchmark);
        result.graded[set.name] = graded;
        if (out !== undefined)
          await writeFileAtomic(join(out, `${set.name}.json`), `${JSON.stringify(benchmark, null, 2)}\n`);
        run?.metrics.append(metricsOf(benchmark, i));
      }
    } finally {
      await gpu.sync().catch(() => {}); // nothing may still run on buffers that are freed now
      sampler.destroy();
      weights.destroy();
    }
  } catch (error) {
    run?.finish(signal.aborted ? 'interrupted' : 'failed');
    if (!signal.aborted) throw error;
    throw new InterruptedError(
      out === undefined
        ? 'stopped; nothing was kept (--out keeps finished parts, and the same command goes on from there)'
        : 'stopped; the same command goes on from the parts that are finished',
    );
  }
  if (result.benchmarks.length > 1) {
    const { value, low, high } = macroAverageOf(result.benchmarks.map(({ accuracy }) => accuracy));
    result.macroAverage = value;
    result.macroAverageInterval = [low, high];
  }
  run?.finish('done', summaryOf(result));
  return result;
}

async function beginRun(out: string, plan: EvaluationPlan, gpu: Gpu): Promise<Run> {
  const decisive = {
    ...plan.decisive,
    benchmarks: Object.fromEntries(plan.sets.map(({ name, decisive }) => [name, decisive])),
  };
  await decidedBefore(out, decisive);
  for (const { name } of plan.sets) {
    const folder = join(out, name);
    if (existsSync(folder)) await removeLeftovers(folder);
  }
  const parent = runFolderOf(plan.model);
  const run = startRun(out, {
    command: 'eval',
    name: nameOf(out),
    config: { model: plan.model, ...decisive },
    inputs: [...plan.inputs, ...plan.sets.flatMap(({ set }) => set.paths.map((path) => ({ path })))],
    parents: parent === undefined ? [] : [parent],
    device: { ...gpu.info } as Record<string, unknown>,
    warnings: plan.warnings,
  });
  // Every benchmark writes its row again; finished parts make that cheap.
  run.metrics.rewind(() => true);
  return run;
}

async function samplerOf(
  gpu: Gpu,
  weights: Awaited<ReturnType<typeof loadModel>>,
  { modelConfig, endTokens, request, sets }: EvaluationPlan,
  slots: number,
): Promise<Sampler> {
  const scoring = request.mode === 'choices';
  return Sampler.create(gpu, weights, {
    config: modelConfig,
    promptLength: Math.max(...sets.map(({ longestPrompt }) => longestPrompt)),
    responseLength: scoring ? 1 : request.maxTokens,
    slots,
    temperature: request.sampling.temperature,
    eosId: endTokens[0]!,
    ...(scoring ? { ranking: true } : {}),
  });
}

function graderOf(plan: EvaluationPlan, { name, template, extract }: PlannedSet, sampler: Sampler): Grader {
  const { tokenizer, prefix, request } = plan;
  const { sampling, samples, maxTokens, seed, choiceScore } = request;
  if (request.mode === 'choices')
    return choiceGrader({ sampler, tokenizer, template, prefix, score: choiceScore });
  const turn = endOfTurn(template, tokenizer);
  return drawingGrader({
    sampler,
    tokenizer,
    template,
    prefix,
    stopStrings: request.stopStrings ?? stopStringsOf(template),
    endTokens: turn === undefined ? plan.endTokens : [...new Set([...plan.endTokens, turn])],
    sampling,
    samples,
    maxTokens,
    extract,
    name,
    seed,
  });
}

async function evaluateOne(
  { name, set, perPart }: PlannedSet,
  grade: Grader,
  out: string | undefined,
  emit: Emit,
  signal: AbortSignal,
): Promise<GradedProblem[]> {
  const task = `eval ${name}`;
  const total = set.problems.length;
  const began = performance.now();
  let done = 0;
  let right = 0;
  let kept = 0;
  const show = (): void =>
    emit({
      kind: 'progress',
      task,
      done,
      total,
      unit: 'problem',
      numbers: { accuracy: done === 0 ? 0 : right / done },
    });
  const count = (problem: GradedProblem): void => {
    done++;
    right += rightSamples(problem) / problem.correct.length;
  };
  emit({ kind: 'start', task, total, unit: 'problem' });
  const graded = await evaluateSet({
    problems: set.problems,
    perPart,
    ...(out === undefined ? {} : { folder: join(out, name) }),
    metadata: { 'midtrain.benchmark': name },
    signal,
    grade: (problems, stop) =>
      grade(problems, stop, (problem) => {
        count(problem);
        show();
      }),
    onKept: (problems) => {
      kept += problems.length;
      for (const problem of problems) count(problem);
      show();
    },
  });
  if (kept > 0)
    emit({
      kind: 'message',
      level: 'info',
      text: `${name}: ${kept} of ${total} problems were there from before`,
    });
  emit({
    kind: 'end',
    task,
    done: total,
    unit: 'problem',
    seconds: (performance.now() - began) / 1000,
    numbers: { accuracy: right / total },
  });
  return graded;
}

function describeSet({
  name,
  set,
  template,
  extract,
}: PlannedSet): Pick<BenchmarkResult, 'name' | 'paths' | 'template' | 'fewShot' | 'extract'> {
  return { name, paths: set.paths, template: template.name, fewShot: template.shots?.n ?? 0, extract };
}

function metricsOf(
  benchmark: BenchmarkResult,
  step: number,
): { step: number } & Record<string, number | string | undefined> {
  const { name, accuracy, meanLength, meanCorrectLength, truncated, passAt } = benchmark;
  return {
    step,
    benchmark: name,
    eval_accuracy: accuracy.value,
    eval_accuracy_low: accuracy.low,
    eval_accuracy_high: accuracy.high,
    'eval_completions/mean_length': meanLength,
    ...(meanCorrectLength === null ? {} : { 'eval_completions/mean_correct_length': meanCorrectLength }),
    'eval_completions/clipped_ratio': truncated,
    ...Object.fromEntries(Object.entries(passAt).map(([k, share]) => [`eval_pass@${k}`, share.value])),
  };
}

function summaryOf({
  model,
  benchmarks,
  macroAverage,
  macroAverageInterval,
}: EvaluationResult): Record<string, unknown> {
  return {
    model,
    benchmarks: Object.fromEntries(
      benchmarks.map(
        ({ name, problems, samples, accuracy, passAt, majAt, truncated, noAnswer, meanLength }) => [
          name,
          { problems, samples, accuracy, passAt, majAt, truncated, noAnswer, meanLength },
        ],
      ),
    ),
    ...(macroAverage === undefined ? {} : { macroAverage, macroAverageInterval }),
  };
}

function nameOf(folder: string): string {
  return (
    folder
      .split(/[\\/]+/)
      .filter((part) => part !== '')
      .at(-1) ?? 'eval'
  );
}
