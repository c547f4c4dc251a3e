/**
 * What a thrown thing means to the person at the terminal: the lines to print and the exit code. The only place that decides
 * between "you can mend this" (1), "you stopped it" (130) and "this is our bug" (70). Pure: main.ts prints.
 */
import { inspect } from 'node:util';
import { exitCodes, InterruptedError, messageOf, UserError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';

export interface ErrorReport {
  lines: string[];
  exitCode: number;
}

export interface ErrorSituation {
  /** True once Ctrl-C or SIGTERM was received: an AbortError then means "stopped", not "failed". */
  interrupted: boolean;
  version: string;
  /** Where bugs are reported, from package.json, if it says so. */
  bugsUrl?: string | undefined;
}

/** What the operating system said about a path the user gave, in words. */
const systemErrors: Record<string, { problem: string; hint: string }> = {
  ENOENT: {
    problem: 'no such file or folder',
    hint: 'check the path; relative paths start at the current folder',
  },
  EACCES: { problem: 'permission denied', hint: 'check who owns it and its permissions (ls -l)' },
  EPERM: { problem: 'operation not permitted', hint: 'check who owns it and its permissions (ls -l)' },
  EISDIR: { problem: 'is a folder where a file is needed', hint: 'name a file inside it' },
  ENOTDIR: { problem: 'is a file where a folder is needed', hint: 'check the path' },
  EEXIST: { problem: 'exists already', hint: 'choose another output path, or remove it first' },
  ENOSPC: {
    problem: 'no space left on the disk',
    hint: 'free some space and run the same command again; it goes on',
  },
  EDQUOT: {
    problem: 'the disk quota is used up',
    hint: 'free some space and run the same command again; it goes on',
  },
  EROFS: { problem: 'the file system is read-only', hint: 'choose an output path on a writable disk' },
  EMFILE: { problem: 'too many open files', hint: 'raise the limit (ulimit -n 4096) and run again' },
};

export function describeError(error: unknown, situation: ErrorSituation): ErrorReport {
  if (error instanceof InterruptedError || (situation.interrupted && isAbort(error))) {
    const what =
      error instanceof InterruptedError && error.message !== 'interrupted' ? error.message : undefined;
    const lines = [what ?? 'interrupted; what was finished is on disk, run the same command again to go on'];
    return { lines: lines.map(printable), exitCode: exitCodes.interrupted };
  }
  if (error instanceof UserError) {
    const lines = [`error: ${error.message}`, ...(error.hint === undefined ? [] : [`hint: ${error.hint}`])];
    return { lines: lines.map(printable), exitCode: exitCodes.userError };
  }
  const system = systemProblem(error);
  if (system !== undefined) return { lines: system.map(printable), exitCode: exitCodes.userError };
  const where = situation.bugsUrl ?? "the project's issue tracker";
  return {
    lines: [
      `bug: ${messageOf(error)}`,
      // inspect shows the stack and the chain of causes.
      inspect(error, { depth: 4, colors: false }),
      `This is a bug in midtrain ${situation.version} (node ${process.version}, ${process.platform} ${process.arch}), not your mistake.`,
      `Please report the lines above and the command you ran: ${where}`,
    ].map(printable),
    exitCode: exitCodes.bug,
  };
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ABORT_ERR')
  );
}

function systemProblem(error: unknown): string[] | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  const known = systemErrors[code ?? ''];
  // Without a path (ENOSPC from a write has none) only the disk's own troubles are surely not ours.
  if (known === undefined || (path === undefined && !['ENOSPC', 'EDQUOT', 'EMFILE'].includes(code!)))
    return undefined;
  return [`error: ${path === undefined ? '' : `${path}: `}${known.problem}`, `hint: ${known.hint}`];
}
