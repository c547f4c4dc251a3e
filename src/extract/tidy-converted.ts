/**
 * Makes TeX that was converted from MathML read like TeX that was written: named functions and operators with limits, accents,
 * fences, cases, alphabets, Greek letters.
 *
 * Works on the output of mathml-to-latex 1.8, which writes `\underset{n}{\sum}` for a sum with one limit, `lim` for a function's
 * name, `\overset{⃗}{v}` for a vector and `\left{\right.` for a lone fence. One pass each, linear; nothing is parsed twice.
 */

const functions =
  'arccos|arcsin|arctan|arg|cosh|cos|coth|cot|csc|deg|det|dim|exp|gcd|hom|inf|ker|lg|liminf|limsup|lim|ln|log|max|min|Pr|sec|sinh|sin|sup|tanh|tan';
const functionName = new RegExp(`(?<![\\\\A-Za-z])(?:${functions})(?![A-Za-z])`, 'g');
const operator = new RegExp(
  `^\\s*\\\\(?:sum|prod|coprod|int|iint|iiint|oint|big(?:cup|cap|oplus|otimes|vee|wedge|sqcup|uplus|odot)|${functions})\\s*$`,
);
const accents: Record<string, string> = {
  '⃗': 'vec',
  '→': 'vec',
  '^': 'hat',
  ˆ: 'hat',
  '\\hat': 'hat',
  '~': 'tilde',
  '˜': 'tilde',
  '∼': 'tilde',
  '\\sim': 'tilde',
  '˙': 'dot',
  '.': 'dot',
  '¨': 'ddot',
  '¯': 'bar',
  '‾': 'bar',
  '–': 'bar',
  '―': 'bar',
  _: 'bar',
  ˉ: 'bar',
  '\\rightarrow': 'vec',
  '\\to': 'vec',
  '`': 'grave',
  '´': 'acute',
  '˘': 'breve',
  ˇ: 'check',
  '⏞': 'overbrace',
};
const wide: Record<string, string> = {
  bar: 'overline',
  vec: 'overrightarrow',
  hat: 'widehat',
  tilde: 'widetilde',
};
const greek: Record<string, string> = Object.fromEntries(
  (
    'α alpha β beta γ gamma δ delta ε varepsilon ϵ epsilon ζ zeta η eta θ theta ϑ vartheta ι iota κ kappa λ lambda μ mu ν nu ξ xi ' +
    'π pi ϖ varpi ρ rho ϱ varrho σ sigma ς varsigma τ tau υ upsilon φ varphi ϕ phi χ chi ψ psi ω omega Γ Gamma Δ Delta Θ Theta ' +
    'Λ Lambda Ξ Xi Π Pi Σ Sigma Υ Upsilon Φ Phi Ψ Psi Ω Omega ∂ partial ∇ nabla ∞ infty ℓ ell ℏ hbar ∑ sum ∏ prod ∫ int'
  )
    .split(' ')
    .reduce<[string, string][]>((pairs, word, at, all) => {
      if (at % 2 === 0) pairs.push([word, all[at + 1] ?? '']);
      return pairs;
    }, []),
);
const letterlike: Record<string, string> = {
  ℂ: 'mathbb',
  ℍ: 'mathbb',
  ℕ: 'mathbb',
  ℙ: 'mathbb',
  ℚ: 'mathbb',
  ℝ: 'mathbb',
  ℤ: 'mathbb',
  ℬ: 'mathcal',
  ℰ: 'mathcal',
  ℱ: 'mathcal',
  ℋ: 'mathcal',
  ℐ: 'mathcal',
  ℒ: 'mathcal',
  ℳ: 'mathcal',
  ℛ: 'mathcal',
  ℭ: 'mathfrak',
  ℌ: 'mathfrak',
  ℑ: 'mathfrak',
  ℜ: 'mathfrak',
  ℨ: 'mathfrak',
};

/** Characters the converter would name wrongly, what stands for them while it runs, and their names. */
const guarded: Record<string, string> = {
  ε: '\\varepsilon ',
  ϵ: '\\epsilon ',
  φ: '\\varphi ',
  ϕ: '\\phi ',
  ϑ: '\\vartheta ',
  '⋯': '\\cdots ',
  '…': '\\ldots ',
  '≢': '\\not\\equiv ',
  '#': '\\#',
  '%': '\\%',
};
const guards = Object.keys(guarded);
const firstGuard = 0xf8a0;

/** MathML ready for the converter; `tidyConvertedTex` undoes what it does. */
export function guardMathMl(markup: string): string {
  return markup.replace(/[εϵφϕϑ⋯…≢#%]/gu, (character) =>
    String.fromCharCode(firstGuard + guards.indexOf(character)),
  );
}

export function tidyConvertedTex(source: string): string {
  let tex = source
    .replace(/[\u2061-\u2064\u200b]/g, '')
    .replace(/\\textrm\{\s*\}/g, ' ')
    .replace(/[\uf8a0-\uf8af]/g, (guard) => guarded[guards[guard.charCodeAt(0) - firstGuard] ?? ''] ?? '');
  tex = alphabets(tex);
  tex = tex
    .replace(/\\left\s*(\\[{}|]|\\[A-Za-z]+|[^\\\s])\s*\\right\s*\.(?=\s|$)/g, '$1')
    .replace(/\\left\s*\.\s*\\right\s*(\\[{}|]|\\[A-Za-z]+|[^\\\s.])/g, '$1');
  tex = outsideText(tex, (part) =>
    part.replace(functionName, '\\$&').replace(/[α-ωϑϕϖϱϵΓΔΘΛΞΠΣΥΦΨΩ∂∇∞ℓℏ∑∏∫]/gu, greekName),
  );
  tex = scripts(tex)
    .replace(/\\left\(\s*m o d\b([^()]*)\\right\)/g, '\\pmod{$1}')
    .replace(/\bm o d\b|(?<![\\A-Za-z])mod(?![A-Za-z])/g, '\\bmod ');
  tex = lowFences(tex)
    .replace(/\(\s*\\bmod\b\s*([^()]*)\)/g, '\\pmod{$1}')
    .replaceAll('≡\u0338', '\\not\\equiv ')
    .replaceAll('\\equiv\u0338', '\\not\\equiv ')
    .replaceAll('∣', '\\mid ')
    .replace(
      /\\(bar|vec|hat|tilde)(?=\{\s*[A-Za-z]\s+[A-Za-z])/g,
      (_, accent: string) => `\\${wide[accent] ?? accent}`,
    );
  tex = cases(tex);
  return tex.replace(/ {2,}/g, ' ').trim();
}

function greekName(letter: string): string {
  const name = greek[letter];
  return name === undefined ? letter : `\\${name} `;
}

/** `𝐯` to `\mathbf{v}`, `ℝ` to `\mathbb{R}`; italic letters are plain ones. */
function alphabets(tex: string): string {
  return tex.replace(/[\u{1d400}-\u{1d7ff}\u2102-\u2128]/gu, (letter) => {
    const plain = letter.normalize('NFKC');
    if (plain === letter || plain.length !== 1) return letter;
    const known = letterlike[letter];
    if (known !== undefined) return `\\${known}{${plain}}`;
    const point = letter.codePointAt(0) ?? 0;
    const style = styleOf(point);
    return style === undefined ? plain : `\\${style}{${plain}}`;
  });
}

/** Alphabets of the block Mathematical Alphanumeric Symbols, 52 letters each. */
function styleOf(point: number): string | undefined {
  if (point < 0x1d400 || point >= 0x1d6a4) return point >= 0x1d7ce && point <= 0x1d7d7 ? 'mathbf' : undefined;
  const alphabet = Math.floor((point - 0x1d400) / 52);
  return [
    'mathbf',
    undefined,
    'mathbf',
    'mathcal',
    'mathcal',
    'mathfrak',
    'mathbb',
    'mathfrak',
    'mathsf',
    'mathsf',
    'mathsf',
    'mathsf',
    'mathtt',
  ][alphabet];
}

/** Applies `change` outside `\text{..}` and `\mathrm{..}`. */
function outsideText(tex: string, change: (part: string) => string): string {
  return tex
    .split(/(\\(?:text|mathrm|operatorname|textrm|mbox|begin|end)\{[^{}]*\})/)
    .map((part, index) => (index % 2 === 0 ? change(part) : part))
    .join('');
}

/** `\underset{a}{\sum}` to `\sum_{a}`; `\overset` of an accent to the accent. */
function scripts(tex: string): string {
  const call = /\\(underset|overset)\{/g;
  let out = '';
  let from = 0;
  for (let match = call.exec(tex); match !== null; match = call.exec(tex)) {
    const first = groupAt(tex, match.index + match[0].length - 1);
    const second = first === undefined ? undefined : groupAt(tex, first.end);
    if (first === undefined || second === undefined) continue;
    const mark = match[1] === 'underset' ? '_' : '^';
    const base = second.text.trim();
    let written: string | undefined;
    if (operator.test(base)) written = `${base}${mark}{${scripts(first.text)}}`;
    else if (mark === '^') written = accented(first.text.trim(), base);
    if (written === undefined) continue;
    out += tex.slice(from, match.index) + written;
    from = second.end;
    call.lastIndex = second.end;
  }
  return out + tex.slice(from);
}

function accented(mark: string, base: string): string | undefined {
  const accent = accents[mark];
  if (accent === undefined) return undefined;
  const single = /^(?:[A-Za-z]|\\[A-Za-z]+|\\math\w+\{\w\})$/.test(base);
  return `\\${single ? accent : (wide[accent] ?? accent)}{${scripts(base)}}`;
}

/** Longer arguments of `\\underset` are left as they are, so that nested ones stay cheap. */
const longestGroup = 4000;

function groupAt(tex: string, open: number): { text: string; end: number } | undefined {
  if (tex[open] !== '{') return undefined;
  let depth = 0;
  for (let at = open; at < Math.min(tex.length, open + longestGroup); at++) {
    const unit = tex.charCodeAt(at);
    if (unit === 0x5c) at++;
    else if (unit === 0x7b) depth++;
    else if (unit === 0x7d && --depth === 0) return { text: tex.slice(open + 1, at), end: at + 1 };
  }
  return undefined;
}

/** `\left(x\right)` to `(x)` where nothing between is tall. */
function lowFences(tex: string): string {
  let before = tex;
  for (let round = 0; round < 4; round++) {
    const after = before.replace(
      /\\left([([|])((?:(?!\\(?:left|right|frac|dfrac|sum|int|prod|begin|sqrt|lim|binom|genfrac|underset|overset|big))[\s\S]){0,400}?)\\right([)\]|])/g,
      '$1$2$3',
    );
    if (after === before) break;
    before = after;
  }
  return before;
}

/** A brace before a matrix that nothing closes; a fence around a fraction without a line. */
function cases(tex: string): string {
  return tex
    .replace(
      /\\\{\s*\\begin\{(?:matrix|array)\}(?:\{[lcr ]*\})?((?:(?!\\begin|\\end)[\s\S]){0,20000}?)\\end\{(?:matrix|array)\}(?!\s*\\\})/g,
      '\\begin{cases}$1\\end{cases}',
    )
    .replace(
      /(?:\\left)?\(\s*\\genfrac\{\}\{\}\{0pt\}\{\}((?:\{(?:[^{}]|\{[^{}]*\})*\}){2})\s*(?:\\right)?\)/g,
      '\\binom$1',
    );
}
