/** `midtrain eval`: accuracy of a model on a problem set. */
import { exitCodes } from '../core/errors.ts';
import { type Command, jsonOption } from './command.ts';
import { choiceValue, integerValue, numberValue } from './parse.ts';
import { withGpu } from './with-gpu.ts';
import { percent, writeResult } from './write-result.ts';

export const command: Command = {
  name: 'eval',
  summary: 'accuracy and pass@k of a model on problems with known answers',
  description:
    'Asks the model every problem of a JSONL file ("question" and "answer" in each line) and checks the last \\boxed{} of what it writes. ' +
    'Greedy by default; with --samples it draws several answers and reports pass@k.',
  arguments: [{ name: 'model', description: 'checkpoint or Hugging Face folder', required: true }],
  options: [
    { flags: '--problems <file>', description: 'JSONL with question and answer' },
    {
      flags: '--template <name>',
      description: 'simple, complex, or a text with {question}',
      default: 'simple',
    },
    { flags: '--temperature <t>', description: '0 is greedy', default: 0, parse: numberValue({ min: 0 }) },
    {
      flags: '--samples <n>',
      description: 'answers to each problem',
      default: 1,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--count <n>',
      description: 'problems to ask, from the first',
      default: 1000000,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--max-tokens <n>',
      description: 'most tokens of an answer',
      default: 256,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--batch <n>',
      description: 'problems answered side by side',
      default: 64,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--prompt-prefix <token>',
      description: 'token before each prompt: auto, bos, eos or none',
      default: 'auto',
      parse: choiceValue(['auto', 'bos', 'eos', 'none']),
    },
    { flags: '--seed <n>', description: 'decides the samples', default: 0, parse: integerValue({ min: 0 }) },
    jsonOption,
  ],
  examples: [
    {
      command:
        'midtrain eval runs/demo/grpo/checkpoints/step-0000040 --problems runs/demo/problems/heldout.jsonl --max-tokens 32',
      what: 'greedy accuracy of the model that `midtrain demo` left behind',
    },
    {
      command:
        'midtrain eval runs/demo/train/decay/checkpoints/step-0000620 --problems runs/demo/problems/heldout.jsonl --max-tokens 32 --temperature 1 --samples 16 --count 64',
      what: 'pass@1 to pass@16 before RL',
    },
  ],
  async run(context, args, options) {
    const { resolve } = await import('node:path');
    const { UserError } = await import('../core/errors.ts');
    if (options.problems === undefined)
      throw new UserError('no problems given', { hint: 'add --problems <file.jsonl>' });
    const { evaluateProblems } = await import('../../trainer/evaluate-problems.ts');
    const { defaultStopStrings } = await import('../../trainer/grpo/templates.ts');
    const request = {
      problems: resolve(context.cwd, options.problems as string),
      template: options.template as string,
      reward: 'boxed',
      promptPrefix: options.promptPrefix as 'auto',
      stopStrings: defaultStopStrings,
      temperature: options.temperature as number,
      samples: options.samples as number,
      count: options.count as number,
      maxTokens: options.maxTokens as number,
      batch: options.batch as number,
      seed: options.seed as number,
    };
    const { rollouts, ...summary } = await withGpu((gpu) =>
      evaluateProblems(gpu, args[0]!, request, context.emit, context.signal),
    );
    const answers = rollouts.map((r) => ({
      id: r.problem.id,
      answer: r.answer ?? null,
      expected: r.problem.expected,
      correct: r.correct,
    }));
    const passes = Object.entries(summary.passAt).map(([k, value]) => `pass@${k} ${percent(value)}`);
    writeResult(
      context,
      { ...summary, answers },
      `accuracy ${percent(summary.accuracy)} (95 % interval ${percent(summary.interval[0])} to ${percent(summary.interval[1])}) on ${summary.problems} problems; ${passes.join(', ')}; mean length ${summary.meanLength.toFixed(1)} tokens, ${percent(summary.truncated)} cut off\n`,
    );
    return exitCodes.done;
  },
};
