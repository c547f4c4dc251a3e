/** `midtrain classify evaluate`: a classifier on labelled documents. Maps flags to src/stages/classify-evaluate.ts. */

import { exitCodes } from '../core/errors.ts';
import { placeOfModel } from '../stages/bundled-model.ts';
import {
  labelledOf,
  labelledOptions,
  thresholdOf,
  thresholdOptions,
  tokenizerAt,
} from './classify-inputs.ts';
import { type Command, type CommandContext, jsonOption } from './command.ts';
import { choiceValue } from './parse.ts';

export const evaluateCommand: Command = {
  name: 'evaluate',
  summary: 'precision, recall, calibration and worst errors of a classifier, by source',
  description:
    'Scores labelled documents and measures the classifier at every threshold: precision, recall, F1, ROC AUC, average precision, calibration, and what ' +
    'would be kept. Documents that it was trained on are left out; sources that are new to it are out of distribution, and each source has its own ' +
    'row with 95 % intervals. The threshold is the one of the model folder, else the one with the highest F1, or what a flag says. Writes ' +
    'evaluation.html (no script, nothing fetched) and evaluation.json.',
  arguments: [
    {
      name: 'model',
      description:
        'a model folder, a fastText .bin or .ftz file, an ONNX checkpoint with one output, or bundled:math-text',
      required: true,
    },
  ],
  options: [
    ...labelledOptions,
    ...thresholdOptions,
    {
      flags: '--choose-on <which>',
      description: 'documents that a threshold is chosen on: all, or in (sources it was trained on)',
      default: 'all',
      parse: choiceValue(['all', 'in']),
    },
    { flags: '--best-f1', description: 'choose the highest F1 also where the model folder has a threshold' },
    { flags: '--label <name>', description: 'of a fastText file: the label that is the score' },
    {
      flags: '--prepare <how>',
      description: 'of a fastText file: megamath or none',
      parse: choiceValue(['megamath', 'none']),
    },
    {
      flags: '--tokenizer <path>',
      description: 'count tokens with this tokenizer.json (default: bytes / 4)',
    },
    {
      flags: '-o, --out <folder>',
      description: 'where the page and the numbers go (default: runs/evaluate-<model>)',
    },
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain classify evaluate models/math --labels heldout.parquet --out runs/math-evaluation',
      what: 'on labelled rows that were kept back',
    },
    {
      command:
        'midtrain classify evaluate models/math --positive textbooks.jsonl --negative c4.jsonl --threshold 0.4',
      what: "on two corpora, at the paper's threshold",
    },
    {
      command:
        'midtrain classify evaluate math.bin --label MATH --prepare megamath --labels labels.jsonl --target-recall 0.9',
      what: 'a fastText model of somebody else',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  [model]: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const [
    { join, resolve },
    { evaluateClassifier },
    { scorerSpec },
    { writeEvaluationFiles },
    { evaluationText, failureLines },
    { textOf },
  ] = await Promise.all([
    import('node:path'),
    import('../stages/classify-evaluate.ts'),
    import('../stages/classify-scorer.ts'),
    import('../stages/classify-write-evaluation.ts'),
    import('./classify-text.ts'),
    import('./write-result.ts'),
  ]);
  const scorer = await scorerSpec(
    placeOfModel(model!, (path) => (path.includes('://') ? path : resolve(context.cwd, path))),
    {
      label: options.label as string | undefined,
      prepare: options.prepare as 'none' | undefined,
    },
  );
  const own = options.bestF1 === true ? null : scorer.threshold;
  const { evaluation, failures } = await evaluateClassifier({
    scorer,
    labelled: labelledOf(context.cwd, options),
    rule: thresholdOf(options, own === null ? { by: 'max-f1' } : { by: 'model', value: own }),
    chooseOn: options.chooseOn as 'all' | 'in',
    tokenizer:
      options.tokenizer === undefined ? null : await tokenizerAt(context, options.tokenizer as string),
    emit: context.emit,
    signal: context.signal,
  });
  const out = resolve(context.cwd, (options.out as string | undefined) ?? `runs/evaluate-${scorer.name}`);
  await writeEvaluationFiles(out, evaluation);
  for (const warning of evaluation.warnings) context.emit({ kind: 'message', level: 'warn', text: warning });
  context.write(
    context.json
      ? `${JSON.stringify({ out, ...evaluation, failures }, null, 2)}\n`
      : textOf(failureLines(failures)) + evaluationText(evaluation, join(out, 'evaluation.html')),
  );
  return failures.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
}
