/**
 * Two ablations on one page, such as one experiment at two sizes, before and after a change, or on two worlds: which arms, measures and seeds both have, their
 * values side by side with every seed, and which settings differ. Seeds of one name in both pair an arm with itself; a difference is claimed only where the
 * two have the very same seeds (three or more), by the paired t interval with Holm over all that are compared. Otherwise the numbers stand without a claim.
 */
import { type Claim, claimOf } from '../core/claim.ts';
import { type Arm, compareSeeds, type SeedComparison } from '../core/compare-seeds.ts';
import { ablationClaims, armValues } from './ablation-claims.ts';
import type { AblationInput, AblationMeasure, StepRole } from './ablation-data.ts';
import type { AblationReport } from './ablation-report.ts';
import { originRows } from './ablation-steps.ts';
import { stripFigure } from './ablation-strip.ts';
import { type AblationView, ablationView, settingInWords } from './ablation-view.ts';
import { type ConfigDifference, configDifferences } from './config-difference.ts';
import { table } from './figure.ts';
import { breakable, type Content, clip, html, type Markup } from './html.ts';
import { escapeMarkdown, markdownTable } from './markdown.ts';
import { differenceAxis, showDifference, showValue } from './measure-format.ts';
import { whole } from './number-format.ts';
import { page } from './page.ts';
import { seriesColour } from './palette.ts';
import { seedPicture } from './seed-figure.ts';

type Pair = readonly [AblationInput, AblationInput];

interface Shared {
  arms: string[];
  onlyFirst: string[];
  onlySecond: string[];
  measures: AblationMeasure[];
  /** Measures of one name that say they are something else. */
  unlike: string[];
  seeds: string[];
  sameSeeds: boolean;
}

interface ComparedMeasure {
  measure: AblationMeasure;
  comparisons: SeedComparison[];
  claims: Claim[];
}

const names = ['A', 'B'] as const;

export function renderAblationComparison(first: AblationInput, second: AblationInput): AblationReport {
  const pair: Pair = [first, second];
  const shared = sharedOf(pair);
  const compared = comparedMeasures(pair, shared);
  const settings = settingsOf(pair, shared);
  const title = `${first.title} (A) against ${second.title} (B)`;
  return {
    html: pageOf(pair, shared, compared, settings, title),
    markdown: markdownOf(pair, shared, compared, settings, title),
  };
}

function sharedOf([a, b]: Pair): Shared {
  const arms = (input: AblationInput): string[] => input.arms.map(({ name }) => name);
  const both = a.measures.flatMap((measure) => {
    const other = b.measures.find(({ name }) => name === measure.name);
    return other === undefined ? [] : [{ measure, other }];
  });
  const like = ({ measure, other }: (typeof both)[number]): boolean =>
    measure.unit === other.unit && measure.about === other.about;
  return {
    arms: arms(a).filter((name) => arms(b).includes(name)),
    onlyFirst: arms(a).filter((name) => !arms(b).includes(name)),
    onlySecond: arms(b).filter((name) => !arms(a).includes(name)),
    measures: both.filter(like).map(({ measure, other }) => ({
      ...measure,
      primary: measure.primary && other.primary,
      likeOnly: measure.likeOnly || other.likeOnly,
    })),
    unlike: both.filter((m) => !like(m)).map(({ measure }) => measure.label),
    seeds: a.seeds.filter((seed) => b.seeds.includes(seed)),
    sameSeeds: a.seeds.length === b.seeds.length && a.seeds.every((seed) => b.seeds.includes(seed)),
  };
}

/** Whether RL climbed for certain where it should, in both; a comparison without means nothing. */
function signalled(pair: Pair): boolean {
  return pair.every((input) => {
    const { signal } = ablationClaims(input);
    return input.calibration?.outcome !== 'not run' && (signal === undefined || signal.holds);
  });
}

function comparedMeasures(pair: Pair, { arms, measures, sameSeeds }: Shared): ComparedMeasure[] {
  if (!sameSeeds || !signalled(pair)) return [];
  const asked = measures
    .filter(({ primary }) => primary)
    .flatMap((measure) => arms.map((name) => ({ measure, name })));
  const side = (i: 0 | 1, name: string, measure: AblationMeasure): Arm => ({
    ...armValues(pair[i], name, measure),
    name: `${name} in ${names[i]}`,
  });
  const all = compareSeeds(
    asked.map(({ measure, name }) => [side(0, name, measure), side(1, name, measure)]),
  );
  return [...new Set(asked.map(({ measure }) => measure))].map((measure) => {
    const comparisons = all.filter((_, i) => asked[i]!.measure === measure);
    const { label, unit, smallest } = measure;
    return {
      measure,
      comparisons,
      claims: comparisons.map((comparison) =>
        claimOf(comparison, {
          what: label,
          show: (difference) => showDifference(unit, difference),
          ...(smallest === undefined ? {} : { smallest }),
        }),
      ),
    };
  });
}

interface Settings {
  /** What tells an arm from its base, where that is not the same in both. */
  arms: { arm: string; first: string; second: string }[];
  /** By step of the way: the settings of the first common arm and seed that differ. */
  steps: { role: StepRole; differences: ConfigDifference[] }[];
  origin: [name: string, first: string, second: string][];
}

const roles: readonly StepRole[] = ['filter', 'mixStable', 'mixDecay', 'stable', 'decay', 'chains', 'grpo'];

function settingsOf(pair: Pair, { arms, seeds }: Shared): Settings {
  const views = [ablationView(pair[0]), ablationView(pair[1])] as const;
  const words = (input: AblationInput, name: string): string =>
    input.arms
      .find((arm) => arm.name === name)!
      .differences.map(({ path, value }) => `${path}: ${settingInWords(value)}`)
      .sort()
      .join('; ');
  const cells = views.map(({ input }) =>
    input.cells.find(
      ({ arm, seed, status }) =>
        arm === arms[0] && (seeds.length === 0 || seed === seeds[0]) && status === 'done',
    ),
  );
  const origin = [originRows(pair[0]), originRows(pair[1])].map((rows) => new Map(rows));
  return {
    arms: arms
      .map((arm) => ({ arm, first: words(pair[0], arm), second: words(pair[1], arm) }))
      .filter(({ first, second }) => first !== second),
    steps: roles.flatMap((role) => {
      const runs = views.map((view, i) => (cells[i] === undefined ? undefined : view.runOf(cells[i], role)));
      if (runs[0] === undefined || runs[1] === undefined) return [];
      const differences = configDifferences([runs[0], runs[1]]).filter(
        ({ key }) => !/(?:^|\.)(?:out|name|model|data|problems|input|path|file)$/.test(key),
      );
      return differences.length === 0 ? [] : [{ role, differences }];
    }),
    origin: [...new Set(origin.flatMap((rows) => [...rows.keys()]))].map((name) => [
      name,
      origin[0]!.get(name) ?? '–',
      origin[1]!.get(name) ?? '–',
    ]),
  };
}

/** Full sentences: why there is no claim, and what is in one only. */
function warningsOf(pair: Pair, shared: Shared): string[] {
  const [a, b] = pair;
  const out: string[] = [];
  if (!shared.sameSeeds)
    out.push(
      `The seeds differ (A: ${a.seeds.join(', ')}; B: ${b.seeds.join(', ')}), so values stand side by side and no difference is claimed.`,
    );
  else if (shared.seeds.length < 3)
    out.push(
      `${shared.seeds.length === 1 ? 'One seed is' : `${whole(shared.seeds.length)} seeds are`} too few to say anything.`,
    );
  else if (!signalled(pair))
    out.push('One of the two has no signal in its calibration, so no difference is claimed.');
  if (shared.arms.length === 0) out.push('The two have no arm in common.');
  const only = (list: readonly string[], name: string): void => {
    if (list.length > 0) out.push(`Only in ${name}: ${list.join(', ')}.`);
  };
  only(shared.onlyFirst, 'A');
  only(shared.onlySecond, 'B');
  if (shared.unlike.length > 0)
    out.push(`Measured in another way in each, so left out: ${shared.unlike.join(', ')}.`);
  return out;
}

function valueRows([a, b]: Pair, measure: AblationMeasure, arms: readonly string[]): string[][] {
  const words = (input: AblationInput, arm: string): [mean: string, seeds: string] => {
    const values = [...armValues(input, arm, measure).values];
    if (values.length === 0) return ['–', ''];
    const mean = values.reduce((sum, [, value]) => sum + value, 0) / values.length;
    return [
      showValue(measure.unit, mean),
      values.map(([seed, value]) => `${seed}: ${showValue(measure.unit, value)}`).join(', '),
    ];
  };
  return arms.map((arm) => [arm, ...words(a, arm), ...words(b, arm)]);
}

const valueHeader = ['Arm', 'A, mean', 'A, by seed', 'B, mean', 'B, by seed'];

function pageOf(
  pair: Pair,
  shared: Shared,
  compared: readonly ComparedMeasure[],
  settings: Settings,
  title: string,
): string {
  const [a, b] = pair;
  const warnings = warningsOf(pair, shared);
  const strips = shared.measures
    .filter(({ primary }) => primary)
    .map((measure) => stripFigure(bothView(pair, shared), measure));
  const body = html`<section id="together"><h2>What both have</h2><dl class="facts">${pair.map(
    (input, i) => html`<dt>${names[i]!}</dt><dd>${input.title}: ${input.question}</dd>`,
  )}</dl>${warnings.length > 0 && html`<ul class="notes">${warnings.map((w) => html`<li>${w}</li>`)}</ul>`}${strips}${compared.map(comparedPart)}</section>`;
  const values = html`<section id="values"><h2>Values side by side</h2>${shared.measures.map((measure) => {
    const rows = valueRows(pair, measure, shared.arms).filter(
      ([, first, , second]) => first !== '–' || second !== '–',
    );
    return (
      rows.length > 0 &&
      html`<h3>${measure.label}</h3><p class="hint">${measure.about}</p>${table(valueHeader, rows, [2, 4])}`
    );
  })}</section>`;
  return page({
    title,
    headline: {
      sentence:
        'Two ablations side by side: the arms and measures that both have, and the settings in which they differ.',
      numbers: [
        {
          label: 'Arms in both',
          value: whole(shared.arms.length),
          detail: `A has ${a.arms.length}, B has ${b.arms.length}`,
        },
        {
          label: 'Measures in both',
          value: whole(shared.measures.length),
          detail: `A has ${a.measures.length}, B has ${b.measures.length}`,
        },
        {
          label: 'Seeds',
          value: shared.sameSeeds ? `${whole(shared.seeds.length)}, the same` : 'not the same',
          detail: `A: ${a.seeds.join(', ')}; B: ${b.seeds.join(', ')}`,
          ...(shared.sameSeeds ? {} : { tone: 'bad' as const }),
        },
      ],
    },
    sections: [
      { id: 'together', name: 'What both have', body },
      { id: 'values', name: 'Values', body: values },
      { id: 'settings', name: 'Settings', body: settingsPart(settings) },
    ],
    footer: html`<p>Made by midtrain. All numbers were measured in these runs; nothing on this page is fetched and no script runs.</p>`,
  });
}

/** Every common arm twice, as it is in A and in B, each of which has its colour. */
function bothView([a, b]: Pair, { arms }: Shared): Pick<AblationView, 'arms' | 'input'> {
  const seeds = [...new Set([...a.seeds, ...b.seeds])];
  const of = (input: AblationInput, i: 0 | 1) =>
    new Map(
      ablationView(input).arms.map((view) => [
        view.arm.name,
        { ...view, label: `${view.label} in ${names[i]}`, colour: seriesColour(i) },
      ]),
    );
  const [first, second] = [of(a, 0), of(b, 1)];
  return {
    input: { ...a, seeds },
    arms: arms.flatMap((name) => [first.get(name)!, second.get(name)!]),
  };
}

function comparedPart({ measure, comparisons, claims }: ComparedMeasure): Content {
  if (comparisons.every(({ pairs }) => pairs.length === 0)) return undefined;
  return html`${seedPicture(comparisons, {
    what: `difference in ${measure.label}, B less A`,
    show: (difference) => showDifference(measure.unit, difference),
    axis: differenceAxis(measure.label, measure.unit),
  })}<ul class="claims">${claims.map(
    ({ text, warnings }) =>
      html`<li>${text}${warnings.length > 0 && html`<ul class="missing">${warnings.map((w) => html`<li>${w}</li>`)}</ul>`}</li>`,
  )}</ul>`;
}

function settingsPart({ arms, steps, origin }: Settings): Markup {
  return html`<section id="settings"><h2>Differences in settings</h2>${
    arms.length > 0 &&
    html`<h3>Arms of one name that are not the same</h3>${table(
      ['Arm', 'A, from its base', 'B, from its base'],
      arms.map(({ arm, first, second }) => [
        arm,
        first === '' ? 'the base' : first,
        second === '' ? 'the base' : second,
      ]),
      [1, 2],
    )}`
  }${steps.map(
    ({ role, differences }) =>
      html`<h3>${roleWords[role]}</h3>${table(
        ['Setting', 'A', 'B'],
        differences.map(({ key, values }) => [
          html`<code class="key">${breakable(key)}</code>`,
          ...values.map((v) => html`<code>${v}</code>`),
        ]),
        [1, 2],
      )}`,
  )}${arms.length === 0 && steps.length === 0 && html`<p>The arms that both have were run with the same settings.</p>`}<h3>Where they ran</h3>${table(['', 'A', 'B'], origin, [1, 2])}</section>`;
}

const roleWords: Record<StepRole, string> = {
  filter: 'Filter',
  mixStable: 'Mixture of the stable phase',
  mixDecay: 'Mixture of the decay phase',
  stable: 'Stable phase',
  decay: 'Decay phase',
  chains: 'Chains',
  grpo: 'Reinforcement learning',
};

function markdownOf(
  pair: Pair,
  shared: Shared,
  compared: readonly ComparedMeasure[],
  { arms, steps, origin }: Settings,
  title: string,
): string {
  const claims = compared.flatMap(({ claims: of }) =>
    of.flatMap(({ text, warnings }) => [
      `- ${escapeMarkdown(text)}`,
      ...warnings.map((w) => `  - ${escapeMarkdown(w)}`),
    ]),
  );
  const parts = [
    `# ${escapeMarkdown(title)}`,
    warningsOf(pair, shared)
      .map((w) => `- ${escapeMarkdown(w)}`)
      .join('\n'),
    claims.join('\n'),
    ...shared.measures.map(
      (measure) =>
        `## ${escapeMarkdown(clip(measure.label, 120))}\n\n${markdownTable(valueHeader, valueRows(pair, measure, shared.arms), [2, 4])}`,
    ),
    '## Differences in settings',
    ...(arms.length === 0
      ? []
      : [
          markdownTable(
            ['Arm', 'A', 'B'],
            arms.map(({ arm, first, second }) => [arm, first, second]),
            [1, 2],
          ),
        ]),
    ...steps.map(
      ({ role, differences }) =>
        `${roleWords[role]}:\n\n${markdownTable(
          ['Setting', 'A', 'B'],
          differences.map(({ key, values }) => [key, ...values]),
          [1, 2],
        )}`,
    ),
    markdownTable(['', 'A', 'B'], origin, [1, 2]),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
