/** A plan as text for a terminal: one line per source, then totals, warnings and what stands in the way. */
import { formatAmount } from '../src/core/amount.ts';
import type { MixturePlan, PlannedSource } from './plan.ts';

interface Column {
  name: string;
  left?: boolean;
  cell(source: PlannedSource): string;
  /** The cell of the last line. */
  total?(plan: MixturePlan): string;
  /** Left out where it says nothing. */
  when?(plan: MixturePlan): boolean;
}

const columns: readonly Column[] = [
  { name: 'source', left: true, cell: (s) => s.name, total: () => 'total' },
  { name: 'role', left: true, cell: (s) => s.role },
  {
    name: 'share',
    cell: (s) => percent(s.requestedShare),
    total: (plan) => percent(sum(plan, (s) => s.requestedShare)),
  },
  { name: 'evidence', left: true, cell: (s) => s.evidence },
  {
    name: 'template',
    left: true,
    cell: (s) => `${s.available.template} (${s.available.templateEvidence})`,
  },
  {
    name: 'asked',
    cell: (s) => formatAmount(s.requestedTokens),
    total: (plan) => formatAmount(plan.budget ?? plan.totalTokens),
  },
  {
    name: 'gets',
    cell: (s) => formatAmount(s.achievedTokens),
    total: (plan) => formatAmount(plan.totalTokens),
  },
  {
    name: 'achieved',
    cell: (s) => percent(s.achievedShare),
    total: (plan) => percent(sum(plan, (s) => s.achievedShare)),
  },
  {
    name: 'padding',
    cell: (s) => (s.packed === undefined ? 'unknown' : padding(s.paddingTokens, s.achievedTokens)),
    total: (plan) => padding(plan.paddingTokens, plan.totalTokens),
    when: (plan) => plan.packing === 'best-fit',
  },
  {
    name: 'cut',
    cell: (s) => (s.packed === undefined ? 'unknown' : ofDocuments(s.packed.cut, s.packed.documents)),
    total: (plan) =>
      ofDocuments(
        sum(plan, (s) => s.packed?.cut ?? 0),
        sum(plan, (s) => s.packed?.documents ?? 0),
      ),
    when: (plan) => plan.sources.some((s) => s.packed !== undefined),
  },
  { name: 'has', cell: has },
  {
    name: 'tokenised',
    cell: (s) => percent(s.available.readShare ?? 1),
    when: (plan) => plan.sources.some((s) => (s.available.readShare ?? 1) < 1),
  },
  { name: 'repeats', cell: (s) => (s.repeats === undefined ? 'unknown' : s.repeats.toFixed(2)) },
];

export function planTable(plan: MixturePlan): string {
  const shown = columns.filter((column) => column.when?.(plan) ?? true);
  const rows = [
    shown.map((column) => column.name),
    ...plan.sources.map((source) => shown.map((column) => column.cell(source))),
    shown.map((column) => column.total?.(plan) ?? ''),
  ];
  const widths = shown.map((_, i) => Math.max(...rows.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (shown[i]!.left === true ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const lines = [
    `mixture ${plan.name}: ${plan.sequences} sequences of ${plan.sequenceLength} + 1 tokens, ${plan.totalTokens} tokens${paddingOf(plan)}, seed ${plan.seed}`,
    `QA ${percent(plan.shares.qa)} (long chains of thought ${percent(plan.shares.longCot)}), instruction ${percent(plan.shares.instruction)}`,
    '',
    ...rows.map(line),
    ...plan.warnings.map((warning) => `warning: ${warning}`),
    ...plan.problems.map((problem) => `cannot be made: ${problem.text}`),
  ];
  return `${lines.join('\n')}\n`;
}

function paddingOf(plan: MixturePlan): string {
  return plan.packing === 'best-fit' ? ` and ${plan.paddingTokens} of padding` : '';
}

function has({ available: { tokens, from } }: PlannedSource): string {
  if (tokens === undefined) return 'unknown';
  const how = { counted: '', sampled: ' (sampled)', card: ' (card)' }[from];
  return `${formatAmount(tokens)}${how}`;
}

/** Padding as a share of what is stored. */
function padding(paddingTokens: number, tokens: number): string {
  return percent(paddingTokens === 0 ? 0 : paddingTokens / (paddingTokens + tokens));
}

function ofDocuments(cut: number, documents: number): string {
  return `${formatAmount(cut)} of ${formatAmount(documents)}`;
}

function sum(plan: MixturePlan, of: (source: PlannedSource) => number): number {
  return plan.sources.reduce((n, source) => n + of(source), 0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
