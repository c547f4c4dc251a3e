/** What the terminal says about a filter job: its plan, its ledger by reason and by stage, what could not be read, and what to do next. */
import type { ContaminationSummary } from '../decontaminate/contamination-report.ts';
import { describeMinHash } from '../dedup/minhash-config.ts';
import type { FilterSummary } from '../jobs/summary.ts';
import { shellWord } from '../report/shell-word.ts';
import type { FilterPlan } from '../stages/plan-filter.ts';
import type { CommandContext } from './command.ts';
import { aligned, count, describeLedger, describeMasking, percent } from './describe-ledger.ts';

/** A benchmark of the plan and how many items its file has. */
export interface BenchmarkCount {
  card: string;
  path: string;
  items: number;
}

export function reportFilter(context: CommandContext, folder: string, summary: FilterSummary): void {
  if (context.json) {
    context.write(`${JSON.stringify({ folder, ...summary }, null, 2)}\n`);
    return;
  }
  const { contamination, repaired, failures, keptByMasking } = summary;
  const about = summary.tokensExact ? '' : '≈';
  const lines = [
    ...describeLedger(summary.ledger, summary.rules, keptByMasking !== null),
    ...describeMasking(summary),
    ...describeStages(summary),
    ...(contamination === undefined ? [] : describeContamination(contamination, folder)),
    ...describeSkipped(summary.skipped),
    ...(repaired === 0
      ? []
      : [`${documents(repaired)} not in UTF-8; U+FFFD stands for what could not be read`]),
    ...describeFailures(failures, folder),
    `kept ${megabytes(summary.keptTextBytes)} of ${megabytes(summary.textBytes)} of text, ` +
      `${about}${count(summary.keptTokens)} of ${about}${count(summary.tokens)} tokens, in ${folder}/kept`,
    ...describeNext(summary, folder, context.cwd),
    '',
  ];
  context.write(lines.join('\n'));
}

/** The stages with what went in and stayed; dedup steps with their clusters. */
function describeStages({ stages, dedup }: FilterSummary): string[] {
  if (stages.length < 2) return [];
  const rows = stages.map(({ name, ledger }) => {
    const step = dedup.find(({ step }) => name === `dedup ${step}`);
    const clusters =
      step === undefined || step.clusters === 0
        ? ''
        : `${step.clusters === 1 ? '1 cluster' : `${count(step.clusters)} clusters`} of ${documents(step.members)}, the largest of ${count(step.largest)}`;
    return [
      name,
      count(ledger.in),
      count(ledger.kept),
      percent(ledger.kept, ledger.in),
      step !== undefined && clusters === '' ? 'no duplicates' : clusters,
    ];
  });
  return [
    'stages:',
    ...aligned([['', 'in', 'kept', 'share', ''], ...rows], [0, 4]).map((line) => `  ${line}`),
  ];
}

function describeContamination(
  { n, benchmarks, documents: found }: ContaminationSummary,
  folder: string,
): string[] {
  const { exact, near } = found;
  const where = exact + near === 0 ? '' : ` (${folder}/contamination.jsonl)`;
  return [
    `contamination: ${documents(exact)} with ${n} words in a row of a benchmark item, ${count(near)} near one${where}`,
    ...aligned(
      [
        ['', 'items', 'found', 'in documents', 'nearly found', 'in documents'],
        ...benchmarks.map(({ benchmark, items, exact, near }) => [
          benchmark,
          count(items),
          count(exact.items),
          count(exact.documents),
          count(near.items),
          count(near.documents),
        ]),
      ],
      [0],
    ).map((line) => `  ${line}`),
  ];
}

function describeSkipped(counts: Readonly<Record<string, number>>): string[] {
  const skipped = Object.entries(counts).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  if (skipped.length === 0) return [];
  const kinds = skipped.slice(0, 5).map(([kind, n]) => `${count(n)} ${kind}`);
  return [`records that are no documents: ${kinds.join(', ')}${skipped.length > 5 ? ', and others' : ''}`];
}

function describeFailures(failures: FilterSummary['failures'], folder: string): string[] {
  if (failures.length === 0) return [];
  const more = failures.length - 10;
  return [
    'could not be read:',
    ...failures
      .slice(0, 10)
      .map(({ file, place, problem }) => `  ${file}${place === undefined ? '' : ` (${place})`}: ${problem}`),
    ...(more > 0 ? [`  and ${count(more)} more, see ${folder}/run.json`] : []),
    ...(failures.some(({ problem }) => problem.startsWith('there is no text: no column'))
      ? [
          '  say which column holds the text in the pipeline file: inputs: [{ path: ..., columns: { text: <column> } }]',
        ]
      : []),
  ];
}

function describeNext(
  { ledger, unfinishedUnits, dedup }: FilterSummary,
  folder: string,
  cwd: string,
): string[] {
  const run = shellWord(folder.startsWith(`${cwd}/`) ? folder.slice(cwd.length + 1) : folder);
  return [
    ...(unfinishedUnits === 0
      ? []
      : [
          `${unfinishedUnits === 1 ? '1 unit was' : `${count(unfinishedUnits)} units were`} not read in full; mend the input and try again: midtrain jobs retry ${run}`,
        ]),
    ...(ledger.in === 0 || Object.values(ledger.failed).reduce((a, b) => a + b, 0) === ledger.in
      ? []
      : [
          `read the documents: midtrain inspect ${run}${dedup.some(({ clusters }) => clusters > 0) ? '; the duplicates: add --clusters' : ''}`,
          `try other bounds: midtrain recut ${run} --set <reason>=<value>; as a page: midtrain report ${run}`,
        ]),
  ];
}

/** How a regressor runs. */
function describeRegressor(step: FilterPlan['filter']['classifiers'][number]): string {
  if (step.kind !== 'regressor' || step.encoder === null || step.batch === null) return '';
  const { encoder, headFolder, device, batch } = step;
  const cut = `${encoder.maxLength} tokens${encoder.crop === 'centre' ? ' of the middle 20,000 characters' : ''}`;
  return ` (regressor${headFolder === null ? '' : ` on ${encoder.model}`}, ${device}, ${encoder.dtype}, at most ${cut}, batches of ${batch.texts})`;
}

/** Files listed one by one. */
const shownFailures = 20;

/** What a job would do. `benchmarks`: how many items each has. */
export function describePlan(plan: FilterPlan, benchmarks: readonly BenchmarkCount[] = []): string {
  const { filter, units } = plan;
  const bytes = units.reduce((sum, unit) => sum + unit.read.bytes, 0);
  const facts: [string, string][] = [
    ['signals', filter.families.join(', ')],
    [
      'formulas',
      filter.math === 'masked' ? 'masked: rules about prose see each as one word' : 'left as they are',
    ],
    ...filter.classifiers.map((step): [string, string] => [
      'classifier',
      `${step.name}: ${step.model}${describeRegressor(step)}${step.gated ? ', for documents that pass the rules' : ''}`,
    ]),
    ...filter.dedup.map((step): [string, string] => ['dedup', describeStep(step)]),
    ...(filter.dedup.length === 0 ? [['dedup', 'none'] as [string, string]] : []),
    ...benchmarks.map(({ card, path, items }): [string, string] => [
      'benchmark',
      `${card}: ${plural(items, 'item')} of ${path}`,
    ]),
    ...(filter.decontaminate === null
      ? []
      : [
          [
            'decontaminate',
            `documents that share ${filter.decontaminate.ngram} words in a row with an item are ${filter.decontaminate.action === 'drop' ? 'dropped' : 'reported, not dropped'}`,
          ] as [string, string],
        ]),
    ...(filter.transform.length === 0
      ? []
      : [['transform', filter.transform.join(', ')] as [string, string]]),
    ...(filter.families.includes('url') && filter.urlLists === null
      ? [
          [
            'url lists',
            'words that come with midtrain; none of domains and addresses (url: { lists: <folder> })',
          ] as [string, string],
        ]
      : []),
    ['tokens', filter.tokenizer === null ? 'estimated as bytes / 4' : `counted with ${filter.tokenizer}`],
    [
      'writes',
      `kept/ and signals/ of every document${filter.dropped ? ', dropped/' : '; with --dropped also dropped/'}`,
    ],
  ];
  const lines = [
    `${plan.name}: ${plural(plan.inputs.length, 'input')}, ${megabytes(bytes)}, ${plural(units.length, 'unit')} of work (plan ${plan.hash})${plan.limit === null ? '' : `, at most ${count(plan.limit)} documents`}`,
    ...aligned(facts, [0, 1]).map((line) => `  ${line}`),
    ...(filter.rules.length === 0
      ? ['no rules: every document is kept but for duplicates']
      : ['rules, in order; the first that fails names the reason:']),
    ...aligned(
      filter.rules.map(({ signal, side, bound, reason, exceptZero }) => [
        signal,
        side === 'min' ? '>=' : '<=',
        `${bound}${exceptZero === true ? ' or 0' : ''}`,
        'else',
        reason,
      ]),
      [0, 1, 3, 4],
    ).map((line) => `  ${line}`),
    'units:',
    ...units.slice(0, 20).map(({ name, read }) => `  ${name}  ${megabytes(read.bytes)}`),
  ];
  if (units.length > 20) lines.push(`  and ${count(units.length - 20)} more`);
  const { unreadable } = plan;
  if (unreadable.length > 0) lines.push(`cannot be read: ${plural(unreadable.length, 'file')}`);
  for (const { file, problem } of unreadable.slice(0, shownFailures)) lines.push(`  ${file}: ${problem}`);
  if (unreadable.length > shownFailures)
    lines.push(`  and ${count(unreadable.length - shownFailures)} more (--json lists all)`);
  for (const note of [...plan.warnings, ...plan.notes]) lines.push(`note: ${note}`);
  return `${lines.join('\n')}\n`;
}

function describeStep({ name, keep, minhash }: FilterPlan['filter']['dedup'][number]): string {
  const stays =
    typeof keep === 'string'
      ? keep
      : `one with the ${keep.prefer === 'high' ? 'highest' : 'lowest'} ${keep.signal}`;
  return `${name}, the ${stays} stays${minhash === undefined ? '' : `: ${describeMinHash(minhash)}`}`;
}

function documents(n: number): string {
  return plural(n, 'document');
}

function plural(n: number, what: string): string {
  return `${count(n)} ${what}${n === 1 ? '' : 's'}`;
}

function megabytes(bytes: number): string {
  return bytes > 0 && bytes < 1e5
    ? `${(bytes / 1e3).toFixed(1)} kB`
    : `${(bytes / 1e6).toFixed(bytes < 1e8 ? 2 : 0)} MB`;
}
