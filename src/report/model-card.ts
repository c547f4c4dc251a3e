/** The card of a trained model: a training or GRPO run, or one of its checkpoints. Data, steps, schedule and results from the record and metrics. */
import type { JoinedLicence } from '../core/licences.ts';
import type { MetricRow } from '../core/record.ts';
import { grpoFacts } from './grpo-facts.ts';
import {
  bullets,
  type CardLicence,
  type HubCard,
  lastPart,
  licenceFront,
  licenceSection,
  sections,
  withoutPaths,
} from './hub-card.ts';
import { codeBlock, escapeMarkdown, markdownTable } from './markdown.ts';
import { decimal, exponent, percent, pointsRange, whole } from './number-format.ts';
import { metric, type PreparedRun } from './report-run.ts';
import { evenly } from './thin.ts';

export interface ModelCardInput {
  run: PreparedRun;
  name: string;
  /** The folder is one checkpoint of the run, after so many steps. */
  checkpoint: { step: number } | undefined;
  /** Hub name of the model that all began from; undefined where that is a folder, or nothing. */
  baseModel: string | undefined;
  /** What the run began from, in words. */
  from: string | undefined;
  /** Hub names of the data sets of the mixtures. */
  datasets: string[];
  /** Mixtures trained on. */
  mixtures: { name: string; tokens: number | undefined }[];
  languages: string[] | undefined;
  licence: JoinedLicence;
  sources: CardLicence[];
  warnings: string[];
  version: string;
}

export function modelCard(input: ModelCardInput): HubCard {
  const { run } = input;
  return {
    front: {
      ...licenceFront(input.licence),
      language: input.languages,
      library_name: 'transformers',
      pipeline_tag: 'text-generation',
      base_model: input.baseModel,
      datasets: input.datasets.length === 0 ? undefined : input.datasets,
      tags: ['midtrain', run.kind === 'grpo' ? 'grpo' : 'mid-training', 'webgpu'],
    },
    body: sections([
      `# ${escapeMarkdown(input.name)}`,
      run.kind === 'grpo' ? grpoIntro(input) : trainIntro(input),
      '## Data',
      input.mixtures.length === 0
        ? 'No mixture could be found from the run record.'
        : markdownTable(
            ['mixture', 'tokens'],
            input.mixtures.map(({ name, tokens }) => [name, whole(tokens)]),
          ),
      run.record.inputs.length === 0
        ? undefined
        : markdownTable(
            ['input', 'fingerprint'],
            run.record.inputs.map(({ path, fingerprint }) => [lastPart(path), fingerprint ?? '']),
            [1],
          ),
      '## Settings',
      codeBlock(JSON.stringify(withoutPaths(run.record.config), null, 2), 'json'),
      evidenceTable(run),
      '## Results',
      run.kind === 'grpo' ? grpoResults(run) : trainResults(run.rows),
      licenceSection(input.licence, input.sources, input.warnings),
    ]),
  };
}

function common({ run, checkpoint, from, version }: ModelCardInput): [string, string | undefined][] {
  const { record } = run;
  const device = record.device as { name?: unknown; software?: unknown } | undefined;
  return [
    ['Made by', `midtrain ${version}, command ${record.command}, configuration ${record.fingerprint}`],
    ['Status', record.status === 'done' ? undefined : `${record.status}: this run did not end`],
    ['Checkpoint', checkpoint && `after step ${whole(checkpoint.step)}`],
    ['Began from', from],
    [
      'Device',
      typeof device?.name === 'string'
        ? `${device.name}${device.software === true ? ' (software)' : ''}`
        : undefined,
    ],
  ];
}

function trainIntro(input: ModelCardInput): string {
  const { summary } = input.run.record;
  const of = (name: string): number | undefined =>
    typeof summary[name] === 'number' ? (summary[name] as number) : undefined;
  const schedule = scheduleOf(input.run);
  return bullets([
    ...common(input),
    ['Parameters', whole(of('parameters'))],
    ['Phase', typeof summary.phase === 'string' ? summary.phase : undefined],
    ['Steps', whole(of('steps'))],
    ['Tokens over all phases', whole(of('tokens'))],
    ['Learning rate', schedule],
    ['Final loss', of('finalLoss') === undefined ? undefined : decimal(of('finalLoss'))],
    ['Final held-out loss', of('finalEvalLoss') === undefined ? undefined : decimal(of('finalEvalLoss'))],
  ]);
}

/** The schedule of the run's phase, in words. */
function scheduleOf({ record }: PreparedRun): string | undefined {
  const config = record.config as Record<string, unknown> | null;
  const phase = typeof record.summary.phase === 'string' ? record.summary.phase : undefined;
  const settings = (phase === undefined ? config?.schedule : config?.[phase]) as
    | Record<string, unknown>
    | undefined;
  if (settings === undefined || typeof settings.learning_rate !== 'number') return undefined;
  const ratio =
    typeof settings.min_lr_ratio === 'number' && settings.decay !== 'constant'
      ? ` to ${exponent(settings.learning_rate * settings.min_lr_ratio)}`
      : '';
  const warmup =
    typeof settings.warmup_steps === 'number' && settings.warmup_steps > 0
      ? `, ${settings.warmup_steps} warm-up steps`
      : ', no warm-up';
  return `${String(settings.decay ?? 'constant')}, ${exponent(settings.learning_rate)}${ratio}${warmup}`;
}

function trainResults(rows: readonly MetricRow[]): string {
  const shown = evenly(
    rows.filter((row) => metric(row, 'loss') !== undefined || metric(row, 'eval_loss') !== undefined),
    12,
  );
  if (shown.length === 0) return 'The run left no metrics.';
  return markdownTable(
    ['step', 'loss', 'held-out loss', 'learning rate'],
    shown.map((row) => [
      whole(row.step),
      decimal(metric(row, 'loss')),
      decimal(metric(row, 'eval_loss')),
      exponent(metric(row, 'learning_rate')),
    ]),
  );
}

function grpoIntro(input: ModelCardInput): string {
  const facts = grpoFacts(input.run);
  const config = input.run.record.config as Record<string, unknown> | null;
  return sections([
    bullets([
      ...common(input),
      [
        'Steps',
        whole(
          typeof input.run.record.summary.steps === 'number' ? input.run.record.summary.steps : undefined,
        ),
      ],
      ['Learning rate', scheduleOf(input.run)],
      ['Prompt template', typeof config?.template === 'string' ? config.template : undefined],
      [
        'Accuracy',
        facts.start?.accuracy === undefined
          ? undefined
          : `${percent(facts.start.accuracy)} before, ${percent(facts.end?.accuracy)} after${facts.changeInterval === undefined ? '' : ` (${pointsRange(facts.changeInterval.low, facts.changeInterval.high)}, 95 % interval)`}`,
      ],
    ]),
    escapeMarkdown(facts.verdict),
  ]);
}

function grpoResults(run: PreparedRun): string {
  const { evaluations } = grpoFacts(run);
  if (evaluations.length === 0) return 'The run left no evaluation.';
  return markdownTable(
    ['step', 'accuracy', 'mean length', 'allowed length'],
    evenly(evaluations, 12).map(({ step, accuracy, length, cap }) => [
      whole(step),
      percent(accuracy),
      decimal(length),
      whole(cap),
    ]),
  );
}

function evidenceTable({ record }: PreparedRun): string | undefined {
  return record.evidence.length === 0
    ? undefined
    : markdownTable(
        ['figure', 'value', 'how well known', 'note'],
        record.evidence.map(({ name, value, evidence, note }) => [
          name,
          typeof value === 'string' ? value : JSON.stringify(value),
          evidence,
          note ?? '',
        ]),
        [1, 2, 3],
      );
}
