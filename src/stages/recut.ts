/**
 * `midtrain recut` as a function: new thresholds over the stored signals of a run, and what they would change. Writes nothing.
 *
 * 1. The rules: those of the run, changed as asked (recut-rules.ts).
 * 2. The decision on every document, before and after, on worker threads (recut-run.ts, recut-decide.ts).
 * 3. The kept copy of each duplicate cluster, chosen again among the survivors (recut-copies.ts).
 * 4. The counts (recut-report.ts) and the first few documents gained and lost for each reason (recut-examples.ts).
 *
 * "Before" is decided again in the same way instead of being looked up, so that both sides are counted alike; that it agrees with the
 * run's own ledger is checked.
 */
import { initHash64 } from '../core/hash64.ts';
import type { Rule } from '../filters/rule.ts';
import { readRecord } from '../io/run-record.ts';
import { prioritySignal } from './copy-priority.ts';
import { CopyChooser, readRunClusters } from './recut-copies.ts';
import type { Decided } from './recut-decide.ts';
import { findExamples, type RecutExample } from './recut-examples.ts';
import { countRecut, type RecutCounts } from './recut-report.ts';
import { type RecutRequest, recutRules, ruleChanges } from './recut-rules.ts';
import { type DecideOptions, decideRun } from './recut-run.ts';
import { openSignalRun, type SignalRun, tokensAreExact } from './run-signals.ts';

export interface RecutOptions extends DecideOptions {
  /** Documents shown per reason, gained and lost each; default 2. */
  examples?: number;
}

export interface RecutReport extends RecutCounts {
  folder: string;
  name: string;
  /** Counted by the run's tokenizer; else text bytes / 4. */
  tokensExact: boolean;
  rules: Rule[];
  examples: { gained: RecutExample[]; lost: RecutExample[] };
  warnings: string[];
}

export interface Recut {
  run: SignalRun;
  rules: Rule[];
  /** Outcomes with duplicates dropped. */
  decided: Decided;
  copies: CopyChooser;
  report: RecutReport;
}

/** Decides anew on the run in `folder`. Throws a `UserError` for a folder without signals and for thresholds that match or change nothing. */
export async function recut(
  folder: string,
  request: RecutRequest,
  options: RecutOptions = {},
): Promise<Recut> {
  await initHash64();
  const run = await openSignalRun(folder);
  const before = run.plan.filter.rules;
  const rules = recutRules(run.plan, request);
  const changes = ruleChanges(before, rules);
  const priorities = run.plan.filter.dedup.map(({ keep }) => prioritySignal(keep));
  const deciding = decideRun(run, { before, after: rules, changes, priorities }, options);
  // The threads are at work while this one reads the clusters.
  const clusters = readRunClusters(run);
  const decided = await deciding;
  const copies = new CopyChooser(run, clusters, decided.priorities);
  const counts = countRecut({ before, after: rules, changes, decided, copies });
  const examples = await findExamples(run, rules, decided, options.examples ?? 2);
  const report: RecutReport = {
    folder,
    name: run.plan.name,
    tokensExact: tokensAreExact(run.plan),
    ...counts,
    rules,
    examples,
    warnings: disagreement(run, counts.before.documents),
  };
  return { run, rules, decided, copies, report };
}

/** The run's ledger against what its stored signals say. They differ only when files of the folder were changed or lost. */
function disagreement(run: SignalRun, kept: number): string[] {
  const ledger = readRecord(run.folder).summary.ledger as { kept?: unknown } | undefined;
  if (typeof ledger?.kept !== 'number' || ledger.kept === kept) return [];
  return [
    `the run kept ${ledger.kept} documents, its stored signals and rules give ${kept}; "before" is what the signals give`,
  ];
}
