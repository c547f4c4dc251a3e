/**
 * Reads a text as the words that contamination checks compare, each as a 32-bit hash with its place, in one pass and bounded memory.
 *
 * The words of a text, exactly:
 *   1. a run of letters, lower-cased, without diacritics and compatibility forms (character-fold.ts); apostrophes and zero-width characters
 *      inside it vanish (`don’t` = `dont`); a hyphen ends it. Letters and digits are apart: `x2` = `x^2` = `x_{2}` = `x²` = x, 2;
 *   2. a number: digits, thousands separators taken out (`80,000` = `80{,}000` = `80\,000` = 80000), with one decimal part (`1.5`);
 *   3. an ideograph or kana character;
 *   4. a TeX command or symbol that plain text spells as a word (`\sin`, `\pi` = π, `\sqrt` = √); other commands are dropped, their
 *      arguments stay (tex-commands.ts); `\\frac`, as JSON writes it, is `\frac`, and `\nShe` is She;
 *   5. with `punctuation: 'keep'` every other mark that is not white space.
 * Everything else (white space, punctuation, operators, TeX delimiters) only separates. `[asy]..[/asy]` drawings, `\begin{..}` names and GSM8K's
 * `<<48/2=24>>` marks are not there. Bit 0 of a hash says that the word is a number or a number word (`four`): near-miss checks see one
 * word for all of those.
 */
import { expansionOf, foldClass, foldTable, greekNames } from './character-fold.ts';
import { texAction } from './tex-commands.ts';

export const wordKind = { word: 0, letter: 1, number: 2 } as const;

export interface WordBuffer {
  /** 32-bit identity; bit 0 is 1 for numbers and number words. */
  readonly hash: Uint32Array;
  /** `wordKind`: two letters or more, one letter (or a mark), a number. */
  readonly kind: Uint8Array;
  /** First code unit of the word, and the one after its last. */
  readonly start: Uint32Array;
  readonly end: Uint32Array;
}

export function wordBuffer(capacity: number): WordBuffer {
  return {
    hash: new Uint32Array(capacity),
    kind: new Uint8Array(capacity),
    start: new Uint32Array(capacity),
    end: new Uint32Array(capacity),
  };
}

export interface WordOptions {
  punctuation?: 'drop' | 'keep';
}

const seed = 0x811c9dc5 | 0;
const prime = 0x01000193;
const longestCommand = 40;
const longestCalculator = 80;
const longestEnvironment = 60;
/** Words that one character may stand for. */
const mostAtOnce = 8;

function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) & ~1;
}

/** The hash of a word already folded. */
function hashOf(word: string): number {
  let h = seed;
  for (let at = 0; at < word.length; at++) h = Math.imul(h ^ word.charCodeAt(at), prime);
  return finish(h);
}

const numberWords =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty ' +
  'thirty forty fifty sixty seventy eighty ninety hundred thousand million billion';
const numberWordHashes = new Set(numberWords.split(' ').map(hashOf));
/** A small table in front of the set. */
const numberWordHints = new Uint8Array(1024);
for (const hash of numberWordHashes) numberWordHints[(hash >>> 1) & 1023] = 1;

const greekHashes = new Map(
  Object.entries(greekNames).map(([letter, name]) => [letter.charCodeAt(0), hashOf(name)]),
);

const {
  separator,
  letter,
  digit,
  skip,
  apostrophe,
  backslash,
  ideograph,
  greek,
  slow,
  bracket,
  less,
  space,
} = foldClass;

export class WordReader {
  private readonly text: string;
  private readonly keepMarks: boolean;
  private readonly classes: Uint8Array;
  private readonly folded: Uint16Array;
  private at = 0;
  private asyAbsentFrom = Number.POSITIVE_INFINITY;

  constructor(text: string, options: WordOptions = {}) {
    this.text = text;
    this.keepMarks = options.punctuation === 'keep';
    const table = foldTable();
    this.classes = table.classes;
    this.folded = table.folded;
  }

  /** True when the text has been read to its end. */
  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** Fills `out` from index `from` on; returns the index after the last word written. Call again until `done`. */
  read(out: WordBuffer, from: number): number {
    const { text, classes, folded, keepMarks } = this;
    const { hash, kind, start, end } = out;
    const length = text.length;
    const full = hash.length - mostAtOnce;
    let at = this.at;
    let to = from;
    while (at < length && to < full) {
      const unit = text.charCodeAt(at);
      switch (classes[unit]) {
        case letter: {
          const first = at;
          let h = Math.imul(seed ^ folded[unit]!, prime);
          let letters = 1;
          at++;
          while (at < length) {
            const next = text.charCodeAt(at);
            const what = classes[next]!;
            if (what === letter) {
              h = Math.imul(h ^ folded[next]!, prime);
              letters++;
              at++;
            } else if (what === skip) at++;
            else if (what === apostrophe && this.lettersAt(at + 1)) at++;
            else if (what === slow) {
              const spelled = expansionOf(text, at);
              const spelledFirst = spelled === '' ? separator : classes[spelled.charCodeAt(0)]!;
              if (spelledFirst !== letter || isSymbolName(next)) break;
              for (let i = 0; i < spelled.length; i++) h = Math.imul(h ^ spelled.charCodeAt(i), prime);
              letters += spelled.length;
              at += next >= 0xd800 && next <= 0xdfff ? 2 : 1;
            } else break;
          }
          h = finish(h);
          if (letters >= 3 && numberWordHints[(h >>> 1) & 1023] === 1 && numberWordHashes.has(h)) h |= 1;
          hash[to] = h;
          kind[to] = letters > 1 ? wordKind.word : wordKind.letter;
          start[to] = first;
          end[to++] = at;
          break;
        }
        case separator:
          if (keepMarks && !isTexMark(unit)) {
            hash[to] = finish(Math.imul(seed ^ unit, prime));
            kind[to] = wordKind.letter;
            start[to] = at;
            end[to++] = at + 1;
          }
          at++;
          break;
        case space:
        case skip:
        case apostrophe:
          at++;
          break;
        case digit: {
          const first = at;
          let h = seed;
          let digits = 0;
          while (at < length) {
            const next = text.charCodeAt(at);
            if (classes[next] === digit) {
              h = Math.imul(h ^ folded[next]!, prime);
              digits++;
              at++;
              continue;
            }
            const group = digits <= 3 && digits > 0 ? this.groupAt(at) : -1;
            if (group < 0) break;
            at = group;
            digits = 0;
            // A group of three: the loop reads it, and `digits` is 3 again at its end.
          }
          if (at + 1 < length && text.charCodeAt(at) === 0x2e && classes[text.charCodeAt(at + 1)] === digit) {
            h = Math.imul(h ^ 0x2e, prime);
            at++;
            while (at < length && classes[text.charCodeAt(at)] === digit) {
              h = Math.imul(h ^ folded[text.charCodeAt(at)]!, prime);
              at++;
            }
          }
          hash[to] = finish(h) | 1;
          kind[to] = wordKind.number;
          start[to] = first;
          end[to++] = at;
          break;
        }
        case greek: {
          const first = at;
          let h = seed;
          let letters = 0;
          let last = 0;
          while (at < length) {
            const next = text.charCodeAt(at);
            if (classes[next] === greek) {
              last = folded[next]!;
              h = Math.imul(h ^ last, prime);
              letters++;
            } else if (classes[next] !== skip) break;
            at++;
          }
          hash[to] = (letters === 1 ? greekHashes.get(last) : undefined) ?? finish(h);
          kind[to] = letters > 1 ? wordKind.word : wordKind.letter;
          start[to] = first;
          end[to++] = at;
          break;
        }
        case ideograph:
          hash[to] = finish(Math.imul(seed ^ folded[unit]!, prime));
          kind[to] = wordKind.word; // a character of these scripts says as much as a word
          start[to] = at;
          end[to++] = ++at;
          break;
        case backslash: {
          const first = at;
          this.at = at;
          const word = this.command();
          at = this.at;
          if (word !== '') {
            hash[to] = hashOf(word);
            kind[to] = word.length > 1 ? wordKind.word : wordKind.letter;
            start[to] = first;
            end[to++] = at;
          }
          break;
        }
        case slow: {
          const width = unit >= 0xd800 && unit <= 0xdbff && at + 1 < length ? 2 : 1;
          const spelled = expansionOf(text, at);
          // One word for each run of letters or digits in what the character stands for: `½` is 1 and 2.
          for (const part of spelled.match(/\p{Nd}+|\p{L}+/gu) ?? []) {
            if (to >= hash.length) break;
            const number = classes[part.charCodeAt(0)] === digit;
            const first = part.charCodeAt(0);
            hash[to] = number
              ? hashOf(part) | 1
              : ((part.length === 1 && classes[first] === greek ? greekHashes.get(first) : undefined) ??
                hashOf(part));
            kind[to] = number ? wordKind.number : part.length > 1 ? wordKind.word : wordKind.letter;
            start[to] = at;
            end[to++] = at + width;
          }
          at += width;
          break;
        }
        case bracket:
          at = text.startsWith('[asy]', at) ? this.afterDrawing(at) : at + 1;
          break;
        case less:
          at = text.charCodeAt(at + 1) === 0x3c ? this.afterCalculator(at) : at + 1;
          break;
        default:
          at++;
      }
    }
    this.at = at;
    return to;
  }

  private lettersAt(at: number): boolean {
    return at < this.text.length && this.classes[this.text.charCodeAt(at)] === letter;
  }

  /** Where the three digits of a next group begin, when a thousands separator stands at `at`; else -1. */
  private groupAt(at: number): number {
    const { text, classes } = this;
    const unit = text.charCodeAt(at);
    let to: number;
    if (unit === 0x2c) to = text.startsWith('\\!', at + 1) ? at + 3 : at + 1;
    else if (unit === 0x5c && text.charCodeAt(at + 1) === 0x2c) to = at + 2;
    else if (unit === 0x7b && text.startsWith(',}', at + 1)) to = at + 3;
    else if (unit === 0x202f || unit === 0x2009) to = at + 1;
    else return -1;
    for (let i = 0; i < 3; i++) if (classes[text.charCodeAt(to + i)] !== digit) return -1;
    return classes[text.charCodeAt(to + 3)] === digit ? -1 : to;
  }

  /** Reads the command at `this.at` and goes past it; returns the word it stands for, or ''. */
  private command(): string {
    const { text } = this;
    let at = this.at;
    while (text.charCodeAt(at) === 0x5c) at++;
    if (!isAsciiLetter(text.charCodeAt(at))) {
      // `\,` `\$` `\{`: the mark separates anyway. A digit or a letter of another script is left to be read.
      this.at = at;
      return '';
    }
    const first = at;
    if (text.charCodeAt(at) === 0x75 && /^[0-9a-fA-F]{4}/.test(text.slice(at + 1, at + 5))) {
      this.at = at + 5; // `\u2019`, as JSON escapes
      return '';
    }
    while (at - first < longestCommand && isAsciiLetter(text.charCodeAt(at))) at++;
    const name = text.slice(first, at);
    const action = texAction(name);
    this.at = at;
    if (action === undefined) return '';
    if (action === 'argument' || action === 'environment') {
      this.at = this.afterArgument(at);
      if (action === 'environment' && /^\{(?:array|tabular)/.test(text.slice(at, at + 9)))
        this.at = this.afterArgument(this.at);
      return '';
    }
    return action.word;
  }

  /** After `{..}` at `at`, when it is short and closed; else `at`. */
  private afterArgument(at: number): number {
    const { text } = this;
    const from = text.charCodeAt(at) === 0x2a ? at + 1 : at;
    if (text.charCodeAt(from) !== 0x7b) return at;
    const last = Math.min(text.length, from + longestEnvironment);
    for (let i = from + 1; i < last; i++) if (text.charCodeAt(i) === 0x7d) return i + 1;
    return at;
  }

  private afterDrawing(at: number): number {
    if (at >= this.asyAbsentFrom) return at + 5;
    const close = this.text.indexOf('[/asy]', at);
    if (close < 0) this.asyAbsentFrom = at;
    return close < 0 ? at + 5 : close + 6;
  }

  /** After `<<12*3=36>>` at `at`; after the two marks when it is something else. */
  private afterCalculator(at: number): number {
    const { text } = this;
    const last = Math.min(text.length, at + longestCalculator);
    for (let i = at + 2; i < last; i++) {
      const unit = text.charCodeAt(i);
      if (unit === 0x3e) return text.charCodeAt(i + 1) === 0x3e ? i + 2 : at + 2;
      // Digits, `( ) * + , - . /`, `=`, `%`, `$` and blanks.
      if (
        !((unit >= 0x28 && unit <= 0x39) || unit === 0x3d || unit === 0x25 || unit === 0x24 || unit === 0x20)
      )
        break;
    }
    return at + 2;
  }
}

function isAsciiLetter(unit: number): boolean {
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** `√`, `∞`, `∑`, `∏`, `∫`: words of their own, never part of one. */
function isSymbolName(unit: number): boolean {
  return unit === 0x221a || unit === 0x221e || unit === 0x2211 || unit === 0x220f || unit === 0x222b;
}

/** Marks of TeX's own syntax, which are no words even when marks are kept: `$ { } ~ &`. */
function isTexMark(unit: number): boolean {
  return unit === 0x24 || unit === 0x7b || unit === 0x7d || unit === 0x7e || unit === 0x26;
}

/** All words of a text that is held whole (a benchmark item). */
export function readWords(text: string, options: WordOptions = {}): { count: number; words: WordBuffer } {
  const reader = new WordReader(text, options);
  let words = wordBuffer(Math.ceil(text.length / 3) + 32);
  let count = reader.read(words, 0);
  while (!reader.done) {
    const larger = wordBuffer(words.hash.length * 2);
    larger.hash.set(words.hash);
    larger.kind.set(words.kind);
    larger.start.set(words.start);
    larger.end.set(words.end);
    words = larger;
    count = reader.read(words, count);
  }
  return { count, words };
}
