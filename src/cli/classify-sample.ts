/** `midtrain classify sample`: documents to label, drawn evenly from strata. Maps flags to src/stages/classify-sample.ts. */
import { exitCodes, UserError } from '../core/errors.ts';
import { columnOption, inputsOf } from './classify-inputs.ts';
import { type Command, type CommandContext, jsonOption } from './command.ts';
import { choiceValue, integerValue } from './parse.ts';

export const sampleCommand: Command = {
  name: 'sample',
  summary: 'draw documents to label, evenly over years or another column',
  description:
    'Draws documents uniformly within each stratum: the same documents for the same seed, whatever the order of the files. The year of a document is ' +
    'that of its column year, date or warc_date, else of the crawl (CC-MAIN-2019-35) that its columns or its file name. Strata that have too few ' +
    'documents are said, and the others take their part. Reads filter runs, Parquet, Arrow, JSONL, WARC and WET, and pages; texts come out of pages by extraction.',
  arguments: [
    {
      name: 'inputs',
      description: 'filter runs, files, folders or patterns',
      required: true,
      variadic: true,
    },
  ],
  options: [
    {
      flags: '-n, --count <n>',
      description: 'documents in all',
      default: 10_000,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--stratify-by <what>',
      description: 'year, dump (the crawl), source, site, none, or the name of a column',
      default: 'year',
    },
    {
      flags: '--allocation <how>',
      description: 'equal: as many of each stratum; proportional: by their size',
      default: 'equal',
      parse: choiceValue(['equal', 'proportional']),
    },
    {
      flags: '--min-chars <n>',
      description: 'leave out texts that are shorter',
      default: 1,
      parse: integerValue({ min: 0 }),
    },
    columnOption,
    {
      flags: '--seed <n>',
      description: 'decides which documents are drawn',
      default: 0,
      parse: integerValue({ min: 0 }),
    },
    { flags: '-o, --out <file>', description: 'a Parquet file', default: 'sample.parquet' },
    jsonOption,
  ],
  examples: [
    {
      command:
        'midtrain classify sample runs/megamath-web --count 20000 --stratify-by year --out sample.parquet',
      what: 'as many documents of each year of a filter run',
    },
    {
      command: "midtrain classify sample 'crawl/*.warc.gz' --count 5000 --stratify-by dump --seed 7",
      what: 'pages of several crawls',
    },
    {
      command: 'midtrain classify sample docs.jsonl --stratify-by source --allocation proportional',
      what: 'each source by its size',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const [{ resolve }, { sampleDocuments }, { sampleText }] = await Promise.all([
    import('node:path'),
    import('../stages/classify-sample.ts'),
    import('./classify-text.ts'),
  ]);
  const out = resolve(context.cwd, options.out as string);
  if (!out.endsWith('.parquet')) {
    throw new UserError(`--out ${options.out as string}: the sample is a Parquet file`, {
      hint: `give a name that ends so: --out ${(options.out as string).replace(/(\.\w+)?\/*$/, '')}.parquet`,
    });
  }
  const result = await sampleDocuments({
    inputs: inputsOf(args, context.cwd, options),
    count: options.count as number,
    stratifyBy: options.stratifyBy as string,
    allocation: options.allocation as 'equal' | 'proportional',
    minCharacters: options.minChars as number,
    seed: options.seed as number,
    out,
    emit: context.emit,
    signal: context.signal,
  });
  for (const warning of result.warnings) context.emit({ kind: 'message', level: 'warn', text: warning });
  context.write(context.json ? `${JSON.stringify({ out, ...result }, null, 2)}\n` : sampleText(out, result));
  return result.failures.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
}
