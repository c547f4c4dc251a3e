/**
 * What each UTF-16 code unit means to the words that contamination checks compare: a class and a folded unit, one load each.
 *
 * Letters are folded to lower case without diacritics and without compatibility forms (NFKD: full width, `ﬁ`, mathematical italics), digits of
 * every script to ASCII. Combining marks, soft hyphens and zero-width characters vanish without ending a word. Ideographs and kana
 * are words of one character, since their scripts write no spaces. Gives up: Hangul is not decomposed.
 */

export const foldClass = {
  /** White space, punctuation, operators: ends a word. */
  separator: 0,
  letter: 1,
  digit: 2,
  /** Vanishes: combining marks, soft hyphen, zero-width characters. */
  skip: 3,
  apostrophe: 4,
  backslash: 5,
  ideograph: 6,
  greek: 7,
  /** Several units, or a pair of surrogates: see `expansionOf`. */
  slow: 8,
  bracket: 9,
  less: 10,
  space: 11,
} as const;

export interface FoldTable {
  /** `foldClass` of each code unit. */
  readonly classes: Uint8Array;
  /** Folded code unit. */
  readonly folded: Uint16Array;
  /** Units of class `slow` (surrogates apart) and what they stand for. */
  readonly expansions: ReadonlyMap<number, string>;
}

let table: FoldTable | undefined;

/** The table; made on first use (about 50 ms). */
export function foldTable(): FoldTable {
  return (table ??= build());
}

/** Symbols that stand for a word that TeX spells out. */
const symbolNames: Readonly<Record<string, string>> = {
  '√': 'sqrt',
  '∞': 'infty',
  '∑': 'sum',
  '∏': 'prod',
  '∫': 'int',
};

const marks = /\p{M}/gu;
const oneLetter = /^\p{L}$/u;
const oneDigit = /^\p{Nd}$/u;
const onlyMarks = /^\p{M}+$/u;
const space = /^\s$/u;
const ideograph = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$/u;
const greek = /^\p{Script=Greek}$/u;

function build(): FoldTable {
  const classes = new Uint8Array(0x10000);
  const folded = new Uint16Array(0x10000);
  const expansions = new Map<number, string>();
  let digitRun = 0;
  for (let unit = 0; unit < 0x10000; unit++) {
    folded[unit] = unit;
    if (unit >= 0xd800 && unit <= 0xdfff) {
      classes[unit] = foldClass.slow;
      continue;
    }
    // Most of the plane, without a question: Han, Hangul syllables, private use.
    if ((unit >= 0x3400 && unit <= 0x4dbf) || (unit >= 0x4e00 && unit <= 0x9fff)) {
      classes[unit] = foldClass.ideograph;
      continue;
    }
    if (unit >= 0xac00 && unit <= 0xd7a3) {
      classes[unit] = foldClass.letter;
      continue;
    }
    if (unit >= 0xe000 && unit <= 0xf8ff) continue;
    const character = String.fromCharCode(unit);
    if (oneDigit.test(character)) {
      classes[unit] = foldClass.digit;
      folded[unit] = 0x30 + (digitRun++ % 10); // Unicode keeps the digits of a script together, from zero
      continue;
    }
    digitRun = 0;
    const name = symbolNames[character];
    if (name !== undefined) {
      classes[unit] = foldClass.slow;
      expansions.set(unit, name);
    } else if (onlyMarks.test(character)) classes[unit] = foldClass.skip;
    else classify(unit, character, classes, folded, expansions);
  }
  for (const unit of [0xad, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff]) classes[unit] = foldClass.skip;
  for (const mark of "'’‘ʼ＇") classes[mark.charCodeAt(0)] = foldClass.apostrophe;
  classes[0x5c] = foldClass.backslash;
  classes[0x5b] = foldClass.bracket;
  classes[0x3c] = foldClass.less;
  return { classes, folded, expansions };
}

function classify(
  unit: number,
  character: string,
  classes: Uint8Array,
  folded: Uint16Array,
  expansions: Map<number, string>,
): void {
  if (space.test(character)) {
    classes[unit] = foldClass.space;
    return;
  }
  const base = character.normalize('NFKD').replace(marks, '').toLowerCase().replace(marks, '');
  if (base.length === 1 && oneLetter.test(base)) {
    folded[unit] = base.charCodeAt(0);
    classes[unit] = ideograph.test(base)
      ? foldClass.ideograph
      : greek.test(base)
        ? foldClass.greek
        : foldClass.letter;
  } else if (base !== character && /[\p{L}\p{Nd}]/u.test(base)) {
    classes[unit] = foldClass.slow;
    expansions.set(unit, base);
  } else if (oneLetter.test(character)) classes[unit] = foldClass.letter;
}

const remembered = new Map<number, string>();

/**
 * What the character at `at` of class `slow` stands for, folded (`ﬁ` -> `fi`, `²` -> `2`, `𝑥` -> `x`), or '' for a mark such as an
 * emoji. A lone surrogate is a mark.
 */
export function expansionOf(text: string, at: number): string {
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdfff) return foldTable().expansions.get(unit) ?? '';
  const point = text.codePointAt(at)!;
  if (point < 0x10000) return '';
  let known = remembered.get(point);
  if (known === undefined) {
    const character = String.fromCodePoint(point);
    const base = character.normalize('NFKD').replace(marks, '').toLowerCase();
    known = /^[\p{L}\p{Nd}]+$/u.test(base) ? base : '';
    if (remembered.size < 4096) remembered.set(point, known);
  }
  return known;
}

/** Names of single Greek letters, so that `π` and `\pi` are one word. Variants have the name of the letter. */
export const greekNames: Readonly<Record<string, string>> = {
  α: 'alpha',
  β: 'beta',
  γ: 'gamma',
  δ: 'delta',
  ε: 'epsilon',
  ζ: 'zeta',
  η: 'eta',
  θ: 'theta',
  ι: 'iota',
  κ: 'kappa',
  λ: 'lambda',
  μ: 'mu',
  ν: 'nu',
  ξ: 'xi',
  ο: 'omicron',
  π: 'pi',
  ρ: 'rho',
  ς: 'sigma',
  σ: 'sigma',
  τ: 'tau',
  υ: 'upsilon',
  φ: 'phi',
  χ: 'chi',
  ψ: 'psi',
  ω: 'omega',
};
