/**
 * Finds and reads recipes and data cards: a path, or the name of a built-in one. Without a recipe `mix` takes ./mixture.yaml, else
 * the demo recipe. Paths inside a recipe are relative to the recipe's folder, those inside a card to the card's.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type DataCard, parseCard } from '../src/core/card.ts';
import { nearest } from '../src/core/config.ts';
import { UserError } from '../src/core/errors.ts';
import { packageRoot } from '../src/io/package-root.ts';
import { parseRecipe, type Recipe } from './recipe.ts';

export interface LoadedRecipe {
  recipe: Recipe;
  /** Absolute path of the recipe. */
  file: string;
  /** Its folder: where relative paths in it start. */
  folder: string;
  text: string;
  /** Why this recipe: asked for, ./mixture.yaml, or the demo for want of either. */
  chosen: 'given' | 'mixture.yaml' | 'built-in' | 'demo';
}

export const recipesFolder = (): string => join(packageRoot(), 'mixtures');
export const cardsFolder = (): string => join(packageRoot(), 'data-cards');

/** Names of the built-in recipes. */
export function builtInRecipes(): string[] {
  return namesIn(recipesFolder(), '.yaml');
}

/** Names of the built-in data cards. */
export function builtInCards(): string[] {
  return namesIn(cardsFolder(), '.md');
}

/** The recipe at a path, the built-in one of that name, or without either ./mixture.yaml, else the demo recipe. */
export function loadRecipe(asked: string | undefined, cwd: string): LoadedRecipe {
  if (asked === undefined) {
    const local = join(cwd, 'mixture.yaml');
    return existsSync(local) ? read(local, 'mixture.yaml') : read(join(recipesFolder(), 'demo.yaml'), 'demo');
  }
  const path = resolve(cwd, asked);
  if (existsSync(path)) return read(path, 'given');
  const names = builtInRecipes();
  const name = asked.replace(/\.ya?ml$/, '');
  if (names.includes(name)) return read(join(recipesFolder(), `${name}.yaml`), 'built-in');
  const near =
    [`${name}.yaml`, `${name}.yml`].find((file) => existsSync(resolve(cwd, file))) ?? nearest(name, names);
  throw new UserError(`no recipe "${asked}"${near === undefined ? '' : `; did you mean "${near}"?`}`, {
    hint: `give the path of a YAML file, or one of the built-in recipes: ${names.join(', ')}`,
  });
}

function read(file: string, chosen: LoadedRecipe['chosen']): LoadedRecipe {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read the recipe ${file}: ${(error as Error).message}`, {
      hint: 'give the path of a YAML file that you may read',
      cause: error,
    });
  }
  return { recipe: parseRecipe(text, file), file, folder: dirname(file), text, chosen };
}

/** The card a source names: a path ending in .md (relative to `folder`), or a built-in card. */
export function loadCard(asked: string, folder: string): DataCard {
  if (asked.endsWith('.md')) return readCard(resolve(folder, asked), asked);
  const names = builtInCards();
  if (names.includes(asked)) return readCard(join(cardsFolder(), `${asked}.md`), asked);
  const near = nearest(asked, names);
  throw new UserError(`no data card "${asked}"${near === undefined ? '' : `; did you mean "${near}"?`}`, {
    hint: `name a card of data-cards/ (${names.join(', ')}) or give the path of one (./my-card.md)`,
  });
}

function readCard(file: string, name: string): DataCard {
  try {
    return parseCard(readFileSync(file, 'utf8'), file, cardName(file, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new UserError(`cannot read the data card ${file}: ${(error as Error).message}`, {
      hint: 'a path ending in .md is a card of your own, relative to the recipe; built-in cards go by their name alone',
      cause: error,
    });
  }
}

/** The file's name without .md; of a README.md the folder's, since every card on the Hub is called so. */
function cardName(file: string, asked: string): string {
  const name = basename(asked).replace(/\.md$/, '');
  return name.toLowerCase() === 'readme' ? basename(dirname(file)) : name;
}

function namesIn(folder: string, extension: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(extension) && name !== `README${extension}`)
    .map((name) => name.slice(0, -extension.length))
    .sort();
}
