/**
 * Tells Readability what in a page is prose, in the two ways it listens to.
 *
 * Readability throws out a block when a fifth of its text is links. Encyclopedias link every concept, so whole
 * definitions go. Links inside a paragraph that is mostly plain text are therefore unwrapped: their text stays and no
 * longer counts as link text. And blocks that hold formulas get the class `content`, which Readability weighs up, since
 * short blocks of formulas look to it like leftovers of a layout.
 */
import { countMarks } from './math-marks.ts';
import type { PageElement } from './page-dom.ts';

const proseTags = new Set(['p', 'li', 'dd', 'dt', 'td', 'blockquote', 'figcaption']);
const holders = new Set([
  'div',
  'section',
  'ul',
  'ol',
  'dl',
  'table',
  'p',
  'td',
  'li',
  'article',
  'fieldset',
]);
/** Plain characters a paragraph must have, and the share of its text that may be links. */
const leastPlain = 40;
const mostLinks = 0.6;

export function favourProse(root: PageElement): void {
  visit(root);
}

interface Sum {
  text: number;
  links: number;
  /** Formulas in text that belongs to this block and no block inside it. */
  formulas: number;
  anchors: PageElement[];
}

function visit(element: PageElement): Sum {
  const sum: Sum = { text: 0, links: 0, formulas: 0, anchors: [] };
  const isLink = element.localName === 'a';
  for (let child = element.firstChild; child !== null; child = child.nextSibling) {
    if (child.nodeType === 3) {
      const text = child.nodeValue;
      sum.text += text.trim().length;
      sum.formulas += countMarks(text) + countOpeners(text);
    } else {
      const inner = child;
      if (inner.hasAttribute('hidden')) continue;
      const below = visit(inner);
      sum.text += below.text;
      sum.links += below.links;
      sum.formulas += below.formulas;
      if (inner.localName === 'a') sum.anchors.push(inner);
      for (const anchor of below.anchors) sum.anchors.push(anchor);
    }
  }
  if (isLink) sum.links = sum.text;
  const name = element.localName;
  if (holders.has(name) && sum.formulas > 0) {
    const className = element.getAttribute('class');
    if (className !== null || name === 'div' || name === 'section' || name === 'table' || name === 'ul') {
      element.setAttribute('class', `${className ?? ''} content`.trim());
    }
    sum.formulas = 0;
  }
  if (proseTags.has(name)) {
    const plain = sum.text - sum.links;
    if (plain >= leastPlain && sum.links <= sum.text * mostLinks) {
      for (const anchor of sum.anchors) unwrap(anchor);
      sum.links = 0;
    }
    sum.anchors = [];
  }
  return sum;
}

/** Puts the anchor's children where it stands. Marks that only link to themselves (`¶`) stay links. */
function unwrap(anchor: PageElement): void {
  const text = anchor.textContent;
  if (text.length < 2 || /(?:^|\s)headerlink(?:\s|$)/.test(anchor.getAttribute('class') ?? '')) return;
  if (anchor.parentElement?.localName === 'sup') return; // a footnote mark is known by its link
  anchor.replaceWith(...anchor.childNodes);
}

function countOpeners(text: string): number {
  return text.includes('\\(') || text.includes('\\[') || text.includes('$$') ? 1 : 0;
}
