/** `midtrain export verl`: problems as Parquet, launch script, reward function and README for verl. Maps flags to src/export/export-verl.ts. */
import { exitCodes } from '../core/errors.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import { integerValue } from './parse.ts';

const count = integerValue({ min: 1, max: 1_000_000 });

export const verlCommand: Command = {
  name: 'verl',
  summary: 'Parquet, launch script, reward function and a README for verl',
  description:
    "Takes the config of `midtrain grpo` and writes train.parquet and test.parquet with whole prompts, reward.py with the config's reward, run.sh with " +
    'every override that follows from the config (one launch for each length of the schedule), and README.md. What verl cannot express is refused or ' +
    'named in the README.',
  arguments: [{ name: 'config', description: 'YAML of `midtrain grpo`', required: true }],
  options: [
    { flags: '-o, --out <folder>', description: 'where the export goes (default: runs/verl-<name>)' },
    { flags: '--nodes <n>', description: 'machines', default: 1, parse: count },
    { flags: '--gpus <n>', description: 'GPUs of a machine', default: 8, parse: count },
    { flags: '--tp <n>', description: 'GPUs that share a model while it samples', default: 1, parse: count },
    {
      flags: '--at <path>',
      description: 'where the folder will lie when the training runs (default: --out)',
    },
    {
      flags: '--model <path>',
      description: "where the start model lies then, or its name on the Hub (default: the config's)",
    },
    dryRunOption,
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain export verl grpo.yaml --out exports/verl --gpus 8',
      what: 'for one machine of 8 GPUs',
    },
    {
      command: 'midtrain export verl runs/demo/grpo.yaml --gpus 1 --dry-run',
      what: 'the overrides of the demo, and what verl does otherwise',
    },
    {
      command: 'midtrain export verl grpo.yaml --at /scratch/me/rl --model meta-llama/Llama-3.2-3B --nodes 4',
      what: 'for another file system and a model from the Hub',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  [configFile]: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const { resolve } = await import('node:path');
  const { readYaml } = await import('./read-yaml.ts');
  const { grpoConfigSchema } = await import('../../trainer/grpo/config.ts');
  const { exportVerl } = await import('../export/export-verl.ts');
  const { withHub } = await import('./hub-config.ts');
  const { hubNameOfCached } = await import('../io/hub-model.ts');
  const config = await withHub(context, await readYaml(grpoConfigSchema, configFile!, context.cwd), 'shape');
  const out = resolve(context.cwd, (options.out as string | undefined) ?? `runs/verl-${config.name}`);
  const number = (name: string): number => options[name] as number;
  const plan = await exportVerl({
    config,
    out,
    at: (options.at as string | undefined) ?? out,
    model: (options.model as string | undefined) ?? hubNameOfCached(config.model),
    cluster: { nodes: number('nodes'), gpus: number('gpus'), tp: number('tp') },
    dryRun: options.dryRun === true,
  });
  const { textOf, writeResult } = await import('./write-result.ts');
  const { stages, warnings, train, test } = plan;
  const lines = [
    `${options.dryRun === true ? 'would write' : 'wrote'} ${out}: train.parquet (${train} prompts), test.parquet (${test}), reward.py, run.sh, README.md`,
    ...stages.map(
      ({ until, responseLength }) => `up to step ${until}: responses of ${responseLength} tokens`,
    ),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  writeResult(context, { out, stages, warnings, train, test }, textOf(lines));
  return exitCodes.done;
}
