/** The lines of the inspect view, as text with a tone: what a document is, what it measured, and how near each bound it is. Pure. */
import type { ClusterMember, DocumentSignal, RunDocument } from '../stages/run-documents.ts';
import { cutTo, visibleLine } from './visible-text.ts';

export type Tone = 'plain' | 'dim' | 'good' | 'near' | 'bad' | 'title';

export interface Row {
  text: string;
  tone: Tone;
}

/** Within this share of its bound a value is near it. */
const nearShare = 0.1;

/** Four significant digits; whole numbers in full. */
export function valueText(value: number | null): string {
  if (value === null) return 'not measured';
  if (Number.isNaN(value)) return 'no value';
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return String(Number(value.toPrecision(4)));
}

/** How far from its bound a value is, as a share of the bound; infinite where nothing was measured or no rule looks. */
export function nearness({ rule, margin }: DocumentSignal): number {
  if (rule === undefined || margin === undefined || Number.isNaN(margin)) return Number.POSITIVE_INFINITY;
  return Math.abs(margin) / (Math.abs(rule.bound) || 1);
}

function toneOf(signal: DocumentSignal): Tone {
  const { rule, margin } = signal;
  if (rule === undefined || margin === undefined || Number.isNaN(margin)) return 'dim';
  if (margin < 0) return 'bad';
  return nearness(signal) <= nearShare ? 'near' : 'good';
}

/** One row per rule or signal: those that fail first, then the nearest to their bound, then signals that no rule looks at. */
export function signalRows(signals: readonly DocumentSignal[], columns: number): Row[] {
  const rank = (signal: DocumentSignal): number =>
    toneOf(signal) === 'bad' ? 0 : signal.rule === undefined ? 2 : 1;
  const sorted = signals
    .map((signal, at) => ({ signal, at }))
    .sort((a, b) => {
      const [x, y] = [nearness(a.signal), nearness(b.signal)];
      return rank(a.signal) - rank(b.signal) || (x === y ? 0 : x - y) || a.at - b.at;
    });
  const cells = sorted.map(({ signal }) => {
    const { name, value, rule, margin } = signal;
    return [
      visibleLine(name),
      valueText(value),
      rule === undefined ? '' : `${rule.side === 'min' ? '>=' : '<='} ${valueText(rule.bound)}`,
      margin === undefined || Number.isNaN(margin) ? '' : `${margin > 0 ? '+' : ''}${valueText(margin)}`,
      visibleLine(rule?.reason ?? ''),
    ];
  });
  // Names give way first; what is left of the width goes to the reasons.
  const most = [Math.max(12, columns - 40), 12, 12, 11, columns];
  const widths = most.map((limit, i) => Math.min(limit, Math.max(...cells.map((row) => row[i]!.length), 0)));
  return sorted.map(({ signal }, i) => {
    const text = cells[i]!.map((cell, k) => {
      const cut = cutTo(cell, widths[k]!);
      return k === 1 || k === 3 ? cut.padStart(widths[k]!) : cut.padEnd(widths[k]!);
    });
    return { text: cutTo(text.join(' ').trimEnd(), columns), tone: toneOf(signal) };
  });
}

/** Four lines: place, id and title; address; verdict; size, source, labels and copies. */
export function headerRows(
  document: RunDocument,
  place: string,
  columns: number,
  tokensExact: boolean,
): Row[] {
  const { id, url, source, title, reason, bytes, tokens, copies, signals, labels, textFrom } = document;
  const kept = reason === 'kept';
  const deciding = signals.find(
    ({ rule, margin }) => rule?.reason === reason && margin !== undefined && margin < 0,
  );
  const why =
    deciding?.rule === undefined
      ? ''
      : `: ${deciding.name} ${valueText(deciding.value)}, asked for ${deciding.rule.side === 'min' ? '>=' : '<='} ${valueText(deciding.rule.bound)}`;
  const facts = [
    `${bytes.toLocaleString('en-US')} bytes`,
    `${tokensExact ? '' : '≈'}${Math.round(tokens).toLocaleString('en-US')} tokens`,
    ...(source === null ? [] : [visibleLine(source)]),
    ...labels.flatMap(({ value }) => (value === null ? [] : [visibleLine(value)])),
    ...copies.map(({ step, size }) => `${step}: ${size} copies`),
    ...(textFrom === 'excerpt' && bytes > 0 ? ['only the beginning is stored'] : []),
  ];
  const names =
    title === null || title === '' ? visibleLine(id) : `${visibleLine(id)}  ${visibleLine(title)}`;
  return [
    { text: cutTo(`${place}  ${names}`, columns), tone: 'title' },
    { text: cutTo(url === null ? '(no url)' : visibleLine(url), columns), tone: 'dim' },
    {
      text: cutTo(kept ? 'kept' : `dropped as ${visibleLine(reason)}${why}`, columns),
      tone: kept ? 'good' : 'bad',
    },
    { text: cutTo(facts.join('  '), columns), tone: 'dim' },
  ];
}

/** The copies of a cluster side by side: which stays, and how each begins. */
export function memberRows(members: readonly ClusterMember[], own: number, columns: number): Row[] {
  const idWidth = Math.min(28, Math.max(...members.map(({ id }) => visibleLine(id).length), 4));
  return members.map(({ number, id, reason, excerpt, priority }) => {
    const text = [
      number === own ? '>' : ' ',
      (reason === 'kept' ? 'kept' : cutTo(reason, 20)).padEnd(20),
      cutTo(visibleLine(id), idWidth).padEnd(idWidth),
      ...(priority === null ? [] : [valueText(priority).padStart(10)]),
      visibleLine(excerpt),
    ].join(' ');
    return { text: cutTo(text, columns), tone: reason === 'kept' ? 'good' : 'plain' };
  });
}
