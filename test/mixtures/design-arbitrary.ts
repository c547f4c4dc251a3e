/** Random recipes and random actions on them, for the property tests of the designer. */
import fc from 'fast-check';
import type { DesignAction } from '../../mixtures/design/actions.ts';
import { type Design, openDesign, whole } from '../../mixtures/design/design.ts';
import type { SourceSize } from '../../mixtures/plan.ts';
import { parseRecipe, type Recipe } from '../../mixtures/recipe.ts';
import { type Role, roles } from '../../src/core/card.ts';

export interface Scene {
  recipe: Recipe;
  text: string;
  design: Design;
  sizes: Record<string, SourceSize>;
}

/** A recipe of 1 to 12 sources with weights that come to one. */
export const scenes: fc.Arbitrary<Scene> = fc
  .record({
    parts: fc.array(
      fc.record({
        part: fc.integer({ min: 0, max: 1000 }),
        role: fc.constantFrom(...roles),
        tokens: fc.option(fc.integer({ min: 0, max: 10_000_000 }), { nil: undefined }),
        evidence: fc.constantFrom('own', 'plain', 'recalled', 'summary'),
      }),
      { minLength: 1, maxLength: 12 },
    ),
    fill: fc.boolean(),
    budget: fc.option(fc.integer({ min: 1, max: 10_000_000 }), { nil: undefined }),
    sequenceLength: fc.integer({ min: 1, max: 8192 }),
  })
  .filter(({ parts }) => parts.some(({ part }) => part > 0))
  .map(({ parts, fill, budget, sequenceLength }) => {
    const total = parts.reduce((n, { part }) => n + part, 0);
    const weights = parts.map(({ part }) => Math.round((part / total) * whole));
    weights[weights.indexOf(Math.max(...weights))]! += whole - weights.reduce((a, b) => a + b, 0);
    const text = `# a recipe made by a test
name: made
sequenceLength: ${sequenceLength} # what the model sees
${budget === undefined ? '' : `budget: ${budget}\n`}${fill ? 'fill: s0\n' : ''}sources:
${parts
  .map(({ role, evidence }, i) => {
    const weight = weights[i]! / whole;
    const written =
      evidence === 'plain'
        ? weight.toFixed(9)
        : `{ value: ${weight.toFixed(9)}, evidence: ${evidence}${i % 2 === 0 ? '' : `, note: 'as ''said'' there'`} }`;
    return `  s${i}:\n    # source ${i}\n    role: ${role}\n    data: ./s${i}\n    weight: ${written}   # weight ${i}`;
  })
  .join('\n')}
`;
    const recipe = parseRecipe(text, 'made.yaml');
    const sizes = Object.fromEntries(
      parts.map(({ role, tokens }, i) => [
        `s${i}`,
        {
          role: role as Role,
          template: 'text' as const,
          templateEvidence: 'own' as const,
          tokens,
          documents: undefined,
          from: 'card' as const,
        },
      ]),
    );
    const { design } = openDesign(
      recipe,
      Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, size.role])),
    );
    return { recipe, text, design, sizes };
  });

/** `undo` and `redo`, a press, or an action; sources by number, so that they fit any scene. */
export type Step =
  | { kind: 'undo' }
  | { kind: 'redo' }
  | { kind: 'nudge'; source: number; by: number }
  | { kind: 'act'; make: (design: Design) => DesignAction };

const named = (design: Design, i: number): string => design.sources[i % design.sources.length]!.name;
const shares = fc.oneof(
  fc.integer({ min: 0, max: 1000 }).map((n) => n * 1e6),
  fc.integer({ min: -1e8, max: whole * 1.1 }),
);

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<Step>({ kind: 'undo' }) },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: 'redo' }) },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('nudge' as const),
        source: fc.nat(11),
        by: fc.constantFrom(1e7, -1e7, 1e6, -1e6, 5e8, -5e8),
      }),
    },
    {
      weight: 8,
      arbitrary: fc
        .tuple(
          fc.constantFrom(
            'share',
            'nearest',
            'group',
            'lock',
            'unlock-all',
            'toggle',
            'fill',
            'give-way',
            'settings',
          ),
          fc.nat(11),
          shares,
        )
        .map(
          ([kind, i, share]): Step => ({
            kind: 'act',
            make: (design) => {
              const source = named(design, i);
              if (kind === 'share' || kind === 'nearest')
                return { kind: 'share', source, share, nearest: kind === 'nearest' };
              if (kind === 'group')
                return { kind, group: (['qa', 'long-cot', 'instruction'] as const)[i % 3]!, share };
              if (kind === 'lock' || kind === 'toggle' || kind === 'fill') return { kind, source };
              if (kind === 'unlock-all') return { kind };
              if (kind === 'give-way') return { kind, giveWay: i % 2 === 0 ? 'fill-first' : 'in-proportion' };
              return {
                kind: 'settings',
                settings: [
                  { budget: (i + 1) * 1000 },
                  { sequenceLength: i + 1 },
                  { seed: i },
                  { repeatLimit: i + 1 },
                ][i % 4]!,
              };
            },
          }),
        ),
    },
  ),
  { maxLength: 40 },
);
