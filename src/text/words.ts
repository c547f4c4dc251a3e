/**
 * The words and punctuation marks of a document, close to what the published quality rules were measured with (datatrove counts
 * words with spaCy's blank English tokenizer): cut at white space, then by the rules of split-chunk.ts.
 *
 * One pass over the code units finds the pieces between white space and hashes them on the way; a piece seen before, in any
 * document, is looked up with the numbers of its words (vocabulary.ts), so most words cost one comparison and no string is made.
 * Within a document words are numbered again in order of first appearance: small numbers, with a count each, let
 * every measure over words be one over different words.
 * Source: datatrove src/datatrove/utils/word_tokenizers.py.
 */
import { characterFlag, characterFlags } from './character-class.ts';
import { wordsAt } from './chunk-table.ts';
import { UnitReader } from './code-units.ts';
import { hashStart, hashStep } from './unit-table.ts';
import { currentVocabulary, type Vocabulary } from './vocabulary.ts';

export { isPunctuationUnit, isPunctuationWord } from './punctuation.ts';

const { space } = characterFlag;

/** The tokens of one text, in order, none empty. */
export interface Tokens {
  readonly vocabulary: Vocabulary;
  /** By token: offset of its first UTF-16 code unit in the text. Its length is that of its word. */
  readonly starts: Int32Array;
  /** By token: number of its word among the different words of this text, in order of first appearance. */
  readonly ids: Int32Array;
  /** By different word: how often it occurs. */
  readonly counts: Int32Array;
  /** By different word: its number in `vocabulary`. */
  readonly words: Int32Array;
}

const reader = new UnitReader();
/** By token, for one document; copied when it is done. */
let starts = new Int32Array(1 << 12);
let ids = new Int32Array(1 << 12);
/** By word of the vocabulary, side by side: the last text it occurred in, and its number there. */
let lastSeen = new Int32Array(1 << 13);
let texts = 0;
/** Scratch memory beyond this (a document of 10 MB) is given back. */
const keptTokens = 1 << 21;

/** Cuts `text` into tokens. Linear; memory in proportion to the text, apart from the shared vocabulary. */
export function tokenise(text: string): Tokens {
  const vocabulary = currentVocabulary();
  const tokens = numbered(vocabulary, scan(text, vocabulary));
  release();
  return tokens;
}

/** The words and punctuation marks of `text` as strings, in order, none empty. */
export function splitWords(text: string): string[] {
  const vocabulary = currentVocabulary();
  const count = scan(text, vocabulary);
  const list = new Array<string>(count);
  for (let token = 0; token < count; token++) list[token] = vocabulary.text(ids[token]!);
  release();
  return list;
}

/** Fills `starts` and `ids`, with words as the vocabulary numbers them; answers how many tokens there are. */
function scan(text: string, vocabulary: Vocabulary): number {
  const { chunks } = vocabulary;
  const flags = characterFlags;
  const units = reader.read(text);
  const end = text.length;
  // Locals, since the engine looks at a variable of the module anew at every use.
  let tokenStarts = starts;
  let tokenIds = ids;
  let { records } = chunks;
  let count = 0;
  let at = 0;
  while (at < end) {
    let unit = units[at]!;
    if ((flags[unit]! & space) !== 0) {
      at++;
      continue;
    }
    const start = at;
    let hash = hashStart;
    // The sentinel behind the text is white space.
    do {
      hash = hashStep(hash, unit);
      unit = units[++at]!;
    } while ((flags[unit]! & space) === 0);
    let place = chunks.find(units, start, at, hash);
    if (place < 0) {
      place = vocabulary.addChunk(units, start, at, hash);
      records = chunks.records;
    }
    const added = place < 0 ? vocabulary.lastCount : records[place]! >>> 8;
    if (count + added > tokenIds.length) {
      makeRoom(count + added);
      tokenStarts = starts;
      tokenIds = ids;
    }
    tokenStarts[count] = start;
    if (place < 0) count = addLast(vocabulary, start, count);
    else {
      let from = place + wordsAt(at - start);
      tokenIds[count++] = records[from]!;
      if (added === 1) continue;
      let offset = start;
      for (const to = from + 2 * added - 2; from < to; ) {
        offset += records[from + 1]!;
        from += 2;
        tokenStarts[count] = offset;
        tokenIds[count++] = records[from]!;
      }
    }
  }
  return count;
}

/** The words of a chunk that is not kept; `starts` and `ids` have room. Answers the new count. */
function addLast({ lastWords, lastCount, words }: Vocabulary, start: number, count: number): number {
  let offset = start;
  for (let i = 0; i < lastCount; i++) {
    const word = lastWords[i]!;
    starts[count] = offset;
    ids[count++] = word;
    offset += words.starts[word + 1]! - words.starts[word]!;
  }
  return count;
}

/** Turns numbers of the vocabulary into numbers within the text. */
function numbered(vocabulary: Vocabulary, count: number): Tokens {
  if (lastSeen.length < 2 * vocabulary.words.size) lastSeen = new Int32Array(4 * vocabulary.words.size);
  texts = (texts + 1) & 0x7fffffff;
  if (texts === 0) {
    lastSeen.fill(0);
    texts = 1;
  }
  const now = texts;
  const seen = lastSeen;
  const tokenIds = ids;
  const words = new Int32Array(count);
  const counts = new Int32Array(count);
  let different = 0;
  for (let token = 0; token < count; token++) {
    const word = tokenIds[token]!;
    if (seen[2 * word] !== now) {
      seen[2 * word] = now;
      seen[2 * word + 1] = different;
      words[different++] = word;
    }
    const id = seen[2 * word + 1]!;
    counts[id]!++;
    tokenIds[token] = id;
  }
  return {
    vocabulary,
    starts: starts.slice(0, count),
    ids: ids.slice(0, count),
    counts: counts.subarray(0, different),
    words: words.subarray(0, different),
  };
}

function makeRoom(least: number): void {
  const length = Math.max(least, 2 * ids.length);
  const moreStarts = new Int32Array(length);
  const moreIds = new Int32Array(length);
  moreStarts.set(starts);
  moreIds.set(ids);
  starts = moreStarts;
  ids = moreIds;
}

function release(): void {
  if (ids.length <= keptTokens) return;
  starts = new Int32Array(1 << 12);
  ids = new Int32Array(1 << 12);
}

/** The text of every token, in order. */
export function textsOf(tokens: Tokens): string[] {
  const { vocabulary, ids, words } = tokens;
  const list = new Array<string>(ids.length);
  for (let token = 0; token < ids.length; token++) list[token] = vocabulary.text(words[ids[token]!]!);
  return list;
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
