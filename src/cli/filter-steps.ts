/** `midtrain filter` of a pipeline with steps: flags to parameters, the plan with what it can cost, the job, what it came to. */
import { resolve } from 'node:path';
import { exitCodes, UserError } from '../core/errors.ts';
import type { StagedSummary } from '../jobs/staged-summary.ts';
import { shellWord } from '../report/shell-word.ts';
import { placeOfModel } from '../stages/bundled-model.ts';
import type { StepEstimate } from '../stages/estimate-steps.ts';
import type { LoadedStaged } from '../stages/load-pipeline.ts';
import type { PlannedStep, StepPlan } from '../stages/plan-steps.ts';
import type { StagedParameters } from '../stages/staged-parameters.ts';
import type { CommandContext, CommandOption } from './command.ts';
import { aligned, count } from './describe-ledger.ts';
import { amountValue, assignmentsValue, integerValue, listValue } from './parse.ts';

/** Flags that only pipelines with steps have; one of them chooses the form with steps of a built-in pipeline that has both. */
export const stepOptions: readonly CommandOption[] = [
  {
    flags: '--endpoint <url>',
    description:
      'pipelines with steps: the OpenAI-compatible server that labels and refines, for example http://localhost:8000/v1',
  },
  { flags: '--judge-model <name>', description: 'pipelines with steps: the model that labels' },
  {
    flags: '--refine-model <name>',
    description: 'pipelines with steps: the model that refines (default: the judge)',
  },
  {
    flags: '--api-key-env <name>',
    description: 'pipelines with steps: the environment variable that holds the key',
  },
  {
    flags: '--concurrency <n>',
    description: 'pipelines with steps: requests under way at once',
    parse: integerValue({ min: 1, max: 4096 }),
  },
  {
    flags: '--budget-tokens <n>',
    description: 'pipelines with steps: stop before more tokens, sent and received, were paid for (20M)',
    parse: amountValue,
  },
  {
    flags: '--positive <path>',
    description: 'pipelines with steps: documents that the first classifier should find; may be repeated',
    parse: listValue(),
  },
  {
    flags: '--negative <path>',
    description: 'pipelines with steps: documents that it should not find; may be repeated',
    parse: listValue(),
  },
  {
    flags: '--set <step.key=value>',
    description: 'pipelines with steps: another value for a key of a step; may be repeated',
    parse: assignmentsValue('sample.count=1000'),
  },
];

const stepFlags = [
  'endpoint',
  'judgeModel',
  'refineModel',
  'apiKeyEnv',
  'concurrency',
  'budgetTokens',
  'positive',
  'negative',
  'set',
] as const;

/** Whether a flag was given that means steps. */
export function wantsSteps(options: Record<string, unknown>): boolean {
  return stepFlags.some((flag) => options[flag] !== undefined);
}

/** Runs a pipeline with steps; its inputs have been set. */
export async function runStaged(
  context: CommandContext,
  loaded: LoadedStaged,
  options: Record<string, unknown>,
): Promise<number> {
  const { staged, file, text } = loaded;
  for (const flag of ['rank', 'dropped'] as const) {
    if (options[flag] === undefined) continue;
    throw new UserError(`--${flag} is for pipelines of one pass, and ${file} has steps`, {
      hint: flag === 'dropped' ? 'set it for one step: --set <step>.output.dropped=true' : 'run it without',
    });
  }
  if (staged.inputs.length === 0) {
    throw new UserError(`${file}: no inputs`, {
      hint: 'add inputs to the pipeline file or give --input <path>',
    });
  }
  const [{ planSteps }, { checkSteps }] = await Promise.all([
    import('../stages/plan-steps.ts'),
    import('../stages/check-steps.ts'),
  ]);
  const plan = planSteps(staged, file, parametersOf(options, context.cwd));
  await checkSteps(plan, file, context.cwd);
  const out = resolve(context.cwd, (options.out as string | undefined) ?? `runs/filter-${staged.name}`);
  const withoutBenchmarks = staged.steps.filter(
    (step) => step.step === 'filter' && step.decontaminate !== undefined,
  );
  const benchmarks = plan.steps.some(
    ({ config }) => config.step === 'filter' && (config.decontaminate?.benchmarks.length ?? 0) > 0,
  );
  if (withoutBenchmarks.length > 0 && !benchmarks) {
    const missing =
      'no benchmark is given, so nothing is decontaminated; give one with --benchmark <card>=<file>, for example gsm8k-test=gsm8k-test.jsonl';
    context.emit({ kind: 'message', level: 'warn', text: missing });
  }
  const { emit, signal } = context;
  if (options.dryRun === true) {
    const estimates = await estimatesOf(staged.inputs, plan, context);
    context.write(
      context.json
        ? `${JSON.stringify({ ...plan, inputs: staged.inputs, estimates }, null, 2)}\n`
        : describeSteps(plan, estimates, staged.inputs.length),
    );
    return exitCodes.done;
  }
  const { runSteps } = await import('../jobs/staged-job.ts');
  const workers = options.workers as number | undefined;
  const limit = options.limit as number | undefined;
  const result = await runSteps(plan, staged.inputs, {
    out,
    text,
    file,
    emit,
    signal,
    fresh: options.fresh === true,
    ...(workers === undefined ? {} : { workers }),
    ...(limit === undefined ? {} : { limit }),
  });
  context.write(
    context.json
      ? `${JSON.stringify({ folder: result.folder, ...result.summary }, null, 2)}\n`
      : describeResult(result.folder, result.summary, context.cwd),
  );
  return result.complete ? exitCodes.done : exitCodes.someInputsFailed;
}

function parametersOf(options: Record<string, unknown>, cwd: string): StagedParameters {
  const at = (path: string): string => (path.includes('://') ? path : resolve(cwd, path));
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const benchmarks = Object.entries((options.benchmark as Record<string, string> | undefined) ?? {});
  const endpoint = {
    url: text('endpoint'),
    model: text('judgeModel'),
    refineModel: text('refineModel'),
    apiKeyEnv: text('apiKeyEnv'),
    concurrency: options.concurrency as number | undefined,
  };
  return {
    models: Object.fromEntries(
      Object.entries((options.model as Record<string, string> | undefined) ?? {}).map(([name, model]) => [
        name,
        placeOfModel(model, at),
      ]),
    ),
    benchmarks: benchmarks.map(([card, path]) => ({ card, path: at(path) })),
    positive: ((options.positive as string[] | undefined) ?? []).map(at),
    negative: ((options.negative as string[] | undefined) ?? []).map(at),
    endpoint,
    ...(options.budgetTokens === undefined ? {} : { budgetTokens: options.budgetTokens as number }),
  };
}

async function estimatesOf(
  inputs: LoadedStaged['staged']['inputs'],
  plan: StepPlan,
  { emit, signal }: CommandContext,
): Promise<StepEstimate[]> {
  const [{ estimateSteps }, { planRead }, { readerInputs }] = await Promise.all([
    import('../stages/estimate-steps.ts'),
    import('../io/read-plan.ts'),
    import('../stages/input-spec.ts'),
  ]);
  const [{ defaultJudgeCharacters }, { defaultRefineCharacters }] = await Promise.all([
    import('../../classifiers/judge/judge-documents.ts'),
    import('../../classifiers/judge/refine-documents.ts'),
  ]);
  const specs = inputs.flatMap((input) => readerInputs(input, process.cwd()));
  const read = await planRead(specs, { emit, signal });
  emit({ kind: 'end', task: 'plan', done: inputs.length, unit: 'inputs', seconds: 0 });
  const rows = read.units.map(({ rows: known, files }) => known ?? files?.length);
  const size = {
    bytes: read.units.reduce((sum, { bytes }) => sum + bytes, 0),
    documents: rows.includes(undefined) ? undefined : rows.reduce<number>((sum, n) => sum + n!, 0),
  };
  return estimateSteps(plan, size, {
    judgeCharacters: defaultJudgeCharacters,
    judgeTokens: 512,
    refineCharacters: defaultRefineCharacters,
  });
}

/** What a pipeline with steps would do. */
function describeSteps(plan: StepPlan, estimates: readonly StepEstimate[], inputs: number): string {
  const lines = [
    `${plan.name}: ${plan.steps.length} steps on ${inputs === 1 ? '1 input' : `${inputs} inputs`}`,
    ...aligned(
      plan.steps.map((step) => [step.name, step.config.step, fromOf(step), settingsOf(step)]),
      [0, 1, 2, 3],
    ).map((line) => `  ${line.trimEnd()}`),
    `documents go through ${plan.way.join(', ')}`,
  ];
  for (const { step, model, by } of plan.given) {
    lines.push(`model of ${step}: ${model}${by === 'flag' ? '' : ', since no examples are given'}`);
  }
  if (plan.endpoint !== null) {
    const { url, model, refineModel } = plan.endpoint;
    const refiner = refineModel === undefined || refineModel === model ? '' : `, refined by ${refineModel}`;
    lines.push(`language model: ${model} at ${url}${refiner}; nothing is sent by --dry-run`);
    lines.push('at most, if every document came so far:');
    lines.push(
      ...aligned(
        estimates.map(({ step, documents, promptTokens, completionTokens }) => [
          step,
          documents === undefined ? '' : `${count(documents)} documents`,
          `≈${count(promptTokens)} tokens sent`,
          `≈${count(completionTokens)} received`,
        ]),
        [0],
      ).map((line) => `  ${line}`),
    );
    lines.push(
      plan.budgetTokens === null
        ? 'no bound on what is paid; --budget-tokens sets one'
        : `budget: ${count(plan.budgetTokens)} tokens`,
    );
  }
  for (const note of plan.notes) lines.push(`note: ${note}`);
  return `${lines.join('\n')}\n`;
}

function fromOf({ from }: PlannedStep): string {
  return from === null ? 'from examples' : `from ${from}`;
}

function settingsOf({ config }: PlannedStep): string {
  switch (config.step) {
    case 'filter':
      return [
        `signals ${config.signals.join(', ')}`,
        ...config.classifiers.map(({ name, model }) => `${name}: ${model ?? 'no model'}`),
        ...config.dedup.map(({ step }) => step),
        ...(config.decontaminate === undefined
          ? []
          : [`decontaminate (${config.decontaminate.benchmarks.length})`]),
      ].join('; ');
    case 'sample':
      return `${count(config.count)} documents, by ${config.stratifyBy}`;
    case 'label':
      return `rubric ${config.rubric}`;
    case 'train':
      return `${config.kind}${config.from === undefined ? '' : `, positive from ${config.positiveMin}`}${config.kind === 'regressor' ? `, encoder ${config.encoder ?? 'none'}` : ''}`;
    case 'score':
      return `${config.model}, keeps ${
        typeof config.min === 'number'
          ? `>= ${config.min}`
          : Object.entries(config.min)
              .map(([year, min]) => `${year} >= ${min}`)
              .join(', ')
      }`;
    case 'refine':
      return `prompt ${config.prompt}`;
  }
}

function describeResult(folder: string, summary: StagedSummary, cwd: string): string {
  const { steps, ledger, paid, possiblyPaidTwice } = summary;
  const overBudget = steps.reduce((sum, { ledger: own }) => sum + (own.failed.over_budget ?? 0), 0);
  const run = shellWord(folder.startsWith(`${cwd}/`) ? folder.slice(cwd.length + 1) : folder);
  const rows = steps.map(({ name, step, ledger: own, reused, onTheWay }) => [
    name,
    step,
    count(own.in),
    count(own.kept),
    Object.entries({ ...own.dropped, ...own.failed })
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .slice(0, 4)
      .map(([reason, n]) => `${reason} ${count(n)}`)
      .join(', '),
    [onTheWay ? '' : 'beside the way', reused ? 'done before' : ''].filter((word) => word !== '').join(', '),
  ]);
  const lines = [
    `${count(ledger.in)} documents in, ${count(ledger.kept)} out, in ${folder}/kept`,
    ...aligned([['step', '', 'in', 'out', 'left out', ''], ...rows], [0, 1, 4, 5]).map(
      (line) => `  ${line.trimEnd()}`,
    ),
    ...(paid.requests === 0
      ? []
      : [
          `paid: ${count(paid.requests)} requests, ${count(paid.promptTokens)} tokens sent, ${count(paid.completionTokens)} received`,
        ]),
    ...(possiblyPaidTwice === 0
      ? []
      : [
          `possibly paid twice: ${count(possiblyPaidTwice)} requests that went out and brought no answer, in all runs so far`,
        ]),
    ...(overBudget === 0
      ? []
      : [
          `the budget is used up: ${count(overBudget)} documents wait; run the same command with a larger --budget-tokens to go on`,
        ]),
    `what each step kept and why: ${run}/report.md; one step's documents: midtrain inspect ${run}/${steps.find(({ step }) => step === 'filter')?.name ?? 'kept'}`,
    '',
  ];
  return lines.join('\n');
}
