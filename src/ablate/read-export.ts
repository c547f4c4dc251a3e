/**
 * Reads a folder that export-results.ts wrote, as a source to collect from or to import. It may come from anybody: sizes are bounded, every line is held to
 * its hash and the plan, and an id can name nothing but a step.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseConfig } from '../core/config.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { readJsonFile } from '../io/json-file.ts';
import { type CompactRun, compactRun } from './compact-run.ts';
import {
  contentHash,
  type ExportManifest,
  experimentName,
  exportName,
  exportSchema,
  type StepLine,
  sha256,
  stepLineSchema,
  stepsName,
} from './export-file.ts';
import type { Grid, GridStep } from './grid.ts';
import { gridName, readGrid } from './grid-file.ts';
import { rowsOfColumns } from './metric-columns.ts';
import type { StepSource } from './step-source.ts';
import type { StepRecord } from './store.ts';

export interface ReadExport {
  folder: string;
  grid: Grid;
  experiment: string;
  manifest: ExportManifest;
  source: StepSource;
  /** In the order of the plan. */
  steps: { step: GridStep; record?: StepRecord; run?: CompactRun; failed?: string }[];
}

/** Of a file, unpacked. An experiment of 24 RL runs of 500 steps has about 15 MiB. */
const mostBytes = 64 * 2 ** 20;
const cure = 'the export is damaged or was changed; make it again with midtrain ablate --export';

/** Throws an InputError that names the file and the place for what does not fit. */
export async function readExport(folder: string): Promise<ReadExport> {
  const manifestPath = join(folder, exportName);
  const manifest = parseConfig(exportSchema, await readJsonFile(manifestPath), manifestPath);
  const texts = new Map(
    [experimentName, gridName, stepsName].map((name) => [name, readText(join(folder, name))]),
  );
  for (const [name, text] of texts) {
    if (manifest.sha256[name] !== sha256(text))
      throw new InputError(join(folder, name), `is not what ${exportName} says: its sha256 differs`, {
        hint: cure,
      });
  }
  const grid = await readGrid(folder);
  const lines = readLines(texts.get(stepsName)!, join(folder, stepsName), grid);
  const steps = grid.steps.flatMap((step) => {
    const line = lines.get(step.id);
    return line === undefined ? [] : [{ step, ...contentOf(line.content, step, line.place) }];
  });
  return {
    folder,
    grid,
    experiment: texts.get(experimentName)!,
    manifest,
    source: sourceOf(steps),
    steps,
  };
}

function readText(path: string): string {
  let data: Buffer;
  try {
    const { size } = statSync(path);
    if (size > mostBytes)
      throw new InputError(path, `has ${size} bytes, and an export at most ${mostBytes}`, { hint: cure });
    data = readFileSync(path);
    if (path.endsWith('.gz')) data = gunzipSync(data, { maxOutputLength: mostBytes });
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(path, `cannot be read: ${messageOf(error)}`, { hint: cure, cause: error });
  }
  return data.toString('utf8');
}

interface Place {
  path: string;
  line: number;
}

function readLines(text: string, path: string, grid: Grid): Map<string, { content: StepLine; place: Place }> {
  const planned = new Set(grid.steps.map(({ id }) => id));
  const out = new Map<string, { content: StepLine; place: Place }>();
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const place = { path, line: i + 1 };
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw refused(place, `not JSON: ${messageOf(error)}`);
    }
    const { sha256: said, ...content } = (value ?? {}) as Record<string, unknown>;
    if (said !== contentHash(content)) throw refused(place, 'its sha256 is not that of its content');
    const parsed = stepLineSchema.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw refused(place, `${issue.path.join('.') || 'line'}: ${issue.message}`);
    }
    const { sha256: _, ...checked } = parsed.data;
    if (!planned.has(checked.id)) throw refused(place, `the step ${checked.id} is not in ${gridName}`);
    if (out.has(checked.id)) throw refused(place, `the step ${checked.id} stands here twice`);
    out.set(checked.id, { content: checked as StepLine, place });
  }
  return out;
}

function contentOf(
  line: StepLine,
  step: GridStep,
  place: Place,
): { record?: StepRecord; run?: CompactRun; failed?: string } {
  if ('failed' in line) return { failed: line.failed };
  const { id, kind, settings, seed, reads, work, shape } = step;
  const record: StepRecord = {
    version: 1,
    id,
    kind,
    settings,
    ...(seed === undefined ? {} : { seed }),
    reads,
    work,
    shape,
    ...definedOf(line.done),
    imported: true,
  };
  if (line.run === undefined) return { record };
  try {
    const rows = rowsOfColumns(line.run.metrics);
    const rollouts = line.run.rollouts.map((row) => definedOf(row));
    return { record, run: compactRun({ record: line.run.record, rows, rollouts }, { id, kind, reads }) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refused(place, `metrics: ${error.message}`);
  }
}

function sourceOf(steps: ReadExport['steps']): StepSource {
  const byId = new Map(steps.map((entry) => [entry.step.id, entry]));
  return {
    status: ({ id }) => {
      const entry = byId.get(id);
      return entry === undefined ? 'not run' : entry.record === undefined ? 'failed' : 'done';
    },
    error: ({ id }) => byId.get(id)?.failed,
    record: ({ id }) => byId.get(id)?.record,
    run: ({ id }) => byId.get(id)?.run,
  };
}

function refused({ path, line }: Place, problem: string): InputError {
  return new InputError(path, problem, { place: `line ${line}`, hint: cure });
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Keys that are there: zod's optional keys, for types that tell absent from undefined. */
function definedOf<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Defined<T>;
}
