/**
 * Splits English text into words and punctuation, close to what the published quality rules were measured with.
 *
 * datatrove counts words with spaCy's blank English tokenizer. This is a hand-written equivalent without regular
 * expressions on the hot path:
 *   1. cut at white space; 2. take punctuation, quotes and currency off both ends, one mark at a time, unless what is
 *   left is an exception (contraction, abbreviation); 3. a URL or e-mail address stays whole; 4. cut inside at
 *   ellipses, `a-b`, `a,b`, `a:b`, `a/b`, `1+2` and `end.Next`; 5. remember what a chunk gave, since words repeat.
 *
 * Gives up: other languages' rules (scripts without spaces stay one chunk, as in spaCy's English), emoticons, and the
 * long tail of abbreviations. Deterministic: no locale, no ICU segmenter.
 * Source: spacy/lang/punctuation.py and spacy/lang/en; datatrove src/datatrove/utils/word_tokenizers.py.
 */
import { characterFlag, characterFlags } from './character-class.ts';
import { wordExceptions } from './word-exceptions.ts';

const { space, lower, upper, letter, digit, edge, quote, surrogate } = characterFlag;
const code = (character: string): number => character.charCodeAt(0);
const DOT = code('.');
const PLUS = code('+');
const HYPHEN = code('-');

/** Chunk -> parts. Bounded: emptied when full, so that hostile text cannot grow it. */
let remembered = new Map<string, readonly string[]>();
const rememberedLimit = 1 << 16;
/** Longer chunks are rare and mostly data; they are cut but not remembered. */
const longestRemembered = 48;

/** The words and punctuation marks of `text`, in order, none empty. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  const end = text.length;
  let at = 0;
  while (at < end) {
    while (at < end && (characterFlags[text.charCodeAt(at)]! & space) !== 0) at++;
    if (at >= end) break;
    const start = at;
    let flags = 0;
    let plain = true;
    while (at < end && ((flags = characterFlags[text.charCodeAt(at)]!) & space) === 0) {
      if ((flags & letter) === 0) plain = false;
      at++;
    }
    const chunk = text.slice(start, at);
    const exception = wordExceptions.get(chunk);
    if (exception !== undefined) {
      for (const part of exception) words.push(part);
    } else if (plain) {
      words.push(chunk);
    } else if (chunk.length > longestRemembered) {
      splitChunk(chunk, words);
    } else {
      let parts = remembered.get(chunk);
      if (parts === undefined) {
        const fresh: string[] = [];
        splitChunk(chunk, fresh);
        parts = fresh;
        if (remembered.size >= rememberedLimit) remembered = new Map();
        remembered.set(chunk, parts);
      }
      for (const part of parts) words.push(part);
    }
  }
  return words;
}

/** White-space separated pieces (Python's `str.split()`), for rules that count words that way. */
export function splitOnWhitespace(text: string): string[] {
  const pieces: string[] = [];
  const end = text.length;
  let at = 0;
  while (at < end) {
    while (at < end && (characterFlags[text.charCodeAt(at)]! & space) !== 0) at++;
    if (at >= end) break;
    const start = at;
    while (at < end && (characterFlags[text.charCodeAt(at)]! & space) === 0) at++;
    pieces.push(text.slice(start, at));
  }
  return pieces;
}

function splitChunk(chunk: string, out: string[]): void {
  let start = 0;
  let end = chunk.length;
  const suffixes: string[] = [];
  while (start < end) {
    const exception = end - start <= 12 ? wordExceptions.get(chunk.slice(start, end)) : undefined;
    if (exception !== undefined) {
      for (const part of exception) out.push(part);
      start = end;
      break;
    }
    const before = prefixLength(chunk, start, end);
    if (before > 0) {
      out.push(chunk.slice(start, start + before));
      start += before;
      continue;
    }
    const after = suffixLength(chunk, start, end);
    if (after === 0 || after >= end - start) break;
    suffixes.push(chunk.slice(end - after, end));
    end -= after;
  }
  if (start < end) {
    if (isAddress(chunk, start, end)) out.push(chunk.slice(start, end));
    else splitInside(chunk, start, end, out);
  }
  for (let index = suffixes.length - 1; index >= 0; index--) out.push(suffixes[index]!);
}

function dotsForward(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && text.charCodeAt(at) === DOT) at++;
  return at - start;
}

function dotsBackward(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && text.charCodeAt(at - 1) === DOT) at--;
  return end - at;
}

function isCurrency(unit: number): boolean {
  return (
    unit === 0x24 || (unit >= 0xa3 && unit <= 0xa5) || (unit >= 0x20a0 && unit <= 0x20cf) || unit === 0xe3f
  );
}

/** Length of the mark to take off the front, 0 for none. */
function prefixLength(text: string, start: number, end: number): number {
  const unit = text.charCodeAt(start);
  const flags = characterFlags[unit]!;
  if ((flags & edge) !== 0 || isCurrency(unit) || unit === 0xa7 || unit === 0x25 || unit === 0x3d) return 1;
  if (unit === PLUS) {
    return start + 1 < end && (characterFlags[text.charCodeAt(start + 1)]! & digit) !== 0 ? 0 : 1;
  }
  if (unit === DOT) {
    const dots = dotsForward(text, start, end);
    return dots > 1 ? dots : 0;
  }
  return 0;
}

/** Length of the mark to take off the back, 0 for none. */
function suffixLength(text: string, start: number, end: number): number {
  const unit = text.charCodeAt(end - 1);
  const flags = characterFlags[unit]!;
  if ((flags & edge) !== 0) return 1;
  const room = end - start;
  const before = room > 1 ? text.charCodeAt(end - 2) : 0;
  const beforeFlags = room > 1 ? characterFlags[before]! : 0;
  if (unit === 0x73 || unit === 0x53) {
    if (before === 0x27 || before === 0x2019) return 2; // 's
  }
  if (unit === PLUS || isCurrency(unit)) return (beforeFlags & digit) !== 0 ? 1 : 0;
  if (unit === DOT) {
    const dots = dotsBackward(text, start, end);
    if (dots > 1) return dots;
    if ((beforeFlags & (digit | quote)) !== 0 || (beforeFlags & (lower | upper)) === lower) return 1;
    if ((beforeFlags & lower) !== 0) return 1; // uncased scripts
    if (before === 0x25 || before === 0xb2 || before === HYPHEN || before === PLUS) return 1;
    if (before === 0x29 || before === 0x5d) return 1;
    if ((beforeFlags & upper) !== 0 && room > 2) {
      return (characterFlags[text.charCodeAt(end - 3)]! & upper) !== 0 ? 1 : 0;
    }
    return 0;
  }
  return unitLength(text, start, end);
}

const units = new Set(
  'km km² km³ m m² m³ dm cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa mbar mb MB kb KB gb GB tb TB T G M K %'.split(
    ' ',
  ),
);

/** `5km` is `5` and `km`: length of a unit that follows a digit. */
function unitLength(text: string, start: number, end: number): number {
  for (let length = Math.min(4, end - start - 1); length >= 1; length--) {
    if ((characterFlags[text.charCodeAt(end - length - 1)]! & digit) === 0) continue;
    if (units.has(text.slice(end - length, end))) return length;
  }
  return 0;
}

/** URL or e-mail address, which stays one word. */
function isAddress(text: string, start: number, end: number): boolean {
  const scheme = text.indexOf('://', start);
  if (scheme > start && scheme + 3 < end) return true;
  if (text.startsWith('www.', start) && end - start > 6) return true;
  const at = text.indexOf('@', start);
  return at > start && at < end - 3 && text.indexOf('.', at) > at && text.indexOf('.', at) < end - 1;
}

function splitInside(text: string, start: number, end: number, out: string[]): void {
  let from = start;
  let at = start;
  while (at < end) {
    const length = infixLength(text, at, start, end);
    if (length === 0) {
      at++;
      continue;
    }
    if (at > from) out.push(text.slice(from, at));
    out.push(text.slice(at, at + length));
    at += length;
    from = at;
  }
  if (from < end) out.push(text.slice(from, end));
}

/** Length of the mark at `at` that cuts the word in two, 0 for none. */
function infixLength(text: string, at: number, start: number, end: number): number {
  const unit = text.charCodeAt(at);
  const flags = characterFlags[unit]!;
  if ((flags & (letter | digit | surrogate)) !== 0) return 0;
  if (unit === 0x2026) return 1;
  if (unit === DOT) {
    const dots = dotsForward(text, at, end);
    if (dots > 1) return dots;
  }
  if (unit > 0x7f && (flags & edge) !== 0 && (flags & quote) === 0 && !isSentenceMark(unit)) return 1; // category So
  if (at === start || at + 1 >= end) return 0;
  const before = characterFlags[text.charCodeAt(at - 1)]!;
  const next = text.charCodeAt(at + 1);
  const after = characterFlags[next]!;
  switch (unit) {
    case DOT:
      return (before & (lower | quote)) !== 0 && (after & (upper | quote)) !== 0 ? 1 : 0;
    case 0x2c: // ,
      return (before & letter) !== 0 && (after & letter) !== 0 ? 1 : 0;
    case PLUS:
    case 0x2a: // *
    case 0x5e: // ^
      return (before & digit) !== 0 && ((after & digit) !== 0 || next === HYPHEN) ? 1 : 0;
    case HYPHEN:
      if ((before & digit) !== 0 && ((after & digit) !== 0 || next === HYPHEN)) return 1;
      if (next === HYPHEN) {
        // `--` and `---` between words
        let length = 2;
        while (at + length < end && text.charCodeAt(at + length) === HYPHEN && length < 3) length++;
        const beyond = at + length < end ? characterFlags[text.charCodeAt(at + length)]! : 0;
        return (before & (letter | digit)) !== 0 && (beyond & letter) !== 0 ? length : 0;
      }
      return (before & (letter | digit)) !== 0 && (after & letter) !== 0 ? 1 : 0;
    case 0x2013: // en dash
    case 0x2014: // em dash
    case 0x7e: // ~
    case 0x3a: // :
    case 0x3c: // <
    case 0x3e: // >
    case 0x3d: // =
    case 0x2f: // /
      return (before & (letter | digit)) !== 0 && (after & letter) !== 0 ? 1 : 0;
    default:
      return 0;
  }
}

const sentenceMarks = new Set([...'…¿؟¡。？！，、；：～·।،۔؛٪—–'].map((mark) => mark.charCodeAt(0)));
function isSentenceMark(unit: number): boolean {
  return sentenceMarks.has(unit);
}

/** The marks datatrove takes as punctuation (utils/text.py), control characters included. */
const punctuationSet = (() => {
  const table = new Uint8Array(0x10000);
  const marks = '!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„\';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_."}►»';
  for (const mark of marks) table[mark.charCodeAt(0)] = 1;
  for (const [from, to] of [
    [0, 9],
    [11, 13],
    [13, 32],
    [127, 160],
  ] as const) {
    for (let unit = from; unit < to; unit++) table[unit] = 1;
  }
  return table;
})();

/** True for a word made of nothing but punctuation; Gopher's rules do not count it as a word. */
export function isPunctuationWord(word: string): boolean {
  for (let index = 0; index < word.length; index++) {
    if (punctuationSet[word.charCodeAt(index)] === 0) return false;
  }
  return true;
}

/** True for one mark of datatrove's punctuation list, given its UTF-16 code unit. */
export function isPunctuationUnit(unit: number): boolean {
  return punctuationSet[unit] === 1;
}
