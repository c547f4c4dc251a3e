/** `midtrain diagnose`: the failure signatures of RL runs that are recorded already, this project's, TRL's or verl's. */
import { exitCodes } from '../core/errors.ts';
import { type Cap, capOf, capValue } from './cap-flag.ts';
import { type Command, jsonOption } from './command.ts';

export const command: Command = {
  name: 'diagnose',
  summary: 'failure signatures of recorded RL runs: ours, TRL, verl or wandb CSV',
  description:
    'Looks for loops, answers before any work, runaway or saturated length, collapsed accuracy, entropy gone to nothing or out of hand, and groups ' +
    'without a signal, as `midtrain grpo` does while it runs, and says how near each came to its threshold. Takes run folders, metrics.jsonl, ' +
    "TRL's trainer_state.json, verl's file log, what TRL or verl print, TensorBoard event files, and CSV (wandb's chart exports too: several files, each with one metric, are read as one log).",
  arguments: [
    {
      name: 'runs',
      description: 'run folders, log files, and folders that hold log files',
      required: true,
      variadic: true,
    },
  ],
  options: [
    {
      flags: '--cap <tokens>',
      description:
        'allowed response length where the log has none; name=tokens for runs whose name holds that text',
      parse: capValue,
    },
    { flags: '--config <file>', description: 'YAML with a `signatures:` block, such as that of grpo' },
    jsonOption,
  ],
  examples: [
    { command: 'midtrain diagnose runs/demo/grpo', what: 'a run of this project' },
    {
      command: 'midtrain diagnose out/checkpoint-500/trainer_state.json --cap 4096',
      what: 'a run of TRL, whose log does not say how long responses may be',
    },
    {
      command: 'midtrain diagnose acc_math500.csv length_math500.csv --cap 4096 --cap rl8k=8192',
      what: "wandb's exports of two charts; runs with rl8k in their name may write 8,192 tokens",
    },
  ],
  async run(context, args, options) {
    const { readLogs } = await import('./read-logs.ts');
    const { replaySignatures } = await import('../signatures/replay.ts');
    const { observeRun } = await import('../signatures/observe-run.ts');
    const asked =
      options.config === undefined ? undefined : await readSignatures(String(options.config), context.cwd);
    const caps = (options.cap ?? []) as readonly Cap[];
    const { runs, warnings } = await readLogs(context.cwd, args);
    for (const text of warnings) context.emit({ kind: 'message', level: 'warn', text });
    const results = runs.map(({ name, rows, rollouts, signatures, cap: logged }) => {
      const cap = capOf(caps, name) ?? logged;
      const observations = observeRun(rows, rollouts, cap === undefined ? {} : { cap });
      return {
        run: name,
        steps: observations.length,
        ...(cap === undefined ? {} : { cap }),
        ...replaySignatures(observations, asked ?? signatures),
      };
    });
    context.write(
      context.json ? `${JSON.stringify({ runs: results }, undefined, 2)}\n` : results.map(asText).join('\n'),
    );
    return exitCodes.done;
  },
};

/** The block of a file of its own or of a whole GRPO config; other keys are not looked at. */
async function readSignatures(file: string, cwd: string) {
  const [{ z }, { readYaml }, { signaturesSchema }] = await Promise.all([
    import('zod'),
    import('./read-yaml.ts'),
    import('../signatures/rules.ts'),
  ]);
  return (await readYaml(z.looseObject({ signatures: signaturesSchema.prefault({}) }), file, cwd)).signatures;
}

type Result = Awaited<ReturnType<typeof import('../signatures/replay.ts').replaySignatures>> & {
  run: string;
  steps: number;
  cap?: number;
};

function asText({ run, steps, cap, checks }: Result): string {
  const fired = checks.filter((check) => check.state === 'fired').sort((a, b) => a.step! - b.step!);
  const clear = checks.filter((check) => check.state === 'clear');
  const unseen = checks.filter((check) => check.state === 'not-checked');
  const lines = [
    `${run} (${steps} steps${cap === undefined ? '' : `, responses of at most ${cap} tokens`}): ${fired.length === 0 ? 'nothing found' : fired.map((check) => check.title.toLowerCase()).join(', ')}`,
    ...fired.map((check) => `  FOUND  ${check.words}`),
    ...clear.map((check) => `  clear  ${check.words}`),
    ...(unseen.length === 0
      ? []
      : [
          `  not in the log: ${unseen.map((check) => check.title.toLowerCase()).join(', ')}${cap === undefined ? ' (rules of length need the allowed one: --cap)' : ''}`,
        ]),
  ];
  return `${lines.join('\n')}\n`;
}
