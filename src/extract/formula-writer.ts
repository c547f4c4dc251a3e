/** Puts marked TeX where a formula stood in the page, and counts what was found and how. */
import { marks } from './math-marks.ts';
import { ConversionBudget, type MathElementTex } from './mathml.ts';
import { type PageElement, PageText } from './page-dom.ts';

export interface MathPassCounts {
  /** Formulas rewritten. */
  formulas: number;
  /** Of these, how many had to be converted from MathML. */
  converted: number;
  /** How many could be kept only as visible characters. */
  asText: number;
}

export class FormulaWriter {
  readonly counts: MathPassCounts = { formulas: 0, converted: 0, asText: 0 };
  readonly budget = new ConversionBudget();

  replace(element: PageElement, source: string, display: boolean): void {
    const mark = display ? marks.display : marks.inline;
    element.replaceWith(new PageText(mark + source + marks.end));
    this.counts.formulas++;
  }

  /** Replaces `element` by what was read from it; removes it when that is nothing. */
  put(element: PageElement, found: MathElementTex | undefined, display?: boolean): void {
    if (found === undefined) {
      element.remove();
      return;
    }
    if (found.from === 'converted') this.counts.converted++;
    else if (found.from === 'text') this.counts.asText++;
    this.replace(element, found.tex, display === true || found.display);
  }
}
