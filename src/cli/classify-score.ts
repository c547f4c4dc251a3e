/** `midtrain classify score`: a score for every document, as a column. Maps flags to src/jobs/score-corpus.ts. */
import { exitCodes, UserError } from '../core/errors.ts';
import { placeOfModel } from '../stages/bundled-model.ts';
import { columnOption, inputsOf } from './classify-inputs.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import { choiceValue, integerValue } from './parse.ts';

export const scoreCommand: Command = {
  name: 'score',
  summary: 'give every document its score as a column; resumable',
  description:
    'Reads filter runs, Parquet, Arrow, JSONL, WARC or pages and writes Parquet with all columns of the input and the score (of a regressor also int_score). ' +
    'Nothing is dropped and no column is replaced. The folder is an input of "midtrain filter", which takes the scores as --model <name>=column:score. Stopped at any point, the ' +
    'same command goes on; the output does not depend on the number of workers.',
  arguments: [
    {
      name: 'model',
      description:
        'a model folder, a fastText .bin or .ftz file, an ONNX checkpoint with one output, or bundled:math-text',
      required: true,
    },
    {
      name: 'inputs',
      description: 'filter runs, files, folders or patterns',
      required: true,
      variadic: true,
    },
  ],
  options: [
    { flags: '-o, --out <folder>', description: 'where to write', default: 'runs/scored' },
    { flags: '--name <column>', description: 'name of the score column', default: 'score' },
    { flags: '--scores-only', description: 'write id, url, source and the score, without texts' },
    { flags: '--label <name>', description: 'of a fastText file: the label that is the score' },
    {
      flags: '--prepare <how>',
      description: 'of a fastText file: megamath or none',
      parse: choiceValue(['megamath', 'none']),
    },
    columnOption,
    {
      flags: '--workers <n>',
      description: 'worker threads (default: one per core; of a regressor one)',
      parse: integerValue({ min: 1, max: 1024 }),
    },
    { flags: '--fresh', description: 'delete scores of other inputs or another classifier in the folder' },
    dryRunOption,
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain classify score models/math runs/web --out runs/web-scored',
      what: 'the kept documents of a filter run',
    },
    {
      command:
        "midtrain classify score math.bin 'crawl/*.parquet' --label MATH --prepare megamath --name math_score",
      what: 'a fastText file, and another name for the column',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  [model, ...inputs]: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const [{ resolve }, { planScoring, scoreCorpus }, { scorerSpec }, { scoreText }] = await Promise.all([
    import('node:path'),
    import('../jobs/score-corpus.ts'),
    import('../stages/classify-scorer.ts'),
    import('./classify-text.ts'),
  ]);
  const column = options.name as string;
  if (!/^[A-Za-z_][\w.]*$/.test(column) || ['id', 'text', 'html', 'url', 'source', 'date'].includes(column)) {
    throw new UserError(`--name ${column}: not a name for a column of scores`, {
      hint: 'letters, digits, _ and ., and none of id, text, html, url, source, date: --name math_score',
    });
  }
  const request = {
    inputs: inputsOf(inputs, context.cwd, options),
    scorer: await scorerSpec(
      placeOfModel(model!, (path) => (path.includes('://') ? path : resolve(context.cwd, path))),
      {
        label: options.label as string | undefined,
        prepare: options.prepare as 'none' | undefined,
      },
    ),
    out: resolve(context.cwd, options.out as string),
    column,
    scoresOnly: options.scoresOnly === true,
    workers: options.workers as number | undefined,
    fresh: options.fresh === true,
    emit: context.emit,
    signal: context.signal,
  };
  if (options.dryRun === true) {
    const plan = await planScoring(request);
    const bytes = plan.units.reduce((sum, { read }) => sum + read.bytes, 0);
    context.write(
      context.json
        ? `${JSON.stringify(plan, null, 2)}\n`
        : `${plan.units.length} units, ${bytes} bytes of ${plan.inputs.length} files; nothing was written\n`,
    );
    return plan.failures.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
  }
  const result = await scoreCorpus(request);
  const { outputs: _outputs, ...shown } = result;
  context.write(
    context.json
      ? `${JSON.stringify(shown, null, 2)}\n`
      : scoreText(result, column, request.scorer.threshold),
  );
  return result.complete ? exitCodes.done : exitCodes.someInputsFailed;
}
