/**
 * TeX of a `<math>` element, from the best source the page has.
 *
 * Order: an annotation in TeX, the `alttext` attribute (LaTeXML, Wikipedia), a `data-latex` attribute (MathJax 4), else
 * conversion of the MathML itself (mathml-to-latex). Conversion is bounded by size; when it fails, the visible
 * characters are kept as text, and the caller counts it.
 */
import { MathMLToLaTeX } from 'mathml-to-latex';
import { cleanTex } from './clean-tex.ts';
import type { PageElement, PageNode } from './page-dom.ts';
import { guardMathMl, tidyConvertedTex } from './tidy-converted.ts';

export interface MathElementTex {
  readonly tex: string;
  readonly display: boolean;
  readonly from: 'annotation' | 'alttext' | 'data' | 'converted' | 'text';
}

/** Larger MathML is not converted: 60,000 characters is a formula of several pages. */
const longestMathMl = 60_000;
/** Conversion takes about 7 microseconds a character; a page gets four seconds. */
const mostConverted = 600_000;

/** What converting the MathML of one page may still cost, and what was converted already. */
export class ConversionBudget {
  private left = mostConverted;
  private readonly known = new Map<string, string>();

  /** TeX of `markup`; undefined when it cannot be converted. */
  convert(markup: string): string | undefined {
    const known = this.known.get(markup);
    if (known !== undefined) return known;
    if (markup.length > longestMathMl || markup.length > this.left) return undefined;
    this.left -= markup.length;
    try {
      const { tex } = cleanTex(tidyConvertedTex(MathMLToLaTeX.convert(guardMathMl(markup))));
      this.known.set(markup, tex);
      return tex;
    } catch {
      return undefined; // malformed MathML
    }
  }
}
const texEncoding = /^(?:application\/x-(?:la)?tex|(?:la)?tex|text\/(?:x-)?(?:la)?tex)/i;
/** Attributes the converter reads. */
const read = new Set(
  'open close separators linethickness mathvariant display notation accent accentunder stretchy columnalign'.split(
    ' ',
  ),
);

/** TeX of `math`, or undefined when it is empty. */
export function texOfMathElement(math: PageElement, budget: ConversionBudget): MathElementTex | undefined {
  const marked = math.getAttribute('display') === 'block' || math.getAttribute('mode') === 'display';
  const found = (source: string, from: MathElementTex['from']): MathElementTex | undefined => {
    const { tex, display } = cleanTex(source);
    return tex === '' ? undefined : { tex, display: display ?? marked, from };
  };
  for (const annotation of math.getElementsByTagName('annotation')) {
    if (texEncoding.test(annotation.getAttribute('encoding') ?? '')) {
      const answer = found(annotation.textContent, 'annotation');
      if (answer !== undefined) return answer;
    }
  }
  const alttext = math.getAttribute('alttext');
  if (alttext !== null && alttext.trim() !== '') return found(alttext, 'alttext');
  const data = math.getAttribute('data-latex') ?? math.firstElementChild?.getAttribute('data-latex') ?? '';
  if (data.trim() !== '') return found(data, 'data');
  return texOfMathMl(xmlOf(math), marked, budget);
}

/**
 * TeX of MathML `markup` (XML, with `math` outside) by conversion; its visible characters when it cannot be converted;
 * undefined when it has none.
 */
export function texOfMathMl(
  markup: string,
  display: boolean,
  budget: ConversionBudget,
): MathElementTex | undefined {
  const text = unescapeXml(markup.replace(/<[^>]*>/g, ''))
    .replace(/[\s\u2061-\u2064]+/g, ' ')
    .trim();
  if (text === '') return undefined;
  const tex = budget.convert(markup) ?? '';
  if (tex !== '') return { tex, display, from: 'converted' };
  return { tex: text, display, from: 'text' };
}

/** The element as XML: annotations gone, only attributes that conversion reads. */
function xmlOf(math: PageElement): string {
  let xml = '';
  const visit = (node: PageNode): void => {
    if (xml.length > longestMathMl) return;
    if (node.nodeType === 3) {
      xml += escapeXml(node.nodeValue);
      return;
    }
    const name = node.localName.replace(/^m(?:ml)?:/, '');
    if (name === 'annotation' || name === 'annotation-xml' || node.hasAttribute('hidden')) return;
    xml += `<${name}`;
    for (const attribute of node.attributes) {
      if (read.has(attribute.name)) xml += ` ${attribute.name}="${escapeXml(attribute.value)}"`;
    }
    xml += '>';
    for (let child = node.firstChild; child !== null; child = child.nextSibling) visit(child);
    xml += `</${name}>`;
  };
  visit(math);
  return xml;
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}
