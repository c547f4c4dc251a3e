/**
 * What will be read: inputs (files, folders, patterns, data sets on the Hub) to units of work, without reading data that need not be read.
 *
 * A unit is part of one file (row groups, record batches, a byte range of lines or of whole gzip members) or a group of pages, of bounded
 * size, and can be read by itself on any machine that sees the files. Parquet footers are read in a worker that can be killed. JSON files are
 * read once in full, because their column types and line boundaries cannot be known otherwise (json-schema.ts); `schema` in the input skips
 * that pass. WARC files larger than a unit are inflated once to cut them.
 * A file that cannot be planned is listed in `failures`; the others go on. (design.md section 4, "Job")
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import { silent } from '../core/events.ts';
import { ParquetInspector } from './inspect-file.ts';
import { isPattern } from './path-pattern.ts';
import { planFiles } from './plan-files.ts';
import { planFolder, planPattern } from './plan-folder.ts';
import { planHub } from './plan-hub.ts';
import type { PlanContext } from './plan-unit.ts';
import type { InputSpec, PlanReadOptions, ReadPlan } from './read-unit-types.ts';

export type {
  InputFormat,
  InputSpec,
  PlanReadOptions,
  ReadPlan,
  ReadTally,
  ReadUnit,
} from './read-unit-types.ts';

/** Plans every input. Throws only when an input names nothing at all. */
export async function planRead(
  inputs: readonly InputSpec[],
  options: PlanReadOptions = {},
): Promise<ReadPlan> {
  const plan: ReadPlan = { units: [], inputs: [], failures: [], warnings: [], notes: [] };
  const inspector = new ParquetInspector(options);
  const labels = labelsOf(inputs.map((input) => input.path));
  try {
    for (const [i, input] of inputs.entries()) {
      (options.emit ?? silent)({
        kind: 'progress',
        task: 'plan',
        done: i,
        total: inputs.length,
        unit: 'inputs',
      });
      await planInput({ input, plan, inspector, options }, labels[i]!);
    }
  } finally {
    await inspector.close();
  }
  const seen = new Set<string>();
  for (const unit of plan.units) {
    let id = unit.id;
    for (let n = 2; seen.has(id); n++) id = `${unit.id}~${n}`;
    seen.add(id);
    unit.id = id;
  }
  return plan;
}

/** Last path component of each input, with as many parents as it takes to tell them apart; of a pattern, of the folder before it. */
function labelsOf(paths: readonly string[]): string[] {
  const parts = paths.map((path) => {
    if (path.startsWith('hf://')) return [path.split('/').slice(3, 5).join('/')];
    const all = path.split(/[\\/]+/).filter((part) => part !== '' && part !== '.' && part !== '..');
    const pattern = existsSync(path) ? -1 : all.findIndex(isPattern);
    return pattern < 0 ? all : all.slice(0, pattern);
  });
  const label = (i: number, depth: number): string =>
    parts[i]!.slice(-depth).join('/') || (isPattern(paths[i]!) ? 'input' : basename(paths[i]!)) || 'input';
  return parts.map((part, i) => {
    let depth = 1;
    while (
      depth < part.length &&
      parts.some((_, j) => paths[j] !== paths[i] && label(j, depth) === label(i, depth))
    )
      depth++;
    return label(i, depth);
  });
}

async function planInput(context: PlanContext, label: string): Promise<void> {
  const { path } = context.input;
  if (path.startsWith('hf://')) return planHub(context, label);
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && isPattern(path)) return planPattern(context, label);
    throw new UserError(`${path}: ${missing ? 'there is no such file or folder' : messageOf(error)}`, {
      hint: 'check the path of this input',
      cause: error,
    });
  }
  if (isFolder) await planFolder(context, label);
  else await planFiles(context, [{ path, label }]);
}
