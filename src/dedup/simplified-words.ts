/**
 * The words of a simplified text as bytes: the same words as `splitWords(simplifyText(text))`, in one pass and without making strings,
 * because MinHash needs each word only as a part of what it hashes.
 *
 * The text is taken chunk by chunk (maximal runs without white space); every step of `simplifyText` looks no further than that. A chunk
 * of ASCII letters is copied in lower case. One with digits and with marks that become spaces goes through a small automaton: a
 * number (`\d+([.,]\d+)?`) becomes `0`, a mark ends the word. Any other chunk (accents, other scripts, surrogates) takes the plain
 * way through the two functions, and short ones are remembered. What may be a contraction (`dont`) or a number with a unit (`0km`)
 * goes through `splitWords`. test/dedup/simplified-words.test.ts holds the two ways equal.
 */
import { UnitReader } from '../text/code-units.ts';
import { simplifyText } from '../text/normalise.ts';
import { wordExceptions } from '../text/word-exceptions.ts';
import { isPunctuationUnit, splitWords } from '../text/words.ts';

/** Where words go. `bytes` may be another array after `room` or `endWord`. */
export interface WordSink {
  bytes: Uint8Array;
  /** Where the next byte goes. */
  at: number;
  /** Makes sure that `count` bytes fit from `at` on. Only called between words. */
  room(count: number): void;
  /** The bytes from `start` to `at` are a word. */
  endWord(start: number): void;
}

const space = 0;
const letter = 1;
const digit = 2;
const mark = 4;
const other = 8;

/** Class of each UTF-16 code unit. */
const classes = (() => {
  const table = new Uint8Array(0x10000).fill(other);
  for (let unit = 0; unit < 0x10000; unit++) {
    const character = String.fromCharCode(unit);
    // U+FEFF is white space to JavaScript alone.
    if (unit !== 0xfeff && /\s/.test(character)) table[unit] = space;
    else if (/[a-zA-Z]/.test(character)) table[unit] = letter;
    else if (/[0-9]/.test(character)) table[unit] = digit;
    else if (isPunctuationUnit(unit) && !/\p{Nd}/u.test(character)) table[unit] = mark;
  }
  return table;
})();

/** Contractions of ASCII letters, as a set of hashes: a word outside it is sure not to be one. */
const filterSize = 1 << 14;
const longestException = 16;
const maybeException = (() => {
  const table = new Uint8Array(filterSize);
  for (const [word, parts] of wordExceptions) {
    if (parts.length < 2 || !/^[a-z]+$/.test(word)) continue;
    let hash = 0;
    for (let at = 0; at < word.length; at++) hash = addToHash(hash, word.charCodeAt(at));
    table[hash & (filterSize - 1)] = 1;
  }
  return table;
})();

function addToHash(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

const [DOT, COMMA, ZERO, SPACE] = [0x2e, 0x2c, 0x30, 0x20];

const reader = new UnitReader();
const encoder = new TextEncoder();
/** Chunk that is not plain ASCII -> its words as UTF-8, a space after each. Emptied when full, so it stays bounded. */
let remembered = new Map<string, Uint8Array>();
const rememberedLimit = 1 << 15;
const longestRemembered = 32;

/** Writes the words of `text` to `sink`, in order, in UTF-8. */
export function writeSimplifiedWords(text: string, sink: WordSink): void {
  // Behind the text lies a line end, so that no loop over a chunk has to look for the end.
  const units = reader.read(text);
  const end = text.length;
  let at = 0;
  while (at < end) {
    let kind = classes[units[at]!]!;
    if (kind === space) {
      at++;
      continue;
    }
    const start = at;
    let kinds = 0;
    while (kind !== space) {
      kinds |= kind;
      kind = classes[units[++at]!]!;
    }
    if (kinds === letter) writeLetters(units, start, at, sink);
    else if ((kinds & other) === 0) writePlain(units, start, at, sink);
    else writeOther(text.slice(start, at), sink);
  }
}

function writeLetters(units: Uint16Array, from: number, to: number, sink: WordSink): void {
  sink.room(to - from + 1);
  const { bytes, at: start } = sink;
  let out = start;
  let hash = 0;
  for (let at = from; at < to; at++) {
    const byte = units[at]! | 0x20;
    hash = addToHash(hash, byte);
    bytes[out++] = byte;
  }
  sink.at = out;
  if (maybeException[hash & (filterSize - 1)] === 1 && to - from <= longestException) splitAgain(start, sink);
  else sink.endWord(start);
}

function writePlain(units: Uint16Array, from: number, to: number, sink: WordSink): void {
  let at = from;
  while (at < to) {
    const kind = classes[units[at]!]!;
    if (kind === mark) {
      at++;
      continue;
    }
    let end = at;
    let kinds = 0;
    for (let k = kind; end < to && k !== mark; k = classes[units[end]!]!) {
      kinds |= k;
      end = k === digit ? numberEnd(units, end, to) : end + 1;
    }
    if (kinds === letter) writeLetters(units, at, end, sink);
    else writeNumbers(units, at, end, sink);
    at = end;
  }
}

/** Writes the word of letters and numbers, or of one number. */
function writeNumbers(units: Uint16Array, from: number, to: number, sink: WordSink): void {
  sink.room(to - from + 1);
  const { bytes, at: start } = sink;
  let out = start;
  let unit = false;
  for (let at = from; at < to; ) {
    let byte = ZERO;
    if (classes[units[at]!] === letter) {
      byte = units[at++]! | 0x20;
      unit ||= out > start && bytes[out - 1] === ZERO;
    } else at = numberEnd(units, at, to);
    bytes[out++] = byte;
  }
  sink.at = out;
  if (unit) splitAgain(start, sink);
  else sink.endWord(start);
}

/** Where `\d+([.,]\d+)?` ends that begins at `at`. */
function numberEnd(units: Uint16Array, at: number, to: number): number {
  at = digitsEnd(units, at, to);
  const next = at + 1 < to ? units[at] : 0;
  if ((next === DOT || next === COMMA) && classes[units[at + 1]!] === digit)
    return digitsEnd(units, at + 1, to);
  return at;
}

function digitsEnd(units: Uint16Array, at: number, to: number): number {
  while (at < to && classes[units[at]!] === digit) at++;
  return at;
}

/** The ASCII bytes from `start` on may be several words. */
function splitAgain(start: number, sink: WordSink): void {
  const { bytes, at: end } = sink;
  const word = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
  const parts = splitWords(word);
  if (parts.length === 1) {
    sink.endWord(start);
    return;
  }
  sink.at = start;
  for (const part of parts) writePart(part, sink);
}

function writeOther(chunk: string, sink: WordSink): void {
  if (chunk.length > longestRemembered) {
    for (const word of splitWords(simplifyText(chunk))) writePart(word, sink);
    return;
  }
  let words = remembered.get(chunk);
  if (words === undefined) {
    words = encoder.encode(
      splitWords(simplifyText(chunk))
        .map((word) => `${word} `)
        .join(''),
    );
    if (remembered.size >= rememberedLimit) remembered = new Map();
    remembered.set(chunk, words);
  }
  for (let from = 0; from < words.length; ) {
    const to = words.indexOf(SPACE, from);
    sink.room(to - from + 1);
    const start = sink.at;
    sink.bytes.set(words.subarray(from, to), start);
    sink.at = start + to - from;
    sink.endWord(start);
    from = to + 1;
  }
}

function writePart(word: string, sink: WordSink): void {
  sink.room(3 * word.length + 1);
  const start = sink.at;
  sink.at = start + encoder.encodeInto(word, sink.bytes.subarray(start)).written;
  sink.endWord(start);
}
