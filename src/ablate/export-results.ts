/** Writes the small results of a grid into a folder (export-file.ts). The same grid and the same steps give the same bytes but for seconds. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { UserError } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { packageVersions } from '../io/package-root.ts';
import { type CollectOptions, collectAblation } from './collect.ts';
import { pathless } from './compact-run.ts';
import {
  type ExportManifest,
  experimentName,
  exportName,
  sha256,
  stepLine,
  stepsName,
} from './export-file.ts';
import type { Grid, GridStep } from './grid.ts';
import { gridName } from './grid-file.ts';
import { resultsName, resultsOf } from './results-file.ts';
import { mapReferences } from './step-key.ts';
import type { StepSource } from './step-source.ts';

export interface ExportRequest {
  grid: Grid;
  /** The experiment's YAML as it was given. */
  experiment: string;
  source: StepSource;
  folder: string;
}

export interface Exported {
  folder: string;
  bytes: number;
  /** Steps done, of those planned, and failed. */
  done: number;
  failed: number;
  planned: number;
}

/** Throws a UserError when no step is done or the folder cannot be written. `export.json` is written last. */
export async function exportResults(
  { grid, experiment, source, folder }: ExportRequest,
  options: CollectOptions = {},
): Promise<Exported> {
  const lines = grid.steps.flatMap((step) => stepLine(step, source) ?? []);
  const count = (status: string): number =>
    grid.steps.filter((step) => source.status(step) === status).length;
  if (count('done') === 0)
    throw new UserError(`${grid.name}: there is nothing to export, no step is done`, {
      hint: 'run the experiment first',
    });
  const placeless = withoutFiles(grid);
  const texts: Record<string, string> = {
    [experimentName]: pathless(experiment),
    [gridName]: `${JSON.stringify(placeless)}\n`,
    [stepsName]: lines.map((line) => `${line}\n`).join(''),
    [resultsName]: `${JSON.stringify(resultsOf(collectAblation(placeless, source, { ...options, rerun: (options.rerun ?? []).map((line) => pathless(line)) })))}\n`,
  };
  const manifest: ExportManifest = {
    version: 1,
    midtrain: packageVersions().midtrain!,
    name: grid.name,
    steps: lines.length,
    sha256: Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, sha256(text)])),
  };
  texts[exportName] = `${JSON.stringify(manifest, undefined, 1)}\n`;
  mkdirSync(folder, { recursive: true });
  let bytes = 0;
  for (const [name, text] of Object.entries(texts)) {
    const data = name.endsWith('.gz') ? gzipSync(text, { level: 9 }) : Buffer.from(text);
    await writeFileAtomic(join(folder, name), data);
    bytes += data.length;
  }
  return { folder, bytes, done: count('done'), failed: count('failed'), planned: grid.steps.length };
}

/** Ids hold only what a file contains, so where it lay can be left away. */
function withoutFiles(grid: Grid): Grid {
  return {
    ...grid,
    changes: grid.changes.map((change) => pathless(change)),
    arms: grid.arms.map((arm) => ({
      ...arm,
      differences: mapTexts(arm.differences) as typeof arm.differences,
    })),
    steps: grid.steps.map((step): GridStep => ({ ...step, settings: placelessSettings(step.settings) })),
  };
}

function placelessSettings(settings: GridStep['settings']): GridStep['settings'] {
  return mapReferences(settings, (reference) =>
    'file' in reference ? { ...reference, file: pathless(reference.file) } : reference,
  );
}

function mapTexts(value: unknown): unknown {
  if (typeof value === 'string') return pathless(value);
  if (Array.isArray(value)) return value.map(mapTexts);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner)]));
}
