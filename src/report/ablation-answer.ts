/**
 * The answer of an ablation in three sentences, made of its claims (ablation-claims.ts) and of nothing else: what the answer is, by verdict and with
 * intervals; what each arm came to; what cannot be said. Pure. What the paper found is not in it: it is shown beside as it was written, and whether the two
 * agree is for the reader.
 */

import { type AblationClaim, type AblationClaims, armValues } from './ablation-claims.ts';
import type { AblationInput, AblationMeasure } from './ablation-data.ts';
import { showDifference, showValue } from './measure-format.ts';
import { span } from './number-format.ts';

/** Full sentences, in this order. */
export function answerOf(input: AblationInput, claims: AblationClaims): [string, string, string] {
  return [verdictSentence(input, claims), armsSentence(input, claims), caveatSentence(input, claims)];
}

/** More than these that cannot be told are only counted: a sentence of them all says less than the table. */
const mostUnclear = 2;

/** Named in a sentence; the rest is counted. */
const mostNamed = 6;

/** Differences with their figures in a sentence. */
const mostClaimed = 3;

function verdictSentence(input: AblationInput, { claims, signal }: AblationClaims): string {
  if (signal !== undefined && !signal.holds) {
    const { mean, pairs } = signal.comparison;
    const unit = unitOf(input, input.calibration!.measure);
    const seen =
      pairs.length === 0 ? 'it has no value' : `${showDifference(unit, mean)} ${shortInterval(signal, unit)}`;
    return `No signal: ${signal.measure} did not climb for certain in the calibration with ${input.calibration!.arm} (${seen}), so no arm is compared with another.`;
  }
  if (claims.length === 0)
    return 'Nothing is compared: the experiment names no pair of arms or no primary measure.';
  if (claims.length === 1) return claims[0]!.claim.text;
  const of = (...verdicts: string[]): AblationClaim[] =>
    claims.filter(({ claim }) => verdicts.includes(claim.verdict));
  const [decided, same, unclear] = [of('higher', 'lower'), of('same'), of('unclear')];
  const silent = claims.length - decided.length - same.length - unclear.length;
  const counted = `${claims.length} comparisons (95 % intervals paired by seed, p after Holm)`;
  const parts = [
    ...(decided.length === 0
      ? []
      : [
          named(
            decided,
            ({ measure, comparison: c, claim }) =>
              `${measure.label} is ${claim.verdict} with ${c.second} than with ${c.first} by ${figures({ measure, comparison: c })}`,
          ),
        ]),
    ...(same.length === 0
      ? []
      : [
          named(
            same,
            ({ measure, comparison: c }) =>
              `${measure.label} is the same with ${c.second} and ${c.first} to within ${unsigned(measure.unit, measure.smallest!)} (${figures({ measure, comparison: c })})`,
          ),
        ]),
    ...(unclear.length === 0
      ? []
      : unclear.length > mostUnclear
        ? [
            `${decided.length + same.length === 0 ? `all ${unclear.length}` : `the other ${unclear.length}`} cannot be told from none (their intervals are below)`,
          ]
        : [
            `it cannot be told for ${named(unclear, ({ measure, comparison: c }) => `${measure.label} with ${c.second} against ${c.first} (${figures({ measure, comparison: c })})`)}`,
          ]),
    ...(silent === 0 ? [] : [`nothing can be said of ${silent === claims.length ? 'any' : silent}`]),
  ];
  const head =
    decided.length + same.length === 0
      ? `No difference between arms is established by ${counted}`
      : `Of ${counted} ${decided.length === 0 ? 'none is' : `${decided.length} ${decided.length === 1 ? 'is' : 'are'}`} told from no difference`;
  return `${head}: ${parts.join('; ')}.`;
}

function armsSentence(input: AblationInput, { claims, signal }: AblationClaims): string {
  if (signal !== undefined && !signal.holds) {
    const unit = unitOf(input, input.calibration!.measure);
    const seeds = signal.comparison.pairs.map(
      ({ seed, first, second }) => `seed ${seed}: ${showValue(unit, first)} to ${showValue(unit, second)}`,
    );
    return seeds.length === 0
      ? 'The calibration has no value for any seed.'
      : `In the calibration ${signal.measure} went from start to end as follows: ${seeds.join(', ')}.`;
  }
  const measures = [...new Map(claims.map(({ measure }) => [measure.name, measure])).values()];
  const parts = measures.slice(0, 2).flatMap((measure) => armMeans(input, measure));
  return parts.length === 0
    ? 'No arm has a value of a primary measure.'
    : `By arm, mean over seeds and in brackets the least and the greatest seed: ${parts.join('; ')}.`;
}

function armMeans(input: AblationInput, measure: AblationMeasure): string[] {
  const { label, unit } = measure;
  const arms = input.arms.flatMap(({ name }) => {
    const values = [...armValues(input, name, measure).values.values()];
    if (values.length === 0) return [];
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const range = values.length === 1 ? 'one seed' : span(values, (value) => showValue(unit, value));
    return [`${name} ${showValue(unit, mean)} (${range})`];
  });
  return arms.length === 0 ? [] : [`${label} ${arms.join(', ')}`];
}

function caveatSentence(input: AblationInput, { claims }: AblationClaims): string {
  const parts: string[] = [];
  for (const status of ['failed', 'not run'] as const) {
    const cells = input.cells.filter((cell) => cell.status === status);
    if (cells.length > 0)
      parts.push(`${status}: ${namedList(cells.map(({ arm, seed }) => `${arm} with seed ${seed}`))}`);
  }
  const without = input.cells.filter(
    (cell) =>
      cell.status === 'done' &&
      input.measures.some(({ name, primary }) => primary && (cell.values[name] ?? null) === null),
  );
  if (without.length > 0)
    parts.push(
      `without a value, so left out: ${namedList(without.map(({ arm, seed }) => `${arm} with seed ${seed}`))}`,
    );
  const obstacles = new Set(claims.map(({ comparison }) => comparison.obstacle));
  if (obstacles.has('not alike'))
    parts.push('arms whose checkpoints are in unlike states are not compared before RL');
  if (obstacles.has('no spread'))
    parts.push('where every seed has the same difference its spread is unknown');
  if (obstacles.has('too few seeds') || (input.seeds.length < 3 && claims.length > 0))
    parts.push('below three seeds nothing can be said');
  parts.push(...unseen(claims));
  return `What this cannot say: ${[...parts, 'nothing is measured beyond this world, this model and this recipe'].join('; ')}.`;
}

/** How large a difference has to be before so few seeds would tell it from none. */
function unseen(claims: readonly AblationClaim[]): string[] {
  const byMeasure = Map.groupBy(
    claims.filter(({ comparison: c }) => c.obstacle === undefined),
    ({ measure }) => measure,
  );
  return [...byMeasure].map(([{ label, unit }, of]) => {
    const halves = of.map(({ comparison: c }) => (c.high - c.low) / 2);
    const seeds = span(
      of.map(({ comparison: c }) => c.pairs.length),
      String,
    );
    const least = span(halves, (half) => unsigned(unit, half));
    return `with ${seeds} seeds a difference in ${label} below about ${least} is not told from none`;
  });
}

function figures({ measure, comparison }: Pick<AblationClaim, 'measure' | 'comparison'>): string {
  return `${showDifference(measure.unit, comparison.mean)} ${shortInterval({ comparison }, measure.unit)}`;
}

function shortInterval(
  { comparison: c }: Pick<AblationClaim, 'comparison'>,
  unit: AblationMeasure['unit'],
): string {
  if (c.obstacle === 'no spread') return '(the same for every seed, so there is no interval)';
  if (!Number.isFinite(c.low)) return '(no interval from so few seeds)';
  const p = Number.isNaN(c.adjustedP)
    ? ''
    : `, p ${c.adjustedP < 0.001 ? 'below 0.001' : c.adjustedP.toPrecision(2)}`;
  return `(${Number((100 * c.level).toPrecision(4))} % interval ${showDifference(unit, c.low)} to ${showDifference(unit, c.high)}${p})`;
}

/** How large a difference is, either way: `3.0 points`. */
function unsigned(unit: AblationMeasure['unit'], difference: number): string {
  return showDifference(unit, difference).replace(/^[+±−]/, '');
}

function named(claims: readonly AblationClaim[], write: (claim: AblationClaim) => string): string {
  return namedList(claims.map(write), mostClaimed);
}

function namedList(texts: readonly string[], most = mostNamed): string {
  const more = texts.length - most;
  return `${texts.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function unitOf(input: AblationInput, measure: string): AblationMeasure['unit'] {
  return input.measures.find(({ name }) => name === measure)?.unit ?? 'share';
}
