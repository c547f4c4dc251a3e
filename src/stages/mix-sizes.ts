/** Sizes of the sources of a mixture, for its plan: as counted, or as their data cards say; and the refusal of one that is clearly too small. */
import { assertFeasible, planMixture, type SourceSize } from '../../mixtures/plan.ts';
import type { Recipe } from '../../mixtures/recipe.ts';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import { tokenCountOf } from '../core/card.ts';
import type { Evidence } from '../core/evidence.ts';
import type { CountedSource } from './counted-source.ts';
import type { MixRequest } from './mix-request.ts';
import { planOptions } from './settle-mix.ts';

/**
 * Refuses a mixture at the first source that is clearly too small, before the larger ones are tokenised; the plan refuses the rest. Called with
 * the training tokens of sources that are counted since the last call, all of each.
 */
export function refusal(
  request: MixRequest,
  resolved: readonly ResolvedSource[],
): ((counted: ReadonlyMap<string, number>) => void) | undefined {
  const { recipe } = request.loaded;
  if ((request.options?.budget ?? recipe.budget) === undefined) return undefined;
  const sizes: Record<string, SourceSize> = {};
  for (const source of resolved) sizes[source.name] = { ...sizeOfCard(source, undefined), tokens: undefined };
  return (counted) => {
    for (const [name, tokens] of counted) sizes[name] = { ...sizes[name]!, tokens, from: 'counted' };
    const plan = planMixture(recipe, sizes, request.ratios, planOptions(request));
    // With best-fit packing the tokens that are needed are known only when all lengths are.
    const clearly = ({ repeats, repeatLimit }: (typeof plan.sources)[number]) =>
      repeats !== undefined && repeats > repeatLimit * 1.05;
    if (plan.sources.some(clearly)) assertFeasible(plan);
  };
}

export function sizesOf(
  resolved: readonly ResolvedSource[],
  counted: readonly CountedSource[],
): Record<string, SourceSize> {
  return Object.fromEntries(
    resolved.map((source, i) => {
      const { totals, readShare } = counted[i]!;
      return [
        source.name,
        {
          role: source.role,
          template: source.template,
          templateEvidence: templateEvidenceOf(source),
          tokens: totals.tokens,
          documents: totals.documents,
          from: 'counted' as const,
          ...(readShare < 1 ? { readShare } : {}),
        },
      ];
    }),
  );
}

/** A template that the recipe sets itself is the writer's own; else as the card says. */
function templateEvidenceOf(source: ResolvedSource): Evidence {
  return source.card !== undefined && source.card.project.template === source.template
    ? source.card.project.templateEvidence
    : 'own';
}

/** What the card says; of several counts the one under the recipe's tokenizer. */
export function sizeOfCard(source: ResolvedSource, tokenizer: Recipe['tokenizer']): SourceSize {
  const size = source.card?.project.size;
  return {
    role: source.role,
    template: source.template,
    templateEvidence: templateEvidenceOf(source),
    tokens: size && tokenCountOf(size, typeof tokenizer === 'string' ? tokenizer : undefined)?.value,
    documents: size?.documents?.value,
    from: 'card',
  };
}
