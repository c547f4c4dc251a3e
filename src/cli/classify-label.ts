/** `midtrain classify label`: scores by a language model, as labels for a classifier. Maps flags to src/stages/judge-label.ts. */
import type { LabelSummary } from '../stages/judge-label.ts';
import { chatJob, chatOptions, outcomeLines } from './chat-flags.ts';
import { inputsOf } from './classify-inputs.ts';
import type { Command, CommandContext } from './command.ts';
import { integerValue } from './parse.ts';
import { runChatCommand } from './run-chat-command.ts';

export const labelCommand: Command = {
  name: 'label',
  summary: 'let a language model grade documents from 0 to 5',
  description:
    'Asks any OpenAI-compatible endpoint for a score of each document and writes labels.parquet: id, text, score, justification, reason, tokens. ' +
    'Rubrics: usefulness (for learning mathematics, additive 0 to 5, as FineMath), relevance (how much is mathematics, 0 to 5, as MegaMath), or a ' +
    'Markdown file with front matter (name, label or pattern, range). A score that cannot be read is asked for again, then counted as unparsed, never as 0. ' +
    'Every answer is in journal.jsonl before it is used: a run that was killed, or stopped by its budget, goes on where it was and pays for no answer ' +
    'twice. Keys come from the environment only. Exit code 2: done, but some documents have no answer.',
  arguments: [
    {
      name: 'inputs',
      description: 'filter runs, files, folders or patterns',
      required: true,
      variadic: true,
    },
  ],
  options: [
    { flags: '--rubric <name|file>', description: 'what is graded', default: 'usefulness' },
    {
      flags: '-o, --out <folder>',
      description: 'the folder of labels, journal and record',
      default: 'runs/labels',
    },
    {
      flags: '--max-repairs <n>',
      description: 'further questions after an answer without a score',
      default: 2,
      parse: integerValue({ min: 0, max: 10 }),
    },
    {
      flags: '--group <column>',
      description: 'column that becomes group (default: group, else the year of date)',
    },
    ...chatOptions(512, 0),
  ],
  examples: [
    {
      command:
        'midtrain classify label sample.parquet --endpoint http://localhost:8000/v1 --model meta-llama/Llama-3.3-70B-Instruct --out runs/labels',
      what: 'grade a sample with a model of your own server',
    },
    {
      command:
        'midtrain classify label sample.parquet --endpoint https://api.openai.com --model gpt-4.1-mini --price-input 0.4 --price-output 1.6 --dry-run',
      what: 'requests, tokens and cost before anything is asked',
    },
    {
      command:
        'midtrain classify label runs/math --rubric relevance --endpoint localhost:8000 --model judge --budget-tokens 20M --concurrency 64',
      what: 'what a filter run kept, within a budget',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const { estimateLabels, labelFiles } = await import('../stages/judge-label.ts');
  const { loadRubric } = await import('../stages/load-judge-prompt.ts');
  const job = {
    ...chatJob(inputsOf(args, context.cwd, options), options, context),
    rubric: loadRubric(options.rubric as string, context.cwd),
    maxRepairs: options.maxRepairs as number,
    group: options.group as string | undefined,
  };
  const tell = (summary: LabelSummary): string[] => {
    const { ledger, scores, rows, file, cropped, repaired } = summary;
    return [
      ...Object.entries(scores).map(
        ([score, n]) => `  score ${score.padEnd(10)} ${n.toLocaleString('en-US')}`,
      ),
      ...outcomeLines(summary),
      ...(cropped > 0
        ? [
            `${cropped.toLocaleString('en-US')} ${cropped === 1 ? 'document was' : 'documents were'} judged by ${cropped === 1 ? 'its' : 'their'} beginning`,
          ]
        : []),
      ...(repaired > 0
        ? [
            `${repaired.toLocaleString('en-US')} ${repaired === 1 ? 'document' : 'documents'} took more than one answer`,
          ]
        : []),
      `${file}: ${rows.toLocaleString('en-US')} documents, ${ledger.kept.toLocaleString('en-US')} with a score`,
    ];
  };
  return runChatCommand(context, options, job, { estimate: estimateLabels, carryOut: labelFiles, tell });
}
