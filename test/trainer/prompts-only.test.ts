/** Problem sets that are prompts: TRL's, as texts and messages, and sets without answers, for rewards that need none. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { UserError } from '../../src/core/errors.ts';
import { readProblems } from '../../trainer/problem-sets/problems.ts';
import { answersFor } from '../../trainer/rewards/index.ts';
import { writeRecords } from './eval-model.ts';

const root = mkdtempSync(path.join(tmpdir(), 'prompts-only-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const write = (name: string, records: readonly object[]) => writeRecords(path.join(root, name), records);

it('takes prompts as TRL has them, texts and messages, and without answers where none is needed', async () => {
  const messages = [{ role: 'user', content: 'What is 2 + 2?' }];
  const texts = write('prompts.jsonl', [{ prompt: 'What is 1 + 1?', solution: 'It is \\boxed{2}.' }]);
  expect(await readProblems(texts)).toMatchObject([{ question: 'What is 1 + 1?', expected: '2' }]);
  const chats = write('chats.jsonl', [{ prompt: messages, solution: '$4$' }]);
  expect(await readProblems(chats)).toMatchObject([
    { question: 'What is 2 + 2?', expected: '$4$', messages },
  ]);
  const bare = write('bare.jsonl', [{ prompt: messages }, { question: 'q', answer: '' }]);
  const { message, hint } = await readProblems(bare).then(
    () => expect.unreachable(),
    (error: unknown) => error as UserError,
  );
  expect(message).toMatch(/bare\.jsonl \(.*1\): a prompt without an answer/);
  expect(hint).toContain('a reward module of your own');
  expect(await readProblems(bare, { answers: 'optional' })).toMatchObject([
    { question: 'What is 2 + 2?', expected: '' },
    { question: 'q', expected: '' },
  ]);
  expect(answersFor({ reward: './mine.ts' })).toBe('optional');
  expect(answersFor({ reward_funcs: ['./mine.ts', 'think_format_reward'] })).toBe('optional');
  expect([answersFor({}), answersFor({ reward_funcs: ['./mine.ts', 'boxed'] })]).toEqual([
    'needed',
    'needed',
  ]);
});
