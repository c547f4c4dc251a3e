/**
 * Problems as rows of verl's Parquet: data_source, prompt (chat messages), ability, reward_model, extra_info (recipe 7.2). Prompts of text templates
 * are whole in one message, which a chat template of our own prints as it is; those of `chat` are the messages that the tokenizer's template
 * is given here too.
 */
import { Field, Int64, List, Schema, Struct, Utf8, vectorFromArray } from 'apache-arrow';
import type { Asked } from '../../trainer/grpo/prepare-prompts.ts';
import type { Problem } from '../../trainer/problem-sets/problems.ts';
import { promptText } from '../../trainer/prompts/encode-prompt.ts';
import { shotsFor } from '../../trainer/prompts/few-shot.ts';
import { fillTemplate } from '../../trainer/prompts/templates.ts';
import { batchOf } from '../core/batch.ts';
import { ParquetOutput } from '../io/parquet-write.ts';

export interface VerlRow {
  data_source: string;
  prompt: { content: string; role: string }[];
  ability: string;
  reward_model: { ground_truth: string; style: string };
  extra_info: {
    answer: string;
    choices: string[] | null;
    id: string;
    index: bigint;
    question: string;
    split: string;
  };
}

export function verlRow(
  problem: Problem,
  asked: Asked,
  source: string,
  split: string,
  index: number,
): VerlRow {
  return {
    data_source: source,
    prompt: messagesOf(problem, asked),
    ability: 'math',
    reward_model: { ground_truth: problem.expected, style: 'rule' },
    extra_info: {
      answer: problem.expected,
      choices: problem.choices === undefined ? null : [...problem.choices],
      id: problem.id,
      index: BigInt(index),
      question: problem.question,
      split,
    },
  };
}

function messagesOf(problem: Problem, { template }: Asked): VerlRow['prompt'] {
  if (template.chat === undefined) return [{ content: promptText(template, problem), role: 'user' }];
  const { system } = template.chat;
  const own = (problem.messages ?? [{ role: 'user', content: fillTemplate(template, problem.question) }]).map(
    ({ role, content }) => ({ content, role }),
  );
  const first = own[0]?.role === 'system' ? own.shift() : undefined;
  const opening = system === undefined ? first : { content: system, role: 'system' };
  const shots = shotsFor(template.shots, problem.question).flatMap(({ question, solution }) => [
    { content: fillTemplate(template, question), role: 'user' },
    { content: solution, role: 'assistant' },
  ]);
  return [...(opening === undefined ? [] : [opening]), ...shots, ...own];
}

const text = (name: string): Field => new Field(name, new Utf8(), true);
const list = (name: string, item: Field): Field => new Field(name, new List(item), true);

const schema = new Schema([
  text('data_source'),
  list('prompt', new Field('element', new Struct([text('content'), text('role')]), true)),
  text('ability'),
  new Field('reward_model', new Struct([text('ground_truth'), text('style')]), true),
  new Field(
    'extra_info',
    new Struct([
      text('answer'),
      list('choices', text('element')),
      text('id'),
      new Field('index', new Int64(), true),
      text('question'),
      text('split'),
    ]),
    true,
  ),
]);

export async function writeVerlRows(path: string, rows: readonly VerlRow[]): Promise<void> {
  const children = schema.fields.map((field) => {
    const values = rows.map((row) => row[field.name as keyof VerlRow]);
    return vectorFromArray(values as never, field.type).data[0]!;
  });
  const output = new ParquetOutput(path, schema);
  try {
    await output.write(batchOf(schema, children as never, rows.length));
    await output.finish();
  } catch (error) {
    await output.abort();
    throw error;
  }
}
