/** The card of a trained classifier: what it is, how well it does in and out of distribution, what it was trained on, and how to use it. */
import type { ClassifierEvaluation } from '../core/classifier-evaluation.ts';
import type { JoinedLicence } from '../core/licences.ts';
import { setNames } from './classifier-charts.ts';
import { exactThreshold, kindNames, tellingSet, thresholdWords } from './classifier-page.ts';
import {
  bullets,
  type CardLicence,
  type HubCard,
  lastPart,
  licenceFront,
  licenceSection,
  sections,
} from './hub-card.ts';
import { codeBlock, escapeMarkdown, markdownTable } from './markdown.ts';
import { decimal, percent, whole } from './number-format.ts';

export interface ClassCounts {
  positive: number;
  negative: number;
}

export interface ClassifierCardInput {
  name: string;
  kind: 'fasttext' | 'regressor';
  label: string | undefined;
  prepare: string;
  unit: string;
  encoder: string | undefined;
  sha256: string;
  threshold: number | undefined;
  positiveMin: number;
  seed: number;
  settings: Readonly<Record<string, unknown>>;
  /** Training documents, and those left out, by class. */
  train: ClassCounts;
  duplicates: ClassCounts;
  conflicts: ClassCounts;
  /** Training documents by source. */
  sources: readonly ({ source: string } & ClassCounts)[];
  files: readonly { path: string; fingerprint: string }[];
  evaluation: ClassifierEvaluation | undefined;
  licence: JoinedLicence;
  /** What the training documents come from, where that is known. */
  origins?: readonly CardLicence[];
  licenceWarnings?: readonly string[];
  version: string;
}

const mostSources = 40;

export function classifierCard(input: ClassifierCardInput): HubCard {
  const { evaluation, kind } = input;
  const library = kind === 'fasttext' ? 'fasttext' : 'transformers.js';
  return {
    front: {
      ...licenceFront(input.licence),
      library_name: library,
      pipeline_tag: 'text-classification',
      tags: ['midtrain', 'text-classification', 'quality-classifier'],
      ...(evaluation === undefined
        ? {}
        : { 'model-index': [{ name: input.name, results: results(evaluation) }] }),
    },
    body: sections([
      `# ${escapeMarkdown(input.name)}`,
      bullets([
        ['Written with', `midtrain ${input.version}`],
        ['Kind', kindNames[kind]],
        ['Encoder', input.encoder],
        ['Label', input.label],
        ['Texts are prepared', input.prepare],
        ['What is scored', input.unit],
        [
          'Threshold',
          input.threshold === undefined
            ? undefined
            : evaluation === undefined
              ? decimal(input.threshold)
              : `${exactThreshold(evaluation.threshold.value)} (${thresholdWords(evaluation)})`,
        ],
        ['sha256 of the weights', input.sha256],
      ]),
      measuresPart(evaluation),
      trainingPart(input),
      usageOf(input),
      licenceSection(input.licence, input.origins ?? [], input.licenceWarnings ?? []),
    ]),
  };
}

/** Metrics as the Hub's model index has them. */
function results(evaluation: ClassifierEvaluation): unknown[] {
  const set = tellingSet(evaluation);
  const { chosen } = set;
  const metric = (type: string, value: number | null): unknown[] =>
    value === null ? [] : [{ type, value: Number(value.toFixed(4)) }];
  return [
    {
      task: { type: 'text-classification' },
      dataset: { type: 'held-out', name: `held-out documents, ${setNames[set.distribution]}` },
      metrics: [
        ...metric('precision', chosen.precision),
        ...metric('recall', chosen.recall),
        ...metric('f1', chosen.f1),
      ],
    },
  ];
}

function measuresPart(evaluation: ClassifierEvaluation | undefined): string {
  if (evaluation === undefined) return '## Measures\n\nNothing was held out, so nothing was measured.';
  const share = (value: number | null): string => (value === null ? '–' : percent(value));
  const rows = evaluation.sets.map(
    ({ distribution, documents, positives, chosen, rocAuc, averagePrecision }) => [
      setNames[distribution],
      whole(documents),
      whole(positives),
      share(chosen.precision),
      share(chosen.recall),
      share(chosen.f1),
      rocAuc === null ? '–' : rocAuc.toFixed(4),
      averagePrecision === null ? '–' : averagePrecision.toFixed(4),
      share(chosen.keptDocuments),
    ],
  );
  const sources = evaluation.sources
    .slice(0, mostSources)
    .map((source) => [
      source.source,
      source.distribution === 'all' ? '' : setNames[source.distribution],
      whole(source.documents),
      whole(source.positives),
      source.precision === null ? '–' : interval(source.precision),
      source.recall === null ? '–' : interval(source.recall),
      interval(source.accuracy),
    ]);
  return [
    '## Measures',
    '',
    `On held-out documents, at the threshold ${exactThreshold(evaluation.threshold.value)}. In distribution: sources it was trained on. Out of distribution: sources it never saw. Curves, calibration and the worst errors are in evaluation.html.`,
    '',
    markdownTable(
      ['', 'Documents', 'Positive', 'Precision', 'Recall', 'F1', 'ROC AUC', 'Average precision', 'Kept'],
      rows,
    ),
    '',
    markdownTable(['Source', '', 'Documents', 'Positive', 'Precision', 'Recall', 'Right'], sources, [1]),
    ...evaluation.warnings.flatMap((warning) => ['', `> ${escapeMarkdown(warning)}`]),
  ].join('\n');
}

function interval({ value, low, high }: { value: number; low: number; high: number }): string {
  return `${percent(value)} (${percent(low)} to ${percent(high)})`;
}

function trainingPart(input: ClassifierCardInput): string {
  const { train, duplicates, conflicts, sources } = input;
  const both = ({ positive, negative }: ClassCounts): number => positive + negative;
  const settings = Object.entries(input.settings)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => `${name} ${String(value)}`);
  return [
    '## Training',
    '',
    bullets([
      ['Documents', `${whole(train.positive)} positive, ${whole(train.negative)} negative`],
      ['Positive', `labelled so, or a score of at least ${decimal(input.positiveMin)}`],
      ['Left out', `${whole(both(duplicates))} copies, ${whole(both(conflicts))} with both labels`],
      ['Settings', settings.join(', ')],
      ['Seed', String(input.seed)],
      ['Files', input.files.map(({ path, fingerprint }) => `${lastPart(path)} (${fingerprint})`).join(', ')],
    ]),
    '',
    markdownTable(
      ['Source', 'Positive', 'Negative'],
      sources.slice(0, mostSources).map((of) => [of.source, whole(of.positive), whole(of.negative)]),
    ),
    ...(sources.length > mostSources ? ['', `And ${whole(sources.length - mostSources)} more sources.`] : []),
  ].join('\n');
}

function usageOf({ name, kind, label, prepare }: ClassifierCardInput): string {
  const own = codeBlock(
    `midtrain classify score ./${name} pages.parquet --out runs/scored\nmidtrain filter pipeline.yaml --model math=./${name}`,
    'sh',
  );
  if (kind === 'regressor') return ['## Use', '', own].join('\n');
  const prepared =
    prepare === 'none'
      ? ''
      : ` Texts have to be prepared as "${prepare}" says before (midtrain does so by itself).`;
  return [
    '## Use',
    '',
    own,
    '',
    `The reference fastText loads model.bin; the score is the probability of \`__label__${label ?? ''}\`.${prepared}`,
  ].join('\n');
}
