/**
 * Reads a command's flags and arguments with commander, strictly: an unknown flag, a missing value or one argument too many is a
 * `UserError` that says what to type instead. Flags and positionals may come in any order.
 */
import { Argument, Command as Commander, CommanderError, Option } from 'commander';
import { nearest } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import type { Command, CommandOption } from './command.ts';
import { commandHelp } from './help.ts';

export type FlagsRead = { help: string } | { args: string[]; options: Record<string, unknown> };

/** `argv` is what follows the command's name; `path` the words before it (`midtrain tokenizer train`). */
export function readFlags(command: Command, path: string, argv: readonly string[]): FlagsRead {
  const commander = commanderFor(command, path);
  try {
    commander.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.help' || error.code === 'commander.helpDisplayed') {
      return { help: commandHelp(command, path, commander) };
    }
    throw inOurWords(error, command, path, argv);
  }
  return { args: commander.args, options: commander.opts() };
}

/** The help of a command, for when no flags are read (a command with subcommands). */
export function helpOf(command: Command, path: string): string {
  return commandHelp(command, path, commanderFor(command, path));
}

/** A commander command with this command's flags and arguments that throws instead of printing or exiting. */
function commanderFor(command: Command, path: string): Commander {
  const commander = new Commander(path)
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} });
  commander.description(command.description ?? command.summary).helpOption('-h, --help', 'show this help');
  for (const argument of command.arguments ?? []) {
    const name = `${argument.name}${argument.variadic ? '...' : ''}`;
    commander.addArgument(new Argument(argument.required ? `<${name}>` : `[${name}]`, argument.description));
  }
  for (const option of command.options ?? []) commander.addOption(optionFor(option, commander));
  return commander;
}

function optionFor(spec: CommandOption, commander: Commander): Option {
  const option = new Option(spec.flags, spec.description);
  if (spec.default !== undefined) option.default(spec.default);
  const parse = spec.parse;
  if (parse !== undefined) {
    option.argParser((value: string, previous: unknown) => {
      const isDefault = commander.getOptionValueSource(option.attributeName()) === 'default';
      return parse(value, option.long ?? option.flags, isDefault ? undefined : previous);
    });
  }
  return option;
}

/** Commander's complaint as a `UserError` that says what to type instead. */
function inOurWords(
  error: CommanderError,
  command: Command,
  path: string,
  argv: readonly string[],
): UserError {
  const seeHelp = `see "${path} --help"`;
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption': {
      const flag = quoted.split('=')[0]!;
      const known = ['--help', ...(command.options ?? []).flatMap((option) => longNames(option.flags))];
      const near = nearest(flag, known);
      return new UserError(`${path}: unknown flag ${flag}`, {
        hint:
          near === undefined ? `known: ${known.join(', ')}; ${seeHelp}` : `did you mean ${near}? ${seeHelp}`,
      });
    }
    case 'commander.optionMissingArgument':
      return new UserError(`${path}: the flag ${quoted} needs a value and none follows`, { hint: seeHelp });
    case 'commander.missingArgument':
      return new UserError(`${path}: the argument <${quoted}> is missing`, {
        hint: `for example: ${command.examples[0]?.command ?? path}; ${seeHelp}`,
      });
    case 'commander.excessArguments': {
      const takes = (command.arguments ?? []).map((argument) => `<${argument.name}>`).join(' ');
      return new UserError(`${path}: too many arguments: ${argv.join(' ')}`, {
        hint: `it takes ${takes === '' ? 'none' : takes}; ${seeHelp}`,
      });
    }
    default:
      return new UserError(`${path}: ${error.message.replace(/^error: /, '')}`, { hint: seeHelp });
  }
}

function longNames(flags: string): string[] {
  return flags.match(/--[\w-]+/g) ?? [];
}
