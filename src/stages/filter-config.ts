/**
 * The pipeline file of `midtrain filter`: its schema, the built-in pipelines, and what workers need of it.
 *
 * The order of the steps is fixed: read, extract HTML, measure signals, decide by thresholds, drop exact duplicates, write. The
 * file says which signals and bounds. Relative input paths are relative to the pipeline file.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { nearest, parseConfig } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import { families, familyNamed } from '../filters/families.ts';
import type { Rule } from '../filters/rule.ts';
import { resolveRules, thresholdsSchema, unknown } from '../filters/thresholds.ts';
import { packageRoot } from '../io/package-root.ts';
import { inputSpecSchema } from './input-spec.ts';

const mebibyte = 1024 * 1024;

export const filterConfigSchema = z.strictObject({
  /** Names the run in reports and, by default, its folder. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a name has letters, digits, ".", "_" and "-"'),
  /** One line for people. */
  description: z.string().optional(),
  inputs: z.array(inputSpecSchema).default([]),
  extract: z
    .strictObject({
      /** Keep the page beside the text. Unset: pages of an HTML folder go, a column of a Parquet or JSONL file stays. */
      keepHtml: z.boolean().optional(),
    })
    .prefault({}),
  /** Signal families to measure: gopher-quality, fineweb-quality, math. */
  signals: z.array(z.string()).min(1, 'name at least one signal family'),
  /** Whether rules about prose see formulas replaced by single words. */
  math: z.enum(['masked', 'plain']).default('plain'),
  thresholds: thresholdsSchema.prefault({}),
  dedup: z.enum(['exact', 'none']).default('none'),
  output: z
    .strictObject({
      /** Row groups of the output are closed at about this many bytes. */
      rowGroupBytes: z
        .int()
        .min(64 * 1024)
        .max(1024 * mebibyte)
        .default(32 * mebibyte),
      /** Write dropped documents, with reason, to `dropped/`. */
      dropped: z.boolean().default(false),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** Units of work aim at this many bytes of input. */
      unitBytes: z
        .int()
        .min(1024)
        .default(64 * mebibyte),
      /** Units of HTML pages aim at this many bytes. */
      pageUnitBytes: z
        .int()
        .min(1024)
        .default(2 * mebibyte),
      /** A worker without progress for this long is ended and its unit tried again. */
      stallSeconds: z.number().min(0.5).default(60),
      /** JavaScript heap of one worker. */
      workerMegabytes: z.int().min(64).default(2048),
    })
    .prefault({}),
});

export type FilterConfig = z.output<typeof filterConfigSchema>;

/** What the stages need of a config, checked and resolved; plain JSON, so it can be sent to workers and hashed. */
export interface ResolvedFilter {
  families: string[];
  rules: Rule[];
  math: 'masked' | 'plain';
  dedup: 'exact' | 'none';
  rowGroupBytes: number;
  dropped: boolean;
  keepHtml: boolean | null;
}

/** Checks names and turns thresholds into rules. `file` is named in errors. */
export function resolveFilter(config: FilterConfig, file: string): ResolvedFilter {
  for (const [i, name] of config.signals.entries()) {
    if (familyNamed(name) === undefined) {
      throw unknown(
        file,
        'signal family',
        name,
        families.map((family) => family.name),
      );
    }
    if (config.signals.indexOf(name) !== i) {
      throw new UserError(`${file}: signals lists ${name} twice`, { hint: 'remove one of them' });
    }
  }
  return {
    families: config.signals,
    rules: resolveRules(config.thresholds, config.signals, file),
    math: config.math,
    dedup: config.dedup,
    rowGroupBytes: config.output.rowGroupBytes,
    dropped: config.output.dropped,
    keepHtml: config.extract.keepHtml ?? null,
  };
}

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

/** Parses a pipeline's YAML. Relative input paths are resolved against `folder`. */
export function parsePipeline(text: string, file: string, folder: string): LoadedPipeline {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new UserError(`${file}: ${error.message}`, { hint: 'mend the YAML and run again', cause: error });
  }
  const config = parseConfig(filterConfigSchema, value, file);
  for (const input of config.inputs) if (!isAbsolute(input.path)) input.path = resolve(folder, input.path);
  return { config, file, text };
}
