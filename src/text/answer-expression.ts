/**
 * Reads one expression, in TeX or plain notation, into an exact value (algebra.ts).
 *
 * Recursive descent: sums, products (also by juxtaposition), quotients, powers, roots, factorials, binomials, absolute
 * values, mixed numbers, and functions, which stay whole unless their value is a plain fact. What is not understood
 * throws `NotExact`, and the caller compares texts. Depth, length and sizes are bounded.
 */
import * as algebra from './algebra.ts';
import { type AtomNumbers, numberOf } from './algebra-numeric.ts';
import { type Token, tokenise } from './answer-tokens.ts';
import { binomial, factorial } from './counting-functions.ts';
import * as q from './rational.ts';
import { NotExact } from './rational.ts';

export interface Expression {
  readonly value: algebra.Value;
  /** Doubles of the atoms in `value`. */
  readonly atoms: AtomNumbers;
  /** Digits after the point when the whole expression is one decimal numeral, else undefined. */
  readonly decimals: number | undefined;
}

const mostDepth = 40;
const greek = new Set(
  (
    'alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau upsilon ' +
    'phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell hbar'
  ).split(' '),
);
const functions: Record<string, (x: number) => number> = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  cot: (x) => 1 / Math.tan(x),
  sec: (x) => 1 / Math.cos(x),
  csc: (x) => 1 / Math.sin(x),
  arcsin: Math.asin,
  arccos: Math.acos,
  arctan: Math.atan,
  ln: Math.log,
  exp: Math.exp,
};

export function readExpression(text: string): Expression {
  const tokens = tokenise(text);
  if (tokens.length === 0) throw new NotExact('empty');
  // Arithmetic with infinity proves anything; alone or signed it is a name.
  if (tokens.length > 2 && tokens.some((token) => /^(?:infty|infinity|inf|∞)$/.test(token.text))) {
    throw new NotExact('infinity in an expression');
  }
  const reader = new Reader(tokens);
  const value = reader.sum(0);
  reader.expectEnd();
  const numeral = /^[-+]?\s*(?:\d+(?:\.(\d+))?|\.(\d+))$/.exec(text.trim());
  const decimals = numeral === null ? undefined : (numeral[1] ?? numeral[2])?.length;
  return { value, atoms: reader.atoms, decimals };
}

class Reader {
  readonly atoms: AtomNumbers = new Map();
  private readonly tokens: Token[];
  private at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = [...tokens];
  }

  private peek(): Token | undefined {
    return this.tokens[this.at];
  }

  private is(kind: Token['kind'], ...texts: string[]): boolean {
    const token = this.peek();
    return token !== undefined && token.kind === kind && texts.includes(token.text);
  }

  private take(kind: Token['kind'], ...texts: string[]): boolean {
    if (!this.is(kind, ...texts)) return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.take('mark', text) && !this.take('command', text)) throw new NotExact(`expected ${text}`);
  }

  expectEnd(): void {
    if (this.at < this.tokens.length) throw new NotExact(`unexpected ${this.peek()!.text}`);
  }

  sum(depth: number): algebra.Value {
    if (depth > mostDepth) throw new NotExact('nested too deep');
    let negative = false;
    while (this.is('mark', '+', '-')) {
      if (this.take('mark', '-')) negative = !negative;
      else this.at++;
    }
    let value = this.product(depth);
    if (negative) value = algebra.negate(value);
    for (;;) {
      if (this.take('mark', '+')) value = algebra.add(value, this.signedProduct(depth));
      else if (this.take('mark', '-')) value = algebra.subtract(value, this.signedProduct(depth));
      else return value;
    }
  }

  private signedProduct(depth: number): algebra.Value {
    let negative = false;
    while (this.is('mark', '+', '-')) if (this.tokens[this.at++]!.text === '-') negative = !negative;
    const value = this.product(depth);
    return negative ? algebra.negate(value) : value;
  }

  private product(depth: number): algebra.Value {
    const first = this.peek();
    let value = this.factor(depth);
    if (first?.kind === 'number' && !first.text.includes('.')) value = this.mixedNumber(value, first, depth);
    for (;;) {
      if (this.take('mark', '*') || this.take('command', 'cdot', 'times', 'ast')) {
        value = algebra.multiply(value, this.signedFactor(depth));
      } else if (this.take('mark', '/') || this.take('command', 'div')) {
        value = algebra.divide(value, this.signedFactor(depth));
      } else if (this.startsFactor()) {
        if (this.peek()!.kind === 'number') throw new NotExact('two numbers side by side');
        value = algebra.multiply(value, this.factor(depth));
      } else return value;
    }
  }

  /** `918\frac{1}{2}` and `3 1/2` are sums. */
  private mixedNumber(whole: algebra.Value, first: Token, depth: number): algebra.Value {
    const token = this.peek();
    if (token === undefined || this.tokens[this.at - 1] !== first) return whole;
    if (token.kind === 'command' && token.text === 'frac') {
      const start = this.at;
      const part = this.factor(depth);
      const number = algebra.asRational(part);
      if (number !== undefined && number.n > 0n && number.n < number.d) return algebra.add(whole, part);
      this.at = start;
      return whole;
    }
    const slash = this.tokens[this.at + 1];
    const below = this.tokens[this.at + 2];
    if (token.kind === 'number' && token.spaceBefore && slash?.text === '/' && below?.kind === 'number') {
      if (
        /^\d{1,4}$/.test(token.text) &&
        /^\d{1,4}$/.test(below.text) &&
        Number(token.text) < Number(below.text)
      ) {
        this.at += 3;
        return algebra.add(whole, algebra.constant(q.rational(BigInt(token.text), BigInt(below.text))));
      }
    }
    return whole;
  }

  private signedFactor(depth: number): algebra.Value {
    if (this.take('mark', '-')) return algebra.negate(this.signedFactor(depth));
    if (this.take('mark', '+')) return this.signedFactor(depth);
    return this.factor(depth);
  }

  private startsFactor(): boolean {
    const token = this.peek();
    if (token === undefined) return false;
    if (token.kind === 'number' || token.kind === 'letter') return true;
    if (token.kind === 'mark')
      return token.text === '(' || token.text === '{' || token.text === 'π' || token.text === '√';
    return (
      greek.has(token.text) ||
      token.text in functions ||
      ['frac', 'sqrt', 'pi', 'log', 'binom', 'infty', 'lvert', 'mathrm', 'mathbf'].includes(token.text)
    );
  }

  private factor(depth: number): algebra.Value {
    let value = this.base(depth + 1);
    for (;;) {
      if (this.take('mark', '^')) value = this.raise(value, this.exponent(depth + 1));
      else if (this.is('mark', '!')) {
        this.at++;
        value = factorial(value);
      } else return value;
    }
  }

  private exponent(depth: number): algebra.Value {
    if (this.take('mark', '{')) {
      const value = this.sum(depth + 1);
      this.expect('}');
      return value;
    }
    if (this.take('mark', '-')) return algebra.negate(this.base(depth));
    return this.oneToken(depth);
  }

  private raise(base: algebra.Value, exponent: algebra.Value): algebra.Value {
    const number = algebra.asRational(exponent);
    if (number !== undefined) return this.rationalPower(base, number);
    return this.opaque('pow', [base, exponent], (numbers) => numbers[0]! ** numbers[1]!);
  }

  /** As the algebra's, and notes the double of a root it keeps whole. */
  private rationalPower(base: algebra.Value, exponent: q.Rational): algebra.Value {
    const value = algebra.rationalPower(base, exponent);
    if (exponent.d !== 1n) {
      const number = numberOf(base, this.atoms);
      if (number !== undefined && number >= 0) {
        this.atoms.set(algebra.rootAtom(base, exponent.d), number ** (1 / Number(exponent.d)));
      }
    }
    return value;
  }

  /** TeX's undelimited argument: one token (`\frac12`, `\sqrt3`, `x^2`), where a number gives its first digit. */
  private oneToken(depth: number): algebra.Value {
    const token = this.peek();
    if (token?.kind === 'number') {
      this.at++;
      return algebra.constant(q.parseDecimal(token.text));
    }
    return this.base(depth);
  }

  private argument(depth: number): algebra.Value {
    if (this.take('mark', '{')) {
      const value = this.sum(depth + 1);
      this.expect('}');
      return value;
    }
    const token = this.peek();
    if (token?.kind === 'number' && /^\d+$/.test(token.text) && token.text.length > 1) {
      // `\frac12`: the first digit; the rest is left for the next argument.
      const rest: Token = { ...token, text: token.text.slice(1), spaceBefore: false };
      this.tokens[this.at] = rest;
      return algebra.constant(q.rational(BigInt(token.text[0]!)));
    }
    return this.oneToken(depth);
  }

  private base(depth: number): algebra.Value {
    if (depth > mostDepth) throw new NotExact('nested too deep');
    const token = this.peek();
    if (token === undefined) throw new NotExact('ends too early');
    this.at++;
    switch (token.kind) {
      case 'number':
        return algebra.constant(q.parseDecimal(token.text));
      case 'letter':
        return this.symbol(token.text, depth);
      case 'command':
        return this.command(token.text, depth);
      case 'mark':
        return this.mark(token.text, depth);
    }
  }

  private mark(text: string, depth: number): algebra.Value {
    if (text === '(' || text === '{' || text === '[') {
      const value = this.sum(depth + 1);
      this.expect(text === '(' ? ')' : text === '{' ? '}' : ']');
      return value;
    }
    if (text === '|') {
      const value = this.sum(depth + 1);
      this.expect('|');
      return this.absolute(value);
    }
    if (text === 'π') return algebra.atom('pi');
    if (text === '∞') return algebra.atom('infinity');
    if (text === '√') return this.rationalPower(this.argument(depth), q.rational(1n, 2n));
    if (/^\p{Script=Greek}$/u.test(text)) return this.symbol(text, depth);
    throw new NotExact(`unexpected ${text}`);
  }

  private symbol(name: string, depth: number): algebra.Value {
    let full = name;
    if (this.take('mark', '_')) full += `_${this.subscript(depth)}`;
    while (this.take('mark', "'")) full += "'";
    if (full === 'i') return algebra.imaginaryUnit;
    return algebra.atom(full);
  }

  /** Subscripts name things; they are compared as text. */
  private subscript(depth: number): string {
    if (this.take('mark', '{')) {
      let text = '';
      for (let level = 0; ; ) {
        const token = this.tokens[this.at++];
        if (token === undefined || depth > mostDepth) throw new NotExact('subscript not closed');
        if (token.text === '}' && level-- === 0) return text;
        if (token.text === '{') level++;
        text += token.text;
      }
    }
    const token = this.tokens[this.at++];
    if (token === undefined) throw new NotExact('ends too early');
    return token.text;
  }

  private command(name: string, depth: number): algebra.Value {
    if (name === 'frac') {
      const above = this.argument(depth);
      const below = this.argument(depth);
      return algebra.divide(above, below);
    }
    if (name === 'sqrt') {
      let index = 2n;
      if (this.take('mark', '[')) {
        const degree = algebra.asRational(this.sum(depth + 1));
        this.expect(']');
        if (degree === undefined || degree.d !== 1n || degree.n < 2n)
          throw new NotExact('root of odd degree');
        index = degree.n;
      }
      return this.rationalPower(this.argument(depth), q.rational(1n, index));
    }
    if (name === 'pi') return algebra.atom('pi');
    if (name === 'infty' || name === 'infinity' || name === 'inf') return algebra.atom('infinity');
    if (name === 'binom') return binomial(this.argument(depth), this.argument(depth));
    if (name === 'lvert') {
      const value = this.sum(depth + 1);
      this.expect('rvert');
      return this.absolute(value);
    }
    if (name === 'log') return this.logarithm(depth);
    if (name in functions) return this.applied(name, depth);
    if (greek.has(name)) return this.symbol(`\\${name}`, depth);
    if (name === 'mathrm' || name === 'mathbf') return this.named(name, depth);
    if (name === '{') {
      const value = this.sum(depth + 1);
      this.expect('}');
      return value;
    }
    throw new NotExact(`unknown command ${name}`);
  }

  /** `\mathrm{cm}`: a name of its own. */
  private named(font: string, depth: number): algebra.Value {
    this.expect('{');
    this.at--;
    return algebra.atom(`${font}:${this.subscript(depth)}`);
  }

  private applied(name: string, depth: number): algebra.Value {
    let power: algebra.Value | undefined;
    if (this.take('mark', '^')) power = this.exponent(depth + 1);
    const inner = this.functionArgument(depth);
    const compute = functions[name]!;
    const number = power === undefined ? undefined : algebra.asRational(power);
    // `\sin^{-1}` is the inverse function, not a power.
    if (power !== undefined && (number === undefined || number.n < 0n))
      throw new NotExact('power of a function');
    const value = this.opaque(name, [inner], ([x]) => compute(x!));
    return number === undefined ? value : algebra.rationalPower(value, number);
  }

  private logarithm(depth: number): algebra.Value {
    let base = algebra.constant(q.rational(10n));
    if (this.take('mark', '_')) base = this.argument(depth);
    const inner = this.functionArgument(depth);
    return this.opaque('log', [base, inner], ([b, x]) => Math.log(x!) / Math.log(b!));
  }

  private functionArgument(depth: number): algebra.Value {
    if (this.is('mark', '(', '{')) return this.base(depth + 1);
    // `\sin 2x`: everything multiplied by juxtaposition.
    let value = this.factor(depth + 1);
    while (this.startsFactor() && !this.is('mark', '(') && this.peek()!.kind !== 'command') {
      value = algebra.multiply(value, this.factor(depth + 1));
    }
    return value;
  }

  private absolute(value: algebra.Value): algebra.Value {
    const number = algebra.asRational(value);
    if (number !== undefined) return algebra.constant(number.n < 0n ? q.negate(number) : number);
    return this.opaque('abs', [value], ([x]) => Math.abs(x!));
  }

  /** A part that is not taken apart, known by the canonical text of its arguments. */
  private opaque(
    name: string,
    inner: algebra.Value[],
    compute: (numbers: number[]) => number,
  ): algebra.Value {
    const key = `${name}(${inner.map(algebra.canonical).join(';')})`;
    const numbers = inner.map((value) => numberOf(value, this.atoms));
    if (numbers.every((number) => number !== undefined)) {
      const result = compute(numbers);
      if (Number.isFinite(result)) this.atoms.set(key, result);
    }
    return algebra.atom(key);
  }
}
