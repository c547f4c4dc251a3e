/** `midtrain pull`: a repository of the Hub into the cache that Python shares. Maps flags to src/io/hub-pull.ts. */
import { exitCodes, InputError, UserError } from '../core/errors.ts';
import type { HubAddress } from '../io/hub-file.ts';
import type { HubOptions } from '../io/hub-settings.ts';
import { type Command, type CommandContext, dryRunOption, jsonOption } from './command.ts';
import { choiceValue, listValue } from './parse.ts';

export const command: Command = {
  name: 'pull',
  summary: 'fetch a data set or model of the Hub into the cache, resumable and checked',
  description:
    "Fetches files of a repository on the Hugging Face Hub into the cache that Python's huggingface_hub uses, at the commit that the revision stands for now, " +
    'and prints the folder. Downloads are resumed and checked against their hashes; what is there is not fetched again. Commands also take hf://datasets/owner/name/path ' +
    'and hf://owner/name themselves; pull is for fetching ahead of time, for machines without a network (HF_HUB_OFFLINE=1), and with --out for a folder of plain files.',
  arguments: [
    {
      name: 'repository',
      description: 'owner/name of a model, datasets/owner/name; @revision and /path may follow',
      required: true,
    },
  ],
  options: [
    { flags: '--revision <name>', description: 'branch, tag or commit (default: main)' },
    {
      flags: '--type <type>',
      description: 'dataset or model, where owner/name alone does not say',
      parse: choiceValue(['dataset', 'model']),
    },
    {
      flags: '--include <pattern>',
      description: "only these files, such as 'kept/*.parquet'; may be repeated",
      parse: listValue(),
    },
    { flags: '--exclude <pattern>', description: 'not these; may be repeated', parse: listValue() },
    { flags: '-o, --out <folder>', description: 'copy the files there, out of the cache' },
    { ...dryRunOption, description: 'list files and bytes and which are in the cache; nothing is fetched' },
    jsonOption,
  ],
  examples: [
    { command: 'midtrain pull datasets/me/math-web', what: 'a corpus into the cache' },
    {
      command: "midtrain pull datasets/me/math-web --include 'kept/*.parquet' --out corpora/web",
      what: 'some of its files, copied to a folder',
    },
    {
      command: 'midtrain pull me/small-decay@step-50 --dry-run',
      what: 'what a model on a branch would fetch',
    },
  ],
  run,
};

async function run(
  context: CommandContext,
  args: string[],
  options: Record<string, unknown>,
): Promise<number> {
  const [{ resolve }, { planPull, carryOutPull }, { hubName, parseHubRepository }, { sizeText }] =
    await Promise.all([
      import('node:path'),
      import('../io/hub-pull.ts'),
      import('../io/hub-file.ts'),
      import('../io/plan-unit.ts'),
    ]);
  const address = parseHubRepository(args[0]!, options.type as 'dataset' | 'model' | undefined);
  const revision = options.revision as string | undefined;
  if (revision !== undefined) {
    if (address.revision !== 'main' && address.revision !== revision)
      throw new UserError(`${args[0]} names a revision, and --revision ${revision} another`, {
        hint: 'leave one of them out',
      });
    address.revision = revision;
  }
  const hub = { signal: context.signal };
  const choice = {
    include: (options.include as string[] | undefined) ?? [],
    exclude: (options.exclude as string[] | undefined) ?? [],
  };
  const plan = await planPull(address, choice, hub).catch(async (error: unknown) => {
    throw (await otherKind(error, address, hub)) ?? error;
  });
  const total = plan.files.reduce((sum, { file }) => sum + file.bytes, 0);
  const facts = {
    repository: hubName(address),
    revision: address.revision,
    commit: plan.commit,
    files: plan.files.map(({ file, isCached }) => ({
      path: file.path,
      bytes: file.bytes,
      hash: file.oid,
      cached: isCached,
    })),
    bytes: total,
    fetch: plan.bytes,
  };
  const counts = `${plan.files.length} files, ${sizeText(total)}, ${sizeText(plan.bytes)} to fetch`;
  if (options.dryRun === true) {
    const lines = plan.files.map(
      ({ file, isCached }) =>
        `  ${isCached ? 'cached' : 'fetch '}  ${sizeText(file.bytes).padStart(10)}  ${file.path}\n`,
    );
    context.write(
      context.json
        ? `${JSON.stringify({ ...facts, dryRun: true }, null, 2)}\n`
        : `${hubName(address)}@${plan.commit}\n${lines.join('')}${counts}\n`,
    );
    return exitCodes.done;
  }
  const out = options.out === undefined ? undefined : resolve(context.cwd, options.out as string);
  const folder = await carryOutPull(plan, out, hub, context.emit);
  context.write(
    context.json
      ? `${JSON.stringify({ ...facts, folder }, null, 2)}\n`
      : `${hubName(address)}@${plan.commit}: ${counts.replace('to fetch', 'fetched and held against their hashes')}\n${folder}\n`,
  );
  return exitCodes.done;
}

/** For `owner/name`, which is a model: the error that names the data set of this name, if there is one. */
async function otherKind(
  error: unknown,
  { dataset, repository, path }: HubAddress,
  hub: HubOptions,
): Promise<UserError | undefined> {
  if (!(error instanceof InputError) || repository !== 'model' || !/\((401|404)\)/.test(error.problem))
    return undefined;
  const { hubCommit } = await import('../io/hub.ts');
  const found = await hubCommit({ dataset, revision: 'main', path: '' }, { ...hub, retries: 0 }).then(
    () => true,
    () => false,
  );
  return found
    ? new UserError(error.message, {
        hint: `there is a data set of this name: midtrain pull datasets/${dataset}${path === '' ? '' : `/${path}`}`,
      })
    : undefined;
}
