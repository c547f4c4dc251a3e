/** `midtrain classify`: from documents to a trained quality classifier, its measures and its scores. The work is in the subcommands. */
import { UserError } from '../core/errors.ts';
import { evaluateCommand } from './classify-evaluate.ts';
import { labelCommand } from './classify-label.ts';
import { refineCommand } from './classify-refine.ts';
import { sampleCommand } from './classify-sample.ts';
import { scoreCommand } from './classify-score.ts';
import { trainCommand } from './classify-train.ts';
import type { Command } from './command.ts';

/** In the order of the work. */
const subcommands = [sampleCommand, labelCommand, trainCommand, evaluateCommand, scoreCommand, refineCommand];

export const command: Command = {
  name: 'classify',
  summary: 'sample, label, train, evaluate and score: quality classifiers of your own',
  description:
    'The way of a quality classifier: sample documents evenly over the years, let a language model label them 0 to 5, train fastText or a regressor on ' +
    'the labels, evaluate it in and out of distribution, score a corpus with it (or name it in a pipeline of "midtrain filter"), and let a language ' +
    'model refine what is kept.',
  examples: subcommands.map(({ examples }) => examples[0]!),
  subcommands,
  run: () =>
    Promise.reject(
      new UserError('midtrain classify needs a command: sample, label, train, evaluate, score or refine', {
        hint: 'see "midtrain classify --help"',
      }),
    ),
};
