/**
 * Chooses the part of a page to keep: what Readability finds, or the page without its boilerplate.
 *
 * Readability (Mozilla's reader view) is best at articles. It fails on some reference pages: it answers nothing, very
 * little, or leaves out sections dense in formulas. So its answer is checked: too little text, or too many formulas
 * lost against the pruned page, and the pruned page is taken. Prose it dropped from among what it kept is put back first
 * (restore-prose.ts). Pages too deep or large for Readability's repeated
 * passes go to the pruned page at once.
 */
import { Readability } from '@mozilla/readability';
import { pruneBoilerplate } from './boilerplate.ts';
import { favourProse } from './favour-prose.ts';
import { countMarks } from './math-marks.ts';
import { keepBlocks, keptBlocks, lostBlocks, noteBlocks, numberBlocks } from './restore-prose.ts';

export interface MainContent {
  readonly root: Node;
  readonly title: string | undefined;
  readonly route: 'readability' | 'restored' | 'pruned';
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
  const notes = noteBlocks(numberBlocks(first.body));
  favourProse(first.body);
  const article = new Readability<Node>(first, {
    charThreshold: 500,
    keepClasses: true,
    disableJSONLD: true,
    serializer: (node) => node,
  }).parse();
  const root = article?.content;
  if (root === null || root === undefined) return pruned(load(), title);
  let answer: MainContent = { root, title: article?.title?.trim() || title, route: 'readability' };
  const kept = keptBlocks(root as Element);
  const lost = lostBlocks(notes, kept);
  if (lost.length > 0) answer = restored(load(), new Set([...kept, ...lost]), answer.title);

  const text = (answer.root.textContent ?? '').trim();
  const left = countFormulas(answer.root);
  const lostFormulas = formulas > 0 && left < formulas * keptFormulas;
  const lostText = text.length < littleText && text.length * 3 < characters;
  if (!lostFormulas && !lostText) return answer;
  const other = pruned(load(), answer.title);
  // The pruned page may have lost the same (formulas of a footer); then the first answer is the better one.
  const gainsFormulas = countFormulas(other.root) * keptFormulas > left;
  const gainsText = (other.root.textContent ?? '').trim().length > text.length * 1.5;
  return (lostFormulas && gainsFormulas) || (lostText && gainsText) ? other : answer;
}

/** The page cut down to the numbered blocks in `keep`, boilerplate among them aside. */
function restored(document: Document, keep: ReadonlySet<number>, title: string | undefined): MainContent {
  const blocks = numberBlocks(document.body);
  keepBlocks(blocks, keep);
  pruneBoilerplate(document.body);
  return { root: document.body, title, route: 'restored' };
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
