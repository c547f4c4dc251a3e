/** Templates and column maps: how a record becomes a text. */
import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../../src/tokens/document-fields.ts';
import { formatDocument } from '../../src/tokens/templates.ts';

const from = (record: Record<string, unknown>) => (column: string) => record[column];

describe('templates of the paper', () => {
  test('question-answer is the simple template', () => {
    expect(formatDocument('question-answer', { question: '2+2?', answer: '4' })).toEqual({
      text: 'Question:2+2?\nAnswer:4',
    });
  });

  test('question-think joins question and reasoning by a line break, and the answer where there is one', () => {
    expect(formatDocument('question-think', { question: 'q', reasoning: 'r' })).toEqual({ text: 'q\nr' });
    expect(formatDocument('question-think', { question: 'q', reasoning: 'r', answer: 'a' })).toEqual({
      text: 'q\nr\na',
    });
  });

  test('user-assistant writes every turn of a conversation, or one question and answer', () => {
    const messages = [
      { role: 'system', content: 's' },
      { role: 'user', content: 'u' },
      { role: 'assistant', content: 'a' },
      { role: 'human', content: 'v' },
    ];
    expect(formatDocument('user-assistant', { messages })).toEqual({
      text: 'System:s\nUser:u\nAssistant:a\nUser:v',
    });
    expect(formatDocument('user-assistant', { question: 'u', answer: 'a' })).toEqual({
      text: 'User:u\nAssistant:a',
    });
  });

  test('a record without what the template needs is a counted problem, not a text', () => {
    expect(formatDocument('question-answer', { question: 'q' })).toEqual({ problem: 'missing_field' });
    expect(formatDocument('text', { text: '  \n' })).toEqual({ problem: 'empty' });
    expect(formatDocument('user-assistant', { messages: [] })).toEqual({ problem: 'empty' });
    expect(formatDocument('user-assistant', { messages: [{ role: 'tool', content: 'x' }] })).toEqual({
      problem: 'unknown_speaker',
    });
  });
});

describe('column maps', () => {
  test('take a column, join several, and cut out a part', () => {
    const record = {
      instruction: 'Fix:',
      input: 'freind',
      output: '<Thought> hm \n</Thought>\n<Output>friend</Output>',
      n: 3,
    };
    const fields = fieldsOf(from(record), {
      question: ['instruction', 'input'],
      reasoning: { column: 'output', between: ['<Thought>', '</Thought>'] },
      answer: { column: 'output', after: '</Thought>' },
      text: 'n',
    });
    expect(fields).toEqual({
      question: 'Fix:\nfreind',
      reasoning: 'hm',
      answer: '<Output>friend</Output>',
      text: '3',
    });
  });

  test('an empty part of a join leaves no line behind', () => {
    expect(
      fieldsOf(from({ instruction: 'Name a prime.', input: '' }), { question: ['instruction', 'input'] }),
    ).toEqual({ question: 'Name a prime.' });
  });

  test('pick an element of a list, take matches out, read both forms of messages', () => {
    const record = {
      generations: ['<think>a</think>', 'b'],
      answer: '48/2 = <<48/2=24>>24',
      chat: [{ from: 'human', value: 'hi' }],
    };
    const fields = fieldsOf(from(record), {
      reasoning: { column: 'generations', item: 0, between: ['<think>', '</think>'] },
      answer: { column: 'answer', remove: '<<[^>]*>>' },
      messages: 'chat',
    });
    expect(fields).toEqual({
      reasoning: 'a',
      answer: '48/2 = 24',
      messages: [{ role: 'human', content: 'hi' }],
    });
  });

  test('an absent column or mark leaves the field undefined', () => {
    expect(
      fieldsOf(from({ a: 'x' }), {
        question: 'b',
        answer: { column: 'a', between: ['<', '>'] },
        reasoning: { column: 'a', item: 0 },
      }),
    ).toEqual({});
  });
});
