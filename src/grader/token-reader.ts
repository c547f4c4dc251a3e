/** A cursor over the tokens of an expression, and the parts of it that are names rather than mathematics. */
import { NotExact } from './rational.ts';
import type { Token } from './tokenise.ts';

export class TokenReader {
  protected readonly tokens: Token[];
  protected at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = [...tokens];
  }

  protected peek(ahead = 0): Token | undefined {
    return this.tokens[this.at + ahead];
  }

  protected is(kind: Token['kind'], ...texts: string[]): boolean {
    const token = this.peek();
    return token !== undefined && token.kind === kind && texts.includes(token.text);
  }

  protected take(kind: Token['kind'], ...texts: string[]): boolean {
    if (!this.is(kind, ...texts)) return false;
    this.at++;
    return true;
  }

  protected expect(text: string): void {
    if (!this.take('mark', text) && !this.take('command', text)) throw new NotExact(`expected ${text}`);
  }

  expectEnd(): void {
    if (this.at < this.tokens.length) throw new NotExact(`unexpected ${this.peek()!.text}`);
  }

  /** Subscripts name things; they are compared as text, without fonts. */
  protected subscript(): string {
    const plain = (token: Token): string =>
      /^(?:mathrm|text|mathbf|rm|textrm|operatorname)$/.test(token.text) ? '' : token.text;
    const first = this.tokens[this.at++];
    if (first === undefined) throw new NotExact('ends too early');
    if (first.text !== '{' || first.kind !== 'mark') return plain(first);
    let text = '';
    for (let level = 0; ; ) {
      const token = this.tokens[this.at++];
      if (token === undefined) throw new NotExact('subscript not closed');
      if (token.text === '}' && level-- === 0) return text;
      if (token.text === '{') level++;
      if (token.text !== '{' && token.text !== '}') text += plain(token);
    }
  }

  /** The name in braces behind `\begin` and `\end`. */
  protected environmentName(): string {
    this.expect('{');
    this.at--;
    return this.subscript();
  }
}
