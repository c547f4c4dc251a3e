/** The flags that `classify label` and `classify refine` have in common, and the job that they say. */
import { resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import { printableLine } from '../core/printable.ts';
import type { InputSpec } from '../io/read-plan.ts';
import type { ChatEstimate, ChatJob } from '../stages/judge-job.ts';
import { type CommandContext, type CommandOption, dryRunOption, jsonOption } from './command.ts';
import { amountValue, assignmentsValue, integerValue, numberValue } from './parse.ts';

/** Endpoint, model and sampling, then what bounds the run. */
export function chatOptions(maxTokens: number, temperature: number): CommandOption[] {
  return [
    {
      flags: '--endpoint <url>',
      description:
        'base URL of an OpenAI-compatible server, with or without /v1 (needed); HTTP_PROXY, HTTPS_PROXY and NO_PROXY hold',
    },
    { flags: '--model <name>', description: 'the model, as the server calls it (needed)' },
    {
      flags: '--api-key-env <variable>',
      description: 'environment variable that holds the key (default: OPENAI_API_KEY, if it is set)',
    },
    {
      flags: '--concurrency <n>',
      description: 'requests under way at once',
      default: 8,
      parse: integerValue({ min: 1, max: 4096 }),
    },
    {
      flags: '--requests-per-minute <n>',
      description: 'most requests begun in a minute',
      parse: numberValue({ min: 0.01 }),
    },
    {
      flags: '--timeout <seconds>',
      description: 'time for one request',
      default: 300,
      parse: numberValue({ min: 0.1, max: 86_400 }),
    },
    {
      flags: '--max-retries <n>',
      description: 'how often a request is sent again',
      default: 8,
      parse: integerValue({ min: 0, max: 100 }),
    },
    {
      flags: '--max-tokens <n>',
      description: 'most tokens of an answer, those of thoughts included',
      default: maxTokens,
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--temperature <t>',
      description: '0 takes the likeliest token each time',
      default: temperature,
      parse: numberValue({ min: 0, max: 100 }),
    },
    {
      flags: '--top-p <share>',
      description: 'passed on to the server',
      parse: numberValue({ min: 0, max: 1 }),
    },
    { flags: '--seed <n>', description: 'passed on to the server', parse: integerValue({ min: 0 }) },
    {
      flags: '--extra-body <json>',
      description:
        'further fields of the request, for example \'{"chat_template_kwargs":{"enable_thinking":false}}\'',
      parse: jsonObject,
    },
    {
      flags: '--max-characters <n>',
      description: 'characters of a document that one request carries (default: 12000)',
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--max-text-tokens <n>',
      description: 'tokens of a document that one request carries',
      parse: integerValue({ min: 1 }),
    },
    {
      flags: '--tokenizer <folder>',
      description: 'counts tokens for estimate, budget and --max-text-tokens (default: UTF-8 bytes / 4)',
    },
    {
      flags: '--price-input <usd>',
      description: 'dollars per million tokens in',
      parse: numberValue({ min: 0 }),
    },
    {
      flags: '--price-output <usd>',
      description: 'dollars per million tokens out',
      parse: numberValue({ min: 0 }),
    },
    {
      flags: '--budget-tokens <n>',
      description: 'stop before this folder has cost more tokens, in and out, earlier runs included (20M)',
      parse: amountValue,
    },
    {
      flags: '--budget-usd <usd>',
      description: 'stop before this folder has cost more dollars; needs the prices',
      parse: numberValue({ min: 0 }),
    },
    { flags: '--limit <n>', description: 'at most n documents', parse: integerValue({ min: 1 }) },
    {
      flags: '--column <name=column>',
      description: 'what the inputs call text, html, id, url or date; may be repeated',
      parse: assignmentsValue('text=content'),
    },
    {
      ...dryRunOption,
      description: 'print the estimate of requests, tokens and cost and stop; nothing is written or asked',
    },
    jsonOption,
  ];
}

/** What both jobs need of the flags. Throws a `UserError` for a flag that is missing. */
export function chatJob(
  inputs: InputSpec[],
  options: Record<string, unknown>,
  { cwd, emit, signal }: CommandContext,
): ChatJob {
  const needed = (name: 'endpoint' | 'model', example: string): string => {
    const value = options[name] as string | undefined;
    if (value === undefined || value.trim() === '')
      throw new UserError(`--${name} is missing`, { hint: `for example --${name} ${example}` });
    return value;
  };
  const [input, output] = [options.priceInput, options.priceOutput] as (number | undefined)[];
  if ((input === undefined) !== (output === undefined))
    throw new UserError(
      `--price-${input === undefined ? 'input' : 'output'} is missing beside the other price`,
      {
        hint: 'give both, in dollars per million tokens',
      },
    );
  const given = <K extends string>(key: K, value: unknown) => (value === undefined ? {} : { [key]: value });
  return {
    inputs,
    out: resolve(cwd, options.out as string),
    endpoint: {
      url: needed('endpoint', 'http://localhost:8000/v1'),
      model: needed('model', 'meta-llama/Llama-3.3-70B-Instruct'),
      concurrency: options.concurrency as number,
      timeoutSeconds: options.timeout as number,
      maxRetries: options.maxRetries as number,
      ...given('apiKeyEnv', options.apiKeyEnv),
      ...given('requestsPerMinute', options.requestsPerMinute),
    },
    sampling: {
      maxTokens: options.maxTokens as number,
      temperature: options.temperature as number,
      ...given('topP', options.topP),
      ...given('seed', options.seed),
      ...given('extraBody', options.extraBody),
    },
    maxCharacters: options.maxCharacters as number | undefined,
    maxTextTokens: options.maxTextTokens as number | undefined,
    tokenizer: options.tokenizer as string | undefined,
    limit: options.limit as number | undefined,
    prices: input === undefined || output === undefined ? undefined : { input, output },
    budgetTokens: options.budgetTokens as number | undefined,
    budgetUsd: options.budgetUsd as number | undefined,
    emit,
    signal,
  };
}

function jsonObject(text: string, flag: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new UserError(
    `${flag} ${text.length > 80 ? `${text.slice(0, 80)}...` : text}: expected a JSON object`,
    {
      hint: `for example ${flag} '{"min_p": 0.05}'`,
    },
  );
}

/** The estimate for people. */
export function estimateText(estimate: ChatEstimate): string {
  const n = (value: number): string => value.toLocaleString('en-US');
  const { documents, requests, answered, promptTokens, completionTokens, countedBy, costUsd } = estimate;
  return [
    `documents      ${n(documents)}`,
    `requests       ${n(requests)}${answered === 0 ? '' : `, of which ${n(answered)} are answered in the journal`}`,
    `tokens in      ${n(promptTokens)} (${countedBy})`,
    `tokens out     ${n(completionTokens)} (expected; second tries not counted)`,
    `cost           ${costUsd === null ? 'unknown: give --price-input and --price-output' : `$${costUsd.toFixed(4)}`}`,
    '',
  ].join('\n');
}

/** What came of a job, for people: ledger, tokens, cost, and what may have been paid twice. */
export function outcomeLines(summary: {
  ledger: { in: number; kept: number; dropped: Record<string, number>; failed: Record<string, number> };
  usage: { prompt_tokens: number; completion_tokens: number };
  costUsd: number | null;
  messages: Record<string, string>;
  possiblyPaidTwice?: unknown;
}): string[] {
  const n = (value: number): string => value.toLocaleString('en-US');
  const { ledger, usage, costUsd, messages, possiblyPaidTwice } = summary;
  const reasons = (counts: Record<string, number>): string[] =>
    Object.entries(counts)
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .map(([reason, count]) => {
        const said = messages[reason];
        return `  ${reason.padEnd(16)} ${n(count)}${said === undefined ? '' : ` (first: ${printableLine(said)})`}`;
      });
  return [
    ...reasons(ledger.dropped),
    ...reasons(ledger.failed),
    `tokens: ${n(usage.prompt_tokens)} in, ${n(usage.completion_tokens)} out${costUsd === null ? '' : `; $${costUsd.toFixed(4)}`}`,
    ...(Number(possiblyPaidTwice) > 0
      ? [`possibly paid twice: ${n(Number(possiblyPaidTwice))} requests that went out and brought no answer`]
      : []),
    ...('over_budget' in ledger.failed
      ? ['the budget is used up: run again with a larger one, what was answered is kept']
      : []),
  ];
}
