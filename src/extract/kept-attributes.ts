/**
 * Which attributes extraction reads, and how long each may be. Everything else is dropped before the DOM is built:
 * data URIs, event handlers, tracking and layout are most of the bytes of a page's tags.
 */

const short = new Set(
  (
    'class id role type hidden aria-hidden rel itemprop property name colspan rowspan start reversed summary lang dir ' +
    'encoding display mode mathvariant linethickness columnalign rowalign open close separators notation fence ' +
    'stretchy accent accentunder largeop bevelled lspace rspace width data-mml-node data-c data-display'
  ).split(' '),
);
/** May hold a whole formula. */
const long = new Set(
  (
    'alt alttext content data-latex data-tex data-math data-formula data-katex data-expr data-mathml data-original ' +
    'data-value data-equation-content data-asciimath'
  ).split(' '),
);
const longestShort = 512;
const longestFormula = 20_000;
const hiddenStyle = /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i;

/** The attribute to write on `tag`, or undefined to leave it out. */
export function keptAttribute(
  tag: string,
  name: string,
  value: string,
): { name: string; value: string } | undefined {
  if (name === 'style') {
    return value.length <= 4096 && hiddenStyle.test(value) ? { name: 'hidden', value: '' } : undefined;
  }
  if (name === 'class') {
    // Readability takes "remark" for a comment thread; in mathematics it is a kind of theorem.
    const cut = value.slice(0, longestShort);
    return { name, value: cut.includes('remark') ? cut.replaceAll('remark', 'rmrk') : cut };
  }
  if (name === 'width' && tag !== 'mspace') return undefined;
  if (short.has(name)) return value.length <= longestShort ? { name, value } : undefined;
  if (long.has(name)) return value.length <= longestFormula ? { name, value } : undefined;
  // Only whether a link stays on the page matters; resolving addresses is a tenth of Readability's time.
  if (name === 'href')
    return tag === 'a' && value.startsWith('#') ? { name, value: value.slice(0, 64) } : undefined;
  if (name === 'src') {
    const holdsFormula = tag === 'img' && value.length <= longestFormula && !value.startsWith('data:');
    return holdsFormula ? { name, value } : undefined;
  }
  return undefined;
}
