/**
 * TeX behind an image of a formula: its alt text, or the address of the service that drew it.
 *
 * An ordinary picture has an alt text too, so an image counts only when its class, its address or the shape of the alt
 * text says it is a formula. Known: MediaWiki (`mwe-math-fallback-image-*`, `tex`), WordPress and AoPS (`latex`),
 * Sphinx imgmath (`math`), MathWorld (`inlineformula`, `displayformula`, `numberedequation`), Canvas (`equation_image`),
 * codecogs, Google charts, `latex.php`.
 */
import { cleanTex } from './clean-tex.ts';
import type { PageElement } from './page-dom.ts';

const formulaClass =
  /(?:^|\s)(?:mwe-math-fallback-image-(?:inline|display)|mwe-math-fallback-image|tex|latex|latexcenter|latexdisplay|math|mathtex|texImage|inlineformula|displayformula|numberedequation|equation_image|ee_img|tr_noresize|wp-katex-eq|formula)(?:\s|$)/;
const displayClass = /display|center|numberedequation/i;
const formulaAddress =
  /latex\.codecogs\.com\/[a-z.]+\?(.+)$|latex\.php\?(?:.*&(?:amp;)?)?latex=([^&]+)|[?&](?:amp;)?(?:chl|tex)=([^&]+)|mimetex\.cgi\?(.+)$|mathtex\.cgi\?(.+)$/i;

/** TeX of an `<img>`, or undefined when it does not show a formula. */
export function texOfImage(image: PageElement): { tex: string; display: boolean } | undefined {
  const className = image.getAttribute('class') ?? '';
  const alt = (image.getAttribute('data-equation-content') ?? image.getAttribute('alt') ?? '').trim();
  const address = image.getAttribute('src') ?? '';
  const drawn = formulaAddress.exec(address);
  const holder = sphinxDisplay(image);
  const known = formulaClass.test(className) || drawn !== null || holder;
  const delimited = /^(?:\$[^$]+\$|\$\$[^$]+\$\$|\\\(.*\\\)|\\\[.*\\\])$/s.test(alt);
  if (!known && !delimited) return undefined;
  let source = alt;
  if (source === '' || (drawn !== null && !/[\\^_={}$]/.test(source)))
    source = decodeAddress(drawn) ?? source;
  if (source === '' || source.length > 20_000) return undefined;
  const { tex, display } = cleanTex(source);
  if (tex === '') return undefined;
  return { tex, display: display ?? (holder || displayClass.test(className)) };
}

/** Sphinx imgmath displays: `<div class="math"><p><img></p></div>`. */
function sphinxDisplay(image: PageElement): boolean {
  const parent = image.parentElement;
  const holder = parent?.localName === 'div' ? parent : parent?.parentElement;
  return holder?.localName === 'div' && /(?:^|\s)math(?:\s|$)/.test(holder.getAttribute('class') ?? '');
}

function decodeAddress(match: RegExpExecArray | null): string | undefined {
  if (match === null) return undefined;
  const encoded = match.slice(1).find((group) => group !== undefined);
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded.replaceAll('+', '%20'))
      .replace(/^\\(?:dpi|bg|fn)_?\{[^}]*\}\s*/g, '')
      .trim();
  } catch {
    return undefined; // a broken percent escape
  }
}
