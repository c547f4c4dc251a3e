/** Problem sets over reinforcement learning: the table of ends and maxima, and accuracy and length of every set, runs of one group in one picture. */
import type { BenchmarkFacts, BenchmarkSet } from './benchmark-facts.ts';
import type { CurveEnd } from './curve-end.ts';
import { lineFigure, table } from './figure.ts';
import { html, type Markup } from './html.ts';
import type { LineSeries } from './line-chart.ts';
import { percent, whole } from './number-format.ts';
import { seriesColour, seriesColours, seriesDash } from './palette.ts';
import type { PreparedRun } from './report-run.ts';
import { smoothedSeries } from './smoothed-series.ts';

export const benchmarkCaption =
  'Each cell: mean of the last five evaluations, in brackets the greatest value and the first step that has it. ' +
  'A row is one run: how another seed would have come out is not in it.';

export function benchmarkSection(facts: BenchmarkFacts | undefined): Markup | undefined {
  if (facts === undefined) return undefined;
  const several = facts.groups.length > 1;
  const group = ({ title, runs }: BenchmarkFacts['groups'][number]): Markup => {
    const drawn = (sets: readonly BenchmarkSet[]): Markup[] =>
      sets
        .flatMap((set) => figuresOf(facts, set, runs, several ? title : undefined))
        .filter((f) => f !== undefined);
    // The first set that these runs have is open to the eye, the others behind a fold where there are several groups.
    const sets = facts.sets.filter(({ curves }) =>
      curves.some(
        ({ run, accuracy, length }) =>
          runs.includes(run) && accuracy.points.length + length.points.length > 0,
      ),
    );
    const others = drawn(sets.slice(1));
    return html`${title !== undefined && html`<h3>${title}</h3>`}<div class="grid">${drawn(sets.slice(0, 1))}${!several && others}</div>${
      several &&
      others.length > 0 &&
      html`<details class="more"><summary>${title ?? 'Other runs'}: the other problem sets (${others.length === 1 ? 'one chart' : `${others.length} charts`})</summary><div class="grid">${others}</div></details>`
    }`;
  };
  return html`<section id="benchmarks"><h2>Problem sets</h2><p class="lead">${benchmarkCaption}</p>${benchmarkTables(facts).map(({ header, rows, text }) => table(header, rows, text))}<p class="hint">In the charts, pale lines are the evaluations and full lines their moving mean; accuracy on one problem set has one scale in all groups, lengths have their own.</p>${facts.groups.map(group)}</section>`;
}

interface EndTable {
  header: string[];
  rows: string[][];
  /** Columns of words. */
  text: number[];
}

/** Accuracy and, where it was logged, length: the same tables for the page and for Markdown. */
export function benchmarkTables({ sets, groups }: BenchmarkFacts): EndTable[] {
  const grouped = groups.some(({ title }) => title !== undefined);
  const one = (key: 'accuracy' | 'length', show: (value: number) => string): EndTable | undefined => {
    const shown = sets.filter(({ curves }) => curves.some((curve) => curve[key].points.length > 0));
    if (shown.length === 0) return undefined;
    const rows = groups.flatMap(({ title, runs }) =>
      runs.map((run) => {
        const ends = shown.map((set) => set.curves.find((curve) => curve.run === run)![key]);
        const count = Math.max(...ends.map(({ points }) => points.length));
        const last = Math.max(...ends.map(({ end }) => end?.to ?? 0));
        return [
          run.label,
          ...(grouped ? [title ?? '–'] : []),
          count === 0 ? '–' : `${whole(count)}, to step ${whole(last)}`,
          ...ends.map(({ end }) => endInWords(end, show)),
        ];
      }),
    );
    // Said once where all agree, else for each set.
    const whose = new Set(shown.map(({ lengthOf }) => lengthOf));
    const titles = shown.map((set) => {
      if (key === 'length') return `${nameOf(set)}${whose.size > 1 ? `, ${set.lengthOf} responses` : ''}`;
      return `${nameOf(set)}${set.problems === undefined ? '' : `, ${whole(set.problems)} problems`}`;
    });
    const what =
      key === 'length'
        ? `Mean tokens of ${whose.size > 1 ? '' : `${[...whose][0]} `}responses`
        : 'Accuracy, percent';
    return {
      header: [what, ...(grouped ? ['Group'] : []), 'Evaluations', ...titles],
      rows,
      text: grouped ? [1] : [],
    };
  };
  return [one('accuracy', inPercent), one('length', whole)].filter((found) => found !== undefined);
}

/** `9.8 (10.2@220)`; with how many evaluations there were, where they are fewer than five. */
function endInWords(end: CurveEnd | undefined, show: (value: number) => string): string {
  if (end === undefined) return '–';
  return `${show(end.mean)} (${show(end.max)}@${whole(end.maxStep)})${end.of < 5 ? `, of ${end.of}` : ''}`;
}

const inPercent = (share: number): string => (100 * share).toFixed(1);

const nameOf = (set: BenchmarkSet): string => (set.name === '' ? 'Held-out problems' : set.name);

function figuresOf(
  { sets }: BenchmarkFacts,
  set: BenchmarkSet,
  runs: readonly PreparedRun[],
  group: string | undefined,
): (Markup | undefined)[] {
  const where = group === undefined ? '' : `${group}: `;
  const all = sets[0]!.curves.map(({ run }) => run);
  const one = (
    key: 'accuracy' | 'length',
    text: { title: string; caption: string; yLabel: string; yFormat: (y: number) => string },
  ): Markup | undefined => {
    const series = runs.map((run, at): LineSeries => {
      // A run has one colour throughout the page while there are enough of them.
      const i = all.length <= seriesColours.light.length ? all.indexOf(run) : at;
      const { points } = set.curves.find((curve) => curve.run === run)![key];
      return { label: run.label, colour: seriesColour(i), dash: seriesDash(i, runs.length), points };
    });
    const top = key === 'length' ? 0 : Math.max(0, ...set.curves.map((curve) => curve[key].end?.max ?? 0));
    return lineFigure({
      ...text,
      xLabel: 'step',
      xFormat: whole,
      top,
      series: series.flatMap(smoothedSeries),
    });
  };
  const problems =
    set.problems === undefined
      ? ''
      : `; one problem of ${whole(set.problems)} is ${percent(1 / set.problems)}`;
  return [
    one('accuracy', {
      title: `${where}${nameOf(set)}, accuracy`,
      caption: `Share of problems answered right at each evaluation${problems}.`,
      yLabel: 'accuracy',
      yFormat: (v) => percent(v, 0),
    }),
    one('length', {
      title: `${where}${nameOf(set)}, response length`,
      caption: `Mean tokens of ${set.lengthOf === 'correct' ? 'correct' : 'all'} responses at each evaluation.`,
      yLabel: 'tokens',
      yFormat: whole,
    }),
  ];
}
