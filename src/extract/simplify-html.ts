/**
 * Rewrites raw HTML into a small, shallow, well-formed page before any DOM is built.
 *
 * One pass over the characters:
 *   1. comments, scripts, styles, SVG, forms' controls and media go away (math scripts stay);
 *   2. only attributes that extraction reads stay, each bounded; `display:none` becomes `hidden`;
 *   3. nesting is bounded: a tag deeper than the limit is left out, its text stays;
 *   4. `html`, `head` and `body` are made new, title and meta first.
 * The DOM is then smaller (it is the largest cost) and safe to walk by recursion.
 *
 * Gives up: an unclosed comment ends at the next `>`; text of `textarea`, `select`, `button`, `noscript`, `iframe`.
 * Linear time: the search for a closing tag that is not there is made once per name.
 */
import { keptAttribute } from './kept-attributes.ts';
import { type ExtractLimits, pageTooLarge } from './limits.ts';
import { readTag, type Tag } from './read-tag.ts';

export interface SimplifiedPage {
  readonly html: string;
  /** Start tags kept. */
  readonly elements: number;
  /** Sum over kept elements of their depth: what an algorithm costs that rereads every subtree. */
  readonly depthSum: number;
}

/** Left out with all they hold. */
const droppedWhole = new Set(
  'style noscript template iframe svg canvas audio video noembed noframes textarea select button datalist map applet'.split(
    ' ',
  ),
);
/** The tag goes, what it holds stays. */
const droppedTag = new Set(
  'html head body base link input object embed param source track frame frameset area font center form label fieldset wbr option optgroup'.split(
    ' ',
  ),
);
const voidTags = new Set('br hr img meta col mprescripts none mspace'.split(' '));
/** Tags that close an open tag of the same group right above them (`<li>` after an unclosed `<li>`). */
const impliedEnd: Record<string, ReadonlySet<string>> = {
  li: new Set(['li']),
  dt: new Set(['dt', 'dd']),
  dd: new Set(['dt', 'dd']),
  tr: new Set(['tr', 'td', 'th']),
  td: new Set(['td', 'th']),
  th: new Set(['td', 'th']),
  tbody: new Set(['tr', 'td', 'th', 'thead', 'tbody']),
};
const closesParagraph = new Set(
  'p div ul ol dl table pre blockquote h1 h2 h3 h4 h5 h6 section article header footer nav aside main figure hr address form'.split(
    ' ',
  ),
);
const forbidden = /[\uE000-\uE004\0]/;
const forbiddenAll = /[\uE000-\uE004\0]/g;
const mathScript = /^math\/(?:tex|latex|mml|asciimath)/i;

export function simplifyHtml(html: string, limits: ExtractLimits, url?: string): SimplifiedPage {
  if (html.length > limits.characters) {
    throw pageTooLarge(url, `${html.length} characters of HTML, more than the ${limits.characters} allowed`);
  }
  return new Simplifier(html, limits, url).run();
}

class Simplifier {
  private readonly source: string;
  private readonly limits: ExtractLimits;
  private readonly url: string | undefined;
  private readonly head: string[] = [];
  private readonly body: string[] = [];
  private readonly open: string[] = [];
  /** Start tags left out for depth, whose end tags must be left out too. */
  private readonly tooDeep = new Map<string, number>();
  private readonly neverClosed = new Set<string>();
  private readonly isXml: boolean;
  private elements = 0;
  private depthSum = 0;
  private references = 0;

  constructor(source: string, limits: ExtractLimits, url: string | undefined) {
    // Private-use marks are ours from here on (see math-marks.ts).
    this.source = forbidden.test(source) ? source.replace(forbiddenAll, ' ') : source;
    this.limits = limits;
    this.url = url;
    this.isXml = source.trimStart().startsWith('<?xml');
  }

  run(): SimplifiedPage {
    const { source } = this;
    let at = 0;
    while (at < source.length) {
      const bracket = source.indexOf('<', at);
      if (bracket < 0) {
        this.text(source.slice(at));
        break;
      }
      if (bracket > at) this.text(source.slice(at, bracket));
      at = this.markup(bracket);
    }
    const html = `<!DOCTYPE html><html><head>${this.head.join('')}</head><body>${this.body.join('')}</body></html>`;
    return { html, elements: this.elements, depthSum: this.depthSum };
  }

  /** Copies text. Plain numeric references are resolved here: the parser makes a node of each. */
  private text(text: string): void {
    if (!text.includes('&')) {
      this.body.push(text);
      return;
    }
    const resolved = text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|nbsp|quot);/g, plainCharacter);
    for (let at = resolved.indexOf('&'); at >= 0; at = resolved.indexOf('&', at + 1)) this.reference();
    this.body.push(resolved);
  }

  private reference(): void {
    if (++this.references > this.limits.references) {
      throw pageTooLarge(this.url, `more than ${this.limits.references} character references`);
    }
  }

  /** Handles what starts with `<` at `at`; answers where to go on. */
  private markup(at: number): number {
    const { source } = this;
    const next = source.charCodeAt(at + 1);
    if (next === 0x21) return this.declaration(at);
    if (next === 0x3f) return this.after('>', at);
    if (next === 0x2f) return this.endTag(at);
    if (!isAsciiLetter(next)) {
      this.reference();
      this.body.push('&lt;');
      return at + 1;
    }
    const tag = readTag(source, at, this.limits.attributes);
    if (tag === undefined) return source.length; // the page ends inside a tag
    this.startTag(tag);
    if (tag.name === 'script') return this.script(tag);
    if (tag.name === 'title') return this.title(tag);
    if (droppedWhole.has(tag.name))
      return tag.selfClosing && this.isXml ? tag.end : this.pastClose(tag.name, tag.end);
    return tag.end;
  }

  private declaration(at: number): number {
    const { source } = this;
    if (source.startsWith('<!--', at)) {
      if (source.startsWith('<!-->', at) || source.startsWith('<!--->', at)) return this.after('>', at);
      return this.after('-->', at + 4) === source.length && !source.endsWith('-->')
        ? this.after('>', at)
        : this.after('-->', at + 4);
    }
    if (source.startsWith('<![CDATA[', at)) {
      const end = this.find(']]>', at);
      if (end >= 0) {
        this.body.push(
          source
            .slice(at + 9, end)
            .replaceAll('&', '&amp;')
            .replaceAll('<', '&lt;'),
        );
        return end + 3;
      }
    }
    return this.after('>', at);
  }

  /** `indexOf` that does not search again for what is known to be absent from here on. */
  private find(needle: string, from: number): number {
    if (this.neverClosed.has(needle)) return -1;
    const at = this.source.indexOf(needle, from);
    if (at < 0) this.neverClosed.add(needle);
    return at;
  }

  private after(needle: string, from: number): number {
    const at = this.find(needle, from);
    return at < 0 ? this.source.length : at + needle.length;
  }

  /** Start of `</name` at or after `from`, or -1; remembers names that never close. */
  private closeOf(name: string, from: number): number {
    const key = `</${name}`;
    if (this.neverClosed.has(key)) return -1;
    const { source } = this;
    for (let at = source.indexOf('</', from); at >= 0; at = source.indexOf('</', at + 2)) {
      const after = at + key.length;
      if (source.slice(at + 2, after).toLowerCase() === name && !isAsciiLetter(source.charCodeAt(after)))
        return at;
    }
    this.neverClosed.add(key);
    return -1;
  }

  private pastClose(name: string, from: number): number {
    const close = this.closeOf(name, from);
    return close < 0 ? from : this.after('>', close);
  }

  private script(tag: Tag): number {
    const type = tag.attributes.find((attribute) => attribute.name === 'type')?.value ?? '';
    if (tag.selfClosing && this.isXml) return tag.end;
    const close = this.closeOf('script', tag.end);
    const end = close < 0 ? this.source.length : close;
    if (mathScript.test(type)) {
      // A script's text is raw; as an ordinary element it must be escaped.
      const text = this.source.slice(tag.end, Math.min(end, tag.end + 20_000));
      this.elements++;
      this.body.push(`<mt-script type="${escapeAttribute(type)}">`, escapeRaw(text), '</mt-script>');
    }
    return close < 0 ? this.source.length : this.after('>', close);
  }

  private title(tag: Tag): number {
    const close = this.closeOf('title', tag.end);
    if (close < 0) return tag.end;
    if (this.head.length < 64) {
      this.head.push(
        '<title>',
        this.source.slice(tag.end, Math.min(close, tag.end + 2000)).replaceAll('<', '&lt;'),
      );
      this.head.push('</title>');
    }
    return this.after('>', close);
  }

  private startTag(tag: Tag): void {
    const { name } = tag;
    if (name === 'script' || name === 'title' || droppedWhole.has(name) || droppedTag.has(name)) return;
    if (name === 'meta') {
      const text = this.tagText(tag, 'meta');
      if (this.head.length < 64 && text.includes('title')) this.head.push(text);
      return;
    }
    if (name === 'img' && !hasFormulaAttribute(tag)) return;
    const isVoid = voidTags.has(name);
    const top = this.open[this.open.length - 1];
    if (top !== undefined) {
      if (top === 'p' && closesParagraph.has(name)) this.closeTop();
      else {
        const implied = impliedEnd[name];
        while (implied?.has(this.open[this.open.length - 1] ?? '')) this.closeTop();
      }
    }
    const deepest =
      this.depthSum > this.limits.depthSum ? Math.min(24, this.limits.depth) : this.limits.depth;
    if (!isVoid && this.open.length >= deepest) {
      this.tooDeep.set(name, (this.tooDeep.get(name) ?? 0) + 1);
      return;
    }
    this.elements++;
    if (this.elements > this.limits.elements) {
      throw pageTooLarge(this.url, `more than ${this.limits.elements} elements`);
    }
    this.depthSum += this.open.length + 1;
    this.body.push(this.tagText(tag, name));
    if (isVoid) return;
    if (tag.selfClosing && (this.isXml || isForeign(name))) this.body.push(`</${name}>`);
    else this.open.push(name);
  }

  private closeTop(): void {
    this.body.push(`</${this.open.pop()}>`);
  }

  private endTag(at: number): number {
    const { source } = this;
    const end = this.after('>', at);
    let nameEnd = at + 2;
    while (nameEnd < end && isNameUnit(source.charCodeAt(nameEnd))) nameEnd++;
    const name = source.slice(at + 2, nameEnd).toLowerCase();
    if (name === '' || droppedTag.has(name) || droppedWhole.has(name) || voidTags.has(name)) {
      if (name === 'br') this.body.push('<br>');
      return end;
    }
    const pending = this.tooDeep.get(name) ?? 0;
    if (pending > 0) {
      this.tooDeep.set(name, pending - 1);
      return end;
    }
    const index = this.open.lastIndexOf(name); // at most `depth` steps
    if (index < 0) {
      if (name === 'p') this.body.push('<p></p>');
      return end;
    }
    this.open.length = index;
    this.body.push(`</${name}>`);
    return end;
  }

  private tagText(tag: Tag, name: string): string {
    let text = `<${name}`;
    for (const attribute of tag.attributes) {
      const kept = keptAttribute(name, attribute.name, attribute.value);
      if (kept !== undefined) text += ` ${kept.name}="${escapeAttribute(kept.value)}"`;
    }
    return `${text}>`;
  }
}

function hasFormulaAttribute(tag: Tag): boolean {
  return tag.attributes.some(
    ({ name, value }) =>
      (name === 'alt' && value.trim() !== '') ||
      name.startsWith('data-') ||
      (name === 'src' && value.includes('latex')),
  );
}

function plainCharacter(reference: string, decimal?: string, hexadecimal?: string): string {
  if (reference === '&nbsp;') return '\u00a0';
  if (reference === '&quot;') return '"';
  const code = Number.parseInt(decimal ?? hexadecimal ?? '0', decimal === undefined ? 16 : 10);
  // Markup characters, C1 controls (which HTML maps to Windows-1252), surrogates and our marks stay as they are.
  const plain =
    code >= 0x20 && code !== 0x26 && code !== 0x3c && code !== 0x3e && (code < 0x7f || code > 0x9f);
  if (!plain || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return reference;
  if (code >= 0xe000 && code <= 0xe004) return ' ';
  return String.fromCodePoint(code);
}

/** MathML tags, which may close themselves in HTML. */
function isForeign(name: string): boolean {
  return name === 'math' || /^m[a-z]{1,13}$/.test(name);
}

function escapeAttribute(value: string): string {
  return value.includes('"') ? value.replaceAll('"', '&quot;') : value;
}

function escapeRaw(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function isAsciiLetter(unit: number): boolean {
  return (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122);
}

function isNameUnit(unit: number): boolean {
  return isAsciiLetter(unit) || (unit >= 48 && unit <= 58) || unit === 0x2d || unit === 0x5f;
}
