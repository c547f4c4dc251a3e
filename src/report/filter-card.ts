/**
 * The card of a filter or recut run: what went in, what each rule and step took out, what the columns are. It ends with the `midtrain:` block
 * of a data card, so that the file is itself a source of a mixture (`card: ./runs/web/README.md`).
 */
import { imbalance } from '../core/ledger.ts';
import type { JoinedLicence } from '../core/licences.ts';
import { type FilterFacts, filterFacts } from './filter-facts.ts';
import {
  bullets,
  type CardLicence,
  type HubCard,
  lastPart,
  licenceFront,
  licenceSection,
  sections,
  sizeCategory,
  withoutPaths,
} from './hub-card.ts';
import { codeBlock, escapeMarkdown, markdownTable } from './markdown.ts';
import { bytes, decimal, percent, whole } from './number-format.ts';
import type { PreparedRun } from './report-run.ts';
import { stagedFacts } from './staged-facts.ts';

export interface FilterCardInput {
  run: PreparedRun;
  name: string;
  /** Folders of the run that hold Parquet files, with a pattern each. */
  parts: { config: string; path: string }[];
  /** Hub features of `kept`; undefined where nothing was kept. */
  features: HubFeature[] | undefined;
  role: string;
  languages: string[] | undefined;
  licence: JoinedLicence;
  sources: CardLicence[];
  warnings: string[];
  version: string;
}

export interface HubFeature {
  name: string;
  dtype?: string;
  list?: unknown;
  struct?: unknown;
}

export function filterCard(input: FilterCardInput): HubCard {
  const facts = filterFacts(input.run);
  const kept = facts.ledger?.kept ?? 0;
  const { summary } = input.run.record;
  const size = (name: string): number | undefined =>
    typeof summary[name] === 'number' ? (summary[name] as number) : undefined;
  const keptTextBytes = size('keptTextBytes');
  const exact = summary.tokensExact === true;
  const tokens = size('keptTokens');
  const contamination = contaminationOf(facts);
  const rewrittenBy = stagedFacts(input.run.record.config)?.rewrittenBy;
  const unknown = input.licence.license === 'unknown';
  return {
    front: {
      ...licenceFront(input.licence),
      pretty_name: input.name,
      language: input.languages,
      size_categories: [sizeCategory(kept)],
      task_categories: ['text-generation'],
      tags: ['midtrain', 'pretraining'],
      configs: input.parts.map(({ config, path }, i) => ({
        config_name: config,
        ...(i === 0 ? { default: true } : {}),
        data_files: [{ split: 'train', path }],
      })),
      dataset_info:
        input.features === undefined
          ? undefined
          : {
              config_name: 'default',
              features: input.features,
              splits: [
                { name: 'train', num_bytes: keptTextBytes ?? facts.bytesOut ?? 0, num_examples: kept },
              ],
              download_size: facts.bytesOut ?? 0,
              dataset_size: keptTextBytes ?? facts.bytesOut ?? 0,
            },
      midtrain: {
        role: input.role,
        data: { path: './kept' },
        format: 'parquet',
        columns: { id: 'id', url: 'url', text: 'text' },
        template: 'text',
        templateEvidence: 'own',
        size: {
          documents: kept > 0 ? { value: kept, evidence: 'own', note: 'counted by the run' } : undefined,
          tokens:
            tokens === undefined || tokens === 0
              ? undefined
              : {
                  value: Math.round(tokens),
                  evidence: 'own',
                  note: exact ? 'counted by the run' : 'estimated by the run',
                },
          tokenizer: exact ? tokenizerOf(input.run) : undefined,
        },
        contamination,
        licenseEvidence: unknown ? 'unknown' : 'own',
        generatedBy: uniqueModels(input.sources, rewrittenBy),
        unconfirmed: unknown ? ['licence'] : undefined,
      },
    },
    body: bodyOf(input, facts, contamination),
  };
}

function bodyOf(input: FilterCardInput, facts: FilterFacts, contamination: string): string {
  const { record } = input.run;
  const { ledger } = facts;
  const rewrittenBy = stagedFacts(record.config)?.rewrittenBy;
  const description = (record.config as { description?: unknown } | null)?.description;
  return sections([
    `# ${escapeMarkdown(input.name)}`,
    typeof description === 'string' ? escapeMarkdown(description) : undefined,
    bullets([
      ['Made by', `midtrain ${input.version}, command filter, configuration ${record.fingerprint}`],
      [
        'Status',
        record.status === 'done'
          ? undefined
          : `${record.status}: this run did not end, so the numbers are those of its last record`,
      ],
      [
        'Documents',
        ledger &&
          `${whole(ledger.kept)} kept of ${whole(ledger.in)} (${percent(ledger.in === 0 ? 0 : ledger.kept / ledger.in)})`,
      ],
      [
        'Size',
        facts.bytesOut === undefined
          ? undefined
          : `${bytes(facts.bytesOut)} of Parquet from ${bytes(facts.bytesIn)} of input`,
      ],
      ['Decontamination', contamination],
      [
        'Rewritten by',
        rewrittenBy === undefined
          ? undefined
          : `${escapeMarkdown(rewrittenBy)}, a language model: no text is as its author wrote it, and the terms of the model may bind its use`,
      ],
    ]),
    '## Where it is from',
    markdownTable(
      ['input', 'bytes', 'fingerprint'],
      record.inputs.map(({ path, bytes: n, fingerprint }) => [lastPart(path), whole(n), fingerprint ?? '']),
      [2],
    ),
    facts.sources.length > 1
      ? markdownTable(
          ['source', 'in', 'kept'],
          facts.sources.map(({ name, ledger: of }) => [name, whole(of.in), whole(of.kept)]),
        )
      : undefined,
    '## How it was filtered',
    '### Pipeline',
    codeBlock(JSON.stringify(withoutPaths(record.config), null, 2), 'json'),
    facts.rules.length === 0
      ? undefined
      : markdownTable(
          ['signal', 'keeps', 'fails', 'fails nothing else', 'reason'],
          facts.rules.map(({ signal, side, bound, failing, alone, reason }) => [
            signal,
            `${side === 'min' ? 'at least' : 'at most'} ${decimal(bound)}`,
            whole(failing),
            whole(alone),
            reason,
          ]),
          [1, 4],
        ),
    facts.keptByMasking === undefined
      ? undefined
      : `Formulas were seen as one word each: ${whole(facts.keptByMasking)} of the kept documents would have been dropped without that.`,
    '### Ledger',
    ledgerTable(facts),
    facts.dedup.length === 0
      ? undefined
      : markdownTable(
          ['deduplication', 'clusters', 'documents in them', 'largest'],
          facts.dedup.map(({ step, clusters, members, largest }) => [
            step,
            whole(clusters),
            whole(members),
            whole(largest),
          ]),
        ),
    facts.benchmarks.length === 0
      ? undefined
      : markdownTable(
          [
            'benchmark',
            'items',
            'items found exactly',
            'in documents',
            'items found nearly',
            'in documents ',
          ],
          facts.benchmarks.map(({ benchmark, items, exact, near }) => [
            benchmark,
            whole(items),
            whole(exact.items),
            whole(exact.documents),
            whole(near.items),
            whole(near.documents),
          ]),
        ),
    facts.failures.length === 0
      ? undefined
      : `${facts.failures.length} places of the input could not be read; run.json lists them.`,
    '## Columns',
    'Each row is a document: `text`, `id`, `url`, the columns of its input, and what was measured:',
    facts.signals.length === 0
      ? 'No signals were measured.'
      : markdownTable(
          ['signal', 'what it is', 'bounds'],
          facts.signals.map(({ name, description: what, min, max }) => [
            name,
            what ?? '',
            boundsOf(min, max),
          ]),
          [1, 2],
        ),
    licenceSection(input.licence, input.sources, input.warnings),
    '## Use it in a mixture',
    codeBlock('sources:\n  this:\n    card: ./README.md   # the path of this file\n    weight: 0.5', 'yaml'),
  ]);
}

function ledgerTable({ ledger, reasons }: FilterFacts): string {
  if (ledger === undefined) return 'This run left no ledger.';
  const share = (n: number): string => percent(ledger.in === 0 ? 0 : n / ledger.in);
  const table = markdownTable(
    ['fate', 'documents', 'share'],
    [
      ['in', whole(ledger.in), ''],
      ['kept', whole(ledger.kept), share(ledger.kept)],
      ...reasons.map(({ name, count, kind }) => [`${kind}: ${name}`, whole(count), share(count)]),
    ],
  );
  const off = imbalance(ledger);
  return off === 0 ? table : `${table}\n\nThe ledger does not balance: ${off} documents are unaccounted for.`;
}

function contaminationOf({ run, benchmarks }: FilterFacts): string {
  if (benchmarks.length > 0)
    return `checked against ${benchmarks.map(({ benchmark }) => benchmark).join(', ')}; documents that hold an item are counted in the ledger`;
  const staged = stagedFacts(run.record.config)?.contamination;
  if (staged !== undefined) return staged;
  const config = run.record.config as {
    decontaminate?: unknown;
    filter?: { decontaminate?: unknown };
  } | null;
  const asked = (config?.decontaminate ?? config?.filter?.decontaminate) as
    | { benchmarks?: unknown }
    | null
    | undefined;
  return Array.isArray(asked?.benchmarks) && asked.benchmarks.length > 0
    ? 'a check was asked for; the run left no count by benchmark'
    : 'not checked against any benchmark';
}

function uniqueModels(
  sources: readonly CardLicence[],
  rewrittenBy: string | undefined,
): { model: string; license: string }[] | undefined {
  const models = new Map(rewrittenBy === undefined ? [] : [[rewrittenBy, 'unknown']]);
  for (const { model, license } of sources.flatMap(({ generatedBy = [] }) => generatedBy))
    models.set(model, license);
  return models.size === 0 ? undefined : [...models].map(([model, license]) => ({ model, license }));
}

function tokenizerOf({ record }: PreparedRun): string | undefined {
  const config = record.config as {
    tokens?: { tokenizer?: unknown };
    filter?: { tokenizer?: unknown };
  } | null;
  const tokenizer = config?.tokens?.tokenizer ?? config?.filter?.tokenizer;
  return typeof tokenizer === 'string' ? lastPart(tokenizer) : undefined;
}

function boundsOf(min: number | undefined, max: number | undefined): string {
  return [
    min === undefined ? '' : `at least ${decimal(min)}`,
    max === undefined ? '' : `at most ${decimal(max)}`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}
