/**
 * A staged pipeline in a folder: its steps one after another, each in a folder of its own, one ledger and one report for the whole.
 *
 *   steps.json     the plan; pipeline.yaml  run.json  metrics.jsonl  ledger.json  report.md  job.lock
 *   <step>/        what the step made: a filter job, sample.parquet, labels.parquet, a model folder, refined documents; step.json when it is done
 *   answers/       every answer of a language model that was paid for; never cleared, not even by `fresh`
 *   kept/          the documents of the last step
 *
 * A killed job goes on where it was: a finished step is recognised by its marker (step-marker.ts), an unfinished one goes on by its own
 * means. Only what changed, and what follows it, runs again.
 */
import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { InterruptedError, invariant, UserError } from '../core/errors.ts';
import { type Emit, silent } from '../core/events.ts';
import { sumCounts } from '../core/ledger.ts';
import { makeFolder, removeLeftovers, writeFileAtomic } from '../io/atomic.ts';
import { type Run, startRun } from '../io/run-record.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import { inputSpecSchema } from '../stages/input-spec.ts';
import { type PlannedStep, type StepPlan, stepOfModel } from '../stages/plan-steps.ts';
import type { StepConfig } from '../stages/staged-config.ts';
import { endRun } from './end-run.ts';
import type { FilterOptions } from './filter-options.ts';
import { takeJobLock } from './job-locks.ts';
import { runFilterStep, runScoreStep } from './run-filter-step.ts';
import { runLabelStep } from './run-label-step.ts';
import { runRefineStep } from './run-refine-step.ts';
import { runSampleStep } from './run-sample-step.ts';
import { runTrainStep } from './run-train-step.ts';
import { type StagedSummary, summariseSteps, sumPaid } from './staged-summary.ts';
import type { RunStep, StepContext, StepOutcome } from './step-context.ts';
import type { StepResult } from './step-marker.ts';
import { stepReport } from './step-report.ts';

export interface StagedOptions extends FilterOptions {
  /** Delete what an earlier run left in `out`, but for answers that were paid for. */
  fresh?: boolean;
}

export interface StagedResult {
  folder: string;
  summary: StagedSummary;
  /** True when every document of every step could be read, and every request was answered. */
  complete: boolean;
}

const runners: { [K in StepConfig['step']]: RunStep<K> } = {
  filter: runFilterStep,
  sample: runSampleStep,
  label: runLabelStep,
  train: runTrainStep,
  score: runScoreStep,
  refine: runRefineStep,
};

/** Runs (or goes on with) a staged pipeline on `inputs`. Throws `InterruptedError` when `signal` aborts; a rerun then goes on. */
export async function runSteps(
  plan: StepPlan,
  inputs: FilterConfig['inputs'],
  options: StagedOptions,
): Promise<StagedResult> {
  const out = resolve(options.out);
  const emit = options.emit ?? silent;
  const signal = options.signal ?? new AbortController().signal;
  checkStagedFolder(out, plan);
  makeFolder(out);
  const lock = takeJobLock(out);
  let run: Run | undefined;
  try {
    if (options.fresh === true) clear(out);
    await removeLeftovers(out);
    for (const text of plan.notes) emit({ kind: 'message', level: 'info', text });
    await writeFileAtomic(join(out, 'steps.json'), `${JSON.stringify({ ...plan, inputs }, null, 2)}\n`);
    if (options.text !== undefined) await writeFileAtomic(join(out, 'pipeline.yaml'), options.text);
    rmSync(join(out, 'ledger.json'), { force: true });
    run = startRun(out, {
      command: 'filter',
      name: plan.name,
      config: { steps: plan.steps, given: plan.given, endpoint: plan.endpoint, inputs },
      fingerprint: fingerprint([plan, inputs]),
      inputs: inputs.flatMap(({ path }) => (path === undefined ? [] : [{ path }])),
    });
    const outcomes = await runAll(plan, inputs, { ...options, out, emit, signal });
    const last = outcomes.find(({ step }) => step.name === plan.way.at(-1))!;
    publish(out, last);
    const summary = summariseSteps(plan, outcomes);
    await writeFileAtomic(
      join(out, 'ledger.json'),
      `${JSON.stringify({ ...summary.ledger, stages: summary.stages }, null, 2)}\n`,
    );
    await writeFileAtomic(join(out, 'report.md'), stepReport(plan, summary));
    run.update({
      warnings: [...plan.notes, ...outcomes.flatMap(({ result }) => result.warnings)].slice(0, 50),
    });
    run.finish('done', { ...summary });
    return { folder: out, summary, complete: outcomes.every(({ result }) => result.complete) };
  } catch (error) {
    endRun(run, error);
    throw error;
  } finally {
    lock.release();
  }
}

async function runAll(
  plan: StepPlan,
  inputs: FilterConfig['inputs'],
  options: StagedOptions & { emit: Emit; signal: AbortSignal },
): Promise<StepOutcome[]> {
  const { out, emit, signal } = options;
  const outcomes: StepOutcome[] = [];
  const outcomeOf = (name: string): StepOutcome => {
    const found = outcomes.find(({ step }) => step.name === name);
    invariant(found !== undefined, `step ${name} comes before the one that uses it`);
    return found;
  };
  for (const [i, step] of plan.steps.entries()) {
    if (signal.aborted) throw new InterruptedError();
    const title = `step ${i + 1} of ${plan.steps.length}: ${step.name} (${step.config.step})`;
    emit({ kind: 'message', level: 'info', text: title });
    const source = step.from === null || step.from === 'input' ? undefined : outcomeOf(step.from);
    if (source !== undefined && sumCounts({ kept: source.result.ledger.kept }) === 0)
      throw nothingLeft(plan, source, step);
    const context: StepContext = {
      out,
      folder: join(out, step.name),
      answers: join(out, 'answers'),
      pipeline: plan.name,
      plan,
      step,
      inputs: source === undefined ? inputs : filesOf(out, source),
      upstream: Object.fromEntries(sourcesOf(step).map((name) => [name, contentOf(outcomeOf(name).result)])),
      modelPath: (model) => {
        const trained = stepOfModel(model);
        return trained === undefined ? model : join(out, trained, 'model');
      },
      workers: options.workers,
      limit: options.limit,
      paidBefore: sumPaid(outcomes.map(({ result }) => result.paid)),
      emit,
      signal,
    };
    const { result, reused } = await (runners[step.config.step] as RunStep<StepConfig['step']>)(context);
    outcomes.push({ step, result, reused });
    if (reused) emit({ kind: 'message', level: 'info', text: `${step.name}: done by an earlier run` });
  }
  return outcomes;
}

/** Steps whose content a step depends on. */
function sourcesOf({ config, from }: PlannedStep): string[] {
  const models =
    config.step === 'score'
      ? [config.model]
      : config.step === 'filter'
        ? config.classifiers.flatMap(({ model }) => model ?? [])
        : [];
  const trained = models.flatMap((model) => stepOfModel(model) ?? []);
  return [...new Set([...(from === null || from === 'input' ? [] : [from]), ...trained])];
}

function contentOf({ outputs }: StepResult): string {
  return fingerprint(outputs.map(({ path, sha256 }) => [path, sha256]));
}

/** The documents of a step as inputs of the next. */
function filesOf(out: string, { step, result }: StepOutcome): FilterConfig['inputs'] {
  const folders = [...new Set(result.outputs.map(({ path }) => dirname(path)))];
  const isOne = result.outputs.length === 1;
  const paths = isOne ? [result.outputs[0]!.path] : folders;
  return paths.map((path) => inputSpecSchema.parse({ path: join(out, step.name, path) }));
}

function nothingLeft(plan: StepPlan, { step, result }: StepOutcome, next: PlannedStep): UserError {
  const { dropped, failed } = result.ledger;
  const reasons = Object.entries({ ...dropped, ...failed })
    .sort(([, a], [, b]) => b - a)
    .slice(0, 5)
    .map(([reason, n]) => `${reason} ${n}`);
  return new UserError(
    `${plan.name}: the step ${step.name} kept none of ${result.ledger.in} documents (${reasons.join(', ')}), so ${next.name} has nothing to work on`,
    { hint: 'look at what it dropped, then change its bounds or the input' },
  );
}

/** `kept/`: the files of the last step under one roof. */
function publish(out: string, { step, result }: StepOutcome): void {
  const kept = join(out, 'kept');
  rmSync(kept, { recursive: true, force: true });
  mkdirSync(kept);
  for (const { path } of result.outputs) {
    const [from, to] = [join(out, step.name, path), join(kept, basename(path))];
    try {
      linkSync(from, to);
    } catch {
      copyFileSync(from, to);
    }
  }
}

const ownFiles = ['steps.json', 'pipeline.yaml', 'run.json', 'metrics.jsonl', 'ledger.json', 'report.md'];

/** Refuses a folder that holds something else, so that nothing foreign is overwritten. */
function checkStagedFolder(out: string, plan: StepPlan): void {
  if (!existsSync(out)) return;
  const names = readdirSync(out);
  if (names.length === 0 || names.includes('steps.json')) return;
  const steps = plan.steps.map(({ name }) => name);
  const own = [...ownFiles, ...steps, 'kept', 'answers', 'job.lock'];
  const foreign = names.filter((name) => !own.includes(name) && !/\.tmp-/.test(name));
  if (foreign.length === 0 && !names.includes('run.json')) return;
  throw new UserError(
    names.includes('plan.json')
      ? `${out} holds a filter job of one pass`
      : `${out} holds other files (${foreign.slice(0, 3).join(', ')}) and no job with steps`,
    { hint: 'give --out a folder that is new, empty, or of an earlier run of this pipeline' },
  );
}

/** Removes what jobs with steps wrote; answers that were paid for stay. */
function clear(out: string): void {
  for (const entry of readdirSync(out, { withFileTypes: true })) {
    const isStep = entry.isDirectory() && existsSync(join(out, entry.name, 'step.json'));
    if (isStep || entry.name === 'kept' || ownFiles.includes(entry.name))
      rmSync(join(out, entry.name), { recursive: true, force: true });
  }
}
