/**
 * Text normalisation: one spelling for white space and Unicode forms, and the "simplified" text that near-duplicate
 * and contamination checks compare.
 *
 * `simplifyText` follows datatrove's `simplify_text` (utils/text.py): lower case, numbers to `0`, punctuation to
 * spaces, white space to one space, diacritics removed. `tidyText` is what extraction output and JSONL input get: NFC, no control
 * characters, no trailing white space, at most one blank line.
 */
import { characterFlag, characterFlags } from './character-class.ts';
import { isPunctuationUnit } from './words.ts';

export interface SimplifyOptions {
  lowercase?: boolean;
  whitespace?: boolean;
  punctuation?: boolean;
  diacritics?: boolean;
  numbers?: boolean;
}

/** Digits with one separator inside, as datatrove writes it: `3.14`, `1,000`; `1,000,000` is two numbers. */
const numbers = /\p{Nd}+(?:[.,،٫⎖⎗⎘]\p{Nd}+)?/gu;
/** Python's white space: JavaScript's without the byte order mark. */
const whiteSpace = /[^\S\ufeff]+/g;

/** The text as near-duplicate checks see it. Each step is on unless switched off. */
export function simplifyText(text: string, options: SimplifyOptions = {}): string {
  let result = text;
  if (options.lowercase !== false) result = result.toLowerCase();
  if (options.numbers !== false) result = result.replace(numbers, '0');
  if (options.punctuation !== false) result = punctuationToSpaces(result);
  if (options.whitespace !== false) result = result.replace(whiteSpace, ' ');
  if (options.diacritics !== false) result = result.normalize('NFD').replace(/\p{Mn}/gu, '');
  return stripSpace(result);
}

/** Python's `strip`. */
function stripSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text, start)) start++;
  while (end > start && isSpace(text, end - 1)) end--;
  return text.slice(start, end);
}

function isSpace(text: string, at: number): boolean {
  return (characterFlags[text.charCodeAt(at)]! & characterFlag.space) !== 0;
}

function punctuationToSpaces(text: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (!isPunctuationUnit(text.charCodeAt(at))) continue;
    pieces.push(text.slice(from, at));
    from = at + 1;
  }
  pieces.push(text.slice(from));
  return pieces.join(' ');
}

/** NFC, `\n` line ends, no control characters but tab and newline, no trailing white space, one blank line at most. */
export function tidyText(text: string): string {
  const lines = text
    .normalize('NFC')
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b\ufeff]/g, '')
    .split('\n');
  const kept: string[] = [];
  for (const line of lines) {
    const trimmed = line.trimEnd();
    if (trimmed === '' && (kept.length === 0 || kept[kept.length - 1] === '')) continue;
    kept.push(trimmed);
  }
  while (kept.length > 0 && kept[kept.length - 1] === '') kept.pop();
  return kept.join('\n');
}
