/**
 * The elements that are open while a page is read, and which of them a tag closes: the part of HTML's tree construction that
 * decides where text ends up.
 *
 * After the HTML standard, section 13.2.6: a block closes an open paragraph, `li` closes `li` up to its list, cells and rows close
 * up to their table, an end tag does not reach out of its table cell. Simplified: formatting elements (`b`, `a`) that are closed
 * by a block are not opened again, an end tag of one leaves open blocks inside it as they are, and text in tables stays in them.
 * Every step looks at no more than the bounded depth of the page.
 */
import type { PageElement } from './page-dom.ts';

const closesParagraph = new Set(
  (
    'address article aside blockquote details div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr main menu ' +
    'nav ol p pre section summary table ul'
  ).split(' '),
);
const headings = new Set('h1 h2 h3 h4 h5 h6'.split(' '));
/** Elements out of which no end tag of an ordinary element reaches. */
const scopes = new Set('table td th caption'.split(' '));
const formatting = new Set(
  'a b i em strong u s small big tt code span sub sup font nobr cite abbr mark q kbd samp var'.split(' '),
);
/** For each tag: what it closes, and what ends the search for it. */
const implied: Record<string, { closes: ReadonlySet<string>; within: ReadonlySet<string> }> = {
  li: {
    closes: new Set(['li']),
    within: new Set(['ul', 'ol', 'menu', 'table', 'td', 'th', 'section', 'article']),
  },
  dt: { closes: new Set(['dt', 'dd']), within: new Set(['dl', 'ul', 'ol', 'table', 'td', 'th']) },
  dd: { closes: new Set(['dt', 'dd']), within: new Set(['dl', 'ul', 'ol', 'table', 'td', 'th']) },
  td: { closes: new Set(['td', 'th', 'caption']), within: new Set(['tr', 'table']) },
  th: { closes: new Set(['td', 'th', 'caption']), within: new Set(['tr', 'table']) },
  tr: {
    closes: new Set(['tr', 'caption', 'td', 'th']),
    within: new Set(['tbody', 'thead', 'tfoot', 'table']),
  },
  tbody: { closes: new Set(['tbody', 'thead', 'tfoot', 'caption', 'tr']), within: new Set(['table']) },
  thead: { closes: new Set(['tbody', 'thead', 'tfoot', 'caption', 'tr']), within: new Set(['table']) },
  tfoot: { closes: new Set(['tbody', 'thead', 'tfoot', 'caption', 'tr']), within: new Set(['table']) },
};
const tableTags = new Set('table td th caption tr tbody thead tfoot'.split(' '));

export class OpenElements {
  private readonly stack: PageElement[] = [];
  private readonly root: PageElement;

  constructor(root: PageElement) {
    this.root = root;
  }

  get depth(): number {
    return this.stack.length;
  }

  get top(): PageElement {
    return this.stack[this.stack.length - 1] ?? this.root;
  }

  push(element: PageElement): void {
    this.stack.push(element);
  }

  /** Closes what a start tag `name` closes by itself. */
  beforeStart(name: string): void {
    if (closesParagraph.has(name)) this.closeParagraph();
    if (headings.has(name) && headings.has(this.top.localName)) this.stack.pop();
    if (name === 'a') this.endFormatting('a'); // links do not nest
    const rule = implied[name];
    if (rule === undefined) return;
    // The outermost of what is closed: `tr` closes the cell and the row it is in.
    let closing = -1;
    for (let at = this.stack.length - 1; at >= 0; at--) {
      const open = this.stack[at]?.localName ?? '';
      if (rule.within.has(open)) break;
      if (rule.closes.has(open)) closing = at;
      if (closing === at && !tableTags.has(name)) break;
    }
    if (closing >= 0) this.stack.length = closing;
  }

  private closeParagraph(): void {
    for (let at = this.stack.length - 1; at >= 0; at--) {
      const open = this.stack[at]?.localName ?? '';
      if (open === 'p') {
        this.stack.length = at;
        return;
      }
      if (!formatting.has(open)) return;
    }
  }

  /** Closes the element that an end tag `name` ends. False when there is none. */
  end(name: string): boolean {
    if (formatting.has(name)) return this.endFormatting(name);
    const isTable = tableTags.has(name);
    for (let at = this.stack.length - 1; at >= 0; at--) {
      const open = this.stack[at]?.localName ?? '';
      if (open === name || (headings.has(name) && headings.has(open))) {
        this.stack.length = at;
        return true;
      }
      if (isTable ? open === 'table' : scopes.has(open)) return false;
    }
    return false;
  }

  /** Ends a formatting element; blocks that are open inside it stay open. */
  private endFormatting(name: string): boolean {
    for (let at = this.stack.length - 1; at >= 0; at--) {
      const open = this.stack[at]?.localName ?? '';
      if (open === name) {
        let inside = at + 1;
        while (inside < this.stack.length && formatting.has(this.stack[inside]?.localName ?? '')) inside++;
        if (inside === this.stack.length) this.stack.length = at;
        else this.stack.splice(at, 1);
        return true;
      }
      if (scopes.has(open)) return false;
    }
    return false;
  }
}
