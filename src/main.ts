/**
 * argv -> exit code. The only place that ends the process.
 *
 *   1. watch for Ctrl-C, SIGTERM, a closed pipe, and errors nobody caught;
 *   2. parse the command line; print help, or run the command;
 *   3. say what went wrong, if something did;
 *   4. run the clean-ups (GPU devices, workers), flush, exit.
 *
 * The first Ctrl-C aborts the command's signal, so it can finish the step in hand and save; the second ends at once.
 */

import { existsSync, realpathSync } from 'node:fs';
import type { CommandEntry } from './cli/command.ts';
import { describeError } from './cli/describe-error.ts';
import { commands } from './cli/index.ts';
import { packageInfo } from './cli/package-info.ts';
import { type Invocation, parseCommandLine } from './cli/parse-command-line.ts';
import { runCleanups, runCleanupsNow } from './core/cleanup.ts';
import { exitCodes } from './core/errors.ts';

/** Runs `midtrain <argv>` and ends the process with its exit code. `argv` is without node and script; tests bring their own commands. */
export async function main(
  argv: readonly string[],
  entries: readonly CommandEntry[] = commands,
): Promise<never> {
  const abort = new AbortController();
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  /** Replaced by the progress display while one is open, so that notices do not break its frame. */
  let notify = say;

  const onSignal = (name: NodeJS.Signals): void => {
    // Slurm warns before the time limit and says it again at the limit; SIGKILL follows anyway, and until then there is time to finish.
    if (abort.signal.aborted && name === 'SIGTERM' && process.env.SLURM_JOB_ID !== undefined) return;
    if (abort.signal.aborted) {
      runCleanupsNow();
      process.exit(exitCodes.interrupted);
    }
    abort.abort();
    notify('stopping after the current step; press again to quit at once');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);

  // `midtrain report ... | head`: the reader has what it wanted. Progress nobody reads is no reason to stop a job.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    runCleanupsNow();
    process.exit(exitCodes.done);
  });
  process.stderr.on('error', () => {});

  const fail = (error: unknown): number => {
    const { version, bugsUrl } = packageInfo();
    const report = describeError(error, { interrupted: abort.signal.aborted, version, bugsUrl });
    for (const line of report.lines) say(line);
    return report.exitCode;
  };
  const onStray = (error: unknown): void => {
    const code = fail(error);
    runCleanupsNow();
    process.exit(code);
  };
  process.on('uncaughtException', onStray);
  process.on('unhandledRejection', onStray);

  let code: number;
  try {
    const invocation = await parseCommandLine(argv, entries, () => packageInfo().version);
    code = await carryOut(invocation, abort.signal, (to) => {
      notify = to ?? say;
    });
  } catch (error) {
    code = fail(error);
  }
  for (const problem of await runCleanups()) say(`warning: while cleaning up: ${String(problem)}`);
  await flushed(process.stdout);
  await flushed(process.stderr);
  process.exit(code);
}

async function carryOut(
  invocation: Invocation,
  signal: AbortSignal,
  routeNotices: (to: ((line: string) => void) | undefined) => void,
): Promise<number> {
  if (invocation.kind === 'print') {
    // Help that nobody asked for (a mistake) goes to standard error, so that pipes stay clean.
    (invocation.exitCode === exitCodes.done ? process.stdout : process.stderr).write(invocation.text);
    return invocation.exitCode;
  }
  const { openProgress } = await import('./tui/open-progress.ts');
  const { runCommand } = await import('./cli/run-command.ts');
  const progress = openProgress({
    stdout: process.stdout,
    stderr: process.stderr,
    plain: invocation.options.json === true || process.env.CI !== undefined || process.env.TERM === 'dumb',
  });
  const delegated = invocation.command.delegates?.(invocation.options) === true;
  routeNotices((text) => {
    if (!delegated) progress.emit({ kind: 'message', level: 'info', text });
  });
  try {
    return await runCommand({ ...invocation, signal, progress, stdout: process.stdout, cwd: process.cwd() });
  } finally {
    routeNotices(undefined);
  }
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || !stream.writable) resolve();
    else stream.write('', () => resolve());
  });
}

/** Whether this file is the program: started by node, or by src/setup/launch.js, which puts it in argv and imports it. */
function isProgram(): boolean {
  const script = process.argv[1];
  return (
    import.meta.main ||
    (script !== undefined && existsSync(script) && realpathSync(script) === import.meta.filename)
  );
}

if (isProgram()) await main(process.argv.slice(2));
