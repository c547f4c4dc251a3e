/**
 * Removes what is around the content of a page: navigation, footers, sidebars, banners, and blocks made of links.
 *
 * This is the route for pages on which Readability finds nothing or loses the formulas. One pass from the leaves up
 * counts text, link text and formulas of every block; a block goes when its tag, role or class says it is
 * boilerplate and it holds no formulas to speak of, or when most of its text is links. Keeps more than Readability.
 */
import { NameJudge } from './boilerplate-names.ts';
import { countMarks } from './math-marks.ts';
import type { PageElement, PageNode } from './page-dom.ts';

const blocks = new Set('div section ul ol table dl p header form td li h1 h2 h3'.split(' '));

interface Measure {
  text: number;
  links: number;
  anchors: number;
  formulas: number;
}

/** Removes boilerplate below `root` in place. */
export function pruneBoilerplate(root: PageElement): void {
  measure(root, false, false, new NameJudge());
}

function measure(element: PageElement, inLink: boolean, inContent: boolean, names: NameJudge): Measure {
  const total: Measure = { text: 0, links: 0, anchors: 0, formulas: 0 };
  const isLink = inLink || element.localName === 'a';
  const content = inContent || element.localName === 'article' || element.localName === 'main';
  for (let child = element.firstChild; child !== null; ) {
    const next: PageNode | null = child.nextSibling;
    if (child.nodeType === 3) {
      const text = child.nodeValue;
      const visible = visibleLength(text);
      total.text += visible;
      if (isLink) total.links += visible;
      total.formulas += countMarks(text);
    } else {
      const inner = child;
      const sum = measure(inner, isLink, content, names);
      if (isBoilerplate(inner, sum, content, names)) inner.remove();
      else {
        total.text += sum.text;
        total.links += sum.links;
        total.anchors += sum.anchors + (inner.localName === 'a' ? 1 : 0);
        total.formulas += sum.formulas;
      }
    }
    child = next;
  }
  return total;
}

function isBoilerplate(element: PageElement, sum: Measure, inContent: boolean, names: NameJudge): boolean {
  const name = element.localName;
  if (name === 'pre' || name === 'math' || name === 'article' || name === 'main') return false;
  if (element.hasAttribute('hidden')) return true;
  // Formulas are content, unless they are few in a lot of links (a menu with formulas in its titles).
  const holdsMath = sum.formulas >= 3 && sum.links * 2 < sum.text;
  if (!holdsMath) {
    if (name === 'header' && !inContent && sum.text < 1000) return true;
    if (names.judge(element).boilerplate && (sum.text < 2000 || sum.links * 3 > sum.text)) return true;
  }
  if (!blocks.has(name) || sum.text === 0) return false;
  const linkShare = sum.links / sum.text;
  if (name === 'li' || name === 'td' || name === 'p' || name.startsWith('h'))
    return linkShare > 0.9 && sum.anchors >= 4;
  return linkShare > 0.66 && sum.anchors >= 3;
}

/** Characters that are not white space. */
function visibleLength(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x20) count++;
  return count;
}
