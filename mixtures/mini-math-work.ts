/**
 * Ways to respond to a problem of the miniature world, all of them right in the end: the box alone, the steps (with the box below, or as a page
 * ends them), and the long chain, which says the problem again, checks each step by its inverse and goes back after a wrong one.
 */
import type { Random } from '../src/core/random.ts';
import type { Chain, Step } from './mini-math-problem.ts';

/** How a long chain is laid out: a step a line, or all in one line. */
export const chainForms = ['lines', 'run-on'] as const;
export type ChainForm = (typeof chainForms)[number];

export interface LongChainOptions {
  form: ChainForm;
  /** Share of steps that are checked. */
  checks: number;
  /** Share of steps that are done wrong first, noticed by their check, and done again. */
  mistakes: number;
}

export function boxed(chain: Chain): string {
  return `\\boxed{${chain.total}}`;
}

/** `2+6=8`, a step a line. */
export function stepLines(chain: Chain): string {
  return chain.steps.map(stepText).join('\n');
}

/** The steps and the box, a line each. */
export function shortWork(chain: Chain): string {
  return `${stepLines(chain)}\n${boxed(chain)}`;
}

/** As a page writes it: the steps, and a sentence with the box. */
export function pageWork(chain: Chain): string {
  return `${stepLines(chain)}\nSo the answer is ${boxed(chain)}.`;
}

/** The steps of a long chain without its box: `2+6-8`, `2+6=8 check 8-6=2 ok`, `8-8=1 check 1+8=9 no`, `8-8=0 check 0+8=8 ok`. */
export function longSteps(random: Random, chain: Chain, options: LongChainOptions): string {
  const parts = [chain.expression];
  for (const step of chain.steps) {
    const checked = random.float() < options.checks;
    const wrong = checked && random.float() < options.mistakes ? wrongResult(random, step) : undefined;
    if (wrong !== undefined)
      parts.push(`${stepText({ ...step, to: wrong })} check ${inverse(step, wrong)} no`);
    parts.push(checked ? `${stepText(step)} check ${inverse(step, step.to)} ok` : stepText(step));
  }
  return parts.join(separator(options.form));
}

export function longWork(random: Random, chain: Chain, options: LongChainOptions): string {
  return `${longSteps(random, chain, options)}${separator(options.form)}${boxed(chain)}`;
}

function separator(form: ChainForm): string {
  return form === 'lines' ? '\n' : ' ; ';
}

function stepText({ from, sign, by, to }: Step): string {
  return `${from}${sign}${by}=${to}`;
}

/** The check of a step by its inverse: of `2+6=8` it is `8-6=2`; of a wrong result it does not come back to where the step began. */
function inverse({ sign, by }: Step, to: number): string {
  return sign === '+' ? `${to}-${by}=${to - by}` : `${to}+${by}=${to + by}`;
}

/** A wrong result of a step whose check stays within 0..9 as well; undefined where there is none. */
function wrongResult(random: Random, { sign, by, to }: Step): number | undefined {
  const others = Array.from({ length: 10 }, (_, i) => i).filter(
    (i) => i !== to && (sign === '+' ? i - by >= 0 : i + by <= 9),
  );
  return others.length === 0 ? undefined : random.pick(others);
}
