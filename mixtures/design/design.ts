/**
 * What the mixture designer edits: shares, locks and switches of a recipe's sources, and the settings beside them. Pure data.
 *
 * A share is a whole number of billionths, so that shares add up to exactly one and undo is exact, whatever was done to them; nine
 * digits are what a recipe can say. Gives up: a tenth digit of a weight, which is rounded away when a recipe is opened.
 */
import type { Role } from '../../src/core/card.ts';
import type { Packing, Recipe, TokenizerTraining } from '../recipe.ts';
import { portion } from './give-way.ts';

/** Billionths in a whole. */
export const whole = 1e9;

export interface DesignSource {
  readonly name: string;
  readonly role: Role;
  /** Billionths of all tokens; 0 while switched off. */
  readonly share: number;
  readonly locked: boolean;
  readonly enabled: boolean;
  /** What it gets back when it is switched on again. */
  readonly held: number;
  /** The share it was opened with. */
  readonly opened: number;
}

export interface DesignSettings {
  /** Tokens in the output; undefined: as many as the sources give without a repeat. */
  readonly budget: number | undefined;
  readonly sequenceLength: number;
  /** Tokens of one optimizer step; undefined where the recipe has no training settings. */
  readonly batchTokens: number | undefined;
  readonly tokenizer: string | { readonly train: TokenizerTraining } | undefined;
  readonly seed: number;
  readonly packing: Packing;
  readonly repeatLimit: number;
}

/** Who gives way when a share moves: the fill source until it is empty and then the others, or all of them in proportion. */
export type GiveWay = 'fill-first' | 'in-proportion';

export interface Design {
  readonly sources: readonly DesignSource[];
  readonly fill: string | undefined;
  readonly giveWay: GiveWay;
  readonly settings: DesignSettings;
}

/** How the share of a switched-off source is kept in its note, so that a later session can give it back. */
const heldNote = /\bswitched off at ([\d.]+)/;

export const heldText = (share: number): string => `switched off at ${decimalShare(share)}`;

/**
 * Opens a recipe. Weights that do not come to one are scaled to it, which `scaledFrom` reports (their sum); all zero are made equal.
 */
export function openDesign(
  recipe: Recipe,
  roles: Readonly<Record<string, Role>>,
): { design: Design; scaledFrom: number | undefined } {
  const names = Object.keys(recipe.sources);
  const given = names.map((name) => recipe.sources[name]!.weight?.value);
  const stated = given.reduce<number>((sum, weight) => sum + (weight ?? 0), 0);
  const weights = given.map((weight) => weight ?? Math.max(0, 1 - stated));
  const total = weights.reduce((a, b) => a + b, 0);
  const off = Math.abs(total - 1) > 1e-6;
  const shares = portion(whole, weights.every((w) => w === 0) ? weights.map(() => 1) : weights);
  const design: Design = {
    sources: names.map((name, i) => {
      const held = shares[i] === 0 ? heldOf(recipe.sources[name]!.weight?.note) : undefined;
      return {
        name,
        role: roles[name]!,
        share: shares[i]!,
        locked: false,
        enabled: held === undefined,
        held: held ?? 0,
        opened: shares[i]!,
      };
    }),
    fill: recipe.fill,
    giveWay: recipe.fill === undefined ? 'in-proportion' : 'fill-first',
    settings: {
      budget: recipe.budget?.value,
      sequenceLength: recipe.sequenceLength.value,
      batchTokens: recipe.training?.batchTokens.value,
      tokenizer: recipe.tokenizer,
      seed: recipe.seed,
      packing: recipe.packing,
      repeatLimit: recipe.repeatLimit,
    },
  };
  return { design, scaledFrom: off ? total : undefined };
}

function heldOf(note: string | undefined): number | undefined {
  const share = Number(heldNote.exec(note ?? '')?.[1]);
  return share > 0 && share <= 1 ? Math.round(share * whole) : undefined;
}

/** The recipe with the design's values, for planMixture. A share that was not moved keeps its evidence. */
export function recipeOf(design: Design, recipe: Recipe): Recipe {
  const { settings } = design;
  const sources = Object.fromEntries(
    design.sources.map(({ name, share, opened }) => {
      const source = recipe.sources[name]!;
      const weight = source.weight;
      const value = share / whole;
      if (share === opened && weight !== undefined)
        return [name, { ...source, weight: { ...weight, value } }];
      const note =
        weight === undefined ? 'what the others leave' : `recipe: ${weight.value} (${weight.evidence})`;
      return [name, { ...source, weight: { value, evidence: 'own' as const, note } }];
    }),
  );
  const { budget, training, ...rest } = recipe;
  return {
    ...rest,
    sources,
    ...(settings.budget === undefined
      ? {}
      : { budget: { ...(budget ?? { evidence: 'own' as const }), value: settings.budget } }),
    ...(training === undefined
      ? {}
      : {
          training: {
            ...training,
            batchTokens: {
              ...training.batchTokens,
              value: settings.batchTokens ?? training.batchTokens.value,
            },
          },
        }),
    ...(design.fill === undefined ? {} : { fill: design.fill }),
    ...(settings.tokenizer === undefined ? {} : { tokenizer: settings.tokenizer }),
    sequenceLength: { ...recipe.sequenceLength, value: settings.sequenceLength },
    seed: settings.seed,
    packing: settings.packing,
    repeatLimit: settings.repeatLimit,
  };
}

/** True if a file written of either would say the same; locks and the way of giving way are not written. */
export function sameRecipe(a: Design, b: Design): boolean {
  if (a === b) return true;
  return (
    a.fill === b.fill &&
    a.sources.length === b.sources.length &&
    a.sources.every((source, i) => {
      const other = b.sources[i]!;
      return (
        source.name === other.name &&
        source.share === other.share &&
        source.enabled === other.enabled &&
        (source.enabled || source.held === other.held)
      );
    }) &&
    (Object.keys(a.settings) as (keyof DesignSettings)[]).every((key) => a.settings[key] === b.settings[key])
  );
}

/** True if nothing at all differs, locks included. */
export function sameDesign(a: Design, b: Design): boolean {
  return (
    sameRecipe(a, b) &&
    a.giveWay === b.giveWay &&
    a.sources.every((source, i) => source.locked === b.sources[i]!.locked)
  );
}

/** Billionths as the decimal a recipe says: 725000000 is "0.725". */
export function decimalShare(share: number): string {
  return (share / whole).toFixed(9).replace(/\.?0+$/, '');
}

/** What a percentage or a share typed by a person comes to in billionths; undefined if it is neither. */
export function shareOfText(text: string): number | undefined {
  const match = /^\s*(\d+(?:[.,]\d*)?|[.,]\d+)\s*%?\s*$/.exec(text);
  if (match === null) return undefined;
  const percent = Number(match[1]!.replace(',', '.'));
  return percent <= 100 ? Math.round((percent / 100) * whole) : undefined;
}
