/** A plan as text for a terminal: one line per source, then totals, warnings and what stands in the way. */
import { formatAmount } from '../src/core/amount.ts';
import type { MixturePlan, PlannedSource } from './plan.ts';

const header = [
  'source',
  'role',
  'share',
  'evidence',
  'template',
  'asked',
  'gets',
  'achieved',
  'has',
  'repeats',
];

export function planTable(plan: MixturePlan): string {
  const rows = [header, ...plan.sources.map(row), totals(plan)];
  const widths = header.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (leftAligned(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const lines = [
    `mixture ${plan.name}: ${plan.sequences} sequences of ${plan.sequenceLength} + 1 tokens, ${plan.totalTokens} tokens, seed ${plan.seed}`,
    `QA ${percent(plan.shares.qa)} (long chains of thought ${percent(plan.shares.longCot)}), instruction ${percent(plan.shares.instruction)}`,
    '',
    ...rows.map(line),
    ...plan.warnings.map((warning) => `warning: ${warning}`),
    ...plan.problems.map((problem) => `cannot be made: ${problem.text}`),
  ];
  return `${lines.join('\n')}\n`;
}

function row(source: PlannedSource): string[] {
  return [
    source.name,
    source.role,
    percent(source.requestedShare),
    source.evidence,
    `${source.available.template} (${source.available.templateEvidence})`,
    formatAmount(source.requestedTokens),
    formatAmount(source.achievedTokens),
    percent(source.achievedShare),
    source.available.tokens === undefined
      ? 'unknown'
      : `${formatAmount(source.available.tokens)}${source.available.from === 'card' ? ' (card)' : ''}`,
    source.repeats === undefined ? 'unknown' : source.repeats.toFixed(2),
  ];
}

function totals(plan: MixturePlan): string[] {
  const asked = plan.budget ?? plan.totalTokens;
  const achieved = plan.sources.reduce((n, s) => n + s.achievedShare, 0);
  return [
    'total',
    '',
    percent(plan.sources.reduce((n, s) => n + s.requestedShare, 0)),
    '',
    '',
    formatAmount(asked),
    formatAmount(plan.totalTokens),
    percent(achieved),
    '',
    '',
  ];
}

function leftAligned(column: number): boolean {
  return column < 2 || column === 3 || column === 4;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
