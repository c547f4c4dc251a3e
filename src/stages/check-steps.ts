/**
 * What can be wrong with a later step of a staged pipeline, found before the first one runs: rubrics and prompts, signals and bounds,
 * benchmarks, models that are files, the endpoint's address and key. Nothing is sent and nothing written.
 */
import { existsSync } from 'node:fs';
import { openEndpoint } from '../../classifiers/judge/open-endpoint.ts';
import { UserError } from '../core/errors.ts';
import { type FilterConfig, filterConfigSchema } from './filter-config.ts';
import { loadRefinePrompt, loadRubric } from './load-judge-prompt.ts';
import { type PlannedStep, type StepPlan, stepOfModel } from './plan-steps.ts';
import { readBenchmark } from './prepare-benchmarks.ts';
import { resolveFilter } from './resolve-filter.ts';
import type { StepOf } from './staged-config.ts';

/** `file` is named in errors. Throws a `UserError` or `InputError` for the first thing that a step would fail on. */
export async function checkSteps(plan: StepPlan, file: string, cwd: string): Promise<void> {
  if (plan.endpoint !== null) openEndpoint(plan.endpoint).close();
  for (const { name, config } of plan.steps) {
    if (config.step === 'label') loadRubric(config.rubric, cwd);
    if (config.step === 'refine') loadRefinePrompt(config.prompt, cwd);
    if (config.step === 'filter') resolveFilter(withoutClassifiers(name, config), `${file}: step ${name}`);
    for (const model of modelFilesOf(config)) {
      if (existsSync(model)) continue;
      throw new UserError(`${file}: step ${name}: there is no model ${model}`, {
        hint: 'check the path; a column of the input is written column:<name>',
      });
    }
  }
  const benchmarks = plan.steps.flatMap(({ config }) =>
    config.step === 'filter' ? (config.decontaminate?.benchmarks ?? []) : [],
  );
  const read = new Set<string>();
  for (const { card, path } of benchmarks) {
    if (read.has(path)) continue;
    read.add(path);
    await readBenchmark({ card, path });
  }
}

/** Models are trained, or opened, when their step comes; bounds on them and choices by them are checked then. */
function withoutClassifiers(name: string, step: StepOf<'filter'>): FilterConfig {
  const { step: _step, from: _from, description: _description, decontaminate: _benchmarks, ...keys } = step;
  return {
    ...keys,
    name,
    inputs: [],
    classifiers: keys.classifiers.map((classifier) => ({ ...classifier, model: null })),
    decontaminate: filterConfigSchema.shape.decontaminate.parse(undefined),
    dedup: keys.dedup.map((one) =>
      typeof one.keep === 'object' && one.keep.signal.startsWith('classifier.')
        ? { ...one, keep: 'first' as const }
        : one,
    ),
  };
}

function modelFilesOf(config: PlannedStep['config']): string[] {
  const models =
    config.step === 'score'
      ? [config.model]
      : config.step === 'filter'
        ? config.classifiers.flatMap(({ model }) => model ?? [])
        : [];
  return models.filter(
    (model) => stepOfModel(model) === undefined && !model.startsWith('column:') && !model.includes('://'),
  );
}
