/** `midtrain export nanotron`: shards, YAML and README for Nanotron. Maps flags to src/export/export-nanotron.ts. */
import { exitCodes } from '../core/errors.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import { choiceValue, integerValue } from './parse.ts';

const count = integerValue({ min: 1, max: 1_000_000 });

export const nanotronCommand: Command = {
  name: 'nanotron',
  summary: 'shards, a YAML for each phase and a README for Nanotron',
  description:
    'Takes the shards of the mixture (one folder a source where it has per-source/), and writes a config for the stable phase, one for every decay that ' +
    "starts from its checkpoint, and one for both in a run where the rates allow. The global batch is the config's: a number of GPUs that does not divide " +
    'it is refused. The mixture serves every phase whose config names no data of its own.',
  arguments: [
    { name: 'mixture', description: 'folder that `midtrain mix` wrote', required: true },
    { name: 'config', description: 'YAML of `midtrain train`', required: true },
  ],
  options: [
    { flags: '-o, --out <folder>', description: 'where the export goes (default: runs/nanotron-<name>)' },
    { flags: '--nodes <n>', description: 'machines', default: 1, parse: count },
    { flags: '--gpus <n>', description: 'GPUs of a machine', default: 8, parse: count },
    { flags: '--tp <n>', description: 'GPUs that share every matrix', default: 1, parse: count },
    { flags: '--pp <n>', description: 'stages of layers', default: 1, parse: count },
    {
      flags: '--micro-batch <n>',
      description:
        "sequences a GPU holds at once (default: the largest that divides, up to the config's micro_batch_size)",
      parse: count,
    },
    {
      flags: '--at <path>',
      description: 'where the folder will lie when the training runs (default: --out)',
    },
    {
      flags: '--tokenizer <name>',
      description:
        'what Nanotron loads the tokenizer by, such as a name on the Hub (default: the exported folder)',
    },
    {
      flags: '--data <how>',
      description: 'link shards (copied where the file systems differ) or copy them',
      default: 'link',
      parse: choiceValue(['link', 'copy']),
    },
    dryRunOption,
    jsonOption,
  ],
  examples: [
    {
      command:
        'midtrain export nanotron runs/mix-stable train.yaml --out exports/nanotron --nodes 4 --gpus 8 --tp 2',
      what: 'for 32 GPUs, two to a model',
    },
    {
      command: 'midtrain export nanotron runs/demo/mix-stable runs/demo/train.yaml --gpus 2 --dry-run',
      what: 'how the batch of the demo would be divided, and what Nanotron does otherwise',
    },
    {
      command:
        'midtrain export nanotron runs/mix-stable train.yaml --at /scratch/me/run --tokenizer meta-llama/Llama-3.2-3B',
      what: 'for another file system, with a tokenizer from the Hub',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  [mixture, configFile]: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const { resolve } = await import('node:path');
  const { readYaml } = await import('./read-yaml.ts');
  const { trainConfigSchema } = await import('../../trainer/training/train-config.ts');
  const { exportNanotron } = await import('../export/export-nanotron.ts');
  const { localPlace, withHub } = await import('./hub-config.ts');
  const config = await withHub(context, await readYaml(trainConfigSchema, configFile!, context.cwd), 'shape');
  const out = resolve(context.cwd, (options.out as string | undefined) ?? `runs/nanotron-${config.name}`);
  const number = (name: string): number => options[name] as number;
  const plan = await exportNanotron({
    config,
    mixture: mixture!.startsWith('hf://') ? await localPlace(context, mixture!) : mixture!,
    out,
    at: (options.at as string | undefined) ?? out,
    tokenizer: options.tokenizer as string | undefined,
    cluster: {
      nodes: number('nodes'),
      gpus: number('gpus'),
      tp: number('tp'),
      pp: number('pp'),
      microBatch: options.microBatch as number | undefined,
    },
    take: options.data as 'link' | 'copy',
    dryRun: options.dryRun === true,
  });
  const { textOf, writeResult } = await import('./write-result.ts');
  const { split, sequencesPerStep, phases, warnings } = plan;
  const lines = [
    `${options.dryRun === true ? 'would write' : 'wrote'} ${out}: ${phases.map(({ yaml }) => yaml).join(', ')}, ${plan.files.length} files of shards, README.md`,
    `${sequencesPerStep} sequences a step = dp ${split.dp} x micro-batch ${split.microBatch} x accumulation ${split.accumulation} (tp ${split.tp}, pp ${split.pp})`,
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  writeResult(context, { out, split, sequencesPerStep, phases, warnings }, textOf(lines));
  return exitCodes.done;
}
