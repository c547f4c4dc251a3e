/**
 * Plans a mixture: how many sequences of which source, and how often each source must be read for that. Pure; `mix` carries it out,
 * `--dry-run` prints it, the designer shows it while a share moves.
 *
 * The unit is the sequence: sequenceLength + 1 tokens, all of one source. Sequences are given to sources by largest remainder, so the
 * achieved share of every source is within one sequence of the requested one, and all of them add up exactly. With best-fit packing a
 * sequence may hold padding, which counts for nothing: shares are of real tokens (packed-windows.ts).
 */

import { formatAmount } from '../src/core/amount.ts';
import type { Role, TemplateName } from '../src/core/card.ts';
import { UserError } from '../src/core/errors.ts';
import type { Evidence } from '../src/core/evidence.ts';
import { allocateWindows } from './allocate.ts';
import type { PackableSource, PackedDocuments } from './packed-windows.ts';
import type { Packing, Recipe } from './recipe.ts';
import { type Ratios, resolveShares, type Share } from './shares.ts';

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
  /** What its documents are packed for: with best-fit packing the number that `sequences` come nearest to. */
  targetTokens: number;
  sequences: number;
  /** Without padding: achievedTokens + paddingTokens = sequences * windowTokens. */
  achievedTokens: number;
  paddingTokens: number;
  /** Documents read (twice if read twice), those not whole in one sequence, and all pieces; `undefined` while lengths are not known. */
  packed: PackedDocuments | undefined;
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
  packing: Packing;
  /** Tokens asked for; `undefined` when the plan takes what fits without repeats. */
  budget: number | undefined;
  /** Without padding: totalTokens + paddingTokens = sequences * windowTokens. */
  totalTokens: number;
  paddingTokens: number;
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
  packing?: Packing;
}

/** The paper's band for the share of QA data: gains up to about 0.3, little more at 0.4. */
export const qaBand = { low: 0.3, high: 0.4 } as const;

/**
 * The plan for a recipe, the sizes of its sources and the ratios asked for. Throws a `UserError` for shares that contradict each other;
 * what the sources cannot give is listed in `problems`. `packable` has the sources whose document lengths are known: only for those
 * can padding and cut documents be said.
 */
export function planMixture(
  recipe: Recipe,
  sizes: Readonly<Record<string, SourceSize>>,
  ratios: Ratios = {},
  options: PlanOptions = {},
  packable: Readonly<Record<string, PackableSource>> = {},
): MixturePlan {
  const sequenceLength = options.sequenceLength ?? recipe.sequenceLength.value;
  const windowTokens = sequenceLength + 1;
  const names = Object.keys(recipe.sources);
  const shares = sharesOf(
    recipe,
    names.map((name) => ({ name, role: sizes[name]!.role })),
    ratios,
  );
  const budget = options.budget ?? recipe.budget?.value;
  const seed = options.seed ?? recipe.seed;
  const packing = options.packing ?? recipe.packing;
  const problems: MixturePlan['problems'] = [];
  const limitOf = (name: string) =>
    options.repeatLimit ?? recipe.sources[name]!.repeatLimit ?? recipe.repeatLimit;
  // In the order of names: what is given out must not depend on the order in which a recipe lists its sources.
  const inOrder = sortedByName(shares);
  const allocated = allocateWindows(
    inOrder.map(({ name, share }) => ({
      share,
      tokens: sizes[name]!.tokens,
      repeatLimit: limitOf(name),
      source: packable[name],
    })),
    budget,
    { packing, windowTokens, seed },
  );
  const packed = shares.map((share) => allocated[inOrder.indexOf(share)]!);
  const sequences = sum(packed, (p) => p.windows);
  const totalTokens = sum(packed, (p) => p.tokens);
  if (sequences === 0) {
    problems.push({
      source: undefined,
      text: `${budget === undefined ? 'the sources give' : `a budget of ${formatAmount(budget)} tokens gives`} not one sequence of ${sequenceLength} + 1 tokens`,
      cure: 'raise the budget, lower sequenceLength, or add data',
    });
  }
  const sources = names.map((name, i): PlannedSource => {
    const source = recipe.sources[name]!;
    const { share, changed } = shares[i]!;
    const {
      windows,
      tokens: achievedTokens,
      padding,
      documents,
      cut,
      pieces,
      targetTokens,
      measured,
    } = packed[i]!;
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
      requestedTokens: Math.round(share * (budget ?? totalTokens)),
      targetTokens,
      sequences: windows,
      achievedTokens,
      paddingTokens: padding,
      packed: windows === 0 || measured ? { documents, cut, pieces } : undefined,
      achievedShare: totalTokens === 0 ? 0 : achievedTokens / totalTokens,
      available: size,
      repeats:
        achievedTokens === 0 ? 0 : size.tokens === undefined ? undefined : achievedTokens / size.tokens,
      repeatLimit: limitOf(name),
    };
  });
  const shareOf = (...roles: Role[]) =>
    totalTokens === 0
      ? 0
      : sum(
          sources.filter((s) => roles.includes(s.role)),
          (s) => s.achievedTokens,
        ) / totalTokens;
  const plan: MixturePlan = {
    name: recipe.name,
    sequenceLength,
    windowTokens,
    sequences,
    packing,
    budget,
    totalTokens,
    paddingTokens: sum(packed, (p) => p.padding),
    sources,
    shares: {
      qa: shareOf('qa', 'long-cot'),
      longCot: shareOf('long-cot'),
      instruction: shareOf('instruction'),
    },
    seed,
    warnings: [],
    problems,
  };
  for (const source of sources) problems.push(...shortfall(source, plan));
  plan.warnings = warningsOf(plan, recipe.training?.phase);
  return plan;
}

/** By code units, which is the same on every machine. */
export function sortedByName<T extends { name: string }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((n, item) => n + of(item), 0);
}

/** The share of each source, before anything is known of its size. Throws a `UserError` for ratios that contradict each other. */
export function sharesOf(
  recipe: Recipe,
  sources: readonly { name: string; role: Role }[],
  ratios: Ratios = {},
): Share[] {
  return resolveShares(
    sources.map(({ name, role }) => ({ name, role, weight: recipe.sources[name]!.weight?.value })),
    recipe.fill,
    ratios,
  );
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

function warningsOf(
  plan: MixturePlan,
  phase: NonNullable<Recipe['training']>['phase'] | undefined,
): string[] {
  const warnings: string[] = [];
  const hasQa = plan.sources.some((s) => s.role === 'qa' || s.role === 'long-cot');
  const { qa } = plan.shares;
  // Half a sequence either way is rounding, not a choice.
  const slack = plan.sequences === 0 ? 0 : 1 / plan.sequences;
  if (hasQa && qa < qaBand.low - slack) {
    warnings.push(
      phase === 'decay' || phase === undefined
        ? `QA share is ${percent(qa)}, below the paper's band of 30 to 40 %: in its decay runs RL gained from every step from 10 % up to 30 % QA`
        : `QA share is ${percent(qa)}, below 30 to 40 %: that is the paper's band for the decay stage, and this recipe is for ${phase === 'stable' ? 'the stable stage' : 'an ablation'}`,
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
  const short = plan.problems.map((p) => p.source);
  const unmeasured = plan.sources
    .filter((s) => s.packed === undefined && !short.includes(s.name))
    .map((s) => s.name);
  if (plan.packing === 'best-fit' && unmeasured.length > 0)
    warnings.push(
      `how long the documents of these are is not known, so their padding is left out: ${unmeasured.join(', ')}`,
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
