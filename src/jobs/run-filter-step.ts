/**
 * A filter or score step of a staged pipeline: an ordinary filter job in the step's folder, with its units, workers and markers. When its
 * plan is no longer that of the folder, because the step or what it reads changed, the folder is begun anew.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fingerprint } from '../core/config.ts';
import { assertBalanced, type Ledger, mergeLedgers, sumCounts } from '../core/ledger.ts';
import { type FilterConfig, filterConfigSchema } from '../stages/filter-config.ts';
import { type BoundsByYear, keepByYear } from '../stages/keep-by-year.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { StepOf } from '../stages/staged-config.ts';
import type { OutputFile } from '../stages/unit-report.ts';
import { isMended } from './adopt-plan.ts';
import { filterCorpus } from './filter-corpus.ts';
import { readPlan } from './job-folder.ts';
import { planCorpus } from './plan-corpus.ts';
import type { RunStep, StepContext } from './step-context.ts';
import { readStepMarker, type StepResult, writeStepMarker } from './step-marker.ts';

export const runFilterStep: RunStep<'filter'> = async (context) => {
  const config = filterConfigOf(context);
  return runJob(context, config, async (job) => job);
};

export const runScoreStep: RunStep<'score'> = async (context) => {
  const { name, config: step } = context.step;
  const bounds = boundsOf(step);
  const config = scoreConfigOf(context);
  return runJob(context, config, async (job) => {
    if (Object.keys(bounds).length === 1) return withDoubt(job);
    // The job kept what reaches the lowest bound; now each year's own.
    const byYear = await keepByYear({
      files: job.outputs.map(({ path }) => join(context.folder, path)),
      signal: `classifier.${name}`,
      bounds,
      reason: step.reason,
      out: join(context.folder, 'by-year'),
      stop: context.signal,
    });
    const ledger = mergeLedgers([
      { ...job.ledger, kept: 0 },
      { ...byYear.ledger, in: 0 },
    ]);
    const outputs = byYear.outputs.map((file) => ({ ...file, path: join('by-year', basename(file.path)) }));
    const facts = { documents: ledger.kept, dropped: sumCounts(ledger.dropped) };
    return withDoubt({ ...job, ledger, outputs, facts });
  });
};

/** A classifier that finds everything good has learnt nothing, or has nothing to find. */
function withDoubt(job: StepResult): StepResult {
  if (job.ledger.in < 20 || job.ledger.kept < job.ledger.in) return job;
  const doubt = `every one of ${job.ledger.in} documents reaches the bound; look at the evaluation of the model: it may have had too few labels`;
  return { ...job, warnings: [...job.warnings, doubt] };
}

/** The filter job that a filter step is. */
function filterConfigOf({ pipeline, step, inputs, modelPath }: StepContext<'filter'>): FilterConfig {
  const { step: _step, name, from: _from, description: _description, decontaminate, ...keys } = step.config;
  const config = { ...keys, name: `${pipeline}-${name}`, inputs };
  return {
    ...config,
    decontaminate: decontaminate ?? filterConfigSchema.shape.decontaminate.parse(undefined),
    classifiers: config.classifiers.map((c) => ({
      ...c,
      model: c.model === null ? null : modelPath(c.model),
    })),
  };
}

/** The filter job that a score step is: the classifier's signal, the density of mathematics beside it, and one bound. */
function scoreConfigOf({ pipeline, step, inputs, modelPath }: StepContext<'score'>): FilterConfig {
  const { name, model, reason, label } = step.config;
  const least = Math.min(...Object.values(boundsOf(step.config)));
  const config = filterConfigSchema.parse({
    name: `${pipeline}-${name}`,
    signals: ['math'],
    math: 'plain',
    classifiers: [{ name, model: modelPath(model), gate: 'none', label: label ?? 'math' }],
    thresholds: { set: { [`classifier.${name}`]: { min: least, reason } } },
  });
  return { ...config, inputs };
}

/** Bounds on the score as it is measured, by year. */
function boundsOf({ min, rounded }: StepOf<'score'>): BoundsByYear {
  const bounds = typeof min === 'number' ? { default: min } : min;
  return Object.fromEntries(
    Object.entries(bounds).map(([year, bound]) => [year, rounded ? leastRoundingTo(bound) : bound]),
  );
}

/** The least number that rounds, half to even, to `whole` or more. */
export function leastRoundingTo(whole: number): number {
  const half = whole - 0.5;
  // 3.5 rounds to 4, and 2.5 to 2: of an odd number the half belongs to the one below.
  return whole % 2 === 0 ? half : half + Math.max(Number.EPSILON, Math.abs(half) * Number.EPSILON);
}

interface JobOutcome extends StepResult {
  /** Of the filter job. */
  outputs: OutputFile[];
}

async function runJob(
  context: StepContext<'filter'> | StepContext<'score'>,
  config: FilterConfig,
  after: (job: JobOutcome) => Promise<StepResult>,
): Promise<{ result: StepResult; reused: boolean }> {
  const { folder, limit, workers, emit, signal } = context;
  const file = `${context.pipeline}: ${context.step.name}`;
  const readsInput = context.step.from === 'input';
  const most = readsInput && limit !== undefined ? { limit } : {};
  const common = { file, signal, emit, ...most };
  const plan = await planCorpus(config, common);
  const basis = fingerprint([plan.hash, context.step.config]);
  const earlier = await readStepMarker(folder, basis);
  if (earlier !== undefined) return { result: earlier, reused: true };
  await mkdir(folder, { recursive: true });
  const done = await filterCorpus(config, {
    ...common,
    out: folder,
    fresh: isOther(folder, plan),
    ...(workers === undefined ? {} : { workers }),
  });
  const { summary } = done;
  const result = await after({
    ledger: summary.ledger,
    outputs: done.outputs.filter(({ path }) => path.startsWith('kept')),
    facts: factsOf(summary.ledger, summary.keptTokens, summary.tokensExact),
    warnings: summary.failures.slice(0, 5).map(({ file: bad, problem }) => `${bad}: ${problem}`),
    complete: done.complete,
  });
  assertBalanced(result.ledger, `the step ${context.step.name}`);
  await writeStepMarker(folder, basis, result);
  return { result, reused: false };
}

/** Whether the folder must be begun anew; one whose inputs were only mended goes on. */
function isOther(folder: string, plan: FilterPlan): boolean {
  if (!existsSync(join(folder, 'plan.json'))) return false;
  try {
    const before = readPlan(folder);
    return before !== undefined && before.hash !== plan.hash && !isMended(folder, before, plan);
  } catch {
    return true; // damaged
  }
}

function factsOf(ledger: Ledger, tokens: number, exact: boolean): Record<string, number> {
  return {
    documents: ledger.kept,
    [exact ? 'tokens' : 'tokens, estimated']: tokens,
    dropped: sumCounts(ledger.dropped),
  };
}
