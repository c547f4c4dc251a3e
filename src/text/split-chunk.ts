/**
 * Cuts a piece of text without white space into words and punctuation marks by spaCy's English rules, without regular
 * expressions: punctuation, quotes and currency come off both ends, one mark at a time, unless what is left is an exception
 * (contraction, abbreviation); a URL or e-mail address stays whole; the rest is cut inside at ellipses, `a-b`, `a,b`, `a:b`,
 * `a/b`, `1+2` and `end.Next`. The parts in a row are the piece: nothing is lost.
 *
 * Gives up: other languages' rules (scripts without spaces stay one piece, as in spaCy's English), emoticons, and the long
 * tail of abbreviations. Source: spacy/lang/punctuation.py and spacy/lang/en.
 */
import { characterFlag, characterFlags } from './character-class.ts';
import { hashUnits, toUnits, UnitTable } from './unit-table.ts';
import { wordExceptions } from './word-exceptions.ts';

const { lower, upper, letter, digit, edge, quote, surrogate } = characterFlag;
const code = (character: string): number => character.charCodeAt(0);
const DOT = code('.');
const PLUS = code('+');
const HYPHEN = code('-');
const W = code('w');
const COLON = code(':');
const SLASH = code('/');
const AT = code('@');

/** Exceptions as code units: a substring and a look-up in a map for every chunk would cost more than all else here. */
const exceptions = new UnitTable();
const exceptionCuts: (readonly number[])[] = [];
let longestException = 0;
for (const [word, parts] of wordExceptions) {
  const characters = toUnits(word);
  exceptions.add(characters, 0, word.length, hashUnits(characters, 0, word.length));
  let end = 0;
  exceptionCuts.push(parts.map((part) => (end += part.length)));
  longestException = Math.max(longestException, word.length);
}

const suffixStarts: number[] = [];

/**
 * Cuts the chunk at start .. end - 1 of `text`, which holds no white space: adds the end of each part to `cuts`, in order. The parts in a
 * row are the chunk.
 */
export function splitChunk(text: Uint16Array, start: number, end: number, cuts: number[]): void {
  suffixStarts.length = 0;
  const chunkEnd = end;
  while (start < end) {
    if (end - start <= longestException) {
      const exception = exceptions.find(text, start, end, hashUnits(text, start, end));
      if (exception >= 0) {
        for (const cut of exceptionCuts[exception]!) cuts.push(start + cut);
        start = end;
        break;
      }
    }
    // Most of what is new is a plain word, with a mark at most: no rule cuts letters.
    if (end - start <= 48 && allLetters(text, start, end)) break;
    const before = prefixLength(text, start, end);
    if (before > 0) {
      start += before;
      cuts.push(start);
      continue;
    }
    const after = suffixLength(text, start, end);
    if (after === 0 || after >= end - start) break;
    end -= after;
    suffixStarts.push(end);
  }
  if (start < end) {
    if (!allLetters(text, start, end) && !isAddress(text, start, end)) splitInside(text, start, end, cuts);
    cuts.push(end);
  }
  for (let index = suffixStarts.length - 2; index >= 0; index--) cuts.push(suffixStarts[index]!);
  if (suffixStarts.length > 0) cuts.push(chunkEnd);
}

function allLetters(text: Uint16Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && (characterFlags[text[at]!]! & letter) !== 0) at++;
  return at === end;
}

function dotsForward(text: Uint16Array, start: number, end: number): number {
  let at = start;
  while (at < end && text[at]! === DOT) at++;
  return at - start;
}

function dotsBackward(text: Uint16Array, start: number, end: number): number {
  let at = end;
  while (at > start && text[at - 1]! === DOT) at--;
  return end - at;
}

function isCurrency(unit: number): boolean {
  return (
    unit === 0x24 || (unit >= 0xa3 && unit <= 0xa5) || (unit >= 0x20a0 && unit <= 0x20cf) || unit === 0xe3f
  );
}

/** Length of the mark to take off the front, 0 for none. */
function prefixLength(text: Uint16Array, start: number, end: number): number {
  const unit = text[start]!;
  const flags = characterFlags[unit]!;
  if ((flags & edge) !== 0 || isCurrency(unit) || unit === 0xa7 || unit === 0x25 || unit === 0x3d) return 1;
  if (unit === PLUS) {
    return start + 1 < end && (characterFlags[text[start + 1]!]! & digit) !== 0 ? 0 : 1;
  }
  if (unit === DOT) {
    const dots = dotsForward(text, start, end);
    return dots > 1 ? dots : 0;
  }
  return 0;
}

/** Length of the mark to take off the back, 0 for none. */
function suffixLength(text: Uint16Array, start: number, end: number): number {
  const unit = text[end - 1]!;
  const flags = characterFlags[unit]!;
  if ((flags & edge) !== 0) return 1;
  const room = end - start;
  const before = room > 1 ? text[end - 2]! : 0;
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
      return (characterFlags[text[end - 3]!]! & upper) !== 0 ? 1 : 0;
    }
    return 0;
  }
  return unitLength(text, start, end);
}

const unitNames = new UnitTable();
for (const name of (
  'km km² km³ m m² m³ dm cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa mbar mb MB kb KB ' +
  'gb GB tb TB T G M K %'
).split(' ')) {
  const characters = toUnits(name);
  unitNames.add(characters, 0, name.length, hashUnits(characters, 0, name.length));
}

/** `5km` is `5` and `km`: length of a unit of measurement that follows a digit. */
function unitLength(text: Uint16Array, start: number, end: number): number {
  for (let length = Math.min(4, end - start - 1); length >= 1; length--) {
    if ((characterFlags[text[end - length - 1]!]! & digit) === 0) continue;
    const from = end - length;
    if (unitNames.find(text, from, end, hashUnits(text, from, end)) >= 0) return length;
  }
  return 0;
}

/** URL or e-mail address, which stays one word. */
function isAddress(text: Uint16Array, start: number, end: number): boolean {
  if (
    end - start > 6 &&
    text[start] === W &&
    text[start + 1] === W &&
    text[start + 2] === W &&
    text[start + 3] === DOT
  ) {
    return true;
  }
  let sign = -1;
  let dot = -1;
  for (let at = start; at < end; at++) {
    const unit = text[at]!;
    if (unit === COLON && at > start && at + 3 < end && text[at + 1] === SLASH && text[at + 2] === SLASH)
      return true;
    if (unit === AT && sign < 0) sign = at;
    else if (unit === DOT && sign >= 0 && dot < 0) dot = at;
  }
  return sign > start && sign < end - 3 && dot > sign && dot < end - 1;
}

/** Adds where the word is cut, its own end not. */
function splitInside(text: Uint16Array, start: number, end: number, cuts: number[]): void {
  let from = start;
  let at = start;
  while (at < end) {
    const length = infixLength(text, at, start, end);
    if (length === 0) {
      at++;
      continue;
    }
    if (at > from) cuts.push(at);
    at += length;
    if (at < end) cuts.push(at);
    from = at;
  }
}

/** Length of the mark at `at` that cuts the word in two, 0 for none. */
function infixLength(text: Uint16Array, at: number, start: number, end: number): number {
  const unit = text[at]!;
  const flags = characterFlags[unit]!;
  if ((flags & (letter | digit | surrogate)) !== 0) return 0;
  if (unit === 0x2026) return 1;
  if (unit === DOT) {
    const dots = dotsForward(text, at, end);
    if (dots > 1) return dots;
  }
  if (unit > 0x7f && (flags & edge) !== 0 && (flags & quote) === 0 && !isSentenceMark(unit)) return 1; // category So
  if (at === start || at + 1 >= end) return 0;
  const before = characterFlags[text[at - 1]!]!;
  const next = text[at + 1]!;
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
        while (at + length < end && text[at + length]! === HYPHEN && length < 3) length++;
        const beyond = at + length < end ? characterFlags[text[at + length]!]! : 0;
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
