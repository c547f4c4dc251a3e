/**
 * The sources of the miniature world that are no mathematical pages: conversations in which the assistant answers in the form that the user asks
 * for (a third of them hold no mathematics), and plain sentences.
 */
import type { Random } from '../src/core/random.ts';
import { type Chain, drawChain } from './mini-math-problem.ts';
import { boxed, type LongChainOptions, longWork, shortWork } from './mini-math-work.ts';

export interface Talk {
  question: string;
  response: string;
  /** Of a turn about mathematics. */
  chain?: Chain;
}

export interface TalkOptions {
  levels: readonly number[];
  /** Share of the turns that ask for a box or for steps in which the work is written down. */
  worked: number;
  long: LongChainOptions;
}

const things = 'dog cat house tree river farmer teacher boat road garden'.split(' ');
const kinds = 'old small red green quiet tall young good'.split(' ');
const doings = 'sees finds likes draws leaves keeps'.split(' ');

/** One turn of User and one of Assistant. */
export function drawTalk(random: Random, { levels, worked, long }: TalkOptions): Talk {
  const draw = random.float();
  if (draw < 1 / 6) {
    const word = random.pick(things);
    return { question: `Write ${word} three times.`, response: `${word} ${word} ${word}` };
  }
  if (draw < 2 / 6) {
    const words = [random.pick(kinds), random.pick(things)];
    return { question: `Say ${words.join(' ')} and stop.`, response: words.join(' ') };
  }
  const chain = drawChain(random, levels, 'train');
  const { expression } = chain;
  const box = boxed(chain);
  if (draw < 3 / 6) return { question: `Give only the result of ${expression}`, response: box, chain };
  const steps = random.float() < worked;
  if (draw < 4 / 6)
    return {
      question: `Put the result in a box.\n${expression}`,
      response: steps ? shortWork(chain) : box,
      chain,
    };
  if (draw < 5 / 6)
    return {
      question: `Work out ${expression} step by step.`,
      response: steps ? shortWork(chain) : box,
      chain,
    };
  return {
    question: `Check each step of ${expression}`,
    response: steps ? longWork(random, chain, long) : box,
    chain,
  };
}

/** Three to six sentences. */
export function drawSentences(random: Random): string {
  const noun = (): string => `the ${random.pick(kinds)} ${random.pick(things)}`;
  const sentences = Array.from({ length: 3 + random.int(4) }, () => {
    const end = random.float() < 0.5 ? '' : ` near ${noun()}`;
    return `${noun()} ${random.pick(doings)} ${noun()}${end}.`;
  });
  return sentences.map((sentence) => `T${sentence.slice(1)}`).join(' ');
}
