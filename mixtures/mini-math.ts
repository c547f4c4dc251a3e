/**
 * A seeded miniature of the paper's data, for ablations that run in minutes without a GPU: pages of two qualities, short questions and answers,
 * long chains with checking, conversations, plain text, and problems with answers that can be verified.
 *
 * What it keeps of OctoThinker: what the kinds of data are to each other. Pages reason to a box or answer first (mini-math-pages.ts); QA
 * has the form of the RL prompt and a short chain; long chains say the problem again, check every step and go back after a wrong one, at two to three times
 * the length; instruction data answer in the form that is asked for. Working a problem out is dependable once it is learned, answering at
 * once is not.
 * What it gives up: everything else. Problems are chains of one-digit numbers (mini-math-problem.ts), wording is of a few templates of equal length, a page has fifty
 * tokens, nothing is hard but holding on to the steps. That an arm wins here says that it can, not that it will at three billion weights.
 *
 * Problems are parted by a hash of the expression: no document states a held-out one. Documents are right: every box holds the true result (a page of
 * the habit `cut` breaks off before its last). The same options give the same documents everywhere.
 */
import { UserError } from '../src/core/errors.ts';
import { Random } from '../src/core/random.ts';
import { drawPage, type PageStyle } from './mini-math-pages.ts';
import { allChains, checkLevels, drawChain, type MiniMathSplit, splitOf } from './mini-math-problem.ts';
import { drawSentences, drawTalk } from './mini-math-talk.ts';
import {
  boxed,
  type ChainForm,
  type LongChainOptions,
  longSteps,
  pageWork,
  shortWork,
  stepLines,
} from './mini-math-work.ts';

export const miniMathKinds = ['pages', 'qa', 'long-cot', 'instruction', 'general'] as const;
export type MiniMathKind = (typeof miniMathKinds)[number];

export interface MiniMathOptions {
  kind: MiniMathKind;
  count: number;
  seed: number;
  /** Numbers in a problem, each as likely: whole numbers from 3 to 6; default 4. */
  levels?: readonly number[];
  /** Of pages; default `reasoned`. */
  style?: PageStyle;
  /** Of pages in the style `mixed`: the share in the reasoned style; default 0.5. */
  reasonedShare?: number;
  /** Share of pages that write `Question:` and `Answer:`; default 0.2. */
  forumShare?: number;
  /** Share of pages, questions and conversations that write the work down; the others state results. Default 1. */
  worked?: number;
  /** Of long chains: a step a line (default) or all in one line. */
  chain?: ChainForm;
  /** Of long chains: share of steps that are checked; default 1. */
  checks?: number;
  /** Of long chains: share of steps that are wrong at first; default 0.15. */
  mistakes?: number;
}

export interface MiniMathDocument {
  id: string;
  /** The document as it stands on the web; of kinds with a question: question and response under the simple template. */
  text: string;
  question: string;
  /** The work without the box, where there is any. */
  reasoning: string;
  /** `\boxed{n}`. */
  answer: string;
  /** What follows `Answer:` or `Assistant:`. It opens with a space, so that the colon stays a token of its own, as it is in a prompt. */
  response: string;
  /** The result by itself; empty where there is none. */
  expected: string;
  /** Pages: the habit. Others: the kind. */
  style: string;
}

export interface MiniMathProblem {
  id: string;
  question: string;
  expected: string;
  /** Numbers in it: what `midtrain eval --levels` and reports part results by. */
  level: string;
  /** A worked answer, for few-shot prompts. */
  solution: string;
}

/** Documents of one kind, in order. */
export function* generateMiniMath(options: MiniMathOptions): Generator<MiniMathDocument> {
  const levels = checkLevels(options.levels);
  const random = new Random(`mini-math/${options.kind}/${options.seed}`);
  for (let i = 0; i < options.count; i++) {
    const document = drawDocument(random, options, levels);
    yield { id: `mini-math-${options.kind}-${options.seed}-${i}`, ...document };
  }
}

/** Different problems of a split, `count` of them, the levels by turns while they last. Two seeds give two orders of the same problems. */
export function miniMathProblems(options: {
  split: MiniMathSplit;
  count: number;
  seed: number;
  levels?: readonly number[];
  /** How their worked solutions are written: as pages do (default) or as QA does. */
  solutions?: 'page' | 'lines';
}): MiniMathProblem[] {
  const { split, count, seed, solutions = 'page' } = options;
  const levels = [...new Set(checkLevels(options.levels))];
  const random = new Random(`mini-math/problems/${split}/${seed}`);
  const byLevel = levels.map((level) =>
    random.shuffle(allChains(level).filter(({ expression }) => splitOf(expression) === split)),
  );
  const available = byLevel.reduce((sum, chains) => sum + chains.length, 0);
  if (count > available) {
    throw new UserError(
      `${count} ${split} problems asked of a mini-math world that has ${available} (levels ${levels.join(', ')})`,
      { hint: `ask for ${available} or fewer, or add a level` },
    );
  }
  const problems: MiniMathProblem[] = [];
  for (let round = 0; problems.length < count; round++) {
    for (const chains of byLevel) {
      const chain = chains[round];
      if (chain === undefined || problems.length === count) continue;
      problems.push({
        id: `mini-math-${chain.expression}`,
        question: chain.expression,
        expected: String(chain.total),
        level: String(chain.level),
        solution: solutions === 'lines' ? shortWork(chain) : pageWork(chain),
      });
    }
  }
  return problems;
}

function drawDocument(
  random: Random,
  options: MiniMathOptions,
  levels: readonly number[],
): Omit<MiniMathDocument, 'id'> {
  const { kind, style = 'reasoned', reasonedShare = 0.5, forumShare = 0.2, worked = 1 } = options;
  const long: LongChainOptions = {
    form: options.chain ?? 'lines',
    checks: options.checks ?? 1,
    mistakes: options.mistakes ?? 0.15,
  };
  switch (kind) {
    case 'pages': {
      const page = drawPage(random, { levels, style, reasonedShare, forumShare, worked });
      return { ...textOnly(page.text), style: page.habit };
    }
    case 'general':
      return { ...textOnly(drawSentences(random)), style: kind };
    case 'instruction': {
      const { question, response, chain } = drawTalk(random, { levels, worked, long });
      return {
        text: `User:${question}\nAssistant: ${response}`,
        question,
        reasoning: chain === undefined ? '' : stepLines(chain),
        answer: chain === undefined ? response : boxed(chain),
        response: ` ${response}`,
        expected: chain === undefined ? '' : String(chain.total),
        style: kind,
      };
    }
    default: {
      const chain = drawChain(random, levels, 'train');
      const work =
        kind === 'long-cot'
          ? longSteps(random, chain, long)
          : random.float() < worked
            ? stepLines(chain)
            : '';
      const gap = work === '' ? '' : kind === 'long-cot' && long.form === 'run-on' ? ' ; ' : '\n';
      const response = ` ${work}${gap}${boxed(chain)}`;
      return {
        text: `Question:${chain.expression}\nAnswer:${response}`,
        question: chain.expression,
        reasoning: work,
        answer: boxed(chain),
        response,
        expected: String(chain.total),
        style: kind,
      };
    }
  }
}

function textOnly(text: string): Omit<MiniMathDocument, 'id' | 'style'> {
  return { text, question: '', reasoning: '', answer: '', response: '', expected: '' };
}
