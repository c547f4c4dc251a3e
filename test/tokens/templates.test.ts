/** Templates and column maps: how a record becomes a text. */
import { Field, List, Struct, Utf8, vectorFromArray } from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import { columnsSchema, whereSchema } from '../../src/core/card.ts';
import { columnsNeeded, fieldsOf } from '../../src/tokens/document-fields.ts';
import { isSelected } from '../../src/tokens/row-selection.ts';
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

describe('golden texts (recipe.md 2.4 and 4.5)', () => {
  // What the paper writes: no space after the colon, one line break between the parts, contents untouched.
  test.each([
    [
      'question-answer',
      { question: 'What is\n1+1?', answer: ' 2 \n' },
      'Question:What is\n1+1?\nAnswer: 2 \n',
    ],
    ['user-assistant', { question: 'Hi', answer: 'Hello' }, 'User:Hi\nAssistant:Hello'],
    ['question-think', { question: 'q?', reasoning: 'hm\n\nso 4' }, 'q?\nhm\n\nso 4'],
    ['question-think', { question: 'q?', reasoning: 'hm', answer: '  ' }, 'q?\nhm'],
    ['text', { text: 'Question: a\nAnswer: b' }, 'Question: a\nAnswer: b'],
  ] as const)('%s', (template, fields, text) => {
    expect(formatDocument(template, fields)).toEqual({ text });
  });
});

describe('nested columns', () => {
  const arc = {
    question: 'Which is a metal?',
    choices: { text: ['oak', 'iron', 'air'], label: ['A', 'B', 'C'] },
    answerKey: 'B',
  };
  const arcColumns = columnsSchema.parse({
    question: ['question', { column: 'choices', field: 'text' }],
    answer: {
      choices: { column: 'choices', field: 'text' },
      answer: 'answerKey',
      labels: { column: 'choices', field: 'label' },
    },
  });

  test('a field of a record, and the choice that the answer names by its label', () => {
    expect(fieldsOf(from(arc), arcColumns)).toEqual({
      question: 'Which is a metal?\noak\niron\nair',
      answer: 'iron',
    });
    const digits = { ...arc, choices: { text: ['oak', 'iron'], label: ['1', '2'] }, answerKey: '2' };
    expect(fieldsOf(from(digits), arcColumns).answer).toBe('iron');
  });

  test('a list of records gives the field of each', () => {
    const record = { options: [{ text: 'x', n: 1 }, { text: 'y' }] };
    expect(fieldsOf(from(record), { text: { column: 'options', field: 'text' } }).text).toBe('x\ny');
    expect(fieldsOf(from(record), { text: { column: 'options', field: 'text', item: 1 } }).text).toBe('y');
  });

  test('an index from 0 or a letter names a choice; what names none gives none', () => {
    const answer = { choices: 'choices', answer: 'answer' };
    const of = (value: unknown) =>
      fieldsOf(from({ choices: ['w', 'x', 'y', 'z'], answer: value }), { answer }).answer;
    expect([of(0), of(3), of(2n), of('b'), of('D')]).toEqual(['w', 'z', 'y', 'x', 'z']);
    expect([of(4), of(-1), of('E'), of('maybe'), of(null), of(1.5)]).toEqual(Array(6).fill(undefined));
    expect(fieldsOf(from({ ...arc, answerKey: 'D' }), arcColumns).answer).toBeUndefined();
  });

  test('fields that every object inherits are none', () => {
    const text = { column: 'r', field: 'constructor' };
    expect(fieldsOf(from({ r: {} }), { text }).text).toBeUndefined();
    expect(fieldsOf(from({ r: 'plain' }), { text: { column: 'r', field: 'length' } }).text).toBeUndefined();
  });

  test('the first generation that is verified', () => {
    const slot = {
      column: 'generations',
      item: { firstTrue: 'right' },
      between: ['<think>', '</think>'] as [string, string],
    };
    const of = (right: unknown) =>
      fieldsOf(from({ generations: ['<think>a</think>', '<think>b</think>'], right }), { reasoning: slot })
        .reasoning;
    expect([of([false, true]), of([true, true])]).toEqual(['b', 'a']);
    expect([of([false, false]), of([]), of(null), of(['true', 1])]).toEqual(Array(4).fill(undefined));
  });

  test('Arrow rows answer like plain ones', () => {
    const type = new Struct([
      new Field('text', new List(new Field('item', new Utf8()))),
      new Field('label', new List(new Field('item', new Utf8()))),
    ]);
    const vector = vectorFromArray([arc.choices], type);
    const read = (column: string) => (column === 'choices' ? vector.get(0) : arc[column as 'question']);
    expect(fieldsOf(read, arcColumns)).toEqual(fieldsOf(from(arc), arcColumns));
  });

  test('every column that may be asked for is named, so that the reader reads it', () => {
    const asked = new Set<string>();
    const columns = columnsSchema.parse({
      ...arcColumns,
      id: 'id',
      reasoning: { column: 'generations', item: { firstTrue: 'right' } },
      text: { choices: 'c', answer: 'a', labels: 'l' },
      messages: 'm',
    });
    const where = whereSchema.parse({ model: { prefix: 'gpt-4' }, score: { min: 3 } });
    const needed = columnsNeeded(columns, where);
    const read = (column: string) => {
      asked.add(column);
      return column === 'c' || column === 'l' ? ['x'] : 'x';
    };
    fieldsOf(read, columns);
    const selecting = (column: string) => {
      read(column);
      return column === 'model' ? 'gpt-4o' : 5;
    };
    isSelected(selecting, where);
    expect([...asked].filter((column) => !needed.includes(column))).toEqual([]);
    expect(needed).toEqual([...new Set(needed)]);
    expect(needed).toEqual(expect.arrayContaining(['id', 'right', 'answerKey', 'model', 'score', 'l']));
  });
});

describe('selection of records', () => {
  const selects = (where: object, record: Record<string, unknown>) =>
    isSelected(from(record), whereSchema.parse(where));

  test.each([
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1 }, { a: 1n }, true],
    [{ a: 1 }, { a: '1' }, false],
    [{ a: true }, { a: true }, true],
    [{ a: true }, {}, false],
    [{ a: { in: ['x', 'y'] } }, { a: 'y' }, true],
    [{ a: { in: ['x', 'y'] } }, { a: 'z' }, false],
    [{ a: { notIn: ['proof'] } }, { a: 'proof' }, false],
    [{ a: { notIn: ['proof'] } }, { a: null }, true],
    [{ a: { prefix: 'gpt-4' } }, { a: 'gpt-4-0314' }, true],
    [{ a: { prefix: 'gpt-4' } }, { a: 'gpt-3.5' }, false],
    [{ a: { min: 3, max: 5 } }, { a: 3 }, true],
    [{ a: { min: 3, max: 5 } }, { a: 5.1 }, false],
    [{ a: { min: 3 } }, { a: '4' }, false],
    [{ a: { min: 3 } }, { a: Number.NaN }, false],
    [{ a: { min: -1 } }, { a: null }, false],
    [{ a: { has: true } }, { a: [false, true] }, true],
    [{ a: { has: true } }, { a: [false] }, false],
    [{ a: { has: true } }, { a: true }, false],
    [{ a: 1, b: 2 }, { a: 1, b: 3 }, false],
    [{}, { a: 1 }, true],
  ])('%j of %o: %s', (where, record, expected) => {
    expect(selects(where, record)).toBe(expected);
  });

  test('without a selection every record is taken', () => expect(isSelected(from({}), undefined)).toBe(true));
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
