/**
 * Log files of other tools as `midtrain report` and `midtrain diagnose` are given them: files, and folders that hold such files. What each file's run is
 * called comes from its place; wandb's exports name their runs themselves, and the folder that such a file lies in groups them.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import { isEventFile, readEventFile } from '../io/read-event-file.ts';
import { walkFolder } from '../io/walk-folder.ts';
import { logProblem } from '../signatures/log-problem.ts';
import { type LoggedRun, LoggedRuns } from '../signatures/parse-log.ts';

export interface LogFile {
  path: string;
  /** As a person would write it. */
  shown: string;
  bytes: number;
  /** The folder inside the one given that an export lies in. */
  group?: string;
}

export interface LogsRead {
  runs: (LoggedRun & { group?: string })[];
  /** Files that gave nothing, with why. */
  failures: InputError[];
  warnings: string[];
}

/** Larger logs than this are not text that anyone logged by the step. */
const mostBytes = 1 << 30;
const mostFiles = 2000;

/** What in a folder is taken for a log; a file named on the command line may have any name. */
const logNames = /(?:\.csv|(?:^|\/)trainer_state\.json|(?:^|[/_.-])(?:metrics|history|log)s?\.jsonl|\.log)$/i;

/** The log files that an argument stands for; none for a folder without any. */
export async function findLogFiles(cwd: string, arg: string): Promise<LogFile[]> {
  const path = resolve(cwd, arg);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new InputError(arg, 'there is no such file or folder', {
      hint: 'give a run folder, metrics.jsonl, trainer_state.json, a printed log, TensorBoard event files or a CSV file',
    });
  if (!stat.isDirectory()) return [{ path, shown: arg, bytes: stat.size }];
  const { files } = await walkFolder(path);
  const logs = newestStates(files.filter((file) => logNames.test(file.path) || isEventFile(file.path)));
  if (logs.length > mostFiles)
    throw new UserError(`${arg} holds ${logs.length} logs; at most ${mostFiles} are read together`, {
      hint: 'name the files that belong in it',
    });
  return logs.map((file) => ({
    path: join(path, file.path),
    shown: join(arg, file.path),
    bytes: file.bytes,
    ...(file.path.includes('/') ? { group: dirname(file.path) } : {}),
  }));
}

/**
 * Each checkpoint of transformers holds the whole log up to it, so the last one of a run will do; and event files in `runs` beside them, where transformers
 * puts them, are of the same run.
 */
function newestStates<F extends { path: string }>(files: readonly F[]): F[] {
  const at = /^(.*?)checkpoint-(\d+)\/trainer_state\.json$/;
  const last = new Map<string, number>();
  for (const { path } of files) {
    const [, run, step] = at.exec(path) ?? [];
    if (run !== undefined) last.set(run, Math.max(last.get(run) ?? 0, Number(step)));
  }
  return files.filter(({ path }) => {
    if (isEventFile(path) && [...last.keys()].some((run) => path.startsWith(`${run}runs/`))) return false;
    const [, run, step] = at.exec(path) ?? [];
    return run === undefined || last.get(run) === Number(step);
  });
}

/** Reads them all; one that cannot be read does not cost the others. */
export function readLogFiles(files: readonly LogFile[]): LogsRead {
  const logs = new LoggedRuns();
  const failures: InputError[] = [];
  const names = runNames(files.map(({ path }) => path));
  const distinct = [...new Map(files.map((file) => [file.path, file])).values()];
  for (const file of distinct) {
    try {
      readInto(logs, file, names.get(file.path)!);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      failures.push(error);
    }
  }
  const groups = new Map(files.map(({ path, group }) => [path, group]));
  const warnings = logs.numbered.map(
    (name) =>
      `${name}: its lines name no step; they are numbered in their order, so steps below are logged lines`,
  );
  if (logs.skipped > 0) warnings.push(`${logs.skipped} lines that are no metrics of a step are left out`);
  return {
    runs: logs.all().map((run) => {
      const group = run.files?.map((path) => groups.get(path)).find((name) => name !== undefined);
      // A folder groups the runs of exports; logs of one run each are told apart by it instead.
      return group === undefined || !run.files!.some((path) => /\.csv$/i.test(path))
        ? run
        : { ...run, group };
    }),
    failures,
    warnings,
  };
}

function readInto(logs: LoggedRuns, { path, shown, bytes }: LogFile, name: string): void {
  if (bytes > mostBytes) throw new InputError(shown, `is larger than ${mostBytes >> 20} MiB`);
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (cause) {
    throw new InputError(shown, `cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (isEventFile(path)) {
    const rows = readEventFile(content, shown).map(({ step, tag, value }) => ({ step, [tag]: value }));
    if (logs.addAll(rows, name, path) === 0)
      throw new InputError(shown, 'holds no scalars', {
        hint: 'pictures, histograms and texts are not read',
      });
    return;
  }
  const text = content.subarray(0, 4096).includes(0) ? '\u0000' : content.toString('utf8');
  if (text === '\u0000' || logs.add(text, name, path) === 0) {
    const { problem, hint } = logProblem(text);
    throw new InputError(shown, problem, { hint });
  }
}

/** Files of these names are called after their folder, and a folder checkpoint-100 after the one it is in. */
const plainNames = /^(?:metrics|trainer_state|log|train|history)$/i;

/** What the run of each file is called: the end of its path, as much of it as tells the files apart. Event files of one folder are one run. */
export function runNames(paths: readonly string[]): Map<string, string> {
  const keys = new Map(
    paths.map((path) => {
      const stem = basename(path).replace(/\.[^.]+$/, '');
      const folder = /^checkpoint-\d+$/.test(basename(dirname(path)))
        ? dirname(dirname(path))
        : dirname(path);
      return [path, isEventFile(path) || plainNames.test(stem) ? folder : join(folder, stem)] as const;
    }),
  );
  const names = new Map<string, string>();
  let open = [...new Set(keys.values())];
  for (let size = 1; open.length > 0; size++) {
    const end = (key: string): string => key.split(sep).filter(Boolean).slice(-size).join('/');
    const counts = new Map<string, number>();
    for (const key of new Set(keys.values())) counts.set(end(key), (counts.get(end(key)) ?? 0) + 1);
    open = open.filter((key) => {
      const unique = counts.get(end(key)) === 1 || key.split(sep).length <= size;
      if (unique) names.set(key, end(key));
      return !unique;
    });
  }
  return new Map([...keys].map(([path, key]) => [path, names.get(key)!]));
}
