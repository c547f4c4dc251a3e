/**
 * What `midtrain report` is given: run folders of this project and logs of other tools, in any mixture. A log becomes a run with the name, group and allowed
 * length that the user says; the order is that of the arguments, or of the file of names.
 */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type InputError, UserError } from '../core/errors.ts';
import { loggedRun } from '../report/logged-run.ts';
import type { ReportRun } from '../report/report-run.ts';
import { type Cap, capOf } from './cap-flag.ts';
import { findLogFiles, type LogFile, readLogFiles } from './log-files.ts';
import { holdsRuns, type RunsRead, readReportRuns, shownPath } from './report-runs.ts';
import type { RunName } from './run-names.ts';

export interface ReportInputOptions {
  followParents: boolean;
  names: readonly RunName[];
  caps: readonly Cap[];
}

/** Throws when nothing could be read; what was left out is in `failures` and `warnings`. */
export async function readReportInputs(
  cwd: string,
  args: readonly string[],
  { followParents, names, caps }: ReportInputOptions,
): Promise<RunsRead> {
  const folders: string[] = [];
  const files: LogFile[] = [];
  for (const arg of args) {
    const own = runFolderFor(cwd, arg);
    if (own !== undefined) folders.push(own);
    else {
      const found = await findLogFiles(cwd, arg);
      // A folder with nothing in it is refused with the words for run folders.
      if (found.length === 0) folders.push(arg);
      files.push(...found);
    }
  }
  const read =
    folders.length === 0
      ? { runs: [], failures: [], warnings: [] }
      : readReportRuns(cwd, folders, followParents);
  if (files.length === 0) return read;
  const logs = readLogFiles(files);
  const sizes = new Map(files.map(({ path, bytes }) => [path, bytes]));
  const used = new Set<RunName>();
  const failures = [...read.failures, ...logs.failures.map(({ message }) => message)];
  const placed = logs.runs.flatMap(({ name, rows, files: from = [], group }) => {
    const said = names.find(({ match }) => name.includes(match));
    if (said !== undefined) used.add(said);
    const cap = said?.cap ?? capOf(caps, name);
    const run = loggedRun({
      id: `log:${name}`,
      name: said?.name ?? name,
      rows,
      files: from.map((path) => ({ path: shownPath(path, cwd), bytes: sizes.get(path) ?? 0 })),
      ...((said?.group ?? group) === undefined ? {} : { group: (said?.group ?? group)! }),
      ...(cap === undefined ? {} : { cap }),
    });
    if (run === undefined) {
      failures.push(nothingKnown(name, rows));
      return [];
    }
    return [{ run, place: said === undefined ? names.length : names.indexOf(said) }];
  });
  const runs: ReportRun[] = placed.sort((a, b) => a.place - b.place).map(({ run }) => run);
  if (read.runs.length + runs.length === 0) throw firstProblem(logs.failures, failures);
  const unused = names.filter((entry) => !used.has(entry));
  return {
    runs: [...read.runs, ...runs],
    failures,
    warnings: [
      ...read.warnings,
      ...logs.warnings,
      ...unused.map(({ match }) => `no logged run has a name with ${JSON.stringify(match)} in it`),
    ],
  };
}

/** The folder to read an argument as, where it is one of this project's: itself, one that holds runs, or that of a run's own metrics.jsonl. */
function runFolderFor(cwd: string, arg: string): string | undefined {
  const path = resolve(cwd, arg);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return holdsRuns(path) ? arg : undefined;
  const own = stat !== undefined && /^(?:run\.json|metrics\.jsonl)$/.test(basename(path));
  return own && existsSync(join(dirname(path), 'run.json')) ? dirname(arg) : undefined;
}

function nothingKnown(name: string, rows: readonly Readonly<Record<string, unknown>>[]): string {
  const metrics = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((key) => key !== 'step');
  return `${name}: holds no metric that a report draws; it has ${metrics.slice(0, 8).join(', ')}`;
}

function firstProblem(failures: readonly InputError[], words: readonly string[]): UserError {
  return (
    failures[0] ??
    new UserError(words[0]!, {
      hint: 'names are those of TRL, verl and this project: reward, loss, eval_accuracy ...',
    })
  );
}
