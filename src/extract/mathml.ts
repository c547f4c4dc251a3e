/**
 * TeX of a `<math>` element, from the best source the page has.
 *
 * Order: an annotation in TeX, the `alttext` attribute (LaTeXML, Wikipedia), a `data-latex` attribute (MathJax 4), else
 * conversion of the MathML itself (mathml-to-latex). Conversion is bounded by size; when it fails, the visible
 * characters are kept as text, and the caller counts it.
 */
import { MathMLToLaTeX } from 'mathml-to-latex';
import { cleanTex } from './clean-tex.ts';

export interface MathElementTex {
  readonly tex: string;
  readonly display: boolean;
  readonly from: 'annotation' | 'alttext' | 'data' | 'converted' | 'text';
}

/** Larger MathML is not converted: 60,000 characters is a formula of several pages. */
const longestMathMl = 60_000;
const texEncoding = /^(?:application\/x-(?:la)?tex|(?:la)?tex|text\/(?:x-)?(?:la)?tex)/i;

/** TeX of `math`, or undefined when it is empty. */
export function texOfMathElement(math: Element): MathElementTex | undefined {
  const marked = math.getAttribute('display') === 'block' || math.getAttribute('mode') === 'display';
  const found = (source: string, from: MathElementTex['from']): MathElementTex | undefined => {
    const { tex, display } = cleanTex(source);
    return tex === '' ? undefined : { tex, display: display ?? marked, from };
  };
  for (const annotation of math.querySelectorAll('annotation')) {
    if (texEncoding.test(annotation.getAttribute('encoding') ?? '')) {
      const answer = found(annotation.textContent ?? '', 'annotation');
      if (answer !== undefined) return answer;
    }
  }
  const alttext = math.getAttribute('alttext');
  if (alttext !== null && alttext.trim() !== '') return found(alttext, 'alttext');
  const data = math.getAttribute('data-latex') ?? math.firstElementChild?.getAttribute('data-latex');
  if (data !== null && data !== undefined && data.trim() !== '') return found(data, 'data');
  return convertMathMl(math, marked);
}

function convertMathMl(math: Element, display: boolean): MathElementTex | undefined {
  for (const annotation of [...math.querySelectorAll('annotation, annotation-xml')]) annotation.remove();
  const text = (math.textContent ?? '').replace(/\s+/g, ' ').trim();
  if (text === '') return undefined;
  const markup = math.outerHTML;
  if (markup.length <= longestMathMl) {
    try {
      const { tex } = cleanTex(MathMLToLaTeX.convert(toXml(markup)));
      if (tex !== '') return { tex, display, from: 'converted' };
    } catch {
      // Malformed MathML: the visible characters are what is left.
    }
  }
  return { tex: text, display, from: 'text' };
}

/** References that HTML knows and XML does not. */
function toXml(markup: string): string {
  return markup
    .replaceAll('&nbsp;', '\u00a0')
    .replace(/&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-f]+);)/gi, '&amp;');
}
