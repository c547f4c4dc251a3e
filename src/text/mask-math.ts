/**
 * Replaces every formula by one made-up word, so that rules about prose measure the prose.
 *
 * The word is five letters derived from the formula: an ordinary length, all letters, the same for the same formula
 * and different for different ones, so a derivation of ten distinct lines is not ten duplicates but a formula pasted
 * ten times still is. Punctuation that ends a formula stays behind the word. A displayed formula belongs to the
 * sentence around it, so the line ends before it (and after it, unless it ends the sentence) become spaces.
 *
 * Why: generic rules drop good math pages (data-engine.md 1.5); no published tool masks formulas first.
 */
import { findMathSpans, type MathSpan } from './math-spans.ts';

/** `text` with each span replaced by its word. `spans` must be `findMathSpans(text)` or a subset in order. */
export function maskMath(text: string, spans: readonly MathSpan[] = findMathSpans(text)): string {
  if (spans.length === 0) return text;
  const pieces: string[] = [];
  let from = 0;
  for (let index = 0; index < spans.length; index++) {
    const span = spans[index]!;
    let before = text.slice(from, span.start);
    let end = span.end;
    const punctuation = closingPunctuation(text, span);
    if (span.display) {
      const trimmed = before.trimEnd();
      if (trimmed.length < before.length && (trimmed !== '' || index > 0)) before = `${trimmed} `;
      if (punctuation === '' || punctuation === ',' || punctuation === ';' || punctuation === ':') {
        const rest = skipSpace(text, end);
        const mark = text.charAt(rest);
        if (rest > end && rest < text.length) {
          // `$$x$$` followed by a lone mark on the next line: the mark belongs to the formula.
          if ('.,;:'.includes(mark)) end = rest;
          else {
            before += `${wordFor(text, span)}${punctuation} `;
            pieces.push(before);
            from = rest;
            continue;
          }
        }
      }
    }
    pieces.push(before, wordFor(text, span), punctuation);
    from = end;
  }
  pieces.push(text.slice(from));
  return pieces.join('');
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) break;
    at++;
  }
  return at;
}

/** The mark a formula ends with, `$$x = 1.$$`, or the empty string. */
function closingPunctuation(text: string, span: MathSpan): string {
  let at = span.contentEnd - 1;
  while (at >= span.contentStart && text.charCodeAt(at) <= 0x20) at--;
  const mark = text.charAt(at);
  if (at <= span.contentStart || !'.,;:?'.includes(mark)) return '';
  if (text.charAt(at - 1) === '\\') return ''; // a spacing command such as `\,`
  return mark;
}

/** Five letters from the formula's characters, white space aside (FNV-1a over UTF-16 code units). */
function wordFor(text: string, span: MathSpan): string {
  let hash = 0x811c9dc5;
  for (let at = span.contentStart; at < span.contentEnd; at++) {
    const unit = text.charCodeAt(at);
    if (unit <= 0x20) continue;
    hash = Math.imul(hash ^ unit, 0x01000193);
  }
  hash ^= hash >>> 16;
  let rest = Math.imul(hash, 0x7feb352d) >>> 0;
  let word = 'm';
  for (let letter = 0; letter < 4; letter++) {
    word += String.fromCharCode(97 + (rest % 26));
    rest = Math.floor(rest / 26);
  }
  return word;
}
