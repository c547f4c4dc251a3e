/**
 * Finds the final answer in a worked solution.
 *
 * `extractBoxed`: what the last `\boxed{..}` or `\fbox{..}` holds, braces matched to any depth; `\boxed 5` without
 * braces gives the token. `extractHashAnswer`: what follows the last `####` (GSM8K). `extractFinalAnswer` tries both,
 * then the sentences models end with, then the last formula, then the last number. All of them look from the end
 * and cost one pass.
 */
import { findMathSpans } from './math-spans.ts';

/** Longest answer that is taken out of braces. */
const longestBoxed = 20_000;

/** Content of the last box, trimmed; `''` for an empty box; undefined when there is none or it is not closed. */
export function extractBoxed(text: string): string | undefined {
  for (let at = text.length; at > 0; ) {
    const boxed = Math.max(text.lastIndexOf('\\boxed', at - 1), text.lastIndexOf('\\fbox', at - 1));
    if (boxed < 0) return undefined;
    at = boxed;
    const after = boxed + (text.startsWith('\\boxed', boxed) ? 6 : 5);
    if (/[A-Za-z]/.test(text[after] ?? '')) continue; // another command
    let open = after;
    while (text[open] === ' ' || text[open] === '\n') open++;
    if (text[open] === '{') {
      const close = matchingBrace(text, open);
      // A box that never closes was cut off; an earlier one is not the final answer.
      return close < 0 ? undefined : text.slice(open + 1, close).trim();
    }
    const token = /^(?:\\[A-Za-z]+|[^\s$.,;\\]+)/.exec(text.slice(open, open + 200));
    return token === null ? undefined : token[0].trim();
  }
  return undefined;
}

/** Index of the brace that closes the one at `open`, or -1. */
export function matchingBrace(text: string, open: number): number {
  const limit = Math.min(text.length, open + longestBoxed);
  let depth = 0;
  for (let at = open; at < limit; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x5c) at++;
    else if (unit === 0x7b) depth++;
    else if (unit === 0x7d && --depth === 0) return at;
  }
  return -1;
}

/** GSM8K: the rest of the line after the last `####`, thousands separators and currency gone. */
export function extractHashAnswer(text: string): string | undefined {
  const at = text.lastIndexOf('####');
  if (at < 0) return undefined;
  const end = text.indexOf('\n', at);
  const line = text.slice(at + 4, end < 0 ? undefined : end).trim();
  if (line === '' || line.length > 500) return undefined;
  const number = /^[^\d-]{0,3}(-?[\d,]*\.?\d+)\D{0,3}$/.exec(line)?.[1];
  return number === undefined ? line : number.replaceAll(',', '');
}

const saidSo =
  /(?:final answer|correct answer|the answer|answer|result)\s*(?:is|=|:|was|must be|should be)\s*:?\s*/gi;

/** The final answer of a solution in whatever form it has; undefined when nothing looks like one. */
export function extractFinalAnswer(text: string): string | undefined {
  const thought = text.lastIndexOf('</think>');
  const said = thought < 0 ? text : text.slice(thought + 8);
  const boxed = extractBoxed(said);
  if (boxed !== undefined) return boxed;
  const hashed = extractHashAnswer(said);
  if (hashed !== undefined) return hashed;
  const tagOpen = said.lastIndexOf('<answer>');
  if (tagOpen >= 0) {
    const tagEnd = said.indexOf('</answer>', tagOpen);
    return said.slice(tagOpen + 8, tagEnd < 0 ? undefined : tagEnd).trim();
  }
  const whole = /^\s*\$([^$]{1,400})\$\s*$/.exec(said.slice(0, 500));
  if (whole !== null && said.trim().length < 500) return whole[1]!.trim();
  const tail = said.slice(-4000);
  let last: string | undefined;
  for (const match of tail.matchAll(saidSo)) last = firstStatement(tail.slice(match.index + match[0].length));
  if (last !== undefined && last !== '') return last;
  const spans = findMathSpans(tail);
  const span = spans[spans.length - 1];
  if (span !== undefined) return tail.slice(span.contentStart, span.contentEnd).trim();
  let number: string | undefined;
  for (const match of tail.matchAll(/-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:\/\d+)?%?/g)) number = match[0];
  return number;
}

/** A formula if the statement starts with one, else the text up to the end of the sentence. */
function firstStatement(text: string): string {
  const span = findMathSpans(text.slice(0, 2000))[0];
  if (span !== undefined && text.slice(0, span.start).trim() === '') {
    return text.slice(span.contentStart, span.contentEnd).trim();
  }
  const end = /\n|[.!?](?=\s|$)/.exec(text.slice(0, 400));
  const statement = text
    .slice(0, end?.index ?? 400)
    .replace(/^[*\s]+|[*\s]+$/g, '')
    .trim();
  // `The area of the square is 16`: what it is.
  const is = statement.lastIndexOf(' is ');
  return is < 0 ? statement : statement.slice(is + 4).trim();
}
