/** `midtrain grpo`: reinforcement learning from verifiable rewards on WebGPU. Maps flags to trainer/grpo/grpo.ts. */
import { exitCodes, UserError } from '../core/errors.ts';
import { type Command, dryRunOption, jsonOption } from './command.ts';
import { withGpu } from './with-gpu.ts';
import { percent, textOf, writeResult } from './write-result.ts';

export const command: Command = {
  name: 'grpo',
  summary: 'run GRPO on a checkpoint with a verifiable reward',
  description:
    'Samples several answers to each problem, rewards those whose last \\boxed{} is right, and updates the model with the clipped GRPO loss. ' +
    'Names in the config are those of TRL. Accuracy on held-out problems is measured before step 0 and every eval_every steps. ' +
    'A stopped run goes on when the same command is given again, bit for bit.',
  arguments: [{ name: 'config', description: 'YAML file' }],
  options: [
    { flags: '--example-config', description: 'print a config to start from and stop' },
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
  ],
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
    const config = await readYaml(grpoConfigSchema, args[0], context.cwd);
    if (options.dryRun === true) {
      const { describeGrpo } = await import('../../trainer/grpo/describe-grpo.ts');
      const described = await describeGrpo(config);
      writeResult(context, described, textOf(described.lines));
      return exitCodes.done;
    }
    const { grpo } = await import('../../trainer/grpo/grpo.ts');
    const { emit, signal } = context;
    const result = await withGpu((gpu) => grpo(gpu, config, { emit, signal }));
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
model: runs/small/decay/checkpoints/step-0000050   # a checkpoint, or a Hugging Face folder
problems: problems-train.jsonl                     # lines with "question" and "answer"
eval_problems: problems-heldout.jsonl
template: simple                                   # simple, complex, or a text with {question}
steps: 40
prompts_per_step: 16
num_generations: 16
mini_batch_prompts: 8                              # two updates a rollout batch
temperature: 1.0
epsilon: 0.2
loss_type: dapo
schedule: {learning_rate: 5.0e-4, warmup_steps: 5}
max_prompt_length: 32
max_completion_length: {0: 24, 20: 32}             # step -> most tokens of a response
eval_every: 10
`;
