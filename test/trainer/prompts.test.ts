/**
 * Prompts: templates and worked examples, chat templates as transformers renders them with add_generation_prompt (fixture of
 * test/oracles/chat-prompts.py), and prompts that do not fit.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradeAnswer } from '../../src/grader/grade-answer.ts';
import { loadTokenizer, type Tokenizer } from '../../src/tokens/tokenizer.ts';
import { saveTokenizerFiles, tokenizerFilesOf } from '../../src/tokens/tokenizer-files.ts';
import type { TokenizerConfig, TokenizerJson } from '../../src/tokens/tokenizer-json.ts';
import type { Problem } from '../../trainer/problem-sets/problems.ts';
import { checkPromptBudget, encodePrompt, promptText } from '../../trainer/prompts/encode-prompt.ts';
import { exemplars } from '../../trainer/prompts/exemplars.ts';
import { builtInShots, drawnShots, shotsFor } from '../../trainer/prompts/few-shot.ts';
import { endOfTurn, loadTemplate } from '../../trainer/prompts/load-template.ts';
import { findTemplate, stopStringsOf } from '../../trainer/prompts/templates.ts';

const fixtures = path.join(import.meta.dirname, '../fixtures');
const given = JSON.parse(readFileSync(path.join(fixtures, 'chat-templates.json'), 'utf8')) as {
  tokenizer: TokenizerJson;
  config: TokenizerConfig;
  templates: Record<string, string>;
};
const { cases } = JSON.parse(readFileSync(path.join(fixtures, 'chat-prompts.json'), 'utf8')) as {
  cases: {
    template: string;
    talk: string;
    messages: { role: string; content: string }[];
    text: string;
    ids: number[];
  }[];
};
const root = mkdtempSync(path.join(tmpdir(), 'prompts-'));
let tokenizer: Tokenizer;
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folderOf = (template: string): string => path.join(root, template);
beforeAll(async () => {
  for (const [name, chat] of [...Object.entries(given.templates), ['base', undefined]] as const) {
    const folder = folderOf(name);
    mkdirSync(folder, { recursive: true });
    const config = { ...given.config, ...(chat === undefined ? {} : { chat_template: chat }) };
    await saveTokenizerFiles(
      tokenizerFilesOf(given.tokenizer, config as TokenizerConfig, `${folder}/tokenizer.json`),
      folder,
    );
  }
  tokenizer = await loadTokenizer(folderOf('base'));
});

const problem = (question: string, change: Partial<Problem> = {}): Problem => ({
  id: '0',
  question,
  expected: '4',
  row: {},
  ...change,
});
const ids = (text: string, special = false): number[] => [...tokenizer.encode(text, { special })];

describe('text templates', () => {
  it('are filled as they stand, the prefix before them', () => {
    const { text, tokens } = encodePrompt(
      { tokenizer, template: findTemplate('simple'), prefix: 7 },
      problem('1+1? $& \\boxed{}'),
    );
    expect(text).toBe('Question:1+1? $& \\boxed{}\nAnswer:');
    expect(tokens).toEqual([7, ...ids(text)]);
    expect(
      encodePrompt({ tokenizer, template: findTemplate('{question} ='), prefix: undefined }, problem('2'))
        .text,
    ).toBe('2 =');
    expect(promptText(findTemplate('question'), problem('whole prompt'))).toBe('whole prompt');
  });

  it('never make a special token of what a problem says', () => {
    const { tokens } = encodePrompt(
      { tokenizer, template: findTemplate('simple'), prefix: undefined },
      problem('<|im_end|>'),
    );
    expect(tokens).not.toContain(ids('<|im_end|>', true)[0]);
  });

  it('answer a wrong name with the nearest', () => {
    expect(() => findTemplate('simpel')).toThrow('no prompt template "simpel"; did you mean "simple"?');
  });

  it('have worked examples before the problem, each filled into the template', async () => {
    const template = await loadTemplate({
      template: 'simple',
      model: folderOf('base'),
      shots: builtInShots('gsm', 2),
    });
    const [first, second] = exemplars.gsm;
    expect(promptText(template, problem('q'))).toBe(
      `Question:${first!.question}\nAnswer:${first!.solution}\n\nQuestion:${second!.question}\nAnswer:${second!.solution}\n\nQuestion:q\nAnswer:`,
    );
  });
});

describe('worked examples', () => {
  it.each(Object.entries(exemplars))(
    'of the set %s give the answer that they reason to, found by the grader',
    (set, all) => {
      for (const { question, solution } of all) {
        const said = /\\boxed\{(.*)\}\$\.$|\(([A-E])\)\.$/.exec(solution);
        const answer = said?.[1] ?? said![2]!;
        const extract = set.startsWith('choice') ? 'choice' : 'auto';
        expect(gradeAnswer(solution, answer, { extract })).toMatchObject({ correct: true });
        // The last number of the steps, or the text of the choice, is the answer: nothing was mixed up while writing.
        const steps = solution.slice(0, solution.indexOf('The answer is'));
        const value = said?.[1] ?? new RegExp(`^\\(${answer}\\) \\$?(.*)$`, 'm').exec(question)![1]!;
        expect(steps.toLowerCase().replaceAll(' ', '')).toContain(
          value.split(' ')[0]!.toLowerCase().replace('[3,\\infty)', 'x\\ge3'),
        );
      }
    },
  );

  it('are as many as the usual prompts have, and no more can be asked for', () => {
    expect(Object.values(exemplars).map((set) => set.length)).toEqual([8, 4, 4, 4]);
    expect(() => builtInShots('math', 5)).toThrow('few-shot 5: the set math has 4 examples');
  });

  const pool = Array.from({ length: 30 }, (_, i) =>
    problem(`What is ${i} + 1?`, { id: String(i), solution: `${i + 1}` }),
  );

  it('drawn from a file depend on the seed only, and are never the problem itself', () => {
    const shots = drawnShots(pool, 4, 1, 'file');
    expect(drawnShots(pool, 4, 1, 'file')).toEqual(shots);
    expect(drawnShots(pool, 4, 2, 'file').pool).not.toEqual(shots.pool);
    for (const { question } of pool) {
      const taken = shotsFor(shots, question.toUpperCase().replace('?', ' ?'));
      expect(taken).toHaveLength(4);
      expect(taken.some((shot) => shot.question === question)).toBe(false);
    }
    expect(shotsFor(shots, 'another')).toEqual(shots.pool.slice(0, 4));
  });

  it('need a file with enough solutions', () => {
    expect(() => drawnShots(pool.slice(0, 4), 4, 1, 'train.jsonl')).toThrow(
      'train.jsonl: 4 of its 4 problems have a worked solution; 4 examples need 5',
    );
    const without = pool.map(({ solution: _, ...rest }) => rest);
    expect(() => drawnShots(without, 1, 1, 'x')).toThrow('0 of its 30 problems');
  });
});

describe('chat', () => {
  it.each(cases)(
    '$template, $talk, as transformers writes it',
    async ({ template: name, talk, messages, text, ids: expected }) => {
      const system = messages[0]!.role === 'system' ? messages[0]!.content : undefined;
      const shots =
        talk === 'example'
          ? { n: 1, name: 'x', pool: [{ question: messages[0]!.content, solution: messages[1]!.content }] }
          : undefined;
      const template = await loadTemplate({ template: 'chat', model: folderOf(name), system, shots });
      const made = encodePrompt({ tokenizer, template, prefix: 5 }, problem(messages.at(-1)!.content));
      expect(made).toEqual({ text, tokens: expected });
    },
  );

  it("asks a row's own conversation as it is, with a system prompt in the place of its own", async () => {
    const messages = [
      { role: 'system', content: 'I am a helpful assistant' },
      { role: 'user', content: 'What is the sum?' },
    ];
    const asked = problem('What is the sum?', { messages });
    const template = await loadTemplate({ template: 'chat', model: folderOf('chatml') });
    const expected = cases.find((c) => c.template === 'chatml' && c.talk === 'system')!;
    expect(encodePrompt({ tokenizer, template, prefix: undefined }, asked).text).toBe(expected.text);
    const other = await loadTemplate({ template: 'chat', model: folderOf('chatml'), system: 'Hm' });
    expect(encodePrompt({ tokenizer, template: other, prefix: undefined }, asked).text).toBe(
      expected.text.replace('I am a helpful assistant', 'Hm'),
    );
  });

  it('keeps spellings of special tokens in a problem apart', async () => {
    const template = await loadTemplate({ template: 'chat', model: folderOf('chatml') });
    const { tokens } = encodePrompt({ tokenizer, template, prefix: undefined }, problem('a<|im_end|>b'));
    expect(tokens.filter((id) => id === ids('<|im_end|>', true)[0])).toHaveLength(1);
  });

  it('names the token that ends a turn', async () => {
    for (const [name, token] of [
      ['chatml', '<|im_end|>'],
      ['llama-3', '<|eot_id|>'],
      ['qwen-2.5', '<|im_end|>'],
    ] as const) {
      const template = await loadTemplate({ template: 'chat', model: folderOf(name) });
      expect(endOfTurn(template, tokenizer)).toBe(ids(token, true)[0]);
      expect(stopStringsOf(template)).toEqual([]);
    }
    expect(endOfTurn(findTemplate('simple'), tokenizer)).toBeUndefined();
  });

  it('is refused for a base model, and a system prompt for other templates', async () => {
    await expect(loadTemplate({ template: 'chat', model: folderOf('base') })).rejects.toThrow(
      /base: its tokenizer has no chat template: this is a base model/,
    );
    await expect(loadTemplate({ template: 'simple', model: folderOf('base'), system: 'x' })).rejects.toThrow(
      'a system prompt goes with the template chat',
    );
  });

  it('says what a template refuses', async () => {
    const template = await loadTemplate({ template: 'chat', model: folderOf('chatml') });
    const asked = problem('q', { messages: [{ role: 'judge', content: 'q' }] });
    expect(() => encodePrompt({ tokenizer, template, prefix: undefined }, asked)).toThrow(
      'problem 0: the chat template refuses it (unknown_speaker',
    );
  });
});

describe('the budget', () => {
  const prompts = [
    { id: 'a', length: 10 },
    { id: 'b', length: 30 },
  ];
  it('is the context: prompt and answer must fit', () => {
    expect(checkPromptBudget(prompts, 34, 64)).toBe(30);
    expect(() => checkPromptBudget(prompts, 35, 64)).toThrow(
      "the prompt of problem b has 30 tokens; with 35 for the answer that is more than the model's context of 64 (1 of 2 problems do not fit)",
    );
  });
});
