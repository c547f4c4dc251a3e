/**
 * Brings the text of a final answer to one spelling: what the graders of hendrycks/MATH, Minerva and Math-Verify agree
 * says nothing about the value.
 *
 * Gone: delimiters (`$`, `\(`, `\[`, `\boxed{}`), `\left` `\right` and sizes, spacing, `\displaystyle`, a trailing full
 * stop, currency signs, degree signs, thousands separators. Kept apart and returned: units and percent, so that two
 * different units can be told from a missing one. One spelling each: fractions, comparisons, dashes, text commands.
 * Linear; input beyond `longestAnswer` is cut off by the caller.
 */

export interface NormalAnswer {
  readonly text: string;
  /** Unit as written, lower case, or the empty string. */
  readonly unit: string;
  readonly percent: boolean;
}

/** Longer answers are compared as plain text only. */
export const longestAnswer = 2000;

const sizes = /\\(?:left|right|[bB]igg?[lrm]?|middle)(?![A-Za-z])\s*\.?/g;
const sizedDot = /\\(?:left|right)\s*\./g;
const spacing =
  /(?<!\\)\\(?:[,;:! ]|q?quad(?![A-Za-z])|thinspace|enspace|hspace\{[^{}]{0,20}\}|displaystyle|textstyle|limits|nolimits)/g;
const symbols: readonly (readonly [RegExp, string])[] = [
  [/\\[dtc]frac(?![A-Za-z])/g, '\\frac'],
  [/\\[dt]binom(?![A-Za-z])/g, '\\binom'],
  [/\\leqslant|\\leq?(?![A-Za-z])|≤|<=|⩽/g, '\\le '],
  [/\\geqslant|\\geq?(?![A-Za-z])|≥|>=|⩾/g, '\\ge '],
  [/\\lt(?![A-Za-z])/g, '<'],
  [/\\gt(?![A-Za-z])/g, '>'],
  [/\\neq?(?![A-Za-z])|≠/g, '\\ne '],
  [/\\lbrace|\\\{/g, '\\{'],
  [/\\rbrace|\\\}/g, '\\}'],
  [/[−–—]/g, '-'],
  [/×/g, '\\times '],
  [/[·⋅∙]|\\bullet(?![A-Za-z])/g, '\\cdot '],
  [/÷/g, '\\div '],
  [/∪/g, '\\cup '],
  [/∩/g, '\\cap '],
  [/∈/g, '\\in '],
  [/±/g, '\\pm '],
  [/∅|\\varnothing|\\O(?![A-Za-z])/g, '\\emptyset '],
  [/\*\*/g, '^'],
  [/²/g, '^2'],
  [/³/g, '^3'],
  [/½/g, '\\frac{1}{2}'],
  [/¼/g, '\\frac{1}{4}'],
  [/¾/g, '\\frac{3}{4}'],
  [/\\operatorname\*?\{([a-z]{1,8})\}/g, '\\$1 '],
  [/\\(?:mathbb|mathbf|boldsymbol|bm|mathcal|overrightarrow|vec)\{([A-Za-z])\}/g, '\\mathbf{$1}'],
];
const degrees = /\^\s*\{?\s*\\circ\s*\}?|°|\\degree(?:s)?(?![A-Za-z])|\\deg(?![A-Za-z])/g;
const currency = /\\?\$|[€£¥]|\\(?:euro|pounds)(?![A-Za-z])/g;
const textCommand =
  /\\(?:text(?:bf|it|rm|sf|tt|normal|up)?|mbox|hbox|mathrm|operatorname|rm)\s*\{([^{}]*)\}/g;
/** Words after a number that are units; two letters or more, so that variables are safe. */
const unitWord =
  /^(?:square |cubic |sq\.? |cu\.? )?(?:units?|degrees?|radians?|rad|cm|mm|km|dm|nm|m|meters?|metres?|centimeters?|centimetres?|millimeters?|kilometers?|kilometres?|inch(?:es)?|in|feet|foot|ft|yards?|yd|miles?|mi|mph|seconds?|secs?|sec|s|minutes?|mins?|min|hours?|hrs?|hr|h|days?|weeks?|months?|years?|grams?|g|kg|kilograms?|mg|lbs?|pounds?|ounces?|oz|tons?|liters?|litres?|l|ml|gallons?|dollars?|cents?|bucks?|euros?|usd|percent(?:age)?|per cent|points?|people|persons?|students?|boys?|girls?|men|women|children|books?|apples?|marbles?|ways?|times?|numbers?|solutions?|integers?|eggs?|balls?|cards?|coins?|cups?|pieces?|games?|pages?|steps?|slices?|dozens?|years old)(?:\s*\^?\s*\{?\s*[23]\s*\}?)?(?:\s*(?:\/|per)\s*[a-z]{1,8}(?:\s*\^?\s*\{?[23]\}?)?)?$/i;

export function normaliseAnswer(source: string): NormalAnswer {
  let text = unwrap(source.trim());
  // A backslash doubled on its way through a program; in a matrix it ends a row.
  if (!text.includes('\\begin')) text = text.replace(/\\\\(?=[A-Za-z])/g, '\\');
  text = text.replace(/\s+/g, ' ').replace(/([_^])\{(\w)\}/g, '$1$2');
  let percent = false;
  const percentSign = /\\?%|\bper ?cent(?:age)?\b/gi;
  if (percentSign.test(text)) {
    percent = true;
    text = text.replace(percentSign, ' ');
  }
  text = text.replace(sizedDot, '').replace(sizes, '');
  // `14{,}916`, `14\!,\!916`, `1\,000`
  text = text.replace(/\{,\}/g, ',').replace(/(\d)\s*(?:\\!)*\s*,\s*(?:\\!)+\s*(?=\d{3})/g, '$1,');
  text = text.replace(/(\d)\\[, ;:](?=\d{3}(?!\d))/g, '$1,');
  text = text.replace(spacing, ' ').replaceAll('~', ' ');
  text = text.replace(degrees, '').replace(currency, '');
  for (const [pattern, replacement] of symbols) text = text.replace(pattern, replacement);
  let unit = '';
  ({ text, unit } = takeUnit(text));
  text = text.replace(/\s+/g, ' ').trim();
  for (let round = 0; round < 3 && /[.,;:!]$/.test(text) && text.length > 1; round++) {
    if (text.endsWith('!') && !/\s!$/.test(text)) break; // a factorial
    text = text.slice(0, -1).trim();
  }
  text = joinThousands(text);
  return { text, unit: unit.toLowerCase(), percent };
}

/** Takes off what surrounds the whole: `$..$`, `\(..\)`, `\[..\]`, `\boxed{..}`, `**..**`, one level of `{..}`. */
function unwrap(source: string): string {
  let text = source;
  for (let round = 0; round < 6; round++) {
    const before = text;
    for (const [open, close] of [
      ['$$', '$$'],
      ['$', '$'],
      ['\\(', '\\)'],
      ['\\[', '\\]'],
      ['**', '**'],
      ['`', '`'],
    ] as const) {
      if (text.length > open.length + close.length && text.startsWith(open) && text.endsWith(close)) {
        const inner = text.slice(open.length, -close.length);
        if (!inner.includes(open)) text = inner.trim();
      }
    }
    const boxed = /^\\f?box(?:ed)?\s*\{/.exec(text);
    if (boxed !== null && closesAtEnd(text, boxed[0].length - 1))
      text = text.slice(boxed[0].length, -1).trim();
    else if (text.startsWith('{') && closesAtEnd(text, 0)) text = text.slice(1, -1).trim();
    const whole = /^\\(?:text(?:bf|it|rm|normal)?|mathrm|mathbf|mbox)\s*\{/.exec(text);
    if (whole !== null && closesAtEnd(text, whole[0].length - 1))
      text = text.slice(whole[0].length, -1).trim();
    if (/[.。]$/.test(text) && /[$)\]]\.$/.test(text)) text = text.slice(0, -1).trim();
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
    const rest = source.slice(0, offset).trim();
    const word = inner.trim();
    if (/^(?:and|or|,)$/.test(word)) return ` ${word} `;
    if (rest === '' || word === '') return ` ${word} `;
    if (/^\(?[A-Za-z]\)?$/.test(word) && !unitWord.test(word))
      return whole.startsWith('\\mathrm') ? word : ` ${word} `;
    if (/[\d}\])a-zA-Z]$/.test(rest)) {
      unit = unit === '' ? word : `${unit} ${word}`;
      return ' ';
    }
    return ` ${word} `;
  });
  // `m^2` after a unit that was taken out leaves its exponent.
  if (unit !== '') text = text.replace(/(?<=[\d}\s])\s\^\s*\{?([23])\}?\s*$/, ' ');
  const plain = /^(.*[\d}\])])\s*([A-Za-z][A-Za-z .^/{}23]{0,30})$/s.exec(text.trim());
  if (unit === '' && plain !== null && unitWord.test(plain[2]!.trim())) {
    const word = plain[2]!.trim();
    // One letter is a unit only after a space (`5 m`), and never in a product of letters.
    if (word.length > 1 || /\s[A-Za-z]$/.test(text.trim())) return { text: plain[1]!, unit: word };
  }
  return { text, unit };
}

/** `1,000,000.5` -> `1000000.5`, for one number; `1,2` and `(1,000, 2)` keep their commas. */
function joinThousands(text: string): string {
  return text.replace(/(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])/g, (number, offset: number) => {
    const before = text[offset - 1] ?? '';
    const after = text[offset + number.length] ?? '';
    // Inside brackets a comma may separate coordinates.
    if (/[([{]/.test(before) || /[)\]}]/.test(after)) return number;
    return number.replaceAll(',', '');
  });
}
