/**
 * Rewrites documents with a language model. A long document goes in pieces cut at paragraphs, each a request of its own, one after another,
 * and comes back as one text; a piece whose answer was cut off, or that the endpoint finds too long, is asked again in halves. A document is
 * kept whole or not at all: a piece that cannot be used takes its document with it, with a reason, and those behind it are not asked.
 * Method: the refinement of MegaMath-Web-Pro and -Pro-Max (recipe.md section 3); pieces and checks are ours.
 */
import { addUsage, type ChatMessage, estimateTokens, noUsage, type TokenUsage } from './chat-types.ts';
import {
  answerProblem,
  defaultRefineLimits,
  documentProblem,
  lengthRatio,
  type RefineLimits,
  type RefineProblem,
  tidyRefined,
} from './check-refined.ts';
import { splitText } from './crop-text.ts';
import { fenced } from './fence.ts';
import { inOrder } from './in-order.ts';
import { windowOf } from './judge-documents.ts';
import { assertGoing, type NoAnswer, PaidAnswers, type PaidOptions } from './paid-answers.ts';
import type { RefinePrompt } from './refine-prompt.ts';

export interface RefineOptions extends PaidOptions {
  prompt: RefinePrompt;
  /** Characters of a piece; default 12,000. */
  maxCharacters?: number | undefined;
  /** Tokens of a piece, with `countTokens`. */
  maxTextTokens?: number | undefined;
  checks?: Partial<RefineLimits> | undefined;
}

/** `refined`, or why there is no refined text. */
type RefineOutcome = 'refined' | RefineProblem | 'empty_text' | NoAnswer;

export interface Refinement<Document> {
  document: Document;
  id: string;
  /** Null unless the outcome is `refined`. */
  text: string | null;
  outcome: RefineOutcome;
  message?: string;
  /** Characters of the refined text for one of the original, white space not counted; also of a text that was not kept for its length. */
  lengthRatio: number | null;
  /** Requests whose answers make up the text. */
  pieces: number;
  answers: number;
  usage: TokenUsage;
}

export const defaultRefineCharacters = 12_000;
const mostHalvings = 2;
/** A shorter piece is not the reason that its answer is too long. */
const shortestHalved = 200;

/** Refinements in the order of the documents. Throws what `judgeDocuments` throws. */
export async function* refineDocuments<Document extends { id: string; text: string }>(
  documents: AsyncIterable<Document> | Iterable<Document>,
  options: RefineOptions,
): AsyncGenerator<Refinement<Document>> {
  const paid = new PaidAnswers(options);
  yield* inOrder(documents, (document) => refineOne(document, paid, options), windowOf(options));
}

/** The pieces in which a text is sent. */
export function refinePieces(
  text: string,
  {
    maxCharacters,
    maxTextTokens,
    countTokens,
  }: Pick<RefineOptions, 'maxCharacters' | 'maxTextTokens' | 'countTokens'>,
): string[] {
  return splitText(text.toWellFormed().trim(), {
    characters: maxCharacters ?? defaultRefineCharacters,
    tokens: maxTextTokens,
    count: countTokens ?? estimateTokens,
  });
}

export function refineQuestion(piece: string, prompt: RefinePrompt): ChatMessage[] {
  return [{ role: 'user', content: fenced(prompt.prompt, piece) }];
}

async function refineOne<Document extends { id: string; text: string }>(
  document: Document,
  paid: PaidAnswers,
  options: RefineOptions,
): Promise<Refinement<Document>> {
  const source = document.text.toWellFormed().trim();
  const result: Refinement<Document> = {
    document,
    id: document.id,
    text: null,
    outcome: 'empty_text',
    lengthRatio: null,
    pieces: 0,
    answers: 0,
    usage: { ...noUsage },
  };
  if (source === '') return result;
  const part = await refinePieceByPiece(document.id, refinePieces(source, options), paid, options, 0);
  result.pieces = part.texts.length;
  result.answers = part.answers;
  result.usage = part.usage;
  if (part.problem !== undefined) {
    const message = part.message === undefined ? {} : { message: part.message };
    return { ...result, outcome: part.problem, ...message };
  }
  const text = part.texts.join('\n\n');
  result.lengthRatio = lengthRatio(text, source);
  const problem = documentProblem(text, source, { ...defaultRefineLimits, ...options.checks });
  return problem === undefined ? { ...result, text, outcome: 'refined' } : { ...result, outcome: problem };
}

interface Part {
  texts: string[];
  problem?: RefineOutcome;
  message?: string;
  answers: number;
  usage: TokenUsage;
}

/** One after another: a piece that cannot be used takes the document with it, and those behind it need not be paid for. */
async function refinePieceByPiece(
  id: string,
  pieces: readonly string[],
  paid: PaidAnswers,
  options: RefineOptions,
  halvings: number,
): Promise<Part> {
  const all: Part = { texts: [], answers: 0, usage: { ...noUsage } };
  for (const piece of pieces) {
    const { texts, problem, message, answers, usage } = await refinePiece(id, piece, paid, options, halvings);
    all.texts.push(...texts);
    all.answers += answers;
    all.usage = addUsage(all.usage, usage);
    if (problem !== undefined) return { ...all, problem, ...(message === undefined ? {} : { message }) };
  }
  return all;
}

async function refinePiece(
  id: string,
  piece: string,
  paid: PaidAnswers,
  options: RefineOptions,
  halvings: number,
): Promise<Part> {
  const part: Part = { texts: [], answers: 0, usage: { ...noUsage } };
  assertGoing(options.signal);
  const asked = await paid.ask(id, refineQuestion(piece, options.prompt));
  if (asked.kind === 'over_budget') return { ...part, problem: 'over_budget' };
  if (asked.kind === 'failed') return { ...part, problem: asked.reason, message: asked.message };
  const inHalves = async (most: number): Promise<Part | undefined> => {
    if (halvings >= most || piece.length < shortestHalved) return undefined;
    const halves = splitText(piece, { characters: Math.ceil(piece.length / 2) + 1 });
    const whole = await refinePieceByPiece(id, halves, paid, options, halvings + 1);
    return { ...whole, answers: whole.answers + part.answers, usage: addUsage(whole.usage, part.usage) };
  };
  if (asked.kind === 'problem') {
    const halves = asked.reason === 'context_length' ? await inHalves(mostHalvings) : undefined;
    return halves ?? { ...part, problem: asked.reason, message: asked.message };
  }
  const { answer } = asked;
  part.answers = 1;
  part.usage = answer.usage;
  if (answer.finish === 'content_filter') return { ...part, problem: 'content_filter' };
  if (answer.refusal !== undefined) return { ...part, problem: 'refused', message: answer.refusal };
  const text = tidyRefined(answer.content, piece);
  const problem = answerProblem(text, options.prompt.prompt, piece, answer.finish === 'length');
  // Paid for already, so once only.
  if (problem === 'truncated') return (await inHalves(1)) ?? { ...part, problem };
  return problem === undefined ? { ...part, texts: [text] } : { ...part, problem };
}
