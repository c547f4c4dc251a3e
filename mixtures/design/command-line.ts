/** A design as the `midtrain mix` command line that makes the same mixture from the recipe it was opened from, for scripts. Pure. */
import type { Recipe } from '../recipe.ts';
import { type Design, decimalShare } from './design.ts';
import { changesOf } from './design-changes.ts';

/** Arguments of `midtrain`, unquoted. `recipe` is how the recipe is named on the command line; `base` what it says. */
export function mixArguments(design: Design, base: Recipe, recipe: string): string[] {
  const { weights, fill, budget, sequenceLength, tokenizer, seed, packing, repeatLimit } = changesOf(
    design,
    base,
  );
  const moved = new Set(Object.keys(weights ?? {}));
  // The recipe's fill source takes what the others leave, so it need not be said; with another one every share is said.
  const silent = fill === undefined ? base.fill : undefined;
  const set = design.sources.filter(({ name }) => moved.has(name) && name !== silent);
  return [
    'mix',
    recipe,
    ...set.flatMap(({ name, share }) => ['--set', `${name}=${decimalShare(share)}`]),
    ...(budget === undefined ? [] : ['--budget', String(budget)]),
    ...(sequenceLength === undefined ? [] : ['--sequence-length', String(sequenceLength)]),
    ...(seed === undefined ? [] : ['--seed', String(seed)]),
    ...(repeatLimit === undefined ? [] : ['--repeat-limit', String(repeatLimit)]),
    ...(packing === undefined ? [] : ['--packing', packing]),
    ...(tokenizer === undefined ? [] : ['--tokenizer', tokenizer]),
  ];
}

/** Arguments as a line for a POSIX shell. */
export function shellLine(args: readonly string[]): string {
  return args
    .map((arg) => (/^[\w./=:@%+,-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`))
    .join(' ');
}
