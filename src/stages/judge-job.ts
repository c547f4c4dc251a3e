/**
 * What labelling and refining of files have in common: what they are given, the estimate before them, the journal, the progress, and the
 * record that is left. (judge-label.ts, refine-files.ts)
 *
 * Every answer is in `journal.jsonl` of the output folder before it is used; results are made from the journal and the inputs alone, so a
 * run that was killed, or stopped by its budget, goes on where it was and writes the same bytes. The caller holds the lock of the folder.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BudgetLimits, costOf, type Prices } from '../../classifiers/judge/budget.ts';
import {
  type ChatMessage,
  type CountTokens,
  estimateTokens,
  type Sampling,
} from '../../classifiers/judge/chat-types.ts';
import { Journal, requestKey } from '../../classifiers/judge/journal.ts';
import { type Endpoint, type EndpointOptions, openEndpoint } from '../../classifiers/judge/open-endpoint.ts';
import type { PaidProgress } from '../../classifiers/judge/paid-answers.ts';
import { fingerprint } from '../core/config.ts';
import { InterruptedError, UserError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import type { InputSpec, ReadPlan } from '../io/read-plan.ts';
import { type Run, readRecord, startRun } from '../io/run-record.ts';
import { type JudgeReading, judgeDocumentsOf, planJudgeInputs } from './judge-reader.ts';
import { openTokenCounter } from './token-counter.ts';

/** What both jobs are given. */
export interface ChatJob {
  inputs: readonly InputSpec[];
  /** The folder for results and record. */
  out: string;
  /** The file of answers; default `journal.jsonl` in `out`. */
  journal?: string | undefined;
  endpoint: EndpointOptions;
  sampling: Sampling;
  /** Characters of a text that one request carries. */
  maxCharacters?: number | undefined;
  /** Tokens of a text that one request carries; by the tokenizer, else bytes / 4. */
  maxTextTokens?: number | undefined;
  /** A tokenizer that counts for estimate, budget and maxTextTokens. */
  tokenizer?: string | undefined;
  /** At most so many documents. */
  limit?: number | undefined;
  prices?: Prices | undefined;
  /** Tokens in and out that this folder's work may cost in all. */
  budgetTokens?: number | undefined;
  budgetUsd?: number | undefined;
  emit: Emit;
  signal?: AbortSignal | undefined;
}

/** What a job would ask for; found by reading the inputs once. */
export interface ChatEstimate {
  documents: number;
  /** Requests in all, second tries not counted, and those whose answer is in the journal. */
  requests: number;
  answered: number;
  /** Of the requests that are left to ask. */
  promptTokens: number;
  completionTokens: number;
  /** The tokenizer, or the rule. */
  countedBy: string;
  costUsd: number | null;
}

/** The questions that a document leads to at first, and about how many tokens each answer has. */
export type FirstQuestions = (document: {
  id: string;
  text: string;
}) => { messages: ChatMessage[]; expected: number }[];

function journalPath({ out, journal }: Pick<ChatJob, 'out' | 'journal'>): string {
  return journal ?? join(out, 'journal.jsonl');
}

/** Undefined without a tokenizer: callers then take bytes / 4. */
export async function tokenCounterOf(tokenizer: string | undefined): Promise<CountTokens | undefined> {
  if (tokenizer === undefined) return undefined;
  const counter = await openTokenCounter(tokenizer);
  return (text) => counter.count(text, 0);
}

export function limitsOf({ budgetTokens, budgetUsd, prices }: ChatJob): BudgetLimits {
  if (budgetUsd !== undefined && prices === undefined)
    throw new UserError('a budget in dollars needs prices', {
      hint: 'give --price-input and --price-output in dollars per million tokens, or --budget-tokens',
    });
  return { tokens: budgetTokens, usd: budgetUsd, prices };
}

/** Reads the inputs and counts; writes nothing. `settings`: as for the journal. */
export async function estimateChat(
  job: ChatJob,
  questions: FirstQuestions,
  count: CountTokens | undefined,
  given?: ReadPlan,
): Promise<ChatEstimate> {
  const plan = given ?? (await planJudgeInputs(job.inputs, job));
  const journal = Journal.peek(journalPath(job), undefined);
  const tokensOf = count ?? estimateTokens;
  const estimate: ChatEstimate = {
    documents: 0,
    requests: 0,
    answered: 0,
    promptTokens: 0,
    completionTokens: 0,
    countedBy: job.tokenizer ?? 'UTF-8 bytes / 4',
    costUsd: null,
  };
  try {
    for await (const document of judgeDocumentsOf(plan, { failures: [], unreadable: 0 }, job)) {
      if (job.signal?.aborted) throw new InterruptedError();
      estimate.documents++;
      if (document.text.trim() === '') continue;
      for (const { messages, expected } of questions(document)) {
        estimate.requests++;
        if (journal?.has(requestKey(document.id, job.endpoint.model, job.sampling, messages))) {
          estimate.answered++;
          continue;
        }
        estimate.promptTokens += messages.reduce((sum, { content }) => sum + tokensOf(content), 0);
        estimate.completionTokens += Math.min(job.sampling.maxTokens, expected);
      }
    }
  } finally {
    await journal?.close();
  }
  if (job.prices !== undefined)
    estimate.costUsd = costOf(
      { prompt_tokens: estimate.promptTokens, completion_tokens: estimate.completionTokens },
      job.prices,
    );
  return estimate;
}

/** A job under way. */
export interface ChatRun {
  plan: ReadPlan;
  estimate: ChatEstimate;
  endpoint: Endpoint;
  journal: Journal;
  record: Run;
  reading: JudgeReading;
  countTokens: CountTokens | undefined;
  /** Told of every document that is through. */
  done(): void;
  onAnswer(progress: PaidProgress): void;
}

export interface ChatTask {
  task: 'label' | 'refine';
  /** What is asked, with its hash in the record: name and words. */
  prompt: { name: string; prompt: string };
  questions: FirstQuestions;
  countTokens: CountTokens | undefined;
  /** Further settings for the record. */
  config: Record<string, unknown>;
}

/**
 * Opens everything, says the estimate, runs `work`, and leaves the record with its summary. An error or Ctrl-C leaves a record that says so;
 * the journal is closed on every way out.
 */
export async function runChat<Summary extends Record<string, unknown>>(
  job: ChatJob,
  { task, prompt, questions, countTokens, config }: ChatTask,
  work: (run: ChatRun) => Promise<Summary>,
): Promise<Summary> {
  limitsOf(job);
  assertOwnFolder(job.out, task);
  const endpoint = openEndpoint({ emit: job.emit, ...job.endpoint });
  const plan = await planJudgeInputs(job.inputs, job);
  for (const text of plan.warnings) job.emit({ kind: 'message', level: 'warn', text });
  const estimate = await estimateChat(job, questions, countTokens, plan);
  job.emit({ kind: 'message', level: 'info', text: estimateLine(estimate) });
  const promptHash = fingerprint(prompt.prompt);
  const journal = Journal.open(journalPath(job), {
    task,
    model: endpoint.model,
    prompt: prompt.name,
    promptHash,
    sampling: job.sampling,
  });
  const record = startRun(job.out, {
    command: 'classify',
    name: `${task} ${prompt.name}`,
    config: {
      task,
      model: endpoint.model,
      endpoint: endpoint.host,
      prompt: prompt.name,
      promptHash,
      sampling: job.sampling,
      inputs: job.inputs.map(({ path }) => path),
      limit: job.limit ?? null,
      ...config,
    },
    inputs: plan.inputs,
  });
  sayJournal(journal, job.emit);
  const began = performance.now();
  const progress = progressOf(task, estimate.documents, job);
  job.emit({ kind: 'start', task, total: estimate.documents, unit: 'documents' });
  let end: () => void = () => {};
  try {
    const reading: JudgeReading = { failures: [], unreadable: 0 };
    const summary = await work({
      plan,
      estimate,
      endpoint,
      journal,
      record,
      reading,
      countTokens,
      ...progress,
    });
    for (const { file, place, problem } of reading.failures) {
      const where = place === undefined ? file : `${file} (${place})`;
      job.emit({ kind: 'message', level: 'warn', text: `${where}: ${problem}` });
    }
    const whole = { ...summary, ...runFigures(endpoint, journal, job.prices) };
    const seconds = (performance.now() - began) / 1000;
    end = () =>
      job.emit({
        kind: 'end',
        task,
        done: progress.count(),
        unit: 'documents',
        seconds,
        numbers: progress.numbers(),
      });
    record.finish('done', whole);
    return whole;
  } catch (error) {
    const stopped = error instanceof InterruptedError || job.signal?.aborted === true;
    record.finish(stopped ? 'interrupted' : 'failed', runFigures(endpoint, journal, job.prices));
    throw error;
  } finally {
    end();
    endpoint.close();
    await journal.close();
  }
}

/** Tokens, money and requests, for the record: of this run, and of all that is in the journal. */
function runFigures(
  endpoint: Endpoint,
  journal: Journal,
  prices: Prices | undefined,
): Record<string, unknown> {
  const { sent, answered, retries, lost } = endpoint.counts;
  const { found } = journal;
  return {
    requests: { sent, answered, retries, lost },
    replayedAnswers: found.answers,
    /** Went out and brought no answer, in this run and earlier ones: an endpoint may have counted these, and they were asked again. */
    possiblyPaidTwice: found.lost + found.underWay + lost,
    otherSettings: found.otherSettings,
    prices: prices ?? null,
  };
}

function sayJournal({ found }: Journal, emit: Emit): void {
  const say = (level: 'info' | 'warn', text: string): void => emit({ kind: 'message', level, text });
  if (found.answers > 0)
    say(
      'info',
      `the journal has ${found.answers.toLocaleString('en-US')} answers; what it has is not asked again`,
    );
  if (found.otherSettings > 0)
    say(
      'warn',
      `${found.otherSettings.toLocaleString('en-US')} of these were asked with another prompt, model or sampling: they stay in the journal and are not used`,
    );
  if (found.underWay > 0)
    say(
      'warn',
      `${found.underWay} requests were under way when the last run ended: the endpoint may have counted them, and they are asked again (possibly paid twice)`,
    );
  if (found.damaged > 0)
    say('warn', `${found.damaged} lines of the journal are damaged; what they held is asked again`);
}

function estimateLine({
  documents,
  requests,
  answered,
  promptTokens,
  completionTokens,
  countedBy,
  costUsd,
}: ChatEstimate): string {
  const n = (value: number): string => value.toLocaleString('en-US');
  const known = answered === 0 ? '' : `, ${n(answered)} of them answered before`;
  const cost = costUsd === null ? '' : `, about $${costUsd.toFixed(2)}`;
  return `estimate: ${n(documents)} documents, ${n(requests)} requests${known}; about ${n(promptTokens)} tokens in and ${n(completionTokens)} out (${countedBy})${cost}`;
}

/** A folder holds one kind of job; another's results would be overwritten. */
function assertOwnFolder(out: string, task: string): void {
  if (!existsSync(join(out, 'run.json'))) return;
  const { command, config } = readRecord(out);
  const before = (config as { task?: unknown } | null)?.task;
  if (command === 'classify' && before === task) return;
  throw new UserError(
    `${out} holds the run of another command (${command}${typeof before === 'string' ? ` ${before}` : ''})`,
    {
      hint: 'choose another folder with --out',
    },
  );
}

const quietMs = 200;

/** Counts documents and tells at most five times a second. */
function progressOf(task: string, total: number, { emit, prices }: ChatJob) {
  let documents = 0;
  let spoken = Number.NEGATIVE_INFINITY;
  let latest: PaidProgress | undefined;
  const numbers = (): Record<string, number> => {
    if (latest === undefined) return {};
    const { paid, retries, lost } = latest;
    return {
      'tokens in': paid.prompt_tokens,
      'tokens out': paid.completion_tokens,
      ...(prices === undefined ? {} : { 'cost $': Math.round(costOf(paid, prices) * 1e4) / 1e4 }),
      retries,
      ...(lost === 0 ? {} : { lost }),
    };
  };
  const speak = (): void => {
    const now = performance.now();
    if (now - spoken < quietMs) return;
    spoken = now;
    emit({ kind: 'progress', task, done: documents, total, unit: 'documents', numbers: numbers() });
  };
  return {
    done: (): void => {
      documents++;
      speak();
    },
    onAnswer: (progress: PaidProgress): void => {
      latest = progress;
      speak();
    },
    count: () => documents,
    numbers,
  };
}
