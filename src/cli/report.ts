/**
 * `midtrain report`: run folders, and logs of other tools -> one self-contained HTML page, and Markdown. Reads only what runs leave on disk (run.json,
 * metrics.jsonl, rollouts.jsonl; what TRL, verl, wandb and TensorBoard write), so a report can be made again at any time, also of a run that is still going.
 */
import { resolve } from 'node:path';
import { exitCodes, UserError } from '../core/errors.ts';
import { shellWord } from '../report/shell-word.ts';
import { type Cap, capValue } from './cap-flag.ts';
import { type Command, type CommandContext, jsonOption } from './command.ts';
import type { RunName } from './run-names.ts';

export const command: Command = {
  name: 'report',
  summary: 'one self-contained HTML page (and Markdown) of a run or several',
  description:
    'Shows what was filtered and why, what was mixed, loss and learning rate over both phases, and what reinforcement learning ' +
    'made of it, with the signs of collapse looked for and sample responses. Give the runs of one way (filter, mix, train, grpo) ' +
    'to see them as one, or several arms and seeds to see them side by side. A folder that holds run folders stands for all of ' +
    "them. Logs of other tools are read too, alone or beside runs: wandb's chart exports (CSV, one metric a file), TRL's trainer_state.json, TRL and verl logs as " +
    'JSON lines or as printed, TensorBoard event files, and folders that hold such files. The folder of an experiment (midtrain ablate), or an export of it, gives the page of the experiment; two are compared. The page opens offline: no script, nothing fetched.',
  arguments: [
    {
      name: 'runs',
      description: 'run folders, log files, and folders that hold either',
      required: true,
      variadic: true,
    },
  ],
  options: [
    { flags: '-o, --out <file>', description: 'where the page goes', default: 'report.html' },
    { flags: '--title <text>', description: 'heading of the page' },
    { flags: '--markdown', description: 'write the same as Markdown beside the page' },
    {
      flags: '--follow-parents',
      description: 'also read the runs that these were made from, where their folders still exist',
    },
    {
      flags: '--names <file>',
      description:
        'YAML that says what logged runs are called, which are drawn together, and their allowed length',
    },
    {
      flags: '--name <text=label>',
      description: 'what the logged run with that text in its name is called; may be given several times',
      parse: nameValue,
    },
    {
      flags: '--cap <tokens>',
      description:
        'allowed response length where a log has none; name=tokens for runs whose name holds that text',
      parse: capValue,
    },
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain report runs/demo --out report.html',
      what: 'every run below one folder, as one page',
    },
    {
      command: 'midtrain report runs/grpo --follow-parents --markdown',
      what: 'the whole way that led to an RL run',
    },
    {
      command: 'midtrain report runs/short runs/long --title "Short against long"',
      what: 'two arms side by side',
    },
    {
      command: 'midtrain report runs/ablate/qa-ratio runs/ablate/decay',
      what: 'two experiments of midtrain ablate beside each other; one alone gives its page again',
    },
    {
      command: 'midtrain report acc_math500.csv length_math500.csv --names names.yaml --cap 4096',
      what: "wandb's exports of two charts, the runs named in a file",
    },
    {
      command:
        'midtrain report out/checkpoint-500/trainer_state.json verl.log runs/tensorboard --name verl=Qwen',
      what: 'logs of TRL, of verl as printed, and of TensorBoard side by side',
    },
  ],
  async run(context, args, options) {
    const { namesAblation } = await import('./report-ablation.ts');
    if (await namesAblation(context.cwd, args)) return await reportAblation(context, args, options);
    const [{ readReportInputs }, { shownPath }, { renderReport }, { writeFileAtomic }] = await Promise.all([
      import('./report-inputs.ts'),
      import('./report-runs.ts'),
      import('../report/report.ts'),
      import('../io/atomic.ts'),
    ]);
    const given = (options.name ?? []) as readonly RunName[];
    const { runs, failures, warnings } = await readReportInputs(context.cwd, args, {
      followParents: options.followParents === true,
      names: [
        ...given,
        ...(options.names === undefined ? [] : await readNames(String(options.names), context.cwd)),
      ],
      caps: (options.cap ?? []) as readonly Cap[],
    });
    for (const text of [...failures, ...warnings]) context.emit({ kind: 'message', level: 'warn', text });
    const out = resolve(context.cwd, String(options.out));
    const markdownOut = options.markdown === true ? `${out.replace(/\.html?$/i, '')}.md` : undefined;
    const report = await renderReport(runs, {
      ...(typeof options.title === 'string' ? { title: options.title } : {}),
      command: commandLine(args, options),
      notes: [...failures.map((f) => `Left out, it could not be read: ${f}`), ...warnings],
    });
    await writeFileAtomic(out, report.html);
    if (markdownOut !== undefined) await writeFileAtomic(markdownOut, report.markdown);
    context.write(
      context.json
        ? asJson(out, markdownOut, report, failures)
        : asText(report, [out, markdownOut], (path) => shownPath(path, context.cwd)),
    );
    return failures.length > 0 ? exitCodes.someInputsFailed : exitCodes.done;
  },
};

/** One experiment or two: from folders of `midtrain ablate` or exports of them. */
async function reportAblation(
  context: CommandContext,
  args: readonly string[],
  options: Record<string, unknown>,
): Promise<number> {
  const [{ ablationAnswers, readAblationReport }, { shownPath }, { writeFileAtomic }] = await Promise.all([
    import('./report-ablation.ts'),
    import('./report-runs.ts'),
    import('../io/atomic.ts'),
  ]);
  for (const flag of ['names', 'name', 'cap', 'followParents'])
    if (options[flag] !== undefined)
      throw new UserError(
        `--${flag === 'followParents' ? 'follow-parents' : flag} is for runs and logs, and these are experiments`,
        {
          hint: 'leave it away',
        },
      );
  const title = typeof options.title === 'string' ? options.title : undefined;
  const { inputs, report } = await readAblationReport(context.cwd, args, title);
  const out = resolve(context.cwd, String(options.out));
  const markdownOut = options.markdown === true ? `${out.replace(/\.html?$/i, '')}.md` : undefined;
  await writeFileAtomic(out, report.html);
  if (markdownOut !== undefined) await writeFileAtomic(markdownOut, report.markdown);
  const answers = await ablationAnswers(inputs);
  const shown = (path: string): string => shownPath(path, context.cwd);
  context.write(
    context.json
      ? `${JSON.stringify({ report: out, ...(markdownOut === undefined ? {} : { markdown: markdownOut }), experiments: answers }, undefined, 2)}\n`
      : [
          ...answers.flatMap(({ name, answer }) => [name, ...answer.map((sentence) => `  ${sentence}`)]),
          `report   ${shown(out)} (${Math.ceil(report.html.length / 1024)} KiB)`,
          ...(markdownOut === undefined ? [] : [`markdown ${shown(markdownOut)}`]),
          '',
        ].join('\n'),
  );
  return exitCodes.done;
}

/** `text=label`; repeatable. */
function nameValue(text: string, flag: string, previous: unknown): RunName[] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1)
    throw new UserError(`${flag} ${text}: a text of the logged name, =, and what to call the run`, {
      hint: `for example ${flag} grpo_llama.3b_math=Llama-3.2-3B`,
    });
  return [
    ...((previous as RunName[] | undefined) ?? []),
    { match: text.slice(0, at), name: text.slice(at + 1) },
  ];
}

async function readNames(file: string, cwd: string): Promise<RunName[]> {
  const [{ readYaml }, { runNamesSchema }] = await Promise.all([
    import('./read-yaml.ts'),
    import('./run-names.ts'),
  ]);
  return (await readYaml(runNamesSchema, file, cwd)).runs;
}

type Report = Awaited<ReturnType<typeof import('../report/report.ts').renderReport>>;

/** The command that makes this report again, for the report's last section. */
function commandLine(args: readonly string[], options: Record<string, unknown>): string {
  return [
    'midtrain report',
    ...args.map(shellWord),
    ...(options.out === 'report.html' ? [] : ['--out', shellWord(String(options.out))]),
    ...(typeof options.title === 'string' ? ['--title', shellWord(options.title)] : []),
    ...(options.markdown === true ? ['--markdown'] : []),
    ...(options.followParents === true ? ['--follow-parents'] : []),
    ...(options.names === undefined ? [] : ['--names', shellWord(String(options.names))]),
    ...((options.name ?? []) as RunName[]).flatMap(({ match, name }) => [
      '--name',
      shellWord(`${match}=${name}`),
    ]),
    ...((options.cap ?? []) as Cap[]).flatMap(({ run, tokens }) => [
      '--cap',
      shellWord(run === undefined ? String(tokens) : `${run}=${tokens}`),
    ]),
  ].join(' ');
}

function asText(
  { data, html }: Report,
  paths: readonly (string | undefined)[],
  shown: (path: string) => string,
): string {
  const [out, markdownOut] = paths;
  const lines = [
    data.headline.sentence,
    ...data.headline.numbers.map((n) => `  ${n.label}: ${n.value} (${n.detail})`),
    `report   ${shown(out!)} (${Math.ceil(html.length / 1024)} KiB, ${data.runs.length} ${data.runs.length === 1 ? 'run' : 'runs'})`,
    ...(markdownOut === undefined ? [] : [`markdown ${shown(markdownOut)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function asJson(
  out: string,
  markdownOut: string | undefined,
  { data }: Report,
  failures: readonly string[],
): string {
  const result = {
    report: out,
    ...(markdownOut === undefined ? {} : { markdown: markdownOut }),
    runs: data.runs.map((run) => ({
      label: run.label,
      command: run.record.command,
      folder: run.id,
      status: run.record.status,
    })),
    headline: data.headline,
    signatures: data.grpos.map((g) => ({ run: g.run.label, verdict: g.verdict, signatures: g.signatures })),
    ...(data.benchmarks === undefined ? {} : { benchmarks: ends(data.benchmarks) }),
    missing: data.missing,
    failures,
  };
  return `${JSON.stringify(result, undefined, 2)}\n`;
}

/** A row a run and problem set: mean of the last evaluations, greatest value and its step, of accuracy and of length. */
function ends({ sets }: NonNullable<Report['data']['benchmarks']>) {
  return sets.flatMap(({ name, problems, lengthOf, curves }) =>
    curves.flatMap(({ run, accuracy, length }) =>
      (accuracy.end ?? length.end) === undefined
        ? []
        : [
            {
              run: run.label,
              group: run.group,
              set: name,
              problems,
              accuracy: accuracy.end,
              lengthOf,
              length: length.end,
            },
          ],
    ),
  );
}
