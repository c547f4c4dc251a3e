/** What the subcommands of `classify` have in common: inputs with their columns, labelled documents, and how a threshold is chosen. */
import { resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import type { ClassifyInput } from '../stages/classify-documents.ts';
import type { LabelledRequest } from '../stages/classify-labelled.ts';
import type { ThresholdRule } from '../stages/classify-ranking.ts';
import type { CommandContext, CommandOption } from './command.ts';
import { assignmentsValue, choiceValue, integerValue, listValue, numberValue } from './parse.ts';

export const columnOption: CommandOption = {
  flags: '--column <name=column>',
  description: 'what the inputs call text, html, id, url or date; may be repeated',
  parse: assignmentsValue('text=content'),
};

/** Where labelled documents come from. */
export const labelledOptions: readonly CommandOption[] = [
  {
    flags: '--labels <path>',
    description: 'rows with a score of 0 to 5 or a label, as "classify label" writes; may be repeated',
    parse: listValue(),
  },
  {
    flags: '--positive <path>',
    description: 'documents that are positive, all of them; may be repeated',
    parse: listValue(),
  },
  {
    flags: '--negative <path>',
    description: 'documents that are negative, all of them; may be repeated',
    parse: listValue(),
  },
  {
    flags: '--positive-min <score>',
    description: 'rows with this score or more are positive',
    default: 3,
    parse: numberValue(),
  },
  {
    flags: '--positive-label <name>',
    description: 'rows without a score are positive with this label',
    default: 'positive',
  },
  {
    flags: '--cut <how>',
    description: 'document, or paragraph: each paragraph is an example of its own',
    default: 'document',
    parse: choiceValue(['document', 'paragraph']),
  },
  {
    flags: '--min-chars <n>',
    description: 'leave out texts that are shorter',
    default: 1,
    parse: integerValue({ min: 0 }),
  },
  {
    flags: '--source-by <what>',
    description: 'what a source is: the column source, the site of the address, or the column group',
    default: 'source',
    parse: choiceValue(['source', 'site', 'group']),
  },
  columnOption,
];

/** How the threshold is chosen. */
export const thresholdOptions: readonly CommandOption[] = [
  {
    flags: '--threshold <score>',
    description: 'use this threshold, such as 0.4',
    parse: numberValue(),
  },
  {
    flags: '--target-recall <share>',
    description: 'the highest threshold with this recall',
    parse: numberValue({ min: 0, max: 1 }),
  },
  {
    flags: '--target-precision <share>',
    description: 'the threshold with this precision that keeps most',
    parse: numberValue({ min: 0, max: 1 }),
  },
];

const documentColumns = ['text', 'html', 'id', 'url', 'date'];

/** Paths from the command line, with the columns that --column names. */
export function inputsOf(
  paths: readonly string[],
  cwd: string,
  options: Readonly<Record<string, unknown>>,
): ClassifyInput[] {
  const columns = options.column as Record<string, string> | undefined;
  for (const name of Object.keys(columns ?? {})) {
    if (documentColumns.includes(name)) continue;
    throw new UserError(`--column ${name}=${columns![name]}: there is no document column ${name}`, {
      hint: `the document columns are ${documentColumns.join(', ')}: --column text=content`,
    });
  }
  return paths.map((path) => ({
    path: path.includes('://') ? path : resolve(cwd, path),
    ...(columns === undefined ? {} : { columns }),
  }));
}

export function labelledOf(cwd: string, options: Readonly<Record<string, unknown>>): LabelledRequest {
  const paths = (name: string): ClassifyInput[] =>
    inputsOf((options[name] as string[] | undefined) ?? [], cwd, options);
  return {
    labels: paths('labels'),
    positive: paths('positive'),
    negative: paths('negative'),
    positiveMin: options.positiveMin as number,
    positiveLabel: options.positiveLabel as string,
    cut: options.cut as LabelledRequest['cut'],
    minCharacters: options.minChars as number,
    sourceBy: options.sourceBy as LabelledRequest['sourceBy'],
  };
}

/** The folder of a tokenizer, also of one on the Hub. */
export async function tokenizerAt(context: CommandContext, path: string): Promise<string> {
  const { modelFolder } = await import('./hub-config.ts');
  return modelFolder(context, path, 'tokenizer');
}

/** What the flags say, or `otherwise`. */
export function thresholdOf(
  options: Readonly<Record<string, unknown>>,
  otherwise: ThresholdRule,
): ThresholdRule {
  const given = ['threshold', 'targetRecall', 'targetPrecision'].filter(
    (name) => options[name] !== undefined,
  );
  if (given.length > 1) {
    throw new UserError('--threshold, --target-recall and --target-precision exclude one another', {
      hint: 'give one of them, or none for the highest F1',
    });
  }
  if (options.threshold !== undefined) return { by: 'given', value: options.threshold as number };
  if (options.targetRecall !== undefined) return { by: 'recall', target: options.targetRecall as number };
  if (options.targetPrecision !== undefined)
    return { by: 'precision', target: options.targetPrecision as number };
  return otherwise;
}
