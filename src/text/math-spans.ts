/**
 * Finds mathematics in plain text: `$..$`, `$$..$$`, `\(..\)`, `\[..\]` and math environments.
 *
 * One pass from left to right. A backslash takes the next character with it, so `\$` is a dollar sign and `\\[2pt]`
 * opens nothing. A single `$` opens a span only if what follows up to its partner can be mathematics
 * (`looksLikeDollarMath`): "$5 and $6" does not. A `$` inside braces does not close (`\text{if $x$}`). A span ends at
 * a blank line or after a bounded number of characters; an opener without a partner is ordinary text.
 *
 * Linear time: partners are looked up with memory (an absent `\]` is searched once), and brace tracking has a budget.
 * Gives up: nested display environments of different names inside prose, TeX comments, verbatim.
 */

export type MathSpanKind = 'dollar' | 'double-dollar' | 'paren' | 'bracket' | 'environment';

/** A span of `text` that is mathematics: [start, end) with delimiters, [contentStart, contentEnd) without. */
export interface MathSpan {
  readonly start: number;
  readonly end: number;
  readonly contentStart: number;
  readonly contentEnd: number;
  readonly display: boolean;
  readonly kind: MathSpanKind;
}

/** Longest inline span: 3,000 characters; longest display span: 20,000. Real formulas are far below both. */
const longestInline = 3000;
const longestDisplay = 20_000;

const environments = new Set(
  (
    'equation align alignat aligned gather gathered multline flalign eqnarray math displaymath array matrix pmatrix ' +
    'bmatrix vmatrix Vmatrix Bmatrix smallmatrix cases split subequations dmath tikzcd CD'
  ).split(' '),
);

/** Spans in order, not overlapping. */
export function findMathSpans(text: string): MathSpan[] {
  const spans: MathSpan[] = [];
  if (!text.includes('$') && !text.includes('\\')) return spans;
  const finder = new PartnerFinder(text);
  // Steps that brace tracking may spend beyond one pass.
  const budget = { steps: 4 * text.length + 4096 };
  let at = 0;
  const end = text.length;
  while (at < end) {
    const unit = text.charCodeAt(at);
    let span: MathSpan | undefined;
    if (unit === 0x24) span = dollarSpan(text, at, finder, budget);
    else if (unit === 0x5c) {
      span = backslashSpan(text, at, finder);
      if (span === undefined) {
        at += 2;
        continue;
      }
    }
    if (span === undefined) at++;
    else {
      spans.push(span);
      at = span.end;
    }
  }
  return spans;
}

/** `indexOf` that remembers the last answer per needle, so that repeated questions cost one pass in total. */
class PartnerFinder {
  private readonly text: string;
  private readonly known = new Map<string, { from: number; at: number }>();

  constructor(text: string) {
    this.text = text;
  }

  /** First index of `needle` at or after `from`, or -1. `from` never goes back for one needle by much. */
  next(needle: string, from: number): number {
    const known = this.known.get(needle);
    if (known !== undefined && known.from <= from && (known.at === -1 || known.at >= from)) return known.at;
    const at = this.text.indexOf(needle, from);
    this.known.set(needle, { from, at });
    return at;
  }

  /** As `next`, but an occurrence after an odd run of backslashes does not count (`\\)` closes nothing). */
  nextUnescaped(needle: string, from: number): number {
    let at = this.next(needle, from);
    while (at >= 0 && isEscaped(this.text, at)) at = this.next(needle, at + 1);
    return at;
  }
}

/** True when an odd number of backslashes stands right before `index`. */
function isEscaped(text: string, index: number): boolean {
  let slashes = 0;
  while (index - slashes > 0 && slashes < 64 && text.charCodeAt(index - slashes - 1) === 0x5c) slashes++;
  return slashes % 2 === 1;
}

function backslashSpan(text: string, at: number, finder: PartnerFinder): MathSpan | undefined {
  const next = text.charCodeAt(at + 1);
  if (next === 0x28 || next === 0x5b) {
    const display = next === 0x5b;
    const close = finder.nextUnescaped(display ? '\\]' : '\\)', at + 2);
    if (close < 0 || close - at > (display ? longestDisplay : longestInline) || close === at + 2)
      return undefined;
    // An opener of the same kind in between means this one was never closed.
    const again = finder.nextUnescaped(display ? '\\[' : '\\(', at + 2);
    if (again >= 0 && again < close) return undefined;
    if (text.slice(at + 2, close).trim() === '') return undefined;
    const kind = display ? 'bracket' : 'paren';
    return { start: at, end: close + 2, contentStart: at + 2, contentEnd: close, display, kind };
  }
  if (next === 0x62 && text.startsWith('\\begin{', at)) return environmentSpan(text, at, finder);
  return undefined;
}

function environmentSpan(text: string, at: number, finder: PartnerFinder): MathSpan | undefined {
  const nameEnd = text.indexOf('}', at + 7);
  if (nameEnd < 0 || nameEnd - at > 24) return undefined;
  const name = text.slice(at + 7, nameEnd);
  if (!environments.has(name.endsWith('*') ? name.slice(0, -1) : name)) return undefined;
  const opener = `\\begin{${name}}`;
  const closer = `\\end{${name}}`;
  let depth = 1;
  let from = nameEnd + 1;
  // Nesting of one name is rare; eight levels are enough and keep the search bounded.
  for (let round = 0; round < 16; round++) {
    const close = finder.next(closer, from);
    if (close < 0 || close - at > longestDisplay) return undefined;
    const inner = finder.next(opener, from);
    if (inner >= 0 && inner < close) {
      depth++;
      from = inner + opener.length;
      continue;
    }
    depth--;
    from = close + closer.length;
    if (depth === 0) {
      return {
        start: at,
        end: from,
        contentStart: nameEnd + 1,
        contentEnd: close,
        display: true,
        kind: 'environment',
      };
    }
  }
  return undefined;
}

function dollarSpan(
  text: string,
  at: number,
  finder: PartnerFinder,
  budget: { steps: number },
): MathSpan | undefined {
  if (text.charCodeAt(at + 1) === 0x24) {
    const close = finder.nextUnescaped('$$', at + 2);
    if (close < 0 || close - at > longestDisplay) return undefined;
    if (text.slice(at + 2, close).trim() === '') return undefined;
    return {
      start: at,
      end: close + 2,
      contentStart: at + 2,
      contentEnd: close,
      display: true,
      kind: 'double-dollar',
    };
  }
  const close = closingDollar(text, at, budget);
  if (close < 0 || !looksLikeDollarMath(text, at + 1, close)) return undefined;
  return {
    start: at,
    end: close + 1,
    contentStart: at + 1,
    contentEnd: close,
    display: false,
    kind: 'dollar',
  };
}

/** The `$` that closes the one at `open`: outside braces, not escaped, before a blank line. -1 for none. */
function closingDollar(text: string, open: number, budget: { steps: number }): number {
  const limit = Math.min(text.length, open + 1 + longestInline);
  let depth = 0;
  let inBraces = -1;
  let at = open + 1;
  for (; at < limit; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x5c) at++;
    else if (unit === 0x7b) depth++;
    else if (unit === 0x7d) depth--;
    else if (unit === 0x24) {
      if (depth <= 0) return at;
      if (inBraces < 0) inBraces = at;
      if (budget.steps <= 0) return inBraces;
    } else if (unit === 0x0a && isBlankAfter(text, at + 1)) break;
    if (inBraces >= 0) budget.steps--;
  }
  return inBraces; // braces never closed: the first `$` is the partner
}

function isBlankAfter(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09 || text.charCodeAt(at) === 0x0d) {
    if (at - from > 80) return false;
    at++;
  }
  return text.charCodeAt(at) === 0x0a;
}

const strongMark = /[\\^_{}]/;
const weakMark = /[=<>+*/|≤≥≠∈∞→×±√∑∫-]/;
const twoProseWords = /[A-Za-z]{3,}[,;:]? +[A-Za-z]{2,}/;
/** A number, then anything with a word of two letters in it: `5 (or 4 US`. */
const priceAndWord = /^\d[\d,.]*(?:\s|[-–(])[^=<>+^]*[A-Za-z]{2}/;
const numberAlone = /^\d[\d,.]*\s*[-–/]?$/;
const ordinalAfter = /^(?:th|st|nd|rd|s|-|'s|’s)/;

/** Whether text between two dollar signs at [start, end) can be mathematics rather than two prices. */
export function looksLikeDollarMath(text: string, start: number, end: number): boolean {
  if (end <= start) return false;
  const content = text.slice(start, end);
  const trimmed = content.trim();
  if (trimmed === '') return false;
  const after = text.slice(end + 1, end + 5);
  const opensWithSpace = content.charCodeAt(0) <= 0x20;
  const closesWithSpace = content.charCodeAt(content.length - 1) <= 0x20;
  if (strongMark.test(content)) {
    // `$HOME/{a,b}/$PATH`: a shell variable right after the closing sign, and no TeX command or script.
    if (/^[A-Za-z0-9{]/.test(after) && !/[\\^]/.test(content) && !ordinalAfter.test(after)) return false;
    if (/^\d/.test(trimmed) && closesWithSpace && !opensWithSpace && !/[\\^]/.test(content)) return false;
    return true;
  }
  if (/^\d/.test(after)) return false;
  if (opensWithSpace !== closesWithSpace) return false;
  if (/^[A-Za-z]/.test(after) && !ordinalAfter.test(after)) return false;
  if (twoProseWords.test(trimmed) || priceAndWord.test(trimmed)) return false;
  if (opensWithSpace) return weakMark.test(trimmed) && trimmed.length < 400;
  if (numberAlone.test(trimmed)) return /^\d+(?:,\d{3})*(?:\.\d+)?$/.test(trimmed);
  return trimmed.length <= 60 || weakMark.test(trimmed);
}
