/**
 * Plans a mixture: how many sequences of which source, and how often each source must be read for that. Pure; `mix` carries it out,
 * `--dry-run` prints it, the designer shows it while a share moves.
 *
 * The unit is the sequence: sequenceLength + 1 tokens, all of one source. Sequences are given to sources by largest remainder, so the
 * achieved share of every source is within one sequence of the requested one, and all of them add up exactly.
 */

import { formatAmount } from '../src/core/amount.ts';
import type { Role, TemplateName } from '../src/core/card.ts';
import { UserError } from '../src/core/errors.ts';
import type { Evidence } from '../src/core/evidence.ts';
import type { Recipe } from './recipe.ts';
import { type Ratios, resolveShares } from './shares.ts';

/** What is known of one source before planning. */
export interface SourceSize {
  role: Role;
  template: TemplateName;
  templateEvidence: Evidence;
  /** Training tokens of one pass, end tokens counted and held-out documents not; `undefined` if nobody knows. */
  tokens: number | undefined;
  documents: number | undefined;
  /**
   * Counted with the recipe's tokenizer; extrapolated from a sample of its units; or only what the data card says (another
   * tokenizer's count).
   */
  from: 'counted' | 'sampled' | 'card';
  /**
   * Share of the source's bytes that was tokenised, below 1 where the mixture needs no more: then `tokens` and `documents` are
   * those of that part. Left out: all of it.
   */
  readShare?: number;
}

export interface PlannedSource {
  name: string;
  role: Role;
  card: string | undefined;
  /** Requested share of all tokens, and how well that figure is known. */
  requestedShare: number;
  evidence: Evidence;
  note: string | undefined;
  requestedTokens: number;
  sequences: number;
  achievedTokens: number;
  achievedShare: number;
  available: SourceSize;
  /** Passes over the source: achieved tokens / tokens of one pass; `undefined` where its size is not known. */
  repeats: number | undefined;
  repeatLimit: number;
}

export interface MixturePlan {
  name: string;
  sequenceLength: number;
  /** Tokens of one stored sequence: sequenceLength + 1. */
  windowTokens: number;
  sequences: number;
  /** Tokens asked for; `undefined` when the plan takes what fits without repeats. */
  budget: number | undefined;
  totalTokens: number;
  sources: PlannedSource[];
  /** Achieved shares by what the paper counts; `qa` includes `longCot`. */
  shares: { qa: number; longCot: number; instruction: number };
  seed: number;
  warnings: string[];
  /** Why this plan cannot be carried out; empty if it can. */
  problems: { source: string | undefined; text: string; cure: string }[];
}

export interface PlanOptions {
  budget?: number;
  seed?: number;
  repeatLimit?: number;
  sequenceLength?: number;
}

/** The paper's band for the share of QA data: gains up to about 0.3, little more at 0.4. */
export const qaBand = { low: 0.3, high: 0.4 } as const;

/**
 * The plan for a recipe, the sizes of its sources and the ratios asked for. Throws a `UserError` for shares that contradict each other;
 * what the sources cannot give is listed in `problems`.
 */
export function planMixture(
  recipe: Recipe,
  sizes: Readonly<Record<string, SourceSize>>,
  ratios: Ratios = {},
  options: PlanOptions = {},
): MixturePlan {
  const sequenceLength = options.sequenceLength ?? recipe.sequenceLength.value;
  const windowTokens = sequenceLength + 1;
  const names = Object.keys(recipe.sources);
  const shares = resolveShares(
    names.map((name) => ({ name, role: sizes[name]!.role, weight: recipe.sources[name]!.weight?.value })),
    recipe.fill,
    ratios,
  );
  const budget = options.budget ?? recipe.budget?.value;
  const problems: MixturePlan['problems'] = [];
  const sequences =
    budget === undefined
      ? sequencesWithoutRepeat(shares, sizes, windowTokens)
      : Math.floor(budget / windowTokens);
  if (sequences === 0) {
    problems.push({
      source: undefined,
      text: `${budget === undefined ? 'the sources give' : `a budget of ${formatAmount(budget)} tokens gives`} not one sequence of ${sequenceLength} + 1 tokens`,
      cure: 'raise the budget, lower sequenceLength, or add data',
    });
  }
  const counts = largestRemainder(
    shares.map((s) => s.share),
    sequences,
  );
  const sources = names.map((name, i): PlannedSource => {
    const source = recipe.sources[name]!;
    const { share, changed } = shares[i]!;
    const achievedTokens = counts[i]! * windowTokens;
    const size = sizes[name]!;
    return {
      name,
      role: size.role,
      card: source.card,
      requestedShare: share,
      // A share that a flag moved is no longer the paper's.
      evidence: changed ? 'own' : (source.weight?.evidence ?? 'own'),
      note: changed
        ? `${source.weight === undefined ? 'what the others leave' : `recipe: ${source.weight.value} (${source.weight.evidence})`}`
        : source.weight?.note,
      requestedTokens: Math.round(share * (budget ?? sequences * windowTokens)),
      sequences: counts[i]!,
      achievedTokens,
      achievedShare: sequences === 0 ? 0 : counts[i]! / sequences,
      available: size,
      repeats:
        achievedTokens === 0 ? 0 : size.tokens === undefined ? undefined : achievedTokens / size.tokens,
      repeatLimit: options.repeatLimit ?? source.repeatLimit ?? recipe.repeatLimit,
    };
  });
  const shareOf = (...roles: Role[]) =>
    sequences === 0
      ? 0
      : sources.filter((s) => roles.includes(s.role)).reduce((n, s) => n + s.sequences, 0) / sequences;
  const plan: MixturePlan = {
    name: recipe.name,
    sequenceLength,
    windowTokens,
    sequences,
    budget,
    totalTokens: sequences * windowTokens,
    sources,
    shares: {
      qa: shareOf('qa', 'long-cot'),
      longCot: shareOf('long-cot'),
      instruction: shareOf('instruction'),
    },
    seed: options.seed ?? recipe.seed,
    warnings: [],
    problems,
  };
  for (const source of sources) problems.push(...shortfall(source, plan));
  plan.warnings = warningsOf(plan);
  return plan;
}

/** Throws a `UserError` with every reason why the plan cannot be carried out. */
export function assertFeasible(plan: MixturePlan): void {
  if (plan.problems.length === 0) return;
  throw new UserError(
    `mixture ${plan.name} cannot be made:\n${plan.problems.map((p) => `  - ${p.text}`).join('\n')}`,
    {
      hint: [...new Set(plan.problems.map((p) => p.cure))].join('; '),
    },
  );
}

/** Gives `total` indivisible units to shares that sum to one: the whole parts, then one each to the largest remainders (Hamilton). */
export function largestRemainder(shares: readonly number[], total: number): number[] {
  const exact = shares.map((share) => share * total);
  // A share such as 0.3 times 10 may come out as 2.9999999999999996.
  const counts = exact.map((x) => Math.floor(x + 1e-9));
  const byRemainder = exact
    .map((x, i) => ({ i, remainder: x - counts[i]! }))
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  let left = total - counts.reduce((a, b) => a + b, 0);
  for (const { i } of byRemainder) {
    if (left <= 0) break;
    if (shares[i] === 0) continue;
    counts[i]!++;
    left--;
  }
  return counts;
}

/** The most sequences for which no source is read twice. */
function sequencesWithoutRepeat(
  shares: readonly { name: string; share: number }[],
  sizes: Readonly<Record<string, SourceSize>>,
  windowTokens: number,
): number {
  let most = Number.POSITIVE_INFINITY;
  for (const { name, share } of shares) {
    // Rounding up may cost a source one sequence more than its share.
    const { tokens } = sizes[name]!;
    if (share > 0 && tokens !== undefined)
      most = Math.min(most, Math.max(0, Math.floor(tokens / windowTokens) - 1) / share);
  }
  return Number.isFinite(most) ? Math.floor(most + 1e-9) : 0;
}

function shortfall(source: PlannedSource, plan: MixturePlan): MixturePlan['problems'] {
  const { name, available, achievedTokens, repeats, repeatLimit } = source;
  if (achievedTokens === 0) return [];
  if (available.tokens === 0) {
    return [
      {
        source: name,
        text: `${name}: has no training tokens`,
        cure: `check the data of ${name}, or give it weight 0`,
      },
    ];
  }
  if (repeats === undefined || available.tokens === undefined || repeats <= repeatLimit + 1e-9) return [];
  const fits = Math.floor(((available.tokens * repeatLimit) / achievedTokens) * plan.totalTokens);
  return [
    {
      source: name,
      text:
        `${name}: needs ${formatAmount(achievedTokens)} tokens and has ${formatAmount(available.tokens)}` +
        `${available.from === 'card' ? ' (by its data card)' : ''}, so it would be read ${repeats.toFixed(2)} times; the limit is ${repeatLimit}`,
      cure: `lower --budget to ${formatAmount(fits)} or less, lower the share of ${name}, add data, or allow more with --repeat-limit ${Math.ceil(repeats)}`,
    },
  ];
}

function warningsOf(plan: MixturePlan): string[] {
  const warnings: string[] = [];
  const hasQa = plan.sources.some((s) => s.role === 'qa' || s.role === 'long-cot');
  const { qa } = plan.shares;
  // Half a sequence either way is rounding, not a choice.
  const slack = plan.sequences === 0 ? 0 : 1 / plan.sequences;
  if (hasQa && qa < qaBand.low - slack) {
    warnings.push(
      `QA share is ${percent(qa)}, below the paper's band of 30 to 40 %: in its decay runs RL gained from every step from 10 % up to 30 % QA`,
    );
  } else if (qa > qaBand.high + slack) {
    warnings.push(
      `QA share is ${percent(qa)}, above the paper's band of 30 to 40 %: gains flattened past 30 % and nothing above 40 % was tried`,
    );
  }
  const unknown = plan.sources.filter((s) => s.repeats === undefined).map((s) => s.name);
  if (unknown.length > 0)
    warnings.push(
      `how many tokens these have is not known, so their repeats could not be checked: ${unknown.join(', ')}`,
    );
  for (const source of plan.sources) {
    if (source.requestedShare > 0 && source.sequences === 0) {
      warnings.push(
        `${source.name}: its share ${percent(source.requestedShare)} is less than one sequence, so none of it is in the mixture`,
      );
    }
  }
  if (plan.shares.longCot > 0 && plan.shares.instruction === 0) {
    warnings.push(
      'long chains of thought without any instruction data: the RL run of the paper on such a mixture collapsed',
    );
  }
  return warnings;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
