/** `midtrain eval`: accuracy of models on problem sets, and comparing two evaluations. Maps flags to trainer/evaluation/evaluate-problems.ts. */
import type { EvaluationResult } from '../../trainer/evaluation/evaluate-problems.ts';
import { exitCodes, UserError } from '../core/errors.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import { choiceValue, integerValue, listValue, numberValue } from './parse.ts';
import { withGpu } from './with-gpu.ts';
import { writeResult } from './write-result.ts';

export const command: Command = {
  name: 'eval',
  summary: 'accuracy, pass@k and maj@k of models on benchmarks and own problems',
  description:
    'Asks a model every problem of one or more sets and grades what it writes. A set is a benchmark by name (gsm8k, math, math-500, olympiadbench, amc23, ' +
    'svamp, asdiv, mawps, aqua, mathqa, mmlu-stem, sat-math ...; it is fetched from the Hub), name=file for a copy of your own, suite:octothinker for ' +
    'all of a published set, or a file of your own (JSONL, JSON, Parquet, also of verl, Arrow; patterns and hf:// too). Greedy by default; with --samples it ' +
    'draws several answers a problem and gives unbiased pass@k and maj@k. With --out every text and verdict is kept as Parquet, and a stopped evaluation ' +
    'goes on where it was. Several models, or --compare with two result folders, are compared problem by problem (McNemar, paired bootstrap).',
  arguments: [
    {
      name: 'model',
      description: 'checkpoints or Hugging Face folders; with --compare two result folders',
      required: true,
      variadic: true,
    },
  ],
  options: [
    {
      flags: '--problems <set>',
      description: 'benchmark, name=file, file or suite:name; may be repeated',
      parse: listValue(),
    },
    { flags: '--levels <levels>', description: 'only problems of these levels, such as 3-5 (MATH)' },
    { flags: '--subjects <names>', description: 'only problems of these subjects, by commas' },
    {
      flags: '--count <n>',
      description: 'only the first so many of each set',
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--template <name>',
      description: "simple, complex, question, chat (the tokenizer's own), or a text with {question}",
      default: 'simple',
    },
    { flags: '--system <text>', description: 'system message, with --template chat' },
    {
      flags: '--few-shot <n>',
      description: "worked examples in front; usual takes each benchmark's number",
      default: '0',
    },
    {
      flags: '--exemplars <set>',
      description:
        'where they are from: gsm, math, choice-4, choice-5 (own words), or problems with solutions',
    },
    {
      flags: '--target-delimiter <text>',
      description:
        "between an example's prompt and its solution, such as a space (lm-eval's default); none by default",
    },
    {
      flags: '--extract <how>',
      description:
        "how answers are found: boxed, hash, final-line, choice or auto (default: the benchmark's, else boxed)",
      parse: choiceValue(['auto', 'boxed', 'hash', 'final-line', 'choice']),
    },
    {
      flags: '--mode <mode>',
      description: 'generate, or choices: take the likeliest choice (multiple choice)',
      default: 'generate',
      parse: choiceValue(['generate', 'choices']),
    },
    {
      flags: '--choice-score <by>',
      description: 'with --mode choices: letter, or text (per byte)',
      default: 'letter',
      parse: choiceValue(['letter', 'text']),
    },
    { flags: '--temperature <t>', description: '0 is greedy', default: 0, parse: numberValue({ min: 0 }) },
    {
      flags: '--top-p <p>',
      description: 'draw from this share of the likeliest',
      default: 1,
      parse: numberValue({ min: 0, max: 1 }),
    },
    {
      flags: '--top-k <k>',
      description: 'draw from the k likeliest; 0 is all',
      default: 0,
      parse: integerValue({ min: 0 }),
    },
    {
      flags: '--min-p <p>',
      description: 'draw from tokens this likely beside the likeliest',
      default: 0,
      parse: numberValue({ min: 0, max: 1 }),
    },
    {
      flags: '--samples <n>',
      description: 'answers to each problem',
      default: 1,
      parse: integerValue({ min: 1, max: 4096 }),
    },
    {
      flags: '--k <list>',
      description: 'the ks of pass@k and maj@k, such as 1,4,16 (default: powers of two)',
    },
    {
      flags: '--max-tokens <n>',
      description: 'most tokens of an answer',
      default: 256,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--stop <text>',
      description: 'end an answer here; may be repeated (default: with the template)',
      parse: listValue(),
    },
    {
      flags: '--batch <n>',
      description: 'answers written side by side; changes no result',
      default: 64,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--prompt-prefix <token>',
      description: 'token before each prompt: auto, bos, eos or none',
      default: 'auto',
      parse: choiceValue(['auto', 'bos', 'eos', 'none']),
    },
    {
      flags: '--seed <n>',
      description: 'decides samples, drawn examples and intervals',
      default: 0,
      parse: integerValue({ min: 0 }),
    },
    {
      flags: '-o, --out <folder>',
      description: 'keep texts and verdicts here, and go on from what is there',
    },
    { flags: '--compare', description: 'compare two result folders problem by problem; no model is loaded' },
    dryRunOption,
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
      what: 'pass@1 to pass@16 and maj@16 before RL',
    },
    {
      command:
        'midtrain eval models/llama-3b --problems gsm8k --problems math-500 --few-shot usual --max-tokens 1024 --out runs/eval/llama-3b',
      what: 'two benchmarks as base models are given them, every answer kept',
    },
    {
      command: 'midtrain eval models/llama-3b --problems mmlu-stem --mode choices --few-shot 4',
      what: 'multiple choice by log-probability',
    },
    {
      command: 'midtrain eval --compare runs/eval/base runs/eval/rl',
      what: 'which problems the second model gained and lost, and whether that is chance',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const { resolve } = await import('node:path');
  const text = await import('./eval-text.ts');
  if (options.compare === true) {
    if (args.length !== 2)
      throw new UserError(`--compare takes two result folders, not ${args.length}`, {
        hint: 'midtrain eval --compare runs/eval/base runs/eval/rl',
      });
    const { compareFolders } = await import('../../trainer/evaluation/compare-folders.ts');
    const folders = args.map((folder) => resolve(context.cwd, folder)) as [string, string];
    const compared = await compareFolders(folders[0], folders[1], options.seed as number);
    writeResult(
      context,
      { first: folders[0], second: folders[1], ...compared },
      text.comparisonText(args[0]!, args[1]!, compared),
    );
    return exitCodes.done;
  }
  const { ksOf, outFolders, requestOf } = await import('./eval-request.ts');
  const request = requestOf(options, context.cwd);
  const { modelFolder, withHub } = await import('./hub-config.ts');
  const { hubNameOfCached } = await import('../io/hub-model.ts');
  request.sets = await withHub(context, request.sets);
  const models: string[] = [];
  for (const model of args)
    models.push(await modelFolder(context, model, options.dryRun === true ? 'shape' : 'weights'));
  const outs = outFolders(
    models.map((model) => hubNameOfCached(model) ?? model),
    options.out as string | undefined,
    context.cwd,
  );
  const { planEvaluation } = await import('../../trainer/evaluation/plan-evaluation.ts');
  if (options.dryRun === true) {
    const plans: Awaited<ReturnType<typeof planEvaluation>>[] = [];
    for (const model of models) plans.push(await planEvaluation(model, request));
    writeResult(context, plans.map(text.planFacts), plans.map(text.planText).join('\n'));
    return exitCodes.done;
  }
  const { carryOut } = await import('../../trainer/evaluation/evaluate-problems.ts');
  const ks = options.k === undefined ? undefined : ksOf(options.k as string, request.samples);
  const results: EvaluationResult[] = [];
  for (const [i, model] of models.entries()) {
    // Planned before a device is opened: a wrong name costs no waiting.
    const plan = await planEvaluation(model, request);
    const output = { out: outs[i], batch: options.batch as number, ks };
    results.push(await withGpu((gpu) => carryOut(gpu, plan, output, context.emit, context.signal)));
  }
  const { compareResults } = await import('../../trainer/evaluation/compare-folders.ts');
  const comparisons = results.slice(1).map((second) => ({
    first: results[0]!.model,
    second: second.model,
    ...compareResults(results[0]!.graded, second.graded, request.seed),
  }));
  writeResult(
    context,
    { models: results.map(text.resultFacts), ...(comparisons.length === 0 ? {} : { comparisons }) },
    [
      ...results.map(text.resultText),
      ...comparisons.map((one) => text.comparisonText(one.first, one.second, one)),
    ].join('\n'),
  );
  return exitCodes.done;
}
