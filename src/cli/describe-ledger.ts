/** The ledger of a filter job as a table: documents by reason, and beside each reason the rules that give it and what they do. */
import type { Ledger } from '../core/ledger.ts';
import type { FilterSummary } from '../jobs/summary.ts';

type RuleCounts = FilterSummary['rules'][number];

/**
 * Documents in and kept, then a line per reason. With `rules`: their bounds, how many documents fail each whatever else they fail
 * (`fails`), how many fail only it (`only`), and with `masked` how many would fail it if formulas were left as they are.
 */
export function describeLedger(ledger: Ledger, rules: readonly RuleCounts[] = [], masked = false): string[] {
  const rows = [
    ...sorted(ledger.dropped).map(([reason, n]) => ({ what: 'dropped', reason, n })),
    ...sorted(ledger.failed).map(([reason, n]) => ({ what: 'failed', reason, n })),
  ];
  const cells = rows.flatMap(({ what, reason, n }): string[][] => {
    const own = rules.filter((rule) => rule.reason === reason);
    const first = [what, count(n), percent(n, ledger.in), reason];
    if (own.length === 0) return [[...first, '', '', '', '']];
    return own.map(({ signal, side, bound, failing, alone, unmasked }, i) => [
      ...(i === 0 ? first : ['', '', '', '']),
      `${signal} ${side === 'min' ? '>=' : '<='} ${bound}`,
      count(failing),
      count(alone),
      masked ? count(unmasked) : '',
    ]);
  });
  const head = ['', 'documents', 'share', 'reason', 'kept if', 'fails', 'only', masked ? 'unmasked' : ''];
  const titled = rules.length === 0 || cells.length === 0 ? cells : [head, ...cells];
  return [
    `${count(ledger.in)} documents in, ${count(ledger.kept)} kept (${percent(ledger.kept, ledger.in)})`,
    ...aligned(titled, [0, 3, 4]).map((line) => `  ${line}`),
  ];
}

/** What masking of formulas saved, and the rules that would have dropped most without it. */
export function describeMasking(summary: Pick<FilterSummary, 'rules' | 'keptByMasking'>): string[] {
  const { keptByMasking, rules } = summary;
  if (keptByMasking === null) return [];
  const more = rules
    .filter(({ unmasked, failing }) => unmasked > failing)
    .sort((a, b) => b.unmasked - b.failing - (a.unmasked - a.failing) || (a.reason < b.reason ? -1 : 1));
  const most = more
    .slice(0, 3)
    .map(({ reason, unmasked, failing }) => `${reason} ${count(unmasked)} instead of ${count(failing)}`);
  return [
    `${count(keptByMasking)} more would be dropped if formulas were not masked${most.length === 0 || keptByMasking === 0 ? '' : `: ${most.join(', ')}`}`,
  ];
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}

/** Rows as lines: columns two spaces apart, those in `left` begin at the left. */
export function aligned(rows: readonly (readonly string[])[], left: readonly number[]): string[] {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]!.length))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, i) => (left.includes(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** A whole number with a comma for every thousand. */
export function count(n: number): string {
  return n.toLocaleString('en-US');
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}
