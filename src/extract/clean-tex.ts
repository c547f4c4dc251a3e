/**
 * Tidies TeX found in a page: comments, delimiters that were part of it, and wrappers that say nothing.
 *
 *   - `%` comments go (their line end would otherwise be lost and swallow what follows);
 *   - `$..$`, `\(..\)`, `\[..\]` around the whole go, and tell whether it was displayed;
 *   - `{\displaystyle ...}` around the whole and a leading `\displaystyle` go (Wikipedia, LaTeXML; MegaMath does so too);
 *   - LaTeXML's private names lose their prefix (`\lx@stackrel`);
 *   - white space becomes single spaces.
 * Nothing inside the formula is changed.
 */

export interface CleanTex {
  readonly tex: string;
  /** True or false when the delimiters said so; undefined when there were none. */
  readonly display: boolean | undefined;
}

export function cleanTex(source: string): CleanTex {
  let tex = removeComments(source)
    .replaceAll('\\lx@', '\\')
    .replace(/[\s\u00a0]+/g, ' ')
    .trim();
  let display: boolean | undefined;
  // Wrappers can be nested (`${\displaystyle x}$`); each round takes one off.
  for (let round = 0; round < 4; round++) {
    const before = tex;
    if (
      tex.startsWith('$$') &&
      tex.endsWith('$$') &&
      tex.length > 4 &&
      tex.indexOf('$', 2) === tex.length - 2
    ) {
      tex = tex.slice(2, -2).trim();
      display ??= true;
    } else if (
      tex.startsWith('$') &&
      tex.endsWith('$') &&
      tex.length > 2 &&
      tex.indexOf('$', 1) === tex.length - 1
    ) {
      tex = tex.slice(1, -1).trim();
      display ??= false;
    } else if (tex.startsWith('\\(') && tex.endsWith('\\)') && tex.indexOf('\\)') === tex.length - 2) {
      tex = tex.slice(2, -2).trim();
      display ??= false;
    } else if (tex.startsWith('\\[') && tex.endsWith('\\]') && tex.indexOf('\\]') === tex.length - 2) {
      tex = tex.slice(2, -2).trim();
      display ??= true;
    }
    if (isOneGroup(tex)) {
      const inner = tex.slice(1, -1).trim();
      const style = /^\\(?:displaystyle|textstyle)(?![A-Za-z])/.exec(inner);
      if (style !== null) tex = inner.slice(style[0].length).trim();
    }
    const leading = /^\\(?:displaystyle|textstyle)(?![A-Za-z])\s*/.exec(tex);
    if (leading !== null) tex = tex.slice(leading[0].length);
    if (tex === before) break;
  }
  return { tex, display };
}

/** True when the opening brace at 0 closes at the very end. */
function isOneGroup(tex: string): boolean {
  if (!tex.startsWith('{') || !tex.endsWith('}')) return false;
  let depth = 0;
  for (let at = 0; at < tex.length; at++) {
    const unit = tex.charCodeAt(at);
    if (unit === 0x5c) at++;
    else if (unit === 0x7b) depth++;
    else if (unit === 0x7d && --depth === 0) return at === tex.length - 1;
  }
  return false;
}

/** Removes `%` to the end of line, unless escaped. */
function removeComments(tex: string): string {
  if (!tex.includes('%')) return tex;
  let out = '';
  let from = 0;
  for (let at = 0; at < tex.length; at++) {
    const unit = tex.charCodeAt(at);
    if (unit === 0x5c) at++;
    else if (unit === 0x25) {
      const end = tex.indexOf('\n', at);
      // Without a line end it is a percent sign someone forgot to escape (alt texts); keep it.
      if (end < 0) break;
      out += tex.slice(from, at);
      from = end + 1;
      at = end;
    }
  }
  return out + tex.slice(from);
}

const displayEnvironment =
  /^\\begin\{((?:equation|align|alignat|flalign|gather|multline|eqnarray|displaymath)\*?)\}/;

/** The formula with its delimiters; environments that are displays by themselves get none. */
export function delimitTex(tex: string, display: boolean): string {
  const environment = displayEnvironment.exec(tex);
  if (environment !== null && tex.endsWith(`\\end{${environment[1]}}`)) return tex;
  return display ? `$$${tex}$$` : `$${tex}$`;
}
