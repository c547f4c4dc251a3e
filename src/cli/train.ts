/** `midtrain train`: the stable and the decay phase on WebGPU. Maps flags to trainer/training/train.ts. */
import { exitCodes, UserError } from '../core/errors.ts';
import { type Command, dryRunOption, jsonOption } from './command.ts';
import { choiceValue, integerValue, wordsValue } from './parse.ts';
import { withGpu } from './with-gpu.ts';
import { textOf, writeResult } from './write-result.ts';

export const command: Command = {
  name: 'train',
  summary: 'train a model through the stable or the decay phase on WebGPU',
  description:
    'Reads a YAML config (model shape or a Hugging Face folder to start from, data from `midtrain mix`, a section for each phase). ' +
    '--phase stable warms up and holds the learning rate; --phase decay starts from the last stable checkpoint and lowers it along a cosine ' +
    'to a tenth. Runs lie in <out>/stable and <out>/decay; a stopped run goes on when the same command is given again, bit for bit. ' +
    "Checkpoints are Hugging Face folders. A config that differs from the stopped run's in what decides its course is refused, key by key, unless " +
    '--allow-changes names them; more steps at a constant rate, other intervals and other places of files are not.',
  arguments: [{ name: 'config', description: 'YAML file' }],
  options: [
    { flags: '--phase <phase>', description: 'stable or decay', parse: choiceValue(['stable', 'decay']) },
    {
      flags: '--from <folder>',
      description:
        'checkpoint or Hugging Face folder to start from (default: the last stable checkpoint for decay)',
    },
    {
      flags: '--branch <name>',
      description:
        'one of the branches of the config, each a decay phase with its own data (in <out>/decay-<name>)',
    },
    {
      flags: '--allow-changes <keys>',
      description:
        'go on although these keys of the config differ from the stopped run (as the refusal names them, joined by commas; data; all)',
      parse: wordsValue(),
    },
    {
      flags: '--autotune',
      description:
        'before a run begins, measure which kernels are fastest for its matrix products on this adapter, 30 s at most (autotune: in the config; a GPU does so unless told not to)',
    },
    {
      flags: '--max-restarts <n>',
      description:
        'start again in a new process when the GPU is lost, so many times at most and only after a new checkpoint',
      parse: integerValue({ min: 0, max: 1000 }),
    },
    { flags: '--example-config', description: 'print a config to start from and stop' },
    dryRunOption,
    jsonOption,
  ],
  examples: [
    { command: 'midtrain train --example-config', what: 'print a config to start from' },
    {
      command: 'midtrain train runs/demo/train.yaml --phase stable --dry-run',
      what: 'steps, tokens and memory of the demo, which `midtrain demo` left behind',
    },
    {
      command: 'midtrain train runs/demo/train.yaml --phase decay',
      what: 'decay from the last stable checkpoint',
    },
    {
      command: 'midtrain train train.yaml --phase stable --allow-changes optimizer.weight_decay',
      what: 'go on with another weight decay; run.json records from which step on',
    },
    {
      command: 'midtrain train train.yaml --phase stable --autotune --max-restarts 3',
      what: 'tune first, and start again if the GPU is lost',
    },
  ],
  delegates: (options) => options.maxRestarts !== undefined,
  async run(context, args, options) {
    if (options.exampleConfig === true) {
      context.write(exampleConfig);
      return exitCodes.done;
    }
    if (args[0] === undefined)
      throw new UserError('no config given', {
        hint: 'midtrain train --example-config > train.yaml gives one to start from',
      });
    if (options.phase === undefined)
      throw new UserError('no phase given', { hint: 'add --phase stable or --phase decay' });
    const { readYaml } = await import('./read-yaml.ts');
    const { trainConfigSchema } = await import('../../trainer/training/train-config.ts');
    const { withHub } = await import('./hub-config.ts');
    const read = await withHub(
      context,
      await readYaml(trainConfigSchema, args[0], context.cwd),
      options.dryRun === true ? 'shape' : 'weights',
    );
    const config =
      options.autotune === true && typeof read.autotune !== 'number' ? { ...read, autotune: true } : read;
    const phase = options.phase as 'stable' | 'decay';
    const from = options.from as string | undefined;
    const branch = options.branch as string | undefined;
    if (options.dryRun === true) {
      const { describeTraining } = await import('../../trainer/training/describe-training.ts');
      const described = await describeTraining(config, phase, from, branch);
      writeResult(context, described, textOf(described.lines));
      return exitCodes.done;
    }
    if (options.maxRestarts !== undefined) {
      const { planTraining } = await import('../../trainer/training/plan-training.ts');
      const { runFolder } = planTraining(config, phase, from, branch);
      const { superviseRun } = await import('./supervise.ts');
      return superviseRun(runFolder, options.maxRestarts as number, context.signal);
    }
    const { train } = await import('../../trainer/training/train.ts');
    const { emit, signal } = context;
    const result = await withGpu((gpu) =>
      train(gpu, config, phase, {
        emit,
        signal,
        ...(from === undefined ? {} : { from }),
        ...(branch === undefined ? {} : { branch }),
        allowChanges: (options.allowChanges as string[] | undefined) ?? [],
      }),
    );
    writeResult(
      context,
      result,
      `${phase} phase done: loss ${result.finalLoss.toFixed(4)}${result.finalEvalLoss === undefined ? '' : `, held-out loss ${result.finalEvalLoss.toFixed(4)}`}, checkpoint ${result.checkpoint}\n`,
    );
    return exitCodes.done;
  },
};

const exampleConfig = `# midtrain train train.yaml --phase stable, then --phase decay
name: small
out: runs/small
data: runs/demo-mix            # what \`midtrain mix\` wrote
seed: 0
model:                         # or \`init: <Hugging Face folder, or hf://owner/name>\`
  hidden_size: 64
  num_hidden_layers: 2
  num_attention_heads: 4
  num_key_value_heads: 2
  intermediate_size: 176
  tie_word_embeddings: true
sequence_length: 64
micro_batch_size: 16
optimizer: {adam_beta1: 0.9, adam_beta2: 0.95, weight_decay: 0.1, max_grad_norm: 1.0}
stable: {steps: 100, learning_rate: 3.0e-3, warmup_steps: 10}
decay: {steps: 50, learning_rate: 3.0e-3, decay: cosine, min_lr_ratio: 0.1}
# branches:                    # decay phases of their own from the same stable checkpoint: --phase decay --branch long
#   short: {data: runs/decay-short-mix, steps: 50, learning_rate: 3.0e-3}
#   long: {data: runs/decay-long-mix, steps: 50, learning_rate: 3.0e-3}
eval_every: 25
checkpoint_every: 100          # the last and two more are kept: keep_checkpoints, keep_every
# autotune: true               # before a run begins, measure the kernels for its shapes (30 s; a GPU does so anyway)
`;
