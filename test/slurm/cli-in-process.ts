/** Runs a command line as the program does, in this process: a process of its own would cost half a second each. */
import type { Command } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/index.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { exitCodes, InterruptedError, UserError } from '../../src/core/errors.ts';
import type { ProgressEvent } from '../../src/core/events.ts';

export interface CliEnd {
  code: number;
  out: string;
  /** Messages and, if it failed, the error with its hint. */
  said: string;
}

export async function cliInProcess(
  words: readonly string[],
  cwd: string,
  {
    signal = new AbortController().signal,
    seen,
  }: { signal?: AbortSignal; seen?: (event: ProgressEvent) => void } = {},
): Promise<CliEnd> {
  let out = '';
  const said: string[] = [];
  const code = await (async () => {
    const invocation = await parseCommandLine(words, commands, () => '');
    if (invocation.kind === 'print') throw new Error(invocation.text);
    const { command, args, options }: { command: Command; args: string[]; options: Record<string, unknown> } =
      invocation;
    return command.run(
      {
        emit: (event) => {
          seen?.(event);
          if (event.kind === 'message') said.push(event.text);
        },
        signal,
        write: (text) => {
          out += text;
        },
        json: options.json === true,
        cwd,
      },
      args,
      options,
    );
  })().catch((error: unknown) => {
    if (error instanceof InterruptedError) return exitCodes.interrupted;
    if (!(error instanceof UserError)) throw error;
    said.push(`error: ${error.message}`, `hint: ${error.hint}`);
    return exitCodes.userError;
  });
  return { code, out, said: said.join('\n') };
}
