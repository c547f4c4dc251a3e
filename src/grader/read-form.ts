/**
 * The shape of an answer: one expression, an ordered or unordered collection, an interval, a relation. `readForm` takes normalised text
 * (normalise-answer.ts) apart at the top level only; parts are read the same way. Depth and number of parts are bounded.
 */
import { type Expression, readExpression } from './same-expression.ts';

export type Form =
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'tuple'; readonly open: string; readonly close: string; readonly parts: readonly Form[] }
  | { readonly kind: 'set' | 'union' | 'intersection' | 'difference'; readonly parts: readonly Form[] }
  /** Parts without brackets around them. `or` and `and` are those words; `comma` is anything that separates. */
  | { readonly kind: 'list'; readonly joiner: 'or' | 'and' | 'comma'; readonly parts: readonly Form[] }
  | { readonly kind: 'relation'; readonly sign: string; readonly left: Form; readonly right: Form }
  /** `low <(=) middle <(=) high`. */
  | {
      readonly kind: 'between';
      readonly signs: readonly [string, string];
      readonly parts: readonly [Form, Form, Form];
    };

const mostParts = 100;
const mostDepth = 12;

export function readForm(text: string, depth = 0): Form {
  const trimmed = stripMembership(text.trim());
  if (depth > mostDepth) return expressionForm(trimmed);
  const list = splitTop(trimmed, /^(?:[,;]|(?:and|or)(?![A-Za-z]))/);
  if (list.pieces.length > 1 && list.pieces.length <= mostParts) {
    const parts = list.pieces.filter((part) => part.trim() !== '').map((part) => readForm(part, depth + 1));
    if (parts.length === 1) return parts[0]!;
    const joiner = list.separators.every((one) => one === 'or')
      ? 'or'
      : list.separators.every((one) => one === 'and')
        ? 'and'
        : list.separators.includes('or')
          ? 'or'
          : 'comma';
    return { kind: 'list', joiner, parts };
  }
  const relation = readRelation(trimmed, depth);
  if (relation !== undefined) return relation;
  for (const [kind, sign] of setOperations) {
    const { pieces } = splitTop(trimmed, sign);
    if (pieces.length > 1 && pieces.length <= mostParts && pieces.every((piece) => piece.trim() !== ''))
      return { kind, parts: pieces.map((part) => readForm(part, depth + 1)) };
  }
  const plusMinus = expandPlusMinus(trimmed);
  if (plusMinus !== undefined)
    return { kind: 'list', joiner: 'or', parts: plusMinus.map((part) => readForm(part, depth + 1)) };
  return readBrackets(trimmed, depth) ?? expressionForm(trimmed);
}

const setOperations = [
  ['union', /^\\cup(?![A-Za-z])/],
  ['intersection', /^\\cap(?![A-Za-z])/],
  ['difference', /^\\(?:setminus|backslash)(?![A-Za-z])/],
] as const;

const expressionForm = (text: string): Form => ({ kind: 'expression', expression: readExpression(text) });

/** `x \in A` is `A`. */
function stripMembership(text: string): string {
  const match = /^[A-Za-z](?:_\{?\w{1,3}\}?)?\s*\\in(?![A-Za-z])\s*/.exec(text);
  return match === null ? text : text.slice(match[0].length);
}

/** How far brackets are open, read unit by unit. `at` may move over the second half of a command. */
function depthChange(text: string, at: number): { change: number; width: number } {
  const unit = text[at]!;
  if (unit === '\\') {
    const rest = text.slice(at, at + 8);
    if (/^\\(?:\{|begin(?![A-Za-z])|langle|lvert|lfloor|lceil)/.test(rest)) return { change: 1, width: 2 };
    if (/^\\(?:\}|end(?![A-Za-z])|rangle|rvert|rfloor|rceil)/.test(rest)) return { change: -1, width: 2 };
    return { change: 0, width: 2 };
  }
  if (unit === '(' || unit === '[' || unit === '{') return { change: 1, width: 1 };
  if (unit === ')' || unit === ']' || unit === '}') return { change: -1, width: 1 };
  return { change: 0, width: 1 };
}

/** Pieces between separators outside all brackets and groups. */
function splitTop(text: string, separator: RegExp): { pieces: string[]; separators: string[] } {
  const pieces: string[] = [];
  const separators: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const unit = text[at]!;
    const wordStart = unit !== 'a' && unit !== 'o' ? true : at === 0 || /[^A-Za-z\\]/.test(text[at - 1]!);
    if (depth === 0 && wordStart && /[,;\\ao]/.test(unit)) {
      const match = separator.exec(text.slice(at, at + 16));
      if (match !== null) {
        pieces.push(text.slice(from, at));
        separators.push(match[0]);
        at += match[0].length;
        from = at;
        continue;
      }
    }
    const { change, width } = depthChange(text, at);
    depth += change;
    at += width;
  }
  pieces.push(text.slice(from));
  return { pieces, separators };
}

const relationSign = /^(?:=|<|>|\\(?:le|ge|ne|approx|equiv|to|mid|sim)(?![A-Za-z]))/;

/** The relation at the top level. Chains of `=` keep the first and the last side; what follows an `\approx` behind an `=` is a remark. */
function readRelation(text: string, nesting: number): Form | undefined {
  let depth = 0;
  let found: { at: number; length: number; sign: string }[] = [];
  for (let at = 0; at < text.length; ) {
    const match = depth === 0 && /[=<>\\]/.test(text[at]!) ? relationSign.exec(text.slice(at, at + 9)) : null;
    if (match !== null) {
      found.push({ at, length: match[0].length, sign: match[0] });
      at += match[0].length;
      continue;
    }
    const { change, width } = depthChange(text, at);
    depth += change;
    at += width;
  }
  let end = text.length;
  const remark = found.findIndex((sign, i) => i > 0 && sign.sign === '\\approx');
  if (remark > 0) {
    end = found[remark]!.at;
    found = found.slice(0, remark);
  }
  if (found.length === 0 || found.length > 8) return undefined;
  const first = found[0]!;
  const last = found[found.length - 1]!;
  const read = (from: number, to: number): Form => readForm(text.slice(from, to), nesting + 1);
  if (text.slice(0, first.at).trim() === '' || text.slice(last.at + last.length, end).trim() === '')
    return undefined;
  const equal = (sign: string): boolean => sign === '=' || sign === '\\approx';
  if (found.length === 1 || found.every((entry) => equal(entry.sign))) {
    const sign = equal(first.sign) ? '=' : first.sign;
    return { kind: 'relation', sign, left: read(0, first.at), right: read(last.at + last.length, end) };
  }
  if (found.length !== 2) return undefined;
  const parts: readonly [Form, Form, Form] = [
    read(0, first.at),
    read(first.at + first.length, last.at),
    read(last.at + last.length, end),
  ];
  const rising = (sign: string): boolean => sign === '<' || sign === '\\le';
  const falling = (sign: string): boolean => sign === '>' || sign === '\\ge';
  if (rising(first.sign) && rising(last.sign))
    return { kind: 'between', signs: [first.sign, last.sign], parts };
  if (!falling(first.sign) || !falling(last.sign)) return undefined;
  const turn = (sign: string): string => (sign === '>' ? '<' : '\\le');
  return {
    kind: 'between',
    signs: [turn(last.sign), turn(first.sign)],
    parts: [parts[2], parts[1], parts[0]],
  };
}

/** `a \pm b` is both of its values; a `\mp` takes the other sign. */
function expandPlusMinus(text: string): string[] | undefined {
  if (!/\\(?:pm|mp)(?![A-Za-z])/.test(text) || text.split(/\\(?:pm|mp)(?![A-Za-z])/).length > 3)
    return undefined;
  const signed = (plus: string, minus: string): string =>
    text.replace(/\\pm(?![A-Za-z])/g, plus).replace(/\\mp(?![A-Za-z])/g, minus);
  return [signed('+', '-'), signed('-', '+')];
}

function readBrackets(text: string, depth: number): Form | undefined {
  if (text.startsWith('\\{') && text.endsWith('\\}') && isOneGroup(text))
    return setOf(text.slice(2, -2), depth);
  // TeX's bare braces around a list are forgotten backslashes.
  if (text.startsWith('{') && text.endsWith('}') && isOneGroup(text))
    return readForm(text.slice(1, -1), depth + 1);
  const angled = /^\\langle(?![A-Za-z])([\s\S]*)\\rangle$/.exec(text);
  if (angled !== null) return tupleOf('(', ')', angled[1]!, depth);
  const open = text[0] ?? '';
  const close = text[text.length - 1] ?? '';
  // `]1, 3[` is the French way to write an open interval.
  if (/^[\][(]$/.test(open) && /^[\][)]$/.test(close) && (open === ']' || close === '[')) {
    const inner = text.slice(1, -1);
    if (!/[[\](){}]/.test(inner))
      return tupleOf(open === ']' ? '(' : open, close === '[' ? ')' : close, inner, depth);
  }
  if (!'(['.includes(open) || !')]'.includes(close) || open === '' || close === '' || !isOneGroup(text))
    return undefined;
  return tupleOf(open, close, text.slice(1, -1), depth);
}

function setOf(inner: string, depth: number): Form {
  // `\{x : x > 3\}` and `\{x \mid x > 3\}` are their condition.
  const condition = /^\s*[A-Za-z]\s*(?::|\\mid(?![A-Za-z])|\|)([\s\S]+)$/.exec(inner);
  if (condition !== null) return readForm(condition[1]!, depth + 1);
  const parts = splitTop(inner, /^[,;]/).pieces.filter((part) => part.trim() !== '');
  return { kind: 'set', parts: parts.slice(0, mostParts).map((part) => readForm(part, depth + 1)) };
}

function tupleOf(open: string, close: string, inner: string, depth: number): Form | undefined {
  const { pieces } = splitTop(inner, /^[,;]/);
  if (pieces.length < 2) {
    if (/^\s*\\(?:begin)/.test(inner)) return undefined;
    const only = readForm(inner, depth + 1);
    return only.kind === 'expression' && open === '(' ? undefined : only;
  }
  if (pieces.length > mostParts) return undefined;
  return { kind: 'tuple', open, close, parts: pieces.map((part) => readForm(part, depth + 1)) };
}

/** True when the bracket that opens the text closes at its end: `(1)(2)` is not one group. */
function isOneGroup(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    const { change, width } = depthChange(text, at);
    depth += change;
    at += width;
    if (depth === 0) return at >= text.length;
  }
  return false;
}
