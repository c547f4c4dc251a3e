/**
 * Grades a completion against a reference answer, for rewards, evaluation and data filters: finds the final answer by the template's rule
 * (extract-answer.ts) and compares it (answers-equal.ts). Pure, synchronous, bounded in time, and never throws.
 */
import type { Extraction } from '../core/evaluation.ts';
import { answersEqual, type EqualityOptions } from './answers-equal.ts';
import { afterThoughts, extractFinalAnswer, extractHashAnswer } from './extract-answer.ts';
import { extractBoxedGroup } from './find-boxes.ts';
import { extractChoice } from './find-choice.ts';
import { choiceLetter, isProse, sameWords } from './text-answer.ts';

export interface GradeOptions extends EqualityOptions {
  readonly extract?: Extraction;
  /** Texts of the choices A, B, C, ...: the text of the right one counts as its letter. */
  readonly choices?: readonly string[];
  /** Math-Verify's and lighteval's targets: `NativeLetters` is `extract: choice`; `latex` without `expr` looks for formulas only. */
  readonly types?: readonly string[];
  /** Taken and not needed: the words around an answer are known in all languages at once. */
  readonly language?: string;
}

export interface Grade {
  readonly correct: boolean;
  /** The answer that was found, if any. */
  readonly answer: string | undefined;
  /** How it was found. */
  readonly how: string;
}

/** Longer completions are cut at the front: a final answer is at the end. */
const longestCompletion = 500_000;

export function gradeAnswer(completion: string, expected: string, options: GradeOptions = {}): Grade {
  const text = completion.length > longestCompletion ? completion.slice(-longestCompletion) : completion;
  const extract = options.types?.includes('NativeLetters') ? 'choice' : (options.extract ?? 'auto');
  try {
    if (extract === 'choice') return gradeChoice(text, expected, options);
    const answer = find(text, extract, options.types === undefined || options.types.includes('expr'));
    const gold = referenceOf(expected, extract);
    if (answer !== undefined && answersEqual(gold, answer, options))
      return { correct: true, answer, how: extract };
    for (const other of answer === undefined ? [] : otherReadings(answer, gold)) {
      if (answersEqual(gold, other, options)) return { correct: true, answer: other, how: extract };
    }
    if (extract === 'auto' || extract === 'final-line') {
      // A reference that is a letter or words, and a completion that is little more than it.
      if (gold.length <= 2000 && choiceLetter(gold) !== undefined && !/\\boxed|####/.test(text)) {
        const choice = gradeChoice(text, gold, options);
        if (choice.correct) return choice;
      }
      const whole = afterThoughts(text).trim();
      if (
        Math.max(whole.length, gold.length) <= 2000 &&
        whole !== answer &&
        isProse(gold) &&
        sameWords(gold, whole)
      )
        return { correct: true, answer: whole, how: 'whole text' };
    }
    return { correct: false, answer, how: extract };
  } catch {
    return { correct: false, answer: undefined, how: 'error' };
  }
}

/** `(C) 15` is 15 where the reference is no letter; `3,5` is 3.5 where the reference is a decimal. */
function otherReadings(answer: string, gold: string): string[] {
  if (answer.length > 400) return [];
  const listed = /^\s*\(?[A-J][).:]\s+(\S.*)$/.exec(answer)?.[1];
  const comma = /^-?\d+,(?:\d{1,2}|\d{4,9})$/.test(answer) && /^-?\d+\.\d+$/.test(gold);
  return [...(listed === undefined ? [] : [listed]), ...(comma ? [answer.replace(',', '.')] : [])];
}

function find(text: string, extract: Exclude<Extraction, 'choice'>, plain: boolean): string | undefined {
  switch (extract) {
    case 'boxed':
      return extractBoxedGroup(text);
    case 'hash':
      return extractHashAnswer(text);
    case 'final-line': {
      const line = afterThoughts(text).trimEnd().split('\n').at(-1)!;
      return extractFinalAnswer(line, plain);
    }
    case 'auto':
      return extractFinalAnswer(text, plain);
  }
}

/** The reference may itself be a worked solution. */
function referenceOf(expected: string, extract: Extraction): string {
  const trimmed = expected.trim();
  if (/\\boxed|\\fbox/.test(trimmed)) return extractBoxedGroup(trimmed) ?? trimmed;
  if (extract === 'hash' || trimmed.includes('####')) return extractHashAnswer(trimmed) ?? trimmed;
  if (trimmed.length > 200 || /\b(?:answer is|answer:)/i.test(trimmed))
    return extractFinalAnswer(trimmed) ?? trimmed;
  return trimmed;
}

function gradeChoice(text: string, expected: string, options: GradeOptions): Grade {
  const said = afterThoughts(text);
  const boxed = extractBoxedGroup(said);
  const gold =
    choiceLetter(expected) ?? extractChoice(expected, extractBoxedGroup(expected)) ?? expected.trim();
  const letter = extractChoice(said, boxed);
  if (letter !== undefined && letter === gold) return { correct: true, answer: letter, how: 'choice' };
  const choices = options.choices ?? [];
  const place = gold.charCodeAt(0) - 65;
  const given = boxed ?? (letter === undefined ? extractFinalAnswer(said) : undefined);
  if (given !== undefined && choices[place] !== undefined) {
    const matches = choices.flatMap((choice, i) => (answersEqual(choice, given, options) ? [i] : []));
    if (matches.length === 1 && matches[0] === place)
      return { correct: true, answer: given, how: 'text of the choice' };
  }
  return { correct: false, answer: letter ?? given, how: 'choice' };
}

export { answersEqual, type EqualityOptions, isMathAnswer } from './answers-equal.ts';
export { extractFinalAnswer, extractHashAnswer } from './extract-answer.ts';
export { extractBoxed } from './find-boxes.ts';
