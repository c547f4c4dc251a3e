/**
 * Finds and parses pipeline files: a path, or the name of a built-in one (src/filters/pipelines). A file is a one-pass pipeline
 * (filter-config.ts) or has `steps:` (staged-config.ts). A built-in name may have both forms, the one with steps in `staged/`: that
 * one asks a language model or trains a classifier, the other is what can be done without.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { nearest, parseConfig } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import { packageRoot } from '../io/package-root.ts';
import { placeOfModel } from './bundled-model.ts';
import { type FilterConfig, filterConfigSchema } from './filter-config.ts';
import { type StagedConfig, stagedConfigSchema } from './staged-config.ts';

export interface LoadedPipeline {
  config: FilterConfig;
  /** Path of the file, or `built-in pipeline <name>`. */
  file: string;
  /** The file's text, copied into the run folder. */
  text: string;
}

export interface LoadedStaged {
  staged: StagedConfig;
  file: string;
  text: string;
}

/** Names of the built-in pipelines of one pass, sorted. */
export function builtInPipelines(): string[] {
  return namesIn(pipelineFolder());
}

/** Names of the built-in pipelines with steps, sorted. */
export function stagedPipelines(): string[] {
  return namesIn(stagedFolder());
}

function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => basename(name, '.yaml'))
    .sort();
}

function pipelineFolder(): string {
  return join(packageRoot(), 'src', 'filters', 'pipelines');
}

function stagedFolder(): string {
  return join(pipelineFolder(), 'staged');
}

/** Reads a one-pass pipeline: a path (relative to `cwd`), or the name of a built-in one. */
export function loadPipeline(pathOrName: string, cwd: string): LoadedPipeline {
  const found = findPipeline(pathOrName, cwd);
  if ('config' in found) return found;
  throw new UserError(`${found.file} has steps and is no pipeline of one pass`, {
    hint: `run it with midtrain filter ${pathOrName}`,
  });
}

export interface FindOptions {
  /** Of a built-in name that has both forms, the one with steps. */
  steps?: boolean;
  /** By `<step>.<key>`: a value, as YAML, that a step gets instead of its own. */
  changes?: Readonly<Record<string, string>>;
}

/** Reads a pipeline of either kind. Throws a `UserError` for a file that is not there or is wrong. */
export function findPipeline(
  pathOrName: string,
  cwd: string,
  { steps = false, changes = {} }: FindOptions = {},
): LoadedPipeline | LoadedStaged {
  const path = resolve(cwd, pathOrName);
  if (existsSync(path)) return parseEither(readFileSync(path, 'utf8'), pathOrName, dirname(path), changes);
  const forms = [pipelineFolder(), stagedFolder()].map((folder) => join(folder, `${pathOrName}.yaml`));
  const names = [...new Set([...builtInPipelines(), ...stagedPipelines()])].sort();
  if (names.includes(pathOrName)) {
    const built = (steps ? forms.reverse() : forms).find((form) => existsSync(form))!;
    return parseEither(readFileSync(built, 'utf8'), `built-in pipeline ${pathOrName}`, cwd, changes);
  }
  const near = nearest(pathOrName, names);
  throw new UserError(`${pathOrName}: no such pipeline file, and no built-in pipeline of that name`, {
    hint:
      near === undefined
        ? `give a YAML file, or one of the built-in pipelines: ${names.join(', ')}`
        : `did you mean the built-in pipeline "${near}"?`,
  });
}

/** Parses a one-pass pipeline's YAML. Relative paths in it are resolved against `folder`. */
export function parsePipeline(text: string, file: string, folder: string): LoadedPipeline {
  return { config: plainConfig(parseText(text, file), file, folder), file, text };
}

function parseEither(
  text: string,
  file: string,
  folder: string,
  changes: Readonly<Record<string, string>>,
): LoadedPipeline | LoadedStaged {
  const value = parseText(text, file);
  const hasSteps = typeof value === 'object' && value !== null && 'steps' in value;
  if (!hasSteps) return { config: plainConfig(value, file, folder), file, text };
  for (const [key, change] of Object.entries(changes))
    changeStep(value as { steps: unknown }, key, change, file);
  const staged = parseConfig(stagedConfigSchema, value, file);
  const at = against(folder);
  resolveInputs(staged, at);
  for (const step of staged.steps) {
    if (step.step === 'filter') resolvePaths(step, at);
    else if (step.step === 'score') step.model = placeOfModel(step.model, at);
    else if (step.step === 'train') {
      step.positive = step.positive.map(at);
      step.negative = step.negative.map(at);
      if (step.encoder !== undefined) step.encoder = at(step.encoder);
      if (step.otherwise !== undefined) step.otherwise = placeOfModel(step.otherwise, at);
    }
  }
  return { staged, file, text };
}

/** Puts `text`, read as YAML, where `<step>.<key>` says. */
function changeStep(value: { steps: unknown }, key: string, text: string, file: string): void {
  const [name, ...path] = key.split('.');
  const steps = (Array.isArray(value.steps) ? value.steps : []) as Record<string, unknown>[];
  const step = steps.find((one) => one?.name === name);
  if (step === undefined || path.length === 0) {
    const names = steps.map((one) => String(one?.name));
    throw new UserError(`--set ${key}=${text}: ${file} has no step ${name ?? ''}`, {
      hint: `write <step>.<key>=<value>; its steps are ${names.join(', ')}`,
    });
  }
  let at = step;
  for (const part of path.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>;
  at[path.at(-1)!] = parseText(text, `--set ${key}`);
}

function parseText(text: string, file: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new UserError(`${file}: ${error.message}`, { hint: 'mend the YAML and run again', cause: error });
  }
}

function plainConfig(value: unknown, file: string, folder: string): FilterConfig {
  const config = parseConfig(filterConfigSchema, value, file);
  const at = against(folder);
  resolveInputs(config, at);
  resolvePaths(config, at);
  return config;
}

function against(folder: string): (path: string) => string {
  return (path) => (isAbsolute(path) || path.includes('://') ? path : resolve(folder, path));
}

function resolveInputs({ inputs }: Pick<FilterConfig, 'inputs'>, at: (path: string) => string): void {
  for (const input of inputs) {
    if (input.path !== undefined) input.path = at(input.path);
    // A card's own path; built-in cards go by name.
    if (input.card?.endsWith('.md')) input.card = at(input.card);
  }
}

type WithPaths = Pick<
  FilterConfig,
  'classifiers' | 'url' | 'badWords' | 'unigram' | 'tokens' | 'language'
> & {
  decontaminate?: FilterConfig['decontaminate'] | undefined;
};

function resolvePaths(config: WithPaths, at: (path: string) => string): void {
  for (const classifier of config.classifiers) {
    if (classifier.model !== null) classifier.model = placeOfModel(classifier.model, at);
  }
  for (const benchmark of config.decontaminate?.benchmarks ?? []) benchmark.path = at(benchmark.path);
  if (config.url.lists !== undefined) config.url.lists = at(config.url.lists);
  if (config.badWords !== undefined) config.badWords.list = at(config.badWords.list);
  if (config.unigram !== undefined) config.unigram.counts = at(config.unigram.counts);
  if (config.tokens.tokenizer !== undefined) config.tokens.tokenizer = at(config.tokens.tokenizer);
  if (/[\\/]/.test(config.language.model)) config.language.model = at(config.language.model);
}
