/**
 * A displayed equation laid out as a table (LaTeXML `ltx_equation`, `ltx_equationgroup`) becomes one formula again.
 *
 * Cells of a row are joined by `&`, rows by `\\`, inside `aligned`, which is what the author wrote as `align` or
 * `eqnarray`. A single cell stays as it is. Equation numbers become `\tag{..}`. Text between rows (`\intertext`) goes
 * into `\text{}`.
 */

import { type ConversionBudget, texOfMathElement } from './mathml.ts';
import type { PageElement, PageNode } from './page-dom.ts';

/** TeX of the table, or undefined when it holds no formula. */
export function equationTableTex(table: PageElement, budget: ConversionBudget): string | undefined {
  const rows: { cells: string[]; number: string | undefined }[] = [];
  let formulas = 0;
  for (const row of table.querySelectorAll('tr')) {
    const cells: string[] = [];
    let number: string | undefined;
    for (const cell of row.children) {
      const className = cell.getAttribute('class') ?? '';
      if (/ltx_eqn_(?:center_)?pad|ltx_eqn_left_pad/.test(className)) continue;
      if (className.includes('ltx_eqn_eqno')) {
        const text = cell.textContent.replace(/[\s()]+/g, ' ').trim();
        if (text) number = text;
        continue;
      }
      const { tex, count } = cellTex(cell, budget);
      formulas += count;
      cells.push(tex);
    }
    while (cells.length > 0 && cells[cells.length - 1] === '') cells.pop();
    if (cells.length > 0) rows.push({ cells, number });
    else if (number !== undefined && rows.length > 0) rows[rows.length - 1]!.number ??= number;
  }
  if (formulas === 0) return undefined;
  const tag = (number: string | undefined): string => (number === undefined ? '' : ` \\tag{${number}}`);
  if (rows.length === 1) {
    const { cells, number } = rows[0]!;
    return cells.filter((cell) => cell !== '').join(' ') + tag(number);
  }
  // `\tag` is not allowed inside `aligned`; numbers of single rows are left out there.
  const lines = rows.map(({ cells }) => cells.join(' & '));
  return `\\begin{aligned} ${lines.join(' \\\\ ')} \\end{aligned}`;
}

function cellTex(cell: PageElement, budget: ConversionBudget): { tex: string; count: number } {
  let tex = '';
  let count = 0;
  const visit = (node: PageNode): void => {
    if (node.nodeType === 3) {
      const text = node.textContent.replace(/\s+/g, ' ').trim();
      if (text !== '') tex += /^[.,;:]$/.test(text) ? text : ` \\text{${text}} `;
      return;
    }
    const element = node;
    if (element.localName === 'math') {
      const found = texOfMathElement(element, budget);
      if (found !== undefined) {
        tex += (tex === '' ? '' : ' ') + found.tex;
        count++;
      }
      return;
    }
    if (element.hasAttribute('hidden')) return;
    for (const child of element.childNodes) visit(child);
  };
  visit(cell);
  return { tex: tex.trim(), count };
}
