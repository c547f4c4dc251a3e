/**
 * What follows from a design, as lines: shares of QA, long chains of thought and instruction against the paper's bands, the settings
 * with the keys that change them, length, time and disk, and what is wrong. Pure.
 */
import { type Band, bands, placeInBand } from '../../mixtures/design/bands.ts';
import { formatAmount } from '../core/amount.ts';
import { roles } from '../core/card.ts';
import { cell, type Line, type Piece, piece, type Tone, words } from './design-line.ts';
import { roleText } from './design-table.ts';
import type { DesignView } from './design-view.ts';
import { bytesOf, durationOf } from './figures.ts';
import { visibleLine } from './visible-text.ts';

/** The gauges end here; a greater share is drawn at the end with an arrow. */
const gaugeEnd = 0.6;

/** One line a band: label, share, gauge, verdict. */
export function gaugeLines(view: DesignView, width: number): Line[] {
  return bands.map((band) => gaugeLine(band, shareOf(view, band), slackOf(view), width));
}

function shareOf({ plan }: DesignView, band: Band): number {
  return band.group === 'qa'
    ? plan.shares.qa
    : band.group === 'long-cot'
      ? plan.shares.longCot
      : plan.shares.instruction;
}

function slackOf({ plan }: DesignView): number {
  return plan.sequences === 0 ? 0 : 1 / plan.sequences;
}

const groupKeys = { qa: 'Q', 'long-cot': 'C', instruction: 'I' } as const;

function gaugeLine(band: Band, share: number, slack: number, width: number): Line {
  const place = placeInBand(share, band, slack);
  const tone: Tone = place === 'inside' ? 'blue' : place === 'none' ? 'dim' : 'warn';
  const range = `${percent(band.low)}–${percent(band.high)} %`;
  const wide = width >= 60;
  const verdict = wide
    ? { none: 'none; ', below: 'below ', inside: 'in ', above: 'above ' }[place] + range
    : `${{ none: ' ', below: '<', inside: ' ', above: '>' }[place]}${range}`;
  const head: Piece[] = [
    piece(groupKeys[band.group], 'key'),
    piece(` ${cell(band.label, 8)}`),
    piece(
      cell(`${(share * 100).toFixed(1)} %`, 8, 'right'),
      place === 'below' || place === 'above' ? 'warn' : 'bold',
    ),
    piece(' '),
  ];
  const tail = cell(verdict, wide ? 14 : 9);
  const cells = width - 19 - 2 - tail.length - 1;
  const sign = place === 'below' || place === 'above' ? '!' : ' ';
  return [
    ...head,
    ...(cells >= 6 ? [...gauge(band, share, cells, tone), piece(' ')] : []),
    piece(sign, 'warn'),
    piece(tail, place === 'inside' || place === 'none' ? 'dim' : tone),
  ];
}

/** `··┣━━●━┫····`: the band between brackets, the share as a dot. */
function gauge(band: Band, share: number, cells: number, tone: Tone): Piece[] {
  const at = (value: number): number => Math.min(cells - 1, Math.round((value / gaugeEnd) * (cells - 1)));
  const [low, high, dot] = [at(band.low), at(band.high), at(share)];
  return Array.from({ length: cells }, (_, i): Piece => {
    if (i === dot) return piece(share > gaugeEnd ? '▶' : '●', tone);
    if (i === low && low !== high) return piece('┣', 'plain');
    if (i === high) return piece('┫', 'plain');
    return i > low && i < high ? piece('━', 'plain') : piece('·', 'dim');
  });
}

/** Tokens by role, the largest first, and all of them: label, share, bar, tokens. */
export function roleLines(view: DesignView, width: number): Line[] {
  const { sources, totalTokens } = view.plan;
  const sums = roles
    .map((role) => ({
      role,
      tokens: sources.filter((s) => s.role === role).reduce((n, s) => n + s.achievedTokens, 0),
    }))
    .filter(({ tokens }) => tokens > 0)
    .sort((a, b) => b.tokens - a.tokens);
  const most = Math.max(1, ...sums.map(({ tokens }) => tokens));
  const bar = Math.max(0, Math.min(60, width - 30));
  const line = (name: string, tokens: number, drawn: string): Line => [
    piece(`  ${cell(name, 9)}`),
    piece(cell(`${((tokens / Math.max(1, totalTokens)) * 100).toFixed(1)} %`, 8, 'right'), 'bold'),
    piece(cell(formatAmount(tokens), 9, 'right')),
    piece('  '),
    piece(drawn, 'blue'),
  ];
  return [
    ...sums.map(({ role, tokens }) =>
      line(roleText(role), tokens, '▬'.repeat(Math.max(bar > 0 ? 1 : 0, Math.round((tokens / most) * bar)))),
    ),
    line('total', totalTokens, ''),
  ];
}

/** A setting or a consequence: the key that changes it, if one does, its name and value. */
export interface Fact {
  key: string;
  name: string;
  value: string;
  tone: Tone;
}

/** In order of importance. */
export function facts(view: DesignView): Fact[] {
  const { plan, design, estimate, batchTokens, batchAssumed } = view;
  const { settings } = design;
  const disk = estimate.diskBytes;
  const time =
    estimate.seconds === undefined
      ? (view.speed ?? 'a measures, A takes TFLOP/s')
      : `${durationText(estimate.seconds)} at ${view.speed}`;
  const sequences = plan.sequences.toLocaleString('en-US');
  return [
    {
      key: 'b',
      name: 'budget',
      value:
        settings.budget === undefined
          ? `${formatAmount(plan.totalTokens)} (no repeats)`
          : `${exactAmount(settings.budget)} tokens`,
      tone: 'bold',
    },
    {
      key: 's',
      name: 'sequence',
      value: `${settings.sequenceLength.toLocaleString('en-US')} × ${sequences}`,
      tone: 'plain',
    },
    {
      key: 't',
      name: 'steps',
      value: `${estimate.steps.toLocaleString('en-US')} of ${exactAmount(batchTokens)} tokens${batchAssumed ? ' (assumed)' : ''}`,
      tone: 'bold',
    },
    {
      key: estimate.seconds === undefined ? 'a' : 'A',
      name: 'time',
      value: time,
      tone: estimate.seconds === undefined ? 'dim' : 'bold',
    },
    { key: 'M', name: 'model', value: view.model, tone: 'plain' },
    {
      key: ' ',
      name: 'disk',
      value: `${bytesOf(disk.total)}, ${bytesOf(disk.shards)} of it shards`,
      tone: 'plain',
    },
    { key: 'k', name: 'tokenizer', value: tokenizerText(settings.tokenizer), tone: 'plain' },
    { key: 'e', name: 'seed', value: String(settings.seed), tone: 'plain' },
    { key: 'P', name: 'packing', value: settings.packing, tone: 'plain' },
    { key: 'R', name: 'passes', value: `at most ${settings.repeatLimit}`, tone: 'plain' },
    {
      key: 'p',
      name: 'gives way',
      value: design.giveWay === 'fill-first' ? 'fill source first' : 'all in proportion',
      tone: 'plain',
    },
  ];
}

export function factLine({ key, name, value, tone }: Fact, label: number): Line {
  return [piece(key, 'key'), piece(` ${cell(name, label)} `, 'dim'), piece(value, tone)];
}

/** Facts one after another on one line, as many as fit. */
export function factRow(list: readonly Fact[], width: number): Line {
  const line: Piece[] = [];
  let used = 0;
  for (const { key, name, value, tone } of list) {
    const size = key.length + name.length + value.length + 2 + (used === 0 ? 0 : 2);
    if (used > 0 && used + size > width) continue;
    line.push(
      piece(used === 0 ? '' : '  '),
      piece(key, 'key'),
      piece(` ${name} `, 'dim'),
      piece(value, tone),
    );
    used += size;
  }
  return line;
}

/** Problems, then warnings, then notices, each with its sign, as lines of at most `width`. */
export function complaints(view: DesignView, width: number): Line[] {
  const said = (sign: string, tone: Tone, text: string): Line[] =>
    words(visibleLine(text), width - 3).map((line, i) => [
      i === 0 ? piece(sign, tone) : piece('  '),
      piece(' '),
      ...line,
    ]);
  return [
    ...view.plan.problems.flatMap(({ text, cure }) => [
      ...said('!!', 'bad', text),
      ...words(visibleLine(`cure: ${plainCure(cure)}`), width - 3, 'dim').map(
        (line): Line => [piece('   '), ...line],
      ),
    ]),
    ...warningsOf(view).flatMap((text) => said(' !', 'warn', text)),
    ...view.notices.flatMap((text) => said(' ·', 'dim', text)),
  ];
}

/** While sizes are being counted, that some are not known is no news. */
function warningsOf({ plan, counting }: DesignView): readonly string[] {
  return counting.size === 0
    ? plan.warnings
    : plan.warnings.filter((text) => !text.startsWith('how many tokens'));
}

/** Flags of the command line as keys of the designer. */
function plainCure(cure: string): string {
  return cure
    .replace(/--budget to/, 'the budget (b) to')
    .replace(/with --repeat-limit (\d+)/, 'passes: R $1');
}

export function complaintCount(view: DesignView): string {
  const [problems, warnings] = [view.plan.problems.length, warningsOf(view).length];
  const parts = [
    ...(problems > 0 ? [`${problems} ${problems === 1 ? 'problem' : 'problems'}: cannot be made`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ];
  return parts.length === 0 ? 'can be made' : parts.join(', ');
}

export function tokenizerText(tokenizer: DesignView['design']['settings']['tokenizer']): string {
  if (tokenizer === undefined) return 'none';
  if (typeof tokenizer === 'string') return visibleLine(tokenizer);
  const { vocabSize } = tokenizer.train;
  return vocabSize === undefined ? 'trained, bytes' : `trained, ${vocabSize.toLocaleString('en-US')} tokens`;
}

/** `20B`, `4.194304M` as `4,194,304`: short where that is exact, else in full. */
export function exactAmount(tokens: number): string {
  const short = formatAmount(tokens);
  const [, number, unit] = /^([\d.]+)([kMBT]?)$/.exec(short) ?? [];
  const scale = { k: 1e3, M: 1e6, B: 1e9, T: 1e12 }[unit ?? ''] ?? 1;
  return Math.round(Number(number) * scale) === tokens ? short : tokens.toLocaleString('en-US');
}

/** Long times in days and years, short ones as a clock. */
export function durationText(seconds: number): string {
  const days = seconds / 86_400;
  if (days >= 365) return `${figureOf(days / 365.25)} years`;
  if (days >= 3) return `${figureOf(days)} days`;
  if (seconds >= 3600) return `${figureOf(seconds / 3600)} h`;
  return seconds >= 60
    ? `${figureOf(seconds / 60)} min`
    : seconds >= 1
      ? `${figureOf(seconds)} s`
      : durationOf(seconds) === '0:00'
        ? '<1 s'
        : '1 s';
}

function figureOf(value: number): string {
  return value >= 1e6
    ? formatAmount(value)
    : value >= 100
      ? Math.round(value).toLocaleString('en-US')
      : String(Number(value.toPrecision(2)));
}

function percent(share: number): string {
  return String(Math.round(share * 100));
}
