/**
 * Brings the text of a final answer to one spelling: what the graders of hendrycks/MATH, Minerva and Math-Verify agree says nothing about
 * the value.
 *
 * Gone: delimiters (`$`, `\(`, `\[`, `\boxed{}`), `\left` `\right` and sizes, spacing, styles, a trailing full stop, thousands separators,
 * invisible characters. Kept apart and returned: units and money, percent, degrees, so that two different units can be told from a missing
 * one. One spelling each: fractions, comparisons, dashes, digits of other scripts, text commands. Linear; longer input than `longestAnswer`
 * is the caller's to refuse.
 */
import { isUnitWord } from './units.ts';

export interface NormalAnswer {
  readonly text: string;
  /** Unit as written, or the empty string. */
  readonly unit: string;
  readonly percent: boolean;
  /** The value is an angle in degrees. */
  readonly degrees: boolean;
}

/** Longer answers are compared as plain text only. */
export const longestAnswer = 2000;

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ';
const subscripts = '₀₁₂₃₄₅₆₇₈₉';
/** Zero of each script of decimal digits that answers come in besides ASCII. */
const zeros = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50, 0xff10];

const sizes = /\\(?:left|right|[bB]igg?[lrm]?|middle)(?![A-Za-z])\s*\.?/g;
const sizedDot = /\\(?:left|right)\s*\./g;
const spacing =
  /(?<!\\)\\(?:[,;:! ]|q?quad|thinspace|enspace|hspace\{[^{}]{0,20}\}|displaystyle|textstyle|limits|nolimits|hfill)/g;
const symbols: readonly (readonly [RegExp, string])[] = [
  [/\\[dtc]frac(?![A-Za-z])/g, '\\frac'],
  [/\\[dt]binom(?![A-Za-z])/g, '\\binom'],
  [/\\leqslant|\\leqq|\\leq?(?![A-Za-z])|≤|=<|<=|⩽/g, '\\le '],
  [/\\geqslant|\\geqq|\\geq?(?![A-Za-z])|≥|>=|⩾/g, '\\ge '],
  [/\\lt(?![A-Za-z])/g, '<'],
  [/\\gt(?![A-Za-z])/g, '>'],
  [/\\neq?(?![A-Za-z])|≠|!=/g, '\\ne '],
  [/\\(?:simeq|cong|thickapprox)(?![A-Za-z])|≈|≃/g, '\\approx '],
  [/\\lbrace(?![A-Za-z])/g, '\\{'],
  [/\\rbrace(?![A-Za-z])/g, '\\}'],
  [/\\l?brack(?![A-Za-z])/g, '['],
  [/\\rbrack(?![A-Za-z])/g, ']'],
  [/\\[lr]?vert(?![A-Za-z])|\\mid(?![A-Za-z])/gi, '|'],
  [/[−–—‐‑‒﹣－]/g, '-'],
  [/×|✕/g, '\\times '],
  [/[·⋅∙•]|\\(?:bullet|centerdot)(?![A-Za-z])/g, '\\cdot '],
  [/÷/g, '\\div '],
  [/∪/g, '\\cup '],
  [/∩/g, '\\cap '],
  [/∈/g, '\\in '],
  [/±|\+-(?=\s*[\d\\])|\+\/-/g, '\\pm '],
  [/∅|\\varnothing(?![A-Za-z])|\\O(?![A-Za-z])|\\\{\s*\\\}/g, '\\emptyset '],
  [/ℝ|\\R(?:eals)?(?![A-Za-z])|\\Bbb\s*\{?R\}?/g, '\\mathbb{R}'],
  [/∖/g, '\\setminus '],
  [/∛/g, '\\sqrt[3]'],
  [/[⁄∕]/g, '/'],
  [/\*\*/g, '^'],
  [/½/g, '\\frac{1}{2}'],
  [/⅓/g, '\\frac{1}{3}'],
  [/⅔/g, '\\frac{2}{3}'],
  [/¼/g, '\\frac{1}{4}'],
  [/¾/g, '\\frac{3}{4}'],
  [/\\operatorname\*?\s*\{([a-zA-Z]{1,8})\}/g, '\\$1 '],
  [
    /\\(?:mathbb|mathbf|boldsymbol|bm|mathcal|overrightarrow|vec|bf|mathit|hat)\s*\{\s*([A-Za-z])\s*\}/g,
    '\\mathbf{$1}',
  ],
  [/\\(?:cfrac|over)(?![A-Za-z])/g, '\\frac'],
];
const degreeSign = /\^\s*\{?\s*(?:\\circ|∘|°)\s*\}?|[°˚º]|\\degrees?(?![A-Za-z])|\\deg(?![A-Za-z])/g;
const currency = /\\?\$|[€£¥₹]|\\(?:euro|pounds)(?![A-Za-z])/g;
const textCommand =
  /\\(?:text(?:bf|it|rm|sf|tt|normal|up)?|mbox|hbox|mathrm|operatorname|rm|textnormal)\s*\{([^{}]*)\}/g;

export function normaliseAnswer(source: string): NormalAnswer {
  let text = unwrap(plainCharacters(source).trim());
  // A backslash doubled on its way through a program; in a matrix it ends a row.
  if (!text.includes('\\begin')) text = text.replace(/\\\\(?=[A-Za-z])/g, '\\');
  text = text.replace(/\s+/g, ' ').replace(/([_^])\{(\w)\}/g, '$1$2');
  text = text.replace(/\b([ap])\.?\s?m\b\.?$/i, (_whole, half: string) => `${half.toLowerCase()}m`);
  let percent = false;
  text = text.replace(/\\?%|\bper ?cent(?:age)?s?\b|\bpct\b/gi, () => {
    percent = true;
    return ' ';
  });
  text = text.replace(sizedDot, '').replace(sizes, '');
  // `14{,}916`, `14\!,\!916`, `1\,000`
  text = text
    .replace(/\s*\{\s*,\s*\}\s*/g, ',')
    .replace(/(\d)\s*(?:\\!)*\s*,\s*(?:\\!)+\s*(?=\d{3})/g, '$1,');
  text = text.replace(/(\d)\\[, ;:](?=\d{3}(?!\d))/g, '$1,');
  text = text.replace(spacing, ' ').replaceAll('~', ' ');
  for (const [pattern, replacement] of symbols) text = text.replace(pattern, replacement);
  let unit = '';
  // Degrees inside a function are part of the expression; else they are the unit.
  let degrees = false;
  const angleInside = /\\?(?:sin|cos|tan|cot|sec|csc)/.test(text);
  text = text.replace(degreeSign, () => {
    degrees = !angleInside;
    return angleInside ? '°' : ' ';
  });
  if (currency.test(text)) {
    unit = /\$/.test(text) ? 'dollars' : unit;
    text = text.replace(currency, '');
  }
  const taken = takeUnit(text);
  text = taken.text;
  if (unit === '' || taken.unit !== '') unit = taken.unit;
  if (/^degrees?$/i.test(unit)) {
    degrees = true;
    unit = '';
  }
  text = text.replace(/\s+/g, ' ').trim();
  for (let round = 0; round < 3 && /[.,;:!。，]$/.test(text) && text.length > 1; round++) {
    if (text.endsWith('!') && !/\s!$/.test(text)) break; // a factorial
    text = text.slice(0, -1).trim();
  }
  return { text: joinThousands(text), unit, percent, degrees };
}

/** Digits of other scripts, superscripts, invisible characters, full-width forms. */
function plainCharacters(source: string): string {
  if (/^[\x20-\x7e]*$/.test(source)) return source;
  return source
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]/g, '')
    .replace(new RegExp(`[${superscripts}]+`, 'g'), (run) => {
      const plain = [...run].map((unit) => '0123456789+-n'[superscripts.indexOf(unit)]).join('');
      return `^{${plain}}`;
    })
    .replace(
      new RegExp(`[${subscripts}]+`, 'g'),
      (run) => `_{${[...run].map((u) => subscripts.indexOf(u)).join('')}}`,
    )
    .replace(/[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u0e50-\u0e59\uff10-\uff19]/g, (digit) => {
      const code = digit.charCodeAt(0);
      return String(code - zeros.find((zero) => code >= zero && code <= zero + 9)!);
    })
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g, ' ')
    .replace(/\u066b/g, '.');
}

const delimiters = [
  ['$$', '$$'],
  ['$', '$'],
  ['\\(', '\\)'],
  ['\\[', '\\]'],
  ['**', '**'],
  ['`', '`'],
  ['"', '"'],
  ['“', '”'],
] as const;

/** Takes off what surrounds the whole: `$..$`, `\(..\)`, `\[..\]`, `\boxed{..}`, `**..**`, one level of `{..}`. */
function unwrap(source: string): string {
  let text = source;
  for (let round = 0; round < 8; round++) {
    const before = text;
    for (const [open, close] of delimiters) {
      if (text.length <= open.length + close.length || !text.startsWith(open) || !text.endsWith(close))
        continue;
      const inner = text.slice(open.length, -close.length);
      if (!inner.includes(open) && !inner.endsWith('\\')) text = inner.trim();
    }
    const boxed = /^\\f?box(?:ed)?\s*\{/.exec(text);
    if (boxed !== null && closesAtEnd(text, boxed[0].length - 1))
      text = text.slice(boxed[0].length, -1).trim();
    else if (text.startsWith('{') && closesAtEnd(text, 0)) text = text.slice(1, -1).trim();
    const whole = /^\\(?:text(?:bf|it|rm|normal)?|mathrm|mathbf|mbox|bm|boldsymbol)\s*\{/.exec(text);
    if (whole !== null && closesAtEnd(text, whole[0].length - 1)) {
      const inner = text.slice(whole[0].length, -1).trim();
      if (!/^\\math(?:bf)/.test(text) || inner.length > 1) text = inner;
    }
    if (/[.。]$/.test(text) && /[$)\]*}]\s*[.。]$/.test(text)) text = text.slice(0, -1).trim();
    if (text === before) break;
  }
  return text;
}

/** True when the brace that opens at `open` closes with the last character. */
function closesAtEnd(text: string, open: number): boolean {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x5c) at++;
    else if (unit === 0x7b) depth++;
    else if (unit === 0x7d && --depth === 0) return at === text.length - 1;
  }
  return false;
}

function takeUnit(source: string): { text: string; unit: string } {
  let unit = '';
  // A text command after something is a unit or a remark; alone it is the answer itself.
  let text = source.replace(textCommand, (whole: string, inner: string, offset: number) => {
    const rest = source.slice(0, offset).trimEnd();
    const word = inner.trim();
    const joiner = /^,?\s*(and|or|,)\s*,?$/.exec(word)?.[1];
    if (joiner !== undefined) return ` ${joiner} `;
    if (/[_^{]$/.test(rest))
      return whole.startsWith('\\mathrm') || whole.startsWith('\\text') ? `{${word}}` : ` ${word} `;
    if (rest.trim() === '' || word === '') return ` ${word} `;
    if (/^\(?[A-Za-z]\)?$/.test(word) && !isUnitWord(word)) return ` ${word} `;
    if (
      /[\d})\]a-zA-Z]$/.test(rest) &&
      !/(?:\band|\bor|,)$/.test(rest) &&
      /^[^\d=<>]*\d?[^\d=<>]*$/.test(word)
    ) {
      unit = unit === '' ? word : `${unit} ${word}`;
      return ' ';
    }
    return ` ${word} `;
  });
  if (unit !== '') {
    // `m^2` and `/s` after a unit that was taken out belong to it.
    text = text.replace(/(?<=[\d})\s])\s\^\s*\{?([23])\}?\s*$/, (_whole, power: string) => {
      unit += `^${power}`;
      return ' ';
    });
    return { text, unit };
  }
  const plain = /^(.*[\d})\]])\s*([A-Za-z¢²³][A-Za-z .^/{}23²³¢-]{0,40})$/s.exec(text.trim());
  if (plain === null) return { text, unit };
  const word = plain[2]!.trim().replace(/\.$/, '');
  if (!isUnitWord(word)) return { text, unit };
  // One letter is a unit only after a space (`5 m`); capitals are variables or part of the value.
  if (word.length === 1 && !(/[a-z]/.test(word) && /\s[A-Za-z]\.?$/.test(text.trim()))) return { text, unit };
  return { text: plain[1]!, unit: word };
}

/** `1,000,000.5` and `1 000 000` -> `1000000.5`; `1,2` and `(1,000, 2)` keep their commas. */
function joinThousands(text: string): string {
  if (!/\d[, ]\d{3}/.test(text)) return text;
  return text
    .replace(/(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])/g, (number, offset: number) => {
      const before = text.slice(0, offset).trimEnd().at(-1) ?? '';
      const after = text.slice(offset + number.length).trimStart()[0] ?? '';
      // Inside brackets a comma may separate coordinates.
      if (/[([{]/.test(before) && /[)\]}\\]/.test(after)) return number;
      return number.replaceAll(',', '');
    })
    .replace(
      /^([+-]?)(\d{1,3}(?: \d{3})+)(\.\d+)?$/,
      (_whole, sign: string, digits: string, rest = '') => `${sign}${digits.replaceAll(' ', '')}${rest}`,
    );
}
