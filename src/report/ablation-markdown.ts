/** An ablation's report as Markdown: the answer, the claims, the tables, and one-line curves instead of pictures. For a repository or an issue. */
import type { AblationClaims } from './ablation-claims.ts';
import { armCurves } from './ablation-curves.ts';
import { filterGroups, ruleRows } from './ablation-filter.ts';
import { headWarnings } from './ablation-head.ts';
import { mixGroups, mixRows } from './ablation-mix.ts';
import { tellingColumns } from './ablation-outcome.ts';
import { spokenClaims, tellingMeasures } from './ablation-results.ts';
import { sideBySide } from './ablation-samples.ts';
import { firedInWords, firedNames, signatureTitle } from './ablation-signatures.ts';
import {
  missingWords,
  originRows,
  stepRows,
  withinSeedHeader,
  withinSeedNote,
  withinSeedRows,
} from './ablation-steps.ts';
import { type AblationView, differenceInWords, meanOf, settingInWords, valuesOf } from './ablation-view.ts';
import { clip } from './html.ts';
import { codeBlock, escapeMarkdown, markdownTable, sparkline } from './markdown.ts';
import { differenceAxis, showDifference, showValue } from './measure-format.ts';
import { whole } from './number-format.ts';
import { seedTable } from './seed-figure.ts';

type Part = string | undefined;

export function ablationMarkdown(
  view: AblationView,
  claims: AblationClaims,
  answer: readonly string[],
): string {
  const { input } = view;
  const missing = missingWords(view);
  const parts: Part[] = [
    `# ${escapeMarkdown(input.title)}`,
    `**Question.** ${escapeMarkdown(input.question)}`,
    answer.map(escapeMarkdown).join('\n\n'),
    input.paper === undefined ? undefined : `**What the paper found.** ${escapeMarkdown(input.paper)}`,
    list(headWarnings(input)),
    armsPart(view),
    input.calibration === undefined
      ? undefined
      : `**Calibration.** ${escapeMarkdown(input.calibration.text)}`,
    claimsPart(claims),
    measuresPart(view),
    outcomePart(view),
    rlPart(view),
    samplesPart(view),
    dataPart(view),
    stepsPart(view),
    missing.length === 0 ? undefined : `## What is missing\n\n${list(missing)}`,
    `## How to run it again\n\n${codeBlock(input.rerun.join('\n'), 'sh')}\n\n${markdownTable(['', ''], originRows(input), [1])}`,
  ];
  return `${parts.filter((part) => part !== undefined && part !== '').join('\n\n')}\n`;
}

function list(items: readonly string[]): Part {
  return items.length === 0 ? undefined : items.map((item) => `- ${escapeMarkdown(item)}`).join('\n');
}

function armsPart({ arms }: AblationView): string {
  return `## The arms\n\n${markdownTable(
    ['Arm', 'What it is', 'Differs from the base in', 'RL starts from'],
    arms.map(({ arm }) => [
      arm.name,
      differenceInWords(arm),
      arm.differences
        .map(({ path, base, value }) => `${path}: ${settingInWords(base)} → ${settingInWords(value)}`)
        .join('; '),
      arm.state,
    ]),
    [1, 2, 3],
  )}`;
}

/** The sentences and, by measure, the differences of every seed. */
function claimsPart({ claims }: AblationClaims): Part {
  if (claims.length === 0) return undefined;
  const sentences = spokenClaims(claims).flatMap(({ text, warnings }) => [
    `- ${escapeMarkdown(text)}`,
    ...warnings.map((warning) => `  - ${escapeMarkdown(warning)}`),
  ]);
  const lost = claims.every(({ claim }) => claim.verdict === 'no-signal');
  const tables = lost
    ? []
    : [...Map.groupBy(claims, ({ measure }) => measure)].map(([measure, of]) => {
        const { header, rows } = seedTable(
          of.map(({ comparison }) => comparison),
          (d) => showDifference(measure.unit, d),
        );
        return `${escapeMarkdown(differenceAxis(measure.label, measure.unit))}:\n\n${markdownTable(header, rows)}`;
      });
  return ['## What may be said of the differences', sentences.join('\n'), ...tables].join('\n\n');
}

function measuresPart(view: AblationView): string {
  const { arms, input } = view;
  const rows = tellingMeasures(view).map((measure) => [
    `${measure.label}${measure.primary ? ' (primary)' : ''}`,
    ...arms.map((arm) => {
      const values = valuesOf(arm, measure);
      const seeds = values.map(({ seed, value }) => `${seed}: ${showValue(measure.unit, value)}`).join(', ');
      return values.length === 0
        ? '–'
        : `${showValue(measure.unit, meanOf(values))}${values.length < 2 ? '' : ` (${seeds})`}`;
    }),
  ]);
  return `## All measures by arm\n\nMean over seeds, every seed in brackets (seeds ${escapeMarkdown(input.seeds.join(', '))}).\n\n${markdownTable(['Measure', ...arms.map(({ arm }) => arm.name)], rows)}`;
}

function outcomePart(view: AblationView): string {
  const { columns, same } = tellingColumns(view);
  return `## From data to score\n\n${same.length === 0 ? '' : `The same in all arms: ${escapeMarkdown(same.join(', '))}.\n\n`}${markdownTable(
    ['Arm', ...columns.map(({ title }) => title)],
    view.arms.map((arm) => [
      arm.arm.name,
      ...columns.map(({ of }) => {
        const { text, seeds } = of(arm);
        return seeds === undefined ? text : `${text} (${seeds})`;
      }),
    ]),
    [1],
  )}`;
}

const curves = [
  ['accuracy', 'eval_accuracy'],
  ['reward', 'reward'],
  ['length', 'completions/mean_length'],
  ['truncated', 'completions/clipped_ratio'],
  ['repetition', 'completions/repetition_ratio'],
  ['answer first', 'completions/answer_first_ratio'],
  ['entropy', 'entropy'],
] as const;

function rlPart(view: AblationView): Part {
  const drawn = curves.flatMap(([title, metric]) => {
    const of = armCurves(view, 'grpo', metric);
    return of.some(({ seeds }) => seeds.length > 0) ? [{ title, of }] : [];
  });
  if (drawn.length === 0) return undefined;
  const names = firedNames(view.arms);
  const fired =
    names.length === 0
      ? 'No signature of failure fired in any run.'
      : markdownTable(
          ['Signature', ...view.arms.map(({ arm }) => arm.name)],
          names.map((name) => [
            signatureTitle(name),
            ...view.arms.map((arm) => {
              const { count, of, steps } = firedInWords(arm, name);
              return count === 0 ? '–' : `${count} of ${of}: ${steps}`;
            }),
          ]),
          view.arms.map((_, i) => i + 1),
        );
  return [
    '## Reinforcement learning',
    'Curves: mean over seeds, each scaled to its own range.',
    markdownTable(
      ['Arm', ...drawn.map(({ title }) => title)],
      view.arms.map(({ arm }, i) => [
        arm.name,
        ...drawn.map(({ of }) =>
          sparkline(
            of[i]!.mean.map(({ y }) => y),
            20,
          ),
        ),
      ]),
      drawn.map((_, i) => i + 1),
    ),
    fired,
  ].join('\n\n');
}

/** One problem at the last step that all arms stored; the page has more. */
function samplesPart(view: AblationView): Part {
  const samples = sideBySide(view);
  const last = samples?.steps.at(-1);
  const row = last?.rows[0];
  if (samples === undefined || last === undefined || row === undefined) return undefined;
  const blocks = samples.arms.flatMap(({ arm }, i) => {
    const response = row.responses[i];
    if (response === undefined) return [];
    const right = response.reward > 0 ? 'right' : 'wrong';
    return [`${escapeMarkdown(arm.name)} (${right}):\n\n${codeBlock(clip(response.completion, 600))}`];
  });
  return [
    '## Samples side by side',
    `Seed ${escapeMarkdown(samples.seed)}, step ${whole(last.step)}${row.prompt === undefined ? '; the arms drew different problems' : ':'}`,
    ...(row.prompt === undefined ? [] : [codeBlock(clip(row.prompt, 600))]),
    ...blocks,
  ].join('\n\n');
}

function dataPart(view: AblationView): Part {
  const filters = filterGroups(view);
  const parts: string[] = [];
  if (filters.length > 0) {
    const { header, rows } = ruleRows(filters);
    parts.push(`### Filter\n\n${markdownTable(header, rows)}`);
  }
  for (const [role, title] of [
    ['mixStable', 'Stable mixture'],
    ['mixDecay', 'Decay mixture'],
  ] as const) {
    const groups = mixGroups(view, role);
    if (groups.length === 0) continue;
    const { header, rows } = mixRows(groups);
    parts.push(
      `### ${title}\n\n${markdownTable(
        header,
        rows,
        header.map((_, i) => i),
      )}`,
    );
  }
  return parts.length === 0 ? undefined : ['## Data', ...parts].join('\n\n');
}

function stepsPart(view: AblationView): string {
  const { header, rows } = stepRows(view.input);
  const failed = view.input.steps.filter(({ status }) => status === 'failed');
  const within = withinSeedRows(view);
  return [
    '## Steps',
    markdownTable(header, rows),
    ...(failed.length === 0
      ? []
      : [
          list(
            failed.map(({ id, kind, error }) => `${kind} ${id} failed: ${error ?? 'no reason was recorded'}`),
          )!,
        ]),
    ...(within.length === 0
      ? []
      : [
          `### Change over RL within each seed\n\n${escapeMarkdown(withinSeedNote)}\n\n${markdownTable(withinSeedHeader, within)}`,
        ]),
  ].join('\n\n');
}
