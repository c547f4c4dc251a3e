/**
 * From argv to an `Invocation` that main.ts carries out: finds the command by name, loads its file, lets read-flags.ts read the
 * rest. Parsing does nothing else. A wrong name is a `UserError` with the nearest valid one.
 *
 * Commander is loaded only once a command is known, so the list of commands shows at once.
 */
import { nearest } from '../core/config.ts';
import { exitCodes, UserError } from '../core/errors.ts';
import type { Command, CommandEntry } from './command.ts';
import { programHelp } from './help.ts';

/** What the command line asks for: text to print, or a command to run. */
export type Invocation =
  | { kind: 'print'; text: string; exitCode: number }
  | { kind: 'run'; command: Command; args: string[]; options: Record<string, unknown> };

/** Reads `argv` (without node and script). `version` is asked for only when it is printed. */
export async function parseCommandLine(
  argv: readonly string[],
  commands: readonly CommandEntry[],
  version: () => string,
): Promise<Invocation> {
  const [first, ...rest] = argv;
  if (first === undefined)
    return { kind: 'print', text: programHelp(commands), exitCode: exitCodes.userError };
  if (first === '--help' || first === '-h')
    return { kind: 'print', text: programHelp(commands), exitCode: exitCodes.done };
  if (first === '--version' || first === '-V')
    return { kind: 'print', text: `${version()}\n`, exitCode: exitCodes.done };
  if (first === 'help') {
    if (rest[0] === undefined)
      return { kind: 'print', text: programHelp(commands), exitCode: exitCodes.done };
    return parseCommandLine([...rest, '--help'], commands, version);
  }
  if (first.startsWith('-')) throw flagBeforeCommand(first);
  const command = (await find(first, commands).load()).command;
  return resolve(command, `midtrain ${command.name}`, rest);
}

/** Steps down to a subcommand if there are any, then reads the flags. */
async function resolve(command: Command, path: string, argv: readonly string[]): Promise<Invocation> {
  const [first, ...rest] = argv;
  const { helpOf, readFlags } = await import('./read-flags.ts');
  if (command.subcommands !== undefined) {
    if (first === undefined || first === '--help' || first === '-h') {
      const exitCode = first === undefined ? exitCodes.userError : exitCodes.done;
      return { kind: 'print', text: helpOf(command, path), exitCode };
    }
    const names = command.subcommands.map((sub) => sub.name);
    const sub = command.subcommands.find((candidate) => candidate.name === first);
    if (sub === undefined) throw unknownName(`${path}: unknown subcommand`, first, names, path);
    return resolve(sub, `${path} ${sub.name}`, rest);
  }
  const read = readFlags(command, path, argv);
  if ('help' in read) return { kind: 'print', text: read.help, exitCode: exitCodes.done };
  return { kind: 'run', command, ...read };
}

function find(name: string, commands: readonly CommandEntry[]): CommandEntry {
  const entry = commands.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  throw unknownName(
    'unknown command',
    name,
    commands.map((candidate) => candidate.name),
    'midtrain',
  );
}

function unknownName(problem: string, name: string, names: readonly string[], path: string): UserError {
  const near = nearest(name, names);
  return new UserError(`${problem} "${name}"`, {
    hint:
      near === undefined
        ? `one of: ${names.join(', ')}; see "${path} --help"`
        : `did you mean "${path} ${near}"?`,
  });
}

function flagBeforeCommand(flag: string): UserError {
  return new UserError(`the flag ${flag} stands before the command`, {
    hint: 'write the command first, for example "midtrain mix --qa-ratio 0.3 recipe.yaml"; see "midtrain --help"',
  });
}
