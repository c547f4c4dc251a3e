/**
 * MathML from what a renderer drew when the page carries no source: MathJax 3 and 4 (CHTML elements `mjx-*`, SVG groups with
 * `data-mml-node`) and KaTeX (`.katex-html`). Both keep the tree of the formula in their markup; only names differ.
 *
 * MathJax: `mjx-msup` is `msup`; characters are in the class (`mjx-c1D465`) or `data-c` of elements without text. KaTeX: scripts and
 * fractions are stacks (`vlist`) whose entries stand from bottom to top; a stack has the class `vlist-t2` when something hangs
 * below the line, which tells `_` from `^`. Read off the output of KaTeX 0.19.1 and MathJax 3.2.2; MathJax 4 was not tried. Spacing, colours and
 * sizes are given up. Depth is bounded by the page's.
 */
import { escapeXml } from './mathml.ts';
import type { PageElement, PageNode } from './page-dom.ts';

/** MathML of an `mjx-container`, or undefined when it has no characters. */
export function mathJaxMathMl(container: PageElement): string | undefined {
  const math = container.find(
    (element) => element.localName === 'mjx-math' || element.getAttribute('data-mml-node') === 'math',
  );
  if (math === null) return undefined;
  const inner = mathJaxChildren(math);
  return inner === '' ? undefined : `<math>${inner}</math>`;
}

const mathMlNames = new Set(
  (
    'mi mn mo mtext ms mrow msup msub msubsup mfrac msqrt mroot mover munder munderover mtable mtr mtd mmultiscripts mstyle ' +
    'mpadded mphantom menclose mfenced mspace'
  ).split(' '),
);
const leaves = new Set('mi mn mo mtext ms'.split(' '));
/** Parts that draw lines and signs the element's name says already. */
const drawn = new Set(
  'mjx-surd mjx-line mjx-rule mjx-nstrut mjx-dstrut mjx-tstrut mjx-strut mjx-mphantom defs title rect'.split(
    ' ',
  ),
);

function mathJaxChildren(element: PageElement): string {
  let xml = '';
  for (const child of element.children) xml += mathJaxNode(child);
  return xml;
}

function mathJaxNode(element: PageElement): string {
  const local = element.localName;
  if (drawn.has(local) || local === 'mjx-assistive-mml') return '';
  const glyph = characterOf(element);
  if (glyph !== '') return escapeXml(glyph);
  const name = element.getAttribute('data-mml-node') ?? (local.startsWith('mjx-') ? local.slice(4) : '');
  if (name === 'mphantom') return '';
  if (name === 'TeXAtom' || name === 'texatom') return group(mathJaxChildren(element));
  if (!mathMlNames.has(name)) return mathJaxChildren(element);
  if (leaves.has(name)) {
    const font = name === 'mi' ? fontOf(element) : '';
    const text = mathJaxChildren(element) || escapeXml(element.textContent);
    return text === '' ? '' : `<${name}${font}>${text}</${name}>`;
  }
  if (name === 'mroot' || name === 'msqrt') return radical(element, name);
  if (local.startsWith('mjx-') && name.startsWith('m') && /^m(?:under|over|underover)$/.test(name)) {
    const stacked = stackedLimits(element);
    if (stacked !== undefined) return stacked;
  }
  const parts = element.children.flatMap(branches).map(mathJaxNode);
  if (name === 'mfrac' || name.startsWith('msu') || name.startsWith('mund') || name === 'mover') {
    const inner = parts.filter((part) => part !== '').map(group);
    // Both kinds of output write the upper script first; MathML has the lower one first.
    const upperFirst = name === 'msubsup' || (name === 'munderover' && local.startsWith('mjx-'));
    if (upperFirst && inner.length === 3) inner.push(...inner.splice(1, 1));
    if (inner.length === 0) return '';
    if (name === 'mfrac' && inner.length === 2 && element.find(isLine) === null) {
      return `<mfrac linethickness="0">${inner.join('')}</mfrac>`;
    }
    return inner.length === 1 ? (inner[0] ?? '') : `<${name}>${inner.join('')}</${name}>`;
  }
  return `<${name}>${parts.join('')}</${name}>`;
}

/** Calligraphic letters are plain ones in a font of their own. */
function fontOf(element: PageElement): string {
  const className = element.firstElementChild?.className ?? '';
  if (/\bTEX-(?:C|CB)\b/.test(className)) return ' mathvariant="script"';
  return /\bTEX-FR?B?\b/.test(className) ? ' mathvariant="fraktur"' : '';
}

const isLine = (part: PageElement): boolean => part.localName === 'mjx-line' || part.localName === 'rect';

/** The arguments among the parts of an element: wrappers that hold several are opened. */
function branches(element: PageElement): PageElement[] {
  const { localName } = element;
  if (drawn.has(localName) || localName === 'rect' || localName === 'mjx-spacer') return [];
  const opened =
    /^mjx-(?:frac|dbox|row|table|itable)$/.test(localName) ||
    (localName === 'mjx-script' && element.children.length > 1);
  return opened ? element.children.flatMap(branches) : [element];
}

function radical(element: PageElement, name: string): string {
  if (element.localName.startsWith('mjx-')) {
    const body = element.find((inner) => inner.localName === 'mjx-box');
    const index = name === 'mroot' ? element.find((inner) => inner.localName === 'mjx-root') : null;
    const radicand = group(body === null ? '' : mathJaxChildren(body));
    return index === null
      ? `<msqrt>${radicand}</msqrt>`
      : `<mroot>${radicand}${group(mathJaxChildren(index))}</mroot>`;
  }
  // SVG draws the sign as one more operator.
  const isSign = (part: PageElement): boolean =>
    part.getAttribute('data-mml-node') === 'mo' && /^[\u221a\ue000-\uf8ff]*$/.test(mathJaxChildren(part));
  const parts = element.children.filter((part) => !isSign(part)).map(mathJaxNode);
  const inner = parts.filter((part) => part !== '').map(group);
  return inner.length === 1 ? `<msqrt>${inner[0]}</msqrt>` : `<${name}>${inner.join('')}</${name}>`;
}

/** CHTML puts limits into boxes named for their place. */
function stackedLimits(element: PageElement): string | undefined {
  const at = (name: string): string | undefined => {
    const holder = element.find((inner) => inner.localName === name);
    return holder === null ? undefined : group(mathJaxChildren(holder));
  };
  const base = at('mjx-base');
  if (base === undefined) return undefined;
  const name = element.localName.slice(4);
  const under = name === 'mover' ? undefined : at('mjx-under');
  const over = name === 'munder' ? undefined : at('mjx-over');
  if (under !== undefined && over !== undefined) return `<munderover>${base}${under}${over}</munderover>`;
  if (under !== undefined) return `<munder>${base}${under}</munder>`;
  return over === undefined ? base : `<mover>${base}${over}</mover>`;
}

/** The character an empty element stands for. */
function characterOf(element: PageElement): string {
  const code =
    element.getAttribute('data-c') ?? /(?:^|\s)mjx-c([0-9A-F]{1,6})(?:\s|$)/.exec(element.className)?.[1];
  if (code === undefined) return '';
  const point = Number.parseInt(code, 16);
  return point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff) ? plain(point) : '';
}

/** Mathematical italic letters are how every identifier looks: the letter itself is meant. */
function plain(point: number): string {
  const character = String.fromCodePoint(point);
  if (point === 0x210e) return 'h';
  return (point >= 0x1d434 && point <= 0x1d467) || (point >= 0x1d6e2 && point <= 0x1d71b)
    ? character.normalize('NFKC')
    : character;
}

/** MathML of a `.katex-html`, or undefined when nothing is in it. */
export function katexMathMl(html: PageElement): string | undefined {
  const inner = katexRow(html);
  return inner === '' ? undefined : `<math>${inner.replace(struckEquals, '<mo>≠</mo>')}</math>`;
}

/** KaTeX draws `≠` as a private stroke before an equals sign. */
const struckEquals = /<mo>\ue020<\/mo>(?:<\/?mrow>|<mrow><\/mrow>)*<mo>=<\/mo>/g;
const katexSkipped =
  /(?:^|\s)(?:katex-)?(?:strut|pstrut|vlist-s|nulldelimiter|frac-line|hide-tail|mspace|arraycolsep|eqn-num|tag|newline|sqrt-line|overline-line|underline-line)(?:\s|$)/;
/** KaTeX 0.19.1 gives some of its classes the prefix `katex-`. */
const has = (element: PageElement, name: string): boolean => {
  const names = ` ${element.className} `;
  return names.includes(` ${name} `) || names.includes(` katex-${name} `);
};

function katexRow(element: PageElement): string {
  let xml = '';
  let letters = '';
  const flush = (): void => {
    if (letters !== '') xml += leaf(letters);
    letters = '';
  };
  for (let child: PageNode | null = element.firstChild; child !== null; child = child.nextSibling) {
    if (child.nodeType === 3) letters += child.nodeValue.replace(/[\u200b\u2061\s]+/g, '');
    else {
      // The digits of a number are spans of their own.
      const digit =
        child.firstElementChild === null && /^[\d.]$/.test(child.textContent) && has(child, 'mord');
      if (digit && /^[\d.]*$/.test(letters)) {
        letters += child.textContent;
        continue;
      }
      const scripts = has(child, 'msupsub') ? stackOf(child) : undefined;
      if (scripts !== undefined) {
        const base = letters === '' ? '<mrow></mrow>' : leaf(letters);
        letters = '';
        xml += withScripts(base, scripts);
        continue;
      }
      flush();
      xml += katexNode(child);
    }
  }
  flush();
  return xml;
}

function katexNode(element: PageElement): string {
  if (katexSkipped.test(element.className)) return '';
  const { children } = element;
  const stack = stackOf(element);
  if (has(element, 'mfrac') && stack !== undefined) {
    const [under = '', over = ''] = stack.entries;
    const line = element.find((inner) => has(inner, 'frac-line')) === null ? ' linethickness="0"' : '';
    return `<mfrac${line}>${group(over)}${group(under)}</mfrac>`;
  }
  if (has(element, 'sqrt')) {
    const index = children.find((child) => has(child, 'root'));
    const body = group(stackOf(element)?.entries[0] ?? '');
    return index === undefined
      ? `<msqrt>${body}</msqrt>`
      : `<mroot>${body}${group(stackOf(index)?.entries[0] ?? '')}</mroot>`;
  }
  if (has(element, 'op-limits') && stack !== undefined) return limits(element, stack);
  if (has(element, 'accent') && stack !== undefined) {
    const [base = '', mark = ''] = stack.entries;
    return mark === '' ? base : `<mover accent="true">${group(base)}${group(mark)}</mover>`;
  }
  if (has(element, 'overline') || has(element, 'underline')) {
    const [line, base] = has(element, 'overline') ? ['mover', '¯'] : ['munder', '_'];
    return `<${line}>${group(stack?.entries[0] ?? '')}<mo>${base}</mo></${line}>`;
  }
  if ((has(element, 'mop') || has(element, 'mathrm')) && /^[A-Za-z]{2,12}$/.test(element.textContent))
    return `<mi>${element.textContent}</mi>`;
  if (has(element, 'mtable')) return katexTable(element);
  const last = children[children.length - 1];
  if (last !== undefined && has(last, 'msupsub') && children.length > 1) {
    const scripts = stackOf(last);
    if (scripts !== undefined) {
      const base = children.slice(0, -1).map(katexNode).join('');
      return withScripts(group(base), scripts);
    }
  }
  if (has(element, 'text')) return `<mtext>${escapeXml(element.textContent)}</mtext>`;
  const variant = has(element, 'mathbf')
    ? 'bold'
    : has(element, 'mathbb')
      ? 'double-struck'
      : has(element, 'mathcal')
        ? 'script'
        : has(element, 'mathfrak')
          ? 'fraktur'
          : undefined;
  if (variant !== undefined && element.firstElementChild === null) {
    return `<mi mathvariant="${variant}">${escapeXml(element.textContent)}</mi>`;
  }
  return katexRow(element);
}

interface Stack {
  /** MathML of the entries from bottom to top, empty ones left out. */
  readonly entries: string[];
  readonly below: boolean;
}

function stackOf(element: PageElement): Stack | undefined {
  const table = has(element, 'vlist-t') ? element : element.children.find((child) => has(child, 'vlist-t'));
  const list = table?.firstElementChild?.firstElementChild;
  if (table === undefined || list === undefined || list === null || !has(list, 'vlist')) return undefined;
  const entries = list.children.map(katexRow).filter((entry) => entry !== '');
  return { entries, below: has(table, 'vlist-t2') };
}

function withScripts(base: string, scripts: Stack): string {
  const [first, second] = scripts.entries;
  if (first === undefined) return base;
  if (second !== undefined) return `<msubsup>${base}${group(first)}${group(second)}</msubsup>`;
  const name = scripts.below ? 'msub' : 'msup';
  return `<${name}>${base}${group(first)}</${name}>`;
}

/** A large operator with limits: the entry that holds the operator is known by its class. */
function limits(element: PageElement, stack: Stack): string {
  const list = element.find((inner) => has(inner, 'vlist'));
  const entries = (list?.children ?? []).filter((entry) => katexRow(entry) !== '');
  const at = entries.findIndex((entry) => entry.find((inner) => has(inner, 'mop')) !== null);
  if (at < 0) return stack.entries.join('');
  const base = group(stack.entries[at] ?? '');
  const under = at > 0 ? stack.entries[at - 1] : undefined;
  const over = stack.entries[at + 1];
  if (under !== undefined && over !== undefined) {
    return `<munderover>${base}${group(under)}${group(over)}</munderover>`;
  }
  if (under !== undefined) return `<munder>${base}${group(under)}</munder>`;
  return over === undefined ? base : `<mover>${base}${group(over)}</mover>`;
}

/** Columns of a matrix, each a stack, to rows. */
function katexTable(table: PageElement): string {
  const columns = table.children.filter((child) => /col-align-/.test(child.className));
  const cells = columns.map((column) => stackOf(column)?.entries ?? []);
  const rows = Math.max(0, ...cells.map((column) => column.length));
  let xml = '';
  for (let row = 0; row < rows; row++) {
    xml += `<mtr>${cells.map((column) => `<mtd>${column[row] ?? ''}</mtd>`).join('')}</mtr>`;
  }
  return `<mtable>${xml}</mtable>`;
}

function group(xml: string): string {
  return `<mrow>${xml}</mrow>`;
}

function leaf(text: string): string {
  if (/^[\d.]+$/.test(text)) return `<mn>${text}</mn>`;
  if (/^\p{L}$/u.test(text)) return `<mi>${text}</mi>`;
  if (/^\p{L}+$/u.test(text)) return [...text].map((letter) => `<mi>${letter}</mi>`).join('');
  return `<mo>${escapeXml(text)}</mo>`;
}
