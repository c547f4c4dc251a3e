/**
 * reward.py, which verl imports, against this project's checker: on the checker's own cases, on other graders' cases and model outputs where they
 * are at hand, and on input made to hang. It must never claim an equality that the checker denies; how many it misses is held to what the README says.
 * Needs python3 (no packages); without it these tests are skipped and say so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rewardPython } from '../../src/export/verl-reward.ts';
import { gradeAnswer } from '../../src/grader/grade-answer.ts';
import { grpoConfigSchema } from '../../trainer/grpo/config.ts';
import { differentCases } from '../grader/different-cases.ts';
import { equalCases } from '../grader/equal-cases.ts';

const hasPython =
  spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status === 0;
const scratch = mkdtempSync(path.join(tmpdir(), 'reward-'));
afterAll(() => rmSync(scratch, { recursive: true }));

interface Case {
  text: string;
  gold: string;
  extra?: unknown;
}
interface Score {
  score: number;
  acc: number;
  pred: string;
}

const configOf = (more: object = {}) =>
  grpoConfigSchema.parse({
    name: 't',
    out: 'o',
    model: 'm',
    problems: 'p',
    eval_problems: 'e',
    steps: 1,
    ...more,
  });

/** Scores by a generated reward.py, in one Python process. */
function scores(cases: readonly Case[], more: object = {}, stops: readonly string[] = []): Score[] {
  const folder = mkdtempSync(path.join(scratch, 'run-'));
  writeFileSync(path.join(folder, 'reward.py'), rewardPython(configOf(more), stops));
  writeFileSync(path.join(folder, 'cases.json'), JSON.stringify(cases));
  const code =
    'import json, reward\nprint(json.dumps([reward.compute_score("x", c["text"], c["gold"], c.get("extra")) for c in json.load(open("cases.json"))]))';
  const run = spawnSync('python3', ['-B', '-c', code], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
    maxBuffer: 1e9,
  });
  expect(run.status, run.stderr).toBe(0);
  return JSON.parse(run.stdout) as Score[];
}

/** Where reward.py and the checker part: claimed equal against it, and missed. */
function differences(cases: readonly Case[]): { claimed: Case[]; missed: Case[] } {
  const theirs = scores(cases).map(({ acc }) => acc === 1);
  const ours = cases.map(({ text, gold }) => gradeAnswer(text, gold, { extract: 'boxed' }).correct);
  return {
    claimed: cases.filter((_, i) => theirs[i]! && !ours[i]!),
    missed: cases.filter((_, i) => !theirs[i]! && ours[i]!),
  };
}

const boxed = ([gold, answer]: readonly [string, string]): Case => ({ gold, text: `so \\boxed{${answer}}.` });
const shared = path.join(import.meta.dirname, '../../../shared/data/grader');

function rowsOf(file: string): Case[] {
  return readFileSync(path.join(shared, file), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as { gold: string | null; answer: string | null; opts?: unknown })
    .flatMap(({ gold, answer, opts }) => {
      if (gold === null || answer === null || opts !== undefined) return [];
      if (answer.includes('boxed')) return [{ gold, text: answer }];
      return answer.length < 300 ? [boxed([gold, answer])] : [];
    });
}

describe.skipIf(!hasPython)(
  hasPython ? 'reward.py' : 'reward.py (skipped: there is no python3 of 3.9 or later)',
  () => {
    it('claims none of the cases that differ, both ways round', () => {
      const cases = Object.values(differentCases).flat();
      const both = [...cases, ...cases.map(([a, b]) => [b, a] as [string, string])].map(boxed);
      expect(differences(both).claimed).toEqual([]);
    });

    it('misses at most an eighth of the cases that are made to be hard, and no plain numbers, decimals or fractions', () => {
      const all = Object.values(equalCases).flat().map(boxed);
      const { claimed, missed } = differences(all);
      expect(claimed).toEqual([]);
      expect(missed.length / all.length).toBeLessThan(1 / 8);
      for (const category of ['whole numbers and decimals', 'scientific notation', 'fractions'])
        expect(differences(equalCases[category]!.map(boxed)).missed, category).toEqual([]);
    });

    it.skipIf(!existsSync(shared))(
      'agrees on all model outputs and misses few of other graders’ cases',
      () => {
        expect(differences(rowsOf('model-outputs.jsonl'))).toEqual({ claimed: [], missed: [] });
        const others = rowsOf('math-equivalence.jsonl');
        const { claimed, missed } = differences(others);
        expect(claimed).toEqual([]);
        expect(missed.length / others.length).toBeLessThan(0.05);
      },
    );

    it('finds the last box, joins boxes that belong together, and needs one', () => {
      const rows: [string, string, number][] = [
        ['\\boxed{1} no, \\boxed{2}', '2', 1],
        ['\\boxed{2} no, \\boxed{1}', '2', -1],
        ['\\boxed{1} and \\boxed{-2}', '-2, 1', 1],
        ['\\fbox{3}', '3', 1],
        ['\\boxed 7 done', '7', 1],
        ['\\boxed{\\frac{1}{\\sqrt{4}}}', '0.5', 1],
        ['it is 3', '3', -1],
        ['\\boxed{3', '3', -1],
        ['\\boxed{3} and then \\boxed{', '3', -1],
        ['\\boxed{}', '', -1],
      ];
      const cases = rows.map(([text, gold]) => ({ text, gold }));
      expect(scores(cases).map(({ score }) => score)).toEqual(rows.map(([, , score]) => score));
      expect(differences(cases)).toEqual({ claimed: [], missed: [] });
    });

    it('has the values, the stop strings and the choices of the config', () => {
      const right = [
        { text: '\\boxed{4}', gold: '4' },
        { text: '\\boxed{5}', gold: '4' },
      ];
      const of = (more: object) => scores(right, more).map(({ score }) => score);
      expect(of({})).toEqual([1, -1]);
      expect(of({ reward_funcs: ['boxed'], reward_weights: [0.5] })).toEqual([0.5, -0.5]);
      expect(
        of({ reward: 'accuracy_reward', reward_options: { accuracy_reward: { extract: 'boxed' } } }),
      ).toEqual([1, 0]);
      const turn = [{ text: '\\boxed{4}\nQuestion: 2+3? "\\boxed{5}"', gold: '4' }];
      expect(scores(turn, {}, ['Question:', '"'])[0]).toMatchObject({ score: 1, pred: '4' });
      expect(scores(turn)[0]!.score).toBe(-1);
      const extra = { choices: ['3', '4', '5', '6'] };
      const letters = ['B', '(B)', '4', '\\text{B}', 'C', '5'].map((answer) => ({
        text: `\\boxed{${answer}}`,
        gold: 'B',
        extra,
      }));
      expect(scores(letters).map(({ acc }) => acc)).toEqual([1, 1, 1, 1, 0, 0]);
    });

    it('comes back from input made to hang or to overflow', () => {
      const hostile = [
        '('.repeat(1900),
        '{'.repeat(900) + '}'.repeat(900),
        `${'2^{'.repeat(300)}9${'}'.repeat(300)}`,
        '9^{9^{9^9}}',
        '9!!!!!!!!!',
        '\\frac{'.repeat(400),
        '1,'.repeat(900),
        '\\sqrt'.repeat(400),
        '10^{999999999}',
        '1e999999',
        'a'.repeat(100_000),
        `${' '.repeat(1900)}x`,
        `${'-'.repeat(1900)}1`,
      ].flatMap((text) => [
        { text: `\\boxed{${text}}`, gold: '7' },
        { text: '\\boxed{7}', gold: text },
        { text: `\\boxed{${text}`, gold: '7' },
      ]);
      hostile.push(
        { text: '\\boxed{'.repeat(50_000), gold: '7' },
        { text: '\\boxed{1}'.repeat(50_000), gold: '1' },
      );
      const said = scores(hostile).map(({ acc }) => acc);
      expect(said.slice(0, -1).every((acc) => acc === 0)).toBe(true);
      expect(said.at(-1)).toBe(1);
    });
  },
);

it('refuses rewards that reward.py cannot be', () => {
  expect(() => rewardPython(configOf({ reward: 'len_reward' }), [])).toThrow(/len_reward is not exported/);
  expect(() => rewardPython(configOf({ reward_funcs: ['boxed', 'format_reward'] }), [])).toThrow(
    /not exported/,
  );
  expect(() => rewardPython(configOf({ reward: 'accuracy_reward' }), [])).toThrow(/extract: boxed/);
});
