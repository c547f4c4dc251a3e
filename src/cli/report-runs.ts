/**
 * Finding and reading the run folders that a report is made from: the folders named, those inside a folder, and on request the
 * runs they were made from. A run of several that cannot be read is left out and said, so that one damaged record does not cost
 * the report of a whole grid.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import { readRun, runFolderOf } from '../io/run-record.ts';
import { parseRollouts } from '../report/parse-rollouts.ts';
import type { ReportRun, RolloutRow } from '../report/report-run.ts';
import { classifyFolderHint } from '../stages/run-signals.ts';

export interface RunsRead {
  runs: ReportRun[];
  /** Folders that could not be read, with why. */
  failures: string[];
  /** Lines left out and parents not found. */
  warnings: string[];
}

/** Parents come before the runs made from them. Throws when nothing could be read. */
export function readReportRuns(cwd: string, args: readonly string[], followParents: boolean): RunsRead {
  const runs = new Map<string, ReportRun>();
  const seen = new Set<string>();
  const failures: string[] = [];
  const warnings: string[] = [];
  let firstError: unknown;
  const visit = (dir: string): void => {
    if (seen.has(dir)) return;
    seen.add(dir);
    let run: ReportRun;
    try {
      run = readOne(dir, cwd, warnings);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      firstError ??= error;
      failures.push(`${shownPath(dir, cwd)}: ${error.message}`);
      return;
    }
    for (const parent of followParents ? (run.parents ?? []) : []) {
      const folder = runFolderOf(parent);
      if (folder !== undefined) visit(folder);
      else if (!parent.startsWith('hf://') && !existsSync(parent))
        warnings.push(`${shownPath(parent, cwd)}, which ${run.folder} was made from, is not there any more`);
    }
    runs.set(dir, run);
  };
  for (const arg of args) for (const dir of runFolders(resolve(cwd, arg), arg)) visit(dir);
  if (runs.size === 0) throw firstError;
  return { runs: [...runs.values()], failures, warnings };
}

/** A path as a person in `cwd` would write it. */
export function shownPath(path: string, cwd: string): string {
  const inside = relative(cwd, path);
  return inside === '' ? '.' : inside.startsWith('..') ? path : inside;
}

function readOne(dir: string, cwd: string, warnings: string[]): ReportRun {
  const { record, metrics } = readRun(dir);
  const rows = metrics.filter(
    (row) => row !== null && typeof row === 'object' && typeof row.step === 'number',
  );
  if (rows.length < metrics.length) {
    warnings.push(
      `${shownPath(dir, cwd)}/metrics.jsonl: ${metrics.length - rows.length} lines without a step are left out`,
    );
  }
  const rollouts = readRollouts(join(dir, 'rollouts.jsonl'), cwd, warnings);
  return {
    id: dir,
    folder: shownPath(dir, cwd),
    record,
    metrics: rows,
    ...(rollouts === undefined ? {} : { rollouts }),
    parents: record.parents.map((parent) => resolveParent(parent, dir, cwd)),
  };
}

function readRollouts(path: string, cwd: string, warnings: string[]): RolloutRow[] | undefined {
  if (!existsSync(path)) return undefined;
  const { rows, bad } = parseRollouts(readFileSync(path, 'utf8'));
  if (bad > 0) warnings.push(`${shownPath(path, cwd)}: ${bad} lines that are not rollouts are left out`);
  return rows;
}

/** A run folder stands for itself, another folder for the run folders inside it, by name. */
function runFolders(dir: string, asWritten: string): string[] {
  const hint = 'give the folder that a midtrain command wrote';
  if (!existsSync(dir)) throw new UserError(`${asWritten}: there is no such folder`, { hint });
  if (!statSync(dir).isDirectory()) {
    throw new UserError(`${asWritten} is a file; a report is made from run folders`, {
      hint: 'give the folder that the file is in',
    });
  }
  if (existsSync(join(dir, 'run.json'))) return [dir];
  const found = foldersWithRecord(dir, 3);
  if (found.length === 0)
    throw new UserError(`${asWritten}: neither it nor the folders inside it have a run.json or a log`, {
      hint: classifyFolderHint(dir) ?? hint,
    });
  return found;
}

/** Whether a folder is a run of this project or holds some. */
export function holdsRuns(dir: string): boolean {
  return existsSync(join(dir, 'run.json')) || foldersWithRecord(dir, 3).length > 0;
}

/** Looks at most `depth` levels down, and not inside a run. */
function foldersWithRecord(dir: string, depth: number): string[] {
  if (depth === 0) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map((entry) => join(dir, entry.name))
    .sort()
    .flatMap((child) =>
      existsSync(join(child, 'run.json')) ? [child] : foldersWithRecord(child, depth - 1),
    );
}

/** A parent as recorded may be absolute, relative to where the command ran, or relative to its own run folder. */
function resolveParent(parent: string, dir: string, cwd: string): string {
  const candidates = [resolve(cwd, parent), resolve(dir, parent), resolve(dir, '..', parent)];
  return candidates.find((path) => existsSync(path)) ?? candidates[0]!;
}
