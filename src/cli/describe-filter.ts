/** What the terminal says about a filter job: its plan, its ledger by reason and by stage, what could not be read. */
import type { Ledger } from '../core/ledger.ts';
import type { ContaminationSummary } from '../decontaminate/contamination-report.ts';
import { describeMinHash } from '../dedup/minhash-config.ts';
import type { FilterSummary } from '../jobs/summary.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { CommandContext } from './command.ts';

export function reportFilter(context: CommandContext, folder: string, summary: FilterSummary): void {
  if (context.json) {
    context.write(`${JSON.stringify({ folder, ...summary }, null, 2)}\n`);
    return;
  }
  const lines = describeLedger(summary.ledger);
  if (summary.stages.length > 1) {
    for (const { name, ledger } of summary.stages)
      lines.push(
        `  stage ${name.padEnd(16)} ${ledger.in} in, ${ledger.kept} kept (${percent(ledger.kept, ledger.in)})`,
      );
  }
  for (const { step, clusters, members, largest } of summary.dedup)
    lines.push(`  ${step}: ${clusters} clusters of ${members} documents, the largest of ${largest}`);
  const { contamination } = summary;
  if (contamination !== undefined) lines.push(...describeContamination(contamination, folder));
  const skipped = Object.entries(summary.skipped).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  if (skipped.length > 0) {
    const kinds = skipped.slice(0, 5).map(([kind, n]) => `${n} ${kind}`);
    lines.push(
      `  records that are no documents: ${kinds.join(', ')}${skipped.length > 5 ? ', and others' : ''}`,
    );
  }
  if (summary.repaired > 0)
    lines.push(`  ${summary.repaired} documents were not UTF-8; U+FFFD stands for what was not`);
  for (const { file, place, problem } of summary.failures.slice(0, 10)) {
    lines.push(`  ${file}${place === undefined ? '' : ` (${place})`}: ${problem}`);
  }
  if (summary.failures.length > 10)
    lines.push(`  and ${summary.failures.length - 10} more, see ${folder}/run.json`);
  const about = summary.tokensExact ? '' : '≈ ';
  lines.push(
    `kept ${megabytes(summary.keptTextBytes)} of ${megabytes(summary.textBytes)} of text, ` +
      `${about}${summary.keptTokens} of ${about}${summary.tokens} tokens, in ${folder}/kept`,
    '',
  );
  context.write(lines.join('\n'));
}

function describeContamination({ n, benchmarks, documents }: ContaminationSummary, folder: string): string[] {
  return [
    `${documents.exact} documents share a ${n}-gram with a benchmark item, ${documents.near} come near one (${folder}/contamination.jsonl)`,
    ...benchmarks.map(
      ({ benchmark, items, exact, near }) =>
        `  ${benchmark.padEnd(16)} ${exact.items} of ${items} items in ${exact.documents} documents, ${near.items} nearly in ${near.documents}`,
    ),
  ];
}

/** Documents in and kept, then a line per reason. */
export function describeLedger(ledger: Ledger): string[] {
  return [
    `${ledger.in} documents in, ${ledger.kept} kept (${percent(ledger.kept, ledger.in)})`,
    ...table(Object.entries(ledger.dropped), 'dropped', ledger.in),
    ...table(Object.entries(ledger.failed), 'failed', ledger.in),
  ];
}

export function describePlan(plan: FilterPlan): string {
  const bytes = plan.units.reduce((sum, unit) => sum + unit.read.bytes, 0);
  const lines = [
    `${plan.name}: ${plan.inputs.length} inputs, ${megabytes(bytes)}, ${plan.units.length} units of work (plan ${plan.hash})`,
    `signals: ${plan.filter.families.join(', ')}; math ${plan.filter.math}; dedup: ${plan.filter.dedup.map(describeStep).join(', ') || 'none'}`,
    'rules, in order:',
    ...plan.filter.rules.map(
      ({ signal, side, bound, reason }) =>
        `  ${signal.padEnd(28)} ${side === 'min' ? '>=' : '<='} ${bound}  else ${reason}`,
    ),
    'units:',
    ...plan.units.slice(0, 20).map(({ name, read }) => `  ${name}  ${megabytes(read.bytes)}`),
  ];
  if (plan.units.length > 20) lines.push(`  and ${plan.units.length - 20} more`);
  for (const { file, problem } of plan.unreadable) lines.push(`cannot be read: ${file}: ${problem}`);
  for (const warning of [...plan.warnings, ...plan.notes]) lines.push(`note: ${warning}`);
  return `${lines.join('\n')}\n`;
}

function table(counts: [string, number][], what: string, total: number): string[] {
  return counts
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(
      ([reason, n]) =>
        `  ${what.padEnd(8)}${String(n).padStart(9)}  ${percent(n, total).padStart(6)}  ${reason}`,
    );
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 2 : 0)} MB`;
}

function describeStep({ name, keep, minhash }: FilterPlan['filter']['dedup'][number]): string {
  const stays = typeof keep === 'string' ? keep : `${keep.prefer} ${keep.signal}`;
  return `${name}${minhash === undefined ? '' : ` (${describeMinHash(minhash)})`}, keeping the ${stays}`;
}
