/**
 * Raw HTML to a small, shallow DOM (page-dom.ts), in one pass over the characters:
 *   1. comments, scripts, styles, SVG, forms' controls and media go away (math scripts stay);
 *   2. only attributes that extraction reads stay, each bounded (kept-attributes.ts); `display:none` becomes `hidden`;
 *   3. nesting is bounded: a tag deeper than the limit is left out, its text stays;
 *   4. what a tag closes by itself follows HTML's rules as far as text needs them (open-elements.ts).
 *
 * Gives up: an unclosed comment ends at the next `>`; text of `textarea`, `select`, `button`, `noscript`, `iframe`.
 * Linear time: the search for a closing tag that is not there is made once per name.
 */
import { decodeReferences } from './character-references.ts';
import { keptAttribute } from './kept-attributes.ts';
import { type ExtractLimits, pageTooLarge } from './limits.ts';
import { OpenElements } from './open-elements.ts';
import { PageDocument } from './page-document.ts';
import { PageElement, PageText } from './page-dom.ts';
import { readTag, type Tag } from './read-tag.ts';

export interface BuiltPage {
  readonly document: PageDocument;
  /** Elements kept. */
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
  'html head body base link input object embed param source track frame frameset area font center label fieldset wbr option optgroup picture'.split(
    ' ',
  ),
);
const voidTags = new Set('br hr img meta col mprescripts none mspace'.split(' '));
/** Parts of a formula that MathJax drew as SVG. */
const drawing = new Set('svg g path use rect line text'.split(' '));
const forbidden = /[\uE000-\uE004\0]/;
const forbiddenAll = /[\uE000-\uE004\0]/g;
const mathScript = /^math\/(?:tex|latex|mml|asciimath)/i;
const longestScript = 20_000;
const mostHead = 64;

export function buildPage(html: string, limits: ExtractLimits, url?: string): BuiltPage {
  if (html.length > limits.characters) {
    throw pageTooLarge(url, `${html.length} characters of HTML, more than the ${limits.characters} allowed`);
  }
  return new Builder(html, limits, url).run();
}

class Builder {
  private readonly source: string;
  private readonly limits: ExtractLimits;
  private readonly url: string | undefined;
  private readonly document = new PageDocument();
  private readonly open = new OpenElements(this.document.body);
  /** Start tags left out for depth, whose end tags must be left out too. */
  private readonly tooDeep = new Map<string, number>();
  private readonly neverClosed = new Set<string>();
  private readonly isXml: boolean;
  private pending = '';
  private inHead = 0;
  private elements = 0;
  private depthSum = 0;

  constructor(source: string, limits: ExtractLimits, url: string | undefined) {
    // Private-use marks are ours from here on (see math-marks.ts).
    this.source = forbidden.test(source) ? source.replace(forbiddenAll, ' ') : source;
    this.limits = limits;
    this.url = url;
    this.isXml = /^\s{0,64}<\?xml/.test(source);
  }

  run(): BuiltPage {
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
    this.flushText();
    return { document: this.document, elements: this.elements, depthSum: this.depthSum };
  }

  private text(raw: string): void {
    this.pending += decodeReferences(raw);
  }

  /** Text between two tags is one node, so that a formula in it stays whole. */
  private flushText(): void {
    if (this.pending === '') return;
    this.open.top.appendChild(new PageText(this.pending));
    this.pending = '';
  }

  /** Handles what starts with `<` at `at`; answers where to go on. */
  private markup(at: number): number {
    const { source } = this;
    const next = source.charCodeAt(at + 1);
    if (next === 0x21) return this.declaration(at);
    if (next === 0x3f) return this.after('>', at);
    if (next === 0x2f) return this.endTag(at);
    if (!isAsciiLetter(next)) {
      this.pending += '<';
      return at + 1;
    }
    const tag = readTag(source, at, this.limits.attributes);
    if (tag === undefined) return source.length; // the page ends inside a tag
    if (tag.name === 'script') return this.script(tag);
    if (tag.name === 'title') return this.title(tag);
    if (droppedWhole.has(tag.name) && !(tag.name === 'svg' && this.open.top.localName === 'mjx-container'))
      return tag.selfClosing && this.isXml ? tag.end : this.pastClose(tag.name, tag.end);
    this.startTag(tag);
    return tag.end;
  }

  private declaration(at: number): number {
    const { source } = this;
    if (source.startsWith('<!--', at)) {
      if (source.startsWith('<!-->', at) || source.startsWith('<!--->', at)) return this.after('>', at);
      const close = this.find('-->', at + 4);
      return close < 0 ? this.after('>', at) : close + 3;
    }
    if (source.startsWith('<![CDATA[', at)) {
      const end = this.find(']]>', at);
      if (end >= 0) {
        this.pending += source.slice(at + 9, end);
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
      this.flushText();
      this.count();
      const holder = new PageElement('mt-script', new Map([['type', type.slice(0, 128)]]));
      holder.appendChild(new PageText(this.source.slice(tag.end, Math.min(end, tag.end + longestScript))));
      this.open.top.appendChild(holder);
    }
    return close < 0 ? this.source.length : this.after('>', close);
  }

  private title(tag: Tag): number {
    const close = this.closeOf('title', tag.end);
    if (close < 0) return tag.end;
    if (this.inHead++ < mostHead) {
      const title = new PageElement('title');
      title.textContent = decodeReferences(this.source.slice(tag.end, Math.min(close, tag.end + 2000)));
      this.document.head.appendChild(title);
    }
    return this.after('>', close);
  }

  private startTag(tag: Tag): void {
    const name = plainName(tag.name);
    if (droppedTag.has(name)) return;
    if (name === 'meta') {
      this.meta(tag);
      return;
    }
    this.flushText();
    this.open.beforeStart(name);
    const isVoid = voidTags.has(name);
    const deepest =
      this.depthSum > this.limits.depthSum ? Math.min(24, this.limits.depth) : this.limits.depth;
    if (!isVoid && this.open.depth >= deepest) {
      this.tooDeep.set(name, (this.tooDeep.get(name) ?? 0) + 1);
      return;
    }
    this.count();
    this.depthSum += this.open.depth + 1;
    const element = new PageElement(name, attributesOf(tag));
    this.open.top.appendChild(element);
    if (isVoid || (tag.selfClosing && (this.isXml || isForeign(name) || drawing.has(name)))) return;
    this.open.push(element);
  }

  private count(): void {
    if (++this.elements > this.limits.elements) {
      throw pageTooLarge(this.url, `more than ${this.limits.elements} elements`);
    }
  }

  /** Titles and authors; the rest of the head says nothing about text. */
  private meta(tag: Tag): void {
    const attributes = attributesOf(tag);
    const about = `${attributes?.get('name') ?? ''} ${attributes?.get('property') ?? ''}`;
    if (!/title|author/i.test(about) || this.inHead++ >= mostHead) return;
    this.document.head.appendChild(new PageElement('meta', attributes));
  }

  private endTag(at: number): number {
    const { source } = this;
    const end = this.after('>', at);
    let nameEnd = at + 2;
    while (nameEnd < end && isNameUnit(source.charCodeAt(nameEnd))) nameEnd++;
    const name = plainName(source.slice(at + 2, nameEnd).toLowerCase());
    if (name === 'br') {
      this.flushText();
      this.count();
      this.open.top.appendChild(new PageElement('br'));
      return end;
    }
    if (name === '' || droppedTag.has(name) || voidTags.has(name)) return end;
    if (droppedWhole.has(name) && name !== 'svg') return end;
    this.flushText();
    const pending = this.tooDeep.get(name) ?? 0;
    if (pending > 0) this.tooDeep.set(name, pending - 1);
    else this.open.end(name);
    return end;
  }
}

function attributesOf(tag: Tag): Map<string, string> | undefined {
  let attributes: Map<string, string> | undefined;
  for (const attribute of tag.attributes) {
    const kept = keptAttribute(tag.name, attribute.name, attribute.value);
    if (kept === undefined || attributes?.has(kept.name) === true) continue;
    attributes ??= new Map();
    attributes.set(kept.name, decodeReferences(kept.value, true));
  }
  return attributes;
}

/** MathML written with a prefix (`m:math`, `mml:mi`) is MathML. */
function plainName(name: string): string {
  return name.includes(':') ? name.replace(/^(?:m|mml|math):(?=m)/, '') : name;
}

/** MathML tags, which may close themselves in HTML. */
function isForeign(name: string): boolean {
  return name === 'math' || /^m[a-z]{1,13}$/.test(name);
}

function isAsciiLetter(unit: number): boolean {
  return (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122);
}

function isNameUnit(unit: number): boolean {
  return isAsciiLetter(unit) || (unit >= 48 && unit <= 58) || unit === 0x2d || unit === 0x5f;
}
