/**
 * Chooses the part of a page to keep: what Readability finds, or the page without its boilerplate.
 *
 * Readability (Mozilla's reader view) is best at articles. It fails on some reference pages: it answers nothing, very
 * little, or leaves out sections dense in formulas. So its answer is checked: too little text, or too many formulas
 * lost against the pruned page, and the pruned page is taken. Pages too deep or large for Readability's repeated
 * passes go to the pruned page at once.
 */
import { Readability } from '@mozilla/readability';
import { pruneBoilerplate } from './boilerplate.ts';
import { favourProse } from './favour-prose.ts';
import { countMarks } from './math-marks.ts';

export interface MainContent {
  readonly root: Node;
  readonly title: string | undefined;
  readonly route: 'readability' | 'pruned';
}

/** Share of the page's formulas Readability must keep. */
const keptFormulas = 0.8;
/** Below this many characters Readability's answer is compared with the whole page. */
const littleText = 500;

/**
 * @param load builds the page (with its formulas marked) anew; Readability takes its copy apart.
 * @param readable false when the page is beyond what Readability may cost.
 */
export function mainContent(load: () => Document, readable: boolean): MainContent {
  const first = load();
  const title = pageTitle(first);
  if (!readable) return pruned(first, title);
  const formulas = countFormulas(first.body);
  const characters = (first.body.textContent ?? '').length;
  favourProse(first.body);
  const article = new Readability<Node>(first, {
    charThreshold: 500,
    keepClasses: true,
    disableJSONLD: true,
    serializer: (node) => node,
  }).parse();
  const root = article?.content;
  if (root === null || root === undefined) return pruned(load(), title);
  const text = (root.textContent ?? '').trim();
  const kept = countFormulas(root);
  const lostFormulas = formulas >= 3 && kept < formulas * keptFormulas;
  const lostText = text.length < littleText && text.length * 3 < characters;
  const answer: MainContent = { root, title: article?.title?.trim() || title, route: 'readability' };
  if (!lostFormulas && !lostText) return answer;
  const other = pruned(load(), answer.title);
  // The pruned page may have lost the same things (formulas of a footer); then Readability's answer is the better one.
  const otherFormulas = countFormulas(other.root);
  if (lostFormulas && kept >= otherFormulas * keptFormulas && !lostText) return answer;
  if (lostText && !lostFormulas && (other.root.textContent ?? '').trim().length < text.length * 1.5)
    return answer;
  return other;
}

function pruned(document: Document, title: string | undefined): MainContent {
  pruneBoilerplate(document.body);
  return { root: document.body, title, route: 'pruned' };
}

function pageTitle(document: Document): string | undefined {
  const candidates = [
    document.querySelector('title')?.textContent,
    document.querySelector('h1')?.textContent,
  ];
  for (const candidate of candidates) {
    const text = candidate?.replace(/\s+/g, ' ').trim();
    if (text) return text;
  }
  return undefined;
}

/**
 * Formulas below `node`: marked ones, and openers of delimited ones in text. Counted the same way before and after, so
 * only the ratio matters.
 */
function countFormulas(node: Node): number {
  const text = node.textContent ?? '';
  let count = countMarks(text);
  for (const opener of ['\\(', '\\[', '$$']) {
    for (let at = text.indexOf(opener); at >= 0; at = text.indexOf(opener, at + 2)) count++;
  }
  return count;
}
