/** The text of `midtrain --help` and of each command's help: commander lays out flags, the examples come from the command. */
import type { Command as Commander } from 'commander';
import type { Command, CommandEntry } from './command.ts';

/** The list of commands, in the order data flows. */
export function programHelp(commands: readonly CommandEntry[]): string {
  const width = Math.max(...commands.map((entry) => entry.name.length));
  return [
    'Usage: midtrain <command> [options] [arguments]',
    '',
    'Turns math web pages into a model that is ready for reinforcement learning, and shows which data made the difference.',
    '',
    'Commands:',
    ...commands.map((entry) => `  ${entry.name.padEnd(width)}  ${entry.summary}`),
    '',
    'Options:',
    "  -h, --help     show this help; after a command, that command's help with examples",
    '  -V, --version  show the version',
    '',
    'Start with:',
    '  midtrain demo                  the whole way on a small corpus, in a few minutes',
    '  midtrain help mix              what a command takes, with examples that work',
    '',
    'Exit codes: 0 done, 1 a mistake to mend, 2 done but some inputs failed, 70 a bug in midtrain, 130 interrupted.',
    '',
  ].join('\n');
}

/** Usage, arguments, flags and examples of one command. */
export function commandHelp(command: Command, path: string, commander: Commander): string {
  const examples = command.examples.flatMap((example) => [`  # ${example.what}`, `  ${example.command}`, '']);
  const subcommands = command.subcommands ?? [];
  const width = Math.max(0, ...subcommands.map((sub) => sub.name.length));
  return [
    commander.helpInformation().trimEnd(),
    '',
    ...(subcommands.length === 0
      ? []
      : ['Subcommands:', ...subcommands.map((sub) => `  ${sub.name.padEnd(width)}  ${sub.summary}`), '']),
    ...(subcommands.length === 0 ? [] : [`Help of one: ${path} ${subcommands[0]!.name} --help`, '']),
    ...(examples.length === 0 ? [] : ['Examples:', ...examples]),
    ...(command.more === undefined ? [] : [command.more(), '']),
  ].join('\n');
}
