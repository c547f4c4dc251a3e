/**
 * `midtrain report`: run folders -> one self-contained HTML page, and Markdown. Reads only what runs leave on disk (run.json,
 * metrics.jsonl, rollouts.jsonl), so a report can be made again at any time, also of a run that is still going.
 */
import { resolve } from 'node:path';
import { exitCodes } from '../core/errors.ts';
import { shellWord } from '../report/shell-word.ts';
import { type Command, jsonOption } from './command.ts';

export const command: Command = {
  name: 'report',
  summary: 'one self-contained HTML page (and Markdown) of a run or several',
  description:
    'Shows what was filtered and why, what was mixed, loss and learning rate over both phases, and what reinforcement learning ' +
    'made of it, with the signs of collapse looked for and sample responses. Give the runs of one way (filter, mix, train, grpo) ' +
    'to see them as one, or several arms and seeds to see them side by side. A folder that holds run folders stands for all of ' +
    'them. The page opens offline: no script, nothing fetched.',
  arguments: [
    {
      name: 'runs',
      description: 'run folders, or folders that hold run folders',
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
  ],
  async run(context, args, options) {
    const [{ readReportRuns, shownPath }, { renderReport }, { writeFileAtomic }] = await Promise.all([
      import('./report-runs.ts'),
      import('../report/report.ts'),
      import('../io/atomic.ts'),
    ]);
    const { runs, failures, warnings } = readReportRuns(context.cwd, args, options.followParents === true);
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
    missing: data.missing,
    failures,
  };
  return `${JSON.stringify(result, undefined, 2)}\n`;
}
