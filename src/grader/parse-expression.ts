/**
 * Reads one expression, in TeX or plain notation, into a tree (expression.ts).
 *
 * Recursive descent: sums, products (also by juxtaposition), quotients, powers, roots, factorials, binomials, absolute
 * values, mixed numbers, functions, matrices. What is not understood throws `NotExact`, and the caller compares texts.
 * Depth and length are bounded.
 */
import { call, type Node, number, op, symbol } from './expression.ts';
import * as q from './rational.ts';
import { NotExact } from './rational.ts';
import { TokenReader } from './token-reader.ts';
import { tokenise } from './tokenise.ts';

const mostDepth = 60;
const greek = new Set(
  (
    'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon ' +
    'phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell hbar odot oplus prime nabla aleph'
  ).split(' '),
);
const oneArgument = new Set(
  (
    'sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth arcsinh arccosh arctanh ' +
    'ln exp abs det cbrt Re Im arg lg'
  ).split(' '),
);
const manyArguments = new Set(['gcd', 'lcm', 'max', 'min']);
const closers: Readonly<Record<string, string>> = {
  lvert: 'rvert',
  lVert: 'rVert',
  lfloor: 'rfloor',
  lceil: 'rceil',
  langle: 'rangle',
};
/** Letters that name functions when a bracket follows: `f(2x)` is not `2 f(x)`. */
const functionLetters = /^(?:[fghFGHPQ])(?:_\w+)?'*$/;
const matrixNames = new Set(['matrix', 'pmatrix', 'bmatrix', 'Bmatrix', 'smallmatrix', 'array', 'vmatrix']);

export function parseExpression(text: string): Node {
  const tokens = tokenise(text);
  if (tokens.length === 0) throw new NotExact('empty');
  const parser = new Parser(tokens);
  const node = parser.sum(0);
  parser.expectEnd();
  return node;
}

class Parser extends TokenReader {
  /** Open `|..|`: the next `|` closes. */
  private bars = 0;

  sum(depth: number): Node {
    if (depth > mostDepth) throw new NotExact('nested too deep');
    let node = this.signed(depth);
    for (;;) {
      if (this.take('mark', '+')) node = op('+', node, this.signed(depth));
      else if (this.take('mark', '-')) node = op('-', node, this.signed(depth));
      else return node;
    }
  }

  private signed(depth: number): Node {
    let negative = false;
    while (this.is('mark', '+', '-')) if (this.tokens[this.at++]!.text === '-') negative = !negative;
    const node = this.product(depth);
    return negative ? { kind: 'negate', of: node } : node;
  }

  private product(depth: number): Node {
    const first = this.peek();
    let node = this.factor(depth);
    if (first?.kind === 'number' && first.decimals === undefined && this.tokens[this.at - 1] === first) {
      node = this.mixedNumber(node, depth);
    }
    for (;;) {
      if (this.take('mark', '*') || this.take('command', 'cdot', 'times', 'ast')) {
        node = op('*', node, this.signedFactor(depth));
      } else if (this.take('mark', '/', ':') || this.take('command', 'div')) {
        node = op('/', node, this.signedFactor(depth));
      } else if (this.take('command', 'bmod', 'mod')) {
        node = call('mod', node, this.signedFactor(depth));
      } else if (this.startsFactor()) {
        if (this.peek()!.kind === 'number') throw new NotExact('two numbers side by side');
        node = op('*', node, this.factor(depth));
      } else return node;
    }
  }

  /** `918\frac{1}{2}` and `3 1/2` are sums. */
  private mixedNumber(whole: Node, depth: number): Node {
    const token = this.peek();
    if (token === undefined) return whole;
    if (token.kind === 'command' && token.text === 'frac') {
      const start = this.at;
      const part = this.factor(depth);
      if (isProperFraction(part)) return op('+', whole, part);
      this.at = start;
      return whole;
    }
    const slash = this.peek(1);
    const below = this.peek(2);
    if (token.kind !== 'number' || !token.spaceBefore || slash?.text !== '/' || below?.kind !== 'number')
      return whole;
    if (token.value.d !== 1n || below.value.d !== 1n || token.value.n >= below.value.n) return whole;
    this.at += 3;
    return op('+', whole, number(q.divide(token.value, below.value)));
  }

  private signedFactor(depth: number): Node {
    if (depth > mostDepth) throw new NotExact('nested too deep');
    if (this.take('mark', '-')) return { kind: 'negate', of: this.signedFactor(depth + 1) };
    if (this.take('mark', '+')) return this.signedFactor(depth + 1);
    return this.factor(depth);
  }

  private startsFactor(): boolean {
    const token = this.peek();
    if (token === undefined) return false;
    if (token.kind === 'number' || token.kind === 'letter') return true;
    if (token.kind === 'mark') return '([{π√'.includes(token.text) || (token.text === '|' && this.bars === 0);
    return (
      greek.has(token.text) ||
      oneArgument.has(token.text) ||
      manyArguments.has(token.text) ||
      token.text in closers ||
      'frac sqrt pi log binom infty mathrm mathbf begin {'.split(' ').includes(token.text)
    );
  }

  private factor(depth: number): Node {
    if (depth > mostDepth) throw new NotExact('nested too deep');
    let node = this.base(depth + 1);
    for (;;) {
      if (this.take('mark', '^')) {
        // `A^T`, `f^{-1}` and `x^\prime` are names, not powers; they parse as powers of atoms, which compare as well.
        node = op('^', node, this.exponent(depth + 1));
      } else if (this.is('mark', '!')) {
        this.at++;
        node = call('factorial', node);
      } else if (this.take('mark', '°')) {
        node = op('/', op('*', node, symbol('pi')), number(q.rational(180n)));
      } else return node;
    }
  }

  private exponent(depth: number): Node {
    if (this.is('mark', '{')) return this.group(depth);
    if (this.take('mark', '-')) return { kind: 'negate', of: this.exponent(depth + 1) };
    if (this.take('mark', '+')) return this.exponent(depth + 1);
    const node = this.oneToken(depth);
    // `10^10^10` in plain text: powers bind to the right.
    if (this.take('mark', '^')) return op('^', node, this.exponent(depth + 1));
    return node;
  }

  private group(depth: number): Node {
    this.expect('{');
    const bars = this.bars;
    this.bars = 0;
    const node = this.sum(depth + 1);
    this.bars = bars;
    this.expect('}');
    return node;
  }

  private oneToken(depth: number): Node {
    const token = this.peek();
    if (token?.kind === 'number') {
      this.at++;
      return number(token.value, token.decimals);
    }
    return this.base(depth);
  }

  /** TeX's undelimited argument: one token (`\frac12`, `\sqrt3`), where a number gives its first digit. */
  private argument(depth: number): Node {
    if (this.is('mark', '{')) return this.group(depth);
    const token = this.peek();
    if (token?.kind === 'number' && /^\d\d+$/.test(token.text)) {
      const rest = token.text.slice(1);
      this.tokens[this.at] = { ...token, text: rest, value: q.parseDecimal(rest), spaceBefore: false };
      return number(q.rational(BigInt(token.text[0]!)));
    }
    return this.oneToken(depth);
  }

  private base(depth: number): Node {
    if (depth > mostDepth) throw new NotExact('nested too deep');
    const token = this.peek();
    if (token === undefined) throw new NotExact('ends too early');
    this.at++;
    switch (token.kind) {
      case 'number':
        return token.text !== '' && this.is('mark', '_')
          ? this.numeral(token.text)
          : number(token.value, token.decimals);
      case 'letter':
        return this.name(token.text, depth);
      case 'command':
        return this.command(token.text, depth);
      case 'mark':
        return this.mark(token.text, depth);
    }
  }

  /** `1101_2`: digits in a base are a name; another base is another answer. */
  private numeral(digits: string): Node {
    this.at++;
    return symbol(`numeral:${digits}_${this.subscript()}`);
  }

  private mark(text: string, depth: number): Node {
    if (text === '(' || text === '{' || text === '[') {
      const bars = this.bars;
      this.bars = 0;
      const node = this.sum(depth + 1);
      this.bars = bars;
      this.expect(text === '(' ? ')' : text === '{' ? '}' : ']');
      return node;
    }
    if (text === '|') {
      this.bars++;
      const node = this.sum(depth + 1);
      this.bars--;
      this.expect('|');
      return call('abs', node);
    }
    if (text === 'π') return symbol('pi');
    if (text === '∞') return symbol('infty');
    if (text === '√') return { kind: 'root', degree: 2n, of: this.argument(depth) };
    if (/^\p{Script=Greek}$/u.test(text)) return this.name(text, depth);
    throw new NotExact(`unexpected ${text}`);
  }

  private name(letter: string, depth: number): Node {
    let full = letter;
    if (this.take('mark', '_')) full += `_${this.subscript()}`;
    while (this.take('mark', "'")) full += "'";
    if (functionLetters.test(full) && this.is('mark', '(') && !this.peek()!.spaceBefore) {
      return { kind: 'call', name: `apply:${full}`, args: this.bracketed(depth) };
    }
    return symbol(full);
  }

  /** `(a, b, c)` right here. */
  private bracketed(depth: number): Node[] {
    this.expect('(');
    const args = [this.sum(depth + 1)];
    while (this.take('mark', ',')) args.push(this.sum(depth + 1));
    this.expect(')');
    return args;
  }

  private command(name: string, depth: number): Node {
    if (name === 'frac') {
      const above = this.argument(depth);
      return op('/', above, this.argument(depth));
    }
    if (name === 'sqrt') return this.root(depth);
    if (name === 'cbrt') return { kind: 'root', degree: 3n, of: this.functionArgument(depth) };
    if (name === 'pi' || name === 'infty') return symbol(name);
    if (name === 'binom') {
      const above = this.argument(depth);
      return call('binom', above, this.argument(depth));
    }
    if (name === 'begin') return this.matrix(depth);
    const close = closers[name];
    if (close !== undefined) {
      const node = this.sum(depth + 1);
      this.expect(close);
      return call(
        name === 'lvert' || name === 'lVert' ? 'abs' : name === 'langle' ? 'angle' : name.slice(1),
        node,
      );
    }
    if (name === 'log' || name === 'lg') return this.logarithm(name, depth);
    if (manyArguments.has(name)) return { kind: 'call', name, args: this.bracketed(depth) };
    if (oneArgument.has(name)) return this.applied(name, depth);
    if (greek.has(name)) return this.name(`\\${name}`, depth);
    if (/^(?:mathrm|mathbf|text|mathcal|mathbb|vec)$/.test(name)) {
      const inner = this.is('mark', '{') ? this.subscript() : (this.tokens[this.at++]?.text ?? '');
      if (inner === 'd' || inner === 'e' || inner === 'i') return symbol(inner);
      return this.name(name === 'mathrm' || name === 'text' ? inner : `${name}:${inner}`, depth);
    }
    if (name === '{') {
      const node = this.sum(depth + 1);
      this.expect('}');
      return node;
    }
    throw new NotExact(`unknown command ${name}`);
  }

  private root(depth: number): Node {
    let degree = 2n;
    if (this.take('mark', '[')) {
      const index = this.tokens[this.at++];
      if (index?.kind !== 'number' || index.value.d !== 1n) throw new NotExact('degree of a root');
      this.expect(']');
      degree = index.value.n;
    }
    if (degree < 2n || degree > 64n) throw new NotExact('degree of a root');
    return { kind: 'root', degree, of: this.argument(depth) };
  }

  private applied(name: string, depth: number): Node {
    let power: Node | undefined;
    if (this.take('mark', '^')) power = this.exponent(depth + 1);
    const inner = this.functionArgument(depth);
    const inverse = power?.kind === 'negate' && power.of.kind === 'number' && power.of.value.n === 1n;
    // `\sin^{-1}` is the inverse function, not a power.
    if (inverse && /^(?:sin|cos|tan|cot|sec|csc)h?$/.test(name)) return call(`arc${name}`, inner);
    const node = call(name, inner);
    return power === undefined ? node : op('^', node, power);
  }

  private logarithm(name: string, depth: number): Node {
    let base = number(q.rational(10n));
    if (name === 'log' && this.take('mark', '_')) base = this.argument(depth);
    let power: Node | undefined;
    if (this.take('mark', '^')) power = this.exponent(depth + 1);
    const node = call('log', base, this.functionArgument(depth));
    return power === undefined ? node : op('^', node, power);
  }

  private functionArgument(depth: number): Node {
    if (this.is('mark', '(', '{')) {
      const node = this.base(depth + 1);
      return this.take('mark', '°') ? op('/', op('*', node, symbol('pi')), number(q.rational(180n))) : node;
    }
    let node = this.is('mark', '-') ? this.signedFactor(depth + 1) : this.factor(depth + 1);
    // `\sin 2x`: everything multiplied by juxtaposition, up to a bracket or another function.
    const goesOn = (): boolean => {
      const next = this.peek();
      if (next === undefined || !this.startsFactor() || next.kind === 'number') return false;
      return (
        next.kind === 'letter' || (next.kind === 'command' && (greek.has(next.text) || next.text === 'pi'))
      );
    };
    while (goesOn()) node = op('*', node, this.factor(depth + 1));
    if (
      this.is('mark', '/') &&
      this.peek(1)?.kind === 'number' &&
      node.kind !== 'number' &&
      !this.peek()!.spaceBefore
    ) {
      this.at++;
      node = op('/', node, this.factor(depth + 1));
    }
    return node;
  }

  private matrix(depth: number): Node {
    const name = this.environmentName();
    if (!matrixNames.has(name)) throw new NotExact(`environment ${name}`);
    if (name === 'array' && this.is('mark', '{')) this.environmentName();
    const rows: Node[][] = [[]];
    while (!this.take('command', 'end')) {
      if (this.take('command', '\\')) rows.push([]);
      else if (this.take('mark', '&')) continue;
      else rows[rows.length - 1]!.push(this.sum(depth + 1));
      if (rows.length > 20) throw new NotExact('matrix too large');
    }
    this.environmentName();
    const filled = rows.filter((row) => row.length > 0);
    if (filled.length === 0 || filled.some((row) => row.length !== filled[0]!.length))
      throw new NotExact('matrix');
    const node: Node = { kind: 'matrix', rows: filled };
    return name === 'vmatrix' ? call('det', node) : node;
  }
}

function isProperFraction(node: Node): boolean {
  if (node.kind !== 'op' || node.op !== '/' || node.left.kind !== 'number' || node.right.kind !== 'number')
    return false;
  return (
    node.left.value.d === 1n && node.left.value.n > 0n && q.compare(node.left.value, node.right.value) < 0
  );
}
