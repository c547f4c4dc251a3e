/**
 * A small DOM: what Mozilla's Readability and this folder need of one, and nothing else.
 *
 * Nodes are doubly linked lists, so that moving and removing are O(1). `textContent` is kept per element until something below it
 * changes, which is most of what Readability asks for; `childNodes` and `children` are arrays made on demand. There are no
 * events, styles, selectors or live collections. Ten times faster than a full DOM to build and to walk.
 *
 * `innerHTML` is not markup: Readability reads that of the page once and writes it back to start over, so reading keeps a copy of
 * the subtree and writing what was read puts that copy back.
 */

import { bitOf, upperNames } from './tag-bits.ts';

export type PageNode = PageElement | PageText;

const elementNode = 1;
const textNode = 3;

abstract class LinkedNode {
  abstract readonly nodeType: number;
  parentNode: PageElement | null = null;
  previousSibling: PageNode | null = null;
  nextSibling: PageNode | null = null;
  readonly ELEMENT_NODE = elementNode;
  readonly TEXT_NODE = textNode;

  get parentElement(): PageElement | null {
    return this.parentNode;
  }

  get nextElementSibling(): PageElement | null {
    let node = this.nextSibling;
    while (node !== null && node.nodeType !== elementNode) node = node.nextSibling;
    return node as PageElement | null;
  }

  remove(): void {
    this.parentNode?.removeChild(this as unknown as PageNode);
  }

  /** Puts `nodes` where this one stands. */
  replaceWith(...nodes: PageNode[]): void {
    const parent = this.parentNode;
    if (parent === null) return;
    for (const node of nodes) parent.insertBefore(node, this as unknown as PageNode);
    this.remove();
  }
}

export class PageText extends LinkedNode {
  readonly nodeType = textNode;
  readonly nodeName = '#text';
  private text: string;
  /** The text this one was copied from; itself in the page that was built first. */
  origin: PageText;

  constructor(text: string) {
    super();
    this.text = text;
    this.origin = this;
  }

  get nodeValue(): string {
    return this.text;
  }

  get textContent(): string {
    return this.text;
  }

  set textContent(text: string) {
    this.text = text;
    this.parentNode?.forget();
  }

  get childNodes(): PageNode[] {
    return [];
  }

  get firstChild(): null {
    return null;
  }
}

export interface PageAttribute {
  readonly name: string;
  readonly value: string;
  cloneNode(): PageAttribute;
}

const noAttributes: ReadonlyMap<string, string> = new Map();

export class PageElement extends LinkedNode {
  readonly nodeType = elementNode;
  localName: string;
  private upperName: string;
  firstChild: PageNode | null = null;
  lastChild: PageNode | null = null;
  private attributeMap: Map<string, string> | undefined;
  private text: string | undefined;
  /** Which tags stand below, one bit each (`bitOf`); -1 when not known. */
  private tags = -1;
  private snapshot: { key: string; copy: PageElement } | undefined;
  /** Makes Readability rename elements where they stand instead of copying them. */
  readonly __JSDOMParser__ = true;

  constructor(name: string, attributes?: Map<string, string>) {
    super();
    this.localName = name;
    this.upperName = upperNames.get(name) ?? name.toUpperCase();
    this.attributeMap = attributes;
  }

  get tagName(): string {
    return this.upperName;
  }

  /** Readability renames an element by its two names, this one last. */
  set tagName(name: string) {
    this.upperName = name;
    this.parentNode?.forget();
  }

  get nodeName(): string {
    return this.upperName;
  }

  get ownerDocument(): typeof makers {
    return makers;
  }

  // Attributes

  getAttribute(name: string): string | null {
    return this.attributeMap?.get(name) ?? null;
  }

  hasAttribute(name: string): boolean {
    return this.attributeMap?.has(name) === true;
  }

  setAttribute(name: string, value: string): void {
    this.attributeMap ??= new Map();
    this.attributeMap.set(name, value);
  }

  removeAttribute(name: string): void {
    this.attributeMap?.delete(name);
  }

  get attributes(): PageAttribute[] {
    return [...(this.attributeMap ?? noAttributes)].map(([name, value]) => {
      const attribute: PageAttribute = { name, value, cloneNode: () => attribute };
      return attribute;
    });
  }

  setAttributeNode(attribute: PageAttribute): void {
    this.setAttribute(attribute.name, attribute.value);
  }

  get className(): string {
    return this.attributeMap?.get('class') ?? '';
  }

  set className(value: string) {
    this.setAttribute('class', value);
  }

  get id(): string {
    return this.attributeMap?.get('id') ?? '';
  }

  set id(value: string) {
    this.setAttribute('id', value);
  }

  // Children

  get childNodes(): PageNode[] {
    const nodes: PageNode[] = [];
    for (let node = this.firstChild; node !== null; node = node.nextSibling) nodes.push(node);
    return nodes;
  }

  get children(): PageElement[] {
    const nodes: PageElement[] = [];
    for (let node = this.firstChild; node !== null; node = node.nextSibling) {
      if (node.nodeType === elementNode) nodes.push(node);
    }
    return nodes;
  }

  get firstElementChild(): PageElement | null {
    const first = this.firstChild;
    return first === null || first.nodeType === elementNode ? first : first.nextElementSibling;
  }

  appendChild(node: PageNode): PageNode {
    return this.insertBefore(node, null);
  }

  insertBefore(node: PageNode, before: PageNode | null): PageNode {
    if (node === before) return node;
    node.parentNode?.removeChild(node);
    node.parentNode = this;
    node.nextSibling = before;
    const previous = before === null ? this.lastChild : before.previousSibling;
    node.previousSibling = previous;
    if (previous === null) this.firstChild = node;
    else previous.nextSibling = node;
    if (before === null) this.lastChild = node;
    else before.previousSibling = node;
    this.forget();
    return node;
  }

  removeChild(node: PageNode): PageNode {
    if (node.parentNode !== this) return node;
    const { previousSibling, nextSibling } = node;
    if (previousSibling === null) this.firstChild = nextSibling;
    else previousSibling.nextSibling = nextSibling;
    if (nextSibling === null) this.lastChild = previousSibling;
    else nextSibling.previousSibling = previousSibling;
    node.parentNode = null;
    node.previousSibling = null;
    node.nextSibling = null;
    this.forget();
    return node;
  }

  replaceChild(node: PageNode, old: PageNode): PageNode {
    if (node !== old) {
      this.insertBefore(node, old);
      this.removeChild(old);
    }
    return old;
  }

  // Text

  get textContent(): string {
    if (this.text !== undefined) return this.text;
    let text = '';
    for (let node = this.firstChild; node !== null; node = node.nextSibling) text += node.textContent;
    this.text = text;
    return text;
  }

  set textContent(text: string) {
    while (this.firstChild !== null) this.removeChild(this.firstChild);
    if (text !== '') this.appendChild(new PageText(text));
  }

  /** An element knows its text and tags only if all below it know theirs, so the way up ends at the first that does not. */
  forget(): void {
    for (
      let element: PageElement | null = this;
      element !== null && (element.text !== undefined || element.tags >= 0);
      element = element.parentNode
    ) {
      element.text = undefined;
      element.tags = -1;
    }
  }

  private tagsBelow(): number {
    if (this.tags >= 0) return this.tags;
    let tags = 0;
    for (let node = this.firstChild; node !== null; node = node.nextSibling) {
      if (node.nodeType === elementNode) tags |= bitOf(node.localName) | node.tagsBelow();
    }
    this.tags = tags;
    return tags;
  }

  // Searching

  getElementsByTagName(name: string): PageElement[] {
    const found: PageElement[] = [];
    this.collect(
      name === '*' ? undefined : new Set([name.toLowerCase()]),
      name === '*' ? ~0 : bitOf(name.toLowerCase()),
      found,
    );
    return found;
  }

  /** Only lists of tag names are understood: `h1,h2`. */
  querySelectorAll(names: string): PageElement[] {
    const wanted = new Set(names.toLowerCase().split(/\s*,\s*/));
    let bits = 0;
    for (const name of wanted) bits |= bitOf(name);
    const found: PageElement[] = [];
    this.collect(wanted, bits, found);
    return found;
  }

  /** Readability searches the same subtrees over and over; those without any of the tags are passed over. */
  private collect(names: ReadonlySet<string> | undefined, bits: number, found: PageElement[]): void {
    if ((this.tagsBelow() & bits) === 0) return;
    for (let node = this.firstChild; node !== null; node = node.nextSibling) {
      if (node.nodeType !== elementNode) continue;
      if (names === undefined || names.has(node.localName)) found.push(node);
      if (node.firstChild !== null) node.collect(names, bits, found);
    }
  }

  /** Every element below this one, in document order. Elements may be changed, but not removed, meanwhile. */
  *descendants(): Generator<PageElement> {
    let node: PageNode | null = this.firstChild;
    while (node !== null) {
      if (node.nodeType === elementNode) yield node;
      let next: PageNode | null = node.nodeType === elementNode ? node.firstChild : null;
      if (next === null) {
        let up: PageNode | null = node;
        while (up !== null && up !== this && up.nextSibling === null) up = up.parentNode;
        next = up === null || up === this ? null : up.nextSibling;
      }
      node = next;
    }
  }

  /** The first element below this one, in document order, that `test` takes. */
  find(test: (element: PageElement) => boolean): PageElement | null {
    for (const element of this.descendants()) if (test(element)) return element;
    return null;
  }

  /** The first element below this one with that tag. */
  first(name: string): PageElement | null {
    for (const element of this.descendants()) if (element.localName === name) return element;
    return null;
  }

  // Copies

  /** A copy of this element and all below it; texts of the copy know their origin. */
  copy(): PageElement {
    const copy = new PageElement(
      this.localName,
      this.attributeMap === undefined ? undefined : new Map(this.attributeMap),
    );
    for (let node = this.firstChild; node !== null; node = node.nextSibling) {
      if (node.nodeType === elementNode) copy.appendChild(node.copy());
      else {
        const text = new PageText(node.textContent);
        text.origin = node.origin;
        copy.appendChild(text);
      }
    }
    return copy;
  }

  get innerHTML(): string {
    if (this.localName !== 'body') return ''; // Readability asks only to log it
    this.snapshot = { key: `snapshot of ${this.localName}`, copy: this.copy() };
    return this.snapshot.key;
  }

  set innerHTML(markup: string) {
    while (this.firstChild !== null) this.removeChild(this.firstChild);
    if (markup === '' || markup !== this.snapshot?.key) return;
    for (const node of this.snapshot.copy.copy().childNodes) this.appendChild(node);
  }

  get style(): undefined {
    return undefined;
  }
}

/** What an element's document is asked for: other elements. */
const makers = {
  createElement: (name: string): PageElement => new PageElement(name.toLowerCase()),
  createTextNode: (text: string): PageText => new PageText(text),
};
