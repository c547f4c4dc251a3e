/** `midtrain export`: what other engines read, from this project's configs. The work is in the subcommands. */
import { UserError } from '../core/errors.ts';
import type { Command } from './command.ts';
import { nanotronCommand } from './export-nanotron.ts';
import { verlCommand } from './export-verl.ts';

const subcommands = [nanotronCommand, verlCommand];

export const command: Command = {
  name: 'export',
  summary: 'write what Nanotron (training) and verl (RL) read, from the same configs',
  description:
    'For runs that outgrow one machine: the mixture and the training config as shards and YAML for Nanotron, the GRPO config as Parquet, launch script ' +
    'and reward function for verl. Each folder has a README.md with the launch line, what was assumed, how well it is known, and what the other engine ' +
    'does otherwise.',
  examples: subcommands.map(({ examples }) => examples[0]!),
  subcommands,
  run: () =>
    Promise.reject(
      new UserError('midtrain export needs a command: nanotron or verl', {
        hint: 'see "midtrain export --help"',
      }),
    ),
};
