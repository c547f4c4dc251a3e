/** What differs between a design and the recipe text it was opened from, as changes for editRecipe. */
import type { RecipeChanges, WeightChange } from '../edit-recipe.ts';
import type { Recipe } from '../recipe.ts';
import { type Design, heldText, whole } from './design.ts';

/** Only what differs: a fill source without a weight keeps doing without one as long as it is the fill source. */
export function changesOf(design: Design, recipe: Recipe): RecipeChanges {
  const weights: Record<string, WeightChange> = {};
  for (const { name, share, enabled, held } of design.sources) {
    const source = recipe.sources[name]!;
    const before = source.weight;
    const value = share / whole;
    if (!enabled && held > 0) {
      const note = heldText(held);
      if (before?.value !== value || before.note?.startsWith(note) !== true) weights[name] = { value, note };
      continue;
    }
    if (before === undefined && name === design.fill && enabled) continue;
    const wasOff = before?.note !== undefined && /^switched off at /.test(before.note);
    if (before === undefined || Math.abs(before.value - value) > 0.5e-9 || wasOff) weights[name] = { value };
  }
  const { settings } = design;
  return {
    weights,
    ...(design.fill !== undefined && design.fill !== recipe.fill ? { fill: design.fill } : {}),
    ...(settings.budget !== undefined && settings.budget !== recipe.budget?.value
      ? { budget: settings.budget }
      : {}),
    ...(settings.sequenceLength !== recipe.sequenceLength.value
      ? { sequenceLength: settings.sequenceLength }
      : {}),
    ...(recipe.training !== undefined &&
    settings.batchTokens !== undefined &&
    settings.batchTokens !== recipe.training.batchTokens.value
      ? { batchTokens: settings.batchTokens }
      : {}),
    ...(typeof settings.tokenizer === 'string' && settings.tokenizer !== recipe.tokenizer
      ? { tokenizer: settings.tokenizer }
      : {}),
    ...(settings.seed !== recipe.seed ? { seed: settings.seed } : {}),
    ...(settings.packing !== recipe.packing ? { packing: settings.packing } : {}),
    ...(settings.repeatLimit !== recipe.repeatLimit ? { repeatLimit: settings.repeatLimit } : {}),
  };
}
