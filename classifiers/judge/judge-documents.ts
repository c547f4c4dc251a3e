/**
 * Grades documents with a language model: one question a document, its score read from the last line of the answer, and a bounded number of
 * further questions where that line is missing or wrong. A document whose score cannot be read is `unparsed`; it never becomes a zero.
 *
 * A document longer than the budget is judged by its beginning; one that the endpoint still finds too long by half of that, and so on.
 * Method: FineWeb-Edu's and FineMath's annotation (recipe.md section 3).
 */
import {
  addUsage,
  type ChatMessage,
  type CountTokens,
  estimateTokens,
  noUsage,
  type TokenUsage,
} from './chat-types.ts';
import { cropLength } from './crop-text.ts';
import { fenced } from './fence.ts';
import { inOrder } from './in-order.ts';
import { assertGoing, type NoAnswer, PaidAnswers, type PaidOptions } from './paid-answers.ts';
import { parseScore } from './parse-score.ts';
import type { Rubric } from './rubric.ts';

export interface JudgeOptions extends PaidOptions {
  rubric: Rubric;
  /** Characters of a document that are sent; default 12,000. */
  maxCharacters?: number | undefined;
  /** Tokens of a document that are sent, with `countTokens`. */
  maxTextTokens?: number | undefined;
  /** Further questions after an answer without a score; default 2. */
  maxRepairs?: number | undefined;
}

/** `scored`, or why there is no score. */
type JudgeOutcome = 'scored' | 'unparsed' | 'refused' | 'empty_text' | NoAnswer;

export interface Judgement<Document> {
  document: Document;
  id: string;
  score: number | null;
  /** What the model says before its score. */
  justification: string | null;
  outcome: JudgeOutcome;
  /** What the endpoint said, where it gave no answer. */
  message?: string;
  /** Of all answers about this document. */
  usage: TokenUsage;
  /** Answers it took. */
  answers: number;
  /** Characters of the text that the judge saw. */
  judgedCharacters: number;
}

export const defaultJudgeCharacters = 12_000;
const defaultRepairs = 2;
const mostHalvings = 3;
/** Of an unusable answer, what is shown to the model again. */
const shownAnswer = 2000;

/**
 * Judgements in the order of the documents. `documents` carry what the caller likes beside `id` and `text`. Throws what ends the run: a
 * `UserError` of the endpoint or the journal, `InterruptedError` once the signal is aborted; what was answered until then is in the journal.
 */
export async function* judgeDocuments<Document extends { id: string; text: string }>(
  documents: AsyncIterable<Document> | Iterable<Document>,
  options: JudgeOptions,
): AsyncGenerator<Judgement<Document>> {
  const paid = new PaidAnswers(options);
  yield* inOrder(documents, (document) => judgeOne(document, paid, options), windowOf(options));
}

/** Documents begun and not handed on: enough to keep every connection busy behind one slow document. */
export function windowOf({ endpoint }: Pick<PaidOptions, 'endpoint'>): number {
  return Math.max(16, 4 * endpoint.concurrency);
}

/** The first question about a text: its messages, and how many characters of it they hold. */
export function judgeQuestion(
  text: string,
  { rubric, maxCharacters, maxTextTokens, countTokens }: QuestionOptions,
  halvings = 0,
): { messages: ChatMessage[]; characters: number } {
  const whole = text.toWellFormed().trim();
  const characters = Math.max(1, (maxCharacters ?? defaultJudgeCharacters) >> halvings);
  const tokens = maxTextTokens === undefined ? undefined : Math.max(1, maxTextTokens >> halvings);
  const length = cropLength(whole, { characters, tokens, count: countTokens ?? estimateTokens });
  const shown = whole.slice(0, length).trimEnd();
  return { messages: [{ role: 'user', content: fenced(rubric.prompt, shown) }], characters: shown.length };
}

export interface QuestionOptions {
  rubric: Rubric;
  maxCharacters?: number | undefined;
  maxTextTokens?: number | undefined;
  countTokens?: CountTokens | undefined;
}

async function judgeOne<Document extends { id: string; text: string }>(
  document: Document,
  paid: PaidAnswers,
  options: JudgeOptions,
): Promise<Judgement<Document>> {
  const { id, text } = document;
  const result: Judgement<Document> = {
    document,
    id,
    score: null,
    justification: null,
    outcome: 'unparsed',
    usage: { ...noUsage },
    answers: 0,
    judgedCharacters: 0,
  };
  if (text.trim() === '') return { ...result, outcome: 'empty_text' };
  let halvings = 0;
  let question = judgeQuestion(text, options);
  let messages = question.messages;
  for (let repairs = 0; ; ) {
    assertGoing(options.signal);
    const asked = await paid.ask(id, messages);
    result.judgedCharacters = question.characters;
    if (asked.kind === 'over_budget') return { ...result, outcome: 'over_budget' };
    if (asked.kind === 'failed') return { ...result, outcome: asked.reason, message: asked.message };
    if (asked.kind === 'problem') {
      // A conversation that has become too long ends; a text that is too long is shortened.
      if (asked.reason === 'context_length' && repairs > 0) return result;
      if (asked.reason !== 'context_length' || halvings === mostHalvings || question.characters < 2)
        return { ...result, outcome: asked.reason, message: asked.message };
      question = judgeQuestion(text, options, ++halvings);
      messages = question.messages;
      continue;
    }
    const { answer } = asked;
    result.answers++;
    result.usage = addUsage(result.usage, answer.usage);
    if (answer.finish === 'content_filter') return { ...result, outcome: 'content_filter' };
    if (answer.refusal !== undefined) return { ...result, outcome: 'refused', message: answer.refusal };
    const parsed = parseScore(answer.content, options.rubric, answer.finish === 'length');
    if (parsed.ok)
      return { ...result, score: parsed.score, justification: parsed.justification, outcome: 'scored' };
    result.justification = answer.content === '' ? null : answer.content;
    if (repairs === (options.maxRepairs ?? defaultRepairs)) return { ...result, message: parsed.problem };
    messages = [...question.messages, ...repairOf(answer.content, options.rubric, ++repairs)];
  }
}

/** Shows the model its answer and asks for the line alone. The number keeps a second try from being the same question as the first. */
function repairOf(
  answer: string,
  { label, min, max, whole, pattern }: Rubric,
  attempt: number,
): ChatMessage[] {
  const kind = whole ? 'a whole number' : 'a number';
  const form =
    pattern === undefined
      ? `Write one line of exactly this form, with ${kind} from ${min} to ${max} and nothing behind it:\n${label}: <number>`
      : `Write the line with the score again, as it was asked for, with ${kind} from ${min} to ${max}.`;
  const said = answer.slice(0, shownAnswer).toWellFormed();
  return [
    { role: 'assistant', content: said === '' ? '(no answer)' : said },
    {
      role: 'user',
      content: `Your answer has no score that can be read${attempt > 1 ? `, ${attempt} times now` : ''}. ${form}`,
    },
  ];
}
