/**
 * Whether a refiner's answer can take the place of the text it was made from; if not, why. Rules are few and mean what they say: a text
 * that is kept is what the model wrote, but for an introduction ("Here is the refined text:") and a code fence around the whole.
 */
import { findRepetition } from '../../src/text/repetition.ts';
import { withoutMarks } from './fence.ts';

export type RefineProblem =
  /** Nothing but white space. */
  | 'empty'
  /** Cut off at the limit of tokens. */
  | 'truncated'
  /** The model declines instead of rewriting. */
  | 'refused'
  /** The same text again, white space aside. */
  | 'copied'
  /** A unit repeated over and over, which the original does not have. */
  | 'repetition'
  /** The prompt's own words. */
  | 'echoed_prompt'
  | 'too_short'
  | 'too_long';

export interface RefineLimits {
  /** Least and greatest length of the refined text in parts of the original. */
  minLengthRatio: number;
  maxLengthRatio: number;
  /** Keep texts that came back as they were. */
  keepCopied: boolean;
}

export const defaultRefineLimits: RefineLimits = {
  minLengthRatio: 0.1,
  maxLengthRatio: 3,
  keepCopied: false,
};

/** Refined text without what models put around it. `source`: what was refined. */
export function tidyRefined(answer: string, source: string): string {
  let text = withoutMarks(answer, source);
  const fence = /^```[\w-]*\n([\s\S]*)\n```$/.exec(text);
  if (fence !== null && !source.startsWith('```') && !fence[1]!.includes('```')) text = fence[1]!.trim();
  const first = text.indexOf('\n');
  const line = text.slice(0, Math.max(0, first)).trim();
  if (introduction.test(line) && ofTheTask.test(line) && !source.includes(line))
    text = text.slice(first).trim();
  return text;
}

/** A line that ends in a colon and speaks of the task, not of the matter. */
const introduction =
  /^[*_#>\s]*(?:sure|certainly|of course|okay|ok|here(?:'s|’s| is| are)|below is|the following is|refined|the refined)\b[^\n]{0,160}:[*_\s]*$/i;
const ofTheTask = /refined|rewritten|revised|cleaned|version|text|document|extract/i;

/** A refusal is short and begins as one; a text that quotes one goes on. */
const refusal =
  /^[\s"'*]*(i(?:'|’)?m (?:really |very )?sorry|i am sorry|sorry,|i apologi[sz]e|i can(?:'|’)?t|i cannot|i can not|i(?:'|’)?m unable|i am unable|i(?:'|’)?m not able|as an ai\b|unfortunately, i\b|i won(?:'|’)?t|there is no (?:text|content|document)|(?:the|this) (?:provided )?(?:text|document|extract) (?:is empty|contains no|does not contain))/i;
const longestRefusal = 600;

/** Of one answer to one request. `cut`: it ended at its limit of tokens. */
export function answerProblem(
  refined: string,
  prompt: string,
  source: string,
  cut: boolean,
): RefineProblem | undefined {
  if (refined === '') return cut ? 'truncated' : 'empty';
  if (loops(refined) && !loops(source)) return 'repetition';
  if (cut) return 'truncated';
  if (refined.length <= longestRefusal && refusal.test(refined) && !refusal.test(source)) return 'refused';
  if (echoes(refined, prompt, source)) return 'echoed_prompt';
  return undefined;
}

/** A unit over and over: within a line, or line after line. Rules and the borders of tables are no loops. */
function loops(text: string): boolean {
  const words = text.replace(/[^\p{L}\p{N}\n]{5,}/gu, ' ');
  if (findRepetition(words) !== undefined) return true;
  return findRepetition(words.replaceAll('\n', ' '), { leastUnit: 16 }) !== undefined;
}

/** Of the whole document, its pieces put together. */
export function documentProblem(
  refined: string,
  source: string,
  limits: RefineLimits,
): RefineProblem | undefined {
  if (refined === '') return 'empty';
  const ratio = lengthRatio(refined, source);
  if (ratio < limits.minLengthRatio) return 'too_short';
  if (ratio > limits.maxLengthRatio) return 'too_long';
  if (!limits.keepCopied && spaceless(refined) === spaceless(source)) return 'copied';
  return undefined;
}

/** Characters of the refined text for one of the original, white space not counted. */
export function lengthRatio(refined: string, source: string): number {
  return spaceless(refined).length / Math.max(1, spaceless(source).length);
}

function spaceless(text: string): string {
  return text.replace(/\s+/g, '');
}

/** A line of the prompt, long enough to be no chance, stands in the answer and not in the text. */
function echoes(refined: string, prompt: string, source: string): boolean {
  return prompt
    .split('\n')
    .map((line) => line.replace(/^\s*(\d+\.|-)\s*/, '').trim())
    .some((line) => line.length >= 60 && refined.includes(line) && !source.includes(line));
}
