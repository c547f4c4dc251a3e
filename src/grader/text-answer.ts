/** Answers that are words: names, yes and no, numbers spelled out, letters of choices. */

const ones =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** `twenty-one` -> `21`; undefined for what is not a number up to 999 in English words. */
export function spelledNumber(text: string): string | undefined {
  const words = text
    .toLowerCase()
    .trim()
    .split(/[\s-]+/);
  if (words.length > 6 || words[0] === '') return undefined;
  let value = 0;
  let open = true;
  for (const [i, word] of words.entries()) {
    const one = ones.indexOf(word);
    const ten = tens.indexOf(word);
    if (word === 'and' && i > 0) continue;
    if (word === 'hundred' && value > 0 && value < 10) {
      value *= 100;
      open = true;
    } else if (one >= 0 && open) {
      value += one;
      open = false;
    } else if (ten >= 0 && open) {
      value += 20 + 10 * ten;
      open = i + 1 < words.length && ones.indexOf(words[i + 1]!) > 0 && ones.indexOf(words[i + 1]!) < 10;
    } else return undefined;
  }
  return String(value);
}

/** `(D)`, `D.`, `D)` and `D` are one choice. */
export function choiceLetter(text: string): string | undefined {
  return /^[([]?([A-Z])[)\].:]?$/.exec(text.trim())?.[1];
}

const sayings: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:there (?:is|are) )?no (?:real |such |integer )?(?:solutions?|roots?|values?)(?: exists?)?$|^(?:the )?empty set$/,
    '\\emptyset',
  ],
  [
    /^(?:all|any|every|the set of all) (?:real numbers?|reals)$|^(?:the )?reals$|^\\?mathbb r$/,
    '\\mathbf{R}',
  ],
  [/^(?:it )?(?:does not|doesn't|doesnt) exist$|^dne$/, 'dne'],
  [/^(?:positive )?infinity$/, '\\infty'],
  [/^(?:negative|minus) infinity$/, '-\\infty'],
];

/** A phrase that stands for a formula, as that formula. */
export function sayingOf(text: string): string | undefined {
  const plain = text.toLowerCase().replace(/[.!]$/, '').trim();
  return sayings.find(([pattern]) => pattern.test(plain))?.[1];
}

/** Words rather than a formula: four letters in a row outside commands, or three without any operator. */
export function isProse(text: string): boolean {
  const plain = text
    .replace(/\\(?:begin|end)\s*\{[a-zA-Z]+\}|\\math[a-z]+\{\w+\}|_\{[^{}]*\}|\\[A-Za-z]+/g, ' ')
    .replace(
      /(?:sqrt|infty|infinity|arc(?:sin|cos|tan)|(?:sin|cos|tan)h?|cot|sec|csc|log|exp|gcd|lcm|max|min|mod|and)(?![A-Za-z]{2})/g,
      ' ',
    );
  return /\p{L}{4,}/u.test(plain) || (/\p{L}{3,}/u.test(plain) && !/[\d^_=+\\(]/.test(text));
}

const signs: Readonly<Record<string, string>> = {
  '-': 'minus',
  '+': 'plus',
  '*': 'times',
  '/': 'over',
  '=': 'equals',
  '<': 'below',
  '>': 'above',
  '^': 'power',
};

/** Equal apart from case, punctuation, white space and articles. */
export function sameWords(a: string, b: string): boolean {
  const words = (text: string): string =>
    text
      .replace(/\\[a-z]+/g, ' ')
      .toLowerCase()
      .normalize('NFKC')
      .replace(/['’]/g, '')
      .replace(/([-+*/=<>^])(?=\s*\d)/g, (sign) => ` ${signs[sign]} `)
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .replace(/\b(?:the|an?)\b/g, ' ')
      .replace(/\s+/g, ' ')
      .trim();
  const first = words(a);
  return first !== '' && first === words(b);
}
