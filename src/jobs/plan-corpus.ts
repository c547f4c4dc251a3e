/** What a filter job would do: inputs, units, rules. Reads footers, sizes and fingerprints; writes nothing. */
import { resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import { silent } from '../core/events.ts';
import { packageVersions } from '../io/package-root.ts';
import { planRead } from '../io/read-plan.ts';
import { atBegunCommits } from '../stages/begun-commits.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import { describeInput, readerInputs } from '../stages/input-spec.ts';
import { type FilterPlan, planFilter } from '../stages/plan-filter.ts';
import { planResources } from '../stages/plan-resources.ts';
import { resolveFilter } from '../stages/resolve-filter.ts';
import { settleClassifiers } from '../stages/settle-classifiers.ts';
import { settleHubPaths } from '../stages/settle-hub-paths.ts';
import { splitPages } from '../stages/split-pages.ts';
import type { FilterOptions } from './filter-options.ts';

export async function planCorpus(
  config: FilterConfig,
  options: Partial<FilterOptions> = {},
): Promise<FilterPlan> {
  const file = options.file ?? config.name;
  if (config.inputs.length === 0) {
    throw new UserError(`${file}: no inputs`, {
      hint: 'add inputs to the pipeline file or give --input <path>',
    });
  }
  const left: string[] = [];
  const emit = options.emit ?? silent;
  const classifiers = await settleClassifiers(config.classifiers, { file, notes: left, emit });
  const filter = await settleHubPaths(resolveFilter(config, file, left, classifiers), emit, options.signal);
  const resources = await planResources(filter, file);
  const began = performance.now();
  const named = config.inputs.flatMap((input) => readerInputs(input, process.cwd()));
  const goesOn = options.out !== undefined && options.fresh !== true;
  const begun = await (goesOn ? atBegunCommits(named, resolve(options.out!)) : { inputs: named, pinned: [] });
  for (const { path, commit } of begun.pinned)
    emit({
      kind: 'message',
      level: 'info',
      text: `${path} is read at commit ${commit}, with which this folder was begun (--fresh takes it as it is now)`,
    });
  const read = await planRead(begun.inputs, {
    unitBytes: config.limits.unitBytes,
    requireText: true,
    emit,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const seconds = (performance.now() - began) / 1000;
  emit({ kind: 'end', task: 'plan', done: config.inputs.length, unit: 'inputs', seconds });
  if (read.units.length === 0 && read.failures.length === 0) {
    throw new UserError(`${file}: the inputs hold no documents`, {
      hint: `looked in ${config.inputs.map(describeInput).join(', ')}`,
    });
  }
  return planFilter({
    name: config.name,
    filter,
    limit: options.limit,
    inputs: read.inputs,
    resources,
    unreadable: read.failures.map(({ file, place, problem }) => ({
      file,
      ...(place === undefined ? {} : { place }),
      problem,
    })),
    warnings: [...left, ...read.warnings],
    notes: read.notes,
    units: read.units.flatMap((unit) => splitPages(unit, config.limits.pageUnitBytes)),
    code: codeVersions(),
  });
}

/** As `planCorpus`, and says what could not be read and what else a user should know. */
export async function planAloud(
  config: FilterConfig,
  options: Parameters<typeof planCorpus>[1] & object,
): Promise<FilterPlan> {
  const plan = await planCorpus(config, options);
  const emit = options.emit ?? silent;
  const warnings = [...plan.unreadable.map(({ file, problem }) => `${file}: ${problem}`), ...plan.warnings];
  for (const text of warnings) emit({ kind: 'message', level: 'warn', text });
  return plan;
}

/** Versions of what decides the output's bytes. */
function codeVersions(): Record<string, string> {
  const { node: _node, ...versions } = packageVersions([
    'apache-arrow',
    'hyparquet',
    'hyparquet-writer',
    'linkedom',
    '@mozilla/readability',
  ]);
  return versions;
}
