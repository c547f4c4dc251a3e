/** What `classify label` and `classify refine` do once the job is known: the estimate alone, or the job under its folder's lock and what came of it. */
import { exitCodes } from '../core/errors.ts';
import type { Ledger } from '../core/ledger.ts';
import type { ChatEstimate, ChatJob } from '../stages/judge-job.ts';
import { estimateText } from './chat-flags.ts';
import type { CommandContext } from './command.ts';
import { textOf, writeResult } from './write-result.ts';

interface ChatCommand<Job, Summary> {
  estimate: (job: Job) => Promise<ChatEstimate>;
  carryOut: (job: Job) => Promise<Summary>;
  /** The summary as lines for people. */
  tell: (summary: Summary) => string[];
}

/** The exit code: `someInputsFailed` where documents have no answer. */
export async function runChatCommand<Job extends ChatJob, Summary extends { ledger: Ledger }>(
  context: CommandContext,
  options: Record<string, unknown>,
  job: Job,
  { estimate, carryOut, tell }: ChatCommand<Job, Summary>,
): Promise<number> {
  if (options.dryRun === true) {
    const estimated = await estimate(job);
    writeResult(context, estimated, estimateText(estimated));
    return exitCodes.done;
  }
  const { underLock } = await import('../jobs/under-lock.ts');
  const summary = await underLock(job.out, () => carryOut(job));
  writeResult(context, summary, textOf(tell(summary)));
  return Object.keys(summary.ledger.failed).length === 0 ? exitCodes.done : exitCodes.someInputsFailed;
}
