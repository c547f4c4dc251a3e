/** What label and refine steps of a staged pipeline have in common: the endpoint, where answers are kept, what is left of the budget. */
import { join } from 'node:path';
import { invariant, UserError } from '../core/errors.ts';
import type { Ledger } from '../core/ledger.ts';
import { readerInputs } from '../stages/input-spec.ts';
import type { ChatJob } from '../stages/judge-job.ts';
import type { StepContext } from './step-context.ts';
import type { PaidTokens } from './step-marker.ts';

/** The job of a paid step. Throws a `UserError` when earlier steps used the budget up. */
export function chatJobOf(
  context: StepContext<'label'> | StepContext<'refine'>,
  { model, maxTokens, temperature }: { model: string; maxTokens: number; temperature: number },
): ChatJob {
  const { answers, folder, plan, step, inputs, emit, signal, paidBefore } = context;
  const { endpoint, budgetTokens } = plan;
  invariant(endpoint !== null, 'a plan with paid steps has an endpoint');
  const spent = paidBefore.promptTokens + paidBefore.completionTokens;
  if (budgetTokens !== null && spent >= budgetTokens) throw usedUp(context, spent);
  const { maxCharacters } = step.config;
  const { url, apiKeyEnv, concurrency, timeoutSeconds, maxRetries } = endpoint;
  return {
    inputs: inputs.flatMap((input) => readerInputs(input, process.cwd())),
    out: folder,
    journal: join(answers, `${step.name}.jsonl`),
    endpoint: {
      url,
      model,
      ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }),
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
      ...(maxRetries === undefined ? {} : { maxRetries }),
    },
    sampling: { maxTokens: step.config.maxTokens ?? maxTokens, temperature },
    ...(maxCharacters === undefined ? {} : { maxCharacters }),
    ...(budgetTokens === null ? {} : { budgetTokens: budgetTokens - spent }),
    emit,
    signal,
  };
}

/** The error for a step that cannot be finished within the budget and that others build on. */
export function usedUp(
  { pipeline, step, plan }: Pick<StepContext<'label'> | StepContext<'refine'>, 'pipeline' | 'step' | 'plan'>,
  spent: number,
  ledger?: Ledger,
): UserError {
  const done = ledger === undefined ? '' : `; ${ledger.kept} of ${ledger.in} documents are done`;
  return new UserError(
    `${pipeline}: ${step.name} stopped at the budget of ${plan.budgetTokens} tokens (${spent} were paid before it${done})`,
    { hint: 'what was paid for is kept; run the same command with a larger --budget-tokens' },
  );
}

/** What a step's answers cost, those of earlier runs among them, and how many requests may have been charged for without one. */
export function paidOf(summary: {
  usage: { prompt_tokens: number; completion_tokens: number };
  [key: string]: unknown;
}): { paid: PaidTokens; possiblyPaidTwice: number } {
  const { usage } = summary;
  const { answered } = summary.requests as { answered: number };
  return {
    paid: {
      requests: answered + (summary.replayedAnswers as number),
      promptTokens: usage.prompt_tokens,
      completionTokens: usage.completion_tokens,
    },
    possiblyPaidTwice: summary.possiblyPaidTwice as number,
  };
}
