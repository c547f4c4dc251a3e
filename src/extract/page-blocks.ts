/**
 * The blocks of a page: runs of text that stand together (a paragraph, a heading, a cell), each with what is needed to judge it.
 *
 * A block is an element with text of its own; text of inline elements inside it counts as its own. Blocks are in document order.
 * What an algorithm kept of a copy of the page is read back through the texts' origins, so the page itself stays whole.
 */
import { countMarks } from './math-marks.ts';
import type { PageElement, PageText } from './page-dom.ts';

export interface Block {
  readonly element: PageElement;
  readonly texts: PageText[];
  /** Visible characters; of them inside links; of them kept by the algorithm. */
  characters: number;
  links: number;
  kept: number;
  formulas: number;
  /** Visible characters in `code` and its like. */
  code: number;
  /** Holds the end of a sentence. */
  sentence: boolean;
}

const blockTags = new Set(
  (
    'p li dd dt td th blockquote pre h1 h2 h3 h4 h5 h6 div section article main figcaption caption summary body header ' +
    'footer nav aside figure details address fieldset form ul ol dl table tr tbody thead tfoot'
  ).split(' '),
);

const codeTags = new Set('pre code kbd samp tt'.split(' '));

export function pageBlocks(body: PageElement): Block[] {
  const blocks: Block[] = [];
  const known = new Map<PageElement, Block>();
  const visit = (element: PageElement, owner: PageElement, inLink: boolean, inCode: boolean): void => {
    for (let child = element.firstChild; child !== null; child = child.nextSibling) {
      if (child.nodeType === 3) {
        const trimmed = child.nodeValue.trim();
        if (trimmed === '') continue;
        let block = known.get(owner);
        if (block === undefined) {
          block = {
            element: owner,
            texts: [],
            characters: 0,
            links: 0,
            kept: 0,
            formulas: 0,
            code: 0,
            sentence: false,
          };
          known.set(owner, block);
          blocks.push(block);
        }
        block.characters += trimmed.length;
        if (inLink) block.links += trimmed.length;
        if (inCode) block.code += trimmed.length;
        block.formulas += formulasIn(trimmed);
        block.sentence ||= /[.:;?!。！？।։؟]["'”’»)\]]*$|[.?!] /.test(trimmed);
        block.texts.push(child);
      } else if (!child.hasAttribute('hidden')) {
        const name = child.localName;
        visit(
          child,
          blockTags.has(name) ? child : owner,
          inLink || name === 'a',
          inCode || codeTags.has(name),
        );
      }
    }
  };
  visit(body, body, false, false);
  return blocks;
}

/** Visible text of a block on one line. */
export function lineOf(block: Block): string {
  return block.texts
    .map((text) => text.nodeValue)
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Notes in `blocks` how many characters of each are below `root`, part of a copy of their page; answers the texts kept. */
export function noteKept(blocks: readonly Block[], root: PageElement): Set<PageText> {
  const kept = new Set<PageText>();
  const visit = (element: PageElement): void => {
    for (let child = element.firstChild; child !== null; child = child.nextSibling) {
      if (child.nodeType === 3) kept.add(child.origin);
      else visit(child);
    }
  };
  visit(root);
  for (const block of blocks) {
    block.kept = 0;
    for (const text of block.texts) if (kept.has(text)) block.kept += text.nodeValue.trim().length;
  }
  return kept;
}

/** Formulas in `text`: marked ones, and a guess at delimited ones. */
export function formulasIn(text: string): number {
  let count = countMarks(text);
  if (!text.includes('\\') && !text.includes('$')) return count;
  for (const opener of ['\\(', '\\[', '$$']) {
    for (let at = text.indexOf(opener); at >= 0; at = text.indexOf(opener, at + 2)) count++;
  }
  if (count === 0 && /\$[^$\s][^$]*\$/.test(text)) count++;
  return count;
}
