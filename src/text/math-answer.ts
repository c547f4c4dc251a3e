/**
 * Is this the right answer? Extraction and equality of final answers, for rewards, evaluation and data filters.
 *
 * `answersEqual(gold, answer)` normalises both texts (normalise-answer.ts), then compares shapes (answer-form.ts) whose
 * parts are compared as exact values (algebra.ts). It prefers to miss an equality over claiming a false one:
 *   - order counts in brackets, not in sets and bare lists; `(1,2)` is not `[1,2]`;
 *   - `x = 5` equals `5`; two equations are equal when one is a multiple of the other;
 *   - units are ignored when one side has none, and must agree when both have one; `50\%` equals `50` and `0.5`,
 *     but `0.75` is not `75`;
 *   - a decimal equals an exact value only if it rounds it with four digits or more (`0.3333` is 1/3, `0.33` is not);
 *   - two decimals must be equal exactly (`0.50` is `.5`).
 * Never hangs: length, depth, terms, exponents and digits are bounded; beyond them texts must be equal.
 *
 * Rules: hendrycks/MATH math_equivalence.py, Minerva (arXiv 2206.14858, appendix), huggingface/Math-Verify.
 */
import { readForm, sameForm } from './answer-form.ts';
import { longestAnswer, type NormalAnswer, normaliseAnswer } from './normalise-answer.ts';

export { extractBoxed, extractFinalAnswer, extractHashAnswer } from './extract-answer.ts';

const numberWords = new Map(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'
    .split(' ')
    .map((word, number) => [word, String(number)]),
);

/** True when `answer` is the same answer as `gold`. Both may be plain, TeX, delimited or boxed. */
export function answersEqual(gold: string, answer: string): boolean {
  if (gold.length > longestAnswer || answer.length > longestAnswer) return gold.trim() === answer.trim();
  const left = normaliseAnswer(gold);
  const right = normaliseAnswer(answer);
  if (left.text === '' || right.text === '') return false;
  if (!sameUnit(left.unit, right.unit)) return false;
  if (sameText(left.text, right.text)) return true;
  if (isProse(left.text) || isProse(right.text)) return false;
  const first = readForm(left.text);
  const second = readForm(right.text);
  if (sameForm(first, second)) return true;
  // 50 % = 0.5: only when exactly one side has the sign.
  if (left.percent === right.percent) return false;
  return left.percent ? sameForm(hundredth(left), second) : sameForm(first, hundredth(right));
}

function hundredth(answer: NormalAnswer): ReturnType<typeof readForm> {
  return readForm(`\\frac{${answer.text}}{100}`);
}

/** `cm` and `centimeters`: a unit and its long form start alike. One without a unit fits any. */
function sameUnit(a: string, b: string): boolean {
  if (a === '' || b === '') return true;
  const plain = (unit: string): string => unit.replace(/[\s.^{}\\]/g, '').replace(/(?<=[a-z]{2})e?s$/, '');
  const first = plain(a);
  const second = plain(b);
  return first === second || (aliases.get(first) ?? first) === (aliases.get(second) ?? second);
}

const aliases = new Map<string, string>(
  Object.entries({
    centimeter: 'cm',
    centimetre: 'cm',
    meter: 'm',
    metre: 'm',
    kilometer: 'km',
    kilometre: 'km',
    millimeter: 'mm',
    inch: 'in',
    inche: 'in',
    foot: 'ft',
    feet: 'ft',
    yard: 'yd',
    mile: 'mi',
    second: 's',
    sec: 's',
    minute: 'min',
    hour: 'h',
    hr: 'h',
    gram: 'g',
    kilogram: 'kg',
    pound: 'lb',
    liter: 'l',
    litre: 'l',
    squareunit: 'unit',
    cubicunit: 'unit',
  }),
);

/** Equal apart from white space and, for words, case, punctuation and articles of spelling. */
function sameText(a: string, b: string): boolean {
  const squeeze = (text: string): string => text.replace(/\s+/g, '');
  if (squeeze(a) === squeeze(b)) return true;
  const first = numberWords.get(a.toLowerCase()) ?? choice(a) ?? a;
  const second = numberWords.get(b.toLowerCase()) ?? choice(b) ?? b;
  if (squeeze(first) === squeeze(second)) return true;
  if (!isProse(first) || !isProse(second)) return false;
  const words = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim();
  return words(first) === words(second);
}

/** `(D)`, `D.` and `D` are one choice. */
function choice(text: string): string | undefined {
  return /^\(?([A-Z])[).]?$/.exec(text)?.[1];
}

/** Words rather than a formula: four letters in a row outside commands, or an empty set of operators and digits. */
function isProse(text: string): boolean {
  const plain = text
    .replace(/\\(?:begin|end)\{[a-zA-Z]+\}|\\math[a-z]+\{\w+\}|\\[A-Za-z]+/g, ' ')
    .replace(/\b(?:sqrt|infty|infinity|arcsin|arccos|arctan)\b/g, ' ');
  return (
    /\p{L}{4,}/u.test(plain) ||
    (/\p{L}{3,}/u.test(plain) && !/[\d^_=+\\(]/.test(text) && !/^(?:sin|cos|tan|log|and)\b/.test(plain))
  );
}
