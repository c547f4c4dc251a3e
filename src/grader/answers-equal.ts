/**
 * Is this the same answer? Both texts are normalised (normalise-answer.ts), read (read-form.ts) and compared part by part (same-form.ts).
 * It prefers to miss an equality over claiming a false one:
 *   - order counts in brackets, not in sets and bare lists; `(1,2)` is not `[1,2]`;
 *   - `x = 5` equals `5`; two equations are equal when one is a multiple of the other;
 *   - a unit missing on one side fits any; two units must agree or convert (`1 km` is `1000 m`); `50\%` equals `50` and `0.5`;
 *   - a decimal equals an exact value only if it rounds it with six decimals or nine digits (`0.333333` is 1/3, `0.33` is not);
 *   - two decimals must be equal exactly (`0.50` is `.5`), apart from the noise of floating point.
 * Never hangs, never throws: length, depth, terms, exponents, digits and comparisons are bounded; beyond them texts must be equal.
 *
 * Rules: hendrycks/MATH math_equivalence.py, Minerva (arXiv 2206.14858, appendix), PRM800K's grader, huggingface/Math-Verify.
 */
import { longestAnswer, type NormalAnswer, normaliseAnswer } from './normalise-answer.ts';
import { type Form, readForm } from './read-form.ts';
import type { Rounding } from './same-expression.ts';
import { sameForm } from './same-form.ts';
import { choiceLetter, isProse, sameWords, sayingOf, spelledNumber } from './text-answer.ts';
import { readUnit } from './units.ts';

export interface EqualityOptions {
  /** Math-Verify's `float_rounding`: decimals are equal when they round to the same so many digits; below 1 it is a tolerance (OlympiadBench). */
  readonly precision?: number | string;
  readonly float_rounding?: number;
  /** NeMo-Skills' `symmetric` and Math-Verify's `allow_set_relation_comp`: taken, and always so here. */
  readonly symmetric?: boolean;
  readonly allow_set_relation_comp?: boolean;
}

const plainNumber = /^([+-]?)0*(\d{0,18})(?:\.(\d{0,18}?)0*)?$/;

/** True when `answer` is the same answer as `gold`. Both may be plain, TeX, delimited or boxed. */
export function answersEqual(gold: string, answer: string, options: EqualityOptions = {}): boolean {
  const fast = comparePlain(gold, answer);
  if (fast === true) return true;
  if (gold.length > longestAnswer || answer.length > longestAnswer) return sameLongText(gold, answer);
  const rounding = readRounding(options);
  if (
    fast === false &&
    rounding.digits === undefined &&
    rounding.tolerance === undefined &&
    !/\.\d{11}/.test(gold + answer)
  )
    return false;
  try {
    return compare(read(gold), read(answer), rounding);
  } catch {
    // Nothing is known that ends here; a checker inside a training run must not.
    return gold.trim() === answer.trim();
  }
}

/** Two plain decimal numerals; undefined when one is something else. */
function comparePlain(gold: string, answer: string): boolean | undefined {
  if (gold.length > 40 || answer.length > 40) return undefined;
  const a = plainNumber.exec(gold.trim());
  if (a === null || (a[2] === '' && (a[3] ?? '') === '' && !gold.includes('0'))) return undefined;
  const b = plainNumber.exec(answer.trim());
  if (b === null || (b[2] === '' && (b[3] ?? '') === '' && !answer.includes('0'))) return undefined;
  if (a[2] !== b[2] || (a[3] ?? '') !== (b[3] ?? '')) return false;
  const zero = a[2] === '' && (a[3] ?? '') === '';
  return zero || (a[1] === '-') === (b[1] === '-');
}

function sameLongText(gold: string, answer: string): boolean {
  return gold.length < 1e6 && answer.length < 1e6 && gold.trim() === answer.trim();
}

function readRounding(options: EqualityOptions): Rounding {
  const given = options.precision ?? options.float_rounding;
  const value = given === undefined ? Number.NaN : Number(given);
  if (!(value > 0) || value > 15) return {};
  return value < 1 ? { tolerance: value } : { digits: Math.floor(value) };
}

interface Read extends NormalAnswer {
  /** Words, or a formula. */
  readonly prose: boolean;
  form?: Form;
}

/** What was read last, since the samples of a group are all held against one reference answer. */
const remembered = new Map<string, Read>();

function read(source: string): Read {
  const known = remembered.get(source);
  if (known !== undefined) return known;
  const normal = normaliseAnswer(source);
  const saying = sayingOf(normal.text);
  const spelled = spelledNumber(normal.text);
  const text = saying ?? spelled ?? normal.text;
  const result: Read = { ...normal, text, prose: saying === undefined && isProse(text) };
  if (remembered.size >= 256) remembered.clear();
  remembered.set(source, result);
  return result;
}

function formOf(answer: Read): Form {
  answer.form ??= readForm(answer.text);
  return answer.form;
}

function compare(gold: Read, answer: Read, rounding: Rounding): boolean {
  if (gold.text === '' || answer.text === '') return false;
  const scale = unitScale(gold, answer);
  if (scale === undefined) return false;
  const squeeze = (text: string): string => text.replace(/\s+/g, '');
  if (scale === 1) {
    if (squeeze(gold.text) === squeeze(answer.text)) return true;
    const [first, second] = [choiceLetter(gold.text), choiceLetter(answer.text)];
    if (first !== undefined && first === second) return true;
    if (gold.prose && answer.prose) return sameWords(gold.text, answer.text);
    if (gold.prose || answer.prose) return false;
    if (sameForm(formOf(gold), formOf(answer), rounding)) return true;
  } else {
    if (gold.prose || answer.prose) return false;
    // The larger unit is turned into the smaller one, so that most factors are whole.
    const [larger, smaller] = scale > 1 ? [gold, answer] : [answer, gold];
    const factor = Number((scale > 1 ? scale : 1 / scale).toPrecision(12));
    return sameForm(readForm(`(${larger.text})*${factor}`), formOf(smaller), {
      ...rounding,
      tolerance: 1e-9,
    });
  }
  if (gold.degrees !== answer.degrees) {
    // 90 degrees = pi / 2: only where the other side is written with pi.
    const [angle, other] = gold.degrees ? [gold, answer] : [answer, gold];
    if (
      /\\pi|π/.test(other.text) &&
      sameForm(readForm(`\\frac{(${angle.text}) \\pi}{180}`), formOf(other), rounding)
    )
      return true;
  }
  // 50 % = 0.5: only when exactly one side has the sign.
  if (gold.percent === answer.percent) return false;
  const hundredth = (one: Read): Form => readForm(`\\frac{${one.text}}{100}`);
  return gold.percent
    ? sameForm(hundredth(gold), formOf(answer), rounding)
    : sameForm(formOf(gold), hundredth(answer), rounding);
}

/** Whether a reference can be judged as mathematics: not empty, not words. */
export function isMathAnswer(reference: string): boolean {
  if (reference.trim() === '' || reference.length > longestAnswer) return false;
  const known = read(reference);
  return known.text !== '' && !known.prose;
}

/** What gold's numbers are multiplied with to be in the answer's unit; undefined when the units differ. */
function unitScale(gold: Read, answer: Read): number | undefined {
  if (gold.unit === '' || answer.unit === '' || gold.unit === answer.unit) return 1;
  const [a, b] = [readUnit(gold.unit), readUnit(answer.unit)];
  if (a.name !== b.name) return isGeneric(a.name) || isGeneric(b.name) ? 1 : undefined;
  if (a.factor === undefined || b.factor === undefined || a.factor === b.factor) return 1;
  return a.factor / b.factor;
}

/** `units`, `square units`: no unit in particular. */
const isGeneric = (name: string): boolean => /^(?:square |cubic )?unit(?:\^[23])?$/.test(name);
