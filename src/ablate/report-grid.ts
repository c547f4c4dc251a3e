/**
 * What a grid's folder says: collected from the store (or from an export, which brings its steps with it), and written as `results.json`, `report.html` and
 * `report.md`.
 */
import { existsSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { UserError } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import type { AblationInput } from '../report/ablation-data.ts';
import { type CollectOptions, collectAblation } from './collect.ts';
import { exportName } from './export-file.ts';
import type { Grid } from './grid.ts';
import { gridName, readGrid } from './grid-file.ts';
import { readExport } from './read-export.ts';
import { readMade, resultsOf, writeResults } from './results-file.ts';
import { storeSource } from './step-source.ts';
import { StepStore } from './store.ts';

export interface GridReport {
  input: AblationInput;
  results: string;
  html: string;
  markdown: string;
}

/** Collects and writes all three; the same steps give the same `data` and the same pages but for seconds. */
export async function reportGrid(
  { grid, folder, store }: { grid: Grid; folder: string; store: StepStore },
  options: CollectOptions = {},
): Promise<GridReport> {
  const input = collectAblation(grid, storeSource(store), options);
  const { renderAblation } = await import('../report/ablation-report.ts');
  const report = renderAblation(input);
  const [html, markdown] = [join(folder, 'report.html'), join(folder, 'report.md')];
  const results = await writeResults(
    folder,
    resultsOf(input, relative(folder, store.root).split(sep).join('/')),
  );
  await writeFileAtomic(html, report.html);
  await writeFileAtomic(markdown, report.markdown);
  return { input, results, html, markdown };
}

/** Whether a folder is an experiment's: a grid that ran here, or an export of one. */
export function isAblationFolder(folder: string): boolean {
  return existsSync(join(folder, gridName));
}

/** Collects anew from what lies there. Throws an InputError or a UserError for a folder that does not hold together. */
export async function readAblation(folder: string): Promise<AblationInput> {
  const made = await readMade(folder);
  const options: CollectOptions = {
    rerun: made.rerun,
    ...(made.commit === undefined ? {} : { commit: made.commit }),
  };
  if (existsSync(join(folder, exportName))) {
    const { grid, source } = await readExport(folder);
    return collectAblation(grid, source, options);
  }
  const grid = await readGrid(folder);
  const root = resolve(folder, made.store ?? join('..', 'store'));
  if (!existsSync(root))
    throw new UserError(`${folder}: its store of steps ${root} is not there`, {
      hint: 'make the report where the experiment ran, or of an export: midtrain ablate --export DIR',
    });
  return collectAblation(grid, storeSource(new StepStore(root)), options);
}
