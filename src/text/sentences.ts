/**
 * Counts sentences as spaCy's rule-based sentencizer does on blank English, which is what datatrove's C4 rule counts with.
 *
 * A sentence begins at the first token, and at every token that is not only punctuation after a token that is a mark of sentence
 * end. So `e.g.` and `3.5` end nothing (their dot is no token of its own), and closing quotes belong to the sentence before. Only
 * chunks that hold a mark are split into tokens, and of those not the usual one (letters and one mark behind them); the rest of the
 * text is one scan over code units.
 *
 * Gives up: marks outside the Basic Multilingual Plane (the scripts Brahmi, Chakma and the like).
 * Source: spacy/pipeline/sentencizer.pyx 3.8 (rules and list of marks); datatrove split_into_sentences.
 */
import { characterFlag, characterFlags } from './character-class.ts';
import { UnitReader } from './code-units.ts';
import { wordExceptions } from './word-exceptions.ts';
import { splitWords } from './words.ts';

const marks = '!.?։؟۔܀܁܂߹।॥၊။።፧፨᙮᜵᜶᠃᠉᥄᥅᪨᪩᪪᪫᭚᭛᭞᭟᰻᰼᱾᱿‼‽⁇⁈⁉⸮⸼꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫﹒﹖﹗！．？｡。';

const kind = { mark: 1, punctuation: 2, space: 4, letter: 8 } as const;

const kinds: Uint8Array = (() => {
  const table = new Uint8Array(0x10000);
  const punctuation = /\p{P}/u;
  for (let code = 0; code < 0x10000; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    if (punctuation.test(String.fromCharCode(code))) table[code]! |= kind.punctuation;
    if ((characterFlags[code]! & characterFlag.space) !== 0) table[code]! |= kind.space;
  }
  for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
    table[letter.charCodeAt(0)]! |= kind.letter;
    table[letter.toUpperCase().charCodeAt(0)]! |= kind.letter;
  }
  for (const mark of marks) table[mark.charCodeAt(0)]! |= kind.mark;
  return table;
})();

const reader = new UnitReader();

/** Sentences in `text`; 0 when there is nothing but white space. */
export function countSentences(text: string): number {
  return countSentencesIn(text, reader.read(text), 0, text.length);
}

/** Sentences in `text` from `from` to `to`, given its code units (`UnitReader`). */
export function countSentencesIn(text: string, units: Uint16Array, from: number, to: number): number {
  let sentences = 0;
  let ended = false; // the next token that is not punctuation begins a sentence
  let at = from;
  while (at < to) {
    const gap = at;
    while (at < to && (kinds[units[at]!]! & kind.space) !== 0) at++;
    if (at >= to) break;
    // spaCy makes a token of white space beyond one blank, and that token begins the sentence.
    if (ended && at - gap > (units[gap] === 0x20 ? 1 : 0)) {
      sentences++;
      ended = false;
    }
    const start = at;
    let all = 0xff;
    let any = 0;
    for (let bits = 0; at < to && ((bits = kinds[units[at]!]!) & kind.space) === 0; at++) {
      all &= bits;
      any |= bits;
    }
    if (sentences === 0) sentences = 1;
    if ((any & kind.mark) === 0) {
      if (ended && (all & kind.punctuation) === 0) {
        sentences++;
        ended = false;
      }
      continue;
    }
    if (endsPlainly(units, start, at)) {
      if (ended) sentences++;
      ended = !wordExceptions.has(text.slice(start, at));
      continue;
    }
    for (const token of splitWords(text.slice(start, at))) {
      if (token.length === 1 && (kinds[token.charCodeAt(0)]! & kind.mark) !== 0) ended = true;
      else if (ended && !isPunctuation(token)) {
        sentences++;
        ended = false;
      }
    }
  }
  return sentences;
}

/** ASCII letters, the last two of them small, and one mark: the mark is a token of its own unless this is an abbreviation. */
function endsPlainly(units: Uint16Array, start: number, end: number): boolean {
  if (end - start < 4) return false;
  const mark = units[end - 1]!;
  if (mark !== 0x2e && mark !== 0x21 && mark !== 0x3f) return false;
  if (units[end - 2]! < 0x61 || units[end - 3]! < 0x61) return false;
  for (let at = start; at < end - 1; at++) if ((kinds[units[at]!]! & kind.letter) === 0) return false;
  return true;
}

function isPunctuation(token: string): boolean {
  for (let i = 0; i < token.length; i++) {
    if ((kinds[token.charCodeAt(i)]! & kind.punctuation) === 0) return false;
  }
  return true;
}
