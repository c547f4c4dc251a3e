/** Finds and parses pipeline files: a path, or the name of a built-in one (src/filters/pipelines). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { nearest, parseConfig } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import { packageRoot } from '../io/package-root.ts';
import { columnOfModel } from './column-score.ts';
import { type FilterConfig, filterConfigSchema } from './filter-config.ts';

export interface LoadedPipeline {
  config: FilterConfig;
  /** Path of the file, or `built-in pipeline <name>`. */
  file: string;
  /** The file's text, copied into the run folder. */
  text: string;
}

export function builtInPipelines(): string[] {
  return readdirSync(pipelineFolder())
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => basename(name, '.yaml'))
    .sort();
}

function pipelineFolder(): string {
  return join(packageRoot(), 'src', 'filters', 'pipelines');
}

/** Reads a pipeline: a path (relative to `cwd`), or the name of a built-in one. */
export function loadPipeline(pathOrName: string, cwd: string): LoadedPipeline {
  const path = resolve(cwd, pathOrName);
  if (existsSync(path)) return parsePipeline(readFileSync(path, 'utf8'), pathOrName, dirname(path));
  const names = builtInPipelines();
  if (names.includes(pathOrName)) {
    const file = `built-in pipeline ${pathOrName}`;
    return parsePipeline(readFileSync(join(pipelineFolder(), `${pathOrName}.yaml`), 'utf8'), file, cwd);
  }
  const near = nearest(pathOrName, names);
  throw new UserError(`${pathOrName}: no such pipeline file, and no built-in pipeline of that name`, {
    hint:
      near === undefined
        ? `give a YAML file, or one of the built-in pipelines: ${names.join(', ')}`
        : `did you mean the built-in pipeline "${near}"?`,
  });
}

/** Parses a pipeline's YAML. Relative paths in it are resolved against `folder`. */
export function parsePipeline(text: string, file: string, folder: string): LoadedPipeline {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new UserError(`${file}: ${error.message}`, { hint: 'mend the YAML and run again', cause: error });
  }
  const config = parseConfig(filterConfigSchema, value, file);
  const at = (path: string): string =>
    isAbsolute(path) || path.includes('://') ? path : resolve(folder, path);
  for (const input of config.inputs) {
    if (input.path !== undefined) input.path = at(input.path);
    // A card's own path; built-in cards go by name.
    if (input.card?.endsWith('.md')) input.card = at(input.card);
  }
  for (const classifier of config.classifiers) {
    const { model } = classifier;
    if (model !== null && columnOfModel(model) === undefined) classifier.model = at(model);
  }
  for (const benchmark of config.decontaminate.benchmarks) benchmark.path = at(benchmark.path);
  if (config.url.lists !== undefined) config.url.lists = at(config.url.lists);
  if (config.badWords !== undefined) config.badWords.list = at(config.badWords.list);
  if (config.unigram !== undefined) config.unigram.counts = at(config.unigram.counts);
  if (config.tokens.tokenizer !== undefined) config.tokens.tokenizer = at(config.tokens.tokenizer);
  if (/[\\/]/.test(config.language.model)) config.language.model = at(config.language.model);
  return { config, file, text };
}
