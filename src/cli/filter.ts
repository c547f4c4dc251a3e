/** `midtrain filter`: a batch job over many files: extract, measure, decide, drop duplicates; resumable. */
import { resolve } from 'node:path';
import { exitCodes, UserError } from '../core/errors.ts';
import type { FilterSummary } from '../jobs/summary.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import { integerValue, listValue } from './parse.ts';

export const command: Command = {
  name: 'filter',
  summary: 'extract, measure, filter and deduplicate pages; resumable',
  description:
    'Runs a pipeline over Parquet, JSONL (plain, gzip, zstd) or folders of HTML, and writes the kept documents as Parquet with ' +
    'every signal as a column. The pipeline is a YAML file or the name of a built-in one: math-web (mathematical web pages, ' +
    'formulas masked) or web (Gopher and FineWeb quality as datatrove applies them). Stopped at any point, the same command goes ' +
    'on where it was; the output does not depend on the number of workers. Exit code 2: done, but some input could not be read.',
  arguments: [
    { name: 'pipeline', description: 'a pipeline file (YAML), or math-web or web', required: true },
  ],
  options: [
    {
      flags: '-i, --input <path>',
      description: 'file or folder to read instead of the inputs of the pipeline file; may be repeated',
      parse: listValue(),
    },
    { flags: '-o, --out <folder>', description: 'the run folder (default: runs/filter-<name>)' },
    {
      flags: '--workers <n>',
      description: 'worker threads (default: one per core)',
      parse: integerValue({ min: 1, max: 1024 }),
    },
    { flags: '--limit <n>', description: 'read at most n documents', parse: integerValue({ min: 1 }) },
    { flags: '--dropped', description: 'also write the dropped documents, with the reason, to dropped/' },
    { flags: '--fresh', description: 'delete what an earlier run left in the folder and start anew' },
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
  ],
  async run(context, [pipelineName], options) {
    const { loadPipeline } = await import('../stages/filter-config.ts');
    const pipeline = loadPipeline(pipelineName!, context.cwd);
    const { config, file, text } = pipeline;
    const inputs = options.input as string[] | undefined;
    if (inputs !== undefined) {
      config.inputs = inputs.map((path) => ({
        path: resolve(context.cwd, path),
        format: 'auto',
        columns: {},
      }));
    }
    if (options.dropped === true) config.output.dropped = true;
    if (config.inputs.length === 0) {
      throw new UserError(`${file}: no inputs`, {
        hint: 'add inputs to the pipeline file or give --input <path>',
      });
    }
    const limit = options.limit as number | undefined;
    const common = { file, text, emit: context.emit, ...(limit === undefined ? {} : { limit }) };
    const { filterCorpus, planCorpus } = await import('../jobs/filter-corpus.ts');
    if (options.dryRun === true) {
      const plan = await planCorpus(config, common);
      context.write(context.json ? `${JSON.stringify(plan, null, 2)}\n` : describePlan(plan));
      return plan.unreadable.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
    }
    const workers = options.workers as number | undefined;
    const out = resolve(context.cwd, (options.out as string | undefined) ?? `runs/filter-${config.name}`);
    const result = await filterCorpus(config, {
      ...common,
      out,
      signal: context.signal,
      fresh: options.fresh === true,
      ...(workers === undefined ? {} : { workers }),
    });
    report(context, result.folder, result.summary);
    return result.complete ? exitCodes.done : exitCodes.someInputsFailed;
  },
};

function report(context: CommandContext, folder: string, summary: FilterSummary): void {
  if (context.json) {
    context.write(`${JSON.stringify({ folder, ...summary }, null, 2)}\n`);
    return;
  }
  const { ledger } = summary;
  const lines = [
    `${ledger.in} documents in, ${ledger.kept} kept (${percent(ledger.kept, ledger.in)})`,
    ...table(Object.entries(ledger.dropped), 'dropped', ledger.in),
    ...table(Object.entries(ledger.failed), 'failed', ledger.in),
  ];
  for (const { file, place, problem } of summary.failures.slice(0, 10)) {
    lines.push(`  ${file}${place === undefined ? '' : ` (${place})`}: ${problem}`);
  }
  if (summary.failures.length > 10)
    lines.push(`  and ${summary.failures.length - 10} more, see ${folder}/run.json`);
  lines.push(
    `kept ${megabytes(summary.keptTextBytes)} of ${megabytes(summary.textBytes)} of text, in ${folder}/kept`,
    '',
  );
  context.write(lines.join('\n'));
}

function table(counts: [string, number][], what: string, total: number): string[] {
  return counts
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(
      ([reason, n]) =>
        `  ${what.padEnd(8)}${String(n).padStart(9)}  ${percent(n, total).padStart(6)}  ${reason}`,
    );
}

function describePlan(plan: FilterPlan): string {
  const bytes = plan.units.reduce((sum, unit) => sum + unit.read.bytes, 0);
  const lines = [
    `${plan.name}: ${plan.inputs.length} inputs, ${megabytes(bytes)}, ${plan.units.length} units of work (plan ${plan.hash})`,
    `signals: ${plan.filter.families.join(', ')}; math ${plan.filter.math}; dedup ${plan.filter.dedup}`,
    'rules, in order:',
    ...plan.filter.rules.map(
      ({ signal, side, bound, reason }) =>
        `  ${signal.padEnd(28)} ${side === 'min' ? '>=' : '<='} ${bound}  else ${reason}`,
    ),
    'units:',
    ...plan.units.slice(0, 20).map(({ name, read }) => `  ${name}  ${megabytes(read.bytes)}`),
  ];
  if (plan.units.length > 20) lines.push(`  and ${plan.units.length - 20} more`);
  for (const { file, problem } of plan.unreadable) lines.push(`cannot be read: ${file}: ${problem}`);
  for (const warning of plan.warnings) lines.push(`note: ${warning}`);
  return `${lines.join('\n')}\n`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 2 : 0)} MB`;
}
