/**
 * Which blocks of a page are its main text, from three witnesses: what Readability kept, what names say (boilerplate-names.ts), and
 * what the block itself is (prose, formulas, links).
 *
 *   1. The *container* is the element that templates give the body of an article, if Readability found its text there.
 *   2. Kept blocks stay, unless a boilerplate element holds them, or they stand outside a container that holds nearly all.
 *   3. Lost blocks come back inside the container, or among kept blocks: formulas and code always, prose on technical pages, and
 *      elsewhere prose that stands between kept prose. Readability scores blocks one by one and leaves out short ones, so a theorem
 *      of one line would go.
 * A boilerplate name counts only while what it takes is a small part of the text.
 */

import { isBoilerplateLine } from './boilerplate-lines.ts';
import { NameJudge } from './boilerplate-names.ts';
import { type Block, lineOf } from './page-blocks.ts';
import type { PageElement } from './page-dom.ts';

/** A longer text said twice is the author's. */
const longestRepeat = 300;

interface Sums {
  characters: number;
  kept: number;
  links: number;
  formulas: number;
}

/** Elements of one name. `content` as in boilerplate-names.ts. */
interface Group {
  readonly content: number;
  readonly elements: Set<PageElement>;
  characters: number;
  kept: number;
}

export class BlockChooser {
  private readonly blocks: readonly Block[];
  private readonly judge = new NameJudge();
  private readonly sums = new Map<PageElement, Sums>();
  private readonly flagged = new Map<PageElement, boolean>();
  readonly total: Sums = { characters: 0, kept: 0, links: 0, formulas: 0 };
  readonly technical: boolean;

  constructor(blocks: readonly Block[]) {
    this.blocks = blocks;
    let code = 0;
    for (const block of blocks) {
      code += block.code;
      add(this.total, block);
      for (let up: PageElement | null = block.element; up !== null; up = up.parentNode) {
        let sums = this.sums.get(up);
        if (sums === undefined) {
          sums = { characters: 0, kept: 0, links: 0, formulas: 0 };
          this.sums.set(up, sums);
        }
        add(sums, block);
      }
    }
    this.technical = this.total.formulas >= 3 || code >= 400 || code * 20 >= this.total.characters;
  }

  /** The blocks to keep after Readability. */
  choose(): Set<Block> {
    const chosen = new Set<Block>();
    const body = this.body();
    let first = this.blocks.length;
    let last = -1;
    for (const [index, block] of this.blocks.entries()) {
      if (block.kept === 0) continue;
      if (this.isFlagged(block.element)) continue;
      if (body.narrow && !isWithin(block.element, body.elements)) continue;
      chosen.add(block);
      if (index < first) first = index;
      last = index;
    }
    const near = this.containersOf(chosen);
    for (const [index, block] of this.blocks.entries()) {
      if (chosen.has(block) || this.isFlagged(block.element)) continue;
      const inside = isWithin(block.element, body.elements);
      if (body.narrow && !inside) continue;
      if (this.isLost(block, inside, index > first && index < last, near)) chosen.add(block);
    }
    if (!this.technical) this.dropLines(chosen);
    return chosen;
  }

  /** Drops lines of the frame, and what is said word for word a second time. */
  private dropLines(chosen: Set<Block>): void {
    const list = this.blocks.filter((block) => chosen.has(block));
    const isProse = (block: Block): boolean => block.sentence && block.characters >= 80;
    const firstProse = list.findIndex(isProse);
    const lastProse = list.findLastIndex(isProse);
    const seen = new Set<string>();
    for (const [index, block] of list.entries()) {
      if (block.formulas > 0) continue;
      const text = block.characters > 2000 ? '' : lineOf(block);
      const atEdge = index < firstProse || index > lastProse;
      if (isBoilerplateLine(text, block.links / block.characters, atEdge)) chosen.delete(block);
      if (text.length < 25 || text.length > longestRepeat) continue;
      if (seen.has(text)) chosen.delete(block);
      seen.add(text);
    }
  }

  private isLost(block: Block, inside: boolean, among: boolean, near: ReadonlySet<PageElement>): boolean {
    const { characters, links, formulas, sentence, element } = block;
    // Readability takes it for the title.
    if (element.localName === 'h1' && formulas === 0) return false;
    const close = inside || among || ancestors(element, 3).some((up) => near.has(up));
    if (!close) return false;
    if (formulas > 0 && links * 2 <= characters) return true;
    const prose = sentence && characters >= 50 && links * 10 <= characters * 3;
    if (this.technical) {
      if (element.localName === 'pre') return true;
      if (inside) return links * 2 <= characters;
      return prose;
    }
    return prose && among && ancestors(element, 1).some((up) => near.has(up));
  }

  private containersOf(chosen: ReadonlySet<Block>): Set<PageElement> {
    const near = new Set<PageElement>();
    for (const block of chosen)
      for (const up of ancestors(block.element, this.technical ? 3 : 1)) near.add(up);
    return near;
  }

  /**
   * The elements that hold the main text: those named so that hold most of what was kept, the smallest of the best name. Elements
   * of the same name are taken together (posts of a thread), unless each is a page of its own with its own `h1`. `narrow` when
   * nothing outside counts.
   */
  private body(): { elements: ReadonlySet<PageElement>; narrow: boolean } {
    let best: Group | undefined;
    for (const group of this.groups()) {
      if (group.kept < this.total.kept * 0.7) continue;
      const better =
        best === undefined ||
        group.content > best.content ||
        (group.content === best.content && group.characters < best.characters);
      if (better) best = group;
    }
    if (best !== undefined) {
      return {
        elements: best.elements,
        narrow: best.content === 3 && best.kept >= this.total.kept * 0.85,
      };
    }
    const common = this.technical ? this.common() : undefined;
    return { elements: new Set(common === undefined ? [] : [common]), narrow: false };
  }

  private groups(): Group[] {
    const groups: Group[] = [];
    const named = new Map<string, Group>();
    let titles = 0;
    for (const [element, sums] of this.sums) {
      if (element.localName === 'h1') titles++;
      const { content } = this.judge.judge(element);
      if (content === 0) continue;
      const { characters, kept } = sums;
      groups.push({ content, elements: new Set([element]), characters, kept });
      if (content !== 3) continue;
      const key = `${element.localName} ${element.className}`;
      const group = named.get(key);
      if (group === undefined) named.set(key, { content, elements: new Set([element]), characters, kept });
      else if (!isWithin(element, group.elements)) {
        group.elements.add(element);
        group.characters += characters;
        group.kept += kept;
      }
    }
    if (titles >= 2) return groups;
    const several = [...named.values()].filter((group) => group.elements.size > 1);
    const members = new Set(several.flatMap((group) => [...group.elements]));
    return [
      ...groups.filter((group) => ![...group.elements].some((element) => members.has(element))),
      ...several,
    ];
  }

  /** The smallest element below the body that holds nearly all that was kept. */
  private common(): PageElement | undefined {
    let best: PageElement | undefined;
    let size = Number.POSITIVE_INFINITY;
    for (const [element, sums] of this.sums) {
      if (element.localName === 'body' || element.localName === 'html') continue;
      if (sums.kept >= this.total.kept * 0.9 && sums.characters < size) {
        best = element;
        size = sums.characters;
      }
    }
    return best;
  }

  /** Whether a boilerplate element holds `element`. */
  isFlagged(element: PageElement): boolean {
    const known = this.flagged.get(element);
    if (known !== undefined) return known;
    const parent = element.parentNode;
    const flagged = (parent !== null && this.isFlagged(parent)) || this.saysBoilerplate(element);
    this.flagged.set(element, flagged);
    return flagged;
  }

  private saysBoilerplate(element: PageElement): boolean {
    const { localName } = element;
    if (localName === 'body' || localName === 'html' || localName === 'pre') return false;
    if (!this.judge.judge(element).boilerplate) return false;
    const sums = this.sums.get(element);
    if (sums === undefined) return true;
    // Formulas are content, unless they are few in a lot of links.
    if (sums.formulas >= 3 && sums.links * 2 < sums.characters) return false;
    return sums.kept <= this.total.kept * 0.3;
  }
}

function add(sums: Sums, block: Block): void {
  sums.characters += block.characters;
  sums.kept += block.kept;
  sums.links += block.links;
  sums.formulas += block.formulas;
}

function isWithin(element: PageElement, containers: ReadonlySet<PageElement>): boolean {
  if (containers.size === 0) return false;
  for (let up: PageElement | null = element; up !== null; up = up.parentNode)
    if (containers.has(up)) return true;
  return false;
}

/** The nearest `levels` containers, the body left out. */
function ancestors(element: PageElement, levels: number): PageElement[] {
  const list: PageElement[] = [];
  for (let up = element.parentNode; up !== null && list.length < levels; up = up.parentNode) {
    if (up.localName === 'body') break;
    list.push(up);
  }
  return list;
}
