/** `midtrain grpo`: reinforcement learning from verifiable rewards on WebGPU. Maps flags to trainer/grpo/grpo.ts. */
import { exitCodes, UserError } from '../core/errors.ts';
import { type Command, dryRunOption, jsonOption } from './command.ts';
import { choiceValue, integerValue, wordsValue } from './parse.ts';
import { withGpu } from './with-gpu.ts';
import { percent, textOf, writeResult } from './write-result.ts';

/** Those of trainer/grpo/presets.ts, which is loaded only when it is needed; a test compares them. */
export const presetNames = ['octothinker', 'octothinker-scripts'];

export const command: Command = {
  name: 'grpo',
  summary: 'run GRPO on a checkpoint with a verifiable reward',
  description:
    'Samples several answers to each problem, rewards those whose last \\boxed{} is right, and updates the model with the clipped GRPO loss. ' +
    'Names and defaults in the config are those of TRL; a preset has the values of the paper, each with how well it is known. ' +
    'Accuracy on held-out problems is measured before step 0 and every eval_every steps. ' +
    'A stopped run goes on when the same command is given again, bit for bit; a config that differs in what decides its course is refused, key by key, ' +
    'unless --allow-changes names them. A reward may be a module of your own: reward: ./my-reward.ts, relative to the config; it gives a number, null, ' +
    'or { score, acc, pred } for each completion.',
  arguments: [{ name: 'config', description: 'YAML file' }],
  options: [
    { flags: '--example-config', description: 'print a config to start from and stop' },
    {
      flags: '--preset <name>',
      description: `values for keys the config does not give: ${presetNames.join(' (the paper), ')} (its released scripts)`,
      parse: choiceValue(presetNames),
    },
    {
      flags: '--allow-changes <keys>',
      description:
        'go on although these keys of the config differ from the stopped run (as the refusal names them, joined by commas; data; all)',
      parse: wordsValue(),
    },
    {
      flags: '--max-restarts <n>',
      description:
        'start again in a new process when the GPU is lost, so many times at most and only after a new checkpoint',
      parse: integerValue({ min: 0, max: 1000 }),
    },
    dryRunOption,
    jsonOption,
  ],
  examples: [
    { command: 'midtrain grpo --example-config', what: 'print a config to start from' },
    {
      command: 'midtrain grpo runs/demo/grpo.yaml --dry-run',
      what: 'what the RL of the demo does, which `midtrain demo` left behind',
    },
    { command: 'midtrain grpo runs/demo/grpo.yaml', what: 'run it, or go on with it' },
    {
      command: 'midtrain grpo runs/demo/grpo.yaml --preset octothinker --dry-run',
      what: "the paper's values and their evidence, beside those of the config",
    },
    {
      command: 'midtrain grpo grpo.yaml --allow-changes schedule.learning_rate,beta',
      what: 'go on with another learning rate and KL term; run.json records from which step on',
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
        hint: 'midtrain grpo --example-config > grpo.yaml gives one to start from',
      });
    const { readYaml } = await import('./read-yaml.ts');
    const { grpoConfigSchema } = await import('../../trainer/grpo/config.ts');
    const { z } = await import('zod');
    const { preset } = options;
    const schema =
      preset === undefined
        ? grpoConfigSchema
        : z.preprocess((raw) => ({ ...(raw as object), preset }), grpoConfigSchema);
    const { withHub } = await import('./hub-config.ts');
    const config = await withHub(
      context,
      await readYaml(schema, args[0], context.cwd),
      options.dryRun === true ? 'shape' : 'weights',
    );
    const { dirname, resolve } = await import('node:path');
    const folder = dirname(resolve(context.cwd, args[0]));
    if (options.dryRun === true) {
      const { describeGrpo } = await import('../../trainer/grpo/describe-grpo.ts');
      const described = await describeGrpo(config, folder);
      writeResult(context, described, textOf(described.lines));
      return exitCodes.done;
    }
    // What the config alone decides is refused before a device is opened.
    const [{ planGrpo }, { readModelConfig }] = await Promise.all([
      import('../../trainer/grpo/plan-grpo.ts'),
      import('../../trainer/model/folder.ts'),
    ]);
    planGrpo(config, await readModelConfig(config.model));
    if (options.maxRestarts !== undefined) {
      const { superviseRun } = await import('./supervise.ts');
      return superviseRun(config.out, options.maxRestarts as number, context.signal);
    }
    const { grpo } = await import('../../trainer/grpo/grpo.ts');
    const { emit, signal } = context;
    const result = await withGpu((gpu) =>
      grpo(gpu, config, {
        emit,
        signal,
        folder,
        allowChanges: (options.allowChanges as string[] | undefined) ?? [],
      }),
    );
    writeResult(
      context,
      result,
      `GRPO done: held-out accuracy ${percent(result.startAccuracy)} -> ${percent(result.endAccuracy)} (change ${percent(result.change)}, 95 % interval ${percent(result.interval[0])} to ${percent(result.interval[1])}), checkpoint ${result.checkpoint}\n`,
    );
    return exitCodes.done;
  },
};

const exampleConfig = `# midtrain grpo grpo.yaml
name: small-grpo
out: runs/small/grpo
model: runs/small/decay/checkpoints/step-0000050   # a checkpoint, a Hugging Face folder, or hf://owner/name
problems: problems-train.jsonl                     # lines with "question" and "answer", or a data card's name
eval_problems:                                     # one file, or several by name; curves follow the first
  heldout: problems-heldout.jsonl
template: simple                                   # simple, complex, chat, or a text with {question}
steps: 40
prompts_per_step: 16
num_generations: 16
mini_batch_prompts: 8                              # two updates a rollout batch
temperature: 1.0
epsilon: 0.2
loss_type: dapo                                    # grpo, bnpo, dr_grpo, dapo
beta: 0                                            # KL to the start model; above 0 a second copy of the weights
schedule: {learning_rate: 5.0e-4, warmup_steps: 5}
max_prompt_length: 32
max_completion_length: {0: 24, 20: 32}             # step -> most tokens of a response
eval_every: 10
# preset: octothinker                              # the paper's values for keys that are not given
# length_advance: {clipped_ratio: 0.1}             # go on to the next length when few responses are cut short
# filter_groups: {max_num_gen_batches: 10}         # replace groups without variance
# rollback: [{template: complex}]                  # what to change when a signature with the action rollback fires
`;
