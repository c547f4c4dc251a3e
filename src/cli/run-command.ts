/**
 * Runs a parsed command: builds its context (progress on standard error, results on standard output), waits for it, and leaves
 * the terminal in order whether it succeeds or throws.
 */
import { printable } from '../core/printable.ts';
import type { Progress } from '../tui/progress.ts';
import type { Command, CommandContext } from './command.ts';

export interface RunningCommand {
  command: Command;
  args: string[];
  options: Record<string, unknown>;
  signal: AbortSignal;
  progress: Progress;
  stdout: NodeJS.WriteStream;
  cwd: string;
}

/** Returns the command's exit code, or throws what it threw; the progress display is closed either way. */
export async function runCommand(running: RunningCommand): Promise<number> {
  const { command, args, options, signal, progress, stdout, cwd } = running;
  const context: CommandContext = {
    emit: progress.emit,
    signal,
    // A terminal gets no control sequences from files; a pipe gets the bytes as they are.
    write: (text) => progress.print(stdout.isTTY ? printable(text) : text),
    json: options.json === true,
    cwd,
  };
  try {
    return await command.run(context, args, options);
  } finally {
    await progress.close();
  }
}
