/**
 * Reduces a TeX formula to what it says, so that an extracted formula can be compared with its source.
 *
 * What is taken as the same:
 *   - white space and spacing commands (`\,` `\;` `\quad` `~` ...), `\displaystyle` and its kin, `\limits`;
 *   - sizes of delimiters (`\left` `\right` `\big`...), `\label`, `\tag`, `\nonumber`, `\notag`, `\hline`;
 *   - braces: all grouping braces that hold one token or stand alone; `x^2` = `x^{2}`, `\frac12` = `\frac{1}{2}`;
 *   - alignment: `&`, `\\`, and the environments align, eqnarray, gather, aligned, split, equation, math, displaymath;
 *   - spellings of one symbol: `\le` `\leq`, `\ne` `\neq`, `\to` `\rightarrow`, `\lbrace` `\{`, `\dots` `\ldots`, ...;
 *   - `f'` = `f^{\prime}`;
 *   - `\substack` = `subarray`;
 *   - ways to set upright text: `\mbox` `\text` `\mathrm` `\textrm` `\operatorname` `\rm`; `\tfrac` `\dfrac` `\frac`;
 *   - a full stop, comma or semicolon at the very end.
 * What is not: any other command, letter, digit, sign, or their order.
 */

const ignored = new Set(
  (
    'displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits left right middle big Big bigg Bigg bigl bigr ' +
    'Bigl Bigr biggl biggr Biggl Biggr bigm Bigm quad qquad nonumber notag hline par noindent break thinspace ' +
    'enspace hfill mathstrut strut displaylimits hfil medskip smallskip bigskip newline allowbreak nobreak relax ' +
    'mathrm textrm text mbox hbox operatorname rm textnormal textup mathop mathord mathbin mathrel mathnormal'
  ).split(' '),
);
const starred = new Set(['operatorname', 'tag', 'hspace', 'vspace']);
const withArgument = new Set(['label', 'tag', 'hspace', 'vspace', 'hphantom', 'phantom', 'vphantom']);
const environments = new Set(
  'align aligned eqnarray gather gathered split equation math displaymath multline alignat flalign'.split(
    ' ',
  ),
);
const synonyms: Record<string, string> = {
  le: 'leq',
  ge: 'geq',
  ne: 'neq',
  to: 'rightarrow',
  gets: 'leftarrow',
  lbrace: '{',
  rbrace: '}',
  lbrack: '[',
  rbrack: ']',
  lvert: '|',
  rvert: '|',
  vert: '|',
  mid: '|',
  lVert: '\\|',
  rVert: '\\|',
  Vert: '\\|',
  parallel: '\\|',
  dots: 'ldots',
  dotsc: 'ldots',
  dotso: 'ldots',
  dotsb: 'cdots',
  dotsm: 'cdots',
  dotsi: 'cdots',
  tfrac: 'frac',
  dfrac: 'frac',
  cfrac: 'frac',
  tbinom: 'binom',
  dbinom: 'binom',
  colon: ':',
  prime: "'",
  land: 'wedge',
  lor: 'vee',
  lnot: 'neg',
  owns: 'ni',
  Longrightarrow: 'Rightarrow',
  implies: 'Rightarrow',
  iff: 'Leftrightarrow',
  Longleftrightarrow: 'Leftrightarrow',
  longrightarrow: 'rightarrow',
  bmod: 'mod',
  pod: 'pmod',
  emptyset: 'varnothing',
  hslash: 'hbar',
  mathbold: 'mathbf',
  boldsymbol: 'mathbf',
  bm: 'mathbf',
  bold: 'mathbf',
  bf: 'mathbf',
  cal: 'mathcal',
  Bbb: 'mathbb',
  it: 'mathit',
  textit: 'mathit',
  textbf: 'mathbf',
  emph: 'mathit',
  sp: '^',
  sb: '_',
  ast: '*',
  lt: '<',
  gt: '>',
};
const characters: Record<string, string> = { '−': '-', '’': "'", '′': "'", '“': '"', '”': '"', '…': 'ldots' };

/** One formula without its delimiters -> canonical text. */
export function normaliseFormula(source: string): string {
  const tokens: string[] = [];
  const tex = source.replace(/(?<!\\)%[^\n]*\n?/g, ' ');
  for (let at = 0; at < tex.length; ) {
    const unit = tex[at]!;
    if (/\s/.test(unit) || unit === '~' || unit === '&') {
      at++;
      continue;
    }
    if (unit !== '\\') {
      tokens.push(characters[unit] ?? unit);
      at++;
      continue;
    }
    const name = /^[A-Za-z]+/.exec(tex.slice(at + 1, at + 40))?.[0];
    if (name === undefined) {
      const symbol = tex[at + 1] ?? '';
      at += 2;
      if ('{}|%$#_'.includes(symbol)) tokens.push(`\\${symbol}`);
      else if (symbol === '\\') at += /^\s*\[[^\]]*\]/.exec(tex.slice(at, at + 40))?.[0].length ?? 0;
      continue; // other control symbols are spacing
    }
    at += 1 + name.length;
    if (tex[at] === '*' && starred.has(name)) at++;
    if (name === 'begin' || name === 'end') {
      const group = /^\s*\{([A-Za-z]+)\*?\}/.exec(tex.slice(at, at + 60));
      if (group !== null) {
        at += group[0].length;
        if (environments.has(group[1]!)) {
          if (group[1] === 'alignat' && name === 'begin')
            at += /^\s*\{[^}]*\}/.exec(tex.slice(at, at + 20))?.[0].length ?? 0;
        } else {
          if (group[1] === 'subarray') {
            if (name === 'begin') {
              at += /^\s*\{[^}]*\}/.exec(tex.slice(at, at + 20))?.[0].length ?? 0;
              tokens.push('\\substack');
            }
            continue;
          }
          if (name === 'begin' && group[1] === 'array')
            at += /^\s*(?:\[[^\]]*\])?\s*\{[^}]*\}/.exec(tex.slice(at, at + 80))?.[0].length ?? 0;
          tokens.push(`\\${name}:${group[1]}`);
        }
        continue;
      }
    }
    if (withArgument.has(name)) {
      at += /^\s*\{[^{}]*\}/.exec(tex.slice(at, at + 200))?.[0].length ?? 0;
      continue;
    }
    if (ignored.has(name)) {
      // `\left.` and `\right.` draw nothing.
      if (/^(?:left|right)$/.test(name) && tex[at] === '.') at++;
      continue;
    }
    const same = synonyms[name] ?? name;
    tokens.push(/^[A-Za-z]/.test(same) ? `\\${same}` : same === '{' || same === '}' ? `\\${same}` : same);
  }
  while (tokens.length > 0 && /^[.,;]$/.test(tokens[tokens.length - 1]!)) tokens.pop();
  // Grouping braces carry no ink; scripts and fractions keep their order without them.
  const inked = tokens.filter((token) => token !== '{' && token !== '}');
  // TeX defines `'` as a raised `\prime`.
  return inked.filter((token, index) => token !== '^' || !/^['^]/.test(inked[index + 1] ?? '')).join(' ');
}
