/** `midtrain card`: a Hugging Face card (README.md) for what midtrain produced. Maps flags to src/stages/make-card.ts. */
import { exitCodes, UserError } from '../core/errors.ts';
import { type Command, type CommandContext, jsonOption } from './command.ts';
import { choiceValue } from './parse.ts';

export const command: Command = {
  name: 'card',
  summary: 'write a Hugging Face card for a corpus, mixture, model, tokenizer or classifier',
  description:
    'Writes README.md with the front matter that the Hub reads, from what the run left on disk (run.json, manifest.json, metrics.jsonl): of a filter or ' +
    'recut run the thresholds, the ledger and the columns; of a mixture its sources and how to read the shards; of a training or GRPO run, or one ' +
    'checkpoint, data, settings and results; of a classifier its measures and training. The licence is worked out from those of the sources, and stays unknown where one of them is. The card of a ' +
    'filter run is also a data card: name it in a recipe as card: ./runs/web/README.md. A card that a person has changed is not replaced without --overwrite.',
  arguments: [
    {
      name: 'folder',
      description: 'a run folder, a checkpoint, a classifier, or a folder with tokenizer.json',
      required: true,
    },
  ],
  options: [
    { flags: '-o, --out <file>', description: 'where the card goes (default: README.md in the folder)' },
    { flags: '--name <text>', description: 'name of the data set or model (default: that of the run)' },
    {
      flags: '--license <id>',
      description:
        "licence by the Hub's identifier, before what the sources say (such as odc-by or cc-by-4.0)",
    },
    {
      flags: '--use <purpose>',
      description:
        'what it is for: research, commercial or redistribute (decides the warnings about licences)',
      parse: choiceValue(['research', 'commercial', 'redistribute']),
    },
    {
      flags: '--role <role>',
      description: 'of a corpus: its role in a mixture (default: that of its inputs, or web)',
      parse: choiceValue(['web', 'qa', 'long-cot', 'instruction', 'code', 'general']),
    },
    { flags: '--base-model <name>', description: 'of a model: the Hub name of what it was trained from' },
    { flags: '--dry-run', description: 'print the card and write nothing' },
    { flags: '--overwrite', description: 'replace a card that a person wrote or changed' },
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain card runs/web --license odc-by',
      what: 'a filtered corpus, ready for the Hub and for a recipe',
    },
    {
      command: 'midtrain card runs/decay-long-mix --use redistribute --dry-run',
      what: 'look at the card of a mixture and its licence warnings',
    },
    { command: 'midtrain card runs/demo/grpo --name my-model', what: 'a model card' },
    { command: 'midtrain card models/math --license apache-2.0', what: 'a classifier of "classify train"' },
  ],
  run,
};

async function run(
  context: CommandContext,
  args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const [
    { join, resolve },
    { existsSync, readFileSync, statSync },
    { makeCard },
    { authorOf, cardText },
    { readReportRuns, shownPath },
    { writeFileAtomic },
    licences,
  ] = await Promise.all([
    import('node:path'),
    import('node:fs'),
    import('../stages/make-card.ts'),
    import('../report/hub-card.ts'),
    import('./report-runs.ts'),
    import('../io/atomic.ts'),
    import('../core/licences.ts'),
  ]);
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const { refuseHub } = await import('./hub-config.ts');
  await refuseHub(
    args[0]!,
    'a card is written into a folder of this disk',
    'give the folder that the midtrain command wrote, then midtrain push it; what lies on the Hub has its card there',
  );
  const folder = resolve(context.cwd, args[0]!);
  const target = resolve(context.cwd, text('out') ?? join(folder, 'README.md'));
  if (statSync(target, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new UserError(`--out ${shownPath(target, context.cwd)} is a folder`, {
      hint: `a card is a file: --out ${shownPath(join(target, 'README.md'), context.cwd)}`,
    });
  const earlier = existsSync(target) ? readFileSync(target, 'utf8') : undefined;
  const kept = text('license') === undefined ? namedLicence(earlier) : undefined;
  if (kept !== undefined) {
    context.emit({
      kind: 'message',
      level: 'info',
      text: `licence ${kept}, as the card that is there was given it; --license names another`,
    });
  }
  const license = text('license') ?? kept;
  if (license !== undefined && !licences.hubLicences.includes(license)) {
    const { nearest } = await import('../core/nearest.ts');
    const near = nearest(license, licences.hubLicences);
    throw new UserError(
      `--license ${license}: not an identifier of the Hub's list${near === undefined ? '' : `; did you mean "${near}"?`}`,
      {
        hint: 'see https://huggingface.co/docs/hub/repositories-licenses; write other for a licence of its own',
      },
    );
  }
  const made = await makeCard({
    folder,
    cwd: context.cwd,
    target,
    readRun: (path) => readReportRuns(context.cwd, [path], false).runs[0]!,
    ...given({
      name: text('name'),
      license,
      use: text('use') as (typeof licences.uses)[number] | undefined,
      role: text('role'),
      baseModel: text('baseModel'),
    }),
  });
  const card = cardText(made.card);
  for (const warning of made.warnings) context.emit({ kind: 'message', level: 'warn', text: warning });
  const dryRun = options.dryRun === true;
  if (!dryRun) {
    if (earlier !== undefined && options.overwrite !== true && authorOf(earlier) === 'edited') {
      throw new UserError(`${shownPath(target, context.cwd)} was written or changed by a person`, {
        hint: 'give another --out, or --overwrite to replace it',
      });
    }
    await writeFileAtomic(target, card);
  }
  const { kind, licence, warnings } = made;
  if (context.json)
    context.write(
      `${JSON.stringify({ card: dryRun ? null : target, kind, licence, warnings, ...(dryRun ? { text: card } : {}) }, null, 2)}\n`,
    );
  else
    context.write(
      dryRun
        ? card
        : `${shownPath(target, context.cwd)}: card of a ${kind}, licence ${licence.license} (${licence.why})\n`,
    );
  return exitCodes.done;
}

/** The licence that --license gave an earlier card: made again without the flag, a card keeps it. */
function namedLicence(card: string | undefined): string | undefined {
  if (card === undefined) return undefined;
  return /^(\S+): named by whoever made this card\.$/m.exec(card)?.[1];
}

/** Without the keys that are undefined: undefined means unset. */
function given<T extends Record<string, unknown>>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
