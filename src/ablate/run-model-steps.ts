/** The steps of the model's side carried out: training, GRPO, evaluations, chains that a model writes itself. Each by the function of its command. */
import { basename, join } from 'node:path';
import { evaluateProblems } from '../../trainer/evaluation/evaluate-problems.ts';
import type { EvaluationRequest } from '../../trainer/evaluation/plan-evaluation.ts';
import { grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { grpo } from '../../trainer/grpo/grpo.ts';
import { train } from '../../trainer/training/train.ts';
import { trainConfigSchema } from '../../trainer/training/train-config.ts';
import { parseConfig } from '../core/config.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { readRecord } from '../io/run-record.ts';
import { chainLines, chooseChains } from './choose-chains.ts';
import type { Plain } from './overlay.ts';
import type { StepJob } from './step-job.ts';

export async function runTraining({ step, folder, settings, gpu, emit, signal }: StepJob): Promise<Plain> {
  const phase = step.kind === 'train-stable' ? 'stable' : 'decay';
  const {
    config,
    phase: own,
    data,
    from,
  } = settings as Record<'config' | 'phase', Plain> & {
    data: string;
    from?: string;
  };
  const whole = { ...config, [phase]: { ...own, data }, name: step.id, out: folder, seed: step.seed };
  const parsed = parseConfig(trainConfigSchema, whole, step.id);
  const result = await train(await gpu(), parsed, phase, {
    emit,
    signal,
    ...(from === undefined ? {} : { from }),
  });
  const { steps, tokens, finalLoss, finalEvalLoss } = result;
  return { steps, tokens, finalLoss, ...(finalEvalLoss === undefined ? {} : { finalEvalLoss }) };
}

export async function runGrpo({ step, folder, settings, gpu, emit, signal }: StepJob): Promise<Plain> {
  const { config, ...read } = settings as { config: Plain };
  const whole = { ...config, ...read, name: step.id, out: join(folder, 'run'), seed: step.seed };
  const parsed = parseConfig(grpoConfigSchema, whole, step.id);
  const { startAccuracy, endAccuracy } = await grpo(await gpu(), parsed, { emit, signal, folder });
  return { startAccuracy, endAccuracy };
}

/** Problems drawn side by side: changes no result. */
const batch = 64;

export async function runEvaluation(job: StepJob): Promise<Plain> {
  const { benchmarks } = await evaluate(job);
  return { accuracy: benchmarks[0]!.accuracy };
}

function evaluate({ step, folder, settings, gpu, emit, signal }: StepJob) {
  const out = join(folder, 'run');
  const model = settings.model as string;
  return gpu().then((device) =>
    evaluateProblems(
      device,
      model,
      requestOf(settings, step.seed ?? 0, folder),
      { out, batch },
      emit,
      signal,
    ),
  );
}

/** Settings of a drawing section (way.ts) as the evaluation asks. */
function requestOf(settings: Plain, seed: number, cwd: string): EvaluationRequest {
  const of = <T>(name: string): T => settings[name] as T;
  return {
    sets: [of('problems')],
    template: of('template'),
    fewShot: of('num_fewshot'),
    exemplars: of('exemplars'),
    targetDelimiter: of('target_delimiter'),
    extract: of('extract'),
    mode: 'generate',
    choiceScore: 'letter',
    promptPrefix: of('prompt_prefix'),
    stopStrings: of('stop_strings'),
    sampling: {
      temperature: of('temperature'),
      top_k: of('top_k'),
      top_p: of('top_p'),
      min_p: of('min_p'),
    },
    samples: of('samples'),
    maxTokens: of('max_tokens'),
    seed,
    cwd,
  };
}

/** Draws as an evaluation does (and goes on as one), then keeps what the checker found right. The ledger is in the summary of run.json. */
export async function runChains(job: StepJob): Promise<Plain> {
  const { folder, settings } = job;
  const { graded } = await evaluate(job);
  const { keep, per_problem, min_tokens } = settings as {
    keep: 'verified' | 'all';
    per_problem: number;
    min_tokens: number;
  };
  const chosen = chooseChains(Object.values(graded).flat(), {
    keep,
    perProblem: per_problem,
    minTokens: min_tokens,
  });
  await writeFileAtomic(join(folder, 'chains.jsonl'), chainLines(chosen.chains));
  const run = join(folder, 'run');
  const record = readRecord(run);
  const summary = { ...record.summary, chains: chosen.ledger };
  await writeFileAtomic(join(run, 'run.json'), `${JSON.stringify({ ...record, summary }, null, 2)}\n`);
  return { ...chosen.ledger, model: basename(settings.model as string) };
}
