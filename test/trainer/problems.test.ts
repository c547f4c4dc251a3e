/** Problem sets: every format they come in, what is taken from a record, selections, and errors that name file, place and cure. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCard } from '../../mixtures/load.ts';
import { gradeAnswer } from '../../src/grader/grade-answer.ts';
import { jsonBatch } from '../../src/io/json-columns.ts';
import { declaredColumns } from '../../src/io/json-schema.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { readChoices, rightChoice } from '../../trainer/problem-sets/choices.ts';
import {
  benchmarkNames,
  loadProblemSet,
  locateProblems,
} from '../../trainer/problem-sets/load-problem-set.ts';
import { readProblems } from '../../trainer/problem-sets/problems.ts';
import { levelTest, problemsSchema } from '../../trainer/problem-sets/selection.ts';
import { toProblem } from '../../trainer/problem-sets/to-problem.ts';
import { exemplars } from '../../trainer/prompts/exemplars.ts';
import { describeWith, sharedData } from '../io/shared-data.ts';

const root = mkdtempSync(path.join(tmpdir(), 'problems-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(name: string, records: readonly object[]): string {
  const file = path.join(root, name);
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return file;
}

/** The message and the cure of what a promise throws. */
async function errorOf(promise: Promise<unknown>): Promise<{ message: string; hint: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { message: string; hint: string };
  }
  throw new Error('nothing was thrown');
}

const math = [
  { problem: 'a', level: 'Level 1', type: 'Algebra', solution: 'so $\\boxed{1}$' },
  {
    problem: 'b',
    level: 'Level 3',
    type: 'Geometry',
    solution: 'first \\boxed{9}, then $\\boxed{\\frac{1}{2}}$',
  },
  { problem: 'c', level: 'Level 5', type: 'Algebra', solution: 'so $\\boxed{3}$' },
  { problem: 'd', level: 'Level ?', type: 'Algebra', solution: 'so $\\boxed{4}$' },
];

describe('what is taken from a record', () => {
  it("cuts GSM8K's answer out of the solution, and keeps the solution and all columns", async () => {
    const file = write('gsm.jsonl', [{ question: 'q', answer: 'Two <<1+1=2>>.\n#### 1,200' }]);
    expect(await readProblems(file)).toEqual([
      {
        id: '0',
        question: 'q',
        expected: '1200',
        solution: 'Two <<1+1=2>>.\n#### 1,200',
        row: { question: 'q', answer: 'Two <<1+1=2>>.\n#### 1,200' },
      },
    ]);
  });

  it("takes the last box of MATH's solution, with level and subject", async () => {
    const [, second] = await readProblems(write('math.jsonl', math));
    expect(second).toMatchObject({ expected: '\\frac{1}{2}', level: '3', subject: 'Geometry' });
  });

  it('prefers an answer to a solution, and reads numbers', async () => {
    const file = write('answers.jsonl', [{ problem: 'p', solution: '\\boxed{8}', answer: 7, id: 12 }]);
    expect(await readProblems(file)).toMatchObject([{ id: '12', expected: '7' }]);
  });

  it("reads verl's Parquet as it is: messages, ground truth, index", async () => {
    const columns = declaredColumns({
      data_source: 'text',
      prompt: { list: { struct: { content: 'text', role: 'text' } } },
      ability: 'text',
      reward_model: { struct: { ground_truth: 'text', style: 'text' } },
      extra_info: { struct: { index: 'int', split: 'text' } },
    });
    const records = [7, 8].map((index) => ({
      data_source: 'lighteval/MATH',
      prompt: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: `What is ${index} + 1?` },
      ],
      ability: 'math',
      reward_model: { style: 'rule', ground_truth: String(index + 1) },
      extra_info: { index, split: 'train' },
    }));
    const batch = jsonBatch(columns, records);
    const file = path.join(root, 'verl.parquet');
    const output = new ParquetOutput(file, batch.schema);
    await output.write(batch);
    await output.finish();
    const [first, second] = await readProblems(file);
    expect(first).toEqual({
      id: 'train/7',
      question: 'What is 7 + 1?',
      expected: '8',
      subject: 'lighteval/MATH',
      messages: records[0]!.prompt,
      row: records[0],
    });
    expect(second!.id).toBe('train/8');
  });

  it('puts a body in front of its question, as SVAMP and ASDiv keep them', async () => {
    const file = write('bodies.jsonl', [
      { ID: 'chal-1', Body: 'A pack costs 76 dollars.', Question: 'How much are two?', Answer: 152 },
    ]);
    expect(await readProblems(file)).toMatchObject([
      { id: 'chal-1', question: 'A pack costs 76 dollars.\nHow much are two?', expected: '152' },
    ]);
  });

  it('gives rows their own columns back, whatever the reader called them', async () => {
    const record = {
      id: 5,
      question: 'q',
      answer: 'a',
      source: 'book',
      date: '2020',
      nested: { a: [{ b: [1.5, 2] }], c: true },
    };
    const [problem] = await readProblems(write('own.jsonl', [record]));
    expect(problem).toMatchObject({ id: '5', row: record });
    const [plain] = await readProblems(write('plain.jsonl', [{ question: 'q', answer: 'a' }]));
    expect(Object.keys(plain!.row)).toEqual(['question', 'answer']);
  });

  it('reads a JSON array, a folder of files and a pattern in order', async () => {
    mkdirSync(path.join(root, 'many'), { recursive: true });
    for (const name of ['b', 'a'])
      writeFileSync(
        path.join(root, 'many', `${name}.json`),
        JSON.stringify([{ question: name, answer: '1' }]),
      );
    const questions = async (of: string): Promise<string[]> =>
      (await readProblems(of)).map(({ question }) => question);
    expect(await questions(path.join(root, 'many'))).toEqual(['a', 'b']);
    expect(await questions(path.join(root, 'many', '*.json'))).toEqual(['a', 'b']);
  });

  it('calls later problems of one id id~2, id~3, and says so', async () => {
    const records = ['x', 'y', 'x', 'x', 'x~2'].map((id) => ({ id, question: id, answer: '1' }));
    const set = await loadProblemSet(write('ids.jsonl', records));
    expect(set.problems.map(({ id }) => id)).toEqual(['x', 'y', 'x~2', 'x~3', 'x~2~2']);
    expect(new Set(set.problems.map(({ id }) => id)).size).toBe(5);
    expect(set.warnings[0]).toMatch(/^ids: 3 problems have an id that an earlier one has/);
  });
});

describe('multiple choice', () => {
  const read = (cell: unknown) => readChoices(() => cell, 'options');

  it('takes the labels of choices away only where all have them in order', () => {
    expect(read(['A)21', 'B) 22', '(C) 23'])).toEqual(['21', '22', '23']);
    expect(read(['A) x', 'C) y'])).toEqual(['A) x', 'C) y']);
    expect(read(['a. b', 'c'])).toEqual(['a. b', 'c']);
    expect(read('a ) 38 , b ) 27.675 , c ) f ( b ) = 3 , d ) none of these')).toEqual([
      '38',
      '27.675',
      'f ( b ) = 3',
      'none of these',
    ]);
    expect(read(['only'])).toBeUndefined();
    expect(read('no labels at all')).toBeUndefined();
  });

  it('finds the right one by index, letter, label or text, and guesses nothing', () => {
    const choices = ['2', '3', '0', '1'];
    expect(rightChoice(2, choices, undefined)).toBe(2);
    expect(rightChoice('c', choices, undefined)).toBe(2);
    expect(rightChoice('(D)', choices, undefined)).toBe(3);
    expect(rightChoice('3', choices, undefined)).toBe(1);
    expect(rightChoice('4', ['1', '2', '3', '4', '5'], ['1', '2', '3', '4', '5'])).toBe(3);
    expect(rightChoice('E', choices, undefined)).toBe(-1);
    expect(rightChoice(4, choices, undefined)).toBe(-1);
    expect(rightChoice('7', ['a', 'a'], undefined)).toBe(-1);
    expect(rightChoice('a', ['a', 'a'], ['1', '2'])).toBe(-1);
    expect(rightChoice(null, choices, undefined)).toBe(-1);
  });

  it('writes the choices below the question and the answer as a letter', () => {
    const { columns, evaluation } = loadCard('mmlu-stem', '.').project;
    const row = { question: 'Which?', choices: ['p', 'q', 'r', 's'], answer: 2, subject: 'astronomy' };
    expect(toProblem(row, { columns, evaluation: evaluation! })).toMatchObject({
      fields: {
        question: 'Which?\n(A) p\n(B) q\n(C) r\n(D) s',
        expected: 'C',
        subject: 'astronomy',
        choices: ['p', 'q', 'r', 's'],
      },
    });
  });

  it("reads ARC's labels, which are letters or digits", () => {
    const { columns, evaluation } = loadCard('arc-easy', '.').project;
    const row = {
      id: 'x',
      question: 'Which?',
      choices: { text: ['p', 'q', 'r'], label: ['1', '2', '3'] },
      answerKey: '3',
    };
    expect(toProblem(row, { columns, evaluation: evaluation! })).toMatchObject({ fields: { expected: 'C' } });
  });
});

describe('which problems are taken', () => {
  let file: string;
  beforeAll(() => {
    file = write('levels.jsonl', math);
  });

  it('by level and subject', async () => {
    const ids = async (spec: object): Promise<string[]> =>
      (await loadProblemSet(problemsSchema.parse({ set: file, ...spec }))).problems.map(
        ({ question }) => question,
      );
    expect(await ids({ levels: '3-5' })).toEqual(['b', 'c']);
    expect(await ids({ levels: '1,5' })).toEqual(['a', 'c']);
    expect(await ids({ levels: 3 })).toEqual(['b']);
    expect(await ids({ subjects: ['algebra'] })).toEqual(['a', 'c', 'd']);
    expect(await ids({ subjects: ['algebra'], count: 2 })).toEqual(['a', 'c']);
    expect(await ids({ where: { level: { prefix: 'Level 1' } } })).toEqual(['a']);
  });

  it('keeps ids when others are left out', async () => {
    const { problems, leftOut } = await loadProblemSet({ set: file, levels: '5' });
    expect([problems.map(({ id }) => id), leftOut]).toEqual([['2'], 3]);
  });

  it('refuses levels that are none', () => {
    expect(() => levelTest('hard')).toThrow('levels "hard": expected levels such as 3-5 or 1,3');
    expect(() => problemsSchema.parse({ set: file, levels: '3-' })).toThrow('levels such as 3-5');
  });

  it('says so when nothing is left', async () => {
    expect(await errorOf(loadProblemSet({ set: file, levels: '7' }))).toMatchObject({
      message: `${file}: none of its 4 records is taken (levels 7)`,
    });
    const plain = write('no-levels.jsonl', [{ question: 'q', answer: '1' }]);
    expect((await errorOf(loadProblemSet({ set: plain, levels: '3' }))).hint).toBe(
      'its records have no level; take levels out',
    );
  });
});

describe('errors', () => {
  it('name the file, the record, the columns that are there and a cure', async () => {
    const file = write('wrong.jsonl', [
      { question: 'q', answer: '1' },
      { text: 'no question', answer: '2' },
    ]);
    const error = await errorOf(readProblems(file));
    expect(error.message).toBe(`${file} (record 2): no question; the columns are text, question, answer`);
    expect(error.hint).toContain('one of question, problem');
  });

  it('tell a missing answer from an empty one and from one that cannot be found', async () => {
    expect((await errorOf(readProblems(write('e1.jsonl', [{ question: 'q', other: 1 }])))).message).toContain(
      '(record 1): no answer; the columns are question, other',
    );
    const empty = await errorOf(readProblems(write('e2.jsonl', [{ question: 'q', answer: ' ' }])));
    expect(empty.message).toContain('its answer is empty');
    expect(empty.hint).toContain('notIn');
    const boxless = await errorOf(
      loadProblemSet(
        `math=${write('e3.jsonl', [{ problem: 'p', solution: 'it is 4', level: 'Level 1', type: 'x' }])}`,
      ),
    );
    expect(boxless.message).toContain('none in a \\boxed{}: "it is 4"');
  });

  it('name a damaged line instead of leaving it out', async () => {
    const file = path.join(root, 'damaged.jsonl');
    writeFileSync(
      file,
      '{"question":"q","answer":"1"}\n{"question":"q","ans\n{"question":"q","answer":"1"}\n',
    );
    const error = await errorOf(readProblems(file));
    expect(error.message).toMatch(/damaged\.jsonl \(line 2\): /);
    expect(error.hint).toContain('a problem that is not read would be missing');
  });

  it('say that a file is empty or not there', async () => {
    writeFileSync(path.join(root, 'empty.jsonl'), '');
    expect((await errorOf(readProblems(path.join(root, 'empty.jsonl')))).message).toContain(
      'the file is empty',
    );
    expect((await errorOf(readProblems(path.join(root, 'nowhere.jsonl')))).message).toContain(
      'there is no such file or folder',
    );
  });

  it('offer the nearest benchmark for a name that is none', async () => {
    const error = await errorOf(loadProblemSet('gsm9k'));
    expect(error.message).toBe('no problem set "gsm9k"; did you mean "gsm8k"?');
    expect(error.hint).toContain('math-500');
  });
});

describe('names', () => {
  it('mean benchmarks for evaluation, whatever the case and dashes, and training data for training', () => {
    expect(locateProblems('gsm8k').name).toBe('gsm8k-test');
    expect(locateProblems('MATH500').name).toBe('math-500');
    expect(locateProblems('math').name).toBe('math-test');
    expect(locateProblems('gsm8k', { use: 'train' }).name).toBe('gsm8k');
    expect(locateProblems('gsm8k').paths).toEqual([
      'hf://datasets/openai/gsm8k/main/**/{test,test[-._0-9]*}',
    ]);
  });

  it('refuse a benchmark for training', () => {
    expect(() => locateProblems('math-500', { use: 'train' })).toThrow('math-500 is a benchmark');
  });

  it('card=file reads a copy by the columns of the card', () => {
    const { name, paths, card } = locateProblems('svamp=data/SVAMP.json', { cwd: root });
    expect([name, paths, card?.name]).toEqual(['svamp', [path.join(root, 'data/SVAMP.json')], 'svamp']);
  });

  it.each(benchmarkNames())('%s says how it is evaluated and where it lies', (name) => {
    const { card, paths } = locateProblems(name);
    expect(card!.project.evaluation).toBeDefined();
    expect(paths).toHaveLength(1);
    const { fewShot } = card!.project.evaluation!;
    expect(fewShot!.n).toBeLessThanOrEqual(exemplars[fewShot!.exemplars].length);
  });
});

describeWith('math-qa', 'real problem sets', () => {
  const file = (name: string) => path.join(sharedData, 'math-qa', name);

  it.each([
    ['gsm8k', 'gsm8k-test-even.jsonl', 660],
    ['math', 'math-test-without-500.jsonl', 4500],
    ['svamp', 'svamp.json', 1000],
    ['aqua', 'aqua-dev.json', 254],
    ['gsm-hard', 'gsm-hard-even.jsonl', 660],
    ['math-500', 'new50-exercise.json', 50],
  ])('%s=%s is read by its card, and its own answers grade as right', async (card, name, count) => {
    const { problems, evaluation, warnings } = await loadProblemSet(`${card}=${file(name)}`);
    expect([problems.length, warnings]).toEqual([count, []]);
    const extract = evaluation!.extract;
    const wrong = problems.filter(({ expected }) => {
      const said = extract === 'choice' ? `The answer is (${expected}).` : `so it is \\boxed{${expected}}`;
      return !gradeAnswer(said, expected, { extract }).correct;
    });
    expect(wrong.map(({ id, expected }) => `${id}: ${expected}`).slice(0, 5)).toEqual([]);
    // A problem that shows its answer, or has a piece of another column in it, was put together wrongly.
    expect(
      problems.every(({ question }) => !question.includes('####') && !question.includes('[object')),
    ).toBe(true);
  });

  it('has the levels 3 to 5 that the paper trains on', async () => {
    const { problems, leftOut } = await loadProblemSet({
      set: `math=${file('math-test-without-500.jsonl')}`,
      levels: '3-5',
    });
    expect([problems.length, leftOut]).toEqual([3302, 1198]);
  });

  it('holds none of the examples of the prompts', async () => {
    const fold = (text: string): string =>
      text
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, ' ')
        .trim();
    const asked = new Set<string>();
    for (const name of ['gsm8k-test-even.jsonl', 'math-test-without-500.jsonl', 'aqua-dev.json'])
      for (const { question } of await readProblems(file(name))) asked.add(fold(question));
    for (const { question } of Object.values(exemplars).flat()) expect(asked.has(fold(question))).toBe(false);
  });
});
