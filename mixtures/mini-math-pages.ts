/**
 * Web pages of the miniature world. A page holds one to three problems in one manner, so that a few-shot prompt can bring out a manner that the
 * model would not choose by itself.
 *
 * reasoned      (after the pages of MegaMath-Web-Pro) states problems and reasons step by step to the box, in prose; a part of the pages (1 - worked)
 *               states results only, as the web does
 * answer-first  (after what OctoThinker, section 2.2, says of FineMath) a page has one of the habits of `habits`, at the shares of
 *               the first calibration of such a world (EXPERIMENTS.md), written down before anything was trained on them
 * mixed         some of each
 */
import type { Random } from '../src/core/random.ts';
import { type Chain, drawChain } from './mini-math-problem.ts';
import { boxed, pageWork } from './mini-math-work.ts';

export const pageStyles = ['reasoned', 'answer-first', 'mixed'] as const;
export type PageStyle = (typeof pageStyles)[number];

export const habitNames = ['reasoned', 'answer', 'solution', 'cut', 'menu'] as const;
export type Habit = (typeof habitNames)[number];

export interface PageOptions {
  levels: readonly number[];
  style: PageStyle;
  /** Of `mixed`: the share of pages in the reasoned style. */
  reasonedShare: number;
  /** Share of pages that write their problems as `Question:` and `Answer:`, as a forum does. */
  forumShare: number;
  /** Share of reasoned pages that work their problems out; the others state results. */
  worked: number;
}

export interface Page {
  text: string;
  habit: Habit;
  chains: Chain[];
}

/** Habits of answer-first pages with their shares. */
export const habits: readonly (readonly [Habit, number])[] = [
  ['answer', 0.45],
  ['solution', 0.15],
  ['cut', 0.15],
  ['reasoned', 0.1],
  ['menu', 0.15],
];

const closings = [
  'Adding and taking away.',
  'Some examples with numbers.',
  'A page about sums.',
  'Here is how it is done.',
  'Numbers for every day.',
] as const;

const menuWords = 'Home Login Search Help Next Back Menu Share Print About'.split(' ');

/**
 * What stands before a problem and between it and the work, by the page. All have as many tokens before a problem, and as many behind: with other
 * lengths a model of this size learns which number comes next on some seeds only (EXPERIMENTS.md).
 */
const wordings: readonly (readonly [string, string])[] = [
  ['Example:', '\nSolution:'],
  ['Problem:', '\nSolution:'],
];
const forum: readonly [string, string] = ['Question:', '\nAnswer:'];

export function drawPage(random: Random, options: PageOptions): Page {
  const habit = drawHabit(random, options);
  if (habit === 'menu') return { text: menu(random), habit, chains: [] };
  const inForum = random.float() < options.forumShare;
  const wording = inForum ? forum : random.pick(wordings);
  const chains = Array.from({ length: problemsOf(random) }, () => drawChain(random, options.levels, 'train'));
  const worked = chains.map(
    (chain) => `${wording[0]}${chain.expression}${wording[1]} ${workOf(random, chain, habit)}`,
  );
  const closing = random.float() < 0.3 ? `\n${random.pick(closings)}` : '';
  const text = `${worked.join('\n\n')}${closing}`;
  return { text: habit === 'cut' ? cut(random, text) : text, habit, chains };
}

/** Most pages hold one problem; a quarter two or three. */
function problemsOf(random: Random): number {
  const draw = random.float();
  return draw < 0.75 ? 1 : draw < 0.95 ? 2 : 3;
}

function drawHabit(random: Random, { style, reasonedShare, worked }: PageOptions): Habit {
  if (style === 'reasoned' || (style === 'mixed' && random.float() < reasonedShare))
    return random.float() < worked ? 'reasoned' : 'answer';
  let draw = random.float();
  for (const [habit, share] of habits) {
    if (draw < share) return habit;
    draw -= share;
  }
  return 'menu';
}

function workOf(random: Random, chain: Chain, habit: Habit): string {
  if (habit === 'reasoned' || habit === 'cut') return pageWork(chain);
  if (habit === 'solution') return `${boxed(chain)}${' Solution'.repeat(5 + random.int(6))}`;
  return `${boxed(chain)}.`;
}

/** A page that breaks off within the work of its last problem. */
function cut(random: Random, text: string): string {
  const from = text.lastIndexOf('=') - 3;
  return text.slice(0, from + random.int(5)).trimEnd();
}

function menu(random: Random): string {
  const words = Array.from({ length: 12 + random.int(30) }, () => random.pick(menuWords));
  return words.join(' ');
}
