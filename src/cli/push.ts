/** `midtrain push`: a corpus, mixture, checkpoint, classifier or tokenizer to the Hub. Maps flags to src/stages/push-files.ts and src/io/hub-push.ts. */
import { exitCodes } from '../core/errors.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import { choiceValue, listValue } from './parse.ts';

export const command: Command = {
  name: 'push',
  summary: 'push a corpus, mixture, checkpoint or classifier with its card to the Hub',
  description:
    'Sends what a midtrain command wrote to a repository on the Hugging Face Hub, in one commit: of a corpus its Parquet parts, of a mixture shards, ' +
    'manifest and tokenizer, of a checkpoint weights and tokenizer (not the state to go on from), of a classifier weights and measures, each with its card ' +
    '(README.md of the folder, or one made as "midtrain card" does); of any other folder all files. Files that the repository has with the same content ' +
    'are not sent again, and a push that was stopped goes on. A repository that holds files is changed with --yes only; nothing is ever deleted. After the commit ' +
    'every hash is compared. The token is taken from HF_TOKEN, HF_TOKEN_PATH or "hf auth login".',
  arguments: [
    { name: 'folder', description: 'what to push', required: true },
    {
      name: 'repository',
      description: 'owner/name (datasets/owner/name where it is to be a data set all the same)',
      required: true,
    },
  ],
  options: [
    { flags: '--private', description: 'make the repository private, where this push makes it' },
    { flags: '--public', description: "make it public (default: the owner's setting on the Hub)" },
    {
      flags: '--revision <branch>',
      description: 'branch to commit to; made where it does not exist',
      default: 'main',
    },
    {
      flags: '--type <type>',
      description: 'dataset or model (default: what the folder holds)',
      parse: choiceValue(['dataset', 'model']),
    },
    {
      flags: '--include <pattern>',
      description: "also these files of the folder, such as 'state/**' or run.json; may be repeated",
      parse: listValue(),
    },
    {
      flags: '--exclude <pattern>',
      description: "not these, such as 'dropped/**' or README.md; may be repeated",
      parse: listValue(),
    },
    { flags: '--message <text>', description: 'of the commit' },
    { flags: '--yes', description: 'add to and replace files of a repository that holds some' },
    { ...dryRunOption, description: 'list files and bytes and what would become of them; nothing is sent' },
    jsonOption,
  ],
  examples: [
    {
      command: 'midtrain push runs/web me/math-web --private',
      what: 'a filtered corpus, as a private data set with its card',
    },
    {
      command: "midtrain push runs/web me/math-web --exclude 'dropped/**' --dry-run",
      what: 'look first: every file, its bytes, and whether the Hub has it',
    },
    {
      command: 'midtrain push runs/small/decay/checkpoints/step-0000050 me/small-decay --revision step-50',
      what: 'a checkpoint, on a branch of its own',
    },
    {
      command: 'midtrain push models/math me/math-classifier --yes',
      what: 'a newer classifier over an older one',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const [
    { basename, resolve },
    { UserError },
    { pushFilesOf },
    { planPush },
    { assertMayWrite, carryOutPush },
    { parseHubRepository },
    { readReportRuns },
    { pushText, pushFacts, resultText },
  ] = await Promise.all([
    import('node:path'),
    import('../core/errors.ts'),
    import('../stages/push-files.ts'),
    import('../io/hub-push-plan.ts'),
    import('../io/hub-push.ts'),
    import('../io/hub-file.ts'),
    import('./report-runs.ts'),
    import('./push-text.ts'),
  ]);
  if (options.private === true && options.public === true)
    throw new UserError('--private and --public exclude each other', { hint: 'leave one of them out' });
  const { refuseHub } = await import('./hub-config.ts');
  await refuseHub(
    args[0]!,
    'what is pushed is a folder of this disk',
    'the folder comes first, then the repository: midtrain push runs/web owner/name; to copy a repository, midtrain pull it with --out before',
  );
  const folder = resolve(context.cwd, args[0]!);
  const found = await pushFilesOf({
    folder,
    cwd: context.cwd,
    readRun: (path) => readReportRuns(context.cwd, [path], false).runs[0]!,
    include: (options.include as string[] | undefined) ?? [],
    exclude: (options.exclude as string[] | undefined) ?? [],
  });
  const address = parseHubRepository(
    args[1]!,
    (options.type as 'dataset' | undefined) ?? asked(args[1]!) ?? found.type,
  );
  if (address.path !== '' || address.revision !== 'main')
    throw new UserError(`${args[1]}: a repository without a path and revision`, {
      hint: `midtrain push ${args[0]} ${address.dataset} --revision ${address.revision}`,
    });
  const { dataset, repository } = address;
  const hub = { signal: context.signal };
  const plan = await planPush(
    {
      repository: { dataset, ...(repository === undefined ? {} : { repository }) },
      branch: options.revision as string,
      files: found.files,
    },
    hub,
    context.emit,
  );
  for (const text of found.warnings) context.emit({ kind: 'message', level: 'warn', text });
  const facts = pushFacts(found, plan);
  if (options.dryRun === true) {
    context.write(
      context.json ? `${JSON.stringify({ ...facts, dryRun: true }, null, 2)}\n` : pushText(found, plan),
    );
    return exitCodes.done;
  }
  if (facts.send > 0) assertMayWrite(plan, options.yes === true);
  const isPrivate = options.private === true ? true : options.public === true ? false : undefined;
  const result = await carryOutPush(
    plan,
    {
      message:
        (options.message as string | undefined) ?? `${found.kind} ${basename(folder)}, pushed by midtrain`,
      yes: options.yes === true,
      ...(isPrivate === undefined ? {} : { isPrivate }),
    },
    hub,
    context.emit,
  );
  context.write(
    context.json ? `${JSON.stringify({ ...facts, ...result }, null, 2)}\n` : resultText(plan, result),
  );
  return exitCodes.done;
}

/** The kind that the name itself says. */
function asked(repository: string): 'dataset' | undefined {
  return /^(hf:\/\/)?datasets\//.test(repository) ? 'dataset' : undefined;
}
