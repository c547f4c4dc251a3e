/**
 * One record to one problem: by a benchmark card's columns, or by the names that problem sets use.
 *
 * Known forms without a card: `question` or `problem` with `expected`, `final_answer`, `answer` or `solution` (GSM8K's `####` and MATH's box are
 * cut out), `Body` in front of `Question` (SVAMP, ASDiv); multiple choice with `choices` or `options`; `prompt`, a text or a list of chat messages
 * (TRL); and verl's Parquet (recipe 7.2): messages with `reward_model.ground_truth` as the answer and `extra_info.index` as the id.
 *
 * A record without an answer is refused, unless the caller says that rewards need none: then `expected` is empty and nobody calls an answer right.
 */
import type { Columns } from '../../src/core/card.ts';
import type { Evaluation, Reference } from '../../src/core/evaluation.ts';
import { extractBoxed, extractHashAnswer } from '../../src/grader/grade-answer.ts';
import { fieldsOf, type ReadCell, readList } from '../../src/tokens/document-fields.ts';
import type { Message } from '../../src/tokens/templates.ts';
import { letterOf, questionWithChoices, readChoices, rightChoice } from './choices.ts';
import type { Row } from './read-rows.ts';

/** What a record says of itself; the caller gives it an id where it has none. */
export interface ProblemFields {
  id?: string;
  question: string;
  expected: string;
  level?: string;
  subject?: string;
  /** Multiple choice: the texts in order; `expected` is then a letter from A. */
  choices?: readonly string[];
  /** The conversation that the record asks for (verl); `question` is then its last user turn. */
  messages?: readonly Message[];
  /** The worked solution, where the record has one: for examples in a prompt. */
  solution?: string;
}

export interface ProblemColumns {
  columns: Columns;
  evaluation: Partial<Evaluation>;
}

/** `optional`: a problem may have no answer, because a reward of the user's own scores it. */
export type Answers = 'needed' | 'optional';

export type ProblemResult = { fields: ProblemFields } | { problem: string; hint: string };

const longestId = 200;
const questionNames = ['question', 'problem', 'Question', 'Problem', 'input', 'query', 'prompt'];
/** What stands in front of the question, in sets that keep them apart. */
const bodyNames = ['Body', 'body'];
const answerNames = [
  'expected',
  'final_answer',
  'ground_truth',
  'answer',
  'Answer',
  'target',
  'solution',
  'result',
  'correct',
];
const choiceNames = ['choices', 'options'];

/** By a card where `card` is given, else by the usual names. */
export function toProblem(
  row: Row,
  card: ProblemColumns | undefined,
  answers: Answers = 'needed',
): ProblemResult {
  const read: ReadCell = (column) => (Object.hasOwn(row, column) ? row[column] : undefined);
  if (card === undefined && Array.isArray(row.prompt)) return fromMessages(row, read, answers);
  const columns = card?.columns ?? {};
  const evaluation = card?.evaluation ?? {};
  const named = fieldsOf(read, {
    question: evaluation.question ?? columns.question ?? questionOf(row),
    answer: evaluation.answer ?? columns.answer ?? firstOf(row, answerNames),
  });
  const question = named.question?.trim() ?? '';
  if (question === '') return missing(row, 'question', questionNames, card);
  const choiceColumn = evaluation.choices ?? (card === undefined ? firstOf(row, choiceNames) : undefined);
  const choices = choiceColumn === undefined ? undefined : readChoices(read, choiceColumn);
  if (evaluation.choices !== undefined && choices === undefined)
    return missing(row, 'list of choices', choiceNames, card);
  const solution = solutionOf(read, row, card);
  const shared = {
    ...optional('id', idOf(read(columns.id ?? firstOf(row, ['id', 'unique_id', 'ID', 'idx']) ?? ''))),
    ...optional(
      'level',
      levelOf(read(evaluation.level ?? firstOf(row, ['level', 'Level', 'difficulty']) ?? '')),
    ),
    ...optional(
      'subject',
      textOf(read(evaluation.subject ?? firstOf(row, ['subject', 'type', 'Type']) ?? '')),
    ),
    ...optional('solution', solution),
  };
  if (choices !== undefined) {
    const labels =
      evaluation.labels === undefined ? undefined : readList(read, evaluation.labels)?.map(String);
    const slot =
      evaluation.answer ?? columns.answer ?? firstOf(row, ['answerKey', 'correct', ...answerNames]);
    const answer = typeof slot === 'string' ? read(slot) : named.answer;
    const right = rightChoice(answer, choices, labels);
    if (right === -1) {
      return {
        problem: `the answer ${JSON.stringify(answer ?? null)?.slice(0, 80)} names none of its ${choices.length} choices`,
        hint: 'the answer must be an index from 0, a letter or the text of one choice',
      };
    }
    const expected = letterOf(right);
    return { fields: { ...shared, question: questionWithChoices(question, choices), expected, choices } };
  }
  const expected =
    named.answer === undefined ? undefined : referenceIn(named.answer, evaluation.reference ?? 'auto');
  if (expected === undefined || expected.trim() === '') {
    if (answers === 'optional' && (named.answer ?? '').trim() === '')
      return { fields: { ...shared, question, expected: '' } };
    if (named.answer === undefined) return missing(row, 'answer', answerNames, card);
    if (named.answer.trim() === '') {
      return {
        problem: 'its answer is empty',
        hint: 'give every problem its answer, or leave such records out (where: { answer: { notIn: [""] } })',
      };
    }
    return {
      problem: `no answer after #### and none in a \\boxed{}: ${JSON.stringify(named.answer.slice(-80))}`,
      hint: 'the reference answer must be found where the card says (evaluation: reference)',
    };
  }
  return { fields: { ...shared, question, expected: expected.trim() } };
}

/** The reference answer in the text of its column. */
function referenceIn(text: string, reference: Reference): string | undefined {
  switch (reference) {
    case 'text':
    case 'choice':
      return text;
    case 'hash':
      return extractHashAnswer(text);
    case 'boxed':
      return extractBoxed(text);
    case 'auto':
      return extractHashAnswer(text) ?? extractBoxed(text) ?? text;
  }
}

function questionOf(row: Row): string | string[] | undefined {
  const question = firstOf(row, questionNames);
  const body = firstOf(row, bodyNames);
  return question === undefined || body === undefined ? question : [body, question];
}

/** As verl's RLHFDataset and TRL read a conversation: the messages as they are. */
function fromMessages(row: Row, read: ReadCell, answers: Answers): ProblemResult {
  const messages = (row.prompt as unknown[]).map((item) => ({
    role: String(field(item, 'role') ?? ''),
    content: String(field(item, 'content') ?? ''),
  }));
  const question = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  if (question.trim() === '') {
    return {
      problem: 'no message of role "user" in "prompt"',
      hint: "verl's format has prompt: a list of { role, content }",
    };
  }
  const verl = textOf(field(row.reward_model, 'ground_truth'))?.trim();
  const text = verl ?? fieldsOf(read, { answer: firstOf(row, answerNames) }).answer;
  const expected = verl ?? (text === undefined ? '' : (referenceIn(text, 'auto') ?? '').trim());
  if (expected === '' && answers === 'needed') {
    return row.reward_model === undefined || row.reward_model === null
      ? {
          problem: 'a prompt without an answer',
          hint: `give reward_model.ground_truth (verl) or one of ${answerNames.slice(0, 4).join(', ')} (TRL); without answers a set is for grpo with a reward module of your own`,
        }
      : { problem: 'reward_model.ground_truth is empty', hint: 'give every problem its answer' };
  }
  const index = idOf(field(row.extra_info, 'index')) ?? idOf(read('id'));
  const split = textOf(field(row.extra_info, 'split'));
  return {
    fields: {
      ...optional('id', index === undefined ? undefined : split === undefined ? index : `${split}/${index}`),
      ...optional('level', levelOf(row.level ?? field(row.extra_info, 'level'))),
      ...optional('subject', textOf(row.data_source)),
      question,
      expected,
      messages,
    },
  };
}

function missing(
  row: Row,
  what: string,
  names: readonly string[],
  card: ProblemColumns | undefined,
): { problem: string; hint: string } {
  const columns = Object.keys(row).slice(0, 40).join(', ') || 'none';
  return {
    problem: `no ${what}; the columns are ${columns}`,
    hint:
      card === undefined
        ? `one of ${names.slice(0, 6).join(', ')} must hold the ${what}; a data card can name others (data-cards/*.md)`
        : `the card's columns do not fit this file; mend the card, or give the file alone to go by the usual names`,
  };
}

function solutionOf(read: ReadCell, row: Row, card: ProblemColumns | undefined): string | undefined {
  const slot = card?.columns.answer ?? firstOf(row, ['solution', 'rationale', 'Rationale', 'answer']);
  return slot === undefined ? undefined : fieldsOf(read, { answer: slot }).answer;
}

function firstOf(row: Row, names: readonly string[]): string | undefined {
  return names.find((name) => Object.hasOwn(row, name) && row[name] !== null && row[name] !== undefined);
}

function field(value: unknown, name: string): unknown {
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name] ?? undefined;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function idOf(value: unknown): string | undefined {
  return textOf(value)?.slice(0, longestId);
}

/** `Level 3` and 3.0 are both "3"; other texts stay as they are. */
function levelOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text === undefined ? undefined : (/^(?:level\s*)?(\d+)(?:\.0)?$/i.exec(text.trim())?.[1] ?? text);
}

function optional<K extends string, T>(name: K, value: T | undefined): { [k in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [k in K]?: T };
}
