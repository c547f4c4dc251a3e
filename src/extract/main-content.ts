/**
 * Cuts a page down to its main text.
 *
 * Mozilla's Readability reads a copy of the page and says which texts it would keep; `BlockChooser` (choose-blocks.ts) corrects that,
 * block by block, and the page itself loses the rest, so that tables, lists and formulas stay as they were written. Where Readability
 * finds nothing, or the page is beyond what its repeated passes may cost, or most formulas would be lost, the page without its
 * boilerplate (boilerplate.ts) is taken.
 */
import { Readability } from '@mozilla/readability';
import { pruneBoilerplate } from './boilerplate.ts';
import { BlockChooser } from './choose-blocks.ts';
import { favourProse } from './favour-prose.ts';
import { type Block, formulasIn, noteKept, pageBlocks } from './page-blocks.ts';
import type { PageDocument } from './page-document.ts';
import type { PageElement, PageText } from './page-dom.ts';

export interface MainContent {
  readonly root: PageElement;
  readonly title: string | undefined;
  /** `restored`: Readability's answer and blocks it had dropped; `pruned`: the page without boilerplate. */
  readonly route: 'readability' | 'restored' | 'pruned';
}

/** Share of the page's formulas that must be kept. */
const keptFormulas = 0.8;
/** With fewer characters than this the answer is compared with the pruned page. */
const littleText = 140;

/**
 * The main text of `page`, which is taken apart.
 *
 * @param readable false when the page is beyond what Readability may cost.
 */
export function mainContent(page: PageDocument, readable: boolean): MainContent {
  const title = pageTitle(page);
  if (!readable) return pruned(page, title);
  const blocks = pageBlocks(page.body);
  const article = readArticle(page.copy());
  if (article === undefined) return pruned(page, title);
  const kept = noteKept(blocks, article.root);
  const chooser = new BlockChooser(blocks);
  const chosen = chooser.choose();
  const answerTitle = article.title || title;
  if (isBetterPruned(page, chosen, chooser.total.formulas)) return pruned(page, answerTitle);
  const restored = cut(blocks, chosen, kept);
  return { root: page.body, title: answerTitle, route: restored ? 'restored' : 'readability' };
}

function readArticle(copy: PageDocument): { root: PageElement; title: string } | undefined {
  favourProse(copy.body);
  const article = new Readability<PageElement>(copy as unknown as Document, {
    charThreshold: 500,
    keepClasses: true,
    disableJSONLD: true,
    serializer: (node) => node as unknown as PageElement,
  }).parse();
  const root = article?.content;
  return root === null || root === undefined ? undefined : { root, title: article?.title?.trim() ?? '' };
}

/** Whether too little was chosen and the page without its boilerplate has clearly more. */
function isBetterPruned(page: PageDocument, chosen: ReadonlySet<Block>, formulas: number): boolean {
  let characters = 0;
  let left = 0;
  for (const block of chosen) {
    characters += block.characters;
    left += block.formulas;
  }
  const lostFormulas = left < formulas * keptFormulas;
  if (characters >= littleText && !lostFormulas) return false;
  const other = page.copy();
  pruneBoilerplate(other.body);
  const text = other.body.textContent;
  // The pruned page may have lost the same (formulas of a footer); then the first answer is the better one.
  return (
    (characters < littleText && text.trim().length > characters * 1.5) ||
    (lostFormulas && formulasIn(text) * keptFormulas > left)
  );
}

/** Removes all text but that of `chosen`; answers whether any of it had been dropped by Readability. */
function cut(blocks: readonly Block[], chosen: ReadonlySet<Block>, kept: ReadonlySet<PageText>): boolean {
  let restored = false;
  for (const block of blocks) {
    const isChosen = chosen.has(block);
    if (isChosen && block.kept === 0) {
      restored = true;
      continue;
    }
    for (const text of block.texts) {
      if (!isChosen || !(kept.has(text) || formulasIn(text.nodeValue) > 0)) text.remove();
    }
  }
  return restored;
}

function pruned(page: PageDocument, title: string | undefined): MainContent {
  pruneBoilerplate(page.body);
  return { root: page.body, title, route: 'pruned' };
}

function pageTitle(page: PageDocument): string | undefined {
  for (const text of [page.title, page.body.first('h1')?.textContent]) {
    const plain = text?.replace(/\s+/g, ' ').trim();
    if (plain) return plain;
  }
  return undefined;
}
