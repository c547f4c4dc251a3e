/**
 * What a recipe's sources come to: card and overrides merged, and where the data is on this machine. Nothing is fetched: a source
 * whose data is only on the Hub says which path it was looked for at and how to name another.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type Columns,
  type DataCard,
  type GeneratedData,
  type Role,
  type TemplateName,
  templateSlots,
  type Where,
} from '../src/core/card.ts';
import { nearest } from '../src/core/config.ts';
import { InputError, UserError } from '../src/core/errors.ts';
import { type LoadedRecipe, loadCard } from './load.ts';
import type { RecipeSource } from './recipe.ts';

export interface ResolvedSource {
  name: string;
  role: Role;
  template: TemplateName;
  columns: Columns;
  /** Which records are taken; all of them where it is undefined. */
  where?: Where | undefined;
  format: 'auto' | 'parquet' | 'jsonl' | 'json';
  card: DataCard | undefined;
  /** What the recipe says, else the card. */
  license?: string | undefined;
  data:
    | { kind: 'files'; paths: string[] }
    | { kind: 'generated'; spec: GeneratedData }
    /** Not on this machine: where it was expected, its Hub repository, and the `hf://` addresses that the recipe itself gives. */
    | { kind: 'missing'; expected: string; hub: string | undefined; addresses?: string[] };
}

/** Columns of what the built-in generators make. */
const generatedColumns: Record<
  GeneratedData['kind'],
  { template: TemplateName; columns: Columns; role: Role }
> = {
  qa: { template: 'question-answer', role: 'qa', columns: { question: 'question', answer: 'response' } },
  'long-cot': {
    template: 'question-think',
    role: 'long-cot',
    columns: { question: 'question', reasoning: 'reasoning', answer: 'answer' },
  },
  instruction: {
    template: 'user-assistant',
    role: 'instruction',
    columns: { question: 'question', answer: 'response' },
  },
  pages: { template: 'text', role: 'web', columns: { text: 'text' } },
  general: { template: 'text', role: 'general', columns: { text: 'text' } },
};

/** All sources of a recipe, in its order. `cwd` is where the data of cards without a path of their own is looked for. */
export function resolveSources(loaded: LoadedRecipe, cwd: string): ResolvedSource[] {
  return Object.entries(loaded.recipe.sources).map(([name, source]) =>
    resolveSource(name, source, loaded, cwd),
  );
}

function resolveSource(
  name: string,
  source: RecipeSource,
  loaded: LoadedRecipe,
  cwd: string,
): ResolvedSource {
  const card = source.card === undefined ? undefined : loadCard(source.card, loaded.folder);
  const cardRole = trainingRole(card, name, loaded.file);
  const data = locate(source, card, loaded.folder, cwd);
  // A card that describes generated records says their columns; a generator named in the recipe has those of its kind.
  const describes = card !== undefined && (data.kind !== 'generated' || 'generator' in card.project.data);
  const generated = data.kind === 'generated' && !describes ? generatedColumns[data.spec.kind] : undefined;
  const role = source.role ?? cardRole ?? generated!.role;
  const columns = source.columns ?? generated?.columns ?? card?.project.columns ?? {};
  const template = source.template ?? generated?.template ?? card?.project.template ?? 'text';
  return {
    name,
    role,
    template,
    columns:
      template === 'text' && columns.text === undefined
        ? { ...columns, text: 'text' }
        : checkColumns(columns, template, `${loaded.file}`, name),
    where:
      source.where ??
      (source.columns === undefined && generated === undefined ? card?.project.where : undefined),
    // The card's format is that of the card's own files.
    format: source.format ?? (source.data === undefined ? card?.project.format : undefined) ?? 'auto',
    card,
    license: source.license ?? card?.license,
    data,
  };
}

/** The card's role in a mixture; a benchmark has none, whatever `role` the recipe gives it. */
function trainingRole(card: DataCard | undefined, name: string, file: string): Role | undefined {
  const role = card?.project.role;
  if (role !== 'benchmark') return role;
  throw new InputError(file, `the data card ${card!.name} is a benchmark and must not be trained on`, {
    place: `sources.${name}.card`,
    hint: 'take the source out; benchmarks are for decontamination (benchmarks: in a pipeline) and evaluation',
  });
}

function checkColumns(columns: Columns, template: TemplateName, file: string, name: string): Columns {
  if ((template === 'user-assistant' || template === 'chat') && columns.messages !== undefined)
    return columns;
  for (const slot of templateSlots[template]) {
    if (columns[slot] !== undefined) continue;
    throw new InputError(file, `template ${template} needs a column for ${slot}`, {
      place: `sources.${name}.columns`,
      hint: `write columns: { ${templateSlots[template].map((s) => `${s}: <column>`).join(', ')} }${template === 'user-assistant' || template === 'chat' ? ' or { messages: <column> }' : ''}`,
    });
  }
  return columns;
}

function locate(
  source: RecipeSource,
  card: DataCard | undefined,
  folder: string,
  cwd: string,
): ResolvedSource['data'] {
  const own = source.data;
  if (own !== undefined)
    return typeof own === 'object' && 'generator' in own
      ? { kind: 'generated', spec: own }
      : files(own, folder);
  const data = card!.project.data;
  if ('generator' in data) return { kind: 'generated', spec: data };
  if ('path' in data) return files(data.path, dirname(card!.file));
  const expected = resolve(cwd, 'data', card!.name);
  return existsSync(expected)
    ? { kind: 'files', paths: [expected] }
    : { kind: 'missing', expected, hub: data.hub };
}

function files(data: string | string[], folder: string): ResolvedSource['data'] {
  const given = typeof data === 'string' ? [data] : data;
  if (given.every((path) => path.startsWith('hf://')))
    return { kind: 'missing', expected: given[0]!, hub: given.join(', '), addresses: given };
  const paths = given.map((path) => resolve(folder, path));
  const absent = paths.find((path) => !existsSync(path));
  return absent === undefined
    ? { kind: 'files', paths }
    : { kind: 'missing', expected: absent, hub: undefined };
}

/** The recipe with the data of some sources taken from elsewhere (`--data source=path`, relative to `cwd`). */
export function withData(
  loaded: LoadedRecipe,
  data: Readonly<Record<string, string[]>>,
  cwd: string,
): LoadedRecipe {
  const sources = { ...loaded.recipe.sources };
  for (const [name, paths] of Object.entries(data)) {
    const source = sources[name];
    if (source === undefined) {
      const near = nearest(name, Object.keys(sources));
      throw new UserError(
        `--data ${name}: the recipe has no such source${near === undefined ? '' : `; did you mean "${near}"?`}`,
        {
          hint: `its sources are: ${Object.keys(sources).join(', ')}`,
        },
      );
    }
    sources[name] = {
      ...source,
      data: paths.map((path) => (path.startsWith('hf://') ? path : resolve(cwd, path))),
    };
  }
  return { ...loaded, recipe: { ...loaded.recipe, sources } };
}

/** Throws a `UserError` that names every source whose data is not here, the path looked at, and the cure. */
export function assertPresent(sources: readonly ResolvedSource[]): void {
  const missing = sources.filter((s) => s.data.kind === 'missing');
  if (missing.length === 0) return;
  const lines = missing.map((source) => {
    const data = source.data as { expected: string; hub: string | undefined };
    if (data.expected === data.hub) return `  - ${source.name}: ${data.hub} on the Hugging Face Hub`;
    return `  - ${source.name}: nothing at ${data.expected}${data.hub === undefined ? '' : ` (its card names ${data.hub} on the Hugging Face Hub; nothing is downloaded by itself)`}`;
  });
  const first = missing[0]!.name;
  throw new UserError(
    `the data of ${missing.length === 1 ? 'one source is' : `${missing.length} sources are`} not on this machine:\n${lines.join('\n')}`,
    {
      hint: `${missing.some((s) => s.data.kind === 'missing' && s.data.hub !== undefined) ? 'give --download to fetch as much as is needed from the Hub, ' : ''}fetch it and put it there, or name what you have: --data ${first}=./path (or sources: { ${first}: { data: ./path } } in a recipe of your own); --dry-run plans with the sizes of the cards`,
    },
  );
}
