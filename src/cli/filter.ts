/** `midtrain filter`: a batch job over many files: extract, measure, decide, drop duplicates; resumable. */
import { resolve } from 'node:path';
import { nearest } from '../core/config.ts';
import { exitCodes, UserError } from '../core/errors.ts';
import { placeOfModel } from '../stages/bundled-model.ts';
import type { FilterConfig } from '../stages/filter-config.ts';
import { listPipelines, pipelineLines } from './built-in-pipelines.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import { type BenchmarkCount, describePlan, reportFilter } from './describe-filter.ts';
import { runStaged, stepOptions, wantsSteps } from './filter-steps.ts';
import { assignmentsValue, integerValue, listValue, rankValue } from './parse.ts';
import { readSlurmOptions, refuseWhileQueued, slurmFlags, wantsSlurm } from './slurm-launch.ts';

export const command: Command = {
  name: 'filter',
  summary: 'extract, measure, filter and deduplicate pages; resumable',
  description:
    'Runs a pipeline over Parquet, Arrow, JSONL (plain, gzip, zstd), WARC and WET, or folders of HTML, and writes the kept documents as ' +
    'Parquet with every signal and margin as a column. The pipeline is a YAML file or one of the built-in pipelines listed below. Stopped ' +
    'at any point, the same command goes on where it was; the output does not depend on the number of workers or ranks. Exit code 2: ' +
    'done, but some input could not be read. A pipeline with steps samples, asks a language model for labels, trains a classifier, scores, ' +
    'and has what is kept rewritten; of a built-in pipeline that also has a form of one pass, --endpoint chooses the steps.',
  arguments: [
    {
      name: 'pipeline',
      description: 'a pipeline file (YAML), or the name of a built-in pipeline',
    },
  ],
  options: [
    {
      flags: '-i, --input <path>',
      description:
        'file, folder, glob or hf://datasets/... to read instead of the inputs of the pipeline file; may be repeated',
      parse: listValue(),
    },
    {
      flags: '--column <name=column>',
      description:
        'what the inputs call text, html, id, url or date, for example text=content; may be repeated',
      parse: assignmentsValue('text=content'),
    },
    { flags: '-o, --out <folder>', description: 'the run folder (default: runs/filter-<name>)' },
    {
      flags: '--model <name=file>',
      description:
        'the model of a classifier that the pipeline names: a folder or file, bundled:math-text, or column:<column> where the input has its score; may be repeated',
      parse: assignmentsValue('math=math.bin'),
    },
    {
      flags: '--benchmark <card=path>',
      description: 'a benchmark to decontaminate against: its data card and its file here; may be repeated',
      parse: assignmentsValue('gsm8k=gsm8k-test.jsonl'),
    },
    {
      flags: '--workers <n>',
      description: 'worker threads (default: one per core)',
      parse: integerValue({ min: 1, max: 1024 }),
    },
    {
      flags: '--rank <i/n>',
      description: 'do the share of rank i of n (0/4 .. 3/4) only; a run without --rank then does the rest',
      parse: rankValue(),
    },
    { flags: '--limit <n>', description: 'read at most n documents', parse: integerValue({ min: 1 }) },
    { flags: '--dropped', description: 'also write the dropped documents, with the reason, to dropped/' },
    { flags: '--fresh', description: 'delete what an earlier run left in the folder and start anew' },
    ...stepOptions,
    ...slurmFlags,
    { flags: '--list', description: 'list the built-in pipelines and stop' },
    dryRunOption,
    jsonOption,
  ],
  examples: [
    { command: 'midtrain filter math-web --input pages/ --out runs/math', what: 'keep mathematical prose' },
    { command: 'midtrain filter pipeline.yaml --dropped', what: 'keep the dropped documents to look at' },
    {
      command: 'midtrain filter web --input crawl.parquet --dry-run',
      what: 'show the rules and units of work',
    },
    {
      command:
        "midtrain filter megamath-web --input 'crawl/*.warc.gz' --model math=math.bin --benchmark gsm8k-test=gsm8k-test.jsonl",
      what: 'the MegaMath-Web pipeline with your classifier, decontaminated',
    },
    {
      command:
        'midtrain filter megamath-web-pro-max --input runs/megamath-web/kept --endpoint http://localhost:8000/v1 --judge-model Llama-3.1-70B-Instruct --out runs/pro-max',
      what: 'judge a sample, train fastText on it, keep at 0.4, rewrite what is kept; goes on after a kill and pays for nothing twice',
    },
    {
      command:
        'midtrain filter megamath-web-pro-max --input pages/ --endpoint http://localhost:8000/v1 --judge-model m --set sample.count=1000 --dry-run',
      what: 'show its steps and what they can cost',
    },
    {
      command: 'midtrain filter math-web --input pages/ --out runs/math --executor slurm --slurm slurm.yaml',
      what: 'as job arrays on a Slurm cluster: the same bytes',
    },
    {
      command: 'midtrain filter math-web --input pages/ --out runs/math --executor slurm --dry-run',
      what: 'show the arrays and the first script',
    },
  ],
  more: () =>
    [
      'Built-in pipelines:',
      ...pipelineLines(listPipelines()),
      '',
      'The ledger counts a document under the first rule it fails. Beside it: how many documents fail the rule at all (fails), how many',
      'would be kept without it (only), and with masked formulas how many would fail it if formulas were left as they are (unmasked).',
    ].join('\n'),
  async run(context, [pipelineName], options) {
    if (options.list === true) {
      const pipelines = listPipelines();
      context.write(
        context.json ? `${JSON.stringify(pipelines, null, 2)}\n` : `${pipelineLines(pipelines).join('\n')}\n`,
      );
      return exitCodes.done;
    }
    if (pipelineName === undefined) {
      throw new UserError('no pipeline is given', {
        hint: `give a YAML file, or one of the built-in pipelines: ${listPipelines()
          .map(({ name }) => name)
          .join(', ')}; for example midtrain filter math-web --input pages/`,
      });
    }
    const onSlurm = wantsSlurm(options, notOnSlurm);
    const slurm = onSlurm ? await readSlurmOptions(options, context.cwd) : undefined;
    const { findPipeline } = await import('../stages/load-pipeline.ts');
    const steps = wantsSteps(options);
    const changes = (options.set as Record<string, string> | undefined) ?? {};
    const found = findPipeline(pipelineName, context.cwd, { steps, changes });
    if ('staged' in found) {
      if (onSlurm) throw stepsOnSlurm(found.file);
      applyInputs(found.staged, options, context.cwd);
      return runStaged(context, found, options);
    }
    const { config, file, text } = found;
    if (steps) throw noSteps(file, pipelineName, options);
    applyFlags(config, options, context.cwd, file);
    if (config.inputs.length === 0) {
      throw new UserError(`${file}: no inputs`, {
        hint: 'add inputs to the pipeline file or give --input <path>',
      });
    }
    const benchmarks = await countBenchmarks(config, context);
    if (benchmarks.length === 0 && /^decontaminate:/m.test(text)) {
      const missing =
        'no benchmark is given, so nothing is decontaminated; give one with --benchmark <card>=<file>, for example gsm8k-test=gsm8k-test.jsonl';
      context.emit({ kind: 'message', level: 'warn', text: missing });
    }
    const limit = options.limit as number | undefined;
    const { signal, emit } = context;
    const common = { file, text, emit, signal, ...(limit === undefined ? {} : { limit }) };
    const out = resolve(context.cwd, (options.out as string | undefined) ?? `runs/filter-${config.name}`);
    const fresh = options.fresh === true;
    if (onSlurm) {
      const { filterOnSlurm } = await import('./filter-on-slurm.ts');
      const { dryRun, wait } = options;
      const how = { slurm, dryRun: dryRun === true, wait: wait === true };
      return filterOnSlurm(context, config, { ...common, out, fresh }, how);
    }
    if (options.dryRun === true) {
      const { planCorpus } = await import('../jobs/plan-corpus.ts');
      const plan = await planCorpus(config, common);
      context.write(
        context.json
          ? `${JSON.stringify({ ...plan, benchmarks }, null, 2)}\n`
          : describePlan(plan, benchmarks),
      );
      return plan.unreadable.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
    }
    const { filterCorpus, filterRank } = await import('../jobs/filter-corpus.ts');
    const workers = options.workers as number | undefined;
    await refuseWhileQueued(context, out, fresh);
    const job = { ...common, out, ...(workers === undefined ? {} : { workers }) };
    const rank = options.rank as { rank: number; ranks: number } | undefined;
    if (rank !== undefined) {
      const without = limit !== undefined ? '--limit' : fresh ? '--fresh' : undefined;
      if (without !== undefined) {
        throw new UserError(`${without} concerns the whole job and cannot be given with --rank`, {
          hint: `leave out ${without}, or --rank`,
        });
      }
      reportRank(context, await filterRank(config, job, rank));
      return exitCodes.done;
    }
    const result = await filterCorpus(config, { ...job, fresh });
    reportFilter(context, result.folder, result.summary);
    return result.complete ? exitCodes.done : exitCodes.someInputsFailed;
  },
};

/**
 * The items of every benchmark: read before anything is written, so that a wrong card, path or file shape is told at once, by --dry-run too.
 */
async function countBenchmarks(config: FilterConfig, context: CommandContext): Promise<BenchmarkCount[]> {
  const { benchmarks } = config.decontaminate;
  if (benchmarks.length === 0) return [];
  const [{ readBenchmark }, { builtInCards }] = await Promise.all([
    import('../stages/prepare-benchmarks.ts'),
    import('../../mixtures/load.ts'),
  ]);
  const cards = builtInCards();
  const counts: BenchmarkCount[] = [];
  for (const { card, path } of benchmarks) {
    const near = card.endsWith('.md') || cards.includes(card) ? undefined : nearest(card, cards);
    if (near !== undefined) {
      const text = `no data card is called ${card} (did you mean ${near}?); its file is read by the usual column names`;
      context.emit({ kind: 'message', level: 'warn', text });
    }
    counts.push({ card, path, items: (await readBenchmark({ card, path })).length });
  }
  return counts;
}

/** Flags that do not go with --executor slurm, and why. */
const notOnSlurm = {
  limit: 'a limit counts documents in order, which ranks at work at the same time cannot',
  rank: 'the ranks are given out by the scheduler',
  workers: 'the threads of a job are cpus in slurm.yaml',
};

function stepsOnSlurm(file: string): UserError {
  return new UserError(
    `${file} has steps, and --executor slurm is for pipelines of one pass: labelling and training between the steps need one process`,
    { hint: 'leave out --executor slurm, or give a pipeline of one pass (midtrain filter --list)' },
  );
}

const documentColumns = ['text', 'html', 'id', 'url', 'date'] as const;

function noSteps(file: string, name: string, options: Record<string, unknown>): UserError {
  const flags = stepOptions.map(({ flags: written }) => written.split(' ')[0]!);
  const camel = (flag: string): string =>
    flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const given = flags.filter((flag) => options[camel(flag)] !== undefined);
  return new UserError(`${given.join(', ')}: ${file} has no steps that could use it`, {
    hint: `leave it out, or see which pipelines have steps: midtrain filter --list (not ${name})`,
  });
}

/** What to read, and what its columns are called. */
function applyInputs(
  config: Pick<FilterConfig, 'inputs'>,
  options: Record<string, unknown>,
  cwd: string,
): void {
  const at = (path: string): string => (path.includes('://') ? path : resolve(cwd, path));
  const inputs = options.input as string[] | undefined;
  if (inputs !== undefined) {
    config.inputs = inputs.map((path) => ({ path: at(path), format: 'auto', columns: {} }));
  }
  const columns = options.column as Record<string, string> | undefined;
  for (const name of Object.keys(columns ?? {})) {
    if (!(documentColumns as readonly string[]).includes(name)) {
      throw new UserError(`--column ${name}=${columns![name]}: there is no document column ${name}`, {
        hint: `the document columns are ${documentColumns.join(', ')}: --column text=content`,
      });
    }
  }
  for (const input of config.inputs) Object.assign(input.columns, columns);
}

/** Flags win over the file. */
function applyFlags(config: FilterConfig, options: Record<string, unknown>, cwd: string, file: string): void {
  const at = (path: string): string => (path.includes('://') ? path : resolve(cwd, path));
  applyInputs(config, options, cwd);
  if (options.dropped === true) config.output.dropped = true;
  for (const [name, path] of Object.entries((options.model as Record<string, string> | undefined) ?? {})) {
    const classifier = config.classifiers.find((c) => c.name === name);
    if (classifier === undefined) {
      const known = config.classifiers.map((c) => c.name);
      const near = nearest(name, known);
      throw new UserError(`--model ${name}: ${file} has no classifier of that name`, {
        hint:
          near !== undefined
            ? `did you mean ${near}?`
            : known.length === 0
              ? 'this pipeline has no classifiers'
              : `its classifiers are ${known.join(', ')}`,
      });
    }
    classifier.model = placeOfModel(path, at);
  }
  const { benchmarks } = config.decontaminate;
  for (const [card, path] of Object.entries(
    (options.benchmark as Record<string, string> | undefined) ?? {},
  )) {
    const known = benchmarks.find((benchmark) => benchmark.card === card);
    if (known === undefined) benchmarks.push({ card, path: at(path) });
    else known.path = at(path);
  }
}

type RankResult = Awaited<ReturnType<typeof import('../jobs/filter-corpus.ts')['filterRank']>>;

function reportRank(context: CommandContext, result: RankResult): void {
  const { folder, rank, units, own, measured, finished } = result;
  if (context.json) {
    context.write(`${JSON.stringify({ folder, ...rank, units, own, measured, finished }, null, 2)}\n`);
    return;
  }
  const next =
    finished === units
      ? 'all units are finished: run the command without --rank to write the ledger'
      : measured === units
        ? 'all units are measured: run the command without --rank to drop duplicates and finish'
        : `${units - measured} units are left to other ranks`;
  context.write(
    `rank ${rank.rank} of ${rank.ranks}: ${own} of ${units} units are its own; ${measured} measured, ${finished} finished; ${next}\n`,
  );
}
