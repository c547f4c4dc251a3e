/** `midtrain classify refine`: documents rewritten by a language model. Maps flags to src/stages/refine-files.ts. */
import type { RefineSummary } from '../stages/refine-files.ts';
import { chatJob, chatOptions, outcomeLines } from './chat-flags.ts';
import { inputsOf } from './classify-inputs.ts';
import type { Command, CommandContext } from './command.ts';
import { numberValue } from './parse.ts';
import { runChatCommand } from './run-chat-command.ts';

export const refineCommand: Command = {
  name: 'refine',
  summary: 'let a language model rewrite documents that were kept',
  description:
    'Sends documents to any OpenAI-compatible endpoint, long ones in pieces cut at paragraphs, and writes what comes back to kept/, with the columns that ' +
    'the documents had, so that the folder is an input of mix like a filter run. A text that is empty, cut off, refused, looping, copied, or far from the ' +
    'length of the original is dropped with its reason (dropped.parquet). Every answer is in journal.jsonl before it is used: a run that was killed, or ' +
    'stopped by its budget, goes on where it was and pays for no answer twice. Keys come from the environment only. Exit code 2: done, but some documents ' +
    'have no answer.',
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
      flags: '--prompt <name|file>',
      description: 'megamath-web-pro, megamath-web-pro-max, or a file with {text} in it',
      default: 'megamath-web-pro-max',
    },
    {
      flags: '-o, --out <folder>',
      description: 'the folder of results, journal and record',
      default: 'runs/refined',
    },
    {
      flags: '--min-length-ratio <r>',
      description: 'least length of a refined text for one character of the original',
      default: 0.1,
      parse: numberValue({ min: 0 }),
    },
    {
      flags: '--max-length-ratio <r>',
      description: 'greatest length',
      default: 3,
      parse: numberValue({ min: 0 }),
    },
    { flags: '--keep-copied', description: 'keep texts that came back as they were' },
    ...chatOptions(8192, 0),
  ],
  examples: [
    {
      command:
        'midtrain classify refine runs/math --endpoint http://localhost:8000/v1 --model meta-llama/Llama-3.3-70B-Instruct --out runs/refined',
      what: 'rewrite what a filter run kept',
    },
    {
      command:
        'midtrain classify refine runs/math --endpoint localhost:8000 --model refiner --limit 100 --dry-run',
      what: 'requests and tokens before anything is asked',
    },
    {
      command:
        'midtrain classify refine docs.jsonl --prompt megamath-web-pro --endpoint https://openrouter.ai/api/v1 --model meta-llama/llama-3.3-70b-instruct --api-key-env OPENROUTER_API_KEY --price-input 0.1 --price-output 0.3 --budget-usd 5',
      what: 'three instructions instead of four, for at most five dollars',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const { estimateRefinement, refineFiles } = await import('../stages/refine-files.ts');
  const { loadRefinePrompt } = await import('../stages/load-judge-prompt.ts');
  const job = {
    ...chatJob(inputsOf(args, context.cwd, options), options, context),
    prompt: loadRefinePrompt(options.prompt as string, context.cwd),
    checks: {
      minLengthRatio: options.minLengthRatio as number,
      maxLengthRatio: options.maxLengthRatio as number,
      keepCopied: options.keepCopied === true,
    },
  };
  const tell = (summary: RefineSummary): string[] => {
    const { ledger, files, charactersIn, charactersOut } = summary;
    const ratio =
      charactersIn === 0 ? '' : `, ${((100 * charactersOut) / charactersIn).toFixed(0)} % of their length`;
    return [
      ...outcomeLines(summary),
      `${job.out}: ${ledger.kept.toLocaleString('en-US')} of ${ledger.in.toLocaleString('en-US')} documents refined in ${files} files${ratio}`,
    ];
  };
  return runChatCommand(context, options, job, {
    estimate: estimateRefinement,
    carryOut: refineFiles,
    tell,
  });
}
