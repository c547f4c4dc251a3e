/**
 * The sentence that a comparison over seeds allows, never more: a direction only with its interval and only by a decision that holds for all
 * comparisons made together; "cannot say" and "no signal" are outcomes like any other. Pure; numbers are written by the caller's `show`.
 */
import type { SeedComparison } from './compare-seeds.ts';

/**
 * higher, lower: the difference is told from none. same: it is at most `smallest` either way, by the interval that holds for all comparisons. unclear: the interval holds none and more than that.
 * cannot-say: no interval worth the name. no-signal: the thing measured did not respond even where it should, so nothing is compared.
 */
export type ClaimVerdict = 'higher' | 'lower' | 'same' | 'unclear' | 'cannot-say' | 'no-signal';

export interface Claim {
  verdict: ClaimVerdict;
  /** A full sentence, with its interval wherever it holds a number. */
  text: string;
  /** Full sentences that belong beside it. */
  warnings: readonly string[];
}

export interface ClaimOptions {
  /** What was measured, as in `MATH500 accuracy`. */
  what: string;
  /** Writes a difference with sign and unit: `+1.2 points`. */
  show: (difference: number) => string;
  /** A difference that matters, in the unit measured; without it nothing is called the same. */
  smallest?: number;
  /** A calibration: the end against the start of a healthy run. Where its claim is not `higher`, the comparison has no signal. */
  signal?: SeedComparison;
}

export function claimOf(comparison: SeedComparison, options: ClaimOptions): Claim {
  const { what, show, smallest, signal } = options;
  const { first, second, warnings, obstacle } = comparison;
  const say = (verdict: ClaimVerdict, text: string, more: readonly string[] = []): Claim => ({
    verdict,
    text,
    warnings: [...more, ...warnings],
  });
  if (signal !== undefined) {
    const { verdict, text, warnings: own } = claimOf(signal, { what, show });
    if (verdict !== 'higher')
      return say(
        'no-signal',
        `No signal: ${what} did not climb for certain where it should (${signal.first} to ${signal.second}), so ${second} is not compared with ${first}.`,
        [text, ...own],
      );
  }
  if (obstacle !== undefined) return say('cannot-say', cannotSay(comparison, what));
  const range = intervalInWords(comparison, show);
  const { mean, low, high, level, adjustedP, comparisons } = comparison;
  const decided = adjustedP < 1 - level && (low > 0 || high < 0);
  if (decided) {
    const verdict = low > 0 ? 'higher' : 'lower';
    return say(
      verdict,
      `${capital(what)} is ${verdict} with ${second} than with ${first}: ${show(mean)} ${range}.`,
    );
  }
  // Of several comparisons each `same` must hold together with the others, so it goes by the interval that holds for all.
  const { together } = comparison;
  if (smallest !== undefined && together.low > -smallest && together.high < smallest)
    return say(
      'same',
      `${capital(what)} is the same with ${second} and ${first} to within ${show(smallest).replace(/^[+−-]/, '')}: ${show(mean)} ${range}${
        comparisons > 1
          ? `; ${show(together.low)} to ${show(together.high)} for all ${comparisons} together`
          : ''
      }.`,
    );
  const corrected =
    (low > 0 || high < 0) && comparisons > 1
      ? `, which does not stand once ${comparisons} comparisons are made`
      : '';
  return say(
    'unclear',
    `Whether ${what} is higher or lower with ${second} than with ${first} cannot be told: ${show(mean)} ${range}${corrected}.`,
  );
}

/** `(95 % interval +0.3 to +2.1, paired t over 5 seeds, p 0.012 after Holm for 3 comparisons)` */
export function intervalInWords(c: SeedComparison, show: (difference: number) => string): string {
  const p = `p ${pInWords(c.adjustedP)}${c.comparisons > 1 ? ` after Holm for ${c.comparisons} comparisons` : ''}`;
  return `(${percentOf(c.level)} % interval ${show(c.low)} to ${show(c.high)}, ${c.method} over ${c.pairs.length} seeds, ${p})`;
}

function cannotSay({ first, second, pairs, obstacle }: SeedComparison, what: string): string {
  const why: Record<NonNullable<SeedComparison['obstacle']>, string> = {
    'no pairs': 'no seed has both',
    'too few seeds': `${pairs.length === 1 ? 'one seed is' : `${pairs.length} seeds are`} too few to say`,
    'no spread': 'every seed has the same difference, so its spread is unknown',
    'not alike': 'the two are not in a like state',
  };
  return `Cannot say whether ${what} differs between ${first} and ${second}: ${why[obstacle!]}.`;
}

function pInWords(p: number): string {
  return p < 0.001 ? 'below 0.001' : p.toPrecision(2);
}

function percentOf(level: number): string {
  return String(Number((100 * level).toPrecision(4)));
}

function capital(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}`;
}
