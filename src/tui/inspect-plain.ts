/** A document of a run as plain text, and as one line of JSON: for pipes. Hidden characters are escapes in both. Pure. */
import type { RunDocument } from '../stages/run-documents.ts';
import { headerRows, signalRows, valueText } from './inspect-rows.ts';
import { visibleJson, visibleLine, visibleText, wrapText } from './visible-text.ts';

const widest = 1000;

/** Header, a line for each rule, the other signals as running text (a run may measure a hundred), the text; ends with an empty line. */
export function documentText(document: RunDocument, tokensExact: boolean): string {
  const header = headerRows(document, `#${document.number}`, widest, tokensExact).map(({ text }) => text);
  const ruled = document.signals.filter(({ rule }) => rule !== undefined);
  const free = document.signals.filter(({ rule }) => rule === undefined);
  const others = free.map(({ name, value }) => `${visibleLine(name)} ${valueText(value)}`).join(', ');
  const signals = [
    ...signalRows(ruled, 120).map(({ text }) => text),
    ...(others === '' ? [] : wrapText(`no rule looks at: ${others}`, 120)),
  ].map((line) => `  ${line}`);
  return `${[...header, ...signals, '', visibleText(document.text).trimEnd(), '', ''].join('\n')}`;
}

/** One line, newline included. Signals by name; margins by reason (the least of a reason's rules). NaN is null in JSON. */
export function documentJson(document: RunDocument): string {
  const { signals, ...rest } = document;
  const margins: Record<string, number> = {};
  for (const { rule, margin } of signals) {
    if (rule === undefined || margin === undefined || Number.isNaN(margin)) continue;
    margins[rule.reason] = Math.min(margins[rule.reason] ?? Number.POSITIVE_INFINITY, margin);
  }
  const values = Object.fromEntries(signals.map(({ name, value }) => [name, value]));
  return `${visibleJson({ ...rest, signals: values, margins })}\n`;
}
