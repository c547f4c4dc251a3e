/** Rewards: what each pays, how they are combined, and that a failure is null and never a number. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findReward, makeReward, rewardParts } from '../../trainer/rewards/index.ts';
import type { RewardInput } from '../../trainer/rewards/reward.ts';
import { UserReward } from '../../trainer/rewards/user-reward.ts';

const input = (completion: string, expected = '', more: Partial<RewardInput> = {}): RewardInput => ({
  question: '',
  prompt: '',
  completion,
  expected,
  truncated: false,
  completionTokens: completion.length,
  row: {},
  ...more,
});

describe('the boxed reward', () => {
  it('takes the last box, pays +1 for an equal answer and -1 for anything else', async () => {
    const scores = await findReward('boxed').score([
      input('\\boxed{3} no, \\boxed{\\frac{1}{2}}', '0.5'),
      input('\\boxed{4}', '3'),
      input('the answer is 3', '3'),
    ]);
    expect(scores).toEqual({
      reward: [1, -1, -1],
      correct: [true, false, false],
      answers: ['\\frac{1}{2}', '4', undefined],
      components: { boxed: [1, -1, -1] },
    });
  });
});

describe('multiple choice', () => {
  const choices = ['12', '15', '17'];
  it('takes the letter or the text of the right choice, in the box that the boxed reward asks for', async () => {
    const texts = [
      '\\boxed{B}',
      '\\boxed{\\text{(B)} 15}',
      '\\boxed{15}',
      '\\boxed{A}',
      'The answer is (B).',
    ];
    const score = (name: string) =>
      findReward(name).score(texts.map((text) => input(text, 'B', { choices })));
    expect((await score('boxed')).correct).toEqual([true, true, true, false, false]);
    expect((await score('accuracy_reward')).correct).toEqual([true, true, true, false, true]);
  });

  it('does not pay for a hedge', async () => {
    const texts = [
      '\\boxed{B, A}',
      '\\boxed{B} or \\boxed{A}',
      '\\boxed{\\text{(B)} or (C)}',
      '\\boxed{B/C}',
    ];
    const { reward } = await findReward('boxed').score(texts.map((text) => input(text, 'B', { choices })));
    expect(reward).toEqual([-1, -1, -1, -1]);
  });
});

describe('rewards of open-r1 and TRL', () => {
  interface Row {
    fn: string;
    cfg?: Record<string, unknown>;
    completions?: string[];
    completion_ids?: number[][];
    solutions?: string[];
    expected: (number | null)[];
    source: string;
  }
  const file = path.resolve('../shared/data/grader/reward-functions.jsonl');
  const names: Record<string, string> = {
    accuracy: 'accuracy_reward',
    cosine_scaled: 'cosine_scaled_reward',
    len: 'len_reward',
    'format(open-r1)': 'format_reward',
    reasoning_steps: 'reasoning_steps_reward',
    repetition_penalty: 'repetition_penalty_reward',
    soft_overlong: 'soft_overlong_punishment',
    tag_count: 'tag_count_reward',
    code_format: 'code_format_reward',
  };
  const rows = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row)
    : [];

  it.skipIf(rows.length === 0)('have the values of open-r1 in all of its cases', async () => {
    expect(rows).toHaveLength(59);
    for (const row of rows) {
      const name = names[row.fn]!;
      const reward = await makeReward({ reward: name, reward_options: row.cfg ? { [name]: row.cfg } : {} });
      const completions = row.completions ?? row.completion_ids!.map(() => '');
      const batch = completions.map((completion, i) =>
        input(completion, row.solutions?.[i] ?? '', {
          completionTokens: row.completion_ids?.[i]?.length ?? completion.length,
        }),
      );
      const { reward: values } = await reward.score(batch);
      // Three decimals, cut off. Null: the source only says that the value is lower than the one before it.
      for (const [i, expected] of row.expected.entries()) {
        if (expected === null) expect(values[i], row.source).toBeLessThan(values[i - 1]!);
        else expect(Math.abs(values[i]! - expected), `${row.source}: ${values[i]}`).toBeLessThan(1e-3);
      }
    }
  });

  it('pays for thoughts, one of them and closed', async () => {
    const completions = [
      '<think>a</think>b',
      '<think>\na\n</think>\n',
      'x<think>a</think>',
      '<think>a',
      '<think><think>a</think>',
    ];
    const { reward } = await findReward('think_format_reward').score(completions.map((text) => input(text)));
    expect(reward).toEqual([1, 1, 0, 0, 0]);
  });

  it('judge what follows the thoughts, and give unfinished ones nothing', async () => {
    const { reward } = await findReward('reasoning_accuracy_reward').score([
      input('<think>\\boxed{1}</think> \\boxed{2}', '2'),
      input('<think>\\boxed{2}</think> \\boxed{1}', '2'),
      input('so it is \\boxed{2}', '2'),
      input('<think>x</think> Paris', 'Paris'),
    ]);
    expect(reward).toEqual([1, 0, 0, null]);
  });

  it.each([
    // A list without brackets is the solutions of something (SkyThought, Math-Verify, lighteval); hendrycks compares text.
    ['3, 2, 1', '1, 2, 3', 1],
    ['$-10, -8, 4$', 'a=4,-8,-10', 1],
    ['(2, 1), (1, 2)', '(1,2),(2,1)', 1],
    ['1, 2, 2', '2, 1, 1', 0],
    // In round brackets it is a point (tinker), with the names in front each has its own.
    ['(2, 1)', '(1, 2)', 0],
    ['(3, 2, 1)', '1, 2, 3', 0],
    ['\\{3, 2, 1\\}', '1, 2, 3', 1],
    ['x = 2, y = 1', 'x = 1, y = 2', 0],
    ['2, 1', 'x = 1, y = 2', 0],
  ])('accuracy_reward of the answer %s to %s is %i', async (answer, expected, value) => {
    const scores = await findReward('accuracy_reward').score([input(`So \\boxed{${answer}}.`, expected)]);
    expect(scores.reward).toEqual([value]);
  });

  it('are null for a row without a reference answer', async () => {
    expect((await findReward('accuracy_reward').score([input('\\boxed{2}', '')])).reward).toEqual([null]);
  });

  it('count repetition over token ids where there are some', async () => {
    const make = (ids: number[]): RewardInput => input('', '', { completionIds: ids });
    const reward = await makeReward({
      reward: 'repetition_penalty_reward',
      reward_options: { repetition_penalty_reward: { ngram_size: 2 } },
    });
    expect(
      (await reward.score([make([1, 2, 3, 4]), make([5, 5, 5, 5, 5]), make([1]), make([12, 3, 1, 23])]))
        .reward,
    ).toEqual([0, -0.75, 0, 0]);
  });

  it('keep a long completion at the end of the cosine, and do not let it climb again', async () => {
    const reward = await makeReward({
      reward: 'cosine_scaled_reward',
      reward_options: { cosine_scaled_reward: { max_len: 100 } },
    });
    const right = (tokens: number): RewardInput => input('\\boxed{1}', '1', { completionTokens: tokens });
    const values = (await reward.score([right(0), right(50), right(100), right(200)])).reward;
    expect(values.map((value) => Math.round(value! * 1000) / 1000)).toEqual([1, 0.75, 0.5, 0.5]);
  });

  it('take time linear in the text', async () => {
    const began = process.cpuUsage();
    for (const text of [
      '<think>\n'.repeat(100_000),
      '\n-'.repeat(400_000),
      `Step ${'1'.repeat(800_000)}`,
      '\n</think>\n'.repeat(80_000),
    ])
      for (const name of Object.keys(rewardParts).filter((one) => /format|tag|steps/.test(one)))
        await findReward(name).score([input(text)]);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(4000);
  });
});

describe('makeReward', () => {
  it('adds the parts with their weights, and gives the parts unweighted', async () => {
    const reward = await makeReward({
      reward_funcs: ['accuracy_reward', 'think_format_reward'],
      reward_weights: [2, -0.5],
    });
    const scores = await reward.score([
      input('<think>x</think>\\boxed{3}', '3'),
      input('\\boxed{3}', '3'),
      input('<think>x</think>\\boxed{3}', ''),
    ]);
    expect(scores.reward).toEqual([1.5, 2, -0.5]); // the last has no reference: only its format counts
    expect(scores.components).toEqual({ accuracy_reward: [1, 1, null], think_format_reward: [1, 0, 1] });
    expect(scores.correct).toEqual([true, true, false]);
  });

  it.each([
    [{ reward: 'boxt' }, /no reward "boxt".*did you mean "boxed"|no reward "boxt"/s],
    [{ reward_funcs: ['boxed'], reward_weights: [1, 2] }, /2 numbers for 1 rewards/],
    [{ reward: 'cosine_scaled_reward' }, /reward_options of cosine_scaled_reward \(max_len\)/],
    [{ reward: 'boxed', reward_options: { boxed: { x: 1 } } }, /reward_options of boxed/],
    [{ reward: 'boxed', reward_options: { accuracy_reward: {} } }, /not among the rewards/],
    [{ reward_funcs: ['boxed', 'boxed'] }, /two rewards are called "boxed"/],
    [{ reward: './no-such-reward.ts' }, /no reward module .*no-such-reward\.ts/],
  ])('refuses %j', async (spec, message) => {
    await expect(makeReward(spec)).rejects.toThrow(message);
  });
});

describe('reward modules', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'midtrain-reward-'));
    writeFileSync(
      path.join(folder, 'brevity.ts'),
      `export default (prompts: string[], completions: string[], rows: { expected: string; bonus?: number }[]): number[] =>
         completions.map((text, i) => -text.length + (rows[i]!.bonus ?? 0) + (rows[i]!.expected === 'x' ? 100 : 0));
       export async function later(prompts: string[]) { return prompts.map(() => null); }
       export const constant = 3;`,
    );
    const modules: Record<string, string> = {
      'short.js': 'export default () => [1];',
      'text.mjs': 'export default (p, c) => c.map((_, i) => i === 1 ? "high" : 0);',
      'nan.mjs': 'export default (p, c) => c.map(() => 0 / 0);',
      'object.mjs': 'export default () => ({ reward: 1 });',
      'throws.mjs': 'export default () => { throw new Error("no luck"); };',
      'loops.mjs':
        'let n = 0; export default (p, c) => { if (c[0] === "loop") for (;;) n++; return c.map(() => 7); };',
      'never.mjs': 'export default () => new Promise(() => {});',
      'exits.mjs': 'export default () => process.exit(3);',
      'broken.mjs': 'export default (',
      'nothing.mjs': 'export const other = 1;',
      'hangs-on-load.mjs': 'for (;;) {}',
      'judge.mjs':
        'export default (p, c) => { if (c[0] === "throw") throw new Error("no luck"); if (c[0] === "wait") for (;;);' +
        ' return c.map((text) => text === "?" ? { score: null, acc: null } : text === "3" ? 0.25' +
        ' : { score: text.length, acc: text === "right" ? 1 : false, pred: text }); };',
      'late.mjs':
        'export default (p, c) => { setTimeout(() => { throw new Error("later"); }, 5); return c.map(() => 2); };',
      'key.mjs': 'export default (p, c) => c.map(() => ({ score: 1, correct: true }));',
      'acc.mjs': 'export default (p, c) => c.map(() => ({ score: 1, acc: 0.5 }));',
      'scoreless.mjs': 'export default (p, c) => c.map(() => ({ acc: true }));',
      'talks.mjs': 'export default (p, c) => { console.log("x".repeat(1e5)); return c.map(() => 1); };',
    };
    for (const [name, text] of Object.entries(modules)) writeFileSync(path.join(folder, name), text);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const batch = [input('ab', 'x', { row: { bonus: 0.5 } }), input('abcd', 'y')];
  const make = (reward: string, reward_timeout = 20) => makeReward({ reward, reward_timeout }, folder);

  it('see prompts, completions and rows', async () => {
    const reward = await make('brevity.ts');
    expect(await reward.score(batch)).toMatchObject({
      reward: [98.5, -4],
      correct: [false, false],
      components: { brevity: [98.5, -4] },
    });
    await reward.close?.();
  });

  it('may be async, named, and leave rows out', async () => {
    const reward = await makeReward({ reward_funcs: ['./brevity.ts#later', 'boxed'] }, folder);
    expect(await reward.score(batch)).toMatchObject({
      reward: [-1, -1],
      components: { later: [null, null] },
    });
    await reward.close?.();
  });

  it('may say which answers are right, and then nobody else is asked', async () => {
    const reward = await make('judge.mjs', 2);
    const words = (...texts: string[]) => texts.map((text) => input(text, '3'));
    expect(await reward.score(words('right', 'wrong', '?', '3'))).toEqual({
      reward: [5, 5, null, 0.25],
      // The number says nothing of the answer, though the grader would take it.
      correct: [true, false, null, null],
      answers: ['right', 'wrong', undefined, undefined],
      components: { judge: [5, 5, null, 0.25] },
    });
    // Nor where the module fails later: accuracy would be another's all at once.
    expect(await reward.score(words('throw', '3'))).toMatchObject({
      reward: [null, null],
      correct: [null, null],
      failures: { judge: 'no luck' },
    });
    const late = await reward.score(words('wait', '3'));
    expect(late).toMatchObject({ correct: [null, null], timedOut: ['judge'] });
    expect((await reward.score(words('right'))).correct).toEqual([true]);
    await reward.close?.();
  });

  it('are asked for correctness in the order of reward_funcs', async () => {
    const batch = [input('\\boxed{3}', '3')];
    const correct = async (reward_funcs: string[]) => {
      const reward = await makeReward({ reward_funcs }, folder);
      const scores = await reward.score(batch);
      await reward.close?.();
      return scores.correct;
    };
    expect(await correct(['judge.mjs', 'boxed'])).toEqual([false]);
    expect(await correct(['boxed', 'judge.mjs'])).toEqual([true]);
  });

  it('that throw between batches neither end the run nor lose a batch', async () => {
    const reward = await UserReward.load('late.mjs', { folder, timeout: 20_000 });
    for (let i = 0; i < 2; i++) {
      expect((await reward.score(batch)).values).toEqual([2, 2]);
      // Until the thread has died of it, however slow the machine.
      await vi.waitFor(() => expect(Reflect.get(reward, 'worker')).toBeUndefined(), { timeout: 20_000 });
    }
  });

  it('that print do so into nothing', async () => {
    const reward = await make('talks.mjs');
    for (let i = 0; i < 3; i++) expect((await reward.score(batch)).reward).toEqual([1, 1]);
    await reward.close?.();
  });

  it.each([
    ['key.mjs', /gave an object with the key "correct" at index 0/],
    ['acc.mjs', /gave 0\.5 as acc at index 0/],
    ['scoreless.mjs', /gave an object without a score at index 0/],
    ['short.js', /short\.js gave 1 values for 2 completions/],
    ['text.mjs', /text\.mjs gave string "high" at index 1/],
    ['nan.mjs', /nan\.mjs gave NaN at index 0/],
    ['object.mjs', /object\.mjs gave object .* instead of a list/],
  ])('that give something else end the run: %s', async (name, message) => {
    const reward = await make(name);
    await expect(reward.score(batch)).rejects.toThrow(message);
    await reward.close?.();
  });

  it.each([
    ['broken.mjs', /broken\.mjs cannot be used/],
    ['nothing.mjs', /exports no function "default" \(it exports other\)/],
    ['brevity.ts#constant', /exports no function "constant"/],
  ])('that cannot be used are refused before the run: %s', async (name, message) => {
    await expect(make(name)).rejects.toThrow(message);
  });

  it('that hang while they load are refused', async () => {
    await expect(make('hangs-on-load.mjs', 2)).rejects.toThrow(/no answer within 2 s/);
  });

  it('that throw give null for the batch, with the reason, and no reward from the other parts', async () => {
    const reward = await makeReward({ reward_funcs: ['throws.mjs', 'boxed'] }, folder);
    const scores = await reward.score(batch);
    expect(scores.reward).toEqual([null, null]);
    expect(scores.components).toEqual({ throws: [null, null], boxed: [-1, -1] });
    expect(scores.failures).toEqual({ throws: 'no luck' });
    await reward.close?.();
  });

  it('that loop, never answer or end their thread give null, and the next batch is scored', async () => {
    const reward = await make('loops.mjs', 2);
    const began = performance.now();
    const scores = await reward.score([input('loop'), input('b')]);
    expect(scores).toMatchObject({ reward: [null, null], failures: { loops: 'no answer within 2 s' } });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect((await reward.score(batch)).reward).toEqual([7, 7]);
    await reward.close?.();
    for (const name of ['never.mjs', 'exits.mjs']) {
      const other = await make(name, 2);
      expect((await other.score(batch)).reward).toEqual([null, null]);
      await other.close?.();
    }
  });

  it('stop when the run is stopped', async () => {
    const reward = await make('never.mjs', 600);
    const controller = new AbortController();
    const scoring = reward.score(batch, controller.signal);
    setTimeout(() => controller.abort(), 50);
    await expect(scoring).rejects.toThrow();
    await reward.close?.();
  });
});
