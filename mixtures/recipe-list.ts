/** The built-in recipes with their descriptions, for a help text: read without the YAML parser and the schema, which `--help` cannot wait for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/io/package-root.ts';

/** Every built-in recipe, demo first, then by name; `description` is '' where a recipe has none. */
export function listRecipes(
  folder = join(packageRoot(), 'mixtures'),
): { name: string; description: string }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => ({
      name: file.slice(0, -'.yaml'.length),
      description: /^description: *(.*)$/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1]?.trim() ?? '',
    }))
    .sort((a, b) => Number(b.name === 'demo') - Number(a.name === 'demo') || (a.name < b.name ? -1 : 1));
}

/** The list as lines of a help text. */
export function recipeListText(): string {
  const recipes = listRecipes();
  const width = Math.max(...recipes.map(({ name }) => name.length));
  return [
    'Built-in recipes:',
    ...recipes.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`),
  ].join('\n');
}
