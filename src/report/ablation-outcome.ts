/** The way of each arm in one row: what was set, what the filter kept, what was trained on, the score before RL and the score after it. */
import type { AblationMeasure } from './ablation-data.ts';
import { armName } from './ablation-figures.ts';
import { type FilterGroup, filterGroups, keptInWords } from './ablation-filter.ts';
import { type MixGroup, mixGroups } from './ablation-mix.ts';
import {
  type AblationView,
  type ArmView,
  acrossClass,
  meanOf,
  settingInWords,
  valuesOf,
} from './ablation-view.ts';
import { table } from './figure.ts';
import { breakable, type Content, clip, html, type Markup } from './html.ts';
import { showValue } from './measure-format.ts';
import { compact, percent } from './number-format.ts';

interface Column {
  title: string;
  /** Text for the cell, and the seeds below it. */
  of: (arm: ArmView) => { text: string; seeds?: string };
}

/** Measures of the score before RL, in the order of the way, where the experiment has them; after it the primary ones tell. */
const before = [/^base_accuracy$/, /^base_/];

function outcomeColumns(view: AblationView): Column[] {
  const filters = filterGroups(view);
  const groupOf = <G extends { arms: ArmView[] }>(groups: readonly G[], arm: ArmView): G | undefined =>
    groups.find(({ arms }) => arms.includes(arm));
  const mixes = (['mixStable', 'mixDecay'] as const).map((role) => mixGroups(view, role));
  const bounds = differingBounds(filters);
  return [
    {
      title: 'Differs in',
      // Thresholds that have a column of their own are not said twice.
      of: ({ arm }) => ({
        text: settings(
          arm.differences.filter(({ path }) => bounds.length === 0 || !/\.thresholds\./.test(path)),
        ),
      }),
    },
    ...bounds.map(({ title, of }): Column => ({ title, of: (arm) => ({ text: of(groupOf(filters, arm)) }) })),
    ...(filters.length === 0
      ? []
      : [{ title: 'Tokens kept', of: (arm: ArmView) => ({ text: keptInWords(groupOf(filters, arm)) }) }]),
    ...mixes.flatMap((groups, i): Column[] =>
      groups.length === 0
        ? []
        : [
            {
              title: `${i === 0 ? 'Stable' : 'Decay'} tokens (QA)`,
              of: (arm) => ({ text: mixInWords(groupOf<MixGroup>(groups, arm)) }),
            },
          ],
    ),
    ...scoreMeasures(view.input.measures).map(
      (measure): Column => ({
        title: measure.label,
        of: (arm) => {
          const values = valuesOf(arm, measure);
          return {
            text: showValue(measure.unit, meanOf(values)),
            ...(values.length < 2
              ? {}
              : {
                  seeds: values
                    .map(({ value }) => showValue(measure.unit, value).replace(/ %$/, ''))
                    .join(' · '),
                }),
          };
        },
      }),
    ),
  ];
}

function scoreMeasures(measures: readonly AblationMeasure[]): AblationMeasure[] {
  const out = new Set<AblationMeasure>();
  for (const pattern of before)
    for (const measure of measures) if (pattern.test(measure.name)) out.add(measure);
  const primary = measures.filter((measure) => measure.primary);
  for (const measure of primary) out.add(measure);
  if (!primary.some(({ name }) => name.startsWith('rl_')))
    for (const measure of measures) if (measure.name === 'rl_accuracy') out.add(measure);
  return [...out];
}

function settings(differences: ArmView['arm']['differences']): string {
  if (differences.length === 0) return '–';
  const shown = differences
    .slice(0, 4)
    .map(
      ({ path, value }) =>
        `${clip(path, 60).split('.').slice(-2).join('.')} ${clip(settingInWords(value), 40)}`,
    );
  return `${shown.join('; ')}${differences.length > 4 ? ` and ${differences.length - 4} more` : ''}`;
}

/** A column for each threshold that is not the same in all filters. */
function differingBounds(
  filters: readonly FilterGroup[],
): { title: string; of: (group: FilterGroup | undefined) => string }[] {
  const names = [
    ...new Set(filters.flatMap(({ facts }) => facts.rules.map(({ signal, side }) => `${side} ${signal}`))),
  ];
  return names
    .flatMap((name) => {
      const of = (group: FilterGroup | undefined): string => {
        const rule = group?.facts.rules.find(({ signal, side }) => `${side} ${signal}` === name);
        return rule === undefined ? '–' : String(rule.bound);
      };
      if (new Set(filters.map(of)).size < 2) return [];
      const [side, signal] = [name.slice(0, 3), name.slice(4)];
      return [{ title: `${clip(signal, 40)} ${side === 'min' ? 'at least' : 'at most'}`, of }];
    })
    .slice(0, 3);
}

function mixInWords(group: MixGroup | undefined): string {
  if (group === undefined) return '–';
  const { totalTokens, qaShare } = group.facts;
  return `${compact(totalTokens)} (${percent(qaShare, 0)})`;
}

/** The columns that tell arms apart, and in words those that are the same for all. */
export function tellingColumns(view: AblationView): { columns: Column[]; same: string[] } {
  const all = outcomeColumns(view);
  const alike = ({ of }: Column): boolean => {
    const cells = view.arms.map((arm) => of(arm));
    return (
      view.arms.length > 1 &&
      cells.every(({ text, seeds }) => seeds === undefined && text === cells[0]!.text && text !== '–')
    );
  };
  return {
    columns: all.filter((column) => !alike(column)),
    same: all.filter(alike).map(({ title, of }) => `${title} ${of(view.arms[0]!).text}`),
  };
}

const outcomeNote =
  'Each arm from its setting to its result: mean over seeds, with every seed below. Scores before RL of arms that are not in a like state (decayed, constant rate) are not to be compared.';

export function outcomeSection(view: AblationView): Markup {
  const { columns, same } = tellingColumns(view);
  return html`<section id="outcome"><h2>From data to score</h2><p class="hint">${outcomeNote}${
    same.length > 0 && ` The same in all arms: ${same.join(', ')}.`
  }</p><div class="${acrossClass(view)}">${table(
    ['Arm', ...columns.map(({ title }) => breakable(title))],
    view.arms.map((arm) => [
      armName(arm),
      ...columns.map(({ of }): Content => {
        const { text, seeds } = of(arm);
        return html`${text}${seeds !== undefined && html`<br><small>${seeds}</small>`}`;
      }),
    ]),
    [1],
  )}</div></section>`;
}
