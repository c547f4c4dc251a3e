/** The DOM keeps its links, its remembered texts and its copies right, whatever is moved. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageDocument } from '../../src/extract/page-document.ts';
import { PageElement, PageText } from '../../src/extract/page-dom.ts';

const textOf = (element: PageElement): string =>
  element.childNodes.map((node) => (node.nodeType === 3 ? node.nodeValue : textOf(node))).join('');
const tagsOf = (element: PageElement): number =>
  element.children.reduce((sum, child) => sum + (child.localName === 'p' ? 1 : 0) + tagsOf(child), 0);

describe('page DOM', () => {
  it('remembers text and tags only as long as they are true', () => {
    const move = fc.record({ from: fc.nat(30), to: fc.nat(30), before: fc.boolean(), rename: fc.boolean() });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        const root = new PageElement('div');
        const elements = [root];
        for (let index = 0; index < 10; index++) {
          const element = new PageElement(index % 3 === 0 ? 'p' : 'div');
          element.appendChild(new PageText(`${index} `));
          (elements[Math.floor(index / 2)] ?? root).appendChild(element);
          elements.push(element);
        }
        for (const { from, to, before, rename } of moves) {
          const moved = elements[from % elements.length] ?? root;
          const target = elements[to % elements.length] ?? root;
          let inside = false;
          for (let up: PageElement | null = target; up !== null; up = up.parentNode) inside ||= up === moved;
          if (inside) moved.textContent = `${moved.textContent}!`;
          else target.insertBefore(moved, before ? target.firstChild : null);
          if (rename) {
            moved.localName = moved.localName === 'p' ? 'div' : 'p';
            moved.tagName = moved.localName.toUpperCase();
          }
          expect(root.textContent).toBe(textOf(root));
          expect(root.getElementsByTagName('p')).toHaveLength(tagsOf(root));
        }
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  it('puts back what innerHTML was read of, more than once', () => {
    const page = new PageDocument();
    page.body.appendChild(new PageText('a'));
    const paragraph = new PageElement('p');
    paragraph.appendChild(new PageText('b'));
    page.body.appendChild(paragraph);
    const html = page.body.innerHTML;
    for (let round = 0; round < 2; round++) {
      page.body.textContent = 'gone';
      page.body.innerHTML = html;
      expect(page.body.textContent).toBe('ab');
      expect(page.body.children.map((child) => child.localName)).toEqual(['p']);
    }
  });

  it('copies know where their texts come from', () => {
    const page = new PageDocument();
    const text = new PageText('a');
    page.body.appendChild(text);
    const copied = page.copy().copy().body.firstChild as PageText;
    expect(copied).not.toBe(text);
    expect(copied.origin).toBe(text);
  });
});
