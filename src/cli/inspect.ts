/** `midtrain inspect`: read the kept and dropped documents of a filter run, with their signals, margins and reasons. */
import { resolve } from 'node:path';
import { nearest } from '../core/config.ts';
import { exitCodes, UserError } from '../core/errors.ts';
import type { DedupStep } from '../stages/resolved-filter.ts';
import type { RunDocument, RunDocuments } from '../stages/run-documents.ts';
import type { Command, CommandContext } from './command.ts';
import { integerValue } from './parse.ts';

export const command: Command = {
  name: 'inspect',
  summary: 'read kept and dropped documents of a run with signals and reasons',
  description:
    'Pages through the documents of a filter run (or a written recut) in the terminal: text, reason, every signal with its bound and ' +
    'margin, and the other copies of a duplicate. Keys are listed at the bottom. Without a terminal, or with --json, it prints ' +
    'documents. What a page hides or sends to a terminal (control sequences, invisible and reordering characters) is shown as escapes. ' +
    'Texts of dropped documents are there when the run was made with --dropped; else their first 200 characters. With --clusters it shows ' +
    'duplicates instead: the largest clusters first, every copy, which one stays and why.',
  arguments: [{ name: 'run', description: 'folder of a filter run', required: true }],
  options: [
    { flags: '--reason <reason>', description: 'kept, dropped, or one reason such as gopher_short_doc' },
    { flags: '--search <text>', description: 'documents that contain this text (case is ignored)' },
    { flags: '--margin', description: 'documents nearest to a bound first' },
    {
      flags: '--clusters [step]',
      description: 'duplicate clusters, the largest first, of all dedup steps or one (exact, url, minhash)',
    },
    {
      flags: '--limit <n>',
      description: 'documents or clusters to print at most; 20 by default, when no terminal reads them',
      parse: integerValue({ min: 1 }),
    },
    { flags: '--json', description: 'print documents or clusters as JSON, one a line' },
  ],
  examples: [
    { command: 'midtrain inspect runs/math', what: 'page through all documents' },
    {
      command: 'midtrain inspect runs/math --reason line_punct_ratio --margin',
      what: 'what a rule only just dropped',
    },
    {
      command: 'midtrain inspect runs/math --reason kept --search "theorem" --json --limit 5',
      what: 'five kept documents as JSON lines',
    },
    {
      command: 'midtrain inspect runs/math --clusters',
      what: 'look at duplicates, the largest clusters first',
    },
    {
      command: 'midtrain inspect runs/math --clusters minhash --limit 50 --json',
      what: 'the fifty largest clusters of near-duplicates, for a script',
    },
  ],
  async run(context, [folder], options) {
    const { refuseHub } = await import('./hub-config.ts');
    await refuseHub(
      folder!,
      'inspect reads the run folder of a filter, which is not pushed',
      'give the folder that midtrain filter wrote; documents of a corpus on the Hub are shown by its viewer there',
    );
    const { RunDocuments } = await import('../stages/run-documents.ts');
    const documents = await RunDocuments.open(resolve(context.cwd, folder!), { signal: context.signal });
    try {
      const filter = (options.reason as string | undefined) ?? 'all';
      checkFilter(documents, filter);
      const search = options.search as string | undefined;
      const byMargin = options.margin === true;
      const steps = await clusterStepsOf(documents, options);
      const terminal =
        process.stdout.isTTY && process.stdin.isTTY && !context.json && options.limit === undefined;
      if (terminal) {
        // React's development build costs 3.6 times the processor time per frame.
        process.env.NODE_ENV ??= 'production';
        const { openInspect } = await import('../tui/inspect-app.tsx');
        const start = {
          filter,
          byMargin,
          ...(search === undefined ? {} : { search }),
          ...(steps === undefined ? {} : { clusters: steps.map(({ name }) => name) }),
        };
        const end = await openInspect(documents, start, process);
        return end === 'interrupted' ? exitCodes.interrupted : exitCodes.done;
      }
      const limit = (options.limit as number | undefined) ?? 20;
      if (steps !== undefined) {
        await printClusters(context, documents, steps, limit);
        return exitCodes.done;
      }
      await print(context, documents, { filter, byMargin, limit, search });
      return exitCodes.done;
    } finally {
      await documents.close();
    }
  },
};

/** The dedup steps that --clusters asks for; undefined without it. */
async function clusterStepsOf(
  documents: RunDocuments,
  options: Record<string, unknown>,
): Promise<DedupStep[] | undefined> {
  if (options.clusters === undefined) return undefined;
  for (const other of ['reason', 'search', 'margin']) {
    if (options[other] !== undefined)
      throw new UserError(`--clusters shows whole clusters and cannot be given with --${other}`, {
        hint: `leave out --${other}; --reason duplicate_minhash lists the dropped copies one by one`,
      });
  }
  const { clusterSteps } = await import('../stages/run-clusters.ts');
  return clusterSteps(documents, typeof options.clusters === 'string' ? options.clusters : undefined);
}

/** Members of a cluster that are printed; in JSON more, for scripts. */
const shownMembers = 20;
const jsonMembers = 10_000;

async function printClusters(
  context: CommandContext,
  documents: RunDocuments,
  steps: readonly DedupStep[],
  limit: number,
): Promise<void> {
  const [{ runClusters }, { clusterJson, clusterText, stepText }] = await Promise.all([
    import('../stages/run-clusters.ts'),
    import('../tui/inspect-clusters.ts'),
  ]);
  for (const step of steps) {
    const counts = documents.clusterCounts(step.name);
    if (!context.json) context.write(stepText(step, counts));
    const members = context.json ? jsonMembers : shownMembers;
    for (const cluster of await runClusters(documents, step, { limit, members })) {
      if (context.signal.aborted) return;
      context.write(context.json ? clusterJson(cluster, step.keep) : clusterText(cluster, step.keep));
    }
    if (!context.json && counts.clusters > limit)
      context.write(`and ${counts.clusters - limit} smaller clusters (--limit)\n`);
  }
}

function checkFilter(documents: RunDocuments, filter: string): void {
  const { rules, dedup } = documents.run.plan.filter;
  const known = [
    'all',
    'kept',
    'dropped',
    'empty_text',
    'unscored',
    ...rules.map((rule) => rule.reason),
    ...dedup.map(({ name }) => `duplicate_${name}`),
  ];
  if (known.includes(filter)) return;
  const near = nearest(filter, known);
  const found = documents.reasons.map(({ reason, documents: n }) => `${reason} (${n})`);
  throw new UserError(`--reason ${filter}: no rule of this run has that reason`, {
    hint: near === undefined ? `the run has ${found.join(', ')}` : `did you mean "${near}"?`,
  });
}

async function print(
  context: CommandContext,
  documents: RunDocuments,
  {
    filter,
    byMargin,
    limit,
    search,
  }: { filter: string; byMargin: boolean; limit: number; search: string | undefined },
): Promise<void> {
  const { documentText, documentJson } = await import('../tui/inspect-plain.ts');
  const list = byMargin ? await documents.byMargin(filter) : documents.list(filter);
  let printed = 0;
  for (let at = 0; at < list.length && printed < limit; at++) {
    if (context.signal.aborted) break;
    if (search !== undefined) {
      at = await documents.search(list, at, 1, search, context.signal);
      if (at < 0) break;
    }
    const document: RunDocument = await documents.document(list[at]!);
    context.write(context.json ? documentJson(document) : documentText(document, documents.tokensExact));
    printed++;
  }
  if (printed === 0 && !context.json) {
    const found = documents.reasons.map(({ reason, documents: n }) => `${reason} ${n}`).join(', ');
    context.write(`no document matches; the run has ${found === '' ? 'none' : found}\n`);
  }
}
