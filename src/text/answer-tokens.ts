/**
 * Cuts the TeX or plain text of one mathematical expression into tokens. Bounded: longer input is refused.
 */
import { NotExact } from './rational.ts';

export type Token =
  | { readonly kind: 'number'; readonly text: string; readonly spaceBefore: boolean }
  | { readonly kind: 'letter'; readonly text: string; readonly spaceBefore: boolean }
  | { readonly kind: 'command'; readonly text: string; readonly spaceBefore: boolean }
  | { readonly kind: 'mark'; readonly text: string; readonly spaceBefore: boolean };

const mostTokens = 600;
/** Names that are functions or constants when written without a backslash. */
const bareNames =
  /^(?:sqrt|sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|exp|pi|infty|infinity|inf)(?![A-Za-z])/;

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
    let token: Token;
    const digit = unit >= '0' && unit <= '9';
    if (digit || (unit === '.' && /[0-9]/.test(text[at + 1] ?? ''))) {
      let end = at;
      let dots = 0;
      while (end < text.length) {
        const next = text[end]!;
        if (next === '.' && dots === 0 && /[0-9]/.test(text[end + 1] ?? '')) dots++;
        else if (next < '0' || next > '9') break;
        end++;
      }
      // `3.` is three and a full stop that normalisation left over.
      token = { kind: 'number', text: text.slice(at, end), spaceBefore };
      at = end;
    } else if (unit === '\\') {
      const name = /^[A-Za-z]+/.exec(text.slice(at + 1, at + 33))?.[0];
      const body = name ?? text[at + 1] ?? '';
      token = { kind: 'command', text: body, spaceBefore };
      at += 1 + body.length;
    } else if (/[A-Za-z]/.test(unit)) {
      const name = bareNames.exec(text.slice(at, at + 12))?.[0];
      token =
        name === undefined
          ? { kind: 'letter', text: unit, spaceBefore }
          : { kind: 'command', text: name, spaceBefore };
      at += name?.length ?? 1;
    } else {
      const symbol = String.fromCodePoint(text.codePointAt(at)!);
      token = { kind: 'mark', text: symbol, spaceBefore };
      at += symbol.length;
    }
    tokens.push(token);
    spaceBefore = false;
  }
  return tokens;
}
