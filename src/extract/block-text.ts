/**
 * DOM to plain text that keeps its structure: paragraphs, lists, tables, code and displayed formulas on lines of their
 * own.
 *
 * `textContent` glues blocks together; this walker breaks lines where a browser would. Lists get `- ` and `1. `, data
 * tables become `| a | b |` rows, `pre` stays verbatim, superscripts and subscripts become `^{}` and `_{}`. Marked
 * formulas (math-marks.ts) get their delimiters here and are counted.
 *
 * Gives up: links' addresses, emphasis, image captions without text. The DOM's depth is bounded, so recursion is safe.
 */
import { delimitTex } from './clean-tex.ts';
import { marks, type Range, stripMarks } from './math-marks.ts';
import type { PageElement, PageNode } from './page-dom.ts';
import { TextBuilder } from './text-builder.ts';

export interface BlockText {
  readonly text: string;
  /** Ranges of `text` that are formulas which came from markup, delimiters included. */
  readonly formulas: readonly Range[];
  /** Ranges of `text` that are code and hold no formulas. */
  readonly code: readonly Range[];
}

const paragraphs = new Set(
  'p h1 h2 h3 h4 h5 h6 blockquote pre table ul ol dl section article main figure hr aside details fieldset address'.split(
    ' ',
  ),
);
const lines = new Set(
  'div li dt dd tr caption figcaption header footer nav summary legend tbody thead tfoot'.split(' '),
);
const skipped = new Set('head script style title meta link mt-script rp'.split(' '));
const skippedClass =
  /(?:^|\s)(?:headerlink|mw-editsection|reference|ltx_note_mark|ltx_tag_itemize|ltx_tag_enumerate|anchorjs-link|viewcode-link|noprint|sr-only|visually-hidden|screen-reader-text|MathJax_Preview)(?:\s|$)/;
const formulaMark = new RegExp(`[${marks.inline}${marks.display}${marks.end}]`, 'g');
const wholeInline = new RegExp(`^${marks.inline}\\$[^$]+\\$${marks.end}$`);
/** Words that are squared and cubed. */
const raisable =
  /^(?:a?sinh?|a?cosh?|a?tanh?|sech|csch|coth|cosec|arc\w+|log|metres?|meters?|centimet(?:er|re)s?|kilomet(?:er|re)s?|millimet(?:er|re)s?|inch(?:es)?|feet|foot|yards?|miles?|units?|seconds?|side|radius|length|width|area)$/i;
const ordinal = /^(?:st|nd|rd|th|ème|er|ª|º|tm|®|™)$/i;

export function blockText(root: PageElement): BlockText {
  const walker = new Walker();
  walker.children(root);
  return stripMarks(walker.builder.finish());
}

class Walker {
  readonly builder = new TextBuilder();
  private listDepth = 0;

  children(node: PageElement): void {
    let text = '';
    for (let child = node.firstChild; child !== null; child = child.nextSibling) {
      if (child.nodeType === 3) {
        text += child.nodeValue; // neighbours are one text: a formula may have been put between two
        continue;
      }
      if (text !== '') this.text(text);
      text = '';
      this.element(child);
    }
    if (text !== '') this.text(text);
  }

  /** Text with marked formulas: everything outside them has its white space collapsed. */
  private text(text: string): void {
    let from = 0;
    let start = -1;
    for (const match of text.includes(marks.end) ? text.matchAll(formulaMark) : []) {
      if (match[0] !== marks.end) {
        start = match.index;
        continue;
      }
      if (start >= from) {
        this.builder.inline(text.slice(from, start));
        this.formula(text.slice(start + 1, match.index), text[start] === marks.display);
      }
      from = match.index + 1;
      start = -1;
    }
    this.builder.inline(text.slice(from));
  }

  private formula(tex: string, display: boolean): void {
    const delimited = (display ? marks.display : marks.inline) + delimitTex(tex, display) + marks.end;
    if (display && !this.builder.singleLine) {
      this.builder.breakLine(1);
      this.builder.inline(delimited);
      this.builder.breakAfterFormula();
    } else this.builder.inline(delimited);
  }

  private element(element: PageElement): void {
    const name = element.localName;
    if (skipped.has(name) || element.hasAttribute('hidden')) return;
    const className = element.getAttribute('class');
    if (className !== null && skippedClass.test(className) && !this.isCitedText(element, className)) return;
    switch (name) {
      case 'br':
        this.builder.breakLine(1);
        return;
      case 'sup':
        this.script(element, '^');
        return;
      case 'sub':
        this.script(element, '_');
        return;
      case 'pre':
        this.preformatted(element);
        return;
      case 'code':
      case 'kbd':
      case 'samp':
      case 'tt':
        this.code(element);
        return;
      case 'ul':
      case 'ol':
        this.list(element, name === 'ol');
        return;
      case 'table':
        this.table(element);
        return;
      case 'a':
        if (isAnchorMark(element)) return;
        break;
      case 'td':
      case 'th':
        this.builder.breakLine(1);
        break;
    }
    const gap = paragraphs.has(name) ? 2 : lines.has(name) ? 1 : 0;
    if (gap > 0) this.builder.breakLine(gap);
    this.children(element);
    if (gap > 0) this.builder.breakLine(gap);
  }

  /** `reference` is Wikipedia's class for citation marks, and Sphinx's for every link. */
  private isCitedText(element: PageElement, className: string): boolean {
    return /(?:^|\s)reference(?:\s|$)/.test(className) && element.localName !== 'sup';
  }

  /** What `node` gives when nothing may break the line. */
  private inlineOf(element: PageElement): string {
    const inner = new Walker();
    inner.builder.singleLine = true;
    inner.children(element);
    return inner.builder.finish();
  }

  private script(element: PageElement, mark: '^' | '_'): void {
    let text = this.inlineOf(element);
    if (text === '') return;
    const footnote = isFootnoteMark(element, text) || isNoteOfWord(this.builder.lastWord(), text);
    if (mark === '^' && (ordinal.test(text) || footnote)) {
      if (ordinal.test(text)) this.builder.inline(text);
      return;
    }
    // A formula that is the whole script needs no dollars of its own.
    if (wholeInline.test(text)) text = text.slice(2, -2);
    this.builder.glue(`${mark}{${text}}`);
  }

  private preformatted(element: PageElement): void {
    const text = verbatim(element);
    this.builder.breakLine(2);
    this.builder.verbatim(text);
    this.builder.breakLine(2);
  }

  private code(element: PageElement): void {
    const text = this.inlineOf(element);
    if (text !== '') this.builder.inline(marks.codeStart + text + marks.codeEnd);
  }

  private list(element: PageElement, ordered: boolean): void {
    this.builder.breakLine(this.listDepth === 0 ? 2 : 1);
    this.listDepth++;
    let number = Number.parseInt(element.getAttribute('start') ?? '1', 10) || 1;
    for (const child of element.childNodes) {
      if (child.nodeType === 3) {
        this.text(child.nodeValue);
        continue;
      }
      if (child.localName !== 'li') {
        this.element(child);
        continue;
      }
      if (child.hasAttribute('hidden')) continue;
      this.builder.breakLine(1);
      this.builder.marker(ordered ? `${number}. ` : '- ', Math.min(this.listDepth - 1, 6));
      number++;
      this.children(child);
      this.builder.endMarker();
      this.builder.breakLine(1);
    }
    this.listDepth--;
    this.builder.breakLine(this.listDepth === 0 ? 2 : 1);
  }

  private table(table: PageElement): void {
    const rows = this.builder.singleLine ? undefined : dataRows(table);
    if (rows === undefined) {
      this.builder.breakLine(2);
      this.children(table);
      this.builder.breakLine(2);
      return;
    }
    this.builder.breakLine(2);
    for (const row of rows) {
      if (row.localName === 'caption') {
        this.builder.inline(this.inlineOf(row));
        this.builder.breakLine(1);
        continue;
      }
      const cells = [...row.children].map((cell) => this.inlineOf(cell));
      if (cells.every((cell) => cell === '')) continue;
      this.builder.inline(`| ${cells.join(' | ')} |`);
      this.builder.breakLine(1);
    }
    this.builder.breakLine(2);
  }
}

/** What stands in tables that lay out a page. */
const laidOut = new Set('table pre h1 h2 h3 h4 ul ol blockquote'.split(' '));

/** Rows of a table of data; undefined for a table that lays out a page (nested blocks, one column). */
function dataRows(table: PageElement): PageElement[] | undefined {
  if (table.getAttribute('role') === 'presentation') return undefined;
  if (table.find((inner) => laidOut.has(inner.localName)) !== null) return undefined;
  const rows = table.querySelectorAll('caption,tr').filter((row) => !row.hasAttribute('hidden'));
  let wide = 0;
  let total = 0;
  for (const row of rows) {
    if (row.localName !== 'tr') continue;
    total++;
    if (row.children.length > 1) wide++;
    for (const cell of row.children) {
      if (cell.textContent.length > 1200 || cell.querySelectorAll('p,div,br').length > 12) return undefined;
    }
  }
  return total > 0 && wide * 2 >= total ? rows : undefined;
}

/** Text of `pre` as it stands, line breaks and all. */
function verbatim(element: PageElement): string {
  let text = '';
  const visit = (child: PageNode): void => {
    if (child.nodeType === 3) text += child.nodeValue;
    else {
      if (child.localName === 'br') text += '\n';
      else if (!child.hasAttribute('hidden')) {
        for (let inner = child.firstChild; inner !== null; inner = inner.nextSibling) visit(inner);
        if (child.localName === 'div') text += '\n';
      }
    }
  };
  visit(element);
  return text;
}

/** `¶`, `#`, `§` that link to the heading they stand in. */
function isAnchorMark(element: PageElement): boolean {
  if (element.firstElementChild !== null) return false;
  const text = element.textContent.trim();
  return text === '¶' || text === '#' || text === '§' || text === '🔗' || text === '\uf0c1';
}

/** A number raised after an ordinary word (`theorem` and a raised 3) is a note; after a unit or a function it is an exponent. */
function isNoteOfWord(word: string, mark: string): boolean {
  if (/^\[\w{1,4}\]$/.test(mark)) return true;
  if (!/^(?:\d{1,3}(?:[,–-]\d{1,3})*|[*†‡§])$/.test(mark)) return false;
  return /^\p{L}?\p{Ll}{3,}$/u.test(word) && !raisable.test(word);
}

/** A raised number that is nothing but a link into the page: a footnote mark, not an exponent. */
function isFootnoteMark(element: PageElement, text: string): boolean {
  if (!/^[[(]?(?:\d{1,3}|[a-z*†‡])[\])]?$/.test(text)) return false;
  const link = element.first('a');
  if (link === null || link.textContent.trim().length < text.length - 2) return false;
  return (link.getAttribute('href') ?? '').includes('#');
}
