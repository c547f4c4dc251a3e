/**
 * A web page to its main text, with mathematics as LaTeX: `$..$` in running text, `$$..$$` on lines of their own.
 *
 *   1. build-page: HTML to a small DOM; scripts, styles and attributes nobody reads are dropped, size and depth are bounded;
 *   2. math-pass turns every formula (MathML, KaTeX, MathJax, images) into marked TeX;
 *   3. main-content picks the main text (Readability, corrected block by block) or the page without boilerplate;
 *   4. block-text writes it out, block by block.
 * Delimiters that are in the text already (`\(..\)`, `\[..\]`, `$`) stay as they are and count as formulas; prices do
 * not. No network, no scripts. Same input, same output.
 *
 * After OpenWebMath (arXiv 2310.06786) and MegaMath (arXiv 2504.02807, section 2.1), on other libraries.
 */

import { UserError } from '../core/errors.ts';
import { findMathSpans } from '../text/math-spans.ts';
import { type BlockText, blockText } from './block-text.ts';
import { buildPage } from './build-page.ts';
import type { MathPassCounts } from './formula-writer.ts';
import { defaultLimits, type ExtractLimits } from './limits.ts';
import { type MainContent, mainContent } from './main-content.ts';
import { marks } from './math-marks.ts';
import { rewriteMath } from './math-pass.ts';

export interface ExtractedText {
  readonly text: string;
  readonly title: string | undefined;
  /** Formulas in `text`: converted from markup, and delimited ones outside code. */
  readonly mathSpans: number;
  /** Which way the main text was found. */
  readonly route: MainContent['route'];
  /** Formulas of the whole page that came from markup, and how. */
  readonly formulas: MathPassCounts;
}

/** Throws a `UserError` for a page that is too large or that no parser can read; the message names `url`. */
export function htmlToText(
  html: string,
  options: { url?: string; limits?: Partial<ExtractLimits> } = {},
): ExtractedText {
  const limits = { ...defaultLimits, ...options.limits };
  const page = buildPage(html, limits, options.url);
  try {
    const formulas = rewriteMath(page.document);
    const content = mainContent(page.document, page.depthSum <= limits.readabilityWork);
    const written = blockText(content.root);
    return {
      text: written.text,
      title: content.title === undefined ? undefined : plainTitle(content.title),
      mathSpans: written.formulas.length + delimitedSpans(written),
      route: content.route,
      formulas,
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${options.url ?? 'page'}: cannot be read as HTML`, { cause: error });
  }
}

/** Formulas with delimiters of their own, outside code and outside formulas that came from markup. */
function delimitedSpans(written: BlockText): number {
  const taken = [...written.code, ...written.formulas].sort((a, b) => a[0] - b[0]);
  let next = 0;
  let count = 0;
  for (const span of findMathSpans(written.text)) {
    while (next < taken.length && taken[next]![1] <= span.start) next++;
    const range = taken[next];
    if (range === undefined || range[0] >= span.end) count++;
  }
  return count;
}

/** A title on one line, formulas with their delimiters. */
function plainTitle(title: string): string {
  return title
    .replaceAll(marks.inline, '$')
    .replaceAll(marks.display, '$')
    .replaceAll(marks.end, '$')
    .replace(/\s+/g, ' ')
    .trim();
}
