/**
 * Cuts the TeX or plain text of one mathematical expression into tokens. Bounded: longer input is refused.
 */

import * as q from './rational.ts';
import { NotExact, parseDecimal, power, type Rational, rational } from './rational.ts';

interface Place {
  readonly text: string;
  readonly spaceBefore: boolean;
}
/** `decimals`: digits after the point, for a numeral written with one. */
export interface NumberToken extends Place {
  readonly kind: 'number';
  readonly value: Rational;
  readonly decimals: number | undefined;
}
export type Token = NumberToken | (Place & { readonly kind: 'letter' | 'command' | 'mark' });

const mostTokens = 800;
const mostDigits = 400;

/** Names that are functions or constants also without a backslash, longest first. */
const bareNames = (
  'arcsinh arccosh arctanh infinity arcsin arccos arctan sqrt cbrt sinh cosh tanh asin acos atan infty theta alpha ' +
  'gamma delta lambda sin cos tan cot sec csc log exp mod gcd lcm max min abs inf phi ln lg pi mu'
).split(' ');
const variants: Readonly<Record<string, string>> = {
  varepsilon: 'epsilon',
  varphi: 'phi',
  vartheta: 'theta',
  varrho: 'rho',
  asin: 'arcsin',
  acos: 'arccos',
  atan: 'arctan',
  arsinh: 'arcsinh',
  arcosh: 'arccosh',
  artanh: 'arctanh',
  infinity: 'infty',
  inf: 'infty',
  tg: 'tan',
  ctg: 'cot',
  cosec: 'csc',
};

export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let spaceBefore = false;
  while (at < text.length) {
    if (tokens.length >= mostTokens) throw new NotExact('expression too long');
    const unit = text[at]!;
    if (/\s/.test(unit)) {
      spaceBefore = true;
      at++;
      continue;
    }
    const digit = unit >= '0' && unit <= '9';
    if (digit || (unit === '.' && /[0-9]/.test(text[at + 1] ?? ''))) {
      const numeral = /^(?:\d+(?:\.\d+)?|\.\d+)/.exec(text.slice(at, at + mostDigits + 1))![0];
      if (numeral.length > mostDigits) throw new NotExact('numeral too long');
      const dot = numeral.indexOf('.');
      let value = parseDecimal(numeral);
      let decimals = dot < 0 ? undefined : numeral.length - dot - 1;
      at += numeral.length;
      // `1.5e-3`: only with digits right behind, and never `2e` with a variable.
      const exponent = /^[eE]([+-]?\d{1,3})(?![\d.A-Za-z])/.exec(text.slice(at, at + 6));
      if (exponent !== null && !/[A-Za-z\\]\s*$/.test(text.slice(0, at - numeral.length))) {
        value = q.multiply(value, power(rational(10n), Number(exponent[1])));
        decimals = Math.max(0, (decimals ?? 0) - Number(exponent[1]));
        at += exponent[0].length;
      }
      tokens.push({ kind: 'number', text: numeral, value, decimals, spaceBefore });
    } else if (unit === '\\') {
      const name = /^[A-Za-z]+/.exec(text.slice(at + 1, at + 33))?.[0];
      const body = name ?? text[at + 1] ?? '';
      tokens.push({ kind: 'command', text: variants[body] ?? body, spaceBefore });
      at += 1 + body.length;
    } else if (/[A-Za-z]/.test(unit)) {
      const name = bareName(text, at);
      tokens.push(
        name === undefined
          ? { kind: 'letter', text: unit, spaceBefore }
          : { kind: 'command', text: variants[name] ?? name, spaceBefore },
      );
      at += name?.length ?? 1;
    } else {
      const symbol = String.fromCodePoint(text.codePointAt(at)!);
      tokens.push({ kind: 'mark', text: symbol, spaceBefore });
      at += symbol.length;
    }
    spaceBefore = false;
  }
  return tokens;
}

/** `sin`, `sinx`, `pi` at the start of a run of letters; not the `in` of a longer word. */
function bareName(text: string, at: number): string | undefined {
  const run = /^[A-Za-z]+/.exec(text.slice(at, at + 20))![0];
  if (run.length < 2) return undefined;
  const found = bareNames.find((name) => run.startsWith(name));
  if (found === undefined) return undefined;
  return run.length - found.length <= 1 ? found : undefined;
}
