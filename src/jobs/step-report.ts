/** `report.md` of a staged pipeline: the ledger of the whole, and of each step what it kept, why it dropped the rest, and what it cost. */
import { sumCounts } from '../core/ledger.ts';
import { escapeMarkdown, markdownTable } from '../report/markdown.ts';
import type { StepPlan } from '../stages/plan-steps.ts';
import type { StagedSummary } from './staged-summary.ts';

export function stepReport(plan: StepPlan, summary: StagedSummary): string {
  const { ledger, paid, possiblyPaidTwice } = summary;
  const lines = [
    `# ${plan.name}`,
    '',
    `${n(ledger.in)} documents in, ${n(ledger.kept)} out, ${n(sumCounts(ledger.dropped))} dropped, ${n(sumCounts(ledger.failed))} failed.`,
    ...(paid.requests === 0
      ? []
      : [
          `Language model: ${n(paid.requests)} requests, ${n(paid.promptTokens)} tokens sent, ${n(paid.completionTokens)} received.`,
        ]),
    ...(possiblyPaidTwice === 0
      ? []
      : [
          `Besides, ${n(possiblyPaidTwice)} requests went out and brought no answer, for a run was killed or a connection broke: possibly paid twice.`,
        ]),
    '',
    '## From the input to the result',
    '',
    markdownTable(
      ['step', 'kind', 'in', 'handed on', 'dropped and failed'],
      summary.steps.filter(({ onTheWay }) => onTheWay).map(row),
      [1, 4],
    ),
    '',
  ];
  const beside = summary.steps.filter(({ onTheWay }) => !onTheWay);
  if (beside.length > 0) {
    const table = markdownTable(['step', 'kind', 'in', 'out', 'left out'], beside.map(row), [1, 4]);
    lines.push('## Models', '', table, '');
  }
  lines.push('## Step by step', '');
  for (const { name, step, facts, paid: cost, warnings } of summary.steps) {
    lines.push(`### ${name} (${step})`, '');
    const { description } = plan.steps.find((planned) => planned.name === name)!.config;
    if (description !== undefined) lines.push(escapeMarkdown(description), '');
    for (const [what, value] of Object.entries(facts)) lines.push(`- ${what}: ${escapeMarkdown(n(value))}`);
    if (cost !== null) {
      lines.push(
        `- paid: ${n(cost.requests)} requests, ${n(cost.promptTokens)} + ${n(cost.completionTokens)} tokens`,
      );
    }
    for (const warning of warnings) lines.push(`- note: ${escapeMarkdown(warning)}`);
    lines.push('');
  }
  for (const { step, model, by } of plan.given)
    lines.push(
      `- the model of ${step} was given ${by === 'flag' ? 'by --model' : 'by the pipeline'}: ${escapeMarkdown(model)}`,
    );
  for (const note of plan.notes) lines.push(`- note: ${escapeMarkdown(note)}`);
  return `${lines.join('\n').trimEnd()}\n`;
}

function row({ name, step, ledger }: StagedSummary['steps'][number]): string[] {
  const reasons = Object.entries({ ...ledger.dropped, ...ledger.failed })
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([reason, count]) => `${reason} ${n(count)}`);
  return [name, step, n(ledger.in), n(ledger.kept), reasons.join(', ') || 'none'];
}

function n(value: string | number): string {
  return typeof value === 'string'
    ? value
    : Number.isInteger(value)
      ? String(value).replace(/\B(?=(\d{3})+$)/g, ',')
      : String(value);
}
