/**
 * What is done to a text before a fastText classifier sees it, in training and in scoring alike.
 *
 * `megamath` is the normalisation of MegaMath's released pipeline, in its order:
 *   1. Unicode NFKC;
 *   2. tokens: runs of letters, digits and `_`, and runs of everything else but white space (NLTK's wordpunct_tokenize);
 *   3. each token in lower case; one of nothing but digits becomes `<NUM>`; one of more than 100 characters is dropped;
 *   4. `-` and `_` become spaces; what is left besides a-z, A-Z, 0-9, `<` and `>` is taken out;
 *   5. words apart by one space, with `<EOS>` after every 1,024 words when more follow.
 * Its quirks are kept, because published thresholds belong to them: line feeds become spaces before they could become `<EOS>`, so `<EOS>`
 * marks nothing in the text; words of other scripts vanish; fractions and decimals fall apart (`3.14` is `<NUM> <NUM>`, `x2` stays);
 * a `<` or `>` of the text survives, and accented letters do not (`café` is `caf`).
 *
 * Classes of characters are those of Python (`\w`, `\s`, isdigit), with the Unicode version of this Node. Linear in the text; the result
 * is ASCII. Gives up: characters assigned after Unicode 14 may fall into another class than in the Python that made a corpus.
 * Source: LLM360/MegaMath web_pipeline/utils/math_fasttext.py (recipe.md 3); NLTK 3.9 WordPunctTokenizer (later ones take combining
 * marks for word characters).
 */

/** The key is called `prepare` in configurations and model folders. */
export const preparations = ['none', 'megamath'] as const;
export type Preparation = (typeof preparations)[number];

/** The text as the classifier should see it. `none` changes nothing. */
export function prepareText(text: string, how: Preparation): string {
  return how === 'none' ? text : new MegaMathText().prepare(text.normalize('NFKC'));
}

/** Classes of characters. A digit is a word character too. */
const [space, punctuation, word, digit] = [1, 2, 3, 4] as const;

/** Longest token that is kept, in code points. */
const longestToken = 100;
const wordsInChunk = 1024;
const [openAngle, closeAngle, hyphen, underscore, dottedI] = [0x3c, 0x3e, 0x2d, 0x5f, 0x130] as const;
const numberWord = Buffer.from('<NUM>');
const chunkEnd = Buffer.from(' <EOS>');

/** Class by code point, 0 where it was not asked for yet. */
const classes = new Uint8Array(0x110000);

/** White space of Python's `\s`, which has the separators U+001C to U+001F and U+0085 but not U+FEFF. */
const isSpace = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
/** Python's isdigit: decimal digits, and those that NFKC leaves as they are although they are digits only in circles and the like. */
const isDigit =
  /[\p{Nd}\u1369-\u1371\u19da\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792\u{10a40}-\u{10a43}\u{10e60}-\u{10e68}\u{11052}-\u{1105a}]/u;
const isWord = /[\p{L}\p{N}_]/u;

function classOf(code: number): number {
  const known = classes[code]!;
  if (known > 0) return known;
  const character = String.fromCodePoint(code);
  const found = isDigit.test(character)
    ? digit
    : isWord.test(character)
      ? word
      : isSpace.test(character)
        ? space
        : punctuation;
  classes[code] = found;
  return found;
}

/** Collects the result as ASCII bytes. */
class MegaMathText {
  #bytes = Buffer.alloc(0);
  #length = 0;
  #words = 0;
  /** The next character begins a word. */
  #apart = true;

  prepare(text: string): string {
    this.#bytes = Buffer.allocUnsafe(text.length + 64);
    let at = 0;
    while (at < text.length) {
      const code = text.codePointAt(at)!;
      const kind = classOf(code);
      if (kind === space) {
        at += code > 0xffff ? 2 : 1;
        continue;
      }
      at = this.#addToken(text, at, kind >= word);
    }
    return this.#bytes.toString('latin1', 0, this.#length);
  }

  /** Adds the token that begins at `start`, of word characters or of others, and returns where it ends. */
  #addToken(text: string, start: number, ofWords: boolean): number {
    let at = start;
    let length = 0;
    let digits = 0;
    while (at < text.length) {
      const code = text.codePointAt(at)!;
      const kind = classOf(code);
      if (kind === space || kind >= word !== ofWords) break;
      if (kind === digit) digits++;
      // This one alone becomes two characters in lower case.
      length += code === dottedI ? 2 : 1;
      at += code > 0xffff ? 2 : 1;
    }
    this.#apart = true;
    if (length === digits) this.#addNumber();
    else if (length <= longestToken) this.#addCharacters(text, start, at);
    return at;
  }

  #addNumber(): void {
    this.#reserve(numberWord.length);
    this.#beginWord();
    this.#length += numberWord.copy(this.#bytes, this.#length);
  }

  #addCharacters(text: string, start: number, end: number): void {
    this.#reserve(end - start);
    for (let at = start; at < end; at++) {
      let code = text.charCodeAt(at);
      if (code === hyphen || code === underscore) {
        this.#apart = true;
        continue;
      }
      if (code >= 0x41 && code <= 0x5a) code += 0x20;
      else if (code === dottedI) code = 0x69;
      else if (!isKept(code)) continue;
      if (this.#apart) this.#beginWord();
      this.#bytes[this.#length++] = code;
    }
  }

  #beginWord(): void {
    this.#apart = false;
    if (this.#words > 0) {
      if (this.#words % wordsInChunk === 0) this.#length += chunkEnd.copy(this.#bytes, this.#length);
      this.#bytes[this.#length++] = 0x20;
    }
    this.#words++;
  }

  /** Room for `characters` and for what may stand between them. */
  #reserve(characters: number): void {
    const needed =
      this.#length + 2 * characters + chunkEnd.length * (2 + Math.ceil(characters / wordsInChunk));
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * needed);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

function isKept(code: number): boolean {
  if (code >= 0x61) return code <= 0x7a;
  return (code >= 0x30 && code <= 0x39) || code === openAngle || code === closeAngle;
}
