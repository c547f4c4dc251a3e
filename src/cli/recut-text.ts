/** The report of a recut as text for people: before and after, a table by rule, each change alone, documents to be scored, examples. */

import type { RecutReport } from '../stages/recut.ts';
import type { RecutExample } from '../stages/recut-examples.ts';
import type { Amount, ChangeLine, ReasonLine } from '../stages/recut-report.ts';

/** Ends with a newline. Estimated token counts bear a "≈". */
export function recutText(report: RecutReport): string {
  const approximately = report.tokensExact ? '' : '≈';
  const tokens = (n: number): string => `${approximately}${compact(n)}`;
  const amount = ({ documents, tokens: n }: Amount): string =>
    `${count(documents)} ${documents === 1 ? 'document' : 'documents'}, ${tokens(n)} tokens`;
  const { before, after } = report;
  const lines = [
    `${report.name}: ${amount(report)}`,
    `kept before  ${amount(before)} (${percent(before.documents, report.documents)})`,
    `kept after   ${amount(after)} (${percent(after.documents, report.documents)}): ${signed(after.documents - before.documents)} documents, ${signedTokens(after.tokens - before.tokens, tokens)} tokens`,
    `gained       ${amount(report.gained)}`,
    `lost         ${amount(report.lost)}${report.replaced.documents === 0 ? '' : `; of ${count(report.replaced.documents)} another copy stays`}`,
    '',
    ...table(report.reasons, tokens),
  ];
  if (report.changes.length > 0) {
    lines.push('', 'each change alone, everything else as in the run:');
    lines.push(...report.changes.map((change) => `  ${changeText(change, tokens)}`));
    if (report.changesLeftOut > 0)
      lines.push(`  and ${report.changesLeftOut} more changes, not looked at one by one`);
  }
  for (const { reason, signal, ...rest } of report.unscored) {
    lines.push(
      '',
      `not scored: ${amount(rest)} pass every other rule, but ${signal} was never measured for them (it sits behind a gate),`,
      `so ${reason} cannot decide; they are not kept. Run the filter with these thresholds to have them scored.`,
    );
  }
  lines.push(...examples('gained', report.examples.gained), ...examples('lost', report.examples.lost));
  return `${lines.join('\n')}\n`;
}

/** Rules that drop nothing, before or after, and are what they were, say nothing: they are only counted. */
function table(reasons: readonly ReasonLine[], tokens: (n: number) => string): string[] {
  const telling = reasons.filter(
    ({ droppedBefore, droppedAfter, before, after, gained, lost }) =>
      before !== after ||
      droppedBefore.documents + droppedAfter.documents + gained.documents + lost.documents > 0,
  );
  const silent = reasons.length - telling.length;
  const rows = telling.map((line) => [
    line.reason,
    boundText(line),
    count(line.droppedBefore.documents),
    count(line.droppedAfter.documents),
    line.gained.documents === 0 ? '' : `+${count(line.gained.documents)}`,
    line.gained.documents === 0 ? '' : tokens(line.gained.tokens),
    line.lost.documents === 0 ? '' : `-${count(line.lost.documents)}`,
    line.lost.documents === 0 ? '' : tokens(line.lost.tokens),
    line.alone === null ? '' : count(line.alone.documents),
  ]);
  const head = ['reason', 'bound', 'dropped', 'now', 'gained', 'tokens', 'lost', 'tokens', 'only'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const draw = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [
    draw(head),
    ...rows.map(draw),
    `dropped, now: documents of which the rule is the first that fails; only: documents that now fail this rule and no other${
      silent === 0 ? '' : `; ${silent} more ${silent === 1 ? 'rule drops' : 'rules drop'} nothing`
    }`,
  ];
}

/** `fineweb.line_punct_ratio >= 0.12 -> 0.1`. */
function boundText({ signal, side, before, after }: ReasonLine): string {
  if (signal === null) return '';
  const sign = side === 'min' ? '>=' : '<=';
  if (before === after) return `${signal} ${sign} ${after}`;
  return `${signal} ${sign} ${before ?? 'none'} -> ${after ?? 'none'}`;
}

function changeText(
  { reason, signal, side, from, to, documents, tokens }: ChangeLine,
  show: (n: number) => string,
): string {
  const effect = `${signed(documents)} documents, ${signedTokens(tokens, show)} tokens`;
  const what = `${signal} ${side}`;
  if (from === null) return `add ${what} ${to} (${reason}): ${effect}`;
  if (to === null) return `take away ${what} ${from} (${reason}): ${effect}`;
  if (from === to) return `${what} ${to} (${reason}), 0 treated otherwise: ${effect}`;
  return `${to > from ? 'raise' : 'lower'} ${what} from ${from} to ${to} (${reason}): ${effect}`;
}

function examples(title: 'gained' | 'lost', list: readonly RecutExample[]): string[] {
  const lines: string[] = [];
  let reason: string | undefined;
  for (const example of list) {
    if (example.reason !== reason) {
      reason = example.reason;
      lines.push(
        '',
        title === 'gained' ? `gained, dropped before as ${reason}:` : `lost, dropped now as ${reason}:`,
      );
    }
    const { signal, value, side, boundBefore, boundAfter } = example;
    const sign = side === 'min' ? '>=' : '<=';
    const bound = title === 'gained' ? boundBefore : boundAfter;
    const measured = signal === undefined ? '' : `  ${signal} = ${figure(value)}, asked for ${sign} ${bound}`;
    const url = example.url === null || example.url === example.id ? '' : `  ${example.url}`;
    lines.push(`  ${example.id}${url}${measured}`, `    ${example.excerpt}`);
  }
  return lines;
}

function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) return 'not measured';
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}

function signed(n: number): string {
  return n > 0 ? `+${count(n)}` : count(n);
}

function signedTokens(n: number, show: (n: number) => string): string {
  return show(Math.abs(n)).replace(/^≈?/, (mark) => `${mark}${n < 0 ? '-' : '+'}`);
}

/** `812`, `12.3k`, `4.56M`: three significant digits from a thousand on. */
function compact(n: number): string {
  const units = ['', 'k', 'M', 'B', 'T'];
  let size = n;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return unit === 0 ? String(Math.round(size)) : `${size.toPrecision(3)}${units[unit]}`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}
