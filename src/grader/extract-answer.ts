/**
 * Finds the final answer in a completion. `auto` looks in the order Math-Verify does: `<answer>` tags, "final answer is", the last boxes,
 * `####`, "answer is", the whole text where it is nothing but an answer, the last formulas, the last number. All look from the end, over
 * a bounded part of it.
 */
import { findMathSpans } from '../text/math-spans.ts';
import { extractBoxedGroup } from './find-boxes.ts';

/** GSM8K: the rest of the line after the last `####`, thousands separators and currency gone. */
export function extractHashAnswer(text: string): string | undefined {
  const at = text.lastIndexOf('####');
  if (at < 0) return undefined;
  const end = text.indexOf('\n', at);
  const line = text.slice(at + 4, end < 0 ? at + 1000 : Math.min(end, at + 1000)).trim();
  if (line === '' || line.length > 500) return undefined;
  const number = /^[^\d-]{0,3}(-?[\d,]*\.?\d+)\D{0,3}$/.exec(line)?.[1];
  return number === undefined ? line : number.replaceAll(',', '');
}

/** What comes after the thoughts, where there are some. */
export function afterThoughts(text: string): string {
  const thought = text.lastIndexOf('</think>');
  return thought < 0 ? text : text.slice(thought + 8);
}

const longestTail = 6000;
/** A turn of a dialogue that the model went on to invent. */
const nextTurn =
  /\n[ \t]{0,8}(?:Question|Problem|Human|User):|<\|im_start\|>|<\|im_end\|>|<\|endoftext\|>|<\/s>|<\|eot_id\|>/;

/** `plain`: numbers outside formulas count too. */
export function extractFinalAnswer(text: string, plain = true): string | undefined {
  const said = afterThoughts(text);
  const tag = taggedAnswer(said);
  if (tag !== undefined) return extractBoxedGroup(tag) ?? tag;
  let tail = said.length > longestTail ? said.slice(-longestTail) : said;
  const turn = nextTurn.exec(tail);
  if (turn !== null && turn.index > 0) tail = tail.slice(0, turn.index);
  return (
    statedAnswer(tail, finalSaying) ??
    extractBoxedGroup(said) ??
    extractHashAnswer(said) ??
    statedAnswer(tail, saying) ??
    wholeAnswer(said, plain) ??
    lastFormulas(tail, plain) ??
    (plain ? (lastEquation(tail) ?? lastNumber(tail)) : undefined)
  );
}

function taggedAnswer(text: string): string | undefined {
  const open = text.lastIndexOf('<answer>');
  if (open < 0) return undefined;
  const end = text.indexOf('</answer>', open);
  const content = text.slice(open + 8, end < 0 ? undefined : end).trim();
  return content === '' || content.length > 4000 ? undefined : content;
}

const finalSaying = /final answer\**\s*(?:to [^.:\n]{1,80} )?(?:is|was|:|=)\s*:?\**\s*/gi;
const saying =
  /(?:(?:correct |the |our |my )?answer|result|r[ée]ponse(?: finale)?|respuesta|antwort|risposta|ответ|答案|答え|答)\**\s*(?:(?:is|was|are|must be|should be|would be|est|es|ist|è|是|为|為|は)(?![a-z])\s*[:：]?|[=:：])\**\s*/giu;

/** What the last sentence of the kind says. */
function statedAnswer(text: string, pattern: RegExp): string | undefined {
  let last: string | undefined;
  for (const match of [...text.matchAll(pattern)].slice(-12)) {
    const found = statement(text.slice(match.index + match[0].length, match.index + match[0].length + 2000));
    if (found !== undefined && found !== '') last = found;
  }
  return last;
}

/** A formula if the statement starts with one, else the text up to the end of the sentence. */
function statement(text: string): string | undefined {
  const boxed = /^[\s$\\([*]*\\boxed/.test(text.slice(0, 40))
    ? extractBoxedGroup(endOfParagraph(text))
    : undefined;
  if (boxed !== undefined) return boxed;
  const spans = findMathSpans(text);
  const [first] = spans;
  if (first !== undefined && /^[\s*]*$/.test(text.slice(0, first.start)))
    return joinedSpans(text, spans, 0).trim();
  const end = /\n|[.!?。](?=\s|$|\*)|,?\s+(?:because|since|which|so that)\b/.exec(text.slice(0, 400));
  const sentence = text.slice(0, end?.index ?? 400).replace(/^[*\s:]+|[*\s]+$/g, '');
  if (/^(?:not|in|at|by|as)\b/.test(sentence)) return undefined;
  // `The area of the square is 16`: what it is.
  const is = sentence.search(/\s(?:is|are|equals)\s(?!.*\s(?:is|are|equals)\s)/);
  const said = is < 0 ? sentence : sentence.slice(is).replace(/^\s\w+\s/, '');
  const value = said.replace(
    /^(?:(?:therefore|thus|then|hence|simply|exactly|approximately|about|just|now|also|equal to)\b[\s,]*)+/i,
    '',
  );
  if (is >= 0 && /^[$€£]?[-+]?[\d.,]+%?$/.test(value)) return value;
  const numbers = value.match(/\d+(?:[.,:/]\d+)*/g)?.length ?? 0;
  if (numbers > 0 && /[A-Za-z]{3}/.test(value) && !/[\\$]/.test(value)) {
    // `120 cubic metres of water`: the number and its unit are read by the checker; a longer sentence is its number.
    const few = value.split(/\s+/).length <= (numbers === 1 ? 4 : 6);
    return few && /^[$€£]?[-+]?[\d.,]/.test(value)
      ? value
      : (rightSide(value) ?? (numbers === 1 ? lastNumber(value) : value));
  }
  const inner = spans.filter((span) => span.end <= (end?.index ?? 400)).at(-1);
  if (inner !== undefined && /[A-Za-z]{3}/.test(sentence.replace(/\\[A-Za-z]+/g, '')))
    return text.slice(inner.contentStart, inner.contentEnd).trim();
  return value.trim();
}

const endOfParagraph = (text: string): string => /^[\s\S]*?(?=\n\s*\n|$)/.exec(text)![0];

/** Formulas joined by commas, `and`, `or` are one answer with parts: from span `from` on, as far as they are joined. */
function joinedSpans(text: string, spans: ReturnType<typeof findMathSpans>, from: number): string {
  const content = (i: number): string => text.slice(spans[i]!.contentStart, spans[i]!.contentEnd).trim();
  let joined = content(from);
  for (let i = from + 1; i < spans.length; i++) {
    if (!/^\s*(?:,?\s*(?:and|or)|,)\s*$/.test(text.slice(spans[i - 1]!.end, spans[i]!.start))) break;
    joined += `, ${content(i)}`;
  }
  // `$28$ %`
  if (
    /^\s*(?:\\?%|per ?cent)/.test(text.slice(spans[from]!.end, spans[from]!.end + 12)) &&
    !joined.includes('%')
  )
    joined += '\\%';
  return joined;
}

/** `total = 45`: words and what they are. */
function rightSide(text: string): string | undefined {
  return /^[A-Za-z][A-Za-z ]{2,40}=\s*([^=]{1,200})$/.exec(text)?.[1]?.trim();
}

/** The text itself, where it is short and no sentence. */
function wholeAnswer(text: string, plain: boolean): string | undefined {
  const whole = text.trim();
  if (whole === '' || whole.length > 600 || /\n\s*\n/.test(whole)) return undefined;
  let outside = whole;
  for (const span of findMathSpans(whole).toReversed()) {
    if (span.kind !== 'environment') outside = `${outside.slice(0, span.start)} ${outside.slice(span.end)}`;
  }
  const wordsOf = (part: string): string[] =>
    part
      .replace(/\\[A-Za-z]+(?:\{[A-Za-z]+\})?/g, ' ')
      .match(/[\p{L}--[\p{Script=Han}]]{2,}|\p{Script=Han}/gv) ?? [];
  const named = rightSide(whole);
  if (named !== undefined) return named;
  const words = wordsOf(outside);
  if (outside !== whole)
    return words.every((word) => /^(?:and|or|cm|kg|km)$/i.test(word)) ? whole : undefined;
  if (!plain && /\$/.test(whole)) return undefined;
  if (words.length > 3 || /[:;?]\s|^\p{L}+:/u.test(whole)) return undefined;
  return words.length > 1 && /\d/.test(whole) ? undefined : whole;
}

function lastFormulas(text: string, plain: boolean): string | undefined {
  const spans = findMathSpans(text).filter(
    (span) => plain || span.kind !== 'dollar' || !text.slice(span.start, span.end).includes('\n'),
  );
  if (spans.length === 0) return undefined;
  // A number behind the last formula is later.
  const last = spans[spans.length - 1]!;
  if (lastNumber(text.slice(last.end)) !== undefined) return undefined;
  let from = spans.length - 1;
  while (
    from > 0 &&
    /^\s*(?:,?\s*(?:and|or)|,)\s*$/.test(text.slice(spans[from - 1]!.end, spans[from]!.start))
  )
    from--;
  return joinedSpans(text, spans, from);
}

/** `.. so y = 2x + 1.`: an equation in plain text that ends the completion, without words in it. */
function lastEquation(text: string): string | undefined {
  const line = text.trimEnd().split('\n').at(-1)!.slice(-120);
  for (const match of line.matchAll(/(?<![\w$\\])[a-zA-Z](?:_\w)?\s*=/g)) {
    const equation = line.slice(match.index).replace(/[.\s]+$/, '');
    const words = equation.match(/[A-Za-z]{3,}/g) ?? [];
    if (
      words.every((word) => /^(?:and|sqrt|sin|cos|tan|log)$/.test(word)) &&
      /^[\w\s=+\-*/^().,]+$/.test(equation)
    )
      return equation;
  }
  return undefined;
}

const numeral =
  /(?<![\d:.])\d{1,2}:\d{2}(?!\d)(?:\s?[ap]\.?m\b)?|(?<![\dA-Za-z.,:])[-−]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:[.,]\d+)?(?:\s*\/\s*\d+)?(?:\s*\\?%)?|(?<![\dA-Za-z])-?\.\d+|-?\\frac\{-?\d+\}\{\d+\}/gi;

/** The last number, with a comma for a point where only that makes sense. */
function lastNumber(text: string): string | undefined {
  let found: string | undefined;
  for (const match of text.matchAll(numeral)) {
    const before = text[match.index - 1] ?? '';
    if (/\bnot\s+$/.test(text.slice(Math.max(0, match.index - 8), match.index))) continue;
    // `5-3`: a difference, not a negative number.
    found = match[0].startsWith('-') && /[\d)]/.test(before) ? match[0].slice(1) : match[0];
  }
  if (found === undefined) return undefined;
  return /^-?\d+,\d+$/.test(found) && !/^-?\d{1,3}(?:,\d{3})+$/.test(found) ? found.replace(',', '.') : found;
}
