/**
 * What a command of `midtrain` is: a plain object that says its name, flags and examples, and a function that runs it.
 *
 * Each `src/cli/<name>.ts` exports `command: Command`. A command file imports only light things at the top (core, parse.ts) and
 * the heavy ones (Arrow, zod, the GPU) inside `run` by `await import(...)`, so that `--help` stays instant.
 *
 * What `run` may rely on, and what it owes:
 *   - `options` has camel-cased flag names (`--qa-ratio` -> `qaRatio`); a flag that was not given and has no default is absent
 *     (undefined means unset). Values went through the flag's `parse`.
 *   - It returns an exit code of `exitCodes`, or throws: `UserError` for what the user can mend, `InterruptedError` when it
 *     stopped early because `signal` was aborted (Ctrl-C), anything else for our own bugs. It never prints nor exits itself.
 *   - Results go to `write` (standard output), as one JSON document when `json`; progress goes to `emit` (standard error).
 *   - A command with `dryRunOption` prints its plan and touches nothing when `options.dryRun` is true.
 */
import type { Emit } from '../core/events.ts';

/** What a running command is handed. */
export interface CommandContext {
  emit: Emit;
  /** Aborted by the first Ctrl-C or SIGTERM: finish the step in hand, save, throw `InterruptedError`. */
  signal: AbortSignal;
  /** Writes to standard output, as is; the caller adds the newlines. */
  write(text: string): void;
  /** True when `--json` was given. */
  json: boolean;
  cwd: string;
}

/** A positional argument: `<recipe>` or, unless `required`, `[recipe]`. Only the last one may be variadic. */
export interface CommandArgument {
  name: string;
  description: string;
  required?: boolean;
  variadic?: boolean;
}

/**
 * Turns the text of a flag's value into the value, or throws a `UserError` that names flag, value and cure (src/cli/parse.ts has
 * the usual ones). `flag` is the long name with its dashes; `previous` the value so far, for flags that may be repeated.
 */
export type OptionParser = (value: string, flag: string, previous: unknown) => unknown;

/** A flag: `--workers <n>`, `-o, --output <folder>`, `--keep-dropped`, `--no-cache`. */
export interface CommandOption {
  flags: string;
  description: string;
  default?: unknown;
  parse?: OptionParser;
}

/** A line that works when pasted into a shell, and what it does. */
export interface CommandExample {
  command: string;
  what: string;
}

export interface Command {
  name: string;
  /** One line, lower case, for the list in `midtrain --help`. */
  summary: string;
  /** A paragraph or two for the command's own help. */
  description?: string;
  arguments?: readonly CommandArgument[];
  options?: readonly CommandOption[];
  examples: readonly CommandExample[];
  /** A last part of the help, without its final newline; called only when help is asked for, and as light as the rest. */
  more?(): string;
  /** Commands under this one (`tokenizer train`); a command with these has no arguments of its own. */
  subcommands?: readonly Command[];
  /** Whether another process on the same terminal does the work and tells of Ctrl-C itself; then this one says nothing. */
  delegates?(options: Record<string, unknown>): boolean;
  /** Returns the exit code. */
  run(context: CommandContext, args: string[], options: Record<string, unknown>): Promise<number>;
}

/** How `index.ts` lists a command: enough for `midtrain --help`, the rest is loaded when it is asked for. */
export interface CommandEntry {
  name: string;
  summary: string;
  load(): Promise<{ command: Command }>;
}

/** For commands whose result a script would read. */
export const jsonOption: CommandOption = {
  flags: '--json',
  description: 'print the result as one JSON document on standard output',
};

/** For commands that plan before they do. */
export const dryRunOption: CommandOption = {
  flags: '--dry-run',
  description: 'print the plan and stop; nothing is written',
};
