/** `midtrain mix`, also installed as `mix`: a token-exact mixture to token shards. Maps flags to src/stages/mix.ts. */

import type { RunEstimate } from '../../mixtures/estimate.ts';
import type { MixturePlan } from '../../mixtures/plan.ts';
import type { Packing, Recipe } from '../../mixtures/recipe.ts';
import { recipeListText } from '../../mixtures/recipe-list.ts';
import type { Ratios } from '../../mixtures/shares.ts';
import { exitCodes, UserError } from '../core/errors.ts';
import type { Use } from '../core/licences.ts';
import type { SlurmOptions } from '../slurm/slurm-options.ts';
import type { MixManifest } from '../stages/mix-manifest.ts';
import type { MixRequest } from '../stages/mix-request.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import {
  amountValue,
  choiceValue,
  integerValue,
  numberValue,
  shareValue,
  sourcePathsValue,
} from './parse.ts';
import { readSlurmOptions, refuseWhileQueued, slurmFlags, wantsSlurm } from './slurm-launch.ts';

/** Tokens of a step where a recipe does not say: the paper's (512 sequences of 8,192). */
const usualBatchTokens = 4_194_304;

export const command: Command = {
  name: 'mix',
  summary: 'mix data sources at exact token ratios into token shards',
  description:
    'Takes a recipe (a YAML file, or the name of a built-in one, listed below). Without one: ./mixture.yaml if ' +
    'there is one, else the bundled demo recipe; it says which. Shares are of all tokens in the output and are met to within one sequence per source. ' +
    '--qa-ratio sets the roles qa and long-cot together, --cot-ratio the long-cot part of that, --instruct-ratio the instruction data; the fill source ' +
    'takes the difference. Sources fixed with --set stay fixed. Nothing is downloaded.',
  arguments: [{ name: 'recipe', description: 'a recipe file, or the name of a built-in recipe' }],
  options: [
    {
      flags: '--qa-ratio <share>',
      description: 'share of QA data, long chains of thought included (0 to 1)',
      parse: shareValue(),
    },
    {
      flags: '--cot-ratio <share>',
      description: 'share of long chains of thought, inside the QA share',
      parse: shareValue(),
    },
    { flags: '--instruct-ratio <share>', description: 'share of instruction data', parse: shareValue() },
    { flags: '--set <source=share>', description: 'share of one source; may be repeated', parse: assignment },
    {
      flags: '--data <source=path>',
      description: 'where the data of one source is; may be repeated, also for one source',
      parse: sourcePathsValue,
    },
    { flags: '--budget <tokens>', description: 'tokens in the output, such as 20M', parse: amountValue },
    {
      flags: '--sequence-length <tokens>',
      description: 'tokens a model sees at once, such as 8192',
      // Not an amount: 8k would be 8,000, and whoever writes it means 8,192.
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--seed <number>',
      description: 'decides the order of documents',
      parse: integerValue({ min: 0 }),
    },
    {
      flags: '--repeat-limit <times>',
      description: 'how often a source may be read',
      parse: numberValue({ min: 1e-6 }),
    },
    {
      flags: '--tokenizer <path>',
      description: 'folder with tokenizer.json, instead of the one of the recipe',
    },
    {
      flags: '--packing <how>',
      description: 'concatenate (join and cut) or best-fit (whole documents, padded)',
      parse: choiceValue(['concatenate', 'best-fit']),
    },
    {
      flags: '--workers <number>',
      description: 'threads that tokenise (default: one per core)',
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--download',
      description: 'fetch from the Hugging Face Hub what is not here, as much as is needed',
    },
    { flags: '--per-source', description: 'also one folder per source, with weights for Nanotron' },
    {
      flags: '--use <purpose>',
      description:
        'what the result is for: research, commercial or redistribute (decides the warnings about licences)',
      parse: choiceValue(['research', 'commercial', 'redistribute']),
    },
    {
      flags: '--model <name>',
      description:
        'with --dry-run: the model whose training is estimated, by name or a Hugging Face folder (default: the base model of the recipe)',
    },
    {
      flags: '--tflops <number>',
      description: 'with --dry-run: speed of the hardware, from its data sheet, to estimate the time',
      parse: numberValue({ min: 1e-6 }),
    },
    { flags: '-o, --out <folder>', description: 'where to write (default: runs/<recipe name>-mix)' },
    { flags: '--overwrite', description: 'replace another mixture that lies there' },
    ...slurmFlags,
    dryRunOption,
    jsonOption,
  ],
  examples: [
    { command: 'midtrain mix --qa-ratio 0.3', what: 'the bundled demo recipe with 30 % QA data' },
    {
      command: 'midtrain mix decay-long --dry-run --tflops 990',
      what: 'plan a decay branch of the paper with the sizes of its data cards',
    },
    {
      command: 'midtrain mix demo --set arithmetic-long-cot=0.15 --budget 16k --out runs/small',
      what: 'fix one source and the size',
    },
    {
      command: 'midtrain mix demo --packing best-fit --per-source --out runs/whole',
      what: 'keep documents whole, and write one folder per source for Nanotron',
    },
    {
      command: 'midtrain mix recipe.yaml --executor slurm --slurm slurm.yaml --wait',
      what: 'tokenise as job arrays on a Slurm cluster: the same bytes',
    },
  ],
  more: recipeListText,
  run,
};

async function run(
  context: CommandContext,
  args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const { resolve } = await import('node:path');
  const { loadRecipe } = await import('../../mixtures/load.ts');
  const { withData } = await import('../../mixtures/sources.ts');
  const { planTable } = await import('../../mixtures/plan-table.ts');
  const onSlurm = wantsSlurm(options, {
    download: 'machines of a cluster often have no network; fetch the data first with midtrain pull',
    workers: 'the threads of a job are cpus in slurm.yaml',
  });
  const slurm = onSlurm ? await readSlurmOptions(options, context.cwd) : undefined;
  const loaded = withData(
    loadRecipe(args[0], context.cwd),
    (options.data as Record<string, string[]> | undefined) ?? {},
    context.cwd,
  );
  if (loaded.chosen === 'mixture.yaml')
    context.emit({ kind: 'message', level: 'info', text: 'recipe: ./mixture.yaml (none was given)' });
  if (loaded.chosen === 'demo') {
    context.emit({
      kind: 'message',
      level: 'info',
      text: 'recipe: the bundled demo (none was given and there is no ./mixture.yaml)',
    });
  }
  const output = resolve(
    context.cwd,
    (options.out as string | undefined) ?? `runs/${loaded.recipe.name}-mix`,
  );
  const request = {
    loaded,
    cwd: context.cwd,
    output,
    ratios: ratiosOf(options),
    options: defined({
      budget: options.budget as number | undefined,
      seed: options.seed as number | undefined,
      repeatLimit: options.repeatLimit as number | undefined,
      sequenceLength: options.sequenceLength as number | undefined,
    }),
    ...defined({
      tokenizer: options.tokenizer as string | undefined,
      overwrite: options.overwrite as boolean | undefined,
      packing: options.packing as Packing | undefined,
      use: options.use as Use | undefined,
      workers: options.workers as number | undefined,
      download: options.download as boolean | undefined,
      perSource: options.perSource as boolean | undefined,
    }),
    emit: context.emit,
    signal: context.signal,
  };
  if (onSlurm) return runOnSlurm(context, request, slurm, options);
  if (options.dryRun === true) {
    const { planMix } = await import('../stages/prepare-mix.ts');
    const { plan, tokenizer } = await planMix(request);
    const cost = await costOf(plan, loaded.recipe, tokenizer?.vocabSize, options);
    context.write(
      context.json
        ? `${JSON.stringify({ recipe: loaded.file, tokenizer: tokenizer?.name ?? null, plan, estimate: cost?.estimate ?? null }, null, 2)}\n`
        : planTable(plan) + (cost?.table ?? ''),
    );
    return plan.problems.length === 0 ? exitCodes.done : exitCodes.userError;
  }
  await refuseWhileQueued(context, output, request.overwrite === true);
  const { mixAlone } = await import('../jobs/mix-alone.ts');
  const { manifest, plan, reused, failures } = await mixAlone(request);
  for (const { file, place, problem } of failures) {
    context.emit({
      kind: 'message',
      level: 'warn',
      text: `${file}${place === undefined ? '' : ` (${place})`}: ${problem}`,
    });
  }
  if (context.json) context.write(`${JSON.stringify({ output, reused, failures, manifest }, null, 2)}\n`);
  else {
    context.write(planTable(plan));
    context.write(`${reused ? 'already there' : 'written'}: ${describeMix(output, manifest)}\n`);
  }
  return failures.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
}

/** As job arrays; `--dry-run` shows what would be submitted. */
async function runOnSlurm(
  context: CommandContext,
  request: MixRequest,
  slurm: SlurmOptions | undefined,
  options: Record<string, unknown>,
): Promise<number> {
  const { output, overwrite } = request;
  if (options.dryRun === true) {
    const { dryRunOnSlurm } = await import('./slurm-dry-run.ts');
    const { planMixBatch } = await import('../jobs/batch-mix.ts');
    return dryRunOnSlurm(context, await planMixBatch(request), slurm);
  }
  const { prepareMixBatch } = await import('../jobs/batch-mix.ts');
  const { launchOnSlurm } = await import('./slurm-launch.ts');
  const launch = {
    out: output,
    fresh: overwrite === true,
    prepare: () => prepareMixBatch(request),
    report: async () => {
      const { readFile } = await import('node:fs/promises');
      const { join } = await import('node:path');
      const manifest = JSON.parse(await readFile(join(output, 'manifest.json'), 'utf8')) as MixManifest;
      context.write(
        context.json
          ? `${JSON.stringify({ output, manifest }, null, 2)}\n`
          : `written: ${describeMix(output, manifest)}\n`,
      );
    },
  };
  return launchOnSlurm(context, launch, slurm, options.wait === true);
}

function describeMix(output: string, { files, tokenizer }: MixManifest): string {
  const shards = files.filter(({ path }) => /^shards\/.*\.ds$/.test(path)).length;
  return `${output} (${shards} shards, tokenizer ${tokenizer.name}; what it holds: manifest.json, sequences to look at: samples.md)`;
}

/** Steps, time and disk, where the recipe says how it is trained or flags ask for it. */
async function costOf(
  plan: MixturePlan,
  recipe: Recipe,
  vocabSize: number | undefined,
  options: Record<string, unknown>,
): Promise<{ estimate: RunEstimate; table: string } | undefined> {
  if (recipe.training === undefined && options.tflops === undefined && options.model === undefined)
    return undefined;
  const { estimateRun, estimateTable } = await import('../../mixtures/estimate.ts');
  const { modelNamed, suggestedModel } = await import('../../trainer/model/model-shapes.ts');
  const asked = options.model as string | undefined;
  const model =
    asked === undefined
      ? (suggestedModel(recipe.training?.baseModel?.value) ?? suggestedModel(String(recipe.tokenizer)))
      : await modelNamed(asked);
  const how = {
    plan,
    batchTokens: recipe.training?.batchTokens.value ?? usualBatchTokens,
    vocabSize: vocabSize ?? model?.vocabSize ?? 128_256,
    model,
    flopsPerSecond: options.tflops === undefined ? undefined : (options.tflops as number) * 1e12,
    perSource: options.perSource === true,
  };
  const estimate = estimateRun(how);
  return { estimate, table: `\n${estimateTable(estimate, how)}` };
}

function ratiosOf(options: Record<string, unknown>): Ratios {
  return defined({
    qa: options.qaRatio as number | undefined,
    cot: options.cotRatio as number | undefined,
    instruct: options.instructRatio as number | undefined,
    set: options.set as Record<string, number> | undefined,
  });
}

/** Without the keys that are undefined: undefined means unset. */
function defined<T extends Record<string, unknown>>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function assignment(text: string, flag: string, previous: unknown): Record<string, number> {
  const match = /^([\w.-]+)=(.+)$/.exec(text);
  if (match === null)
    throw new UserError(`${flag}: "${text}" is not of the form source=share`, {
      hint: `for example ${flag} gsm8k=0.2`,
    });
  const earlier = (previous ?? {}) as Record<string, number>;
  if (match[1]! in earlier)
    throw new UserError(`${flag}: ${match[1]} is set twice`, { hint: 'leave one of them out' });
  return { ...earlier, [match[1]!]: shareValue()(match[2]!, `${flag} ${match[1]}`, undefined) as number };
}
