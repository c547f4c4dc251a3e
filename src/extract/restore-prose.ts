/**
 * Puts back the paragraphs that Readability drops from the middle of an article.
 *
 * Readability scores blocks one by one and leaves out short ones, so a theorem of one line between two long paragraphs
 * goes, and the first sentence of a definition with it. Every block with text of its own gets a number before
 * Readability runs; afterwards a missing block is put back when it is prose (holds a formula, or a sentence with few
 * links) and stands among kept blocks: between the first and the last, or in the same container as one of them.
 */
import { countMarks } from './math-marks.ts';

/** Attribute that carries a block's number through Readability. */
const numberAttribute = 'data-mt-block';

const blockTags = new Set(
  (
    'p li dd dt td th blockquote pre h1 h2 h3 h4 h5 h6 div section article main figcaption caption summary body header ' +
    'footer nav aside figure details address fieldset ul ol dl table tr tbody thead tfoot'
  ).split(' '),
);
/** Levels up at which two blocks count as being in one container. */
const containerLevels = 3;

interface Block {
  readonly element: Element;
  text: number;
  links: number;
  formulas: number;
  sentence: boolean;
  readonly nodes: Node[];
}

/** The blocks of a page in document order; the same page gives the same numbers. */
export function numberBlocks(body: Element): Block[] {
  const blocks: Block[] = [];
  const known = new Map<Element, Block>();
  const visit = (element: Element, block: Element, inLink: boolean): void => {
    for (let child = element.firstChild; child !== null; child = child.nextSibling) {
      if (child.nodeType === 3) {
        const text = child.nodeValue ?? '';
        const trimmed = text.trim();
        if (trimmed === '') continue;
        let record = known.get(block);
        if (record === undefined) {
          record = { element: block, text: 0, links: 0, formulas: 0, sentence: false, nodes: [] };
          known.set(block, record);
          block.setAttribute(numberAttribute, String(blocks.length));
          blocks.push(record);
        }
        record.text += trimmed.length;
        if (inLink) record.links += trimmed.length;
        record.formulas += countMarks(text) + (/\\[([]|\$/.test(text) ? 1 : 0);
        record.sentence ||= /[.:;?!]$|[.?!] /.test(trimmed);
        record.nodes.push(child);
      } else if (child.nodeType === 1) {
        const inner = child as Element;
        if (inner.hasAttribute('hidden')) continue;
        const name = inner.localName;
        visit(inner, blockTags.has(name) ? inner : block, inLink || name === 'a');
      }
    }
  };
  visit(body, body, false);
  return blocks;
}

/** Numbers of the blocks that `root` (what Readability answered) still holds. */
export function keptBlocks(root: Element): Set<number> {
  const kept = new Set<number>();
  const own = root.getAttribute(numberAttribute);
  if (own !== null) kept.add(Number(own));
  for (const element of root.querySelectorAll(`[${numberAttribute}]`)) {
    kept.add(Number(element.getAttribute(numberAttribute)));
  }
  return kept;
}

/** What is needed of a block to judge it once Readability has taken the page apart. */
export interface BlockNote {
  readonly prose: boolean;
  /** Numbers of the nearest containers, innermost first. */
  readonly containers: readonly number[];
}

/** Notes on every block, made before Readability runs. */
export function noteBlocks(blocks: readonly Block[]): BlockNote[] {
  const containerNumbers = new Map<Element, number>();
  return blocks.map((block) => {
    const containers: number[] = [];
    let container = block.element.parentElement;
    for (
      let level = 0;
      level < containerLevels && container !== null;
      level++, container = container.parentElement
    ) {
      if (container.localName === 'body') break;
      let number = containerNumbers.get(container);
      if (number === undefined) {
        number = containerNumbers.size;
        containerNumbers.set(container, number);
      }
      containers.push(number);
    }
    const fewLinks = block.links * 10 <= block.text * 3;
    const prose =
      (block.formulas > 0 && block.links * 2 <= block.text) ||
      (fewLinks && block.sentence && block.text >= 50);
    return { prose, containers };
  });
}

/** Numbers of blocks to put back; empty when Readability lost nothing that counts. */
export function lostBlocks(notes: readonly BlockNote[], kept: ReadonlySet<number>): number[] {
  let first = notes.length;
  let last = -1;
  const containers = new Set<number>();
  for (const index of kept) {
    const note = notes[index];
    if (note === undefined) continue;
    if (index < first) first = index;
    if (index > last) last = index;
    for (const container of note.containers) containers.add(container);
  }
  const lost: number[] = [];
  for (let index = 0; index < notes.length; index++) {
    const note = notes[index]!;
    if (kept.has(index) || !note.prose) continue;
    const near = note.containers.some((container) => containers.has(container));
    if (near || (index > first && index < last)) lost.push(index);
  }
  return lost;
}

/** Removes the text of every block whose number is not in `keep`. */
export function keepBlocks(blocks: readonly Block[], keep: ReadonlySet<number>): void {
  for (let index = 0; index < blocks.length; index++) {
    if (keep.has(index)) continue;
    for (const node of blocks[index]!.nodes) (node as ChildNode).remove();
  }
}
